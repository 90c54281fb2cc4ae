"""What a provider said about a task at one moment."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, TypeAlias

from msgspec import Meta, Struct

from reelway.model.secret import Secret

Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""A point in time that knows its zone."""


class Status(StrEnum):
    """Where a job stands, in one vocabulary for all providers."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    LOST = "lost"
    """Our own conclusion: the provider no longer knows the id. A later sighting takes it back."""

    @property
    def final(self) -> bool:
        """Whether following ends here."""
        return self not in _UNFINISHED


_UNFINISHED = frozenset({Status.QUEUED, Status.RUNNING})


class Source(StrEnum):
    """Which answer an observation was read from."""

    CREATE = "create"
    POLL = "poll"
    CALLBACK = "callback"


class FailureKind(StrEnum):
    """Why a job ended badly, as far as the provider told."""

    REJECTED = "rejected"
    MODERATION = "moderation"
    INTERNAL = "internal"
    TIMEOUT = "timeout"
    UNKNOWN = "unknown"


class Failure(Struct, frozen=True, gc=False, kw_only=True):
    """The provider's reason for a bad end; each part only where the provider gave it."""

    kind: FailureKind = FailureKind.UNKNOWN
    code: str | None = None
    message: str | None = None


class Video(Struct, frozen=True, gc=False, kw_only=True):
    """A link to a result. The URL is a secret, because it is usually signed."""

    url: Secret
    expires_at: Moment | None = None
    variant: str = "video"


# It is never written as JSON, and as a row its types are checked in half the time.
class Observation(Struct, frozen=True, gc=False, kw_only=True, array_like=True):
    """One reading of one answer.

    Attributes:
        source: which answer it was read from.
        task_id: the id the answer speaks of.
        provider_status: the status word exactly as the provider wrote it; None where it wrote none.
        status: the meaning of that word. Filled in from the provider's word table, never by a plugin.
        not_found: the provider says it does not know the id.
        verified: for callbacks, whether a signature proved the sender.
        progress: percent, 0 to 100.
        provider_progress: the progress exactly as written.
        model: the model the provider names, which may differ from the one asked for.
        created_at, completed_at, expires_at: times as the provider gave them.
        videos: result links, the main one first.
        failure: the reason of a bad end.
    """

    source: Source = Source.POLL
    task_id: str | None = None
    provider_status: str | None = None
    status: Status | None = None
    not_found: bool = False
    verified: bool = False
    progress: int | None = None
    provider_progress: str | None = None
    model: str | None = None
    created_at: Moment | None = None
    completed_at: Moment | None = None
    expires_at: Moment | None = None
    videos: tuple[Video, ...] = ()
    failure: Failure | None = None
