"""One attempt to create a task: what we managed to send, whatever the provider made of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

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

    def __repr__(self) -> str:
        return f"Submission({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # An answer in doubt may hold a signed link.
        size = None if self.response is None else f"{len(self.response)} bytes"
        return [(name, size if name == "response" else getattr(self, name)) for name in self.__struct_fields__]
