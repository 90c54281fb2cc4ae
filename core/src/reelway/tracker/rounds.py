"""Rounds of work on a ledger: claim what is due, have each claim its turn, write what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from math import inf
from typing import Final, TypeVar

from msgspec import Struct

from reelway.errors import LedgerError
from reelway.flow.effects import Observe
from reelway.keeping import Keeper
from reelway.ledger.interface import Ledger
from reelway.ledger.records import AccountKey, Claim, Settled
from reelway.tracker.lanes import Batch, Lanes
from reelway.tracker.telling import Reminder, TaskChanged, Telling
from reelway.tracker.work import Turn, Work
from reelway.transport.clock import Clock

T = TypeVar("T")

logger: Final = logging.getLogger("reelway")

PART_SECONDS: Final = 0.25
"""What has ended of a batch is written this often, so that a slow poll keeps no other from being told."""

BACKLOG_SECONDS: Final = 10.0
"""How often the open tasks of each account are counted."""

STOP_SECONDS: Final = 5.0
"""For turns under way when a tracker stops; container engines wait for ten before they kill."""


class Started(Struct, frozen=True):
    """What a round has begun.

    Attributes:
        taken: how many turns.
        full: whether more may be due.
        batch: ends when all that came of them is written; None where nothing was taken.
    """

    taken: int
    full: bool
    batch: asyncio.Task[None] | None


class Rounds:
    """Does the work of one tracker. Ledgers block, so they are spoken to in threads, and in batches."""

    def __init__(self, ledger: Ledger, works: Sequence[Work], telling: Telling, clock: Clock) -> None:
        self._ledger = ledger
        self._keeper = Keeper(ledger)
        self._lanes = [Lanes(work) for work in works]
        self._telling = telling
        self._reminder = Reminder(ledger)
        self._clock = clock
        self._starts: set[asyncio.Future[Started]] = set()
        self._batches: set[asyncio.Task[None]] = set()
        self._next_count = -inf
        self._strangers: set[AccountKey] = set()
        self.woken = asyncio.Event()
        """Somebody in this process has something for the next round."""

    async def start(self, limit: int) -> Started:
        """Claim what is due, and begin with it. Goes on to its end even where the caller is cancelled.

        Raises:
            LedgerError: nothing could be claimed.
        """
        start = asyncio.ensure_future(self._start(limit))
        self._starts.add(start)
        start.add_done_callback(self._starts.discard)
        return await _unbroken(start)

    async def next_due(self) -> float | None:
        """Seconds until something can be claimed for which there is room.

        Raises:
            LedgerError: it could not be read.
        """
        found = [
            await asyncio.to_thread(self._ledger.next_due, paces, [lanes.work.chore])
            for lanes in self._lanes
            if (paces := lanes.work.awaited(lanes.held))
        ]
        return min((seconds for seconds in found if seconds is not None), default=None)

    async def count(self) -> int:
        """Count the open tasks, for pauses that suit their number; names accounts that nobody here can ask.

        Raises:
            LedgerError: they could not be counted.
        """
        self._next_count = self._clock.monotonic() + BACKLOG_SECONDS
        found = 0
        for work in (lanes.work for lanes in self._lanes):
            backlog = await asyncio.to_thread(self._ledger.backlog, [work.chore])
            strangers = work.know(backlog)
            found += sum(backlog[key] for key in backlog.keys() - strangers)
            for key in sorted(strangers - self._strangers):
                self._strangers.add(key)
                message = "%d open tasks of the account %r of %r stay: this tracker has no such account."
                logger.warning(message, backlog[key], key[1], key[0])
        return found

    async def tell_forgotten(self) -> None:
        """Tell ends of jobs, and results, that a process told nobody before it died."""
        try:
            await self._tell(await asyncio.to_thread(self._reminder.forgotten))
        except LedgerError as error:
            logger.error("%s %s", error.message, error.hint)  # noqa: TRY400 - the message says it all

    async def finish(self) -> None:
        """Let turns under way end, but not for long; whatever is still claimed then is free at once."""
        if self._starts:
            await asyncio.wait(self._starts)
        if self._batches:
            await asyncio.wait(self._batches, timeout=STOP_SECONDS)
        for lanes in self._lanes:
            lanes.stop()
        if self._batches:
            await asyncio.wait(self._batches)

    # --- taking ---

    async def _start(self, limit: int) -> Started:
        if self._clock.monotonic() >= self._next_count:
            await self.count()
        taken: list[tuple[Lanes, float, list[Claim]]] = []
        try:
            full = [await self._claim(lanes, limit, taken) for lanes in self._lanes]
        finally:
            # Whatever became of the rest, what is claimed has its turn.
            batch = self._begun(taken) if taken else None
        return Started(sum(len(claims) for _, _, claims in taken), any(full), batch)

    async def _claim(self, lanes: Lanes, limit: int, taken: list[tuple[Lanes, float, list[Claim]]]) -> bool:
        """Add what is due of some work to what is taken; tells whether more may be."""
        work, room = lanes.work, lanes.work.room(lanes.held)
        most = min(limit, room.limit)
        if not room.paces or not most:
            return False
        since = self._clock.monotonic()
        claims = await asyncio.to_thread(self._ledger.claim, most, work.lease, room.paces, [work.chore])
        if claims:
            taken.append((lanes, since, claims))
        return len(claims) == most

    def _begun(self, taken: Sequence[tuple[Lanes, float, list[Claim]]]) -> asyncio.Task[None]:
        turns = Batch(sum(len(claims) for _, _, claims in taken))
        for lanes, since, claims in taken:
            lanes.add(claims, since, turns)
        batch = asyncio.create_task(self._batch(turns))
        self._batches.add(batch)
        batch.add_done_callback(self._batches.discard)
        return batch

    # --- writing ---

    async def _batch(self, turns: Batch) -> None:
        """Write the turns of a batch as they end, in parts."""
        while not turns.over:
            if part := await turns.part(PART_SECONDS):
                await self._write(part)
                self.woken.set()

    async def _write(self, turns: Sequence[Turn]) -> None:
        try:
            changes = await asyncio.to_thread(self._settle, turns)
        except LedgerError as error:
            # What was seen will be seen again: the leases run out, and the tasks are polled once more.
            message = "%d turns could not be written: %s %s"
            logger.error(message, len(turns), error.message, error.hint)  # noqa: TRY400 - the message says it all
        else:
            await self._tell(changes)

    async def _tell(self, changes: Sequence[TaskChanged]) -> None:
        for change in changes:
            self._telling.tell(change)
        if not any(change.matters for change in changes):
            return
        try:
            await asyncio.to_thread(self._reminder.said, changes)
        except LedgerError as error:
            message = "What was told may be told once more, as that is not on record: %s %s"
            logger.error(message, error.message, error.hint)  # noqa: TRY400 - the message says it all

    def _settle(self, turns: Sequence[Turn]) -> list[TaskChanged]:
        """Write turns; gives what changed thereby. Blocking."""
        for turn in turns:
            if turn.hold:
                self._ledger.hold_off(turn.claim.task.ref.account_key, turn.hold)
        settlements = [turn.settlement() for turn in turns]
        settled = self._ledger.settle(settlements)
        changes = []
        for turn, settlement, became in zip(turns, settlements, settled, strict=True):
            if became is Settled.DONE and settlement.change is not None:
                changes.append(TaskChanged(settlement.change.task, settlement.change.events))
            elif became is Settled.OVERTAKEN and turn.observed is not None:
                changes += self._made_anew(turn.observed)
        return changes

    def _made_anew(self, observed: Observe) -> list[TaskChanged]:
        """Bring in what was seen of a task that somebody else has changed meanwhile."""
        try:
            kept = self._keeper.observe(observed)
        except LedgerError as error:
            # It will be seen again with the next poll, and what the others saw is written.
            message = "What was seen of %s could not be written: %s %s"
            logger.error(message, observed.task.ref, error.message, error.hint)  # noqa: TRY400 - as above
            return []
        return [TaskChanged(kept.task, kept.events)] if kept.events else []


async def _unbroken(doing: asyncio.Future[T]) -> T:
    """Wait for what must not stop halfway: whoever is cancelled meanwhile waits until it is done."""
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.gather(doing, return_exceptions=True)
        raise
