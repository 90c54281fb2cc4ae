"""A document that cannot be read, such as a later release's, stops the work on no other task."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from reelway.ledger.records import Query
from reelway.ledger.sqlite import SqliteLedger
from reelway.ledger.sqlite_schedule import HORIZON
from reelway.testing import VirtualClock
from reelway.testing.ledgers.kit import new_account, new_task, settle, take, wait_of


def spoil(path: Path, number: int) -> None:
    """Have a document say what only a later release knows."""
    with closing(sqlite3.connect(path)) as later, later:
        changed = "cast(replace(task, 'queued', 'paused') as blob)"
        later.execute(f"update entries set task = {changed} where number = ?", (number,))  # noqa: S608 - made here


def test_an_entry_that_cannot_be_read_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock, account = VirtualClock(), new_account()
    with SqliteLedger(tmp_path / "jobs.db", monotonic=clock.monotonic) as ledger:
        first, odd, last = (ledger.track(new_task(account)).number for _ in range(3))
        spoil(tmp_path / "jobs.db", odd)
        claims = take(ledger, account)
        assert [claim.entry.number for claim in claims] == [first, last]
        for claim in claims:
            settle(ledger, claim)
        clock.advance(60)
        assert len(take(ledger, account, lease=2 * HORIZON)) == 2
        assert wait_of(ledger, account) == HORIZON - 60
        assert [record.message.split(":")[0] for record in caplog.records] == [f"Entry {odd} is passed over"]
        assert [problem.split(":")[0] for problem in ledger.check()] == [f"entry {odd}"]


def test_the_next_ones_take_its_place_in_what_is_listed_and_read_out(tmp_path: Path) -> None:
    with SqliteLedger(tmp_path / "jobs.db") as ledger:
        first, odd, last = (ledger.track(new_task(new_account())).number for _ in range(3))
        spoil(tmp_path / "jobs.db", odd)
        listed = [ledger.entries(Query(limit=2, newest_first=backwards)) for backwards in (False, True)]
        assert [[entry.number for entry in entries] for entries in listed] == [[first, last], [last, first]]
        assert [line["number"] for line in ledger.export() if line["kind"] == "entry"] == [first, last]
