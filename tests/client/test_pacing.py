"""When a task is first asked about, and how many tasks share one account."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from reelway import Account, Registry, Status, TaskRef
from reelway.model.http import HttpRequest, HttpResponse
from reelway.operations import Settings
from reelway.testing import VirtualClock, in_process
from reelway.transport.http import HttpSettings
from tests.acme import ACME, refused, said, task
from tests.client.both import Both, Kind


class Desk:
    """A provider that answers word by word, and notes when each task was asked about."""

    def __init__(self, kind: Kind, clock: VirtualClock, *, pace: float = 1000.0) -> None:
        self.clock = clock
        self.asked: dict[str, list[float]] = {}
        self.answers: dict[str, list[HttpResponse]] = {}
        self.created = said("queued")
        settings = Settings(clock=clock, draw=lambda: 0.5, http=HttpSettings(transport=in_process(self._respond)))
        account = Account("acme", api_key="k", requests_per_second=pace)
        self.client = Both(kind, account, registry=Registry([ACME]), settings=settings)

    def _respond(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST":
            return self.created
        name = request.path.rpartition("/")[2]
        self.asked.setdefault(name, []).append(self.clock.monotonic())
        waiting = self.answers.get(name, [])
        return waiting.pop(0) if waiting else said("succeeded", name)

    @property
    def polls(self) -> list[float]:
        return sorted(time for times in self.asked.values() for time in times)


@pytest.fixture
def desk(kind: Kind, clock: VirtualClock) -> Iterator[Desk]:
    desk = Desk(kind, clock)
    with desk.client:
        yield desk


def test_a_task_just_created_is_asked_about_after_the_provider_s_minimum(desk: Desk) -> None:
    desk.client.wait(desk.client.create(model="m"))
    assert desk.polls == [4]


def test_a_create_that_answered_with_the_id_alone_waits_as_long(desk: Desk) -> None:
    desk.created = said(None)
    desk.client.wait(desk.client.create(model="m"))
    assert desk.polls == [4]


def test_what_has_passed_since_the_create_counts(desk: Desk) -> None:
    made = desk.client.create(model="m")
    desk.clock.advance(3)
    desk.client.wait(made)
    assert desk.polls == [4]


@pytest.mark.parametrize("form", ["id", "text", "ref", "old"])
def test_a_task_of_old_is_asked_about_at_once(desk: Desk, form: str) -> None:
    given: dict[str, Any] = {
        "id": "task-1",
        "text": str(task().ref),
        "ref": TaskRef("acme", "default", "", "task-1"),
        "old": task(confirmed=True),
    }
    desk.clock.advance(1000)
    desk.client.wait(given[form])
    assert desk.polls == [1000]


def test_a_wall_clock_that_was_set_back_delays_by_no_more_than_the_minimum(desk: Desk) -> None:
    made = desk.client.create(model="m")
    desk.clock.jump(-86400)
    desk.client.wait(made)
    assert desk.polls == [4]


def test_many_tasks_start_spread_over_the_minimum(desk: Desk) -> None:
    ended = desk.client.as_completed([f"task-{number}" for number in range(4)])
    assert [one.task.status for one in ended] == [Status.SUCCEEDED] * 4
    assert desk.polls == [0, 1, 2, 3]


def test_many_fresh_tasks_wait_for_the_minimum_and_are_spread_behind_it(desk: Desk) -> None:
    fresh = [replace(task(f"task-{number}"), submitted_at=desk.clock.now()) for number in range(4)]
    desk.client.as_completed(fresh)
    assert desk.polls == [4, 5, 6, 7]


def test_the_polls_of_an_account_keep_its_pace(kind: Kind, clock: VirtualClock) -> None:
    desk = Desk(kind, clock, pace=0.5)
    names = [f"task-{number}" for number in range(10)]
    with desk.client as client:
        client.as_completed(names)
    assert all(later - earlier >= 1.999 for earlier, later in zip(desk.polls, desk.polls[1:], strict=False))
    assert len(desk.polls) == 10


def test_a_task_that_is_told_to_wait_holds_up_no_other(desk: Desk) -> None:
    desk.answers["slow"] = [refused(429, retry_after="300")]
    desk.answers["quick"] = [said("running", "quick"), said("running", "quick")]
    ended = desk.client.as_completed(["slow", "quick"])
    assert [one.task.id for one in ended] == ["quick", "slow"]
    assert desk.asked["quick"][-1] < 20
    assert desk.asked["slow"] == [0, 300]


def test_an_account_s_own_cadence_replaces_the_provider_s(kind: Kind, clock: VirtualClock) -> None:
    desk = Desk(kind, clock)
    cadence = replace(ACME.info.cadence, minimum=1, maximum=1)
    account = Account("acme", api_key="k", cadence=cadence)
    settings = desk.client.client._settings
    desk.answers["task-1"] = [said("running")] * 3
    with Both(kind, account, registry=Registry([ACME]), settings=settings) as client:
        client.wait(client.create(model="m"))
    assert desk.polls == [1, 2, 3, 4]
