"""A flow on its way: a flow yields an effect, and gets its result back with the next step.

There is one driver for threads and one for tasks of an event loop. Both carry out effects and do nothing else, so
what a flow does cannot differ between them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Final, Generic, TypeVar, cast

from msgspec import Struct
from msgspec.structs import replace

from reelway.errors import ReelwayError
from reelway.flow.effects import Earlier, Effect, Flow, Record, Send, TransportError
from reelway.model.http import HttpRequest
from reelway.model.submission import UNSENT, Submission, SubmissionState
from reelway.transport.witness import Exchange, Witness

R = TypeVar("R")

logger: Final = logging.getLogger("reelway")

WATCHED: Final = frozenset({Send, Record})
"""Effects of which it matters how they end."""


class Job(Struct, Generic[R], frozen=True):
    """A flow and the account whose network it uses."""

    account: str
    flow: Flow[R]


class Outcome(Struct, Generic[R], frozen=True):
    """How one of several flows ended."""

    index: int
    value: R | None = None
    error: Exception | None = None


class Stepper(Generic[R]):
    """A flow on its way: its result, and how far its create got."""

    def __init__(self, job: Job[R], witness: Witness) -> None:
        self._flow = job.flow
        self._account = job.account
        self._trace = witness.trace
        self._exchange = witness.exchange
        self._monotonic = witness.monotonic
        self._asked_at = 0.0
        self._awaited: Send | Record | None = None
        self._submission: Submission | None = None
        self._sent = False
        self.result: R

    def step(self, reply: Any = None, error: Exception | None = None) -> Effect[Any] | None:
        """Send the last effect's result, or throw its error; the next effect, or None at the end."""
        if self._awaited is not None:
            self._ended(self._awaited, reply, error)
        try:
            effect: Effect[Any] = self._flow.throw(error) if error is not None else self._flow.send(reply)
        except StopIteration as stop:
            self.result = stop.value
            return None
        if self._trace is not None:
            self._trace(effect)
        if type(effect) in WATCHED:
            self._begun(cast("Send | Record", effect))
        return effect

    def _begun(self, effect: Send | Record) -> None:
        self._awaited = effect
        if isinstance(effect, Record):
            # What the flow puts on record after a create is what it made of the answer, so nothing is in doubt.
            self._submission, self._sent = effect.submission, False
            return
        if self._exchange is not None:
            self._asked_at = self._monotonic()
        self._sent |= effect.fresh

    def _ended(self, effect: Send | Record, reply: Any, error: Exception | None) -> None:
        self._awaited = None
        if isinstance(effect, Send):
            self._tell(effect.request, reply, error)
        elif effect.new and (reply is not None or error is not None):
            # An attempt that an earlier one stands for, or that could not even be begun, is on no record.
            self._submission = None

    def _tell(self, request: HttpRequest, reply: Any, error: Exception | None) -> None:
        # Any other error is no matter between the two sides.
        if self._exchange is not None and (error is None or isinstance(error, TransportError)):
            seconds = self._monotonic() - self._asked_at
            ended = Exchange(account=self._account, request=request, response=reply, broke=error, seconds=seconds)
            self._exchange(ended)

    def broke_off(self, error: BaseException, now: datetime) -> Record | None:
        """Tell of a create whose outcome the flow can no longer tell; gives back what is still to be recorded."""
        submission = self._submission
        if submission is None:
            return None
        if submission.ref is not None:
            _add(error, f"{submission.ref} goes on at the provider; wait again with this reference.")
            return self._awaited if isinstance(self._awaited, Record) else None
        ended_by = f"interrupted: {type(error).__name__}"
        if self._sent:
            _add(error, _doubt(submission))
            unsure = replace(submission, state=SubmissionState.AMBIGUOUS, at=now, detail=ended_by)
            return Record(submission=unsure)
        if submission.state in UNSENT:
            detail = f"{ended_by}, before it was sent"
            unsent = replace(submission, state=SubmissionState.REJECTED, at=now, detail=detail)
            return Record(submission=unsent, expected=UNSENT, quiet=True)
        return None

    def close(self) -> None:
        self._flow.close()


def _doubt(submission: Submission) -> str:
    return (
        f"A create at {submission.provider} (account {submission.account}, submission {submission.id}) broke off: "
        "a task may exist and be billed. Look at the provider's own list of tasks before creating again."
    )


def _add(error: BaseException, text: str) -> None:
    error.add_note(text)
    logger.warning("%s", text)


def recorded(witness: Witness, record: Record) -> Earlier | None:
    """Put a step of a submission on record, and tell whoever listens."""
    with witness.telling(record):
        return witness.keeping.record(record)


@contextmanager
def beside(error: BaseException) -> Iterator[None]:
    """Let nothing that goes wrong while an error is on its way take its place."""
    try:
        yield
    except ReelwayError as trouble:
        error.add_note(trouble.message)
