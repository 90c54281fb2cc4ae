"""The tracker: follows everything that a ledger holds unfinished to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from functools import partial
from math import inf
from pathlib import Path
from typing import Any, Final, Self

from msgspec import Struct

from reelway.account import OpenAccount
from reelway.errors import ConfigurationError, LedgerError
from reelway.ledger.interface import Ledger
from reelway.ledger.records import Entry
from reelway.listeners import Listeners, OnChange
from reelway.memory import bring_forward
from reelway.model.task import Task, TaskRef
from reelway.observing import observing_of
from reelway.operations import Settings, reference
from reelway.provider.registry import Registry
from reelway.storing.place import collection_of
from reelway.tracker.accounts import PolledAccount, TrackedAccounts, opened_accounts
from reelway.tracker.polling import Polling
from reelway.tracker.rounds import Rounds
from reelway.tracker.storing import Storing
from reelway.tracker.telling import Changes, Telling
from reelway.tracker.work import Work
from reelway.transport.async_driver import AsyncDriver
from reelway.transport.clock import Clock, SystemClock
from reelway.transport.http import AsyncHttp, HttpSettings
from reelway.transport.witness import Witness

logger: Final = logging.getLogger("reelway")

BATCH: Final = 200
"""Tasks that one sweep takes: few enough for a short transaction, and enough that it is worth one."""

IDLE_SECONDS: Final = 1.0
"""The longest wait between two looks at the ledger: other processes may have woken a task."""

GATHER_SECONDS: Final = 0.05
"""The shortest: so that tasks that are due one after the other are taken together."""

SOON: Final = 1.0
"""Seconds; what is due sooner waits for the pace of its account, and what is due later for its next turn."""

LEDGER_PAUSE: Final = 5.0
"""Seconds before the next try where the ledger could not be used."""

FORGOTTEN_SECONDS: Final = 60.0
"""How often it is looked for what a process told nobody of before it died: ends of jobs, and results."""

REMINDING_SECONDS: Final = 2.0
"""The same after the start, when the process before this one may have died."""


class Swept(Struct, frozen=True):
    """What a sweep did.

    Attributes:
        done: how many tasks had their turn.
        next_wake: seconds until something is due again; None where nothing is known to be.
    """

    done: int
    next_wake: float | None


class Tracker:
    """Follows the tasks of a ledger. An asynchronous context manager.

    Any number of trackers may share a ledger: each task is one tracker's for as long as a poll takes, and what a
    dead one had taken is free again when its lease has run out. Nothing ends a task but what its provider says.

    ```python
    async with Tracker(SqliteLedger("jobs.db"), "acme") as tracker:
        await tracker.run(stop)
    ```
    """

    def __init__(
        self,
        ledger: Ledger,
        accounts: TrackedAccounts,
        *,
        download_to: str | Path | None = None,
        on_change: OnChange | None = None,
        observers: Iterable[object] = (),
        allow_private_links: bool = False,
        http: str = "httpx",
        transport: Any = None,
        clock: Clock | None = None,
        registry: Registry | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Open the accounts; nothing is sent yet.

        Args:
            ledger: where the tasks are; whoever opened it closes it.
            accounts: whose tasks are followed: what a client takes, or several providers in a row.
            download_to: where results are stored as soon as there are any: a folder, a template such as
                ``"videos/{provider}/{id}.mp4"``, or an object store, ``"s3://bucket/{id}.mp4"``. Without it, they
                stay due in the ledger.
            on_change: called with each task that changed, and the events that say how. It runs in the event loop.
            observers: objects with hooks of observers; they are told beside those that are installed.
            allow_private_links: result links may lead to loopback and private addresses: sandbox, closed networks.
            http: the HTTP library, ``"httpx"`` or ``"httpx2"``.
            transport: a transport of that library in place of the network.
            clock: what tells and passes the time; the ledger has to measure with the same.
            registry: where providers are looked up; by default all installed ones.
            settings: the rest, for tests; what it holds is then taken from it.

        Raises:
            ConfigurationError: a key, an address or an option is missing or malformed, a provider is not installed,
                or results would overwrite each other.
        """
        place = None if download_to is None else collection_of(download_to)
        self._settings = settings or Settings(
            on_change=on_change,
            observers=tuple(observers),
            http=HttpSettings(library=http, transport=transport, allow_private_links=allow_private_links),
            clock=clock or SystemClock(),
        )
        registry = registry or Registry.installed()
        self._ledger = ledger
        self._clock = self._settings.clock
        observing = observing_of(registry, self._settings.observers)
        self._listeners = Listeners(observing, on_change=self._settings.on_change, recorder=self._settings.recorder)
        self._telling = Telling(self._listeners)
        self._networks: list[AsyncHttp] = []
        self._accounts = {one.key: self._connected(one) for one in opened_accounts(accounts, registry)}
        draw = self._settings.draw
        works: list[Work] = [Polling(self._accounts, self._clock, draw)]
        if place is not None:
            works.append(Storing(ledger, self._accounts, place, self._clock, draw))
        self._rounds = Rounds(ledger, works, self._telling, self._clock)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End what is under way within a few seconds, free what was claimed, and close all connections."""
        await self._rounds.finish()
        self._telling.close()
        for network in self._networks:
            await network.close()
        await self._listeners.observing.close_async()

    # --- following ---

    async def sweep(self, limit: int = BATCH, deadline: float = inf) -> Swept:
        """Take what is due, poll it all at once, store a few results, and write what came of it.

        Args:
            limit: tasks that are taken at most, for each kind of work.
            deadline: seconds after which the sweep ends; polls still under way then are written when they end.

        Raises:
            LedgerError: nothing could be taken.
        """
        started = await self._rounds.start(limit)
        if started.batch is not None:
            await asyncio.wait([started.batch], timeout=None if deadline == inf else deadline)
        return Swept(started.taken, 0.0 if started.full else await self._rounds.next_due())

    async def catch_up(self) -> Swept:
        """Give every task that is due its turn, once, at the pace of the accounts; tells how many there were.

        What is left waits: for its next turn, for an account that is left alone, or for another tracker to end its
        own. ``next_wake`` says for how long.

        Raises:
            LedgerError: it could not be read or written.
        """
        left = await self._rounds.count()
        done, next_wake = 0, await self._rounds.next_due()
        while done < left and next_wake is not None and next_wake <= SOON:
            await self._clock.sleep_async(next_wake)
            swept = await self.sweep()
            done, next_wake = done + swept.done, swept.next_wake
        return Swept(done, next_wake)

    async def run(
        self, stop: asyncio.Event | None = None, *, on_sweep: Callable[[Swept], None] | None = None
    ) -> None:
        """Follow until ``stop`` is set, then end as :meth:`aclose` does. No sweep waits for the one before.

        Args:
            stop: ends it; without one, it runs until it is cancelled.
            on_sweep: is told after each look at the ledger that succeeded, at least once in a few seconds; for
                signs of life.
        """
        stop = stop or asyncio.Event()
        reminding = asyncio.create_task(self._remind())
        try:
            while not stop.is_set():
                await self._idle(await self._round(on_sweep), stop)
        finally:
            reminding.cancel()
            await asyncio.gather(reminding, return_exceptions=True)
            await self._rounds.finish()
            self._telling.close()

    def events(self) -> Changes:
        """The changes from now on, for ``async for``; they end when the tracker stops.

        Up to 10,000 wait for a slow reader. What comes beyond is dropped, which is counted and said in the log;
        nothing of it is missing in the ledger.
        """
        return self._telling.changes()

    async def track(self, task: Task | TaskRef | str) -> Entry:
        """Follow a task that was created elsewhere; one that is known already stays as it is.

        Raises:
            ConfigurationError: it belongs to none of the tracker's accounts.
            InvalidRequest: this is no reference.
            LedgerError: it could not be put on record.
        """
        ref = reference(task)
        if ref.account_key not in self._accounts:
            have = ", ".join(f"{name} of {provider}" for provider, name in self._accounts)
            message = f"{ref} belongs to the account {ref.account!r} of {ref.provider!r}; this tracker has: {have}."
            raise ConfigurationError(message, hint="Open the tracker with that account.")
        given = task if isinstance(task, Task) else Task.new(ref, self._clock.now())
        entry = await asyncio.to_thread(self._ledger.track, given)
        self._rounds.woken.set()
        return entry

    async def refresh(self, tasks: Iterable[Task | TaskRef | str]) -> None:
        """Ask about tasks soon: at once, or when the provider's least pause after their last polls has passed.

        Raises:
            InvalidRequest: one of them is no reference, or not in the ledger; then none is asked about sooner.
            LedgerError: they could not be woken.
        """
        await asyncio.to_thread(bring_forward, self._ledger, [reference(task) for task in tasks])
        self._rounds.woken.set()

    async def remind(self) -> None:
        """Tell ends of jobs that a process told nobody of before it died; ``run`` does it by itself.

        For callers of ``sweep``, now and then. A ledger that cannot be read is logged.
        """
        await self._rounds.tell_forgotten()

    # --- round after round ---

    async def _round(self, on_sweep: Callable[[Swept], None] | None) -> float:
        """Take what is due, and do not wait for it; gives the seconds until the next round."""
        try:
            started = await self._rounds.start(BATCH)
            next_due = 0.0 if started.full else await self._rounds.next_due()
        except LedgerError as error:
            message = "%s It is tried again in %g seconds. %s"
            logger.error(message, error.message, LEDGER_PAUSE, error.hint)  # noqa: TRY400 - the message says it all
            return LEDGER_PAUSE
        if on_sweep is not None:
            on_sweep(Swept(started.taken, next_due))
        if started.full:
            return 0.0
        return IDLE_SECONDS if next_due is None else min(max(next_due, GATHER_SECONDS), IDLE_SECONDS)

    async def _idle(self, seconds: float, stop: asyncio.Event) -> None:
        """Wait, but no longer than until somebody in this process has something for the next round."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken = self._rounds.woken
        waits = [
            asyncio.ensure_future(one) for one in (self._clock.sleep_async(seconds), woken.wait(), stop.wait())
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
        woken.clear()

    async def _remind(self) -> None:
        """Look for what was told nobody: at the start, soon after it, and now and then."""
        pause = REMINDING_SECONDS
        while True:
            await self._rounds.tell_forgotten()
            await self._clock.sleep_async(pause)
            pause = FORGOTTEN_SECONDS

    # --- what they are made from ---

    def _connected(self, account: OpenAccount) -> PolledAccount:
        network = AsyncHttp(account.endpoint, self._settings.http)
        self._networks.append(network)
        listeners = self._listeners
        witness = Witness(
            observe=lambda seen: seen.task,
            record=lambda record: None,
            exchange=partial(listeners.exchanged, account.provider) if listeners.hear_exchanges else None,
            trace=self._settings.trace,
            monotonic=self._clock.monotonic,
        )
        return PolledAccount(account, AsyncDriver({account.name: network}, self._clock, witness))
