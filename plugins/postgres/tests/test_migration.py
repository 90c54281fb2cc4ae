"""The tables are made once, whoever comes at the same time; they move forward, and a later release's stay."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from reelway import LedgerError
from reelway_postgres import PostgresLedger, migration
from reelway_postgres.schema import MIGRATIONS, SCHEMA
from tests.postgres_server import Server

ACCOUNT = ("acme", "main")


def test_many_that_open_a_new_ledger_at_once_make_one(url: str) -> None:
    with ThreadPoolExecutor(8) as threads:
        ledgers = list(threads.map(PostgresLedger, [url] * 8))
    for ledger in ledgers:
        ledger.hold_off(ACCOUNT, 1)
        ledger.close()
    with PostgresLedger(url) as ledger:
        assert ledger._database.rows("select count(*), min(version) from our.reelway_schema") == [(1, SCHEMA)]


def test_ledgers_in_two_schemas_know_nothing_of_each_other(server: Server, ledger: PostgresLedger) -> None:
    with PostgresLedger(server.url(schema="other")) as other:
        other.hold_off(ACCOUNT, 600)
        assert ledger._database.rows("select account from our.accounts") == []
        assert ledger.name != other.name


def test_an_earlier_schema_is_brought_forward_with_all_it_holds(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with PostgresLedger(url) as ledger:
        ledger.hold_off(ACCOUNT, 600)
    step = ("alter table our.accounts add column note text not null default 'new'",)
    monkeypatch.setattr(migration, "MIGRATIONS", (*MIGRATIONS, step))
    monkeypatch.setattr(migration, "SCHEMA", SCHEMA + 1)
    with ThreadPoolExecutor(4) as threads:
        ledgers = list(threads.map(PostgresLedger, [url] * 4))
    for ledger in ledgers:
        assert ledger._database.rows("select account, note from our.accounts") == [("main", "new")]
        ledger.close()


def test_a_step_that_fails_leaves_everything_as_it_was(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    PostgresLedger(url).close()
    step = ("alter table our.accounts add column note text", "alter table our.nothing add column note text")
    with monkeypatch.context() as patched:
        patched.setattr(migration, "MIGRATIONS", (*MIGRATIONS, step))
        patched.setattr(migration, "SCHEMA", SCHEMA + 1)
        with pytest.raises(LedgerError, match="not as they should be"):
            PostgresLedger(url)
    with PostgresLedger(url) as ledger:
        assert ledger._database.rows("select * from our.reelway_schema") == [(SCHEMA,)]
        assert ledger._database.rows("select * from our.accounts") == []


def test_what_a_later_release_wrote_is_refused(url: str) -> None:
    with PostgresLedger(url) as ledger:
        ledger._database.rows("update our.reelway_schema set version = version + 1")
    with pytest.raises(LedgerError, match="later release") as refused:
        PostgresLedger(url)
    assert not refused.value.retryable
    assert "Upgrade" in refused.value.hint


def test_tables_of_another_program_are_left_alone(server: Server, schema: str, url: str) -> None:
    server.execute(f"create schema {schema}; create table {schema}.entries (theirs text)")
    with pytest.raises(LedgerError, match="tables of another program") as refused:
        PostgresLedger(url)
    assert "?schema=" in refused.value.hint
    assert server.execute("select schemaname, tablename from pg_tables").count((schema, "entries")) == 1
    assert (schema, "schedule") not in server.execute("select schemaname, tablename from pg_tables")
