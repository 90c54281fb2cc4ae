"""After a restart of the machine its clock begins anew: every lease is free and everything unfinished is due."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from math import inf
from pathlib import Path

import pytest

from reelway.ledger import sqlite, sqlite_file
from reelway.ledger.records import Chore
from reelway.ledger.sqlite import SqliteLedger
from reelway.ledger.sqlite_schedule import HORIZON
from reelway.testing import VirtualClock
from reelway.testing.ledgers.kit import (
    NOW,
    change_of,
    failed,
    new_account,
    new_task,
    settle,
    stored,
    succeeded,
    take,
    wait_of,
)

Boot = Callable[[str], None]


@pytest.fixture
def boot(monkeypatch: pytest.MonkeyPatch) -> Boot:
    """Says which run of the machine it is."""

    def start(name: str) -> None:
        monkeypatch.setattr(sqlite, "boot_id", lambda: name)

    start("first")
    return start


class Machine:
    """A machine with one file, whose clock begins anew when it is started."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = VirtualClock()
        self.clock.advance(100_000)

    def open(self) -> SqliteLedger:
        return SqliteLedger(self.path, monotonic=self.clock.monotonic)

    def restart(self) -> None:
        self.clock = VirtualClock()


@pytest.fixture
def machine(tmp_path: Path, boot: Boot) -> Machine:
    return Machine(tmp_path / "jobs.db")


ACCOUNT = new_account()


def fill(ledger: SqliteLedger) -> int:
    """Tasks of every kind: held, resting, due later, done; tells how many are unfinished."""
    for _ in range(3):
        ledger.track(new_task(ACCOUNT))
    _, second, third = take(ledger, ACCOUNT, lease=HORIZON)
    settle(ledger, second, again=HORIZON, rest=HORIZON, interval=12.0, failures=2)
    settle(ledger, third, again=60.0)
    ledger.track(new_task(ACCOUNT), due_in=600)
    ledger.track(succeeded(new_task(ACCOUNT)))
    ledger.track(stored(new_task(ACCOUNT)))
    ledger.claim(1, HORIZON, {ACCOUNT: 0.001}, [Chore.STORE])
    ledger.hold_off(ACCOUNT, HORIZON)
    return 5


@pytest.mark.parametrize("named", [True, False])
def test_everything_unfinished_is_due_after_a_restart(machine: Machine, boot: Boot, named: bool) -> None:
    if not named:
        # Where a run of the machine has no name, times that nobody can have written tell of a restart.
        boot("")
    with machine.open() as ledger:
        unfinished = fill(ledger)
        assert take(ledger, ACCOUNT) == []
    machine.restart()
    if named:
        boot("second")
    with machine.open() as ledger:
        assert wait_of(ledger, ACCOUNT) == 0
        claims = take(ledger, ACCOUNT)
        assert len(claims) == unfinished
        assert {(claim.interval, claim.failures) for claim in claims} == {(0.0, 0), (12.0, 2)}
        assert min(claim.age for claim in claims) > 86_400
        assert {claim.late for claim in claims} == {0.0}


def test_a_pace_begins_anew_after_a_restart(machine: Machine, boot: Boot) -> None:
    with machine.open() as ledger:
        fill(ledger)
    machine.restart()
    boot("second")
    with machine.open() as ledger:
        assert len(ledger.claim(9, 60, {ACCOUNT: 0.001}, tuple(Chore))) == 1


def test_whoever_comes_later_within_a_run_frees_nothing(machine: Machine) -> None:
    with machine.open() as ledger:
        fill(ledger)
        with machine.open() as another:
            assert take(another, ACCOUNT) == []
            assert another.next_due({ACCOUNT: inf}, tuple(Chore)) == pytest.approx(HORIZON)


def test_an_account_is_not_held_off_by_a_time_of_an_earlier_run(machine: Machine, boot: Boot) -> None:
    boot("")
    with machine.open() as ledger:
        ledger.hold_off(ACCOUNT, 60)
    machine.restart()
    with machine.open() as ledger:
        ledger.track(new_task(ACCOUNT))
        assert len(take(ledger, ACCOUNT)) == 1


def test_a_pace_is_not_spent_by_a_time_of_an_earlier_run(machine: Machine, boot: Boot) -> None:
    boot("")
    with machine.open() as ledger:
        ledger.track(new_task(ACCOUNT))
        [claim] = ledger.claim(1, 60, {ACCOUNT: 0.1}, [Chore.POLL])
        settle(ledger, claim, change_of(claim.entry, failed(claim.task)))
        assert ledger.prune(NOW + timedelta(days=1)) == 1
    machine.restart()
    with machine.open() as ledger:
        ledger.track(new_task(ACCOUNT))
        assert len(ledger.claim(1, 60, {ACCOUNT: 0.1}, [Chore.POLL])) == 1


def test_no_pause_reaches_beyond_the_horizon(machine: Machine) -> None:
    with machine.open() as ledger:
        ledger.track(new_task(ACCOUNT), due_in=inf)
        machine.clock.advance(HORIZON)
        [claim] = take(ledger, ACCOUNT, lease=inf)
        assert ledger.renew(claim, inf)
        machine.clock.advance(HORIZON)
        [claim] = take(ledger, ACCOUNT)
        settle(ledger, claim, again=inf, rest=inf)
        ledger.hold_off(ACCOUNT, inf)
        machine.clock.advance(HORIZON)
        assert len(take(ledger, ACCOUNT)) == 1


def test_a_run_without_a_name_has_an_empty_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sqlite_file, "_BOOT_ID", tmp_path / "missing")
    assert sqlite_file.boot_id() == ""
    (tmp_path / "there").write_text("b0-0t\n")
    monkeypatch.setattr(sqlite_file, "_BOOT_ID", tmp_path / "there")
    assert sqlite_file.boot_id() == "b0-0t"
