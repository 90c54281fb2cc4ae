"""What a tracker does for a task: one entry for each kind of work."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from typing import ClassVar, TypeAlias

from msgspec import Struct

from reelway.flow.effects import Observe
from reelway.keeping import change_of
from reelway.ledger.records import AccountKey, Chore, Claim, Settlement


class Turn(Struct, frozen=True, gc=False, kw_only=True):
    """What came of one claim.

    Attributes:
        claim: what was taken.
        observed: what was seen or done, if anything; the change is made from it.
        again, rest, interval, failures: as in :class:`Settlement`.
        hold: seconds for which the whole account is to be left alone, by every tracker.
    """

    claim: Claim
    observed: Observe | None = None
    again: float
    rest: float = 0.0
    interval: float = 0.0
    failures: int = 0
    hold: float = 0.0

    def settlement(self) -> Settlement:
        """What the ledger is told."""
        return Settlement(
            claim=self.claim,
            change=None if self.observed is None else change_of(self.claim.entry, self.observed),
            again=self.again,
            rest=self.rest,
            interval=self.interval,
            failures=self.failures,
        )


def put_back(claim: Claim, again: float = 0.0) -> Turn:
    """A claim with which nothing was done: what is known of the task stays as it is."""
    return Turn(claim=claim, again=again, rest=again, interval=claim.interval, failures=claim.failures)


Held: TypeAlias = Counter[AccountKey]
"""Claims that have not had their turn yet, counted by their accounts."""


class Room(Struct, frozen=True):
    """What there is room for: how many claims in all, and of which accounts at how many a second."""

    limit: int
    paces: Mapping[AccountKey, float]


class Work(ABC):
    """One kind of work. A tracker claims what is due of it, and has each claim its turn, many at once.

    Attributes:
        chore: which work.
        at_once: turns of one account that go on at the same time.
        lease: seconds within which a turn ends, so that no other tracker has begun the same.
    """

    chore: ClassVar[Chore]
    at_once: ClassVar[int]
    lease: ClassVar[float]

    @abstractmethod
    def room(self, held: Held) -> Room:
        """What may be claimed now."""

    @abstractmethod
    def awaited(self, held: Held) -> Mapping[AccountKey, float]:
        """Of which accounts, at how many a second, more can be claimed without a turn under way ending first."""

    @abstractmethod
    async def turn(self, claim: Claim, since: float) -> Turn:
        """Do it. What goes wrong on the way is part of the turn.

        Args:
            claim: what was taken.
            since: when it was taken, by the clock that never jumps, or shortly before.
        """

    @abstractmethod
    def know(self, backlog: Mapping[AccountKey, int]) -> set[AccountKey]:
        """Learn how much of this work each account has left, due or not; tells for which nobody here can do it."""
