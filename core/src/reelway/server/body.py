"""Reading what a stranger sends: bounded in size, in time, and in what all bodies together may hold."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

from msgspec import Struct

from reelway.model.http import Headers, find_header
from reelway.server.asgi import ENCODED, MALFORMED, TOO_LARGE, TOO_SLOW, UNAVAILABLE, Receive, Refused, body_pieces

MIB: Final = 1024 * 1024

OVERHEAD: Final = 4096
"""Bytes that a delivery counts for beside its body."""

_LENGTH: Final = re.compile(r"[0-9]{1,15}", re.ASCII)

Take: TypeAlias = Callable[[int], None]


class Limits(Struct, frozen=True, kw_only=True):
    """What a receiver takes.

    Attributes:
        body: bytes of one callback.
        seconds: for a body to arrive in.
        memory: bytes of all callbacks that are arriving or waiting to be written.
        waiting: requests that wait for the ledger.
    """

    body: int = 2 * MIB
    seconds: float = 10.0
    memory: int = 64 * MIB
    waiting: int = 10_000


class Room:
    """The memory that all deliveries share. Used from one event loop."""

    def __init__(self, size: int) -> None:
        """Begin empty; ``size`` is in bytes."""
        self._free = size

    @contextmanager
    def share(self) -> Iterator[Take]:
        """The share of one delivery: takes bytes as they arrive, and gives all of them back at the end.

        Taking more than is left raises :class:`Refused`: the provider is to come again.
        """
        taken = 0

        def take(size: int) -> None:
            nonlocal taken
            if size > self._free:
                raise Refused(UNAVAILABLE)
            self._free -= size
            taken += size

        try:
            take(OVERHEAD)
            yield take
        finally:
            self._free += taken


async def read_body(headers: Headers, receive: Receive, limits: Limits, take: Take) -> bytes:
    """The whole body of a request.

    Raises:
        Refused: it is compressed, too large, too slow, or there is no room for it.
        Disconnected: it breaks off.
    """
    _check_headers(headers, limits)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.seconds):
            async for piece in body_pieces(receive):
                if len(body) + len(piece) > limits.body:
                    raise Refused(TOO_LARGE)
                take(len(piece))
                body += piece
    except TimeoutError:
        raise Refused(TOO_SLOW) from None
    return bytes(body)


def _check_headers(headers: Headers, limits: Limits) -> None:
    """Refuse what need not be read to be refused."""
    # A few bytes may inflate to gigabytes, and no provider compresses what it posts.
    if (find_header(headers, "content-encoding") or "identity").strip().lower() != "identity":
        raise Refused(ENCODED)
    length = find_header(headers, "content-length") or "0"
    if not _LENGTH.fullmatch(length):
        raise Refused(MALFORMED)
    if int(length) > limits.body:
        raise Refused(TOO_LARGE)
