"""A task: the immutable snapshot of one job that every call returns, and the reference that finds it again."""

from __future__ import annotations

import re
from datetime import datetime
from enum import StrEnum
from urllib.parse import quote, unquote

from msgspec import Struct

from reelway.model.observation import Failure, Status, Video

SCHEME = "reelway1"


class Artifact(StrEnum):
    """What we hold of the result."""

    NONE = "none"
    AVAILABLE = "available"
    PARTIAL = "partial"
    STORED = "stored"
    GONE = "gone"


class StoredResult(Struct, frozen=True, kw_only=True):
    """A result that is whole and kept.

    Attributes:
        variant: which rendition it is.
        location: the path or the object's URL, without anything secret.
        size: its length in bytes.
        sha256: its digest, in hexadecimal.
        stored_at: when it was whole.
    """

    variant: str = "video"
    location: str
    size: int
    sha256: str
    stored_at: datetime


class TaskRef(Struct, frozen=True, gc=False):
    """Where a task lives; enough to find it from another process, and no secret.

    As text: ``reelway1:<provider>:<account>:<route>:<id>``, each part percent-encoded. The route is empty but
    where a provider has several read paths.
    """

    provider: str
    account: str
    route: str
    id: str

    def __str__(self) -> str:
        parts = (self.provider, self.account, self.route, self.id)
        return ":".join((SCHEME, *(quote(part, safe="", errors="surrogatepass") for part in parts)))

    @property
    def account_key(self) -> tuple[str, str]:
        """The provider and the name of the account there."""
        return self.provider, self.account

    @classmethod
    def parse(cls, text: str) -> TaskRef:
        """Read a reference from its text.

        Raises:
            ValueError: the text is no task reference; the message says what is wrong.
        """
        scheme, *parts = text.strip().split(":")
        if scheme != SCHEME:
            raise ValueError(f"A task reference starts with '{SCHEME}:', but {text[:60]!r} does not.")
        if len(parts) != 4:
            raise ValueError(f"A task reference has four parts after '{SCHEME}:', but this one has {len(parts)}.")
        provider, account, route, task_id = map(_unquoted, parts)
        if not (provider and account and task_id):
            raise ValueError("A task reference needs a provider, an account and an id; one of them is empty.")
        return cls(provider, account, route, task_id)


_BARE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def _unquoted(part: str) -> str:
    try:
        # unquote() lets a damaged escape stand, and so would name another task.
        if not _BARE_PERCENT.search(part):
            return unquote(part, errors="surrogatepass")
    except UnicodeDecodeError:
        pass
    raise ValueError(f"The parts of a task reference are percent-encoded UTF-8, but {part[:60]!r} is not.")


class Task(Struct, frozen=True, gc=False, kw_only=True):
    """One job as it was known at one moment.

    Attributes:
        ref: where the task lives; keep ``str(task.ref)`` to find it again.
        status: the canonical status.
        confirmed: whether the provider has described this task at least once.
        provider_status: the provider's own word, as it wrote it.
        progress: percent; never goes down.
        provider_progress: the progress exactly as last written.
        model: the model as the provider names it.
        submitted_at: when Reelway first knew of the task.
        changed_at: when it last changed.
        created_at, completed_at, expires_at: the provider's times; ``completed_at`` is set at the end only.
        videos: result links, the main one first; may stay empty where the content route serves the bytes.
        failure: the reason of a bad end, as far as the provider told.
        artifact: what is held of the result.
        not_found_count: answers in a row that did not know the id.
        setbacks: how often the provider put a running job back into its queue.
        unknown_words: status words nobody has seen before, each warned about once.
    """

    ref: TaskRef
    submitted_at: datetime
    changed_at: datetime
    status: Status = Status.QUEUED
    confirmed: bool = False
    provider_status: str | None = None
    progress: int | None = None
    provider_progress: str | None = None
    model: str | None = None
    created_at: datetime | None = None
    completed_at: datetime | None = None
    expires_at: datetime | None = None
    videos: tuple[Video, ...] = ()
    failure: Failure | None = None
    artifact: Artifact = Artifact.NONE
    not_found_count: int = 0
    setbacks: int = 0
    unknown_words: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The provider's id."""
        return self.ref.id

    @property
    def final(self) -> bool:
        """Whether following ends here."""
        return self.status.final

    @classmethod
    def new(cls, ref: TaskRef, now: datetime) -> Task:
        """A task of which nothing but its reference is known yet."""
        return cls(ref=ref, submitted_at=now, changed_at=now)
