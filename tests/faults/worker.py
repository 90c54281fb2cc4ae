"""What a process of a run does until it dies, and what it tells of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct

from reelway import Account, ReelwayError, Status, Task
from reelway.ledger.interface import Ledger
from reelway.ledger.records import Query
from reelway.ledgers import open_ledger
from reelway.model.lifecycle import Event
from reelway.model.submission import Submission, SubmissionState
from reelway.model.task import Artifact
from reelway.provider.interface import Cadence
from reelway.tracker import Tracker
from reelway.tracker.tracker import Swept
from reelway.transport.clock import SystemClock
from tests.client.both import CLIENTS, Both
from tests.faults.plan import Kind, Order
from tests.faults.strikes import Fate

PAUSE: Final = 0.1
"""Seconds between polls."""

ANSWERING: Final = 0.1
"""Seconds that an answer takes, so that there is a middle to be killed in."""

LONGEST: Final = 1.5
"""Seconds for one process; what it did not come to by then, another one will."""

OPEN: Final = frozenset({Artifact.AVAILABLE, Artifact.PARTIAL})


class Setting(Struct, frozen=True):
    """Where all processes of a run work."""

    ledger: str
    provider: str
    model: str
    base_url: str
    folder: str

    @property
    def to(self) -> str:
        """Where results go."""
        return f"{self.folder}/{{id}}.mp4"

    @property
    def account(self) -> Account:
        """Their account at the sandbox."""
        return Account(
            self.provider,
            api_key="k",
            base_url=self.base_url,
            requests_per_second=200,
            cadence=Cadence(PAUSE, PAUSE),
        )

    def prompt(self, wish: int) -> str:
        """What is wished for; its answers come slowly."""
        slow = "".join(f"[[{call}/slow:{ANSWERING}]]" for call in ("create", "retrieve"))
        return f"Boat {wish}. {slow}[[link/slow:{3 * ANSWERING}]]"


class SetClock(SystemClock):
    """The machine's clock, which somebody sets while work is under way."""

    def __init__(self, jump: float) -> None:
        self._jump = timedelta(seconds=jump)
        self._calls = 0

    def now(self) -> datetime:
        self._calls += 1
        return super().now() + (self._jump if self._calls > 2 else timedelta())


class Worker:
    """The child: it works, and tells whoever forked it what stands on record by then."""

    def __init__(self, setting: Setting, order: Order, mouth: int) -> None:
        self._setting = setting
        self._order = order
        self._mouth = mouth
        self._clock = SetClock(order.jump)
        self._begun = False

    def run(self) -> None:
        """Do the work, as far as life allows."""
        with open_ledger(self._setting.ledger) as ledger:
            self._keep_diary(ledger)
            if self._order.strike is not None:
                Fate(self._order.strike).bind(ledger)
            WORKS[self._order.kind](self, ledger)

    def submit(self, ledger: Ledger) -> None:
        with self._client(ledger) as client:
            self._begin()
            for wish in self._order.wishes:
                # In doubt, or still another's: the next process may ask again.
                with self._telling_of_trouble():
                    task = client.create(
                        self._setting.prompt(wish),
                        model=self._setting.model,
                        label=str(wish),
                        idempotency_key=str(wish),
                    )
                    self._tell("task", task.ref)

    def download(self, ledger: Ledger) -> None:
        with self._client(ledger) as client:
            for entry in ledger.entries(Query(statuses=frozenset({Status.SUCCEEDED}), artifacts=OPEN)):
                assert entry.task is not None
                self._begin()
                # Another process may be at the same file.
                with self._telling_of_trouble():
                    done = client.download(entry.task, self._setting.to)
                    self._tell("stored", done.task.ref)

    def poll(self, ledger: Ledger) -> None:
        asyncio.run(self._track(ledger, None))

    def store(self, ledger: Ledger) -> None:
        asyncio.run(self._track(ledger, self._setting.to))

    async def _track(self, ledger: Ledger, to: str | None) -> None:
        stop = asyncio.Event()

        def look(swept: Swept) -> None:
            if swept.next_wake is None:
                stop.set()

        async with Tracker(
            ledger,
            self._setting.account,
            download_to=to,
            on_change=self._changed,
            allow_private_links=True,
            clock=self._clock,
        ) as tracker:
            with suppress(TimeoutError):
                await asyncio.wait_for(tracker.run(stop, on_sweep=look), LONGEST)

    def _client(self, ledger: Ledger) -> Both:
        """Either client in turn, by the first wish."""
        kind = CLIENTS[sum(self._order.wishes[:1]) % 2]
        return Both(kind, self._setting.account, ledger=ledger, allow_private_links=True, clock=self._clock)

    # --- what is told ---

    def _keep_diary(self, ledger: Ledger) -> None:
        """Tell of each step of an attempt before it is written and after, and of work as soon as there is any."""
        for step in ("begin", "note", "accept"):
            self._around(ledger, step)
        claim = ledger.claim

        def claimed(*arguments: Any) -> Any:
            claims = claim(*arguments)
            if claims:
                self._begin()
            return claims

        setattr(ledger, "claim", claimed)  # noqa: B010 - a method gives way to a function

    def _around(self, ledger: Ledger, step: str) -> None:
        act = getattr(ledger, step)

        def told(submission: Submission, *arguments: Any, **options: Any) -> Any:
            state = SubmissionState.ACCEPTED if step == "accept" else submission.state
            self._tell("writes", submission.id, state)
            result = act(submission, *arguments, **options)
            # Only an attempt that found its idempotency key free has begun, and only one that stood well was noted.
            if result is None if step == "begin" else result:
                self._tell("wrote", submission.id, state)
            return result

        setattr(ledger, step, told)

    def _changed(self, task: Task, events: tuple[Event, ...]) -> None:
        for event in events:
            self._tell("event", task.ref, type(event).__name__, event.at.isoformat())
        if task.artifact is Artifact.STORED:
            self._tell("stored", task.ref)

    @contextmanager
    def _telling_of_trouble(self) -> Iterator[None]:
        try:
            yield
        except ReelwayError as error:
            self._tell("trouble", type(error).__name__, error.message.replace("\n", " "))

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            self._tell("begun")

    def _tell(self, *words: object) -> None:
        os.write(self._mouth, f"{' '.join(map(str, words))}\n".encode())


WORKS: Final[Mapping[Kind, Callable[[Worker, Ledger], None]]] = {
    Kind.SUBMIT: Worker.submit,
    Kind.POLL: Worker.poll,
    Kind.DOWNLOAD: Worker.download,
    Kind.STORE: Worker.store,
}
