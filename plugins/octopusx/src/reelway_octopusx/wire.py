"""What OctopusX's answers look like: its words, the places of its facts, its error codes.

Pages are paths under docs.octopusx.ai; "second host" means doc.octopusx.ai. "Source" means the gateway software
whose files the provider's pages name, "report" a public one about its newest build, "upstream" ByteDance Ark.
"""

import re

from reelway.errors import ErrorKind
from reelway.model.observation import FailureKind, Status
from reelway.provider.videos_api import Dialect, ErrorTable, Places

WORDS = {
    # /en/videos/sora, /en/videos/veo, /en/videos/kling (query pages)
    "queued": Status.QUEUED,
    "processing": Status.RUNNING,
    "completed": Status.SUCCEEDED,
    "failed": Status.FAILED,
    "cancelled": Status.CANCELLED,
    # Second host, /en/videos/openai-videos
    "in_progress": Status.RUNNING,
    # Second host, /en/tasks/task-status
    "succeeded": Status.SUCCEEDED,
    # /en/videos/seedance-2/query, in upper case
    "submitted": Status.QUEUED,
    "success": Status.SUCCEEDED,
    "failure": Status.FAILED,
    # The upstream's words on the same page, and the unified pages of Sora and Veo
    "pending": Status.QUEUED,
    # Source: a task that was never asked about. Its literal "unknown", which Grok's page lists too, stays unknown.
    "not_start": Status.QUEUED,
    # Upstream
    "running": Status.RUNNING,
    "expired": Status.EXPIRED,
}

FAILURE_KINDS = {
    # Upstream: the job did not finish within `execution_expires_after`.
    "expired": FailureKind.TIMEOUT,
}

FAILURE_CODES = {
    # Source: the upstream's code, handed through.
    "inputtextsensitivecontentdetected": FailureKind.MODERATION,
}

# One table for all paths: one path answers in several shapes, and no shape keeps to one path. For each fact the
# flat forms come first, then the record {"code": "success", "data": {...}}, then the upstream's own answer in it.
ANSWER = Places(
    # /en/videos/grok/unified-generation prints both: `id` is the task, a `task_id` beside it the upstream's.
    # `data.id` is a row number and no id.
    ids=("id", "task_id", "data.task_id"),
    # The upstream's word stands in only for a record's word that nobody knows.
    words=("status", "data.status", "data.data.status"),
    progress=("progress", "data.progress"),
    model=("model", "data.properties.origin_model_name", "data.data.model"),
    # `status_update_time` is no time of creation, whatever its unit.
    created_at=("created_at", "data.submit_time"),
    # `finished_at`: report.
    completed_at=("completed_at", "finished_at", "data.finish_time"),
    links=(
        "video_url",
        # /en/videos/kling/query
        "metadata.url",
        # Source, older builds
        "url",
        # /en/videos/seedance-2/query, living about 12 hours
        "data.data.content.video_url",
        # Source: the gateway's column, which may name the gateway itself
        "data.result_url",
        # Second host, /en/tasks/task-status
        "data.url",
        # Second host, /en/videos/omni/overview
        "data.0.url",
        # Upstream, in callbacks
        "content.video_url",
        # Source: builds before February 2026 kept the link of a success in the column of the reason.
        "data.fail_reason",
    ),
    failure_code=("error.code", "data.error.code", "data.data.error.code"),
    failure_message=(
        "error.message",
        "error",
        # Report
        "fail_reason",
        "data.error.message",
        "data.error",
        "data.fail_reason",
        "data.data.error.message",
        # Source: some channels write the reason of a failed task where the link of a finished one stands.
        "data.result_url",
        "metadata.url",
    ),
)

GENERATIONS_ROUTE = "generations"
UNIFIED_ROUTE = "unified"

DIALECTS = {
    # /en/videos/sora, /en/videos/veo/remix
    "": Dialect(remix="v1/videos/{id}/remix", places=ANSWER),
    # /en/videos/seedance-2; the content route is documented for every task, on the second host's pages.
    GENERATIONS_ROUTE: Dialect(create="v1/video/generations", read="v1/video/generations/{id}", places=ANSWER),
    # /en/videos/grok/unified-generation, /en/videos/veo/unified-query. /en/videos/grok/unified-remix names the
    # task in the body and requires `size` and `aspect_ratio` as well, which a remix does not carry: none here.
    UNIFIED_ROUTE: Dialect(create="v1/video/create", read="v1/video/query?id={id}", places=ANSWER),
}

# Source: the gateway builds links to its own content route from this address until its operator sets another.
UNSET_CONTENT = re.compile(r"(?i:http)://localhost:3000/([^?#]*/)?content([?#].*)?")

ERRORS = ErrorTable(
    pairs={
        # Source: `fail_to_fetch_task` comes with the upstream's own status. Where that says what is wrong with the
        # request it counts; 401, 403 and 404 there are about the gateway's account and not about the user's.
        (400, "fail_to_fetch_task"): ErrorKind.INVALID_REQUEST,
        (413, "fail_to_fetch_task"): ErrorKind.INVALID_REQUEST,
        (422, "fail_to_fetch_task"): ErrorKind.INVALID_REQUEST,
        (429, "fail_to_fetch_task"): ErrorKind.RATE_LIMITED,
    },
    tokens={
        "fail_to_fetch_task": ErrorKind.UPSTREAM,
        # /en/account/billing
        "no authorization header": ErrorKind.AUTH,
        "invalid bearer token": ErrorKind.AUTH,
        "query quota failed": ErrorKind.UPSTREAM,
    },
)

NOTHING_CREATED = frozenset(
    {
        # Source: no channel serves the model; the distributor stands before everything that creates or bills.
        (503, "model_not_found"),
    }
)
