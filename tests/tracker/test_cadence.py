"""When a task is asked about: the pauses grow and keep the pace, whatever is done to the wall clock."""

from __future__ import annotations

import random

import pytest

from reelway import Status
from reelway.ledger.pace import BURST_SECONDS
from reelway.ledger.records import Chore
from reelway.provider.interface import Cadence
from tests.acme import said
from tests.tracker.desk import Desk, running


def test_the_pauses_grow_from_the_minimum_to_the_maximum() -> None:
    with Desk() as desk:
        desk.open("task-1")
        desk.answers["task-1"] = running(7)
        desk.follow(1000)
    assert desk.gaps("task-1") == pytest.approx([10, 12.5, 15.625, 19.53125, 20, 20, 20])


def test_a_task_is_followed_to_its_end_and_then_left_alone() -> None:
    with Desk() as desk:
        desk.open("task-1")
        desk.answers["task-1"] = [*running(2), said("succeeded", progress=100)]
        desk.follow(10_000)
        assert desk.status("task-1") is Status.SUCCEEDED
    assert len(desk.asked["task-1"]) == 3


def test_the_pauses_vary_and_never_fall_below_the_minimum() -> None:
    draw = random.Random(7).random
    with Desk(draw=draw, cadence=Cadence(10, 30)) as desk:
        names = [f"task-{number}" for number in range(50)]
        desk.open(*names)
        desk.usual = lambda name: said("running", name)
        desk.follow(600)
    settled = [gap for name in names for gap in desk.gaps(name)[8:]]
    assert min(gap for name in names for gap in desk.gaps(name)) >= 10
    assert 24 <= min(settled) < 25
    assert 35 < max(settled) <= 36


def test_the_pauses_are_remembered_by_the_ledger_and_go_on_after_a_restart() -> None:
    with Desk() as desk:
        desk.open("task-1")
        desk.answers["task-1"] = running(3)
        desk.follow(25)
        with Desk(clock=desk.clock, ledger=desk.ledger) as next_one:
            next_one.answers["task-1"] = running(2)
            next_one.follow(100)
            gap = next_one.began + next_one.asked["task-1"][0] - desk.began - desk.asked["task-1"][-1]
    assert gap == pytest.approx(15.625)


def test_many_tasks_are_asked_about_no_faster_than_the_account_s_pace() -> None:
    with Desk(pace=5) as desk:
        desk.open(*(f"task-{number}" for number in range(300)))
        desk.usual = lambda name: said("running", name)
        desk.follow(300, grain=1)
    assert_paced(desk.polls, 5)
    assert len(desk.polls) == pytest.approx(300 * 5, rel=0.05)
    counts = [len(times) for times in desk.asked.values()]
    assert max(counts) - min(counts) <= 1


def test_pauses_stretch_where_an_account_has_more_tasks_than_its_pace_allows() -> None:
    with Desk(pace=2) as desk:
        desk.open(*(f"task-{number}" for number in range(100)))
        desk.usual = lambda name: said("running", name)
        desk.follow(500, grain=1)
    # Of a task that is due, somebody knows when; what is due earlier than it can be asked is claimed late.
    later = [gap for name in desk.asked for gap in desk.gaps(name)[1:]]
    assert min(later) >= 48


def test_ten_thousand_open_tasks_start_spread_out() -> None:
    with Desk(pace=100) as desk:
        for number in range(10_000):
            desk.open(f"task-{number}")
        desk.follow(102, grain=0.5)
        assert desk.sweep().next_wake is None
    assert len(desk.polls) == 10_000
    assert_paced(desk.polls, 100)


@pytest.mark.parametrize("jump", [-3600.0, 86400.0])
def test_a_wall_clock_that_is_set_changes_no_pause(jump: float) -> None:
    with Desk() as desk:
        desk.open("task-1")
        desk.answers["task-1"] = running(6)
        desk.follow(12)
        desk.clock.jump(jump)
        desk.follow(1000)
    assert desk.gaps("task-1") == pytest.approx([10, 12.5, 15.625, 19.53125, 20, 20])


@pytest.mark.parametrize("jump", [-3600.0, 86400.0])
def test_a_wall_clock_that_is_set_frees_no_lease(jump: float) -> None:
    with Desk() as desk:
        desk.open("task-1")
        [claim] = desk.ledger.claim(1, 30, {("acme", "default"): 10}, [Chore.POLL])
        desk.clock.jump(jump)
        desk.clock.advance(29.9)
        assert desk.sweep().done == 0
        desk.clock.advance(0.2)
        assert desk.sweep().done == 1
    assert claim.lease == 1


def test_a_fresh_id_that_is_not_known_yet_is_lost_by_the_clock_that_never_jumps_only() -> None:
    with Desk() as desk:
        desk.open("task-1")
        desk.clock.jump(86400)
        desk.usual = lambda name: said(None, name, 404)
        desk.follow(45)
        assert desk.status("task-1") is Status.QUEUED
        desk.follow(45)
        assert desk.status("task-1") is Status.LOST


def assert_paced(times: list[float], pace: float) -> None:
    """No window holds more than the pace allows in it, with what was saved up before."""
    for window in (0.5, 1.0, 5.0):
        first = 0
        for last, time in enumerate(times):
            while times[first] < time - window + 1e-6:
                first += 1
            assert last - first + 1 <= pace * (window + BURST_SECONDS) + 1
