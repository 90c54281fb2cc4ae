"""A wish that was made before: its idempotency key leads to the first attempt's task, and never to a second job."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from reelway.errors import InvalidRequest, Problem, SubmissionUnknown
from reelway.flow.effects import Earlier, Flow, Instant, Now, Record, Sleep, perform
from reelway.model.submission import Submission, SubmissionState
from reelway.model.task import Task

GLANCE: Final = 0.2
"""Seconds between two looks at an attempt that somebody else is making."""


def begin(submission: Submission, patience: float) -> Flow[Task | None]:
    """Put an attempt on record, or find the task of the one that has its idempotency key.

    One that is being made just now is waited for; one that was left behind before anything was sent is given up.

    Args:
        submission: the attempt that begins.
        patience: seconds to wait for another attempt.

    Raises:
        InvalidRequest: the key stands for another wish.
        SubmissionUnknown: the earlier attempt is in doubt, or still under way when patience is at its end.
    """
    start = yield from perform(Now())
    record = Record(submission=submission, new=True)
    while (earlier := (yield from perform(record))) is not None:
        _require_same_wish(earlier.submission, submission)
        task = earlier.made
        if task is not None:
            return task
        now = yield from perform(Now())
        yield from _make_room(earlier, now, tired=now.monotonic - start.monotonic >= patience)
        record = replace(record, submission=replace(submission, at=now.wall), quiet=True)
    return None


def _make_room(earlier: Earlier, now: Instant, *, tired: bool) -> Flow[None]:
    """Wait a little for an attempt, or give up one that is proven unsent; whoever is quicker decides."""
    first = earlier.submission
    unsent = first.state is SubmissionState.INTENT
    if unsent and (tired or first.stale(now.wall)):
        given_up = replace(
            first, state=SubmissionState.ABANDONED, at=now.wall, detail="left behind before it was sent"
        )
        yield from perform(Record(submission=given_up, expected=frozenset({SubmissionState.INTENT}), quiet=True))
    elif tired or first.in_doubt(now.wall):
        raise _unknown(first)
    else:
        yield from perform(Sleep(GLANCE))


def _require_same_wish(first: Submission, second: Submission) -> None:
    wishes = {(one.provider, one.account, one.request_digest) for one in (first, second)}
    if len(wishes) > 1:
        message = f"it stands for another request, which submission {first.id} made at {first.provider}"
        raise InvalidRequest([Problem(field="idempotency_key", message=message)])


def _unknown(first: Submission) -> SubmissionUnknown:
    why = f" ({first.detail})" if first.detail else ""
    return SubmissionUnknown(
        f"Submission {first.id} to {first.provider} has this idempotency key, and may or may not have created a "
        f"task: it is {first.state}{why}.",
        submission_id=first.id,
        sent_at=first.at,
        phase="SENDING" if first.response is None else "RECEIVING",
        response=first.response,
        recorded=True,
    )
