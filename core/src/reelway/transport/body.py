"""Bodies are read with a limit and inflated with a limit."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from io import BytesIO
from typing import Any, Final

PIECE: Final = 64 * 1024
"""Bytes inflated at a time."""


class BodyRefused(Exception):
    """A body was larger than allowed, or compressed in a way that cannot be bounded."""


class BoundedBody:
    """Collects a body within the limit, inflating it within the limit where a server compressed it unasked."""

    def __init__(self, encoding: str, limit: int) -> None:
        """``encoding`` is the answer's ``Content-Encoding``; ``limit`` counts bytes as sent and as inflated."""
        self._inflate = _inflater(encoding.strip().lower())
        self._limit = limit
        # Not a list of parts: a server may send its body in pieces of a byte, and each would cost its own object.
        self._whole = BytesIO()
        self._received = 0
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Take the next bytes as sent.

        Raises:
            BodyRefused: the limit is passed, or the compression is broken.
        """
        self._received += len(chunk)
        if self._received > self._limit:
            raise BodyRefused(f"it is larger than {self._limit} bytes")
        for part in [chunk] if self._inflate is None else self._inflated(chunk):
            self._size += len(part)
            if self._size > self._limit:
                raise BodyRefused(f"it inflates to more than {self._limit} bytes")
            self._whole.write(part)

    def whole(self) -> bytes:
        """Everything taken so far."""
        return self._whole.getvalue()

    def _inflated(self, chunk: bytes) -> Iterator[bytes]:
        """The chunk inflated, a little at a time: what a small one can become may not fit into memory."""
        full = True
        # A piece that came out full may have more behind it, even where all that went in is used up.
        while chunk or full:
            try:
                part = self._inflate.decompress(chunk, PIECE)
            except zlib.error as error:
                raise BodyRefused("its compression is broken") from error
            chunk, full = self._inflate.unconsumed_tail, len(part) == PIECE
            yield part


def _inflater(encoding: str) -> Any:
    if encoding in {"", "identity"}:
        return None
    if encoding in {"gzip", "x-gzip", "deflate"}:
        return zlib.decompressobj(zlib.MAX_WBITS | 32)
    raise BodyRefused("it is compressed in a way that was not asked for")
