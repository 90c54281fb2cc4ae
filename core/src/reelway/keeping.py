"""Carrying what flows tell into a ledger: attempts before they leave, tasks when they change."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

from msgspec.structs import replace

from reelway.errors import Billed, LedgerError
from reelway.flow.effects import Earlier, Observe, Record
from reelway.ledger.interface import Ledger
from reelway.ledger.records import Change, Entry
from reelway.locks import ForkSafeLock
from reelway.model.lifecycle import Event, advance
from reelway.model.submission import BEFORE, UNSENT, Submission, SubmissionState
from reelway.model.task import Artifact, StoredResult, Task

logger: Final = logging.getLogger("reelway")

ROUNDS: Final = 20
"""How often a change is made anew because somebody else was quicker; nobody is that unlucky."""


class Keeper:
    """Keeps a ledger for the flows of one client."""

    def __init__(self, ledger: Ledger, *, own: bool = False) -> None:
        """Start with an open ledger; one that is the client's ``own`` is closed with the client."""
        self.ledger = ledger
        self._own = own
        self._lock = ForkSafeLock()
        self._attempts = 0
        self._closing = False

    def record(self, record: Record) -> Earlier | None:
        """Put a step of an attempt on record.

        Raises:
            LedgerError: it could not be; where a task was made, the error holds it.
        """
        if record.new:
            return self._earlier(self.ledger.begin(record.submission))
        if record.task is not None:
            self._accept(record, record.task)
        else:
            self._note(record)
        return None

    def observe(self, observed: Observe) -> Observe:
        """Bring a change into the ledger; gives back what changed there, which is all that there is to tell of.

        Raises:
            LedgerError: it could not be; the error holds the task.
        """
        if observed.seen is None and observed.result is None:
            return observed
        try:
            return self._kept(observed)
        except LedgerError as error:
            error.hold(observed.task)
            raise

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """An attempt under way: until it has ended, the ledger stays open for what the answer names."""
        with self._lock:
            self._attempts += 1
        try:
            yield
        finally:
            self._leave(1)

    def close(self) -> None:
        """Close a ledger of its own as soon as no attempt is under way."""
        self._closing = True
        self._leave(0)

    def _leave(self, attempts: int) -> None:
        with self._lock:
            self._attempts -= attempts
            last = self._closing and self._own and self._attempts == 0
        if last:
            self.ledger.close()

    def _accept(self, record: Record, task: Task) -> None:
        try:
            self.ledger.accept(record.submission, task, record.events, due_in=record.due_in)
        except LedgerError as error:
            told = LedgerError(
                f"The task {task.ref} was created, but {self.ledger.name} could not take it in: {error.message}",
                hint=f"Keep the reference {task.ref}: it is paid for. {error.hint}",
                task=task,
            )
            # The same call again would be another task.
            told.billed, told.retryable = Billed.YES, False
            raise told from error

    def _note(self, record: Record) -> None:
        submission = record.submission
        expected = BEFORE[submission.state] if record.expected is None else record.expected
        try:
            noted = self.ledger.note(submission, expected)
        except LedgerError as error:
            if submission.state not in UNSENT:
                message = "That submission %s is %s could not be put on record: %s"
                logger.error(message, submission.id, submission.state, error.message)  # noqa: TRY400 - it is raised
            raise
        if not noted and record.expected is None:
            self._require_key(submission, expected)
            _taken_over(submission)

    def _require_key(self, submission: Submission, expected: Collection[SubmissionState]) -> None:
        """Give up an attempt that may not be sent although it stands where it should: its wish has come true.

        Raises:
            LedgerError: another attempt has the key.
        """
        entry = self.ledger.submission(submission.id)
        stands = entry and entry.submission and entry.submission.state
        if submission.state is not SubmissionState.SENDING or stands not in expected:
            return
        detail = "another attempt with its idempotency key has created a task"
        self.ledger.note(replace(submission, state=SubmissionState.ABANDONED, detail=detail), expected)
        message = f"Submission {submission.id} was given up: {detail}."
        raise LedgerError(message, hint="Nothing was sent. Create again with the same key, and you have that task.")

    def _kept(self, observed: Observe) -> Observe:
        for _ in range(ROUNDS):
            entry = self.ledger.find(observed.task.ref)
            if entry is None and observed.seen is not None and observed.seen.observation.not_found:
                # An id that neither side knows may be mistyped, and is no job to be followed.
                return observed
            entry = entry or self.ledger.track(_first_known(observed))
            change = change_of(entry, observed)
            if change is None:
                return replace(observed, task=entry.task or observed.task, events=())
            if all(self.ledger.save([change])):
                return replace(observed, task=change.task, events=change.events)
        raise LedgerError(f"{observed.task.ref} changes in {self.ledger.name} faster than it can be written.")

    def _earlier(self, entry: Entry | None) -> Earlier | None:
        if entry is None or entry.submission is None:
            return None
        ref = entry.submission.ref
        # An adopted task may have been known before, and then has an entry of its own.
        known = self.ledger.find(ref) if entry.task is None and ref is not None else entry
        return Earlier(entry.submission, None if known is None else known.task)


def _taken_over(submission: Submission) -> None:
    message = f"Submission {submission.id} cannot become {submission.state}: another process has settled it."
    if submission.state in UNSENT:
        raise LedgerError(message, hint="Nothing was sent. Look at the submission before creating again.")
    logger.warning("%s", message)


def _first_known(observed: Observe) -> Task:
    """How a task was before it was first met here, so that what was seen of it is a change like any other."""
    task = observed.task
    return task if observed.seen is None else Task.new(task.ref, task.submitted_at)


def change_of(entry: Entry, observed: Observe) -> Change | None:
    """The change that an observation is to the task as the ledger holds it; None if it is none."""
    held = entry.task or _first_known(observed)
    if observed.seen is not None:
        seen = observed.seen
        after, events = advance(held, seen.observation, seen.at, seen.age)
    else:
        after, events = _kept_artifact(entry, held, observed)
    results = () if observed.result is None else (observed.result,)
    if after is held and not events and not results:
        return None
    return Change(number=entry.number, expected=entry.revision, task=after, events=events, results=results)


OURS: Final = frozenset({Artifact.PARTIAL, Artifact.STORED, Artifact.GONE})
"""What only storing tells of a result. What is stored stays so, whatever becomes of the provider's copy."""


def _kept_artifact(entry: Entry, held: Task, observed: Observe) -> tuple[Task, tuple[Event, ...]]:
    artifact = observed.task.artifact
    moved = artifact in OURS and held.artifact not in {artifact, Artifact.STORED}
    # A result is news by itself: another rendition, or another place, changes nothing else.
    news = moved if observed.result is None else not _on_record(entry, observed.result)
    return replace(held, artifact=artifact) if moved else held, observed.events if news else ()


def _on_record(entry: Entry, result: StoredResult) -> bool:
    """Whether this result is known to be stored there, whenever it was looked at."""
    return any(replace(known, stored_at=result.stored_at) == result for known in entry.results)
