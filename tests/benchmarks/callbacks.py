"""How many callbacks a second does a receiver have safe on the disk?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from secrets import token_hex
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple, TypeAlias

from reelway import open_ledger
from reelway.ledger.interface import Ledger
from reelway.ledger.quota import Kept
from reelway.ledger.records import Callback
from reelway.server import CallbackReceiver
from tests.benchmarks.figures import Findings, Peer, Row, per_second
from tests.benchmarks.measure import Scale, in_turns
from tests.postgres_server import running
from tests.server.caller import Job, Line, call, job_in, scope_of

MEANING: Final = """\
**Callbacks.** 100 providers at once post callbacks of 1 KiB to a `CallbackReceiver`, each for a job of its own and
each body a new one, without an HTTP server in between; every answer is a 202, and its bytes are in a SQLite file
with `synchronous=FULL`, or in a PostgreSQL that syncs each commit. That includes finding the job of each token and
waking its poll. The baseline is the store alone: `Ledger.keep` of the same callbacks, one commit for each. The
receiver writes all that arrive during a commit in the next one, so that a slow disk costs it less. The store that
is handed as many at once stands beside it for comparison: what is between the two is the reading of requests."""

POSTING: Final = 100
BODY: Final = b"x" * 1000
LEAST: Final = 0.5


class Desk(NamedTuple):
    """A ledger with a job for each of those who post."""

    ledger: Ledger
    jobs: list[Job]


Measure: TypeAlias = Callable[[Desk, Sequence[bytes]], None]


def run(scale: Scale) -> Findings:
    rows, peers = zip(*(_found(where, scale) for where in STORES), strict=True)
    return Findings(rows, peers, MEANING)


def _found(where: str, scale: Scale) -> tuple[Row, Peer]:
    figure = f"callbacks kept on {where}"
    with STORES[where]() as url:
        turns = {name: partial(_rate, url, measure, scale.polls) for name, measure in MEASURES.items()}
        rates = {name: median(found) for name, found in in_turns(turns, scale.rounds).items()}
    ours, store, groups = (rates[name] for name in MEASURES)
    row = Row(
        figure=figure,
        ours=per_second(ours),
        baseline=f"{per_second(store)}, `Ledger.keep` of each",
        ratio=ours / store,
        goal=f"≥ {LEAST} ×",
        met=ours >= LEAST * store,
    )
    alone = f"`Ledger.keep` of {POSTING} at once, and nothing else"
    return row, Peer(figure, alone, per_second(groups), groups / store)


def _rate(url: Callable[[], str], measure: Measure, count: int) -> float:
    bodies = [b"%d %s" % (number, BODY) for number in range(count)]
    with open_ledger(url()) as ledger:
        desk = Desk(ledger, [job_in(ledger, str(number)) for number in range(POSTING)])
        begun = time.perf_counter()
        measure(desk, bodies)
        return count / (time.perf_counter() - begun)


@contextmanager
def _files() -> Iterator[Callable[[], str]]:
    with TemporaryDirectory() as folder:
        yield lambda: f"sqlite:{Path(folder) / token_hex(8)}.db"


@contextmanager
def _schemas() -> Iterator[Callable[[], str]]:
    with running() as server:
        yield lambda: server.url(schema=f"s{token_hex(8)}")


STORES: Final[Mapping[str, Callable[[], AbstractContextManager[Callable[[], str]]]]] = {
    "SQLite": _files,
    "PostgreSQL": _schemas,
}
"""Where callbacks are kept: what gives the URL of a new ledger at each call."""


def _receiver(desk: Desk, bodies: Sequence[bytes]) -> None:
    asyncio.run(_posted(desk, bodies))


async def _posted(desk: Desk, bodies: Sequence[bytes]) -> None:
    receiver = CallbackReceiver(desk.ledger)

    async def post(job: Job, own: Sequence[bytes]) -> None:
        for body in own:
            reply = await call(receiver, scope_of(job.path), Line([body]))
            assert reply.status == 202

    await asyncio.gather(*(post(job, bodies[index::POSTING]) for index, job in enumerate(desk.jobs)))


def _store(size: int, desk: Desk, bodies: Sequence[bytes]) -> None:
    now = datetime.now(UTC)
    kept = [
        Callback(number=desk.jobs[index % POSTING].number, received_at=now, body=body)
        for index, body in enumerate(bodies)
    ]
    for first in range(0, len(kept), size):
        assert set(desk.ledger.keep(kept[first : first + size])) == {Kept.NEW}


MEASURES: Final[Mapping[str, Measure]] = {
    "receiver": _receiver,
    "store": partial(_store, 1),
    "store in groups": partial(_store, POSTING),
}
