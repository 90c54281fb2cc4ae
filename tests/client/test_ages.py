"""The age of a task is measured by the clock that never jumps."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reelway import ages
from reelway.ages import Ages
from reelway.testing import VirtualClock
from reelway.testing.clock import START
from tests.acme import task


def test_a_task_ages_with_the_time_and_not_with_the_wall_clock(clock: VirtualClock) -> None:
    known = Ages(clock)
    assert known.of(task()) == 0
    clock.advance(5)
    clock.jump(86400)
    assert known.of(task()) == 5
    assert known.since(task()) == 0


def test_of_a_task_from_elsewhere_the_wall_clock_tells_the_age_once(clock: VirtualClock) -> None:
    old = task(at=START - timedelta(seconds=40))
    known = Ages(clock)
    assert known.of(old) == 40
    clock.jump(-3600)
    assert known.of(old) == 40


def test_a_task_from_the_future_is_new(clock: VirtualClock) -> None:
    assert Ages(clock).of(task(at=START + timedelta(days=1))) == 0


def test_the_tasks_that_were_met_first_are_forgotten_first(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ages, "REMEMBERED", 2)
    known = Ages(clock)
    for name in ("first", "second", "third"):
        known.since(task(name))
    clock.advance(5)
    clock.jump(100)
    assert (known.of(task("second")), known.of(task("third")), known.of(task("first"))) == (5, 5, 105)
