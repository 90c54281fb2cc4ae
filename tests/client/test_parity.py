"""Both clients tell the same story: the same effects in the same order, and the same outcome."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from reelway import AsyncClient, Client, ReelwayError, SubmissionUnknown
from reelway.sandbox import CATALOG, Fault
from reelway.sandbox.faults import Takes
from tests.client.both import MODELS, Bench, Both, Kind


class Story(NamedTuple):
    """What happened: every effect, the outcome, and what the sandbox counted."""

    effects: list[str]
    outcome: str
    counted: str


def told(kind: Kind, provider: str, act: Callable[[Both], Any]) -> Story:
    bench = Bench(kind, provider)
    with bench.client as client:
        outcome = outcome_of(lambda: act(client))
    return Story(list(map(alike, bench.trace)), outcome, repr(bench.sandbox.ledger))


def outcome_of(act: Callable[[], Any]) -> str:
    try:
        return alike(act())
    except ReelwayError as error:
        return f"{type(error).__name__}: {alike(error)} {alike(error.task)}"


def alike(thing: Any) -> str:
    """A thing as text, without what differs from run to run: addresses in memory and the ids of submissions."""
    return re.sub(r"0x[0-9a-f]+|\b[0-9a-f]{16}\b", "…", f"{type(thing).__name__} {thing!r} {thing}")


def assert_same_story(provider: str, act: Callable[[Both], Any]) -> None:
    threads, tasks = (told(kind, provider, act) for kind in (Client, AsyncClient))
    assert threads.effects
    assert threads == tasks


def spelt(fault: Fault) -> str:
    return f"[[{fault.name}:1.5]]" if fault.takes is Takes.SECONDS else f"[[{fault.name}]]"


EVERY_CALL: Final = [f"[[{place}/{fault.name}]]" for fault in CATALOG for place in fault.at if not fault.shapes]

MARKS: Final = (*map(spelt, CATALOG), *EVERY_CALL, "[[no-url]] [[content/truncated:9]]", "[[retrieve/reset:12]]")

STORIES: Final = [*(("", name) for name in MODELS), *zip(MARKS, cycle(MODELS), strict=False)]
"""Each fault at one provider, in turn: both clients share all that differs between providers."""


@pytest.mark.parametrize(("marks", "provider"), STORIES)
def test_a_whole_generation_is_the_same_story(marks: str, provider: str, tmp_path: Path) -> None:
    target = tmp_path / "cat.mp4"

    def generate(client: Both) -> Any:
        target.unlink(missing_ok=True)
        return client.generate(f"A cat. {marks}", model=MODELS[provider], to=target)

    assert_same_story(provider, generate)


@pytest.mark.parametrize("marks", ["", "[[fail:no luck]]", "[[unknown-word:3]]", "[[requeue]]", "[[missing:9]]"])
def test_watching_is_the_same_story(marks: str, provider: str) -> None:
    assert_same_story(
        provider, lambda client: client.watch(client.create(f"A cat. {marks}", model=MODELS[provider]))
    )


@pytest.mark.parametrize("timeout", [0, 1, 60])
def test_a_bounded_wait_is_the_same_story(timeout: float, provider: str) -> None:
    def wait(client: Both) -> Any:
        return client.wait(client.create("A cat. [[stuck]]", model=MODELS[provider]), timeout=timeout)

    assert_same_story(provider, wait)


def test_calls_that_a_provider_may_not_have_are_the_same_story(provider: str) -> None:
    def remix_and_cancel(client: Both) -> Any:
        task = client.wait(client.create("A cat.", model=MODELS[provider]))
        asked = [lambda: client.remix(task, "A dog.", model=MODELS[provider]), lambda: client.cancel(task)]
        return [outcome_of(one) for one in asked]

    assert_same_story(provider, remix_and_cancel)


def test_following_many_ends_alike(provider: str) -> None:
    def follow(client: Both) -> Any:
        tasks = [
            client.create(f"A cat. {marks}", model=MODELS[provider]) for marks in ("", "[[fail]]", "[[stuck]]")
        ]
        ended = client.as_completed(tasks, timeout=120)
        return sorted((str(one.task.ref), one.task.status, type(one.error).__name__) for one in ended)

    threads, tasks = (told(kind, provider, follow) for kind in (Client, AsyncClient))
    assert threads.outcome == tasks.outcome
    assert "WaitTimeout" in threads.outcome


def test_the_outcome_tells_one_story_from_another(provider: str) -> None:
    story = told(Client, provider, lambda client: client.create("A cat. [[create/reset]]", model=MODELS[provider]))
    assert story.outcome.startswith(SubmissionUnknown.__name__)
