"""Every sample means exactly what its row says. The rows are written by hand, from OpenAI's and new-api's pages."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from reelway.errors import ErrorKind, ProviderError
from reelway.model.http import HttpResponse
from reelway.model.observation import Failure, FailureKind, Observation, Source, Status, Video
from reelway.model.secret import Secret
from reelway.provider.reading import read_callback, read_create, read_error, read_retrieve
from reelway_videos_api import OpenAIVideos

SAMPLES = Path(__file__).parent / "samples"
PROVIDER = OpenAIVideos()

NEW_API_ID = "task_0123456789abcdefghijklmnopqrstuv"
SEEDANCE = "doubao-seedance-2-0-260128"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def video(expires_at: datetime | None = None) -> tuple[Video, ...]:
    return (Video(url=Secret("https://example.com/video.mp4"), expires_at=expires_at),)


# 1758941485 seconds.
OPENAI_CREATED = utc("2025-09-27T02:51:25")

# 1776681149, 1776681180 and 1776681300 seconds.
CREATED = utc("2026-04-20T10:32:29")
UPDATED = utc("2026-04-20T10:33:00")
COMPLETED = utc("2026-04-20T10:35:00")

# 1640995200 and 1641081600 seconds.
OLD_CREATED = utc("2022-01-01T00:00:00")
OLD_EXPIRES = utc("2022-01-02T00:00:00")

CREATES = {
    "new-api-create-queued": Observation(
        source=Source.CREATE,
        task_id=NEW_API_ID,
        provider_status="queued",
        status=Status.QUEUED,
        progress=0,
        provider_progress="0",
        model=SEEDANCE,
        created_at=CREATED,
    ),
    # It names two ids; the one to ask for is the one that the path of the poll is spelt with.
    "new-api-docs-generations-create-old": Observation(
        source=Source.CREATE,
        task_id="abcd1234efgh",
        provider_status="processing",
        status=Status.RUNNING,
        model="kling-v1",
        created_at=OLD_CREATED,
    ),
}

RETRIEVES = {
    "openai-get-queued": Observation(
        task_id="video_abc123",
        provider_status="queued",
        status=Status.QUEUED,
        progress=0,
        provider_progress="0",
        model="sora-2",
        created_at=OPENAI_CREATED,
    ),
    "openai-get-failed": Observation(
        task_id="video_abc123",
        provider_status="failed",
        status=Status.FAILED,
        progress=0,
        provider_progress="0",
        model="sora-2",
        created_at=OPENAI_CREATED,
        failure=Failure(
            kind=FailureKind.MODERATION,
            code="moderation_blocked",
            message="Your request was blocked by our moderation system.",
        ),
    ),
    # What is no answer to a poll says nothing of how a task stands.
    "openai-delete": Observation(task_id="video_abc123"),
    "openai-list": Observation(),
    # Milliseconds, although new-api's source writes seconds into this field.
    "new-api-docs-get-queued-ms-sample": Observation(
        task_id="sora-2-123456",
        provider_status="queued",
        status=Status.QUEUED,
        progress=0,
        provider_progress="0",
        model="sora-2",
        created_at=utc("2025-11-28T16:24:50.922"),
    ),
    # completed_at is the time of the last update, and the empty url is no link.
    "new-api-get-in-progress-doubao": Observation(
        task_id=NEW_API_ID,
        provider_status="in_progress",
        status=Status.RUNNING,
        progress=50,
        provider_progress="50",
        model=SEEDANCE,
        created_at=CREATED,
        completed_at=UPDATED,
    ),
    "new-api-get-completed-doubao": Observation(
        task_id=NEW_API_ID,
        provider_status="completed",
        status=Status.SUCCEEDED,
        progress=100,
        provider_progress="100",
        model=SEEDANCE,
        created_at=CREATED,
        completed_at=COMPLETED,
        videos=video(),
    ),
    "new-api-get-failed-doubao": Observation(
        task_id=NEW_API_ID,
        provider_status="failed",
        status=Status.FAILED,
        progress=100,
        provider_progress="100",
        model=SEEDANCE,
        created_at=CREATED,
        completed_at=COMPLETED,
        failure=Failure(
            kind=FailureKind.MODERATION,
            code="InputTextSensitiveContentDetected",
            message="The request failed because the input text may contain sensitive information.",
        ),
    ),
    "new-api-docs-get-succeeded-old": Observation(
        task_id="video_123",
        provider_status="succeeded",
        status=Status.SUCCEEDED,
        progress=100,
        provider_progress="100",
        model="sora-2",
        created_at=OLD_CREATED,
        expires_at=OLD_EXPIRES,
        videos=video(OLD_EXPIRES),
    ),
    "new-api-docs-generations-get-succeeded-old": Observation(
        task_id="abcd1234efgh", provider_status="succeeded", status=Status.SUCCEEDED, videos=video()
    ),
    # The wrapped record; its "id" is a row number and its inner id belongs to the upstream.
    "new-api-generations-get-in-progress-taskdto": Observation(
        task_id=NEW_API_ID,
        provider_status="IN_PROGRESS",
        status=Status.RUNNING,
        progress=50,
        provider_progress="50%",
        model=SEEDANCE,
        created_at=CREATED,
    ),
}

CALLBACKS = {
    # The event has an id and a time of its own, which are not the task's.
    "openai-webhook-video-completed": Observation(
        source=Source.CALLBACK,
        task_id="video_abc123",
        provider_status="video.completed",
        status=Status.SUCCEEDED,
    ),
}

ERRORS = {
    "new-api-error-400-invalid-request": (400, ErrorKind.INVALID_REQUEST, "invalid_request", False),
    "new-api-error-400-task-not-exist": (400, ErrorKind.NOT_FOUND, "task_not_exist", False),
    "new-api-error-401-invalid-token": (401, ErrorKind.AUTH, None, False),
    "new-api-error-403-insufficient-quota": (403, ErrorKind.QUOTA, "insufficient_user_quota", False),
    "new-api-error-404-invalid-url": (404, ErrorKind.UNSUPPORTED, None, False),
    "new-api-content-error-400-not-completed": (400, ErrorKind.NOT_READY, None, True),
    "new-api-content-error-404-not-found": (404, ErrorKind.NOT_FOUND, None, False),
}
"""File: HTTP status, kind, code, whether the same call may succeed later."""


def answer(name: str, status: int = 200) -> HttpResponse:
    headers = (("Content-Type", "application/json"),)
    return HttpResponse(status=status, headers=headers, body=(SAMPLES / f"{name}.json").read_bytes())


def test_every_sample_has_its_row() -> None:
    rows = [*CREATES, *RETRIEVES, *CALLBACKS, *ERRORS]
    assert sorted(rows) == sorted(file.stem for file in SAMPLES.glob("*.json"))


@pytest.mark.parametrize("name", CREATES)
def test_an_answer_to_a_create_means_what_its_row_says(name: str) -> None:
    assert read_create(PROVIDER, answer(name), "") == CREATES[name]


@pytest.mark.parametrize("name", RETRIEVES)
def test_an_answer_to_a_poll_means_what_its_row_says(name: str) -> None:
    expected = RETRIEVES[name]
    assert read_retrieve(PROVIDER, answer(name), "", expected.task_id or "video_abc123") == expected


@pytest.mark.parametrize("name", CALLBACKS)
def test_a_callback_means_what_its_row_says(name: str) -> None:
    assert read_callback(PROVIDER, (), answer(name).body, verified=False) == [CALLBACKS[name]]


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_means_what_its_row_says(name: str) -> None:
    status, kind, code, retryable = ERRORS[name]
    error = read_error(PROVIDER, answer(name, status))
    assert (error.status, error.kind, error.code, error.retryable) == (status, kind, code, retryable)


def test_an_unknown_task_of_new_api_is_an_observation() -> None:
    seen = read_retrieve(PROVIDER, answer("new-api-error-400-task-not-exist", 400), "", NEW_API_ID)
    assert seen.not_found


def test_a_list_is_not_taken_for_an_answer_to_a_create() -> None:
    with pytest.raises(ProviderError, match="no usable task id") as caught:
        read_create(PROVIDER, answer("openai-list"), "")
    assert caught.value.kind is ErrorKind.PROTOCOL
