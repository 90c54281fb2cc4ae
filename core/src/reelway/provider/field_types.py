"""Whether the fields of a request hold values of their types: what comes from a form or a file is often a text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from reelway.errors import Problem
from reelway.model.request import Media, VideoRequest

TYPES: Final[Mapping[str, tuple[tuple[type, ...], str]]] = {
    "model": ((str,), "a text"),
    "prompt": ((str,), "a text"),
    "duration": ((int, float), "a number of seconds"),
    "aspect_ratio": ((str,), 'a text such as "16:9"'),
    "resolution": ((str,), 'a text such as "720p"'),
    "size": ((str,), 'a text such as "1280x720"'),
    "seed": ((int,), "a whole number"),
    "first_frame": ((Media,), "a Media"),
    "last_frame": ((Media,), "a Media"),
    "audio": ((bool,), "True or False"),
    "callback_url": ((str,), "a text"),
    "extra": ((Mapping,), "a mapping from names to values"),
}
"""The types of each field that is given, and how a person says that."""

REQUIRED: Final = frozenset({"model", "prompt"})
"""Those that are never None."""


def mistyped(request: VideoRequest) -> Iterator[Problem]:
    """Every field that holds something else than its type, told without its value, which may be secret."""
    for field, (types, kind) in TYPES.items():
        value = getattr(request, field)
        if not _fits(value, types) and (value is not None or field in REQUIRED):
            yield Problem(field=field, message=f"has to be {kind}, and is of type {type(value).__name__}")
    references: Any = request.references
    if not (isinstance(references, tuple) and all(isinstance(one, Media) for one in references)):
        yield Problem(field="references", message="has to be a tuple of Media")
    if isinstance(request.extra, Mapping):
        yield from (problem for name, value in request.extra.items() for problem in _unwritable(name, value))


def _fits(value: Any, types: tuple[type, ...]) -> bool:
    # For Python True is the number 1; as a duration or a seed it is a mistake.
    return isinstance(value, types) and (not isinstance(value, bool) or bool in types)


def _unwritable(name: Any, value: Any) -> Iterator[Problem]:
    if not isinstance(name, str):
        yield Problem(
            field="extra", message=f"its names have to be texts, and one is of type {type(name).__name__}"
        )
        return
    try:
        msgspec.json.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        yield Problem(field=f"extra.{name}", message=f"cannot be written down ({type(error).__name__})")
