"""Trouble with the server is told in plain words, and no word of the password."""

from __future__ import annotations

import logging
from collections.abc import Callable

import psycopg
import pytest
from psycopg import errors

from reelway import LedgerError, Secret
from reelway.errors import Fault
from reelway_postgres import PostgresLedger
from reelway_postgres.trouble import STATES, trouble_of
from tests.postgres_server import Server
from tests.reports import full_report

CANARY = "CANARYpassword"


@pytest.fixture(scope="module", autouse=True)
def users(server: Server) -> None:
    """Roles with a password, and one that may log in without one."""
    server.execute(f"create role secured login password '{CANARY}'")
    server.execute("create role guest login")
    server.execute("create role single login connection limit 0")
    server.execute("create role reader login")
    server.execute("alter role reader set default_transaction_read_only = on")
    server.execute("create role careless login")
    server.execute("alter role careless set synchronous_commit = off")


URLS: dict[str, Callable[[Server], str]] = {
    "cannot be reached": lambda server: f"postgresql://me:{CANARY}@127.0.0.1:1/jobs",
    "server cannot be reached": lambda server: f"postgresql://me:{CANARY}@/jobs?host={server.folder}/nowhere",
    "does not let this user in": lambda server: server.url("secured", f"wrong{CANARY}"),
    "let this user in": lambda server: server.url("stranger", CANARY),
    "no such database": lambda server: server.url(password=CANARY, database="films"),
    "may not do that": lambda server: server.url("guest", CANARY),
    "no more connections": lambda server: server.url("single", CANARY),
    "may only be read": lambda server: server.url("reader", CANARY),
    "would be lost if the server died": lambda server: server.url("careless", CANARY),
}


@pytest.mark.parametrize("words", URLS)
def test_what_is_wrong_is_told_without_the_password(
    server: Server, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = Secret(URLS[words](server))
    with pytest.raises(LedgerError) as refused:
        PostgresLedger(url)
    assert words in refused.value.message
    assert refused.value.hint
    assert CANARY not in full_report(refused.value)
    assert CANARY not in caplog.text


def test_the_right_password_opens_and_shows_nowhere(server: Server, schema: str) -> None:
    server.execute(f"create schema {schema} authorization secured")
    with PostgresLedger(server.url("secured", CANARY, schema=schema)) as ledger:
        assert ledger.check() == []
        assert CANARY not in f"{ledger!r} {vars(ledger)!r} {ledger.name}"


def test_a_schema_that_an_administrator_made_needs_no_right_to_make_one(server: Server, schema: str) -> None:
    server.execute(f"create schema {schema} authorization guest")
    with PostgresLedger(server.url("guest", schema=schema)) as ledger:
        assert ledger.check() == []


@pytest.mark.parametrize(
    ("error", "words", "retryable"),
    [
        (errors.DiskFull, "disk is full", True),
        (errors.TooManyConnections, "no more connections", True),
        (errors.AdminShutdown, "starting or stopping", True),
        (errors.CannotConnectNow, "starting or stopping", True),
        (errors.ConnectionFailure, "cannot be reached", True),
        (errors.ReadOnlySqlTransaction, "may only be read", True),
        (errors.InvalidPassword, "does not let this user in", False),
        (errors.InvalidCatalogName, "no such database", False),
        (errors.InsufficientPrivilege, "may not do that", False),
        (errors.UndefinedTable, "not as they should be", False),
        (errors.DataCorrupted, "damaged", False),
        (errors.SerializationFailure, "again and again", True),
        (errors.DivisionByZero, "PostgreSQL says: DivisionByZero", True),
        (psycopg.InterfaceError, "PostgreSQL says: InterfaceError", True),
        (psycopg.OperationalError, "cannot be reached", True),
    ],
)
def test_each_state_has_its_words(error: type[psycopg.Error], words: str, retryable: bool) -> None:
    trouble = trouble_of(error())
    assert words in trouble.what
    assert trouble.hint
    assert trouble.retryable is retryable


def test_trouble_that_stays_is_the_callers() -> None:
    assert all((trouble.fault is Fault.CALLER) is not trouble.retryable for trouble in STATES.values())


@pytest.mark.parametrize(("setting", "words"), [("full", "disk is full"), ("read-only", "may only be read")])
def test_what_the_server_refuses_in_the_middle_is_told(
    server: Server, url: str, schema: str, setting: str, words: str
) -> None:
    raised = {"full": "53100", "read-only": "25006"}[setting]
    with PostgresLedger(url) as ledger:
        server.execute(
            f"create function {schema}.refuse() returns trigger language plpgsql as"
            f" $$ begin raise 'refused' using errcode = '{raised}'; end $$;"
            f" create trigger refuse before insert on {schema}.accounts execute function {schema}.refuse()"
        )
        with pytest.raises(LedgerError, match=words):
            ledger.hold_off(("acme", "main"), 1)
        assert ledger.check() == []
