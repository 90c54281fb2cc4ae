"""Readers: small tools that turn one foreign value into one of ours, or into None.

None of them raises on a strange value: a single odd field must not make a paid task unreadable. Only a body
that is no JSON at all is an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias, TypeGuard, TypeVar
from urllib.parse import urlsplit

import msgspec

from reelway.errors import ErrorKind, ProviderError

Json: TypeAlias = Any
"""A decoded JSON value."""

Place: TypeAlias = str
"""Where a value stands in a document: keys and list indexes joined by dots, as in ``data.output.0``."""

T = TypeVar("T")

MILLISECONDS_FROM = 100_000_000_000
"""Numbers below are seconds (until the year 5138), numbers from here on are milliseconds (since 1973)."""

MAX_TEXT = 4096
"""Longer texts of a provider are cut; they are reasons and names, not data."""

MAX_LINK = 1 << 14
"""Longer addresses are taken by no server; what is longer in the place of a link is data."""

_LAST_MILLISECOND = 253402300799_000  # 9999-12-31T23:59:59Z, the last second that datetime holds

_decoder = msgspec.json.Decoder()

# msgspec lets all of these out on foreign bytes.
_DECODE_ERRORS = (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ValueError, OverflowError)


def decode_json(body: bytes) -> Json:
    """Decode a JSON body.

    Raises:
        ProviderError: kind ``protocol``; the body is no JSON.
    """
    try:
        return _decoder.decode(body)
    except _DECODE_ERRORS as error:
        reason = type(error).__name__ if isinstance(error, RecursionError) else str(error)
        raise ProviderError(f"The answer is no readable JSON: {reason}.", kind=ErrorKind.PROTOCOL) from error


def decode_object(body: bytes) -> dict[str, Json]:
    """Decode a JSON body that has to be an object.

    Raises:
        ProviderError: kind ``protocol``; the body is no JSON object.
    """
    document = decode_json(body)
    if not isinstance(document, dict):
        kind = type(document).__name__
        raise ProviderError(f"The answer is JSON, but no object ({kind}).", kind=ErrorKind.PROTOCOL)
    return document


def pick(document: Json, place: Place) -> Json:
    """The value at a place, or None where the document does not reach that far."""
    for key in place.split("."):
        document = item(document, key)
    return document


def item(document: Json, key: str) -> Json:
    """The member of an object, or the item of an array by its number; None where there is none."""
    if isinstance(document, dict):
        return document.get(key)
    if isinstance(document, list) and key.isdecimal():
        return document[int(key)] if int(key) < len(document) else None
    return None


def first(document: Json, places: tuple[Place, ...], read: Callable[[Json], T | None]) -> T | None:
    """What ``read`` makes of the first of several places in which it finds something to read.

    For many facts at once, as in each poll, there is :class:`reelway.provider.search.Search`.
    """
    for place in places:
        value = pick(document, place)
        if value is not None and (found := read(value)) is not None:
            return found
    return None


def text(value: Json) -> str | None:
    """A non-empty text, as written; a number becomes its text. Everything else is absent."""
    if isinstance(value, str):
        return value[:MAX_TEXT] or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if value.bit_length() <= 64 else None
    return None


def first_text(document: Json, places: tuple[Place, ...]) -> str | None:
    """The first non-empty text of several places."""
    return first(document, places, text)


def word(value: Json) -> str | None:
    """A non-empty text in full; a number is none."""
    return value or None if isinstance(value, str) else None


def identifier(document: Json, places: tuple[Place, ...]) -> str | None:
    """The first task id of several places. Ids are texts; a number in such a place is a row number."""
    return first(document, places, word)


def percent(value: Json) -> int | None:
    """Progress as an integer from 0 to 100; reads ``50``, ``50.0``, ``"50"`` and ``"50%"``."""
    if isinstance(value, str):
        value = _number_of(value.strip().removesuffix("%"))
    if not _is_number(value):
        return None
    return 0 if value < 0 else 100 if value > 100 else int(value)


def moment(value: Json) -> datetime | None:
    """A point in time: Unix seconds or milliseconds, told apart by magnitude, or ISO 8601 text.

    Zero, empty text and anything out of range mean absent. ISO text without a zone is taken for UTC.
    """
    if isinstance(value, str):
        number = _number_of(value)
        return _iso_moment(value) if number is None else moment(number)
    if not _is_number(value) or not 0 < value <= _LAST_MILLISECOND:
        return None
    return datetime.fromtimestamp(value if value < MILLISECONDS_FROM else value / 1000, UTC)


def first_moment(document: Json, places: tuple[Place, ...]) -> datetime | None:
    """The first readable point in time of several places."""
    return first(document, places, moment)


def link(value: Json) -> str | None:
    """An absolute http(s) URL, exactly as written.

    The places of links also hold empty texts, placeholders and error messages; all of these are absent.
    """
    if not isinstance(value, str) or len(value) > MAX_LINK:
        return None
    if _PLAIN_LINK.fullmatch(value):
        return value
    if not value.isprintable() or not value.isascii() or " " in value:
        return None
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return value if usable and not _PLACEHOLDER.search(value) else None


def first_link(document: Json, places: tuple[Place, ...]) -> str | None:
    """The first usable link of several places."""
    return first(document, places, link)


def shown(value: Json) -> str | None:
    """A number or text exactly as written, for keeping beside its reading."""
    return str(value)[:64] if isinstance(value, (str, float, bool)) else text(value)


_PLAIN_LINK = re.compile(r"https?://[A-Za-z0-9.-]+/[!#-;=?-\[\]_a-z~]*")
"""What nearly all links look like, and the rules below all accept: it is told at a fifth of their price."""

_PLACEHOLDER = re.compile(r"[<>{}\"\\^`|]")
"""Characters that no URL may hold (RFC 3986, section 2) and that mark a template or a text."""

_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?\Z", re.ASCII)

_ISO_FRACTION = re.compile(r"(\.\d{6})\d+")


def _is_number(value: Json) -> TypeGuard[int | float]:
    # JSON holds integers that no float can, so only a float is asked whether it is finite.
    return type(value) is int or (type(value) is float and math.isfinite(value))


def _number_of(written: str) -> float | None:
    stripped = written.strip()
    if len(stripped) <= 18 and stripped.isascii() and stripped.isdecimal():
        return int(stripped)
    return float(stripped) if _NUMBER.match(stripped) else None


def _iso_moment(written: str) -> datetime | None:
    # datetime keeps microseconds; some gateways write nanoseconds.
    try:
        parsed = datetime.fromisoformat(_ISO_FRACTION.sub(r"\1", written.strip()[:64]))
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
