"""What a user may say about a gateway, and the check of it: everything that is wrong is told at once."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Final, Required, TypeAlias, TypedDict

from msgspec.structs import fields

from reelway.errors import Problem
from reelway.model.observation import Status
from reelway.provider.forms import BodyStyle
from reelway.provider.readers import link
from reelway.provider.videos_api import Places
from reelway.provider.words import fold
from reelway_videos_api.mapping import DURATIONS, NAMES, places_of


class Settings(TypedDict, total=False):
    """What may be said about a gateway, as the keyword arguments of ``gateway()`` and the keys of its table.

    Attributes:
        base_url: where it lives, with or without ``/v1`` at the end.
        key_variable: the environment variable that holds its key; else ``<NAME>_API_KEY``.
        cadence: the seconds before the first poll, and the longest that waits between polls grow to.
        body: ``"multipart"``, as OpenAI has it, or ``"json"``.
        words: its status words and what each means, beside those that are known anyway.
        places: where its answers keep a fact, as a path or as several in order of trust; dots reach into objects
            and lists. A fact that is named here is looked for nowhere else.
        fields: where its requests have a field; dots reach into objects.
        paths: its paths; ``{id}`` stands for the task. An empty one is a call that it does not have.
    """

    base_url: Required[str]
    key_variable: str
    cadence: Sequence[float]
    body: str
    words: Mapping[str, str]
    places: Mapping[str, str | Sequence[str]]
    fields: Mapping[str, str]
    paths: Mapping[str, str]


NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")

VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]*")

PLACE: Final = re.compile(r"[^.\s]+(\.[^.\s]+)*")

MEANINGS: Final = tuple(status.value for status in Status if status is not Status.LOST)
"""What a word can mean; ``lost`` is what Reelway concludes by itself."""

FACTS: Final = tuple(one.name for one in fields(Places))

NEEDED_FACTS: Final = frozenset({"ids", "words"})
"""Without these no task can be followed."""

SEGMENTS: Final = r"/?[A-Za-z0-9_~-][A-Za-z0-9_.~-]*(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)*"

OF_A_TASK: Final = rf"{SEGMENTS}/\{{id\}}(?:{SEGMENTS})?"

ASKED_FOR: Final = rf"{OF_A_TASK}|{SEGMENTS}\?[A-Za-z0-9_]+=\{{id\}}"

PATHS: Final[Mapping[str, tuple[re.Pattern[str], str]]] = {
    "create": (re.compile(SEGMENTS), "v1/videos"),
    "read": (re.compile(ASKED_FOR), "v1/videos/{id}"),
    "content": (re.compile(f"{ASKED_FOR}|"), "v1/videos/{id}/content"),
    "remix": (re.compile(f"{OF_A_TASK}|"), "v1/videos/{id}/remix"),
}
"""The shape of each path, and how it is spelt at OpenAI."""

KEYS: Final = frozenset({"api_key", "key", "token", "secret"})
"""Where people who look for a place for their key try first."""

Rule: TypeAlias = Callable[[str, Any], Iterable[Problem]]
"""Finds what is wrong with the value of one setting, which is told first."""


def problems_in(name: str, settings: Mapping[str, Any]) -> list[Problem]:
    """Everything that is wrong with a gateway's name and settings."""
    found = list(_name(name))
    if "base_url" not in settings:
        found.append(Problem(field="base_url", message="is missing; say where the gateway lives"))
    for setting, value in settings.items():
        found += RULES.get(setting, _no_setting)(setting, value)
    return found or list(_collisions(settings))


def _name(name: str) -> Iterator[Problem]:
    if not NAME.fullmatch(name):
        yield Problem(field="name", message=f"{_shown(name)} is not of small letters, digits and hyphens")


def _base_url(setting: str, value: Any) -> Iterator[Problem]:
    # Not quoted: an address may hold a password, and a variable's name may be the key itself.
    if link(value) is None or set(value) & set("?#@"):
        message = "is no address such as https://api.example.com, without user name, query and fragment"
        yield Problem(field=setting, message=message)


def _key_variable(setting: str, value: Any) -> Iterator[Problem]:
    if not isinstance(value, str) or not VARIABLE.fullmatch(value):
        message = "is no name of an environment variable such as WORK_KEY; the key itself belongs into the variable"
        yield Problem(field=setting, message=message)


def _cadence(setting: str, value: Any) -> Iterator[Problem]:
    numbers = [one for one in value if _is_number(one)] if isinstance(value, list | tuple) else []
    if len(numbers) != 2 or len(value) != 2 or not 0 < numbers[0] <= numbers[1]:
        yield Problem(
            field=setting, message="is not two numbers of seconds, the shorter one first, such as [5, 15]"
        )


def _body(setting: str, value: Any) -> Iterator[Problem]:
    if value not in list(BodyStyle):
        yield Problem(field=setting, message=f"{_shown(value)} is no way to send a body", allowed=tuple(BodyStyle))


def _word(setting: str, word: str, value: Any) -> Iterator[Problem]:
    if fold(word) is None:
        yield Problem(field=setting, message="is no word that can be compared: plain ASCII, and not empty")
    if value not in MEANINGS:
        yield Problem(field=setting, message=f"{_shown(value)} is no status", allowed=MEANINGS)


def _place(setting: str, fact: str, value: Any) -> Iterator[Problem]:
    if fact not in FACTS:
        yield _unknown(setting, fact, FACTS)
        return
    given = value if isinstance(value, list | tuple) else [value]
    if not given and fact in NEEDED_FACTS:
        yield Problem(field=setting, message="needs a place, for no task can be followed without it")
    for place in given:
        yield from _path_into_json(setting, place)


def _field(setting: str, field: str, value: Any) -> Iterator[Problem]:
    if field not in NAMES:
        yield _unknown(setting, field, NAMES)
        return
    yield from _path_into_json(setting, value)


def _path(setting: str, path: str, value: Any) -> Iterator[Problem]:
    if path not in PATHS:
        yield _unknown(setting, path, PATHS)
        return
    pattern, usual = PATHS[path]
    if not isinstance(value, str) or not pattern.fullmatch(value):
        yield Problem(field=setting, message=f"{_shown(value)} is no path such as {usual!r}")


def _table(rule: Callable[[str, str, Any], Iterable[Problem]]) -> Rule:
    """A rule for each row of a table."""

    def rows(setting: str, value: Any) -> Iterator[Problem]:
        if not isinstance(value, Mapping):
            yield Problem(field=setting, message=f"{_shown(value)} is no table")
            return
        for key, inner in value.items():
            yield from rule(f"{setting}.{key}", key, inner) if isinstance(key, str) else _no_text(setting, key)

    return rows


RULES: Final[Mapping[str, Rule]] = {
    "base_url": _base_url,
    "key_variable": _key_variable,
    "cadence": _cadence,
    "body": _body,
    "words": _table(_word),
    "places": _table(_place),
    "fields": _table(_field),
    "paths": _table(_path),
}


def _collisions(settings: Mapping[str, Any]) -> Iterator[Problem]:
    """What is right by itself, but not together."""
    words = [*map(fold, settings.get("words", {}))]
    for word in dict.fromkeys(word for word in words if words.count(word) > 1):
        yield Problem(field=f"words.{word}", message="is there twice; words are compared without case and hyphens")
    given = settings.get("fields", {})
    if given.keys() >= DURATIONS:
        yield Problem(field="fields", message=f"{' and '.join(sorted(DURATIONS))} say the same; name one of them")
    places = places_of(BodyStyle(settings.get("body", BodyStyle.MULTIPART)), given)
    for (field, place), (other, beside) in combinations(places.items(), 2):
        # In a form a dot is a character like any other, but who writes one means an object.
        if f"{place}.".startswith(f"{beside}.") or f"{beside}.".startswith(f"{place}."):
            yield Problem(field=f"fields.{other}", message=f"{beside!r} is taken by {field}, at {place!r}")


def _path_into_json(setting: str, value: Any) -> Iterator[Problem]:
    if not isinstance(value, str) or not value.isprintable() or not PLACE.fullmatch(value):
        message = f"{_shown(value)} is no path into JSON: keys joined by dots, such as 'data.output.0'"
        yield Problem(field=setting, message=message)


def _no_setting(setting: str, value: Any) -> Iterator[Problem]:
    if setting in KEYS:
        yield Problem(
            field=setting, message="keys are kept in the environment; name their variable in key_variable"
        )
    else:
        yield _unknown(setting, setting, RULES)


def _no_text(setting: str, key: Any) -> Iterator[Problem]:
    yield Problem(field=setting, message=f"{_shown(key)} is no text")


def _unknown(setting: str, name: str, known: Collection[str]) -> Problem:
    """A name that there is not, with the one that it may have meant, or else with all."""
    similar = difflib.get_close_matches(name, list(known), n=1)
    return Problem(field=setting, message="is not known", allowed=tuple(similar) or tuple(known))


def _is_number(value: Any) -> bool:
    # TOML knows infinity.
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _shown(value: Any) -> str:
    """A value as it was given, as long as it is short."""
    return repr(value)[:60]
