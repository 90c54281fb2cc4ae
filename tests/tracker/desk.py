"""A tracker in virtual time, and the provider that it asks, which notes when it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import pairwise
from types import TracebackType
from typing import Any, Final, Self, TypeVar

from reelway import Account, Registry, Status, Task, TaskRef
from reelway.flow.effects import TransportError
from reelway.ledger.records import Entry
from reelway.ledger.sqlite import SqliteLedger
from reelway.listeners import OnChange
from reelway.model.http import HttpRequest, HttpResponse
from reelway.operations import Settings
from reelway.provider.interface import Cadence
from reelway.testing import VirtualClock, in_process
from reelway.tracker.telling import TaskChanged
from reelway.tracker.tracker import Swept, Tracker
from reelway.transport.http import HttpSettings
from tests.acme import ACME, said

T = TypeVar("T")

Answer = HttpResponse | TransportError

SWEEPS: Final = 100_000

UNHURRIED: Final = Cadence(10, 20)


class Desk:
    """One account named ``default`` of Acme, or several, each asked at one place.

    Attributes:
        asked: when each task was asked about, in seconds since the beginning.
        answers: what is answered next about each task; after the last, it succeeds.
        usual: what is answered about tasks that have no answers of their own.
        before_answer: what happens while a poll is under way.
        told: what the tracker has told.
    """

    def __init__(
        self,
        *,
        clock: VirtualClock | None = None,
        ledger: SqliteLedger | None = None,
        pace: float = 1000.0,
        names: tuple[str, ...] = ("default",),
        draw: Callable[[], float] = lambda: 0.5,
        cadence: Cadence = UNHURRIED,
        on_change: OnChange | None = None,
    ) -> None:
        self.clock = clock or machine_clock()
        self.began = self.clock.monotonic()
        self.ledger = ledger or SqliteLedger(monotonic=self.clock.monotonic)
        self.asked: dict[str, list[float]] = {}
        self.answers: dict[str, list[Answer]] = {}
        self.usual: Callable[[str], HttpResponse] = lambda task_id: said("succeeded", task_id)
        self.before_answer: Callable[[], None] = lambda: None
        self.told: list[TaskChanged] = []
        settings = Settings(
            clock=self.clock,
            draw=draw,
            http=HttpSettings(transport=in_process(self._respond)),
            on_change=on_change or (lambda task, events: self.told.append(TaskChanged(task, events))),
        )
        account = Account("acme", api_key="k", requests_per_second=pace, cadence=cadence)
        self._runner = asyncio.Runner()
        accounts: Mapping[str, Account] = dict.fromkeys(names, account)
        self.tracker = Tracker(self.ledger, accounts, registry=Registry([ACME]), settings=settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run(self.tracker.aclose())
        self._runner.close()

    def run(self, story: Awaitable[T]) -> T:
        """A story told in the tracker's event loop."""
        return self._runner.run(_awaited(story))

    def open(self, *task_ids: str, account: str = "default") -> list[Entry]:
        """Put tasks on record that are due at once."""
        return [self.ledger.track(new_task(task_id, self.clock, account)) for task_id in task_ids]

    def sweep(self, **options: Any) -> Swept:
        return self.run(self.tracker.sweep(**options))

    def follow(self, seconds: float, *, grain: float = 0.0) -> None:
        """Let the tracker do its work for so long, in virtual time; ``grain`` is its least pause between sweeps."""
        end = self.clock.monotonic() + seconds
        for _ in range(SWEEPS):
            wake = self.sweep().next_wake
            left = end - self.clock.monotonic()
            if wake is None or wake > left:
                self.clock.advance(max(0.0, left))
                return
            self.clock.advance(max(wake, grain))
        raise AssertionError("it sweeps without end")

    def entry(self, task_id: str, account: str = "default") -> Entry:
        entry = self.ledger.find(TaskRef("acme", account, "", task_id))
        assert entry is not None
        return entry

    def status(self, task_id: str) -> Status:
        task = self.entry(task_id).task
        assert task is not None
        return task.status

    def gaps(self, task_id: str) -> list[float]:
        """The pauses between the polls of one task."""
        times = self.asked[task_id]
        return [later - earlier for earlier, later in pairwise(times)]

    @property
    def polls(self) -> list[float]:
        return sorted(time for times in self.asked.values() for time in times)

    def _respond(self, request: HttpRequest) -> HttpResponse:
        name = request.path.rpartition("/")[2]
        self.asked.setdefault(name, []).append(self.clock.monotonic() - self.began)
        self.before_answer()
        waiting = self.answers.get(name, [])
        answer = waiting.pop(0) if waiting else self.usual(name)
        if isinstance(answer, TransportError):
            raise answer
        return answer


def machine_clock() -> VirtualClock:
    """That of a machine which has run for a while, so that no account has asked for anything lately."""
    clock = VirtualClock()
    clock.advance(1000)
    return clock


def new_task(task_id: str, clock: VirtualClock, account: str = "default") -> Task:
    return Task.new(TaskRef("acme", account, "", task_id), clock.now())


def running(times: int, task_id: str = "task-1", **facts: Any) -> list[Answer]:
    return [said("running", task_id, **facts) for _ in range(times)]


async def _awaited(story: Awaitable[T]) -> T:
    return await story
