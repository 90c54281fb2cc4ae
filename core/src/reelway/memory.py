"""What the user of a client asks of its ledger, and settles there: jobs, and attempts in doubt."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from enum import StrEnum
from typing import Final, TypedDict, TypeVar, Unpack

from msgspec.structs import replace

from reelway.errors import InvalidRequest, Problem
from reelway.ledger.interface import Ledger
from reelway.ledger.records import Entry, Query
from reelway.model.http import is_safe_id
from reelway.model.observation import Status
from reelway.model.submission import BEFORE, CREATED, DOUBTFUL, UNSENT, Submission, SubmissionState
from reelway.model.task import SCHEME, Artifact, Task, TaskRef

W = TypeVar("W", bound=StrEnum)

PAGE: Final = 100
"""Entries that are given where nobody says how many."""

EVERYTHING: Final = 1_000_000


class Sought(TypedDict, total=False):
    """Which entries are asked for, as keyword arguments. Whatever is left out does not matter.

    ``status``, ``artifact``, ``provider`` and ``label`` are as in a task and its submission; ``unfinished`` asks
    for those with something left to do or to find out; ``limit`` is how many are given at most, otherwise 100.
    """

    status: Status | str | None
    label: str | None
    provider: str | None
    artifact: Artifact | str | None
    unfinished: bool
    limit: int


class Memory:
    """A ledger, as the user of a client sees it. Every method may block, and raise a ``LedgerError``."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._now = now

    def tasks(self, **sought: Unpack[Sought]) -> list[Entry]:
        """The entries that are asked for, newest first.

        Raises:
            InvalidRequest: there is no such status or artifact.
        """
        query = Query(
            statuses=_words("status", sought.get("status"), Status),
            artifacts=_words("artifact", sought.get("artifact"), Artifact),
            label=sought.get("label"),
            provider=sought.get("provider"),
            unfinished=sought.get("unfinished", False),
            newest_first=True,
            limit=sought.get("limit", PAGE),
        )
        return self._ledger.entries(query)

    def in_doubt(self) -> list[Entry]:
        """The attempts that may have made a task that nobody knows of, oldest first."""
        now = self._now()
        entries = self._ledger.entries(Query(states=DOUBTFUL, limit=EVERYTHING))
        return [entry for entry in entries if entry.submission is not None and entry.submission.in_doubt(now)]

    def adopt(self, submission_id: str, task: str) -> Task:
        """Say which task an attempt in doubt has made, by the provider's id or a whole reference.

        Raises:
            InvalidRequest: there is no such attempt, it is still under way, it has another task, or this can be no
                task of its account.
        """
        entry, submission = self._submission(submission_id)
        ref = _task_of(submission, task)
        if submission.state in CREATED and submission.ref != ref:
            raise _refused(f"{submission_id} has made {submission.ref}, and no attempt makes two")
        if submission.state not in CREATED:
            self._require_settleable(submission)
            adopted = replace(submission, state=SubmissionState.ADOPTED, at=self._now(), ref=ref)
            entry = self._ledger.accept(adopted, Task.new(ref, submission.at), due_in=0.0)
        return entry.task or Task.new(ref, submission.at)

    def abandon(self, submission_id: str, *, detail: str | None = None) -> None:
        """Say that an attempt in doubt has made no task, or none that matters. Its idempotency key is free again.

        Raises:
            InvalidRequest: there is no such attempt, it is still under way, or it has a task.
        """
        submission = self._submission(submission_id)[1]
        if submission.state is SubmissionState.ABANDONED:
            return
        self._require_settleable(submission)
        abandoned = replace(
            submission, state=SubmissionState.ABANDONED, at=self._now(), detail=detail or submission.detail
        )
        if submission.state not in BEFORE[abandoned.state]:
            raise _refused(f"{submission_id} is {submission.state}; there is nothing to give up")
        if not self._ledger.note(abandoned, {submission.state}):
            raise _refused(f"{submission_id} has just been settled by somebody else; look at it again")

    def _submission(self, submission_id: str) -> tuple[Entry, Submission]:
        entry = self._ledger.submission(submission_id)
        if entry is None or entry.submission is None:
            raise _refused(f"there is no {submission_id!r} in {self._ledger.name}")
        return entry, entry.submission

    def _require_settleable(self, submission: Submission) -> None:
        if submission.state in UNSENT and not submission.stale(self._now()):
            raise _refused(f"{submission.id} is still under way; wait until it has ended")


def bring_forward(ledger: Ledger, refs: Iterable[TaskRef]) -> None:
    """Have tasks polled by whoever follows the ledger: at once, or where the rest after their last polls ends.

    Raises:
        InvalidRequest: the ledger does not know one of them; then none is brought forward.
    """
    found = {ref: ledger.find(ref) for ref in refs}
    unknown = [ref for ref, entry in found.items() if entry is None]
    if unknown:
        problems = [Problem(field="task", message=f"{ref} is not in {ledger.name}") for ref in unknown]
        raise InvalidRequest(problems, summary="What no ledger holds is polled by nobody; retrieve asks at once.")
    ledger.wake([entry.number for entry in found.values() if entry is not None])


def _task_of(submission: Submission, task: str) -> TaskRef:
    try:
        ref = TaskRef.parse(task) if task.startswith(f"{SCHEME}:") else None
    except ValueError as error:
        raise InvalidRequest([Problem(field="task", message=str(error))]) from error
    home = (submission.provider, submission.account)
    if ref is not None and (ref.provider, ref.account) != home:
        message = f"{ref} is no task of the account {submission.account!r} of {submission.provider}"
        raise InvalidRequest([Problem(field="task", message=message)])
    ref = ref or TaskRef(*home, submission.route, task)
    if not is_safe_id(ref.id):
        raise InvalidRequest([Problem(field="task", message="the id is one that no provider gives")])
    return ref


def _words(field: str, word: str | None, words: type[W]) -> frozenset[W]:
    """The word that is looked for; none, where it does not matter."""
    if word is None:
        return frozenset()
    if word not in set(words):
        problem = Problem(field=field, message=f"there is no {word!r}", allowed=tuple(words))
        raise InvalidRequest([problem], summary="Nothing can be looked for like that.")
    return frozenset({words(word)})


def _refused(message: str) -> InvalidRequest:
    problem = Problem(field="submission", message=message)
    return InvalidRequest([problem], summary="The submission cannot be settled like that.")
