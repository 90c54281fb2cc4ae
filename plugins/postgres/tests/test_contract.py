"""PostgreSQL keeps the contract of ledgers, and behind a pooler as well."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from reelway.testing import LedgerContract
from reelway_postgres import PostgresLedger
from tests.pooler import PROGRAM, pooled, pooled_url
from tests.postgres_server import Server

PASS = """
    update {0}.schedule
        set due = due - passed, known_since = known_since - passed, rest_until = rest_until - passed,
            leased_until = leased_until - passed
        from (select make_interval(secs => {1:f}) as passed) p;
    update {0}.accounts set free_at = free_at - passed, held_until = held_until - passed
        from (select make_interval(secs => {1:f}) as passed) p
"""


class TestPostgresLedger(LedgerContract):
    @pytest.fixture(autouse=True)
    def store(self, server: Server, schema: str) -> None:
        self.server, self.schema = server, schema

    def open(self) -> PostgresLedger:
        return PostgresLedger(self.server.url(schema=self.schema))

    def pass_time(self, seconds: float) -> None:
        # The server's clock is everybody's, so what it has measured is moved into the past.
        self.server.execute(PASS.format(self.schema, seconds))


@pytest.fixture(scope="module")
def _pooler(server: Server) -> Iterator[None]:
    with pooled(server):
        yield


@pytest.mark.skipif(PROGRAM is None, reason="PgBouncer is not installed")
@pytest.mark.usefixtures("_pooler")
class TestPooledLedger(TestPostgresLedger):
    """In transaction mode, and with fewer connections than threads ask for."""

    def open(self) -> PostgresLedger:
        return PostgresLedger(pooled_url(self.server, self.schema))
