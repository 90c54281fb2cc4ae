"""The life of a task: a table, and the small machine that applies it.

Rules that every change here has to respect:

1.  Every rule about states lives in this file, and as much of it as possible in ``TRANSITIONS``.
2.  The status follows from the status word alone. Progress, times, an error object or a link never move it:
    the gateways fill these in while the task still runs.
3.  What the provider called final is final. What we concluded ourselves (``lost``) is not.
4.  An anomaly changes no state and is never silent: it is an event with both readings.
5.  An observation from a callback that nobody verified changes nothing at all.
6.  Seeing the same thing twice changes nothing the second time; only "not found" is counted.
7.  The machine is pure: the time is handed in, and so is how long a task has been known where a clock that never
    jumps has measured it.

``docs/generate.py`` draws the manual's diagram and table from ``TRANSITIONS``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reelway.model.observation import Observation, Source, Status
from reelway.model.task import Artifact, StoredResult, Task, TaskRef

NOT_FOUND_LIMIT: Final = 3
"""Answers in a row that do not know the id before the task counts as lost."""

NOT_FOUND_GRACE: Final = timedelta(seconds=60)
"""Gateways answer a create before they store its row, so a fresh id may be unknown for a while."""

KEPT_UNKNOWN_WORDS: Final = 16
KEPT_WORD_LENGTH: Final = 200
"""Both bound what a provider that invents words can make us keep."""


class State(StrEnum):
    """The rows of the table: every status, and ``new`` for a task nobody has described yet."""

    NEW = "new"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    LOST = "lost"


class Seen(StrEnum):
    """The columns of the table: what an observation can say about the state."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNKNOWN_WORD = "unknown word"
    NOT_FOUND = "not found"


class Effect(StrEnum):
    """What a cell does."""

    MOVE = "move"
    STAY = "stay"
    REQUEUE = "requeue"
    WARN = "warn"
    COUNT = "count"
    LOSE = "lose"
    """What a count becomes when it is one too many."""
    ARTIFACT_GONE = "artifact gone"
    ANOMALY = "anomaly"
    LOUD_ANOMALY = "loud anomaly"


class Cell(NamedTuple):
    """One cell of the table; ``to`` is the status that a move leads to."""

    effect: Effect
    to: Status | None = None


class StatusChanged(Struct, frozen=True, kw_only=True, tag=True):
    """The canonical status moved; ``before`` is None at the first sighting."""

    ref: TaskRef
    at: datetime
    before: Status | None
    after: Status
    word: str | None


class ProgressMoved(Struct, frozen=True, kw_only=True, tag=True):
    """The published progress went up."""

    ref: TaskRef
    at: datetime
    progress: int


class LinksRefreshed(Struct, frozen=True, kw_only=True, tag=True):
    """A finished task now has other result links."""

    ref: TaskRef
    at: datetime


class UnknownWordSeen(Struct, frozen=True, kw_only=True, tag=True):
    """A status word nobody has seen before; the state stays as it was. Sent once per word."""

    ref: TaskRef
    at: datetime
    word: str | None
    kept: Status


class NotFoundSeen(Struct, frozen=True, kw_only=True, tag=True):
    """The provider did not know the id, for the ``count``-th time in a row."""

    ref: TaskRef
    at: datetime
    count: int


class ArtifactGone(Struct, frozen=True, kw_only=True, tag=True):
    """The provider no longer keeps the result of a finished task."""

    ref: TaskRef
    at: datetime


class ResultStored(Struct, frozen=True, kw_only=True, tag=True):
    """A result is whole and where it belongs. ``at`` is when it was; the rest is as in :class:`StoredResult`."""

    ref: TaskRef
    at: datetime
    variant: str
    location: str
    size: int
    sha256: str

    @classmethod
    def of(cls, ref: TaskRef, result: StoredResult) -> ResultStored:
        """The event that a stored result is."""
        return cls(
            ref=ref,
            at=result.stored_at,
            variant=result.variant,
            location=result.location,
            size=result.size,
            sha256=result.sha256,
        )


class Anomaly(Struct, frozen=True, kw_only=True, tag=True):
    """An answer that contradicts a final state. The state stays; both readings are here.

    ``loud`` marks the case where money is at stake: a success after a bad end.
    """

    ref: TaskRef
    at: datetime
    held: Status
    held_word: str | None
    seen: Seen
    seen_word: str | None
    loud: bool


Event: TypeAlias = (
    StatusChanged
    | ProgressMoved
    | LinksRefreshed
    | UnknownWordSeen
    | NotFoundSeen
    | ArtifactGone
    | ResultStored
    | Anomaly
)


def _move(to: Status) -> Cell:
    return Cell(Effect.MOVE, to)


_STAY: Final = Cell(Effect.STAY)
_WARN: Final = Cell(Effect.WARN)
_COUNT: Final = Cell(Effect.COUNT)
_LOSE: Final = Cell(Effect.LOSE, Status.LOST)
_REQUEUE: Final = Cell(Effect.REQUEUE, Status.QUEUED)
_GONE: Final = Cell(Effect.ARTIFACT_GONE)
_ODD: Final = Cell(Effect.ANOMALY)
_LOUD: Final = Cell(Effect.LOUD_ANOMALY)

_TO_FINAL: Final = {
    Seen.SUCCEEDED: _move(Status.SUCCEEDED),
    Seen.FAILED: _move(Status.FAILED),
    Seen.CANCELLED: _move(Status.CANCELLED),
    Seen.EXPIRED: _move(Status.EXPIRED),
}

TRANSITIONS: Final[dict[State, dict[Seen, Cell]]] = {
    State.NEW: {
        Seen.QUEUED: _move(Status.QUEUED),
        Seen.RUNNING: _move(Status.RUNNING),
        **_TO_FINAL,
        Seen.UNKNOWN_WORD: _WARN,
        Seen.NOT_FOUND: _COUNT,
    },
    State.QUEUED: {
        Seen.QUEUED: _STAY,
        Seen.RUNNING: _move(Status.RUNNING),
        **_TO_FINAL,
        Seen.UNKNOWN_WORD: _WARN,
        Seen.NOT_FOUND: _COUNT,
    },
    State.RUNNING: {
        Seen.QUEUED: _REQUEUE,
        Seen.RUNNING: _STAY,
        **_TO_FINAL,
        Seen.UNKNOWN_WORD: _WARN,
        Seen.NOT_FOUND: _COUNT,
    },
    State.SUCCEEDED: {
        Seen.QUEUED: _ODD,
        Seen.RUNNING: _ODD,
        Seen.SUCCEEDED: _STAY,
        Seen.FAILED: _ODD,
        Seen.CANCELLED: _ODD,
        Seen.EXPIRED: _GONE,
        Seen.UNKNOWN_WORD: _ODD,
        Seen.NOT_FOUND: _GONE,
    },
    State.FAILED: {
        Seen.QUEUED: _ODD,
        Seen.RUNNING: _ODD,
        Seen.SUCCEEDED: _LOUD,
        Seen.FAILED: _STAY,
        Seen.CANCELLED: _ODD,
        Seen.EXPIRED: _STAY,
        Seen.UNKNOWN_WORD: _ODD,
        Seen.NOT_FOUND: _STAY,
    },
    State.CANCELLED: {
        Seen.QUEUED: _ODD,
        Seen.RUNNING: _ODD,
        Seen.SUCCEEDED: _LOUD,
        # Gateways that know one bad end only report a cancelled job as failed.
        Seen.FAILED: _STAY,
        Seen.CANCELLED: _STAY,
        Seen.EXPIRED: _STAY,
        Seen.UNKNOWN_WORD: _ODD,
        Seen.NOT_FOUND: _STAY,
    },
    State.EXPIRED: {
        Seen.QUEUED: _ODD,
        Seen.RUNNING: _ODD,
        Seen.SUCCEEDED: _LOUD,
        Seen.FAILED: _STAY,
        Seen.CANCELLED: _ODD,
        Seen.EXPIRED: _STAY,
        Seen.UNKNOWN_WORD: _ODD,
        Seen.NOT_FOUND: _STAY,
    },
    State.LOST: {
        Seen.QUEUED: _move(Status.QUEUED),
        Seen.RUNNING: _move(Status.RUNNING),
        **_TO_FINAL,
        Seen.UNKNOWN_WORD: _WARN,
        Seen.NOT_FOUND: _STAY,
    },
}

# Looking a member up in a table costs a tenth of making it from its value.
_ROWS: Final = {status: State(status) for status in Status}
_COLUMNS: Final[dict[Status | None, Seen]] = {
    **{status: Seen(status) for status in Status if status is not Status.LOST},
    # No provider's word means that a task is lost; that is our own conclusion.
    Status.LOST: Seen.UNKNOWN_WORD,
    None: Seen.UNKNOWN_WORD,
}

_ENDED_BADLY: Final = frozenset({Status.FAILED, Status.CANCELLED, Status.EXPIRED, Status.LOST})
_NOT_HELD: Final = frozenset({Artifact.NONE, Artifact.GONE})

Step: TypeAlias = tuple[Task, tuple[Event, ...]]


def advance(task: Task, observation: Observation, now: datetime, age: float | None = None) -> Step:
    """Apply one observation to a task.

    Args:
        task: the task as it is held.
        observation: one reading of one answer, its ``status`` filled in from the provider's word table.
        now: the present moment, aware and in UTC.
        age: for how many seconds the task has been known, as a clock that never jumps tells it; where nobody has
            measured it, the time since ``submitted_at``.

    Returns:
        The task afterwards, the very same object where nothing changed, and the events in order.
    """
    if observation.source is Source.CALLBACK and not observation.verified:
        return task, ()
    cell = TRANSITIONS[state_of(task)][seen_in(observation)]
    if cell is _COUNT and _is_lost(task, now, age):
        cell = _LOSE
    after, events = _APPLY[cell.effect](task, observation, cell, now)
    if after == task:
        return task, events
    return replace(after, changed_at=now), events


def state_of(task: Task) -> State:
    """The row of the table that a task stands in."""
    if not task.confirmed and task.status is Status.QUEUED:
        return State.NEW
    return _ROWS[task.status]


def seen_in(observation: Observation) -> Seen:
    """The column of the table that an observation belongs to."""
    if observation.not_found:
        return Seen.NOT_FOUND
    return _COLUMNS[observation.status]


def _apply_move(task: Task, observation: Observation, cell: Cell, now: datetime) -> Step:
    target = cell.to or task.status
    before = task.status if task.confirmed else None
    moved = replace(_facts(task, observation), status=target)
    if target.final:
        moved = _ended(moved, observation, task.progress)
    change = StatusChanged(ref=task.ref, at=now, before=before, after=target, word=observation.provider_status)
    return moved, (change, *_progress_events(task, moved, now))


def _apply_stay(task: Task, observation: Observation, cell: Cell, now: datetime) -> Step:
    if task.status in _ENDED_BADLY:
        return task, ()
    stayed = _facts(task, observation)
    if task.status is Status.SUCCEEDED:
        stayed = _refreshed(stayed, observation)
    refreshed = stayed.videos != task.videos
    links = (LinksRefreshed(ref=task.ref, at=now),) if refreshed else ()
    return stayed, (*_progress_events(task, stayed, now), *links)


def _apply_requeue(task: Task, observation: Observation, cell: Cell, now: datetime) -> Step:
    # Callbacks arrive in any order, so a late "queued" from one proves no setback.
    if observation.source is Source.CALLBACK:
        return task, ()
    moved, events = _apply_move(task, observation, cell, now)
    return replace(moved, setbacks=task.setbacks + 1), events


def _apply_warn(task: Task, observation: Observation, cell: Cell, now: datetime) -> Step:
    word = observation.provider_status
    short = (word or "")[:KEPT_WORD_LENGTH]
    kept = _facts(task, observation)
    moved = _progress_events(task, kept, now)
    if short in task.unknown_words or len(task.unknown_words) >= KEPT_UNKNOWN_WORDS:
        return kept, moved
    warning = UnknownWordSeen(ref=task.ref, at=now, word=word, kept=task.status)
    return replace(kept, unknown_words=(*task.unknown_words, short)), (warning, *moved)


def _is_lost(task: Task, now: datetime, age: float | None) -> bool:
    """Whether one more answer that does not know the id is one too many."""
    seconds = (now - task.submitted_at).total_seconds() if age is None else age
    return task.not_found_count + 1 >= NOT_FOUND_LIMIT and seconds >= NOT_FOUND_GRACE.total_seconds()


def _apply_count(task: Task, observation: Observation, cell: Cell, now: datetime) -> Step:
    count = task.not_found_count + 1
    return replace(task, not_found_count=count), (NotFoundSeen(ref=task.ref, at=now, count=count),)


def _apply_lose(task: Task, observation: Observation, cell: Cell, now: datetime) -> Step:
    counted, seen = _apply_count(task, observation, cell, now)
    before = task.status if task.confirmed else None
    lost = StatusChanged(ref=task.ref, at=now, before=before, after=Status.LOST, word=None)
    return replace(counted, status=Status.LOST), (*seen, lost)


def _apply_gone(task: Task, observation: Observation, cell: Cell, now: datetime) -> Step:
    if task.artifact in {Artifact.GONE, Artifact.STORED}:
        return task, ()
    return replace(task, artifact=Artifact.GONE), (ArtifactGone(ref=task.ref, at=now),)


def _apply_anomaly(task: Task, observation: Observation, cell: Cell, now: datetime) -> Step:
    anomaly = Anomaly(
        ref=task.ref,
        at=now,
        held=task.status,
        held_word=task.provider_status,
        seen=seen_in(observation),
        seen_word=observation.provider_status,
        loud=cell.effect is Effect.LOUD_ANOMALY,
    )
    return task, (anomaly,)


_APPLY: Final[dict[Effect, Callable[[Task, Observation, Cell, datetime], Step]]] = {
    Effect.MOVE: _apply_move,
    Effect.STAY: _apply_stay,
    Effect.REQUEUE: _apply_requeue,
    Effect.WARN: _apply_warn,
    Effect.COUNT: _apply_count,
    Effect.LOSE: _apply_lose,
    Effect.ARTIFACT_GONE: _apply_gone,
    Effect.ANOMALY: _apply_anomaly,
    Effect.LOUD_ANOMALY: _apply_anomaly,
}


def _facts(task: Task, observation: Observation) -> Task:
    """Everything an observation adds that moves no state."""
    return replace(
        task,
        confirmed=True,
        provider_status=observation.provider_status,
        progress=_higher(task.progress, observation.progress),
        provider_progress=observation.provider_progress or task.provider_progress,
        model=observation.model or task.model,
        created_at=observation.created_at or task.created_at,
        expires_at=observation.expires_at or task.expires_at,
        not_found_count=0,
    )


def _ended(task: Task, observation: Observation, progress: int | None) -> Task:
    """What only a final status makes believable: the end time, the links, the reason."""
    at = observation.completed_at
    if task.status is Status.SUCCEEDED:
        artifact = _available(task.artifact)
        return replace(task, completed_at=at, progress=100, artifact=artifact, videos=observation.videos)
    # Gateways write 100 % on a failed job as well; that is no progress.
    return replace(task, completed_at=at, failure=observation.failure, progress=progress)


def _refreshed(task: Task, observation: Observation) -> Task:
    return replace(
        task,
        artifact=_available(task.artifact),
        videos=observation.videos or task.videos,
        completed_at=task.completed_at or observation.completed_at,
    )


def _available(held: Artifact) -> Artifact:
    return Artifact.AVAILABLE if held in _NOT_HELD else held


def _higher(published: int | None, sent: int | None) -> int | None:
    if sent is None or (published is not None and published > sent):
        return published
    return sent


def _progress_events(before: Task, after: Task, now: datetime) -> tuple[Event, ...]:
    if after.progress is None or after.progress == before.progress:
        return ()
    return (ProgressMoved(ref=after.ref, at=now, progress=after.progress),)
