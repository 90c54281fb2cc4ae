"""What the answers of the reference service look like."""

from __future__ import annotations

from reelway.errors import ErrorKind
from reelway.model.observation import FailureKind, Status
from reelway.provider.videos_api import Dialect, ErrorTable, Places

BATCH = "batch"

WORDS = {
    "queued": Status.QUEUED,
    "in_progress": Status.RUNNING,
    "completed": Status.SUCCEEDED,
    "failed": Status.FAILED,
    "cancelled": Status.CANCELLED,
    "expired": Status.EXPIRED,
}

FAILURE_KINDS = {"expired": FailureKind.TIMEOUT}

ANSWER = Places(links=("output.0", "video_url"))

WRAPPED = Places(
    ids=("data.id",),
    words=("data.status",),
    progress=("data.progress",),
    model=("data.model",),
    created_at=("data.created_at",),
    completed_at=("data.completed_at",),
    expires_at=("data.expires_at",),
    links=("data.output.0",),
    failure_code=("data.error.code",),
    failure_message=("data.error.message",),
)

DIALECTS = {
    "": Dialect(remix="v1/videos/{id}/remix", places=ANSWER),
    BATCH: Dialect(create="v1/batch", read="v1/batch?id={id}", content=None, places=WRAPPED),
}

ERRORS = ErrorTable(tokens={"out_of_credits": ErrorKind.QUOTA})

NOTHING_CREATED = frozenset({(503, "no_capacity")})
