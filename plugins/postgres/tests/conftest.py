"""One server for all tests of a worker, and a schema of its own for each test."""

from __future__ import annotations

from collections.abc import Iterator
from secrets import token_hex

import pytest

from reelway_postgres import PostgresLedger
from tests.postgres_server import FAST, Server, running


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server that runs."""
    with running(*FAST) as server:
        yield server


@pytest.fixture
def schema(server: Server) -> Iterator[str]:
    """A name that no schema has yet."""
    name = f"test_{token_hex(8)}"
    yield name
    server.execute(f"drop schema if exists {name} cascade")


@pytest.fixture
def url(server: Server, schema: str) -> str:
    """Where nothing is yet."""
    return server.url(schema=schema)


@pytest.fixture
def ledger(url: str) -> Iterator[PostgresLedger]:
    """A ledger that is empty."""
    with PostgresLedger(url) as ledger:
        yield ledger
