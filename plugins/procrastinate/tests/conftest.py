"""One PostgreSQL server for all tests of a worker, a schema of its own for each, and a sandbox to ask."""

from __future__ import annotations

from collections.abc import Iterator
from secrets import token_hex

import pytest

from reelway.sandbox import Pace, Sandbox
from tests.postgres_server import FAST, Server, running


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server that runs."""
    with running(*FAST) as server:
        yield server


@pytest.fixture
def url(server: Server) -> Iterator[str]:
    """A ledger that is not there yet."""
    name = f"test_{token_hex(8)}"
    yield server.url(schema=name)
    server.execute(f"drop schema if exists {name} cascade")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Jobs end with their fourth poll."""
    with Sandbox(pace=Pace.POLLS, job_polls=4) as sandbox:
        yield sandbox
