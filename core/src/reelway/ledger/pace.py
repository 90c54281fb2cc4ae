"""How many turns of an account's rate are free: arithmetic on the time at which the next one is.

This is the generic cell rate algorithm (ITU-T I.371): one number for each account, however many claimants.
"""

from __future__ import annotations

from math import floor, inf
from typing import Final, NamedTuple

from reelway.ledger.records import Chore

BURST_SECONDS: Final = 1.0
"""Turns that nobody took within the last second may be taken at once."""

PLENTY: Final = 1_000_000


class AccountTimes(NamedTuple):
    """When an account's next turn is free, and until when nobody may poll."""

    free_at: float = 0.0
    held_until: float = 0.0

    def held(self, chore: Chore) -> float:
        """Until when some work is held off: links are served by others than those who asked for patience."""
        return self.held_until if chore is Chore.POLL else 0.0


def granted(pace: float, times: AccountTimes, now: float) -> int:
    """How many turns may be taken now, at ``pace`` a second."""
    if pace <= 0:
        return 0
    if pace == inf:
        return PLENTY
    # The small part makes up for what adding fractions loses.
    return max(0, floor((now - _begin(pace, times.free_at, now)) * pace + 1 + 1e-6))


def spent(pace: float, times: AccountTimes, now: float, count: int) -> float:
    """When the next turn is free after ``count`` were taken."""
    return _begin(pace, times.free_at, now) + count / pace


def free_from(pace: float, times: AccountTimes) -> float:
    """From when on a turn may be taken, for all that the pace has to say."""
    if pace <= 0:
        return inf
    return 0.0 if pace == inf else times.free_at


def _begin(pace: float, free_at: float, now: float) -> float:
    # What was saved up is worth no more than one burst, the turn of now included.
    return max(free_at, now - max(0.0, BURST_SECONDS - 1 / pace))
