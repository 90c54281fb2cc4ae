"""What the answers of the protocol look like: its words, the places of its facts, its error codes.

Two public descriptions of ``/v1/videos`` exist, and gateways follow one, the other or a mixture, so both are read:

- OpenAI's. "Guide" is developers.openai.com/api/docs/guides/video-generation, "SDK" the types of openai-python.
- new-api's, the open gateway that many services run. "Docs" is its manual at docs.newapi.pro, "source" its code.

The two use no word and no place for different things, so nobody has to say which one a gateway follows.
"""

from msgspec.structs import replace

from reelway.errors import ErrorKind
from reelway.model.observation import FailureKind, Status
from reelway.provider.videos_api import Dialect, ErrorTable, Places

WORDS = {
    # SDK, types/video.py; Guide
    "queued": Status.QUEUED,
    "in_progress": Status.RUNNING,
    "completed": Status.SUCCEEDED,
    "failed": Status.FAILED,
    # Guide: the types of the two events.
    "video.completed": Status.SUCCEEDED,
    "video.failed": Status.FAILED,
    # Docs, older: query-video and generate-video.
    "processing": Status.RUNNING,
    "succeeded": Status.SUCCEEDED,
    # Source: the task record, in upper case. The literal "unknown" beside it stays unknown.
    "not_start": Status.QUEUED,
    "submitted": Status.QUEUED,
    "success": Status.SUCCEEDED,
    "failure": Status.FAILED,
    # Source: what the channels for Sora hand through from whoever stands behind them.
    "pending": Status.QUEUED,
    "cancelled": Status.CANCELLED,
}

FAILURE_CODES = {
    # Seen: OpenAI's code for what its moderation refuses.
    "moderation_blocked": FailureKind.MODERATION,
    # Source: the upstream of Seedance, handed through.
    "inputtextsensitivecontentdetected": FailureKind.MODERATION,
}

ANSWER = Places(
    # Where both are there and differ (Docs, older: generate-video), the one called `task_id` is asked for. The `id`
    # of a record is the number of its row, which is no text and so no id.
    ids=("task_id", "id", "data.task_id"),
    words=("status", "data.status"),
    progress=("progress", "data.progress"),
    model=("model", "properties.origin_model_name", "data.properties.origin_model_name"),
    # Source: `submit_time` and `finish_time` of the record, which newer builds also send without its envelope.
    created_at=("created_at", "submit_time", "data.submit_time"),
    completed_at=("completed_at", "finish_time", "data.finish_time"),
    links=(
        # OpenAI has none: the bytes come from the content route. Gateways add one, most often here.
        "video_url",
        # Source: the video object. Docs, older: the same one level up.
        "metadata.url",
        "url",
        # Source: the record, and before February 2026 the column of the reason.
        "result_url",
        "data.result_url",
        "data.url",
        "data.fail_reason",
    ),
    failure_code=("error.code", "data.error.code"),
    # Source: a failed task may keep its reason in the place of the link.
    failure_message=("error.message", "error", "fail_reason", "data.fail_reason", "metadata.url"),
)

CALLBACK = replace(
    ANSWER,
    # Guide: an event has an id, a type and a time of its own, and the task below `data`.
    ids=("data.id", "data.task_id", "task_id", "id"),
    words=("type", "status", "data.status"),
    created_at=("data.created_at", "data.submit_time"),
)

# SDK, resources/videos.py
DIALECT = Dialect(remix="v1/videos/{id}/remix", places=ANSWER)

ERRORS = ErrorTable(
    phrases={
        # The content route answers so with HTTP 404, as it does for an unknown task; seen at the service.
        "video is not ready yet": ErrorKind.NOT_READY,
    },
)
