"""How many turns go on at once, and which is next: each account has lanes of its own, and its claims an order."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, NamedTuple

from reelway.ledger.records import AccountKey, Claim
from reelway.tracker.work import Held, Turn, Work, put_back

logger: Final = logging.getLogger("reelway")

DEFECT_PAUSE: Final = 60.0
"""Seconds before the next turn of a task over which the tracker itself failed."""


class Batch:
    """Turns of claims that were taken together; what came of them is taken out in parts."""

    def __init__(self, size: int) -> None:
        self._places = iter(range(size))
        self._left = size
        self._ended: dict[int, Turn] = {}
        self._complete = asyncio.Event()

    @property
    def over(self) -> bool:
        """Whether all turns have ended, and have been taken out."""
        return not self._left and not self._ended

    def place(self) -> int:
        """The place of the next claim."""
        return next(self._places)

    def end(self, place: int, turn: Turn) -> None:
        """Put down what came of the claim at a place."""
        self._ended[place] = turn
        self._left -= 1
        if not self._left:
            self._complete.set()

    async def part(self, seconds: float) -> list[Turn]:
        """What has ended since the last part, when the seconds are over or all has ended.

        In the order of the claims, so that the same story is told in the same order.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._complete.wait()
        ended, self._ended = self._ended, {}
        return [ended[place] for place in sorted(ended)]


class Waiting(NamedTuple):
    """A claim before its turn: when it was taken, and where what comes of it is put down."""

    claim: Claim
    since: float
    batch: Batch
    place: int


class Lanes:
    """The turns of one kind of work.

    Attributes:
        work: what a turn does.
        held: the claims of each account that have not had their turn yet.
    """

    def __init__(self, work: Work) -> None:
        self.work = work
        self.held: Held = Counter()
        self._waiting: defaultdict[AccountKey, deque[Waiting]] = defaultdict(deque)
        self._running: defaultdict[AccountKey, set[asyncio.Task[None]]] = defaultdict(set)

    def add(self, claims: Iterable[Claim], since: float, batch: Batch) -> None:
        """Have claims their turns, each as soon as a lane of its account is free."""
        accounts = set[AccountKey]()
        for claim in claims:
            key = claim.task.ref.account_key
            accounts.add(key)
            self.held[key] += 1
            self._waiting[key].append(Waiting(claim, since, batch, batch.place()))
        for key in accounts:
            running = self._running[key] = {lane for lane in self._running[key] if not lane.done()}
            while len(running) < min(self.work.at_once, self.held[key]):
                running.add(asyncio.create_task(self._lane(key)))

    def stop(self) -> None:
        """Break off the turns under way, and put back what has not begun."""
        for key, waiting in self._waiting.items():
            while waiting:
                one = waiting.popleft()
                self._end(key, one, put_back(one.claim))
        for running in self._running.values():
            for lane in running:
                lane.cancel()
            # One that has not begun yet will never say that it has ended.
            running.clear()

    async def _lane(self, key: AccountKey) -> None:
        waiting = self._waiting[key]
        while waiting:
            one = waiting.popleft()
            turn = put_back(one.claim, DEFECT_PAUSE)
            try:
                turn = await self._turn(one)
            finally:
                self._end(key, one, turn)

    def _end(self, key: AccountKey, one: Waiting, turn: Turn) -> None:
        self.held[key] -= 1
        one.batch.end(one.place, turn)

    async def _turn(self, one: Waiting) -> Turn:
        try:
            return await self.work.turn(one.claim, one.since)
        except asyncio.CancelledError:
            return put_back(one.claim)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # a library in Rust panics with one
            logger.exception("A turn of %s failed", one.claim.task.ref)
            return put_back(one.claim, DEFECT_PAUSE)
