"""Every sample means exactly what its row says. The rows are written by hand, from the provider's pages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reelway.errors import ErrorKind
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.observation import Failure, FailureKind, Observation, Source, Status, Video
from reelway.model.request import Media, VideoRequest
from reelway.model.secret import Secret
from reelway.provider.models import OnUnsupported, check
from reelway.provider.reading import read_callback, read_create, read_error, read_retrieve
from reelway_ark import Ark

SAMPLES = Path(__file__).parent / "samples"
PROVIDER = Ark()

TASK = "cgt-20260412163502-x8k2m"
SEEDANCE = "doubao-seedance-2-0-260128"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def videos(url: str, last_frame: str | None = None) -> tuple[Video, ...]:
    video = Video(url=Secret(url))
    return (video, Video(url=Secret(last_frame), variant="last_frame")) if last_frame else (video,)


# 1775982902 and 1775982960 seconds; the ids hold the first in China's time.
CREATED = utc("2026-04-12T08:35:02")
UPDATED = utc("2026-04-12T08:36:00")


def task(word: str, status: Status, **facts: Any) -> Observation:
    """A task of the derived samples, which differ in what they say of the end."""
    return Observation(
        task_id=TASK,
        provider_status=word,
        status=status,
        model=SEEDANCE,
        created_at=CREATED,
        completed_at=UPDATED,
        **facts,
    )


CREATES = {"create": Observation(source=Source.CREATE, task_id=TASK)}

RETRIEVES = {
    "get-queued": task("queued", Status.QUEUED),
    "get-running": task("running", Status.RUNNING),
    "get-cancelled": task("cancelled", Status.CANCELLED, failure=Failure()),
    "get-expired": task("expired", Status.EXPIRED, failure=Failure(kind=FailureKind.TIMEOUT)),
    "get-failed-moderation": task(
        "failed",
        Status.FAILED,
        failure=Failure(
            kind=FailureKind.MODERATION,
            code="OutputVideoSensitiveContentDetected",
            message="The request failed because the output video may contain sensitive information. "
            "Request id: 021700000000000example",
        ),
    ),
    "get-failed-task-type": task(
        "failed",
        Status.FAILED,
        failure=Failure(
            kind=FailureKind.REJECTED,
            code="InvalidParameter.TaskTypeConstraint",
            message="The specified parameter is invalid. Request id: 021700000000000example",
        ),
    ),
    "get-failed-internal": task(
        "failed",
        Status.FAILED,
        failure=Failure(
            kind=FailureKind.INTERNAL,
            code="InternalServiceError",
            message="The service encountered an unexpected internal error. Please retry later. "
            "Request id: 021700000000000example",
        ),
    ),
    "get-succeeded-last-frame": task(
        "succeeded",
        Status.SUCCEEDED,
        videos=videos(
            "https://example.com/video.mp4?X-Tos-Expires=86400",
            "https://example.com/last-frame.png?X-Tos-Expires=86400",
        ),
    ),
    # 1779348818 and 1779348874 seconds.
    "get-succeeded": Observation(
        task_id="cgt-2026****-****",
        provider_status="succeeded",
        status=Status.SUCCEEDED,
        model=SEEDANCE,
        created_at=utc("2026-05-21T07:33:38"),
        completed_at=utc("2026-05-21T07:34:34"),
        videos=videos("https://ark-content-generation-cn-beijing.tos-cn-beijing.volces.com/xxx"),
    ),
    # 1765510475 and 1765510559 seconds.
    "get-succeeded-1080p": Observation(
        task_id="cgt-2025****",
        provider_status="succeeded",
        status=Status.SUCCEEDED,
        model=SEEDANCE,
        created_at=utc("2025-12-12T03:34:35"),
        completed_at=utc("2025-12-12T03:35:59"),
        videos=videos("https://ark-content-generation-cn-beijing.tos-cn-beijing.volces.com/****"),
    ),
}

CALLBACKS = {
    # 1765434920 seconds, twice.
    "callback-running": Observation(
        source=Source.CALLBACK,
        task_id="cgt-2025****",
        provider_status="running",
        status=Status.RUNNING,
        model=SEEDANCE,
        created_at=utc("2025-12-11T06:35:20"),
        completed_at=utc("2025-12-11T06:35:20"),
    ),
}

ERRORS = {
    "error-400-invalid-parameter": (400, ErrorKind.INVALID_REQUEST, "InvalidParameter", False),
    "error-400-unsupported-parameter": (
        400,
        ErrorKind.INVALID_REQUEST,
        "InvalidParameter.UnsupportedParameter",
        False,
    ),
    "error-400-sensitive-text": (400, ErrorKind.INVALID_REQUEST, "InputTextSensitiveContentDetected", False),
    "error-401-authentication": (401, ErrorKind.AUTH, "AuthenticationError", False),
    "error-403-overdue": (403, ErrorKind.QUOTA, "AccountOverdueError", False),
    "error-403-service-not-open": (403, ErrorKind.AUTH, "OperationDenied.ServiceNotOpen", False),
    "error-404-model-not-found": (404, ErrorKind.UNSUPPORTED, "InvalidEndpointOrModel.NotFound", False),
    "error-404-model-not-open": (404, ErrorKind.AUTH, "ModelNotOpen", False),
    "error-404-task-not-found": (404, ErrorKind.NOT_FOUND, "NotFound.id", False),
    "error-409-running-task": (409, ErrorKind.NOT_READY, "InvalidAction.RunningTaskDeletion", True),
    "error-429-endpoint-rate-limit": (
        429,
        ErrorKind.RATE_LIMITED,
        "RateLimitExceeded.EndpointRPMExceeded",
        True,
    ),
    "error-429-quota-queue": (429, ErrorKind.RATE_LIMITED, "QuotaExceeded", True),
    "error-429-quota-trial": (429, ErrorKind.QUOTA, "QuotaExceeded", False),
    "error-429-rate-limit": (429, ErrorKind.RATE_LIMITED, "ModelAccountRpmRateLimitExceeded", True),
    "error-429-set-limit": (429, ErrorKind.QUOTA, "SetLimitExceeded", False),
    "error-500-internal": (500, ErrorKind.UNAVAILABLE, "InternalServiceError", True),
}
"""File: HTTP status, kind, code, whether the same call may succeed later."""

REQUESTS = {
    "create-request-text": VideoRequest(
        model="seedance-1-5-pro-251215",
        prompt="The kitten is yawning at the camera",
        resolution="720p",
        aspect_ratio="16:9",
        duration=5,
        seed=11,
        extra={"camera_fixed": False, "watermark": True},
    ),
    "create-request-first-frame": VideoRequest(
        model="seedance-2",
        prompt="The girl opens her eyes",
        first_frame=Media.of("https://example.com/girl.png"),
        audio=True,
        aspect_ratio="adaptive",
        duration=5,
        extra={"watermark": False},
    ),
    "create-request-first-last-frame": VideoRequest(
        model="seedance-1-0-pro",
        first_frame=Media.of("https://example.com/bud.jpg"),
        last_frame=Media.of("https://example.com/flower.jpg"),
        resolution="480p",
        duration=2,
    ),
    "create-request-references": VideoRequest(
        model="dreamina-seedance-2-5-260628",
        prompt="The walk of Video 1 in the room of Image 1",
        references=(
            Media.of("asset://asset-1"),
            Media.of("https://example.com/walk.mp4"),
            Media.of(b"ID3"),
        ),
        aspect_ratio="9:16",
        duration=30,
        callback_url="https://example.com/hook/1",
    ),
    "create-request-draft": VideoRequest(
        model="seedance-1-5-pro",
        resolution="1080p",
        extra={"content": [{"type": "draft_task", "draft_task": {"id": TASK}}]},
    ),
}
"""File: the request in the user's terms."""

EMPTY: dict[str, Any] = {"cancel": {}}
"""Answers that say nothing; what became of the task, the next poll says."""


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


def answer(name: str, status: int = 200) -> HttpResponse:
    return HttpResponse(status=status, headers=(("Content-Type", "application/json"),), body=sample(name))


def body_of(request: HttpRequest) -> Any:
    assert isinstance(request.body, bytes)
    return json.loads(request.body)


def test_every_sample_has_exactly_one_row() -> None:
    rows = [*CREATES, *RETRIEVES, *CALLBACKS, *ERRORS, *REQUESTS, *EMPTY]
    assert sorted(rows) == sorted(file.stem for file in SAMPLES.glob("**/*.json"))


@pytest.mark.parametrize("name", CREATES)
def test_an_answer_to_a_create_reads_as_its_row_says(name: str) -> None:
    assert read_create(PROVIDER, answer(name), "") == CREATES[name]


@pytest.mark.parametrize("name", RETRIEVES)
def test_an_answer_to_a_poll_reads_as_its_row_says(name: str) -> None:
    expected = RETRIEVES[name]
    assert read_retrieve(PROVIDER, answer(name), "", expected.task_id or "") == expected


@pytest.mark.parametrize("name", CALLBACKS)
def test_a_callback_reads_as_its_row_says_and_proves_nothing(name: str) -> None:
    [seen] = read_callback(PROVIDER, (), sample(name), verified=False)
    assert seen == CALLBACKS[name]
    assert not PROVIDER.verify_callback((), sample(name), "a secret")


@pytest.mark.parametrize("name", RETRIEVES)
def test_a_callback_says_what_a_poll_says(name: str) -> None:
    [seen] = read_callback(PROVIDER, (), sample(name), verified=False)
    polled = RETRIEVES[name]
    assert (seen.task_id, seen.status, seen.failure, seen.videos) == (
        polled.task_id,
        polled.status,
        polled.failure,
        polled.videos,
    )


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_means_what_its_row_says(name: str) -> None:
    status, kind, code, retryable = ERRORS[name]
    error = read_error(PROVIDER, answer(name, status))
    assert (error.status, error.kind, error.code, error.retryable) == (status, kind, code, retryable)


@pytest.mark.parametrize("name", EMPTY)
def test_an_answer_that_says_nothing_is_empty(name: str) -> None:
    assert json.loads(sample(name)) == EMPTY[name]


def test_an_unknown_task_is_an_observation() -> None:
    observation = read_retrieve(PROVIDER, answer("error-404-task-not-found", 404), "", TASK)
    assert observation == Observation(task_id=TASK, not_found=True)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_written_as_the_page_prints_it(name: str) -> None:
    checked = check(REQUESTS[name], PROVIDER.models, OnUnsupported.ERROR)
    request = PROVIDER.encode_create(checked.request, checked.spec)
    assert (request.method, request.path) == ("POST", "api/v3/contents/generations/tasks")
    assert body_of(request) == json.loads(sample(name))
