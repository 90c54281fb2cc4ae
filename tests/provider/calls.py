"""Every way in which an answer is read, with the samples of every installed provider."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TypeAlias

from reelway.errors import PluginError, ReelwayError
from reelway.model.http import HttpResponse
from reelway.model.lifecycle import advance
from reelway.model.observation import Observation
from reelway.model.task import Task, TaskRef
from reelway.provider.interface import Capability, Provider
from reelway.provider.reading import (
    NO_POLL,
    read_callback,
    read_create,
    read_error,
    read_result,
    read_retrieve,
)
from reelway.provider.registry import Registry
from reelway.provider.words import fold
from reelway.testing.clock import START

PLUGINS = Path(__file__).parents[2] / "plugins"
PROVIDERS = Registry.installed({}).providers
CALLED_BACK = [provider for provider in PROVIDERS if Capability.CALLBACKS in provider.info.capabilities]
SPLIT = [provider for provider in PROVIDERS if provider.info.ended]
"""Those of which a second request tells how a task ended."""

ASKED = "job-1"

Outcome: TypeAlias = list[Observation] | ReelwayError
"""What comes of an answer: readings, or one of our errors."""

Read: TypeAlias = Callable[[Provider, HttpResponse, str, str], Iterable[Observation]]


def _error(provider: Provider, response: HttpResponse, route: str, asked: str) -> list[Observation]:
    raise read_error(provider, response)


READS: Mapping[str, Read] = {
    "create": lambda provider, response, route, asked: [read_create(provider, response, route)],
    "retrieve": lambda provider, response, route, asked: [read_retrieve(provider, response, route, asked)],
    "result": lambda provider, response, route, asked: [read_result(provider, NO_POLL, response, route, asked)],
    "error": _error,
    "callback": lambda provider, response, route, asked: read_callback(
        provider, response.headers, response.body, verified=True
    ),
}
"""The calls by name; each takes the answer, the route, and the id that was asked for, though few need all three."""


def outcome(call: str, provider: Provider, response: HttpResponse, route: str = "", asked: str = ASKED) -> Outcome:
    """What a call makes of an answer. No bytes may make a plugin stumble."""
    try:
        return list(READS[call](provider, response, route, asked))
    except PluginError:
        raise
    except ReelwayError as error:
        return error


def readings(
    call: str, provider: Provider, response: HttpResponse, route: str = "", asked: str = ASKED
) -> list[Observation]:
    """What a call reads; nothing where it refuses."""
    came = outcome(call, provider, response, route, asked)
    return came if isinstance(came, list) else []


@cache
def routes_of(provider: Provider) -> list[str]:
    named = {provider.route(spec.name) for spec in provider.models.models} | {provider.route("some-model")}
    return sorted(named | set(getattr(provider, "dialects", {})))


def samples_folder(provider: Provider) -> Path:
    return PLUGINS / provider.info.name / "tests" / "samples"


@cache
def samples_of(provider: Provider) -> list[Path]:
    """What the provider was seen to send; the readings beside it are ours."""
    files = samples_folder(provider).glob("**/*.json")
    return sorted(file for file in files if not file.name.endswith(".reading.json"))


def named(value: object) -> str:
    """How a provider or a sample is called in the name of a test."""
    if isinstance(value, Provider):
        return value.info.name
    return value.stem if isinstance(value, Path) else str(value)


def ends(seen: Observation) -> bool:
    """Whether a task of which nothing else is known ends with this observation."""
    fresh = Task.new(TaskRef("any", "default", "", seen.task_id or ASKED), START)
    after, _ = advance(fresh, seen, START)
    return after.final


def check_believable(provider: Provider, seen: Observation) -> None:
    """What holds of every reading; above all, that nothing but a clean known word ends a task."""
    word = fold(seen.provider_status or "") or ""
    assert seen.status is provider.info.words.get(word)
    assert ends(seen) == (seen.status is not None and seen.status.final)
    assert seen.progress is None or 0 <= seen.progress <= 100
    for moment in (seen.created_at, seen.completed_at, seen.expires_at):
        assert moment is None or moment.tzinfo is not None
    for video in seen.videos:
        assert video.url.reveal().lower().startswith(("http://", "https://"))
