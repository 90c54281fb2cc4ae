"""What waits for its time, in the order in which it comes due."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Generic, TypeVar

T = TypeVar("T")


class Agenda(Generic[T]):
    """Things and their times; what comes due at once leaves in the order in which it was put in."""

    def __init__(self) -> None:
        self._waiting: list[tuple[datetime, int, T]] = []
        self._numbers = count()

    def add(self, due: datetime, thing: T) -> None:
        """Let something wait."""
        heapq.heappush(self._waiting, (due, next(self._numbers), thing))

    def take_due(self, now: datetime) -> Iterator[tuple[datetime, T]]:
        """Take out what is due, one by one, with its time; what is added meanwhile is seen as well."""
        while self._waiting and self._waiting[0][0] <= now:
            due, _, thing = heapq.heappop(self._waiting)
            yield due, thing
