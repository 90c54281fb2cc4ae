"""What is asked for while a step is under way is done together in the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from threading import Event

import pytest

from reelway.server.groups import LARGEST, Full, Groups


class Work:
    """Doubles numbers, and stands still in its first step until it is let go."""

    def __init__(self) -> None:
        self.steps: list[list[int]] = []
        self.begun, self.go = Event(), Event()

    def __call__(self, numbers: list[int]) -> list[int]:
        self.steps.append(numbers)
        self.begun.set()
        self.go.wait()
        return [2 * number for number in numbers]


async def asked_during_the_first_step(groups: Groups[int, int], work: Work, count: int) -> list[asyncio.Task[int]]:
    first = asyncio.create_task(groups.do(0))
    await asyncio.to_thread(work.begun.wait)
    tasks = [first, *(asyncio.create_task(groups.do(number)) for number in range(1, count))]
    await asyncio.sleep(0)
    return tasks


def test_the_second_step_takes_all_that_waits() -> None:
    async def story() -> None:
        work = Work()
        tasks = await asked_during_the_first_step(Groups(work, 100), work, 50)
        work.go.set()
        assert await asyncio.gather(*tasks) == [2 * number for number in range(50)]
        assert work.steps == [[0], list(range(1, 50))]

    asyncio.run(story())


def test_a_step_has_a_largest_size() -> None:
    async def story() -> None:
        work = Work()
        tasks = await asked_during_the_first_step(Groups(work, 10 * LARGEST), work, LARGEST + 11)
        work.go.set()
        await asyncio.gather(*tasks)
        assert list(map(len, work.steps)) == [1, LARGEST, 10]

    asyncio.run(story())


def test_no_more_than_that_wait() -> None:
    async def story() -> None:
        work = Work()
        groups = Groups(work, 3)
        tasks = await asked_during_the_first_step(groups, work, 4)
        with pytest.raises(Full):
            await groups.do(9)
        work.go.set()
        await asyncio.gather(*tasks)
        assert await groups.do(9) == 18

    asyncio.run(story())


def test_whoever_is_gone_harms_no_other() -> None:
    async def story() -> None:
        work = Work()
        tasks = await asked_during_the_first_step(Groups(work, 10), work, 3)
        tasks[0].cancel()
        tasks[1].cancel()
        work.go.set()
        assert await tasks[2] == 4

    asyncio.run(story())


def failing(times: int) -> Callable[[list[int]], list[int]]:
    steps = iter(range(times))

    def work(numbers: list[int]) -> list[int]:
        if next(steps, None) is not None:
            raise LookupError
        return numbers

    return work


def test_a_step_that_fails_fails_for_each_of_its_group_and_for_no_other() -> None:
    async def story() -> None:
        groups = Groups(failing(1), 10)
        failed = await asyncio.gather(groups.do(1), groups.do(2), return_exceptions=True)
        assert [type(one) for one in failed] == [LookupError, LookupError]
        assert await groups.do(3) == 3

    asyncio.run(story())


def test_it_goes_on_in_another_event_loop() -> None:
    groups = Groups(failing(0), 10)
    assert [asyncio.run(groups.do(number)) for number in (1, 2)] == [1, 2]
