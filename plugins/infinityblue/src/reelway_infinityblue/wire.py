"""What InfinityBlue's answers look like: its words, the places of its facts, its error codes.

Pages are paths under newdocs.getinfinityblue.com. "Source" means the gateway software that the service derives
from, "draft" an unpublished page of the provider's documentation repository.
"""

from reelway.errors import ErrorKind
from reelway.model.observation import FailureKind, Status
from reelway.provider.videos_api import Dialect, ErrorTable, Places

WORDS = {
    # /en-videos/seedance-20/get-seedance-video-task-status
    "queued": Status.QUEUED,
    "in_progress": Status.RUNNING,
    "completed": Status.SUCCEEDED,
    "failed": Status.FAILED,
    # Draft of the same page.
    "cancelled": Status.CANCELLED,
    # Source: the wrapped record and its short form on /v1/video/generations. Its literal "unknown" stays unknown.
    "not_start": Status.QUEUED,
    "submitted": Status.QUEUED,
    "processing": Status.RUNNING,
    "succeeded": Status.SUCCEEDED,
    "success": Status.SUCCEEDED,
    "failure": Status.FAILED,
    # Source: channels that hand the upstream's object through unchanged.
    "pending": Status.QUEUED,
    "running": Status.RUNNING,
    "expired": Status.EXPIRED,
}

FAILURE_CODES = {
    # Draft, guides/error-codes.
    "content_policy_violation": FailureKind.MODERATION,
    "upstream_timeout": FailureKind.TIMEOUT,
    "upstream_error": FailureKind.INTERNAL,
    # /en-videos/seedance-20/get-seedance-video-task-status
    "generation_failed": FailureKind.INTERNAL,
    # Source: the upstream of Seedance, handed through.
    "inputtextsensitivecontentdetected": FailureKind.MODERATION,
}

VIDEO_OBJECT = Places(
    # The documentation prints milliseconds and the source writes seconds; readers decide by magnitude. Newer builds
    # of the gateway software answer with a bare or wrapped record on this path as well.
    ids=("id", "task_id", "data.task_id"),
    words=("status", "data.status"),
    progress=("progress", "data.progress"),
    created_at=("created_at", "data.submit_time"),
    completed_at=("completed_at", "finished_at", "data.finish_time"),
    # A top-level url is the draft's place.
    links=("metadata.url", "url", "data.result_url", "data.data.content.video_url", "data.fail_reason"),
    # Source: some channels write the reason of a failed task where the link of a finished one stands.
    failure_message=("error.message", "error", "fail_reason", "data.fail_reason", "metadata.url"),
)

GENERATION = Places(
    # Documented flat; the source wraps the same facts in {"code": "success", "data": {…}}.
    ids=("task_id", "data.task_id", "id"),
    words=("status", "data.status", "data.data.status"),
    progress=("progress", "data.progress"),
    model=("model", "data.properties.origin_model_name"),
    created_at=("created_at", "data.submit_time"),
    completed_at=("completed_at", "data.finish_time"),
    links=(
        "url",
        "metadata.url",
        "data.url",
        "data.result_url",
        "data.data.content.video_url",
        # Source: builds before February 2026 kept the link of a success in the column of the reason.
        "data.fail_reason",
    ),
    failure_code=("error.code", "data.error.code", "data.data.error.code"),
    failure_message=("error.message", "error", "data.error.message", "data.fail_reason"),
)

GENERATIONS_ROUTE = "generations"

DIALECTS = {
    "": Dialect(places=VIDEO_OBJECT),
    # /en-videos/videos/create-video-generation-task; no content route is documented for these.
    GENERATIONS_ROUTE: Dialect(
        create="v1/video/generations", read="v1/video/generations/{id}", content=None, places=GENERATION
    ),
}

# The family's tokens say the rest, among them the `invalid_api_key` of the same pages.
ERRORS = ErrorTable(
    tokens={
        # /quickstart/errors
        "invalid_duration": ErrorKind.INVALID_REQUEST,
        # Draft, guides/error-codes.
        "expired_api_key": ErrorKind.AUTH,
        "api_key_disabled": ErrorKind.AUTH,
        "content_policy_violation": ErrorKind.INVALID_REQUEST,
        "missing_required_parameter": ErrorKind.INVALID_REQUEST,
        "invalid_parameter": ErrorKind.INVALID_REQUEST,
        "model_not_accessible": ErrorKind.AUTH,
        "region_not_available": ErrorKind.AUTH,
        "resource_not_found": ErrorKind.NOT_FOUND,
        "concurrent_requests_exceeded": ErrorKind.RATE_LIMITED,
        "upstream_timeout": ErrorKind.UPSTREAM,
        "upstream_error": ErrorKind.UPSTREAM,
        "service_unavailable": ErrorKind.UNAVAILABLE,
    },
)
