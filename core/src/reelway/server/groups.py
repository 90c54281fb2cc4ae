"""Group commit: what is asked for while a transaction is under way is done together in the next one."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

LARGEST: Final = 500
"""Items that are done in one step."""


class Full(Exception):
    """More is waiting already than may wait."""

    def __init__(self) -> None:
        super().__init__("too much is waiting for the ledger")


class Groups(Generic[Item, Result]):
    """Does work that blocks in threads, one step at a time, and in each step all that came during the last one.

    Used from one event loop at a time.
    """

    def __init__(self, work: Callable[[list[Item]], Sequence[Result]], most: int) -> None:
        """Prepare for ``work``, which gives a result for each item; ``most`` items wait at the same time."""
        self._work = work
        self._most = most
        self._waiting: deque[tuple[Item, asyncio.Future[Result]]] = deque()
        self._worker: asyncio.Task[None] | None = None

    async def do(self, item: Item) -> Result:
        """Have one item done, and get its result.

        Raises:
            Full: too many are waiting.
            Exception: whatever the work raised for its group.
        """
        if len(self._waiting) >= self._most:
            raise Full
        done: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, done))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._run())
        return await done

    async def _run(self) -> None:
        while self._waiting:
            size = min(len(self._waiting), LARGEST)
            await self._step([self._waiting.popleft() for _ in range(size)])

    async def _step(self, group: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        waiters = [done for _, done in group]
        try:
            results = await asyncio.to_thread(self._work, [item for item, _ in group])
        except Exception as error:  # noqa: BLE001 - it is raised where each result is waited for
            for done in filter(_is_awaited, waiters):
                done.set_exception(error)
        else:
            for done, result in zip(waiters, results, strict=True):
                if _is_awaited(done):
                    done.set_result(result)


def _is_awaited(done: asyncio.Future[Result]) -> bool:
    # Whoever was cancelled meanwhile has cancelled what they waited for.
    return not done.done()
