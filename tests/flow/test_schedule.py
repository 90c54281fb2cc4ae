"""Waits grow, vary and end within their bounds."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.flow.schedule import (
    JITTER,
    RETRY_AFTER_CAP,
    TROUBLE_CAP,
    asked_pause,
    backoff,
    grown,
    jittered,
    pause_after_trouble,
    reserve,
    spread,
)
from reelway.provider.interface import Cadence

BLUE, COMET, SLOW = Cadence(5, 10), Cadence(10, 20), Cadence(60, 120)

draws = st.floats(0, 1)
seconds = st.floats(0, 1e6)
cadences = st.tuples(st.floats(0.01, 100), st.floats(1, 10)).map(lambda pair: Cadence(pair[0], pair[0] * pair[1]))


@pytest.mark.parametrize(
    ("interval", "cadence", "after"),
    [
        (5, BLUE, 6.25),
        (6.25, BLUE, 7.8125),
        (9, BLUE, 10),
        (10, BLUE, 10),
        (99, BLUE, 10),
        (0, BLUE, 6.25),
        (10, COMET, 12.5),
        (60, SLOW, 75),
    ],
)
def test_intervals_grow_by_a_quarter_up_to_the_maximum(interval: float, cadence: Cadence, after: float) -> None:
    assert grown(interval, cadence) == after


@given(interval=seconds, cadence=cadences)
def test_an_interval_stays_within_the_cadence(interval: float, cadence: Cadence) -> None:
    assert cadence.minimum <= grown(interval, cadence) <= cadence.maximum


@pytest.mark.parametrize(("draw", "after"), [(0, 8), (0.5, 10), (1, 12)])
def test_jitter_is_a_fifth_both_ways(draw: float, after: float) -> None:
    assert jittered(10, draw) == pytest.approx(after)


@given(wait=seconds, draw=draws)
def test_jitter_never_leaves_its_bounds(wait: float, draw: float) -> None:
    assert wait * (1 - JITTER) * 0.999999 <= jittered(wait, draw) <= wait * (1 + JITTER) * 1.000001


@pytest.mark.parametrize(
    ("interval", "failures", "cadence", "pause"),
    [
        (5, 1, BLUE, 10),
        (5, 2, BLUE, 20),
        (5, 3, BLUE, 40),
        (5, 4, BLUE, TROUBLE_CAP),
        (5, 10_000, BLUE, TROUBLE_CAP),
        (0, 1, BLUE, 2),
        (60, 1, SLOW, 120),
        (60, 5, SLOW, 120),
    ],
)
def test_pauses_for_a_service_in_trouble_double_up_to_a_cap(
    interval: float, failures: int, cadence: Cadence, pause: float
) -> None:
    assert pause_after_trouble(interval, failures, cadence) == pause


@pytest.mark.parametrize(
    ("asked", "pause", "wait"),
    [(None, 7, 7), (0, 7, 7), (3, 7, 7), (30, 7, 30), (300, 7, 300), (301, 7, 300), (1e9, 7, 300)],
)
def test_what_the_provider_asks_for_lengthens_a_pause_up_to_a_cap(
    asked: float | None, pause: float, wait: float
) -> None:
    assert asked_pause(asked, pause) == wait


@pytest.mark.parametrize(("attempt", "pause"), [(0, 1), (1, 2), (2, 4), (5, 32), (6, 60), (10_000, 60)])
def test_a_call_that_was_turned_away_waits_twice_as_long_each_time(attempt: int, pause: float) -> None:
    assert backoff(attempt, None, 0.5) == pause


def test_a_call_that_was_turned_away_waits_as_long_as_it_was_asked_to() -> None:
    assert backoff(0, 30, 0.5) == 30


@given(attempt=st.integers(0, 10_000), asked=st.none() | seconds, draw=draws)
def test_no_pause_is_longer_than_the_cap(attempt: int, asked: float | None, draw: float) -> None:
    assert 0 < backoff(attempt, asked, draw) <= RETRY_AFTER_CAP


@given(count=st.integers(0, 50), cadence=cadences)
def test_many_tasks_start_evenly_apart_within_one_interval(count: int, cadence: Cadence) -> None:
    starts = [spread(index, count, cadence) for index in range(count)]
    assert starts == sorted(starts)
    assert all(0 <= start < cadence.minimum for start in starts)
    assert len(set(starts)) == count


def test_spreading_nothing_is_fine() -> None:
    assert spread(0, 0, BLUE) == 0


@pytest.mark.parametrize(
    ("next_free", "now", "slot"),
    [(0, 100, (0, 100.2)), (100.2, 100, (0.2, 100.4)), (100, 100, (0, 100.2)), (90, 100, (0, 100.2))],
)
def test_the_next_slot_is_taken_and_moved_on(next_free: float, now: float, slot: tuple[float, float]) -> None:
    assert reserve(next_free, now, 0.2) == pytest.approx(slot)


@given(gap=st.floats(0.001, 10), arrivals=st.lists(st.floats(0, 5), max_size=30))
def test_slots_are_never_closer_than_the_gap(gap: float, arrivals: list[float]) -> None:
    now = next_free = 0.0
    taken = []
    for later in arrivals:
        now += later
        wait, next_free = reserve(next_free, now, gap)
        assert wait >= 0
        taken.append(now + wait)
    assert all(later - earlier >= gap * 0.999 for earlier, later in itertools.pairwise(taken))
