"""How many turns a second does a ledger give out and take back, and what does it cost to hold many tasks open?"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from msgspec.structs import replace

from reelway.ledger import sqlite_rows as rows
from reelway.ledger import sqlite_schedule as schedule
from reelway.ledger.codec import dump
from reelway.ledger.records import Change, Chore, Claim, Settlement
from reelway.ledger.sqlite import SqliteLedger
from reelway.model.task import Task, TaskRef
from tests.benchmarks.figures import Findings, Row, mebibytes, microseconds, milliseconds, per_second
from tests.benchmarks.measure import MIB, Scale, child, cpu_seconds, in_turns, middle, peak_memory

MEANING: Final = """\
**Turns of a ledger.** One process claims 200 due tasks of a SQLite file, changes every other one, and settles them,
over and over: two transactions for 200 turns, each brought to the disk (`synchronous = full`). The baseline does
the same to the file of a bare `sqlite3`: it reads and writes one document for each task, and knows no events, no
paces, no leases that others might have taken, and nothing of what the documents say. Memory is that of the whole
process. Looking ahead is the question how long nothing is due, asked while 200 tasks are held."""

OPEN_TASKS: Final = (10_000, 100_000)

AT_ONCE: Final = 200
BATCHES: Final = 50

LEAST_RATE: Final = 4_000
MOST_MEMORY: Final = 300 * MIB
MOST_AHEAD: Final = 0.005

ACCOUNT: Final = ("acme", "default")
PACES: Final = {ACCOUNT: inf}
CHORES: Final = (Chore.POLL,)

LEDGERS: Final[Mapping[str, str]] = {"ledger": "turns", "bare": "bare_turns"}


def run(scale: Scale) -> Findings:
    return Findings(tuple(row for tasks in OPEN_TASKS for row in _rows(tasks, scale)), (), MEANING)


def _rows(tasks: int, scale: Scale) -> Iterator[Row]:
    measures = {name: partial(child, work, tasks=tasks, batches=BATCHES) for name, work in LEDGERS.items()}
    found = {name: middle(measured) for name, measured in in_turns(measures, scale.long_rounds).items()}
    ours, bare = found["ledger"], found["bare"]
    yield Row(
        figure=f"turns a second, {tasks:,} open tasks",
        ours=f"{per_second(ours['rate'])} ({microseconds(ours['cpu'])} CPU each)",
        baseline=f"{per_second(bare['rate'])} ({microseconds(bare['cpu'])} CPU each), bare `sqlite3`",
        ratio=ours["rate"] / bare["rate"],
        goal=f"≥ {per_second(LEAST_RATE)}",
        met=ours["rate"] >= LEAST_RATE,
    )
    yield Row(
        figure=f"looking ahead, {tasks:,} open tasks",
        ours=milliseconds(ours["ahead"]),
        goal=f"≤ {milliseconds(MOST_AHEAD)}",
        met=ours["ahead"] <= MOST_AHEAD,
    )
    yield Row(
        figure=f"memory with {tasks:,} open tasks",
        ours=mebibytes(ours["memory"]),
        goal=f"≤ {mebibytes(MOST_MEMORY)}",
        met=ours["memory"] <= MOST_MEMORY,
    )


# --- what a child measures ---


def turns(tasks: int, batches: int) -> dict[str, float]:
    """Turns a second of a SQLite ledger, CPU of each, the time of a look ahead, and the most memory held."""
    with TemporaryDirectory() as folder, SqliteLedger(Path(folder) / "jobs.db") as ledger:
        with ledger._file.writing() as database:
            for task in _tasks(tasks):
                schedule.schedule(database, rows.insert_task(database, task), task, 0.0, 0.0)

        def batch() -> None:
            claims = ledger.claim(AT_ONCE, 60, PACES, CHORES)
            ledger.settle([_settlement(claim) for claim in claims])

        measured = _measured(batch, batches)
        ledger.claim(AT_ONCE, 60, PACES, CHORES)
        begun = time.perf_counter()
        ledger.next_due(PACES, CHORES)
        return measured | {"ahead": time.perf_counter() - begun}


def _settlement(claim: Claim) -> Settlement:
    if claim.entry.number % 2:
        return Settlement(claim=claim, again=10.0)
    task = replace(claim.task, setbacks=claim.task.setbacks + 1)
    return Settlement(
        claim=claim, change=Change(number=claim.entry.number, expected=claim.entry.revision, task=task), again=10.0
    )


def bare_turns(tasks: int, batches: int) -> dict[str, float]:
    """The same of a table with a due time and a document."""
    with (
        TemporaryDirectory() as folder,
        closing(sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)) as bare,
    ):
        for statement in (
            "pragma journal_mode = wal",
            "pragma synchronous = full",
            "create table jobs (number integer primary key, due real, held integer default 0, document blob)",
            "create index jobs_by_due on jobs (due)",
            "begin",
        ):
            bare.execute(statement)
        documents = ((number, 0.0, dump(task)) for number, task in enumerate(_tasks(tasks)))
        bare.executemany("insert into jobs (number, due, document) values (?, ?, ?)", documents)
        bare.execute("commit")
        return _measured(partial(_bare_batch, bare), batches)


def _bare_batch(bare: sqlite3.Connection) -> None:
    bare.execute("begin immediate")
    taken = bare.execute(
        "update jobs set held = 1 where number in (select number from jobs where due <= ? order by due limit ?)"
        " returning number, document",
        (time.monotonic(), AT_ONCE),
    ).fetchall()
    bare.execute("commit")
    due = time.monotonic() + 10
    bare.execute("begin immediate")
    bare.executemany(
        "update jobs set held = 0, due = ?, document = ? where number = ?",
        [(due, document, number) for number, document in taken],
    )
    bare.execute("commit")


def _measured(batch: Callable[[], None], batches: int) -> dict[str, float]:
    batch()
    cpu, begun = cpu_seconds(), time.perf_counter()
    for _ in range(batches):
        batch()
    seconds, count = time.perf_counter() - begun, batches * AT_ONCE
    return {"rate": count / seconds, "cpu": (cpu_seconds() - cpu) / count, "memory": peak_memory()}


def _tasks(count: int) -> Iterator[Task]:
    now = datetime.now(UTC)
    return (Task.new(TaskRef(*ACCOUNT, "", f"task-{number}"), now) for number in range(count))
