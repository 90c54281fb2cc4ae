"""What does a turn of a ledger on PostgreSQL cost? It starts a server of its own, which syncs what it writes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from functools import partial
from math import inf
from typing import Any, Final

import psycopg

from reelway.ledger.records import Chore, Settlement
from reelway_postgres import PostgresLedger
from tests.benchmarks import workers
from tests.benchmarks.figures import Findings, Row, milliseconds, per_second
from tests.benchmarks.filled import ACCOUNT, FilledServer
from tests.benchmarks.measure import ROOT, Scale, cpu_seconds, in_turns, middle

MEANING: Final = """\
**Turns of a ledger on PostgreSQL.** Two processes claim 200 due tasks each and settle them, over and over. The
baseline is a bare loop of SQL over a table of two columns and an index: claim with `for update skip locked`, and
write back; it reads no document and knows no accounts. CPU is that of both processes, and of all processes of the
server; WAL is what the server writes to its log."""

OPEN_TASKS: Final = (10_000, 100_000)
WORKERS: Final = 2
AT_ONCE: Final = 200
SECONDS: Final = 4.0

MOST_CPU: Final = 0.000_10
MOST_WAL: Final = 700

BARE_CLAIM: Final = """
    with due as (
        select id from bare where due <= now() and leased < now() order by due limit 200 for update skip locked
    )
    update bare b set leased = now() + interval '30 s' from due where b.id = due.id returning b.id
"""
BARE_SETTLE: Final = """
    update bare set leased = '-infinity', due = now() + interval '1 ms' where id = any(%s::bigint[])
"""


def run(scale: Scale) -> Findings:
    return Findings((*rows(scale), *workers.rows(scale)), (), f"{MEANING}\n\n{workers.MEANING}")


def rows(scale: Scale) -> Iterator[Row]:
    """What is found, for each number of open tasks."""
    for tasks in OPEN_TASKS:
        yield from _rows(tasks, scale)


def _rows(tasks: int, scale: Scale) -> Iterator[Row]:
    with closing(_Measured(tasks)) as measured:
        measures = {name: partial(measured.turns, name) for name in WORK}
        found = {name: middle(turns) for name, turns in in_turns(measures, scale.long_rounds).items()}
    ours, bare = found["ledger"], found["bare"]
    yield Row(
        figure=f"turns a second, {tasks:,} open tasks",
        ours=per_second(ours["rate"]),
        baseline=f"{per_second(bare['rate'])}, bare SQL",
        ratio=ours["rate"] / bare["rate"],
        goal="–",
        met=True,
    )
    for who in ("worker", "server"):
        yield Row(
            figure=f"CPU of a turn, {who}, {tasks:,} open tasks",
            ours=milliseconds(ours[who]),
            baseline=milliseconds(bare[who]),
            ratio=ours[who] / bare[who],
            goal=f"≤ {milliseconds(MOST_CPU)}",
            met=ours[who] <= MOST_CPU,
        )
    yield Row(
        figure=f"WAL of a turn, {tasks:,} open tasks",
        ours=f"{ours['wal']:.0f} B",
        baseline=f"{bare['wal']:.0f} B",
        ratio=ours["wal"] / bare["wal"],
        goal=f"≤ {MOST_WAL} B",
        met=ours["wal"] <= MOST_WAL,
    )


class _Measured:
    """What work on a server with many tasks costs."""

    def __init__(self, tasks: int) -> None:
        self._server = FilledServer(tasks)

    def close(self) -> None:
        self._server.close()

    def turns(self, work: str) -> dict[str, float]:
        """Let the workers work; figures of one turn."""
        command = [sys.executable, "-m", __name__, work, self._server.url()]
        processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(WORKERS)]
        wal, cpu = self._server.wal(), self._server.cpu()
        measured = [json.loads(process.communicate()[0]) for process in processes]
        turns = sum(one["turns"] for one in measured)
        return {
            "rate": sum(one["turns"] / one["seconds"] for one in measured),
            "worker": sum(one["cpu"] for one in measured) / turns,
            "server": (self._server.cpu() - cpu) / turns,
            "wal": (self._server.wal() - wal) / turns,
        }


# --- what a worker does ---


def ledger_turns(url: str) -> Generator[int, None, None]:
    """Claim and settle; every turn leaves the task as it is, as most polls do."""
    with PostgresLedger(url) as ledger:
        while True:
            claims = ledger.claim(AT_ONCE, 30, {ACCOUNT: inf}, [Chore.POLL])
            ledger.settle([Settlement(claim=claim, again=0.001) for claim in claims])
            yield len(claims)


def bare_turns(url: str) -> Generator[int, None, None]:
    """The same in bare SQL."""
    with psycopg.connect(url, autocommit=True) as connection:
        while True:
            ids = [row[0] for row in connection.execute(BARE_CLAIM).fetchall()]
            connection.execute(BARE_SETTLE, [ids])
            yield len(ids)


WORK: Final[Mapping[str, Callable[[str], Generator[int, None, None]]]] = {
    "ledger": ledger_turns,
    "bare": bare_turns,
}


def work(name: str, url: str) -> dict[str, Any]:
    """Work for some seconds."""
    turns, count = WORK[name](url), 0
    next(turns)
    cpu, begun = cpu_seconds(), time.perf_counter()
    while time.perf_counter() - begun < SECONDS:
        count += next(turns)
    measured = {"turns": count, "cpu": cpu_seconds() - cpu, "seconds": time.perf_counter() - begun}
    turns.close()
    return measured


if __name__ == "__main__":
    sys.stdout.write(json.dumps(work(*sys.argv[1:])))
