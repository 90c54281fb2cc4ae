"""Carrying what flows tell into a ledger: attempts before they leave, tasks when they change."""

from __future__ import annotations

import logging
from typing import Final

from msgspec.structs import replace

from reelway.errors import Billed, LedgerError
from reelway.flow.effects import Earlier, Observe, Record
from reelway.ledger.interface import Ledger
from reelway.ledger.records import Change, Entry
from reelway.model.lifecycle import advance
from reelway.model.submission import BEFORE, UNSENT, Submission
from reelway.model.task import Artifact, Task

logger: Final = logging.getLogger("reelway")

ROUNDS: Final = 20
"""How often a change is made anew because somebody else was quicker; nobody is that unlucky."""


class Keeper:
    """Keeps a ledger for the flows of one client."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def record(self, record: Record) -> Earlier | None:
        """Put a step of an attempt on record.

        Raises:
            LedgerError: it could not be; where a task was made, the error holds it.
        """
        submission = record.submission
        if record.new:
            return _earlier(self._ledger.begin(submission))
        if record.task is not None:
            self._accept(record, record.task)
        elif not self._ledger.note(submission, BEFORE[submission.state]):
            self._not_ours(submission)
        return None

    def observe(self, observed: Observe) -> Observe:
        """Bring a change into the ledger; gives back what changed there, which is all that there is to tell of.

        Raises:
            LedgerError: it could not be; the error holds the task.
        """
        try:
            return self._kept(observed)
        except LedgerError as error:
            error.hold(observed.task)
            raise

    def _accept(self, record: Record, task: Task) -> None:
        try:
            self._ledger.accept(record.submission, task, record.events, due_in=record.due_in)
        except LedgerError as error:
            told = LedgerError(
                f"The task {task.ref} was created, but {self._ledger.name} could not take it in: {error.message}",
                hint=f"Keep the reference {task.ref}: it is paid for. {error.hint}",
                task=task,
            )
            told.billed = Billed.YES
            raise told from error

    def _not_ours(self, submission: Submission) -> None:
        message = f"Submission {submission.id} cannot become {submission.state}: another process has settled it."
        if submission.state in UNSENT:
            raise LedgerError(message, hint="Nothing was sent. Look at the submission before creating again.")
        logger.warning("%s", message)

    def _kept(self, observed: Observe) -> Observe:
        for _ in range(ROUNDS):
            entry = self._ledger.find(observed.task.ref) or self._ledger.track(observed.task)
            change = change_of(entry, observed)
            if change is None:
                return replace(observed, task=entry.task, events=())
            if all(self._ledger.save([change])):
                return replace(observed, task=change.task, events=change.events)
        raise LedgerError(f"{observed.task.ref} changes in {self._ledger.name} faster than it can be written.")


def change_of(entry: Entry, observed: Observe) -> Change | None:
    """The change that an observation is to the task as the ledger holds it; None if it is none."""
    held = entry.task or observed.task
    if observed.seen is not None:
        seen = observed.seen
        after, events = advance(held, seen.observation, seen.at, seen.age)
    else:
        after, events = _stored(held, observed), ()
    results = () if observed.result is None else (observed.result,)
    if after is held and not events and not results:
        return None
    return Change(number=entry.number, expected=entry.revision, task=after, events=events, results=results)


def _stored(held: Task, observed: Observe) -> Task:
    return replace(held, artifact=Artifact.STORED) if observed.task.artifact is Artifact.STORED else held


def _earlier(entry: Entry | None) -> Earlier | None:
    return None if entry is None or entry.submission is None else Earlier(entry.submission, entry.task)
