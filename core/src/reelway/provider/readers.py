"""Readers: small tools that turn one foreign value into one of ours, or into None.

None of them raises on a strange value: a single odd field must not make a paid task unreadable. Only a body
that is no JSON at all is an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeAlias, TypeGuard
from urllib.parse import urlsplit

import msgspec

from reelway.errors import ErrorKind, ProviderError

Json: TypeAlias = Any
"""A decoded JSON value."""

Place: TypeAlias = str
"""Where a value stands in a document: keys and list indexes joined by dots, as in ``data.output.0``."""

MILLISECONDS_FROM = 1e11
"""Numbers below are seconds (until the year 5138), numbers from here on are milliseconds (since 1973)."""

MAX_TEXT = 4096
"""Longer texts of a provider are cut; they are reasons and names, not data."""

_LAST_SECOND = 253402300799  # 9999-12-31T23:59:59Z, the last that datetime holds

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
    for key in _keys(place):
        if isinstance(document, dict):
            document = document.get(key)
        elif isinstance(document, list) and key.isdecimal():
            document = document[int(key)] if int(key) < len(document) else None
        else:
            return None
    return document


def pick_all(document: Json, places: Iterable[Place]) -> Iterator[Json]:
    """The values at several places, in their order, absent ones left out."""
    for place in places:
        value = pick(document, place)
        if value is not None:
            yield value


@cache
def _keys(place: Place) -> tuple[str, ...]:
    return tuple(place.split("."))


def text(value: Json) -> str | None:
    """A non-empty text, as written; a number becomes its text. Everything else is absent."""
    if isinstance(value, str):
        return value[:MAX_TEXT] or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if value.bit_length() <= 64 else None
    return None


def first_text(document: Json, places: Iterable[Place]) -> str | None:
    """The first non-empty text of several places."""
    return next((found for found in map(text, pick_all(document, places)) if found), None)


def identifier(document: Json, places: Iterable[Place]) -> str | None:
    """The first task id of several places. Ids are texts; a number in such a place is a row number."""
    values = pick_all(document, places)
    return next((value for value in values if isinstance(value, str) and value), None)


def percent(value: Json) -> int | None:
    """Progress as an integer from 0 to 100; reads ``50``, ``50.0``, ``"50"`` and ``"50%"``."""
    if isinstance(value, str):
        value = _number_of(value.strip().removesuffix("%"))
    if not _is_number(value):
        return None
    return int(min(100, max(0, value)))


def moment(value: Json) -> datetime | None:
    """A point in time: Unix seconds or milliseconds, told apart by magnitude, or ISO 8601 text.

    Zero, empty text and anything out of range mean absent. ISO text without a zone is taken for UTC.
    """
    if isinstance(value, str):
        number = _number_of(value)
        return _iso_moment(value) if number is None else moment(number)
    if not _is_number(value) or not 0 < value <= _LAST_SECOND * 1000:
        return None
    seconds = value / 1000 if value >= MILLISECONDS_FROM else value
    return datetime.fromtimestamp(seconds, UTC)


def first_moment(document: Json, places: Iterable[Place]) -> datetime | None:
    """The first readable point in time of several places."""
    return next((found for found in map(moment, pick_all(document, places)) if found), None)


def link(value: Json) -> str | None:
    """An absolute http(s) URL, exactly as written.

    The places of links also hold empty texts, placeholders and error messages; all of these are absent.
    """
    if not isinstance(value, str) or not value.isprintable() or not value.isascii() or " " in value:
        return None
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    return value if usable and not _PLACEHOLDER.search(value) else None


def first_link(document: Json, places: Iterable[Place]) -> str | None:
    """The first usable link of several places."""
    return next((found for found in map(link, pick_all(document, places)) if found), None)


def shown(value: Json) -> str | None:
    """A number or text exactly as written, for keeping beside its reading."""
    if value is None or (isinstance(value, Mapping | Sequence) and not isinstance(value, str)):
        return None
    return str(value)[:64] if isinstance(value, str | float | bool) else text(value)


_PLACEHOLDER = re.compile(r"[<>{}\"\\^`|]")
"""Characters that no URL may hold (RFC 3986, section 2) and that mark a template or a text."""

_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,18})?\Z", re.ASCII)

_ISO_FRACTION = re.compile(r"(\.\d{6})\d+")


def _is_number(value: Json) -> TypeGuard[int | float]:
    # JSON holds integers that no float can, so only a float is asked whether it is finite.
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _number_of(written: str) -> float | None:
    stripped = written.strip()
    return float(stripped) if _NUMBER.match(stripped) else None


def _iso_moment(written: str) -> datetime | None:
    # datetime keeps microseconds; OctopusX writes nanoseconds.
    try:
        parsed = datetime.fromisoformat(_ISO_FRACTION.sub(r"\1", written.strip()[:64]))
        return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
