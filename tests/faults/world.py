"""A world to break: a sandbox that counts, a ledger, processes that work and die, and what is seen of it all."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from reelway import Client, SubmissionUnknown
from reelway.ledger.interface import Ledger
from reelway.ledger.records import Chore, Entry, Query, chore_of
from reelway.model.http import HttpRequest
from reelway.provider.simulator import CallKind
from reelway.sandbox import Pace, Sandbox
from reelway.sandbox.jobs import Job
from reelway.sandbox.reply import Reply
from reelway.tracker import Tracker
from reelway.tracker.tracker import Swept
from reelway.transport.clock import SystemClock
from tests.client.both import MODELS
from tests.faults.child import LEASE
from tests.faults.plan import Order
from tests.faults.slots import KILLED, Ended, Slot
from tests.faults.verdict import Evidence
from tests.faults.worker import ANSWERING, Setting

PROVIDER: Final = next(iter(MODELS))

SLACK: Final = 1.0
"""Seconds that a busy machine may take to look."""

PATIENCE: Final = 120.0
"""Seconds for the last tracker, which has everything to end that the dead have left."""

EVERYTHING: Final = 10**6


class Later(SystemClock):
    """A clock of the day after tomorrow, by which nobody can be at work on anything any more."""

    def now(self) -> datetime:
        return super().now() + timedelta(days=2)


class World:
    """A context manager: the sandbox listens within, and one ledger and one folder take everything."""

    def __init__(self, ledger: Ledger, url: str, folder: Path, *, job_polls: int) -> None:
        """With a ledger that is open, its URL for others, and the poll with which a job has ended."""
        self.ledger = ledger
        self.sandbox = Sandbox(pace=Pace.POLLS, job_polls=job_polls)
        self.folder = folder
        self.told: list[list[str]] = []
        self.deaths: Counter[str] = Counter()
        self.troubles: Counter[str] = Counter()
        self._url = url
        self._polls: defaultdict[str, list[float]] = defaultdict(list)
        self._lock = threading.Lock()
        self._heard = threading.Event()
        self._held: list[int] = []

    def __enter__(self) -> Self:
        self.sandbox.start()
        answer = self.sandbox.world.answer

        def noted(request: HttpRequest) -> Reply:
            # The sandbox itself remembers the last calls alone.
            at = time.monotonic()
            reply = answer(request)
            call = self.sandbox.world._house.book.calls[-1]
            if call.call == CallKind.RETRIEVE:
                self._polls[call.task_id].append(at)
            return reply

        setattr(self.sandbox.world, "answer", noted)  # noqa: B010 - a method gives way to a function
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sandbox.close()

    @property
    def setting(self) -> Setting:
        """Where processes work."""
        return Setting(
            ledger=self._url,
            provider=PROVIDER,
            model=MODELS[PROVIDER],
            base_url=self.sandbox.base_url(PROVIDER),
            folder=str(self.folder),
        )

    # --- the faults ---

    def kill(self, orders: Iterator[Order], kills: int, *, at_once: int) -> None:
        """Carry out orders, several at once, until so many processes were killed in the middle of their work."""
        self.work(orders, lambda: self.deaths.total() >= kills, at_once=at_once)

    def work(self, orders: Iterator[Order], enough: Callable[[], bool], *, at_once: int) -> None:
        """Carry out orders, several at once, until there were enough."""

        def next_order() -> Order | None:
            with self._lock:
                return None if enough() else next(orders)

        def serve(slot: Slot) -> None:
            while (order := next_order()) is not None:
                self._record(order, slot.carry_out(order))

        with ExitStack() as stack, ThreadPoolExecutor(at_once) as threads:
            slots = [stack.enter_context(Slot(self.setting)) for _ in range(at_once)]
            for served in [threads.submit(serve, slot) for slot in slots]:
                served.result()

    def await_line(self) -> None:
        """Wait until a process has told something."""
        self._heard.clear()
        assert self._heard.wait(PATIENCE)

    def _record(self, order: Order, ended: Ended) -> None:
        assert ended.code in {0, KILLED}, f"{order} ended with {ended.code}"
        lines = [line.split(" ") for line in ended.told]
        with self._lock:
            self.told += lines
            if lines:
                self._heard.set()
            self.troubles.update(words[1] for words in lines if words[0] == "trouble")
            # A process that had nothing to do, or came to its end before, was not killed at its work.
            if ended.code == KILLED and ["begun"] in lines:
                self.deaths[order.kind] += 1

    # --- afterwards ---

    def recover(self) -> None:
        """What a user does afterwards: follow everything to its end, and wish again for all that was wished for."""
        self.await_leases()
        asyncio.run(self._finish())
        self._wish_again()
        asyncio.run(self._finish())

    def await_leases(self) -> None:
        """Wait until everything can be had, for as long as a lease of the dead can last and no longer."""
        deadline = time.monotonic() + LEASE + SLACK
        while (held := self._not_to_be_had()) and time.monotonic() < deadline:
            time.sleep(0.1)
        self._held = held

    def _not_to_be_had(self) -> list[int]:
        """The open tasks that nobody can take, told by one who takes them and lets go of them."""
        claims = self.ledger.claim(EVERYTHING, 0.0, {(PROVIDER, "default"): inf}, tuple(Chore))
        free = {claim.entry.number for claim in claims}
        left = (entry for entry in self._entries() if entry.task is not None and chore_of(entry.task) is not None)
        return [entry.number for entry in left if entry.number not in free]

    def _entries(self) -> list[Entry]:
        return self.ledger.entries(Query(limit=EVERYTHING))

    async def _finish(self) -> None:
        stop = asyncio.Event()

        def look(_: Swept) -> None:
            if not self.ledger.backlog(tuple(Chore)):
                stop.set()

        setting = self.setting
        async with Tracker(
            self.ledger, setting.account, download_to=setting.to, allow_private_links=True
        ) as tracker:
            # What is left then, the verdict sees.
            with suppress(TimeoutError):
                await asyncio.wait_for(tracker.run(stop, on_sweep=look), PATIENCE)

    def _wish_again(self) -> None:
        with self._later() as client:
            for wish in self._wishes():
                with suppress(SubmissionUnknown):
                    client.create(
                        self.setting.prompt(int(wish)),
                        model=self.setting.model,
                        label=wish,
                        idempotency_key=wish,
                    )

    def _later(self) -> Client:
        return Client(self.setting.account, ledger=self.ledger, allow_private_links=True, clock=Later())

    def _wishes(self) -> list[str]:
        submissions = (entry.submission for entry in self._entries())
        return sorted({one.idempotency_key for one in submissions if one and one.idempotency_key})

    def evidence(self) -> Evidence:
        """What is seen now, on all sides."""
        with self._later() as client:
            in_doubt = {entry.submission.id for entry in client.submissions_in_doubt() if entry.submission}
        seen = self.sandbox.ledger
        jobs = self.sandbox.world._services[PROVIDER].jobs
        return Evidence(
            creates=seen.creates,
            jobs={job: wished(made) for job, made in jobs.items()},
            videos={task.task_id: task.sha256 for task in seen.tasks},
            polls=dict(self._polls),
            answering=ANSWERING,
            told=tuple(self.told),
            entries=self._entries(),
            history=self.ledger.events(limit=EVERYTHING),
            in_doubt=frozenset(in_doubt),
            complaints=self.ledger.check(),
            held=self._held,
            files={path.name: path.read_bytes() for path in self.folder.iterdir() if path.is_file()},
        )


def wished(job: Job) -> str:
    """The wish that a job of the sandbox was made for, as its prompt tells."""
    found = re.search(r"Boat (\d+)\.", str(job.call.fields))
    assert found, job
    return found[1]
