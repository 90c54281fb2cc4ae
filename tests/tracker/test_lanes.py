"""Every claim has its turn or is put back, whatever becomes of the turn; a few go on at once, in their order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from math import inf
from typing import Any

import pytest

from reelway.ledger.records import AccountKey, Chore, Claim
from reelway.ledger.sqlite import SqliteLedger
from reelway.testing.ledgers.kit import new_account, new_task
from reelway.tracker.lanes import DEFECT_PAUSE, Batch, Lanes
from reelway.tracker.work import Held, Room, Turn, Work

ACCOUNT = new_account()


class Panic(BaseException):
    """What a library in Rust raises that has panicked."""


class Deeds(Work):
    """Turns that do as they are told, and the order in which they were begun."""

    chore, at_once, lease = Chore.POLL, 2, 30.0

    def __init__(self, deed: Callable[[int], Coroutine[Any, Any, None]]) -> None:
        self.begun: list[int] = []
        self._deed = deed

    async def turn(self, claim: Claim, since: float) -> Turn:
        self.begun.append(claim.entry.number)
        await self._deed(claim.entry.number)
        return Turn(claim=claim, again=7.0)

    def room(self, held: Held) -> Room:
        raise NotImplementedError

    def awaited(self, held: Held) -> Mapping[AccountKey, float]:
        raise NotImplementedError

    def know(self, backlog: Mapping[AccountKey, int]) -> set[AccountKey]:
        raise NotImplementedError


@pytest.fixture
def claims() -> list[Claim]:
    with SqliteLedger() as ledger:
        for _ in range(5):
            ledger.track(new_task(ACCOUNT))
        return ledger.claim(5, 30.0, {ACCOUNT: inf}, [Chore.POLL])


def followed(
    work: Deeds, claims: list[Claim], during: Callable[[Lanes], object] = lambda lanes: None
) -> list[Turn]:
    """What comes of claims, when that has been done which is to happen meanwhile."""

    async def story() -> list[Turn]:
        lanes, batch = Lanes(work), Batch(len(claims))
        lanes.add(claims, 0.0, batch)
        await asyncio.sleep(0)
        during(lanes)
        turns = await batch.part(5)
        assert batch.over
        assert lanes.held.total() == 0
        return turns

    return asyncio.run(story())


def numbers(claims: list[Claim]) -> list[int]:
    return [claim.entry.number for claim in claims]


async def is_done(number: int) -> None:
    await asyncio.sleep(0)


async def hangs(number: int) -> None:
    await asyncio.Event().wait()


def test_what_ends_is_taken_out_in_the_order_of_the_claims(claims: list[Claim]) -> None:
    async def later_ones_are_quicker(number: int) -> None:
        await asyncio.sleep(0.02 if number % 2 else 0)

    work = Deeds(later_ones_are_quicker)
    assert [turn.claim for turn in followed(work, claims)] == claims
    assert work.begun == numbers(claims)


def test_no_more_than_a_few_go_on_at_once(claims: list[Claim]) -> None:
    work = Deeds(hangs)
    turns = followed(work, claims, Lanes.stop)
    assert work.begun == numbers(claims)[:2]
    assert [(turn.claim, turn.again) for turn in turns] == [(claim, 0.0) for claim in claims]


@pytest.mark.parametrize("error", [ValueError, Panic])
def test_a_turn_that_fails_is_put_back_and_stops_no_other(
    claims: list[Claim], error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    async def fails(number: int) -> None:
        if number in numbers(claims)[:2]:
            raise error

    turns = followed(Deeds(fails), claims)
    assert [turn.again for turn in turns] == [DEFECT_PAUSE, DEFECT_PAUSE, 7.0, 7.0, 7.0]
    assert [record.levelname for record in caplog.records] == ["ERROR"] * 2


def test_claims_that_come_right_after_a_stop_have_their_turns(claims: list[Claim]) -> None:
    async def story() -> list[Turn]:
        lanes, first, second = Lanes(Deeds(is_done)), Batch(2), Batch(3)
        lanes.add(claims[:2], 0.0, first)
        lanes.stop()
        lanes.add(claims[2:], 0.0, second)
        return [*await first.part(5), *await second.part(5)]

    assert [turn.again for turn in asyncio.run(story())] == [0.0, 0.0, 7.0, 7.0, 7.0]
