"""How long tasks have been known, measured so that nobody who sets the wall clock makes one older or younger."""

from __future__ import annotations

from typing import Final

from reelway.flow.effects import Instant
from reelway.flow.follow import since_when
from reelway.locks import ForkSafeLock
from reelway.model.task import Task, TaskRef
from reelway.transport.clock import Clock

REMEMBERED: Final = 10_000
"""Tasks. An age matters in a task's first minute, so those remembered for longest are forgotten first."""


class Ages:
    """Remembers since when tasks have been known, by the clock that never jumps.

    The wall clock is asked once for each task, when it is first met: where that is the moment of its create, the
    clock cannot have been set in between, and of a task from another process nothing else is known.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since: dict[TaskRef, float] = {}
        self._lock = ForkSafeLock()

    def since(self, task: Task) -> float:
        """The monotonic time from which the task has been known."""
        with self._lock:
            if task.ref not in self._since:
                if len(self._since) >= REMEMBERED:
                    del self._since[next(iter(self._since))]
                now = Instant(self._clock.now(), self._clock.monotonic())
                self._since[task.ref] = since_when(task, now)
            return self._since[task.ref]

    def of(self, task: Task) -> float:
        """For how many seconds the task has been known."""
        return self._clock.monotonic() - self.since(task)
