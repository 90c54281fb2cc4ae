"""A bounded number of threads that carry out effects, and that nobody has to wait for.

The standard pool is joined when the program ends, so after Ctrl-C a program would stay until its polls have ended.
These threads are daemons, and closing them waits for none.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from math import inf
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any, TypeAlias

from msgspec.structs import replace

from reelway.flow.effects import Effect, Phase, Send, TransportError

Perform: TypeAlias = Callable[[Effect[Any]], Any]


def no_turn() -> TransportError:
    """What becomes of a poll that got no turn within its time."""
    return TransportError(Phase.CONNECTING, "too many polls of the account were under way")


class Turn(Future[Any]):
    """What becomes of an effect once a thread is free for it.

    Attributes:
        until: until when a poll that has to wait may do so, by the system's monotonic clock as all that the network
            does: its wait is part of its own time.
    """

    def __init__(self, until: float = inf) -> None:
        super().__init__()
        self.until = until
        self._begun = Lock()

    def waits(self) -> bool:
        """Whether no thread has been free for it yet."""
        return not self._begun.locked()

    def expire(self) -> None:
        """Let it go if it has waited for too long."""
        if self.until <= time.monotonic() and self._begin():
            self.set_exception(no_turn())

    def fulfil(self, perform: Perform, effect: Effect[Any]) -> None:
        """Carry out the effect, unless it was let go."""
        if not self._begin():
            return
        try:
            result = perform(self._in_time(effect))
        except BaseException as error:  # noqa: BLE001 - whoever waits for the turn gets it
            self.set_exception(error)
        else:
            self.set_result(result)

    def _begin(self) -> bool:
        """Whether nobody else has begun, in one step: a thread may take what is let go at the same moment."""
        return self._begun.acquire(blocking=False)

    def _in_time(self, effect: Effect[Any]) -> Effect[Any]:
        """A poll that had to wait, with the time that is left of its own."""
        if self.until == inf or not isinstance(effect, Send):
            return effect
        left = self.until - time.monotonic()
        if left <= 0:
            raise no_turn()
        return replace(effect, timeout=left)


class Threads:
    """Up to ``size`` threads, started as they are needed."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._started = 0
        self._closed = False
        self._waiting: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def submit(self, perform: Perform, effect: Effect[Any]) -> Turn:
        """Carry out an effect in a thread as soon as one is free."""
        turn = Turn(self._until(effect))
        self._waiting.put(partial(turn.fulfil, perform, effect))
        if self._started < self._size:
            self._started += 1
            Thread(target=self._work, name=f"reelway-{self._started}", daemon=True).start()
        return turn

    def close(self) -> None:
        """Drop what has not begun; what has begun ends by itself."""
        self._closed = True
        for _ in range(self._started):
            self._waiting.put(None)

    def _until(self, effect: Effect[Any]) -> float:
        # What a thread is started for does not wait. What is no poll may not be dropped: none comes after it.
        if self._started < self._size or not isinstance(effect, Send) or effect.fresh:
            return inf
        return time.monotonic() + effect.timeout

    def _work(self) -> None:
        while (call := self._waiting.get()) is not None:
            if not self._closed:
                call()
