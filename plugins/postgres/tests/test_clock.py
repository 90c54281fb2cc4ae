"""The server's clock may be set back: what was written before that holds nothing up for long."""

from __future__ import annotations

import pytest

from reelway.ledger.records import Chore
from reelway.testing.ledgers.kit import new_account, new_task, settle, take, take_one, wait_of
from reelway_postgres import PostgresLedger
from tests.postgres_server import Server

SET_BACK = """
    update {0}.schedule set due = due + interval '1 day', known_since = known_since + interval '1 day',
        rest_until = rest_until + interval '1 day', leased_until = leased_until + interval '1 day';
    update {0}.accounts set free_at = free_at + interval '1 day', held_until = held_until + interval '1 day'
"""


def test_what_lies_beyond_reach_is_due_when_a_ledger_is_opened(server: Server, schema: str, url: str) -> None:
    account = new_account()
    with PostgresLedger(url) as ledger:
        for _ in range(3):
            ledger.track(new_task(account))
        first, *_ = ledger.claim(2, 60, {account: 5.0}, [Chore.POLL])
        settle(ledger, first, again=60.0, rest=60.0)
        ledger.hold_off(account, 60)
        server.execute(SET_BACK.format(schema))
        assert take(ledger, account) == []
    with PostgresLedger(url) as ledger:
        assert wait_of(ledger, account) == 0
        claims = ledger.claim(9, 60, {account: 5.0}, [Chore.POLL])
        assert len(claims) == 3
        assert all(claim.age >= 0 for claim in claims)


def test_what_lies_within_reach_stays_as_it_is(url: str) -> None:
    account = new_account()
    with PostgresLedger(url) as ledger:
        ledger.track(new_task(account))
        take_one(ledger, account, lease=3600.0)
        with PostgresLedger(url) as another:
            assert take(another, account) == []
            assert another.next_due({account: 1.0}, [Chore.POLL]) == pytest.approx(3600, abs=15)
