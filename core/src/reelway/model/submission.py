"""One attempt to create a task: what we managed to send, whatever the provider made of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from reelway.model.task import TaskRef


class SubmissionState(StrEnum):
    """How far an attempt got. It never says anything about the job itself."""

    INTENT = "intent"
    """Nothing was sent yet, or it is proven that nothing arrived."""
    SENDING = "sending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    AMBIGUOUS = "ambiguous"
    """The request left and its outcome is not known; a person has to look."""
    ADOPTED = "adopted"
    ABANDONED = "abandoned"


BEFORE: Final[Mapping[SubmissionState, frozenset[SubmissionState]]] = {
    SubmissionState.INTENT: frozenset({SubmissionState.SENDING}),
    SubmissionState.SENDING: frozenset({SubmissionState.INTENT}),
    # An id proves that there is a task, whatever was thought of the attempt before.
    SubmissionState.ACCEPTED: frozenset(SubmissionState),
    SubmissionState.ADOPTED: frozenset(SubmissionState),
    SubmissionState.REJECTED: frozenset({SubmissionState.INTENT, SubmissionState.SENDING}),
    SubmissionState.AMBIGUOUS: frozenset({SubmissionState.SENDING}),
    SubmissionState.ABANDONED: frozenset(
        {SubmissionState.INTENT, SubmissionState.SENDING, SubmissionState.AMBIGUOUS}
    ),
}
"""From which states an attempt may come to each; on record, a step is made from these or not at all."""

CREATED: Final = frozenset({SubmissionState.ACCEPTED, SubmissionState.ADOPTED})
"""States in which an attempt has its task."""

DOUBTFUL: Final = frozenset({SubmissionState.SENDING, SubmissionState.AMBIGUOUS})
"""States in which an attempt may have made a task that nobody knows of."""

UNSENT: Final = frozenset({SubmissionState.INTENT, SubmissionState.SENDING})
"""Records that are made before the request leaves."""

STALE: Final[Mapping[SubmissionState, float]] = {SubmissionState.INTENT: 90.0, SubmissionState.SENDING: 150.0}
"""Seconds after which nobody can be at work any more on an attempt that stands there: what trying again or an
exchange may take, and a margin."""


class Submission(Struct, frozen=True, kw_only=True):
    """One attempt to create a task.

    Attributes:
        id: Reelway's own id, made before anything is sent.
        provider, account, route: where the task would live.
        state: how far the attempt got.
        at: when it got there.
        ref: the task, once accepted.
        detail: the phase or the reason, for people.
        response: the raw answer, where its meaning is in doubt.
        label, metadata: what the user keeps with the job; no provider sees them.
        idempotency_key: the user's name for the wish; of the attempts that share one, one alone may create.
        request_digest: the SHA-256 of the request, in hexadecimal; says whether two wishes are the same.
        callback_digest: the SHA-256 of the token in the callback address, in hexadecimal.
        replaces: the attempt in doubt, or given up, in whose place this one was made.
    """

    id: str
    provider: str
    account: str
    route: str
    at: datetime
    state: SubmissionState = SubmissionState.INTENT
    ref: TaskRef | None = None
    detail: str | None = None
    response: bytes | None = None
    label: str | None = None
    metadata: Mapping[str, Any] = {}
    idempotency_key: str | None = None
    request_digest: str | None = None
    callback_digest: str | None = None
    replaces: str | None = None

    def stale(self, now: datetime) -> bool:
        """Whether whoever made the attempt must have died over it."""
        age = (now - self.at).total_seconds()
        return self.state in STALE and age >= STALE[self.state]

    def in_doubt(self, now: datetime) -> bool:
        """Whether it may have made a task that nobody knows of, and nobody is left to find out but a person."""
        left_behind = self.state is SubmissionState.SENDING and self.stale(now)
        return self.state is SubmissionState.AMBIGUOUS or left_behind

    def __repr__(self) -> str:
        return f"Submission({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # An answer in doubt may hold a signed link.
        size = None if self.response is None else f"{len(self.response)} bytes"
        return [(name, size if name == "response" else getattr(self, name)) for name in self.__struct_fields__]
