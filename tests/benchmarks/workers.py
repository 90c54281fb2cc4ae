"""What does it cost that Procrastinate has a ledger swept, how late are polls, and how soon does it recover?"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from math import inf
from statistics import quantiles
from typing import Any, Final, TypeAlias

from reelway import Account
from reelway.engines import EngineWork
from reelway.ledger.interface import Ledger
from reelway.ledger.records import Claim
from reelway.provider.interface import Cadence
from reelway.tracker import Tracker
from reelway.tracker.polling import Polling
from reelway_postgres import PostgresLedger
from reelway_procrastinate import reelway_engine
from tests.benchmarks.contenders import KEY
from tests.benchmarks.figures import Row, milliseconds, per_second
from tests.benchmarks.filled import ACCOUNT, FilledServer
from tests.benchmarks.measure import ROOT, Scale, cpu_seconds, in_turns, middle
from tests.benchmarks.tracking import Polls

MEANING: Final = """\
**Workers of Procrastinate.** Two processes follow the same tasks as `reelway track --engine procrastinate` does,
and in their turn as it does without an engine. The network is left out; answers are there at once and say nothing
new. First all tasks are always due. Then half as many are due in a second as were done before, and how late each is
taken is noted. Then one of the two is killed, and it is seen when the last task that it held is taken, counted from
the end of its lease. Then the server is restarted."""

OPEN_TASKS: Final[Mapping[int, float]] = {10_000: 0.250, 100_000: 0.500}
"""How late the last of a hundred polls may be, for each number of open tasks."""

WORKERS: Final = 2
WARM_SECONDS: Final = 2.0
SECONDS: Final = 5.0

TRIES: Final = 10
"""A worker that is killed holds nothing if it has just written all that it had."""

MOST_CPU: Final = 0.000_10
LEAST_RATE: Final = 5_000
MOST_ORPHANED: Final = 1.0
MOST_AWAY: Final = 10.0

Workers: TypeAlias = list[subprocess.Popen[str]]


def rows(scale: Scale) -> Iterator[Row]:
    """What is found, for each number of open tasks."""
    for tasks, latest in OPEN_TASKS.items():
        with closing(FilledServer(tasks)) as server:
            measures = {how: partial(_measured, server, 0.0, how) for how in WAYS}
            found = {how: middle(measured) for how, measured in in_turns(measures, scale.long_rounds).items()}
            yield from _costs(tasks, found["engine"], found["alone"])
            cadence = 2 * tasks / found["engine"]["rate"]
            yield _lag(tasks, latest, middle([_measured(server, cadence) for _ in range(scale.long_rounds)]))
            if tasks == min(OPEN_TASKS):
                held, late = _orphaned(server)
                figure = f"after their leases, until {held} tasks of a killed worker are taken"
                yield _recovered(figure, late, MOST_ORPHANED)
                yield _recovered("polls after a restart of the server", _away(server), MOST_AWAY)


def _costs(tasks: int, full: Mapping[str, float], alone: Mapping[str, float]) -> Iterator[Row]:
    yield Row(
        figure=f"polls a second of a worker's core, {tasks:,} open tasks",
        ours=f"{per_second(1 / full['worker'])} ({per_second(full['rate'])} done by {WORKERS})",
        baseline=f"{per_second(1 / alone['worker'])} ({per_second(alone['rate'])}), no engine",
        ratio=alone["worker"] / full["worker"],
        goal=f"≥ {per_second(LEAST_RATE)}",
        met=1 / full["worker"] >= LEAST_RATE,
    )
    for who in ("worker", "server"):
        yield Row(
            figure=f"CPU of a poll by an engine, {who}, {tasks:,} open tasks",
            ours=milliseconds(full[who]),
            baseline=f"{milliseconds(alone[who])}, no engine",
            ratio=full[who] / alone[who],
            goal=f"≤ {milliseconds(MOST_CPU)}",
            met=full[who] <= MOST_CPU,
        )


def _lag(tasks: int, latest: float, half: Mapping[str, float]) -> Row:
    return Row(
        figure=f"lateness at half load, median and 99th of 100, {tasks:,} open tasks",
        ours=f"{half['median'] * 1000:.0f} ms, {half['last'] * 1000:.0f} ms ({per_second(half['rate'])})",
        goal=f"≤ {latest * 1000:.0f} ms",
        met=half["last"] <= latest,
    )


def _recovered(figure: str, seconds: float, most: float) -> Row:
    return Row(figure=figure, ours=f"{seconds:.1f} s", goal=f"≤ {most:.0f} s", met=seconds <= most)


# --- measuring ---


def _measured(server: FilledServer, cadence: float, how: str = "engine") -> dict[str, float]:
    """Figures of all workers together."""
    with _working(server, cadence, how) as workers:
        cpu = server.cpu()
        for worker in workers:
            _say(worker, "measure")
        found = [json.loads(_heard(worker)) for worker in workers]
        spent = server.cpu() - cpu
    polls = sum(one["polls"] for one in found)
    late = quantiles([seconds for one in found for seconds in one["late"]], n=100)
    return {
        "rate": sum(one["polls"] / one["seconds"] for one in found),
        "worker": sum(one["cpu"] for one in found) / polls,
        "server": spent / polls,
        "median": late[49],
        "last": late[98],
    }


def _orphaned(server: FilledServer) -> tuple[int, float]:
    """How many tasks a dead worker held, and the seconds from the end of its leases until the last is another's."""
    for _ in range(TRIES):
        with _working(server, 0.0) as [dead, _]:
            dead.kill()
            dead.wait()
            if held := _held(server):
                left = "select count(*), extract(epoch from now() - max(h.leased_until))::float8 from held h"
                return held, _until(server, f"{left} join reelway.schedule s using (number, lease)")
    raise RuntimeError(f"{TRIES} workers were killed, and none held anything.")


def _held(server: FilledServer) -> int:
    """Note what a worker held that was killed just now; gives how much."""
    [[killed]] = server.execute("select now()::text")
    # By then, whatever the other one had taken before is written.
    time.sleep(1.0)
    ending = f"leased_until between now() and '{killed}'::timestamptz + interval '{Polling.lease} s'"
    held = f"select number, lease, leased_until from reelway.schedule where {ending}"  # noqa: S608 - what we know
    server.execute(f"drop table if exists held; create table held as {held}")
    [[count]] = server.execute("select count(*) from held")
    return int(count)


def _until(server: FilledServer, asked: str) -> float:
    """How long it took, by the last answer of the server in which something was left."""
    late = 0.0
    while (answer := server.execute(asked)[0])[0]:
        late = max(late, answer[1])
        time.sleep(0.05)
    return late


def _away(server: FilledServer) -> float:
    """Seconds from the server's return until tasks are taken again."""
    taken = "select sum(lease) from reelway.schedule"
    with _working(server, 4.0):
        server.stop(signal.SIGINT)
        time.sleep(2.0)
        server.start()
        begun, before = time.perf_counter(), server.execute(taken)
        while server.execute(taken) == before:
            time.sleep(0.05)
        return time.perf_counter() - begun


@contextmanager
def _working(server: FilledServer, cadence: float, how: str = "engine") -> Iterator[Workers]:
    """Workers that are at it, on tasks that are due evenly."""
    server.execute("update reelway.schedule set due = 'infinity', leased_until = '-infinity', rest_until = now()")
    server.execute("vacuum analyze reelway.schedule")
    command = [sys.executable, "-m", "tests.benchmarks.workers", how, server.url(), str(cadence)]
    pipe = subprocess.PIPE
    with ExitStack() as stack:
        workers = [stack.enter_context(_process(command, pipe)) for _ in range(WORKERS)]
        for worker in workers:
            _heard(worker)
        first = f"now() + interval '{WARM_SECONDS / 2} s' + random() * {cadence} * interval '1 s'"
        server.execute(f"update reelway.schedule set interval = {cadence}, due = {first}")  # noqa: S608 - numbers
        time.sleep(WARM_SECONDS)
        yield workers


@contextmanager
def _process(command: Sequence[str], pipe: int) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def _say(worker: subprocess.Popen[str], word: str) -> None:
    assert worker.stdin
    worker.stdin.write(f"{word}\n")
    worker.stdin.flush()


def _heard(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout
    return worker.stdout.readline()


# --- what a worker does ---


class Stubbed(EngineWork):
    """The work of an engine whose network answers at once, and that notes how late tasks are taken."""

    def __init__(self, url: str, cadence: float) -> None:
        account = Account(ACCOUNT[0], KEY, requests_per_second=inf, cadence=Cadence(cadence, cadence))
        self.url = url
        self.begun = asyncio.Event()
        super().__init__(url, account, on_sweep=lambda _: self.begun.set())
        self.polls = Polls(news=False)
        self.late: list[float] = []

    def _tracker(self, ledger: Ledger) -> Tracker:
        tracker = super()._tracker(ledger)
        self.polls.count(tracker, stub=True)
        return tracker


def noting(late: list[float]) -> Callable[..., list[Claim]]:
    """Claims of a ledger that say how late they are."""
    claim = PostgresLedger.claim

    def noted(ledger: PostgresLedger, *asked: Any) -> list[Claim]:
        claims = claim(ledger, *asked)
        late.extend(one.late for one in claims)
        return claims

    return noted


async def by_engine(work: Stubbed) -> None:
    """Sweep when an engine says so."""
    await reelway_engine(work, WORKERS, asyncio.Event())


async def alone(work: Stubbed) -> None:
    """Sweep as a tracker does that has no engine."""
    with PostgresLedger(work.url) as ledger:
        async with work._tracker(ledger) as tracker:
            await tracker.run(on_sweep=lambda _: work.begun.set())


WAYS: Final[Mapping[str, Callable[[Stubbed], Coroutine[Any, Any, None]]]] = {"engine": by_engine, "alone": alone}


async def work(how: str, url: str, cadence: float) -> None:
    """Work until it is killed; say so when it begins, and measure when that is asked for."""
    stubbed = Stubbed(url, cadence)
    PostgresLedger.claim = noting(stubbed.late)  # type: ignore[method-assign]
    working = asyncio.create_task(WAYS[how](stubbed))
    await stubbed.begun.wait()
    _told("working")
    await asyncio.to_thread(sys.stdin.readline)
    stubbed.late.clear()
    before, cpu, begun = stubbed.polls.answered, cpu_seconds(), time.perf_counter()
    await asyncio.sleep(SECONDS)
    polls, used, seconds = stubbed.polls.answered - before, cpu_seconds() - cpu, time.perf_counter() - begun
    _told(json.dumps({"polls": polls, "cpu": used, "seconds": seconds, "late": stubbed.late}))
    await working


def _told(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], sys.argv[2], float(sys.argv[3])))
