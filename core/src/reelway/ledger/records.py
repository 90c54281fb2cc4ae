"""What a ledger holds, what is asked of it and what it is told. Pure data."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from reelway.model.lifecycle import Event, ResultStored
from reelway.model.observation import Status
from reelway.model.submission import Submission, SubmissionState
from reelway.model.task import Artifact, StoredResult, Task

AccountKey: TypeAlias = tuple[str, str]
"""A provider and the name of an account there."""


class Entry(Struct, frozen=True, gc=False, kw_only=True):
    """All that is held of one job.

    Attributes:
        number: its place in this ledger; later ones have higher numbers.
        submission: how it was submitted; None for a task that was created elsewhere.
        task: how it stands; None while no task is known.
        revision: how often the task has changed here; a change is made from one revision only.
        results: what is stored of it.
    """

    number: int
    submission: Submission | None = None
    task: Task | None = None
    revision: int = 0
    results: tuple[StoredResult, ...] = ()


class Chore(StrEnum):
    """What is still to be done for a task."""

    POLL = "poll"
    STORE = "store"


def chore_of(task: Task) -> Chore | None:
    """What is still to be done for a task: polls to its end, then storing what it made."""
    if not task.final:
        return Chore.POLL
    due = task.status is Status.SUCCEEDED and task.artifact in _TO_BE_STORED
    return Chore.STORE if due else None


_TO_BE_STORED = frozenset({Artifact.AVAILABLE, Artifact.PARTIAL})


class Change(Struct, frozen=True, gc=False, kw_only=True):
    """One step of a task: made from one revision, or not at all.

    Attributes:
        number: the entry.
        expected: the revision that it was made from.
        task: the task afterwards.
        events: what happened, kept together with it.
        results: what was stored.
    """

    number: int
    expected: int
    task: Task
    events: tuple[Event, ...] = ()
    results: tuple[StoredResult, ...] = ()


class Claim(Struct, frozen=True, gc=False, kw_only=True):
    """A task taken to be worked on. Until its lease runs out, nobody else gets it.

    Attributes:
        entry: all that is held of it.
        chore: what is to be done.
        lease: a number that grows with each claim of the task; what comes back under an older one is not written.
        age: for how many seconds the task has been known.
        late: seconds since it was due.
        interval: the pause before this turn, as the one who settled it last had reckoned it; 0 at first.
        failures: failed turns in a row.
    """

    entry: Entry
    chore: Chore
    lease: int
    age: float
    late: float
    interval: float = 0.0
    failures: int = 0

    @property
    def task(self) -> Task:
        """The task as it was when it was taken."""
        if self.entry.task is None:
            raise ValueError("only tasks are claimed")
        return self.entry.task


class Settlement(Struct, frozen=True, gc=False, kw_only=True):
    """What came of a claim. Frees the task, and says when it is due again, where anything is left to do.

    Attributes:
        claim: what is settled.
        change: how the task changed, if it did.
        again: seconds until its next turn; other work than before is due at once.
        rest: seconds until then at the least, whoever wakes it.
        interval, failures: as in :class:`Claim`, for the next turn; other work than before begins at 0.
    """

    claim: Claim
    change: Change | None = None
    again: float
    rest: float = 0.0
    interval: float = 0.0
    failures: int = 0


class Settled(StrEnum):
    """What became of a settlement."""

    DONE = "done"
    OVERTAKEN = "overtaken"
    """Somebody else changed the task meanwhile; the change was not written. The task is due after its rest."""
    LATE = "late"
    """The lease had run out and the task was taken again; nothing was written."""


class KeptEvent(Struct, frozen=True, kw_only=True):
    """One accepted event.

    Attributes:
        position: its place in this ledger's history.
        number: the entry it belongs to.
        revision: the revision of the task that it led to.
        event: what happened.
    """

    position: int
    number: int
    revision: int
    event: Event


class Callback(Struct, frozen=True, kw_only=True):
    """A delivery, as it came. What it says is believed by nobody until a poll has confirmed it.

    Attributes:
        number: the entry whose address it came to.
        received_at: when it came.
        headers: those that matter to a verifier or a reader.
        body: its bytes.
    """

    number: int
    received_at: datetime
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Query(Struct, frozen=True, kw_only=True):
    """Which entries are asked for. Whatever is left out does not matter.

    Attributes:
        statuses: where the job stands.
        states: how far the submission got.
        artifacts: what is held of the result.
        provider, account, label: as given at the create.
        unfinished: with something left to do or to find out: jobs under way, and submissions in doubt.
        after: only entries with a higher number, for the next page.
        newest_first: the other way round; then ``after`` is an upper bound, where it is not 0.
        limit: how many at most.
    """

    statuses: frozenset[Status] = frozenset()
    states: frozenset[SubmissionState] = frozenset()
    artifacts: frozenset[Artifact] = frozenset()
    provider: str | None = None
    account: str | None = None
    label: str | None = None
    unfinished: bool = False
    after: int = 0
    newest_first: bool = False
    limit: int = 1000


def terminal(event: Event) -> bool:
    """Whether an event says that a job has ended."""
    after = getattr(event, "after", None)
    return isinstance(after, Status) and after.final


def to_be_told(event: Event) -> bool:
    """Whether somebody has to be told of an event, whoever dies on the way: of a job's end, and of its result."""
    return terminal(event) or isinstance(event, ResultStored)
