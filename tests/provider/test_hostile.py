"""Whatever bytes arrive, a reading comes out or one of our errors, and a lie is not believed."""

import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from random import Random

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from reelway.errors import PluginError, ProviderError, ReelwayError
from reelway.model.http import HttpResponse, is_safe_id
from reelway.model.observation import Observation
from reelway.provider.interface import Capability, Provider
from reelway.provider.reading import read_callback, read_create, read_error, read_retrieve
from reelway.provider.registry import Registry
from reelway.provider.words import fold
from reelway.testing.payloads import MAX_BYTES, json_values, mutated

PLUGINS = Path(__file__).parents[2] / "plugins"
PROVIDERS = Registry.installed({}).providers


def cases(providers: Iterable[Provider]) -> list[tuple[Provider, Path]]:
    folders = ((provider, PLUGINS / provider.info.name / "tests" / "samples") for provider in providers)
    return [
        (provider, file)
        for provider, folder in folders
        for file in sorted(folder.glob("**/*.json"))
        if not file.name.endswith(".reading.json")
    ]


def named(value: Provider | Path) -> str:
    return value.stem if isinstance(value, Path) else value.info.name


CASES = cases(PROVIDERS)
CALLED_BACK = cases(one for one in PROVIDERS if Capability.CALLBACKS in one.info.capabilities)

# There are well over a hundred samples, so each gets a share of what the profile allows one test.
SHARE = settings(max_examples=max(1, settings().max_examples // 12))

GOOD = (200, 201, 202, 204)
BAD = (301, 400, 401, 403, 404, 408, 409, 410, 413, 418, 422, 425, 429, 500, 502, 503, 504, 599)
TYPES = ("application/json", "text/html; charset=utf-8", "", "\x00")
SOMEBODY_ELSE = "task_of_somebody_else"


def responses(sample: bytes, statuses: tuple[int, ...]) -> st.SearchStrategy[HttpResponse]:
    header = st.sampled_from(TYPES).map(lambda kind: (("Content-Type", kind),))
    return st.builds(HttpResponse, status=st.sampled_from(statuses), headers=header, body=mutated(sample))


@cache
def routes_of(provider: Provider) -> list[str]:
    named = {provider.route(spec.name) for spec in provider.models.models} | {provider.route("some-model")}
    return sorted(named | set(getattr(provider, "dialects", {})))


def read(call: Callable[[], Iterable[Observation]]) -> list[Observation]:
    """What a call reads; nothing where it refuses. No bytes may make a plugin stumble."""
    try:
        return list(call())
    except PluginError:
        raise
    except ReelwayError:
        return []


def created(provider: Provider, response: HttpResponse, route: str) -> list[Observation]:
    return read(lambda: [read_create(provider, response, route)])


def polled(provider: Provider, response: HttpResponse, route: str, asked: str) -> list[Observation]:
    return read(lambda: [read_retrieve(provider, response, route, asked)])


@cache
def id_in(provider: Provider, sample: bytes, route: str) -> str:
    """The id a sample speaks of, so that most mutations of it get past the comparison of ids."""
    answer = HttpResponse(status=200, body=sample)
    seen = read(lambda: [provider.decode_retrieve(answer, route)])
    return next((one.task_id for one in seen if one.task_id), "job-1")


def check_believable(provider: Provider, observation: Observation) -> None:
    assert observation.progress is None or 0 <= observation.progress <= 100
    if observation.status is not None:
        assert provider.info.words[fold(observation.provider_status or "") or ""] is observation.status
    for moment in (observation.created_at, observation.completed_at, observation.expires_at):
        assert moment is None or moment.tzinfo is not None
    for video in observation.videos:
        assert video.url.reveal().lower().startswith(("http://", "https://"))


def test_there_is_something_to_read() -> None:
    assert len(CASES) >= 40


@pytest.mark.parametrize(("provider", "file"), CASES, ids=named)
@given(data=st.data())
@SHARE
def test_an_answer_is_read_or_refused(provider: Provider, file: Path, data: st.DataObject) -> None:
    response = data.draw(responses(file.read_bytes(), GOOD))
    for route in routes_of(provider):
        for seen in created(provider, response, route):
            check_believable(provider, seen)
            assert is_safe_id(seen.task_id or "")
        for asked in (id_in(provider, file.read_bytes(), route), SOMEBODY_ELSE):
            for seen in polled(provider, response, route, asked):
                check_believable(provider, seen)
                assert seen.task_id in {None, asked}


@pytest.mark.parametrize(("provider", "file"), CASES, ids=named)
@given(data=st.data())
@SHARE
def test_an_error_answer_is_an_error_or_an_unknown_task(
    provider: Provider, file: Path, data: st.DataObject
) -> None:
    response = data.draw(responses(file.read_bytes(), BAD))
    error = read_error(provider, response)
    assert type(error) is ProviderError
    assert str(error).isprintable()
    assert created(provider, response, "") == []
    for route in routes_of(provider):
        seen = polled(provider, response, route, "job-1")
        assert seen in ([], [Observation(task_id="job-1", not_found=True)])


@pytest.mark.parametrize(("provider", "file"), CALLED_BACK, ids=named)
@given(data=st.data())
@SHARE
def test_a_callback_is_read_or_refused(provider: Provider, file: Path, data: st.DataObject) -> None:
    body = data.draw(mutated(file.read_bytes()))
    for seen in read(lambda: read_callback(provider, (), body, verified=False)):
        check_believable(provider, seen)
        assert not seen.verified


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.info.name)
@given(document=json_values | st.dictionaries(st.sampled_from(["id", "status", "data", "error"]), json_values))
def test_any_json_is_read_or_refused(provider: Provider, document: object) -> None:
    response = HttpResponse(status=200, body=json.dumps(document).encode())
    for route in routes_of(provider):
        for seen in polled(provider, response, route, "job-1"):
            check_believable(provider, seen)


# The mutations themselves.

SAMPLE = b'{"id": "job-1", "status": "completed", "output": ["https://cdn.example/1.mp4"], "progress": 100}'


def is_json(body: bytes) -> bool:
    try:
        json.loads(body, parse_int=str)
    except (ValueError, RecursionError):
        return False
    return True


def names_twice(body: bytes) -> bool:
    return is_json(body) and body.count(b'"status":') == 2


REACHED: dict[str, Callable[[bytes], bool]] = {
    "the sample itself": lambda body: body == SAMPLE,
    "a dropped member": lambda body: is_json(body) and b'"status"' not in body,
    "a member that stands twice": names_twice,
    "a number of hundreds of digits": lambda body: b"9" * 400 in body,
    "deep nesting": lambda body: b"[" * 5000 in body,
    "another id": lambda body: b'"task_of_somebody_else"' in body,
    "a control character": lambda body: b"\\u0000" in body,
    "a look-alike letter": lambda body: b"\\u04" in body,
    "broken JSON": lambda body: not is_json(body),
    "bytes that are no text": lambda body: b"\xff" in body,
    "another encoding": lambda body: body.startswith(b"\xff\xfe"),
    "a web page": lambda body: body.startswith(b"<!doctype html>"),
}


@pytest.mark.parametrize("kind", REACHED)
def test_the_mutations_reach(kind: str) -> None:
    find(
        mutated(SAMPLE),
        REACHED[kind],
        random=Random(kind),
        settings=settings(max_examples=20_000, database=None, phases=[Phase.generate]),
    )


@given(body=mutated(SAMPLE) | mutated(b"no JSON at all") | mutated(b""))
def test_mutations_stay_within_their_size(body: bytes) -> None:
    assert len(body) <= MAX_BYTES
