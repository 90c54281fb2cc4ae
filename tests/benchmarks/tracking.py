"""How many polls a second does a tracker get through, what does each cost, and what do many open tasks weigh?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from reelway import Account
from reelway.flow.effects import Send
from reelway.ledger import sqlite_rows as rows
from reelway.ledger import sqlite_schedule as schedule
from reelway.ledger.sqlite import SqliteLedger
from reelway.model.http import HttpResponse
from reelway.model.task import Task, TaskRef
from reelway.provider.interface import Cadence
from reelway.tracker import Tracker
from tests.benchmarks.contenders import KEY, a_provider
from tests.benchmarks.figures import Findings, Row, mebibytes, milliseconds, per_second
from tests.benchmarks.measure import MIB, Scale, child, cpu_seconds, in_turns, middle, peak_memory
from tests.benchmarks.server import RUNNING

MEANING: Final = """\
**A tracker.** One process follows the tasks of a SQLite file (`synchronous = full`), all of them always due, and
every answer says something new, so that each poll is a turn claimed, an answer read, a change and an event written.
First the network is left out: answers are there at once, and what is measured is the tracker with its ledger.
Then the same is done with the client that everybody gets, over loopback to a server that answers after 50 ms.
Memory is that of the whole process while 100,000 tasks are open."""

TASKS: Final = 10_000
MANY: Final = 100_000

MOST_CPU: Final = 0.0001
LEAST_RATE: Final = 4_000
LEAST_REAL_RATE: Final = 1_000
MOST_MEMORY: Final = 300 * MIB


def run(scale: Scale, url: str) -> Findings:
    measures = {
        "stub": partial(child, "track", url="", tasks=TASKS, seconds=scale.seconds),
        "real": partial(child, "track", url=f"{url}/50", tasks=TASKS, seconds=scale.seconds),
        "many": partial(child, "track", url="", tasks=MANY, seconds=scale.seconds),
    }
    found = {name: middle(measured) for name, measured in in_turns(measures, scale.long_rounds).items()}
    return Findings(_rows(found["stub"], found["real"], found["many"]), (), MEANING)


def _rows(stub: Mapping[str, float], real: Mapping[str, float], many: Mapping[str, float]) -> tuple[Row, ...]:
    # What a core would do if it did nothing else; a figure of one process, whatever else runs.
    per_core = 1 / real["cpu"]
    return (
        Row(
            figure="CPU of one poll, tracker and ledger alone",
            ours=milliseconds(stub["cpu"]),
            goal=f"≤ {milliseconds(MOST_CPU)}",
            met=stub["cpu"] <= MOST_CPU,
        ),
        Row(
            figure=f"polls a second, {TASKS:,} open tasks, tracker and ledger alone",
            ours=per_second(stub["rate"]),
            goal=f"≥ {per_second(LEAST_RATE)}",
            met=stub["rate"] >= LEAST_RATE,
        ),
        Row(
            figure=f"polls a second of one core, {TASKS:,} open tasks, over loopback",
            ours=f"{per_second(per_core)} ({per_second(real['rate'])} done, {milliseconds(real['cpu'])} CPU each)",
            goal=f"≥ {per_second(LEAST_REAL_RATE)}",
            met=per_core >= LEAST_REAL_RATE,
        ),
        Row(
            figure=f"memory with {MANY:,} open tasks followed",
            ours=mebibytes(many["memory"]),
            goal=f"≤ {mebibytes(MOST_MEMORY)}",
            met=many["memory"] <= MOST_MEMORY,
        ),
    )


# --- what a child measures ---


def track(url: str, tasks: int, seconds: float) -> dict[str, float]:
    """Polls a second, CPU of each and the most memory held; without a URL, answers are there at once."""
    with TemporaryDirectory() as folder, SqliteLedger(Path(folder) / "jobs.db") as ledger:
        fill(ledger, tasks)
        return asyncio.run(_track(ledger, url, seconds))


def fill(ledger: SqliteLedger, count: int) -> None:
    """Put tasks on record that are due at once."""
    now, provider = datetime.now(UTC), a_provider()
    with ledger._file.writing() as database:
        for number in range(count):
            task = Task.new(TaskRef(provider, "default", "", f"task_{number}"), now)
            schedule.schedule(database, rows.insert_task(database, task), task, 0.0, 0.0)


async def _track(ledger: SqliteLedger, url: str, seconds: float) -> dict[str, float]:
    account = Account(a_provider(), KEY, url or None, requests_per_second=inf, cadence=Cadence(0, 0))
    polls = Polls()
    stop = asyncio.Event()
    async with Tracker(ledger, account, observers=()) as tracker:
        polls.count(tracker, stub=not url)
        running = asyncio.create_task(tracker.run(stop))
        await asyncio.sleep(1.0)
        before, cpu, begun = polls.answered, cpu_seconds(), asyncio.get_running_loop().time()
        await asyncio.sleep(seconds)
        answered, used = polls.answered - before, cpu_seconds() - cpu
        took = asyncio.get_running_loop().time() - begun
        stop.set()
        await running
    return {"rate": answered / took, "cpu": used / max(answered, 1), "memory": peak_memory()}


class Polls:
    """Stands before the network of a tracker and counts, or in its place and answers at once."""

    def __init__(self) -> None:
        self.answered = 0

    def count(self, tracker: Tracker, *, stub: bool) -> None:
        """Take the place of the network."""
        [account] = tracker._accounts.values()
        driver = account.driver
        [(name, network)] = driver._networks.items()
        self._network: Any = None if stub else network
        driver._networks = {name: self}  # type: ignore[dict-item] # all that a poll uses is here

    async def send(self, effect: Send) -> HttpResponse:
        """Answer a poll."""
        self.answered += 1
        if self._network is not None:
            response: HttpResponse = await self._network.send(effect)
            return response
        task_id = effect.request.path.rpartition("/")[2]
        return HttpResponse(status=200, body=(RUNNING % (task_id, self.answered // 1000 % 100)).encode())
