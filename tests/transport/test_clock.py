"""Time is handed in: the machine's, or one that passes only when somebody waits."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from reelway.testing import VirtualClock
from reelway.transport.clock import Clock, SystemClock


def test_the_machine_s_clock_is_aware_and_never_goes_back() -> None:
    clock: Clock = SystemClock()
    before = clock.monotonic()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.now().tzinfo is UTC
    assert clock.monotonic() >= before


def test_the_machine_s_clock_really_waits() -> None:
    clock = SystemClock()
    start = time.monotonic()
    clock.sleep(0.01)
    asyncio.run(clock.sleep_async(0.01))
    assert time.monotonic() - start >= 0.019


def test_virtual_time_passes_when_somebody_waits_and_costs_nothing() -> None:
    clock: Clock = VirtualClock()
    start, real = clock.now(), time.monotonic()
    clock.sleep(86400)
    assert clock.monotonic() == 86400
    assert clock.now() - start == timedelta(days=1)
    assert time.monotonic() - real < 5


def test_virtual_time_can_pass_by_itself() -> None:
    clock = VirtualClock(datetime(2030, 1, 1, tzinfo=UTC))
    clock.advance(1.5)
    assert clock.now() == datetime(2030, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_the_wall_clock_can_be_set_without_time_passing(seconds: float) -> None:
    clock = VirtualClock()
    start = clock.now()
    clock.jump(seconds)
    assert clock.now() - start == timedelta(seconds=seconds)
    assert clock.monotonic() == 0


@pytest.mark.parametrize(("rate", "shown"), [(1.0, 100), (1.0005, 100.05), (0.0, 0), (-1.0, -100)])
def test_the_wall_clock_can_run_at_a_rate_of_its_own(rate: float, shown: float) -> None:
    clock = VirtualClock(rate=rate)
    start = clock.now()
    clock.sleep(100)
    assert clock.now() - start == timedelta(seconds=shown)
    assert clock.monotonic() == 100


@pytest.mark.parametrize("seconds", [0, -5])
def test_waiting_for_nothing_takes_no_time(seconds: float) -> None:
    clock = VirtualClock()
    clock.sleep(seconds)
    asyncio.run(clock.sleep_async(seconds))
    assert clock.monotonic() == 0


def test_sleepers_wake_in_the_order_of_their_times() -> None:
    clock, woken = VirtualClock(), []

    async def sleeper(seconds: float) -> None:
        await clock.sleep_async(seconds)
        woken.append((seconds, clock.monotonic()))

    async def night() -> None:
        await asyncio.gather(*map(sleeper, [30, 10, 20, 10]))

    asyncio.run(night())
    assert woken == [(10, 10), (10, 10), (20, 20), (30, 30)]


def test_whoever_wakes_and_sleeps_again_keeps_his_place() -> None:
    clock, ticks = VirtualClock(), []

    async def ticker(name: str, seconds: float, times: int) -> None:
        for _ in range(times):
            await clock.sleep_async(seconds)
            ticks.append((clock.monotonic(), name))

    async def day() -> None:
        await asyncio.gather(ticker("slow", 5, 2), ticker("quick", 2, 4))

    asyncio.run(day())
    assert ticks == [(2, "quick"), (4, "quick"), (5, "slow"), (6, "quick"), (8, "quick"), (10, "slow")]


def test_a_sleeper_who_is_cancelled_holds_nobody_up() -> None:
    clock = VirtualClock()

    async def night() -> None:
        dreamer = asyncio.create_task(clock.sleep_async(5))
        await asyncio.sleep(0)
        dreamer.cancel()
        await clock.sleep_async(10)

    asyncio.run(night())
    assert clock.monotonic() == 10


def test_one_clock_serves_several_loops_one_after_the_other() -> None:
    clock = VirtualClock()
    for _ in range(2):
        asyncio.run(clock.sleep_async(1))
    assert clock.monotonic() == 2
