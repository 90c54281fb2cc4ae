"""Whether a body is worth being believed at all: it is no larger than a task, and does not contradict itself."""

from __future__ import annotations

import json
from typing import Any, Final

from msgspec.json import encode

from reelway.errors import ProviderError
from reelway.provider.readers import decode_json

MOST_VALUES: Final = 10_000

READABLE: Final = ((1 << 19, MOST_VALUES), (1 << 21, 100))
"""The most bytes of a body, and the most values in that many. A task has kilobytes and dozens of values; what is
longer holds a long text, such as a picture that is handed back. So no body costs much to read."""

MOST_BYTES: Final = max(most for most, _ in READABLE)
"""Bytes of a body beyond which nothing is believed, so that nobody need receive more."""

MOST_PROVEN: Final = 1 << 14
"""The most bytes of a body that is written again to compare it; more than a task has, and little to hold twice."""

CONTRADICTION: Final = "it gives one field two different values"


def excess(body: bytes) -> str | None:
    """What is too much about a body, if anything is."""
    # Each value takes a byte.
    if len(body) <= MOST_VALUES:
        return None
    values = _values_in(body)
    if any(len(body) <= most_bytes and values <= most_values for most_bytes, most_values in READABLE):
        return None
    return f"{len(body)} bytes with up to {values} values are more than a task has"


def _values_in(body: bytes) -> int:
    """How many values a JSON text holds at most; punctuation inside of texts counts as well."""
    return 1 + sum(map(body.count, (b",", b"[", b"{")))


def contradicts_itself(body: bytes, *, strictly: bool = False) -> bool:
    """Whether a JSON text names one key twice with different values: parsers disagree about which counts.

    Raises:
        ValueError, RecursionError: ``strictly``, and it cannot be read. Otherwise it does not contradict itself.
    """
    if _names_no_key_twice(body):
        return False
    try:
        _decoder.decode(body.decode(json.detect_encoding(body), "surrogatepass"))
    except _ContradictionError:
        return True
    except (ValueError, RecursionError):
        if strictly:
            raise
    return False


def _names_no_key_twice(body: bytes) -> bool:
    """Whether it is proven, at a fraction of the price, that no key stands twice; False leaves it open.

    Of two members with one key a decoder drops one, and the quotation marks around its key with it. So a body that
    has as many of them as what was understood, written again, lost nothing. Those inside of texts count on both
    sides, but for one way to write them that only the body may use; such a body proves nothing.
    """
    if len(body) > MOST_PROVEN or rb"\u0022" in body:
        return False
    try:
        return body.count(b'"') == encode(decode_json(body)).count(b'"')
    except (ProviderError, RecursionError):
        return False


class _ContradictionError(Exception):
    pass


def _consistent(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for key, value in pairs:
        if key in document and document[key] != value:
            raise _ContradictionError
        document[key] = value
    return document


# Numbers stay texts, because those of thousands of digits are none.
_decoder: Final = json.JSONDecoder(object_pairs_hook=_consistent, parse_int=str)
