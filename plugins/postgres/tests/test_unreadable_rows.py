"""A document that cannot be read, such as a later release's, stops the work on no other task."""

from __future__ import annotations

import pytest

from reelway.ledger.codec import dump
from reelway.ledger.records import Entry, Query
from reelway.testing.ledgers.kit import NEAR, new_account, new_task, settle, take, task_of, wait_of
from reelway_postgres import PostgresLedger
from reelway_postgres.schedule import HORIZON
from tests.postgres_server import Server


def spoil(server: Server, schema: str, entry: Entry) -> None:
    """Have a document say what only a later release knows."""
    later = dump(task_of(entry)).replace(b"queued", b"paused").hex()
    server.execute(f"update {schema}.entries set task = decode('{later}', 'hex') where number = {entry.number}")  # noqa: S608 - made here


def test_an_entry_that_cannot_be_read_is_passed_over(
    server: Server, schema: str, ledger: PostgresLedger, caplog: pytest.LogCaptureFixture
) -> None:
    account = new_account()
    first, odd, last = (ledger.track(new_task(account)) for _ in range(3))
    spoil(server, schema, odd)
    claims = take(ledger, account)
    assert [claim.entry.number for claim in claims] == [first.number, last.number]
    for claim in claims:
        settle(ledger, claim, again=HORIZON)
    assert take(ledger, account) == []
    assert [record.message.split(":")[0] for record in caplog.records] == [f"Entry {odd.number} is passed over"]
    assert wait_of(ledger, account) == pytest.approx(HORIZON, abs=NEAR)
    assert [problem.split(":")[0] for problem in ledger.check()] == [f"entry {odd.number}"]


def test_the_next_ones_take_its_place_in_what_is_listed(
    server: Server, schema: str, ledger: PostgresLedger
) -> None:
    first, odd, last = (ledger.track(new_task(new_account())) for _ in range(3))
    spoil(server, schema, odd)
    listed = [ledger.entries(Query(limit=2, newest_first=backwards)) for backwards in (False, True)]
    assert listed == [[first, last], [last, first]]
