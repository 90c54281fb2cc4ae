"""What CometAPI's answers look like: its words, the places of its facts, its error codes.

Pages are paths under apidoc.cometapi.com; "older" names the superseded version of a page that has changed.
"Source" means the gateway software that the service appears to derive from, "clients" public programs that talk
to this host. The host also serves other vendors' own dialects; their words and places leak into answers and
callbacks, so they are read as well.
"""

from msgspec.structs import replace

from reelway.errors import ErrorKind
from reelway.model.observation import FailureKind, Status
from reelway.provider.videos_api import Dialect, ErrorTable, Places

WORDS = {
    # /api/video/seedance/query, /api/video/wan/retrieve, /api/video/vidu/retrieve
    "queued": Status.QUEUED,
    "in_progress": Status.RUNNING,
    "completed": Status.SUCCEEDED,
    "failed": Status.FAILED,
    "error": Status.FAILED,
    # /api/video/seedance/query, older, in upper case
    "submitted": Status.QUEUED,
    "success": Status.SUCCEEDED,
    # The wrapped record of older pages and of the source. The source's literal "unknown" stays unknown.
    "not_start": Status.QUEUED,
    "failure": Status.FAILED,
    # CometAPI's own tutorials
    "succeeded": Status.SUCCEEDED,
    "cancelled": Status.CANCELLED,
    # Clients
    "pending": Status.QUEUED,
    "waiting": Status.QUEUED,
    "done": Status.SUCCEEDED,
    # /api/video/kling, /api/video/xai, /api/video/runway, /api/video/bytedance/bytedance-video-get
    "processing": Status.RUNNING,
    "running": Status.RUNNING,
    "succeed": Status.SUCCEEDED,
    "expired": Status.EXPIRED,
}

FAILURE_KINDS = {
    # /api/video/seedance/query tells two bad ends apart by the word alone.
    "failed": FailureKind.REJECTED,
    "error": FailureKind.INTERNAL,
}

FAILURE_CODES = {
    # Source: the upstream's code, handed through.
    "inputtextsensitivecontentdetected": FailureKind.MODERATION,
}

ANSWER = Places(
    # `id` is to be used verbatim; `request_id` comes last: it is the task for xAI alone, see `provider.observe`.
    ids=("id", "task_id", "data.task_id", "request_id"),
    # The vendor's own word, inside a record, stands in only for a record's word that nobody knows.
    words=("status", "task_status", "data.status", "data.task_status", "data.data.status"),
    progress=("progress", "data.progress"),
    model=("model", "data.properties.origin_model_name", "data.data.model"),
    created_at=("created_at", "createdAt", "data.submit_time", "data.created_at"),
    # An `updated_at` is no time of completion, so it is left alone.
    completed_at=("completed_at", "finished_at", "data.finish_time"),
    links=(
        # /api/video/seedance/query and the other retrieve pages
        "video_url",
        # /guides/webhook-and-polling-for-video-generation
        "result.video_url",
        # Tutorials, /api/video/runway
        "output.0",
        # Source: the record of newer builds, with the upstream's answer inside
        "data.result_url",
        "data.data.content.video_url",
        "data.data.video.url",
        "data.data.output.0",
        # /api/video/bytedance/bytedance-video-get, /api/video/xai, /api/video/kling
        "content.video_url",
        "video.url",
        "data.task_result.videos.0.url",
        "task_result.videos.0.url",
        # Source: the video object, and its older form
        "metadata.url",
        "url",
        # /api/video/xai, older: builds before February 2026 keep the link of a success in the column of the reason.
        "data.fail_reason",
    ),
    failure_code=("error.code", "failureCode", "data.error.code", "data.data.error.code", "data.data.failureCode"),
    failure_message=(
        "error.message",
        "error",
        "failure",
        "task_status_msg",
        "fail_reason",
        "data.task_status_msg",
        "data.error.message",
        "data.fail_reason",
        "data.data.error.message",
        "data.data.failure",
    ),
)

# /guides/webhook-and-polling-for-video-generation: the task is `task_id` or `id`, in this order.
CALLBACK = replace(ANSWER, ids=("task_id", "id", "data.task_id"))

DIALECTS = {
    # /api/video/sora-2/official/remix-video
    "": Dialect(remix="v1/videos/{id}/remix", places=ANSWER),
}

# The family's tokens say the rest, among them what is documented here: `invalid_request` is the caller's fault with
# HTTP 500 as well, `task_not_exist` is an unknown task whatever the code beside it says.
ERRORS = ErrorTable(
    tokens={
        # /api/video/seedance/create, older
        "invalidparameter": ErrorKind.INVALID_REQUEST,
    },
)

NOTHING_CREATED = frozenset(
    {
        # /errors/error-codes-handling: a malformed request, refused while it is read.
        (500, "invalid_request"),
        # "no available channel ... (distributor)": the gateway found nobody to hand the request to. Source: the
        # distributor stands before everything that creates or bills.
        (503, "model_not_found"),
    }
)
