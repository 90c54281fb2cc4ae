"""Time that passes only when somebody waits."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta
from typing import Final

START: Final = datetime(2026, 1, 1, tzinfo=UTC)

SETTLING_TURNS: Final = 50
"""Turns of the event loop after which all tasks have come to rest, where nothing but this clock makes them wait."""


class VirtualClock:
    """A clock for tests: sleeping costs nothing, and sleepers wake in the order of their times.

    ```python
    from reelway.testing import VirtualClock

    clock = VirtualClock()
    clock.sleep(3600)
    assert clock.monotonic() == 3600
    ```

    The wall clock can be set (``jump``), and it can run fast or slow: it moves by ``rate`` seconds in each second.
    """

    def __init__(self, start: datetime = START, *, rate: float = 1.0) -> None:
        self._start = start
        self._rate = rate
        self._elapsed = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._waker: asyncio.Task[None] | None = None

    def now(self) -> datetime:
        """The present moment of this clock."""
        return self._start + timedelta(seconds=self._elapsed * self._rate)

    def monotonic(self) -> float:
        """Seconds that have passed on this clock."""
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Let time pass without anybody waiting."""
        self._elapsed += seconds

    def jump(self, seconds: float) -> None:
        """Set the wall clock forward or back, as an administrator or a time server does."""
        self._start += timedelta(seconds=seconds)

    def sleep(self, seconds: float) -> None:
        """Wait, at no cost."""
        self.advance(max(0.0, seconds))

    async def sleep_async(self, seconds: float) -> None:
        """Wait, at no cost, but after everybody whose time comes earlier."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + max(0.0, seconds), next(self._order), future))
        if self._waker is None or self._waker.done():
            self._waker = asyncio.create_task(self._wake_in_order())
        await future

    async def _wake_in_order(self) -> None:
        while self._sleepers:
            for _ in range(SETTLING_TURNS):
                await asyncio.sleep(0)
            due, _, future = heapq.heappop(self._sleepers)
            self._elapsed = max(self._elapsed, due)
            if not future.done():
                future.set_result(None)
