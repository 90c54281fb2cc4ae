"""How many polls a second does a tracker get through, what does each cost, and what do many open tasks weigh?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from msgspec.structs import replace

from reelway import Account
from reelway.flow.effects import Send
from reelway.ledger import sqlite_rows as rows
from reelway.ledger import sqlite_schedule as schedule
from reelway.ledger.sqlite import SqliteLedger
from reelway.model.http import HttpResponse
from reelway.provider.interface import Cadence
from reelway.tracker import Tracker
from tests.benchmarks.contenders import KEY, a_provider
from tests.benchmarks.figures import Findings, Row, mebibytes, milliseconds, per_second
from tests.benchmarks.measure import MIB, Scale, child, cpu_seconds, in_turns, middle, peak_memory
from tests.benchmarks.open_tasks import running, running_task

MEANING: Final = """\
**A tracker.** One process follows the tasks of a SQLite file (`synchronous = full`), all of them running and always
due. Each poll is a turn claimed, an answer read and a turn written back; with news, a change and an event besides.
First the network is left out: answers are there at once, and what is measured is the tracker with its ledger. Then
the same is done with the client that everybody gets, over loopback to a server that answers after 50 ms, each time
with news. Memory is that of the whole process while 100,000 tasks are open."""

FEW: Final = 1_000
TASKS: Final = 10_000
MANY: Final = 100_000

MOST_CPU: Final = 0.0001
LEAST_RATE: Final = 4_000
LEAST_REAL_RATE: Final = 1_000
MOST_MEMORY: Final = 300 * MIB


def run(scale: Scale, url: str) -> Findings:
    track = partial(child, "track", seconds=scale.seconds)
    measures = {
        "quiet": partial(track, url="", tasks=TASKS, news=False),
        "news": partial(track, url="", tasks=TASKS, news=True),
        "few": partial(track, url=f"{url}/50", tasks=FEW, news=True),
        "real": partial(track, url=f"{url}/50", tasks=TASKS, news=True),
        "many": partial(track, url="", tasks=MANY, news=True),
    }
    found = {name: middle(measured) for name, measured in in_turns(measures, scale.long_rounds).items()}
    return Findings(_rows(found), (), MEANING)


def _rows(found: Mapping[str, Mapping[str, float]]) -> tuple[Row, ...]:
    return (
        *_alone("nothing new", found["quiet"]),
        *_alone("news in each", found["news"]),
        _over_loopback(FEW, found["few"]),
        _over_loopback(TASKS, found["real"]),
        Row(
            figure=f"memory with {MANY:,} open tasks followed",
            ours=mebibytes(found["many"]["memory"]),
            goal=f"≤ {mebibytes(MOST_MEMORY)}",
            met=found["many"]["memory"] <= MOST_MEMORY,
        ),
    )


def _alone(which: str, found: Mapping[str, float]) -> tuple[Row, Row]:
    return (
        Row(
            figure=f"CPU of one poll, tracker and ledger alone, {which}",
            ours=milliseconds(found["cpu"]),
            goal=f"≤ {milliseconds(MOST_CPU)}",
            met=found["cpu"] <= MOST_CPU,
        ),
        Row(
            figure=f"polls a second, {TASKS:,} open tasks, tracker and ledger alone, {which}",
            ours=per_second(found["rate"]),
            goal=f"≥ {per_second(LEAST_RATE)}",
            met=found["rate"] >= LEAST_RATE,
        ),
    )


def _over_loopback(tasks: int, found: Mapping[str, float]) -> Row:
    # What a core would do if it did nothing else; a figure of one process, whatever else runs.
    per_core = 1 / found["cpu"]
    return Row(
        figure=f"polls a second of one core, {tasks:,} open tasks, over loopback",
        ours=f"{per_second(per_core)} ({per_second(found['rate'])} done, {milliseconds(found['cpu'])} CPU each)",
        goal=f"≥ {per_second(LEAST_REAL_RATE)}",
        met=per_core >= LEAST_REAL_RATE,
    )


# --- what a child measures ---


def track(url: str, tasks: int, seconds: float, *, news: bool) -> dict[str, float]:
    """Polls a second, CPU of each and the most memory held; without a URL, answers are there at once."""
    with TemporaryDirectory() as folder, SqliteLedger(Path(folder) / "jobs.db") as ledger:
        fill(ledger, tasks)
        return asyncio.run(_track(ledger, url, seconds, Polls(news=news)))


def fill(ledger: SqliteLedger, count: int) -> None:
    """Put tasks on record that are due at once."""
    first = running_task("task_0")
    with ledger._file.writing() as database:
        for number in range(count):
            task = replace(first, ref=replace(first.ref, id=f"task_{number}"))
            schedule.schedule(database, rows.insert_task(database, task), task, 0.0, 0.0)


async def _track(ledger: SqliteLedger, url: str, seconds: float, polls: Polls) -> dict[str, float]:
    account = Account(a_provider(), KEY, url or None, requests_per_second=inf, cadence=Cadence(0, 0))
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

    def __init__(self, *, news: bool) -> None:
        """Start with whether each answer is to say something new, where it is ours."""
        self.answered = 0
        self._news = news

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
        return running(task_id, self.answered // 1000 % 100) if self._news else running(task_id)
