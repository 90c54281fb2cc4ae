"""A client has tasks polled soon by whoever follows its ledger, and sends nothing itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from reelway import ConfigurationError, InvalidRequest, Task
from reelway.account import DEFAULT_ACCOUNT
from reelway.ledger.records import Chore, Claim, Settlement
from reelway.ledger.sqlite import SqliteLedger
from reelway.testing import VirtualClock
from tests.client.both import MODELS, Bench, Kind

PROVIDER: Final = "cometapi"
LATER: Final = 600.0
REST: Final = 10.0
"""Seconds until the next poll as the last one left it, and those that nobody's wish makes shorter."""

PACES: Final = {(PROVIDER, DEFAULT_ACCOUNT): 1000.0}


class House:
    """A client, its ledger, and the tracker's part of the work, all on one clock."""

    def __init__(self, kind: Kind) -> None:
        self.clock = VirtualClock()
        self.ledger = SqliteLedger(monotonic=self.clock.monotonic)
        self.bench = Bench(kind, PROVIDER, ledger=self.ledger, clock=self.clock)

    def refresh(self, *tasks: object) -> None:
        self.bench.client._call("refresh", *tasks)

    def polled(self) -> list[Task]:
        """Everything that is due has its turn; the next one comes late, unless somebody wishes otherwise."""
        claims = self.ledger.claim(100, 30, PACES, [Chore.POLL])
        self.ledger.settle([Settlement(claim=claim, again=LATER, rest=REST) for claim in claims])
        return [claim.task for claim in claims]

    def created(self) -> Task:
        """A task that was just polled for the first time."""
        task = self.bench.client.create(model=MODELS[PROVIDER])
        self.clock.advance(LATER)
        assert self.polled() == [task]
        return task

    @property
    def next_due(self) -> float | None:
        return self.ledger.next_due(PACES, [Chore.POLL])


@pytest.fixture
def house(kind: Kind) -> Iterator[House]:
    house = House(kind)
    with house.ledger, house.bench.client:
        yield house


def test_a_poll_comes_forward_no_further_than_the_provider_allows_and_once(house: House) -> None:
    task = house.created()
    assert house.next_due == LATER
    sent = len(house.bench.requests)
    for named in [task, task.ref, str(task.ref), task.id] * 3:
        house.refresh(named)
    assert house.next_due == REST
    house.clock.advance(REST)
    assert house.polled() == [task]
    assert (house.next_due, house.polled()) == (LATER, [])
    assert len(house.bench.requests) == sent


def test_a_wish_while_a_poll_is_under_way_brings_another_one(house: House) -> None:
    task = house.created()
    house.clock.advance(LATER)
    claims: list[Claim] = house.ledger.claim(1, 30, PACES, [Chore.POLL])
    house.refresh(task)
    house.ledger.settle([Settlement(claim=claim, again=LATER, rest=REST) for claim in claims])
    assert house.next_due == REST


def test_several_are_brought_forward_in_one_step(house: House) -> None:
    house.bench.client.create(model=MODELS[PROVIDER])
    house.bench.client.create(model=MODELS[PROVIDER])
    house.clock.advance(LATER)
    tasks = house.polled()
    house.refresh(*tasks)
    house.clock.advance(REST)
    assert house.polled() == tasks


def test_of_a_task_that_has_ended_nothing_is_asked(house: House) -> None:
    task = house.bench.client.wait(house.created())
    house.refresh(task)
    assert house.next_due is None


def test_what_the_ledger_does_not_know_is_named_and_nothing_comes_forward(house: House) -> None:
    task = house.created()
    with pytest.raises(InvalidRequest, match=f"reelway1:{PROVIDER}:default::elsewhere is not in") as raised:
        house.refresh(task, "elsewhere")
    assert [problem.field for problem in raised.value.problems] == ["task"]
    assert "retrieve" in raised.value.message
    assert house.next_due == LATER


def test_without_a_ledger_nobody_could_be_told(kind: Kind) -> None:
    bench = Bench(kind, PROVIDER)
    with bench.client, pytest.raises(ConfigurationError, match="refresh needs a ledger"):
        bench.client._call("refresh", "task_1")
