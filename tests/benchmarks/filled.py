"""A PostgreSQL server that holds many open tasks, and what it spends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from reelway_postgres import PostgresLedger
from tests.benchmarks.contenders import a_provider
from tests.benchmarks.open_tasks import running_task
from tests.postgres_server import Server

ACCOUNT: Final = (a_provider(), "default")

BARE: Final = "create table bare (id bigint primary key, due timestamptz not null, leased timestamptz not null)"

COPY: Final = """
    insert into reelway.entries (ref, provider, account, status, artifact, begun_at, revision, task)
    select 'copy-' || n, provider, account, status, artifact, begun_at, 1, task
    from reelway.entries, generate_series(2, %d) n
"""


class FilledServer(Server):
    """Runs until it is closed, and syncs what it writes."""

    def __init__(self, tasks: int) -> None:
        super().__init__("max_wal_size=4GB")
        self.start()
        try:
            self._fill(tasks)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self.remove()

    def wal(self) -> float:
        """Bytes of its log so far."""
        [[place]] = self.execute("select (pg_current_wal_lsn() - '0/0')::float8")
        return float(place)

    def cpu(self) -> float:
        """Seconds of CPU of its processes, of those that have ended as well."""
        return sum(map(_ticks, self.processes())) / os.sysconf("SC_CLK_TCK")

    def _fill(self, tasks: int) -> None:
        self.execute(f"{BARE} with (fillfactor = 70, autovacuum_vacuum_cost_delay = 0); create index on bare (due)")
        self.execute(f"insert into bare select n, now(), '-infinity' from generate_series(1, {tasks}) n")  # noqa: S608 - a number
        with PostgresLedger(self.url()) as ledger:
            # One task as a tracker has polled it, and copies of it.
            ledger.track(running_task("task-1"))
        self.execute(COPY % tasks)
        self.execute(
            "insert into reelway.schedule (number, account, chore, due)"
            " select number, 1, 'poll', now() from reelway.entries where ref like 'copy-%'"
        )
        self.execute("vacuum analyze")


def _ticks(process: int) -> int:
    # Own and waited-for children's time, user and system: fields 14 to 17 (man 5 proc).
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return 0
    return sum(map(int, stat.rpartition(")")[2].split()[11:15]))
