"""The ways to a reading: a provider, a call and a route, and where the answers read there keep their facts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache, reduce
from typing import Any, Final, NamedTuple

import pytest
from msgspec.structs import astuple, replace

from reelway.errors import ProviderError
from reelway.model.http import HttpResponse
from reelway.model.observation import Observation, Status
from reelway.provider.canonical import Call
from reelway.provider.interface import Provider
from reelway.provider.readers import Place
from reelway.provider.videos_api import Places, VideosApi
from reelway.testing.contract import answers, places
from reelway.testing.contract.answers import Answer
from reelway.testing.contract.places import Fact
from reelway.testing.contract.subject import Subject
from tests.provider.calls import (
    ASKED,
    CALLED_BACK,
    PROVIDERS,
    check_believable,
    readings,
    routes_of,
    samples_folder,
)

FAMILY: Final = [provider for provider in PROVIDERS if isinstance(provider, VideosApi)]


class Way(NamedTuple):
    """One way to a reading: a provider, a call, and the route of the task."""

    provider: Provider
    call: str
    route: str

    def __str__(self) -> str:
        return "-".join(filter(None, (self.provider.info.name, self.call, self.route)))

    @property
    def places(self) -> Places:
        """Where the answers keep their facts: by the tables of the family, and else as its answers show."""
        if not isinstance(self.provider, VideosApi):
            return found_places(self.provider, self.call)
        if self.call == "callback":
            return self.provider.callback_places
        return self.provider.dialects[self.route].places

    def word(self, status: Status) -> str:
        """The provider's first word for a status."""
        return next(word for word, meant in self.provider.info.words.items() if meant is status)

    def about(self, facts: Mapping[Place, Any] | None = None, *, word: str | None = None) -> dict[str, Any]:
        """An answer about the task that was asked for, with these values at these places."""
        told = {self.places.ids[0]: ASKED} | ({} if word is None else {self.places.words[0]: word})
        return self.answer(told | dict(facts or {}))

    def answer(self, facts: Mapping[Place, Any]) -> dict[str, Any]:
        """An answer with these values at these places, and with no other fact."""
        return frame(self.provider, self.call) | document(facts)

    def done(self, facts: Mapping[Place, Any] | None = None) -> dict[str, Any]:
        """The same about a task that has succeeded."""
        return self.about(facts, word=self.word(Status.SUCCEEDED))

    def read(self, told: Mapping[str, Any] | bytes, asked: str = ASKED) -> list[Observation]:
        """What is read from an answer; nothing where it is refused."""
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        seen = readings(self.call, self.provider, HttpResponse(status=200, body=body), self.route, asked)
        for one in seen:
            check_believable(self.provider, one)
        return seen


def ways(*calls: str) -> Iterator[Way]:
    for provider in PROVIDERS:
        for call in calls:
            if call != "callback":
                yield from (Way(provider, call, route) for route in shapes_of(provider))
            elif provider in CALLED_BACK:
                yield Way(provider, call, "")


def shapes_of(provider: Provider) -> list[str]:
    """The routes whose answers are shaped each in its own way."""
    # Only the family has tables for that; elsewhere a route is a part of the address.
    return routes_of(provider) if isinstance(provider, VideosApi) else routes_of(provider)[:1]


EVERY_WAY: Final = list(ways("create", "retrieve", "callback"))

every_way = pytest.mark.parametrize("way", EVERY_WAY, ids=str)


def at(place: Place, value: Any) -> dict[str, Any]:
    """A document that holds a value at a place and nothing else."""
    for key in reversed(place.split(".")):
        value = [value] if key == "0" else {key: value}
    assert isinstance(value, dict)
    return value


def document(facts: Mapping[Place, Any]) -> dict[str, Any]:
    """A document that holds each value at its place and nothing else."""
    return reduce(_merged, (at(place, value) for place, value in facts.items()), {})


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    both = {key: _merged(one[key], value) for key, value in other.items() if _are_objects(one.get(key), value)}
    return one | other | both


def _are_objects(one: Any, other: Any) -> bool:
    return isinstance(one, dict) and isinstance(other, dict)


FACTS: Final[Mapping[str, Fact]] = {
    "ids": places.TASK_ID,
    "progress": places.PROGRESS,
    "model": places.MODEL,
    "created_at": places.CREATED_AT,
    "completed_at": places.COMPLETED_AT,
    "expires_at": places.EXPIRES_AT,
    "links": places.LINK,
    "failure_message": places.REASON,
}
"""How each fact is found in an answer, but for the word, which is another fact for each provider."""


@cache
def found_places(provider: Provider, call: str) -> Places:
    """Where a call reads each fact, in whichever of the provider's good answers."""
    facts = {**FACTS, "words": places.word_of(provider)}
    told = list(_read_by(provider, Call(call)))
    return Places(**{name: _found(provider, told, fact) for name, fact in facts.items()})


@cache
def frame(provider: Provider, call: str) -> dict[str, Any]:
    """What an answer must have beside its facts: nothing in the family; elsewhere a create may ask for more."""
    if provider in FAMILY or call != "create":
        return {}
    keys = {place.partition(".")[0] for some in astuple(found_places(provider, call)) for place in some}
    told: dict[str, Any] = next(_read_by(provider, Call(call))).document
    return {key: value for key, value in told.items() if key not in keys}


def _found(provider: Provider, told: list[Answer], fact: Fact) -> tuple[Place, ...]:
    spots = [spot for answer in told for spot in places.places(provider, answer, fact)]
    return tuple(dict.fromkeys(".".join(map(str, spot)) for spot in spots))


def _read_by(provider: Provider, call: Call) -> Iterator[Answer]:
    for answer in Subject(provider, samples=samples_folder(provider)).answers:
        try:
            seen = answers.read(provider, call, answer.response(answer.body), answer.route)
        except ProviderError:
            continue
        yield replace(answer, call=call, seen=seen)
