"""What the parts of the contract share: the store under test, and things to put into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from math import inf
from secrets import token_hex
from typing import Any, ClassVar, Final, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from msgspec.structs import replace

from reelway.ledger.interface import Ledger
from reelway.ledger.records import AccountKey, Change, Chore, Claim, Entry, Settled, Settlement
from reelway.model.lifecycle import Event, ProgressMoved, ResultStored, StatusChanged
from reelway.model.observation import Status, Video
from reelway.model.secret import Secret
from reelway.model.submission import Submission, SubmissionState
from reelway.model.task import Artifact, StoredResult, Task, TaskRef

T = TypeVar("T")

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)

CHORES: Final = tuple(Chore)

EVERY: Final = frozenset(SubmissionState)

LEASE: Final = 60.0

NEAR: Final = 15.0
"""Seconds that a test may really take; times are compared no more exactly than that."""

REPEATED: Final = settings(
    deadline=None,
    max_examples=max(1, settings().max_examples // 4),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
"""Examples share the store of their test, in which each has accounts of its own; several backends run each test."""


class Kit:
    """The store under test; a backend's author says how it is opened and how its time passes.

    Attributes:
        shared: whether ledgers that are opened one beside the other see the same store.
    """

    shared: ClassVar[bool] = True

    def open(self) -> Ledger:
        """Open the store of this test, which is empty at first; called again, it opens the same one once more."""
        raise NotImplementedError

    def pass_time(self, seconds: float) -> None:
        """Let the store believe that so many seconds have passed."""
        raise NotImplementedError

    @pytest.fixture
    def ledger(self) -> Iterator[Ledger]:
        """The store."""
        with self.open() as ledger:
            yield ledger

    @pytest.fixture
    def beside(self, ledger: Ledger) -> Iterator[Ledger]:
        """The store once more, as another process would open it; where only one sees it, that one."""
        if not self.shared:
            yield ledger
            return
        with self.open() as beside:
            yield beside


# --- things ---


def new_account() -> AccountKey:
    """An account that nobody used before."""
    return ("acme", f"account-{token_hex(8)}")


def new_task(account: AccountKey = ("acme", "default"), **facts: Any) -> Task:
    """A task that nobody knows yet."""
    return replace(Task.new(TaskRef(*account, "", f"task-{token_hex(8)}"), NOW), **facts)


def new_attempt(account: AccountKey = ("acme", "default"), **facts: Any) -> Submission:
    """An attempt that nobody knows yet."""
    provider, name = account
    attempt = Submission(id=token_hex(16), provider=provider, account=name, route="", at=NOW)
    return replace(attempt, **facts)


def succeeded(task: Task) -> Task:
    """The task as it is when its video can be fetched."""
    video = Video(url=Secret(f"https://cdn.example/{task.id}.mp4?signature=SECRET"))
    return replace(task, status=Status.SUCCEEDED, artifact=Artifact.AVAILABLE, videos=(video,), confirmed=True)


def stored(task: Task) -> Task:
    """The task as it is when its video is stored."""
    return replace(succeeded(task), artifact=Artifact.STORED)


def failed(task: Task) -> Task:
    """The task as it is after a bad end."""
    return replace(task, status=Status.FAILED, confirmed=True)


def result(variant: str = "video", size: int = 1) -> StoredResult:
    """Something that is stored."""
    return StoredResult(
        variant=variant, location=f"videos/{variant}.mp4", size=size, sha256="ab" * 32, stored_at=NOW
    )


def progress(task: Task, percent: int = 50) -> Event:
    """An event on the way."""
    return ProgressMoved(ref=task.ref, at=NOW, progress=percent)


def end(task: Task, after: Status = Status.SUCCEEDED) -> Event:
    """The event of an end."""
    return StatusChanged(ref=task.ref, at=NOW, before=Status.RUNNING, after=after, word=after.value)


def brought(task: Task) -> Event:
    """The event of a result that is stored."""
    return ResultStored.of(task.ref, result())


def change_of(entry: Entry, task: Task | None = None, *events: Event, **facts: Any) -> Change:
    """A change that is made from an entry as it stands."""
    held = entry.task if task is None else task
    assert held is not None
    return Change(number=entry.number, expected=entry.revision, task=replace(held, **facts), events=tuple(events))


def further(entry: Entry) -> Change:
    """A change that moves a task on by one step, and tells of it."""
    assert entry.task is not None
    setbacks = entry.task.setbacks + 1
    return change_of(entry, replace(entry.task, setbacks=setbacks), progress(entry.task, setbacks % 100))


# --- what is done with a ledger ---


def begun(ledger: Ledger, state: SubmissionState, attempt: Submission) -> Submission:
    """An attempt that is on record in some state."""
    assert ledger.begin(attempt) is None
    assert ledger.note(replace(attempt, state=state), EVERY)
    return replace(attempt, state=state)


def take(ledger: Ledger, *accounts: AccountKey, limit: int = 100, lease: float = LEASE) -> list[Claim]:
    """Claim whatever is due of some accounts, however fast."""
    return ledger.claim(limit, lease, dict.fromkeys(accounts, inf), CHORES)


def take_one(ledger: Ledger, account: AccountKey, *, lease: float = LEASE) -> Claim:
    """Claim the one task that is due."""
    [claim] = take(ledger, account, lease=lease)
    return claim


def settle(ledger: Ledger, claim: Claim, change: Change | None = None, **terms: Any) -> Settled:
    """Settle one claim."""
    settlement = Settlement(claim=claim, change=change, **({"again": 0.0} | terms))
    [what] = ledger.settle([settlement])
    return what


def held(ledger: Ledger, task: Task) -> Entry:
    """The entry of a task that is there."""
    entry = ledger.find(task.ref)
    assert entry is not None
    return entry


def wait_of(ledger: Ledger, *accounts: AccountKey) -> float | None:
    """Seconds until something of some accounts can be claimed."""
    return ledger.next_due(dict.fromkeys(accounts, inf), CHORES)


def entry_of(ledger: Ledger, attempt: Submission) -> Entry:
    """The entry of an attempt that is there."""
    entry = ledger.submission(attempt.id)
    assert entry is not None
    return entry


def task_of(entry: Entry) -> Task:
    """The task of an entry that has one."""
    assert entry.task is not None
    return entry.task


def last_position(ledger: Ledger) -> int:
    """Where the history ends at present."""
    return max((one.position for one in ledger.events(limit=10**6)), default=0)


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """What calls give that threads make at the same time."""
    with ThreadPoolExecutor(len(calls)) as threads:
        return [future.result() for future in [threads.submit(call) for call in calls]]
