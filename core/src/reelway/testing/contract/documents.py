"""JSON documents taken apart: where values stand, and the same document with another value there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import msgspec
from msgspec import Raw

Json: TypeAlias = Any

Spot: TypeAlias = tuple[str | int, ...]
"""Where a value stands: keys and indexes from the outside in."""


def verbatim(text: str) -> Json:
    """JSON that is written as it stands, because no Python value gives it."""
    return Raw(text.encode())


def spots(document: Json, above: Spot = ()) -> Iterator[Spot]:
    """Where the document has a value that is no container, or an empty one."""
    items: Iterable[tuple[str | int, Json]]
    match document:
        case dict() if document:
            items = document.items()
        case list() if document:
            items = enumerate(document)
        case _:
            yield above
            return
    for key, value in items:
        yield from spots(value, (*above, key))


def holders(document: Json, above: Spot = ()) -> Iterator[Spot]:
    """Where the document has an object or a list, below its top."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in items:
        if isinstance(value, dict | list) and value:
            yield (*above, key)
            yield from holders(value, (*above, key))


def value_at(document: Json, spot: Spot) -> Json:
    """The value that stands there."""
    for key in spot:
        document = document[key]
    return document


def put(document: Json, spot: Spot, value: Json) -> Json:
    """The document with another value there."""
    if not spot:
        return value
    key, *deeper = spot
    copy: Any = dict(document) if isinstance(document, dict) else list(document)
    copy[key] = put(copy[key], tuple(deeper), value)
    return copy


def put_all(document: Json, places: Iterable[Spot], value: Json) -> Json:
    """The document with another value at several places."""
    for spot in places:
        document = put(document, spot, value)
    return document


def without(document: Json, spot: Spot) -> Json:
    """The document without the member that stands there; an item of a list becomes null, so that others stay."""
    key, *deeper = spot
    if deeper:
        return put(document, (key,), without(document[key], tuple(deeper)))
    if isinstance(document, list):
        return put(document, spot, None)
    return {name: value for name, value in document.items() if name != key}


def without_all(document: Json, places: Iterable[Spot]) -> Json:
    """The document without the members that stand at several places."""
    for spot in places:
        document = without(document, spot)
    return document


def reversed_members(document: Json) -> Json:
    """The same document, the members of each object in the opposite order."""
    match document:
        case dict():
            return {key: reversed_members(document[key]) for key in reversed(document)}
        case list():
            return [reversed_members(value) for value in document]
        case _:
            return document


def as_bytes(document: Json) -> bytes:
    """The document as a service would send it."""
    try:
        return msgspec.json.encode(document)
    except (OverflowError, UnicodeError):
        # A number or half a character that no careful writer lets out.
        return _text(document).encode("utf-8", "surrogatepass")


def _text(document: Json) -> str:
    match document:
        case Raw():
            return bytes(document).decode()
        case dict():
            return "{" + ", ".join(f"{json.dumps(key)}: {_text(value)}" for key, value in document.items()) + "}"
        case list():
            return "[" + ", ".join(map(_text, document)) + "]"
        case _:
            return json.dumps(document, ensure_ascii=False)


def shown(spot: Spot) -> str:
    """A place as people write it: ``data.output.0``."""
    return ".".join(map(str, spot)) or "the document itself"
