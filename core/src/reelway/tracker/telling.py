"""Telling what happened: to whoever reads along, and of what matters at least once, whoever dies on the way."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Final, Self
from weakref import WeakSet

from msgspec import Struct

from reelway.ledger.interface import Ledger
from reelway.ledger.records import terminal, to_be_told
from reelway.listeners import Listeners
from reelway.model.lifecycle import Event
from reelway.model.task import Task

logger: Final = logging.getLogger("reelway")

WAITING: Final = 10_000
"""Changes that may wait for a slow reader; what comes beyond is dropped, counted and said."""

AT_ONCE: Final = 1000


class TaskChanged(Struct, frozen=True):
    """A task as it now is, and what happened to it."""

    task: Task
    events: tuple[Event, ...] = ()

    @property
    def ends(self) -> bool:
        """Whether the job has ended thereby."""
        return any(map(terminal, self.events))

    @property
    def matters(self) -> bool:
        """Whether somebody has to be told, whoever dies on the way: of the job's end, or of its result."""
        return any(map(to_be_told, self.events))


class Changes(AsyncIterator[TaskChanged]):
    """The changes from now on, until the tracker stops. A slow reader loses some, and holds up nobody."""

    def __init__(self) -> None:
        self._waiting: deque[TaskChanged] = deque()
        self._arrived = asyncio.Event()
        self._closed = False
        self.dropped = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> TaskChanged:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()

    def put(self, change: TaskChanged) -> None:
        """Add a change, if there is room for it."""
        if len(self._waiting) >= WAITING:
            if not self.dropped:
                logger.warning("A reader of events is too slow: changes are dropped from now on.")
            self.dropped += 1
            return
        self._waiting.append(change)
        self._arrived.set()

    def close(self) -> None:
        """End the iteration, once all has been read."""
        if self.dropped:
            logger.warning("A reader of events was too slow: %d changes were dropped.", self.dropped)
        self._closed = True
        self._arrived.set()


class Telling:
    """Tells changes to listeners and readers."""

    def __init__(self, listeners: Listeners) -> None:
        self._listeners = listeners
        # A reader that was let go of is told nothing more.
        self._readers: WeakSet[Changes] = WeakSet()
        self._closed = False

    def changes(self) -> Changes:
        """A new reader; where nothing will be told any more, one that is at its end."""
        reader = Changes()
        self._readers.add(reader)
        if self._closed:
            reader.close()
        return reader

    def tell(self, change: TaskChanged) -> None:
        """Tell everybody."""
        self._listeners.changed(change.task, change.events)
        for reader in tuple(self._readers):
            reader.put(change)

    def close(self) -> None:
        """End all readers' iterations."""
        self._closed = True
        for reader in tuple(self._readers):
            reader.close()
        self._readers.clear()


class Reminder:
    """Sees to it that what matters is told, by this process or in place of one that died. Blocking.

    Who writes the end of a job or its result tells it, and then says so in the ledger. One of which nobody has said
    so from one look at the ledger to the next is told by whoever looks: where a process died in between, once more.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._said: set[Event] = set()
        self._seen: frozenset[int] = frozenset()

    def said(self, changes: Sequence[TaskChanged]) -> None:
        """Put on record that these were told."""
        told = {event for change in changes for event in change.events if to_be_told(event)}
        if told:
            self._said |= told
            self._mark()

    def forgotten(self) -> list[TaskChanged]:
        """What nobody has told since the last look. Whoever tells them calls :meth:`said`."""
        self._mark()
        untold = self._ledger.untold(AT_ONCE)
        before, self._seen = self._seen, frozenset(kept.position for kept in untold)
        entries = [(self._ledger.find(kept.event.ref), kept.event) for kept in untold if kept.position in before]
        return [TaskChanged(entry.task, (event,)) for entry, event in entries if entry and entry.task]

    def _mark(self) -> None:
        if not self._said:
            return
        marked = [kept for kept in self._ledger.untold(AT_ONCE) if kept.event in self._said]
        self._ledger.told([kept.position for kept in marked])
        self._said -= {kept.event for kept in marked}
