"""Connections: lent to threads, dropped where they are cut, made anew in a fork, waited for as long as is said."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from math import inf

import pytest

from reelway import LedgerError
from reelway.ledger.records import Chore, Query, Settlement
from reelway.model.task import Task, TaskRef
from reelway_postgres import PostgresLedger
from tests.postgres_server import FAST, Server, running

ACCOUNT = ("acme", "main")

CUT = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'reelway'"


def sessions(server: Server, name: str) -> int:
    return server.execute("select application_name from pg_stat_activity").count((name,))


def test_a_server_that_was_restarted_is_used_as_before() -> None:
    with running(*FAST) as server, PostgresLedger(server.url()) as ledger, ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: ledger.hold_off(ACCOUNT, 1), range(64)))
        server.stop(signal.SIGINT)
        server.start()
        list(threads.map(lambda _: ledger.hold_off(ACCOUNT, 1), range(64)))


def test_a_server_that_is_away_for_a_moment_is_waited_for() -> None:
    with (
        running(*FAST) as server,
        PostgresLedger(server.url(), patience=30) as ledger,
        ThreadPoolExecutor(1) as threads,
    ):
        server.stop()
        waiting = threads.submit(ledger.entries, Query())
        server.start()
        assert waiting.result() == []


def test_connections_that_are_cut_are_dropped_unseen(server: Server, ledger: PostgresLedger) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: ledger.hold_off(ACCOUNT, 1), range(64)))
    server.execute(CUT)
    for _ in range(20):
        ledger.hold_off(ACCOUNT, 1)


def test_a_statement_that_is_cut_says_so_and_the_next_one_works(server: Server, schema: str) -> None:
    url = server.url(schema=schema, application_name="cut")
    with PostgresLedger(url) as ledger, ThreadPoolExecutor(1) as threads:
        ledger.hold_off(ACCOUNT, 1)
        with ledger._database._connections.lent() as held:
            held.execute(f"begin; lock table {schema}.accounts")
            waiting = threads.submit(ledger.hold_off, ACCOUNT, 1)
            while not server.execute("select pid from pg_stat_activity where wait_event_type = 'Lock'"):
                pass
            server.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where wait_event_type = 'Lock'"
            )
            with pytest.raises(LedgerError) as cut:
                waiting.result()
            assert cut.value.retryable
        ledger.hold_off(ACCOUNT, 1)


def test_no_more_connections_are_opened_than_allowed(server: Server, schema: str) -> None:
    url = server.url(schema=schema, application_name="few")
    with PostgresLedger(url, connections=2) as ledger, ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: ledger.hold_off(ACCOUNT, 1), range(64)))
        assert sessions(server, "few") <= 2
    while sessions(server, "few"):
        pass


def test_whoever_waits_too_long_for_a_connection_is_told(url: str) -> None:
    with PostgresLedger(url, connections=1, patience=0) as ledger:
        with ledger._database._connections.lent(), pytest.raises(LedgerError, match="no connection left"):
            ledger.check()
        assert ledger.check() == []


def test_a_closed_ledger_keeps_no_connection_that_is_still_used(server: Server, schema: str) -> None:
    ledger = PostgresLedger(server.url(schema=schema, application_name="closed"))
    with ledger._database._connections.lent():
        ledger.close()
        assert sessions(server, "closed") == 1
    while sessions(server, "closed"):
        pass
    with pytest.raises(LedgerError, match="is closed"):
        ledger.check()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system knows no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_has_connections_of_its_own(ledger: PostgresLedger) -> None:
    ledger.hold_off(ACCOUNT, 1)
    with ledger._database._connections.lent():
        child = os.fork()
        if not child:
            try:
                ledger.hold_off(("acme", "child"), 600)
                ledger.close()
                os._exit(0)
            finally:
                os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    ledger.hold_off(ACCOUNT, 1)
    names = ledger._database.rows("select account from our.accounts order by account")
    assert names == [("child",), ("main",)]


def test_nothing_is_kept_in_a_session_so_that_a_pooler_may_change_it(url: str) -> None:
    kept = """
        select (select count(*) from pg_prepared_statements), (select count(*) from pg_cursors where name <> ''),
            (select count(*) from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()),
            (select count(*) from pg_settings where source = 'session' and name <> 'transaction_isolation')
    """
    with PostgresLedger(url, connections=1) as ledger:
        for _ in range(10):
            entry = ledger.track(Task.new(TaskRef(*ACCOUNT, "", "task"), datetime.now(UTC)))
            claims = ledger.claim(10, 60, {ACCOUNT: inf}, list(Chore))
            ledger.settle([Settlement(claim=claim, again=0) for claim in claims])
            ledger.events()
            ledger.entries(Query(after=entry.number))
        assert ledger._database.rows(kept) == [(0, 0, 0, 0)]
