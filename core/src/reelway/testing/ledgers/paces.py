"""The contract of ledgers: how fast an account is asked, and what looking ahead tells."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import accumulate
from math import inf
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.ledger.interface import Ledger
from reelway.ledger.records import AccountKey, Chore
from reelway.testing.ledgers.kit import (
    CHORES,
    LEASE,
    NEAR,
    REPEATED,
    Kit,
    new_account,
    new_task,
    settle,
    succeeded,
    take,
    take_one,
    wait_of,
)

BURST: Final = 1.0
"""Seconds of which the unused turns may be taken at once; one turn may be taken in any case."""


def fill(ledger: Ledger, account: AccountKey, count: int) -> None:
    """Tasks that are due."""
    for _ in range(count):
        ledger.track(new_task(account))


class Paces(Kit):
    """All claimants together take no more turns of an account than its pace allows."""

    @REPEATED
    @given(
        pace=st.sampled_from([0.01, 0.1, 0.5, 1.0, 2.5, 7.0]),
        pauses=st.lists(st.floats(0, 30), min_size=1, max_size=8),
        limits=st.lists(st.integers(1, 40), min_size=8, max_size=8),
    )
    def test_no_window_sees_more_than_its_pace_and_a_burst(
        self, ledger: Ledger, beside: Ledger, pace: float, pauses: list[float], limits: list[int]
    ) -> None:
        account = new_account()
        fill(ledger, account, 40)
        begun, taken = time.monotonic(), list[int]()
        for number, (pause, limit) in enumerate(zip(pauses, limits, strict=False)):
            self.pass_time(pause)
            side = (ledger, beside)[number % 2]
            taken.append(len(side.claim(limit, LEASE, {account: pace}, CHORES)))
        really = time.monotonic() - begun
        burst = max(1.0, pace * BURST)
        for first in range(len(taken)):
            windows = accumulate(pauses[first + 1 :], initial=0.0)
            for seconds, turns in zip(windows, accumulate(taken[first:]), strict=True):
                assert turns <= pace * (seconds + really) + burst + 1e-3

    @pytest.mark.parametrize("pace", [0.1, 0.5, 1.0, 5.0])
    def test_a_pace_is_reached(self, ledger: Ledger, pace: float) -> None:
        account = new_account()
        fill(ledger, account, 60)
        taken = 0
        for _ in range(10):
            taken += len(ledger.claim(100, LEASE * 10, {account: pace}, CHORES))
            self.pass_time(1 / pace)
        assert taken >= 10

    def test_a_pace_without_end_holds_nobody_up(self, ledger: Ledger) -> None:
        account = new_account()
        fill(ledger, account, 30)
        assert len(ledger.claim(30, LEASE, {account: 0.1}, CHORES)) == 1
        assert wait_of(ledger, account) == 0
        assert len(take(ledger, account)) == 29

    def test_a_pace_of_nothing_gives_nothing(self, ledger: Ledger) -> None:
        account = new_account()
        fill(ledger, account, 1)
        assert ledger.claim(1, LEASE, {account: 0.0}, CHORES) == []
        assert ledger.next_due({account: 0.0}, CHORES) is None

    def test_what_was_not_taken_costs_no_turn(self, ledger: Ledger) -> None:
        account = new_account()
        assert ledger.claim(10, LEASE, {account: 0.01}, CHORES) == []
        fill(ledger, account, 2)
        assert len(ledger.claim(10, LEASE, {account: 0.01}, [Chore.POLL])) == 1

    def test_one_account_never_starves_another(self, ledger: Ledger) -> None:
        busy, calm = new_account(), new_account()
        fill(ledger, busy, 30)
        self.pass_time(60)
        fill(ledger, calm, 1)
        claims = ledger.claim(10, LEASE, {busy: 5.0, calm: 5.0}, CHORES)
        accounts = [(claim.task.ref.provider, claim.task.ref.account) for claim in claims]
        assert accounts == [busy] * 5 + [calm]

    # --- an account that is held off ---

    def test_an_account_that_is_held_off_is_left_alone(self, ledger: Ledger, beside: Ledger) -> None:
        held_off, other = new_account(), new_account()
        fill(ledger, held_off, 1)
        fill(ledger, other, 1)
        ledger.hold_off(held_off, 300)
        ledger.hold_off(held_off, 30)
        assert take(beside, held_off) == []
        assert len(take(beside, other)) == 1
        assert wait_of(beside, held_off) == pytest.approx(300, abs=NEAR)
        self.pass_time(240)
        assert take(beside, held_off) == []
        self.pass_time(60)
        assert len(take(beside, held_off)) == 1

    def test_results_of_an_account_that_is_held_off_are_stored(self, ledger: Ledger, beside: Ledger) -> None:
        account = new_account()
        fill(ledger, account, 1)
        ledger.hold_off(account, 300)
        assert wait_of(beside, account) == pytest.approx(300, abs=NEAR)
        ledger.track(succeeded(new_task(account)))
        assert wait_of(beside, account) == 0
        assert [claim.chore for claim in take(beside, account)] == [Chore.STORE]

    def test_holding_off_touches_no_pace_and_no_lease(self, ledger: Ledger) -> None:
        account = new_account()
        fill(ledger, account, 3)
        [claim] = ledger.claim(1, 600, {account: 0.01}, CHORES)
        ledger.hold_off(account, 30)
        self.pass_time(30)
        assert ledger.claim(3, LEASE, {account: 0.01}, CHORES) == []
        self.pass_time(100)
        assert len(ledger.claim(3, LEASE, {account: 0.01}, CHORES)) == 1
        assert ledger.renew(claim, LEASE)


class Foresight(Kit):
    """How long to wait is never told too long, and nobody is sent to look where nothing can be had."""

    def test_where_nothing_waits_nothing_is_told(self, ledger: Ledger) -> None:
        account = new_account()
        assert ledger.next_due({account: inf}, CHORES) is None
        assert ledger.next_due({}, CHORES) is None
        fill(ledger, account, 1)
        assert ledger.next_due({account: inf}, ()) is None
        assert ledger.next_due({account: inf}, [Chore.STORE]) is None
        assert ledger.next_due({account: inf}, [Chore.POLL]) == 0

    def test_a_lease_is_waited_for(self, ledger: Ledger) -> None:
        account = new_account()
        fill(ledger, account, 1)
        take_one(ledger, account, lease=300)
        assert wait_of(ledger, account) == pytest.approx(300, abs=NEAR)

    def test_what_is_held_hides_nothing_that_is_due_earlier(self, ledger: Ledger) -> None:
        account = new_account()
        fill(ledger, account, 3)
        assert len(take(ledger, account, lease=600)) == 3
        ledger.track(new_task(account), due_in=300)
        ledger.track(succeeded(new_task(account)))
        settle(ledger, take_one(ledger, account), again=120.0)
        assert wait_of(ledger, account) == pytest.approx(120, abs=NEAR)
        assert ledger.next_due({account: inf}, [Chore.POLL]) == pytest.approx(300, abs=NEAR)

    def test_a_pace_is_waited_for(self, ledger: Ledger) -> None:
        account, other = new_account(), new_account()
        fill(ledger, account, 2)
        ledger.track(new_task(other), due_in=240)
        assert len(ledger.claim(2, 900, {account: 0.01}, CHORES)) == 1
        assert ledger.next_due({account: 0.01, other: 1.0}, CHORES) == pytest.approx(100, abs=NEAR)
        assert ledger.next_due({other: 1.0}, CHORES) == pytest.approx(240, abs=NEAR)

    @REPEATED
    @given(data=st.data())
    def test_whoever_waits_as_long_as_told_gets_something(self, ledger: Ledger, data: st.DataObject) -> None:
        account = new_account()
        paces = {account: data.draw(st.sampled_from([inf, 0.5, 0.02]))}
        moves = movements(self.pass_time, ledger, account, paces[account])
        for move in data.draw(st.lists(st.sampled_from(sorted(moves)), max_size=12)):
            moves[move]()
        for _ in range(20):
            wait = ledger.next_due(paces, CHORES)
            if wait is None:
                self.pass_time(3600)
                assert ledger.claim(1, LEASE, paces, CHORES) == []
                return
            if not wait:
                assert ledger.claim(1, LEASE, paces, CHORES)
                return
            assert wait < 1 or ledger.claim(1, LEASE, paces, CHORES) == []
            self.pass_time(wait)
        pytest.fail("There was always something more to wait for.")


def movements(
    pass_time: Callable[[float], None], ledger: Ledger, account: AccountKey, pace: float
) -> dict[str, Callable[[], object]]:
    """Things that change what is due when."""

    def work() -> None:
        for claim in ledger.claim(2, LEASE, {account: pace}, CHORES):
            settle(ledger, claim, again=90.0, rest=30.0)

    return {
        "claim": lambda: ledger.claim(1, LEASE, {account: pace}, CHORES),
        "hold off": lambda: ledger.hold_off(account, 45),
        "settle": work,
        "track": lambda: ledger.track(new_task(account)),
        "track for later": lambda: ledger.track(new_task(account), due_in=75),
        "wait": lambda: pass_time(40),
        "wake": lambda: ledger.wake(range(1, 50)),
    }
