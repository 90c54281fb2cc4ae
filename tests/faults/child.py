"""A process that begins others, one at a time: ``python -m tests.faults.child SETTING``.

It reads an order a line and forks, because starting Python anew takes longer than most processes live here. The
child does the work and tells what it has seen done; whoever forked it passes that on, kills it where its hour is
given by the clock, and says how it ended.
"""

from __future__ import annotations

import asyncio
import logging
import os
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct

from reelway import Account, Client, LedgerError, ReelwayError, Status, Task
from reelway.ledger.interface import Ledger
from reelway.ledger.records import Query
from reelway.ledgers import open_ledger
from reelway.model.lifecycle import Event
from reelway.model.submission import Submission, SubmissionState
from reelway.model.task import Artifact
from reelway.provider.interface import Cadence
from reelway.tracker import Tracker, polling, storing, tracker
from reelway.tracker.tracker import Swept
from reelway.transport.clock import SystemClock
from tests.faults.plan import TIME, Kind, Order
from tests.faults.strikes import Fate

LEASE: Final = 2.0
"""Seconds for which the dead hold what they had taken."""

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
            works[self._order.kind](self, ledger)

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
                    done = client.download(entry.task, f"{self._setting.folder}/{{id}}.mp4")
                    self._tell("stored", done.task.ref)

    def poll(self, ledger: Ledger) -> None:
        asyncio.run(self._track(ledger, None))

    def store(self, ledger: Ledger) -> None:
        asyncio.run(self._track(ledger, f"{self._setting.folder}/{{id}}.mp4"))

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

    def _client(self, ledger: Ledger) -> Client:
        return Client(self._setting.account, ledger=ledger, allow_private_links=True, clock=self._clock)

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


works: Final[Mapping[Kind, Callable[[Worker, Ledger], None]]] = {
    Kind.SUBMIT: Worker.submit,
    Kind.POLL: Worker.poll,
    Kind.DOWNLOAD: Worker.download,
    Kind.STORE: Worker.store,
}


def shorten_leases() -> None:
    """Nobody waits for half a minute here."""
    polling.POLL_SECONDS = LEASE - 0.5  # type: ignore[misc] # a second request is not made here
    polling.Polling.lease = storing.Storing.lease = LEASE
    tracker.LEDGER_PAUSE = PAUSE  # type: ignore[misc]
    storing.FIRST_PAUSE = storing.LONGEST_PAUSE = PAUSE  # type: ignore[misc]


async def load_everything(setting: Setting) -> None:
    """Use what is loaded when it is first used, so that each child is forked together with it."""
    with open_ledger(setting.ledger) as ledger, Client(setting.account, ledger=ledger):
        async with Tracker(ledger, setting.account, download_to=f"{setting.folder}/{{id}}.mp4"):
            pass


def forked(setting: Setting, order: Order) -> tuple[int, int]:
    """A child, and where it is heard."""
    ear, mouth = os.pipe()
    if child := os.fork():
        os.close(mouth)
        return child, ear
    code = 1
    try:
        os.close(ear)
        Worker(setting, order, mouth).run()
        code = 0
    except LedgerError as error:
        # A server may be killed under its hands; a file never is.
        if setting.ledger.startswith("sqlite:"):
            traceback.print_exc()
        else:
            os.write(mouth, f"trouble {type(error).__name__}\n".encode())
            code = 0
    except BaseException:  # noqa: BLE001 - nobody else would tell of it
        traceback.print_exc()
    finally:
        os._exit(code)


def watch(child: int, ear: int, strike_in: float | None) -> bytes:
    """Pass on what a child tells until it has ended; it is killed so many seconds after its work has begun."""
    heard = b""
    left = 2 * LONGEST
    hour = time.monotonic() + left
    while True:
        if not select.select([ear], [], [], max(0.0, left))[0]:
            os.kill(child, signal.SIGKILL)
            left = LONGEST
            continue
        if not (more := os.read(ear, 65_536)):
            return heard
        heard += more
        if strike_in is not None and b"begun\n" in heard:
            hour, strike_in = time.monotonic() + strike_in, None
        left = hour - time.monotonic()


def main(setting: Setting) -> None:
    """Carry out the orders."""
    shorten_leases()
    logging.getLogger("reelway").setLevel(logging.CRITICAL + 1)
    asyncio.run(load_everything(setting))
    assert threading.active_count() == 1, "who is forked has no threads"
    for line in sys.stdin.buffer:
        order = msgspec.json.decode(line, type=Order)
        child, ear = forked(setting, order)
        strike = order.strike
        heard = watch(child, ear, strike.count / 1000 if strike and strike.place == TIME else None)
        os.close(ear)
        _, status = os.waitpid(child, 0)
        told = heard.decode().split("\n")[:-1]  # A line that was cut off was not told.
        sys.stdout.buffer.write(
            msgspec.json.encode({"code": os.waitstatus_to_exitcode(status), "told": told}) + b"\n"
        )
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main(msgspec.json.decode(sys.argv[1], type=Setting))
