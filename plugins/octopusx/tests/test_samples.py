"""Every sample means exactly what its row says. The rows are written by hand, from the provider's pages."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from reelway.errors import ErrorKind, ProviderError
from reelway.model.http import HttpResponse
from reelway.model.observation import Failure, FailureKind, Observation, Source, Status, Video
from reelway.model.request import Media, VideoRequest
from reelway.model.secret import Secret
from reelway.provider.models import OnUnsupported, check
from reelway.provider.reading import read_callback, read_create, read_error, read_retrieve
from reelway_octopusx import OctopusX

SAMPLES = Path(__file__).parent / "samples"
PROVIDER = OctopusX()

MAIN, GENERATIONS, UNIFIED = "", "generations", "unified"

DOUBAO = "doubao-seedance-1-5-pro_720p"
DOUBAO_ID = "video_bbfbc1d2-ab22-44ca-b9dd-bc16983acac2"
SEEDANCE = "doubao-seedance-2-0-260128"
SORA_ID = "sora-2:task_01k9008rhbefnt3rb1g9szxdwr"
PLAIN_UUID = "48038932-0ff5-4251-8b4b-7a76c09fd114"
NEW_API_ID = "task_0123456789abcdefghijklmnopqrstuv"
MP4 = "https://example.com/video.mp4"


def utc(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


def reading(
    task_id: str,
    word: str | None = None,
    status: Status | None = None,
    progress: int | None = None,
    url: str | None = None,
    **facts: Any,
) -> Observation:
    """A reading whose progress is written as the number it is, unless ``provider_progress`` says otherwise."""
    written = {"provider_progress": None if progress is None else str(progress)}
    links = (Video(url=Secret(url), expires_at=facts.get("expires_at")),) if url else ()
    return Observation(
        task_id=task_id,
        provider_status=word,
        status=status,
        progress=progress,
        videos=links,
        **(written | facts),
    )


# 1761635478, 1761635570 and 1761721970
DOUBAO_CREATED = utc("2025-10-28 07:11:18")
DOUBAO_ENDED = utc("2025-10-28 07:12:50")
DOUBAO_EXPIRES = utc("2025-10-29 07:12:50")

# 1735689600 and 1735776000
EXAMPLE_CREATED = utc("2025-01-01 00:00:00")
EXAMPLE_EXPIRES = utc("2025-01-02 00:00:00")

# 1712697600, 1712698600, 1774494511, 1762010621 and 1768489641
JIMENG_CREATED = utc("2024-04-09 21:20:00")
REMIX_CREATED = utc("2024-04-09 21:36:40")
KLING_CREATED = utc("2026-03-26 03:08:31")
SORA_CREATED = utc("2025-11-01 15:23:41")
VEO_CREATED = utc("2026-01-15 15:07:21")

# 1775908082 and 1775908210
RECORD_SUBMITTED = utc("2026-04-11 11:48:02")
RECORD_FINISHED = utc("2026-04-11 11:50:10")

# 1776681149, 1776681180 and 1776681300
NEW_API_CREATED = utc("2026-04-20 10:32:29")
NEW_API_UPDATED = utc("2026-04-20 10:33:00")
NEW_API_ENDED = utc("2026-04-20 10:35:00")

# 1640995200 and 1641081600
OLD_CREATED = utc("2022-01-01 00:00:00")
OLD_EXPIRES = utc("2022-01-02 00:00:00")

CREATES = {
    "create-queued-doubao": (
        MAIN,
        reading(DOUBAO_ID, "queued", Status.QUEUED, 0, model=DOUBAO, created_at=DOUBAO_CREATED),
    ),
    "create-queued-jimeng": (
        MAIN,
        reading("video_123", "queued", Status.QUEUED, 0, model="jimeng-video-3.0", created_at=JIMENG_CREATED),
    ),
    "create-queued-omni-v2v": (
        MAIN,
        reading("video_abc123", "queued", Status.QUEUED, 0, model="omni-fast-v2v", created_at=EXAMPLE_CREATED),
    ),
    "create-queued-sora": (
        MAIN,
        reading("video_abc123", "queued", Status.QUEUED, 0, model="sora-2", created_at=EXAMPLE_CREATED),
    ),
    "create-queued-vidu": (
        MAIN,
        reading("video_123", "queued", Status.QUEUED, 0, model="viduq3-pro", created_at=JIMENG_CREATED),
    ),
    "openai-videos-create-queued": (
        MAIN,
        reading("video_abc123", "queued", Status.QUEUED, 0, model="sora-2", created_at=EXAMPLE_CREATED),
    ),
    "remix-veo-queued": (
        MAIN,
        reading("video_456", "queued", Status.QUEUED, 0, model="veo_3_1-extend", created_at=REMIX_CREATED),
    ),
    # No word at all: the id is enough to follow the task.
    "generations-seedance2-create": (GENERATIONS, reading("cgt-20260412163502-x8k2m")),
    "generations-kling-create-queued": (
        GENERATIONS,
        reading("video_task_abc123", "queued", Status.QUEUED, 0, model="kling-v1", created_at=EXAMPLE_CREATED),
    ),
    "unified-jimeng-create-processing": (
        UNIFIED,
        # 23:07:57.510141923 in China; the last three digits are finer than a datetime.
        reading(PLAIN_UUID, "processing", Status.RUNNING, created_at=utc("2025-11-08 15:07:57.510141")),
    ),
    # `status_update_time` is no time of creation.
    "unified-sora-create-pending": (UNIFIED, reading(SORA_ID, "pending", Status.QUEUED)),
    "unified-veo-create-queued": (
        UNIFIED,
        reading(
            "video_8b8232a3-847b-40e2-a3a3-912813b7ac60",
            "queued",
            Status.QUEUED,
            0,
            model="veo3.1-fast-components",
            created_at=VEO_CREATED,
        ),
    ),
    "unified-grok-remix-processing": (
        UNIFIED,
        reading("grok:48a67431-0708-46d1-9ab9-83cb84700153", "processing", Status.RUNNING),
    ),
    "new-api-create-queued": (
        MAIN,
        reading(NEW_API_ID, "queued", Status.QUEUED, 0, model=SEEDANCE, created_at=NEW_API_CREATED),
    ),
    "new-api-docs-generations-create-old": (
        GENERATIONS,
        reading("video_123", "processing", Status.RUNNING, model="kling-v1", created_at=OLD_CREATED),
    ),
}
"""File: route, reading."""

RETRIEVES = {
    "get-processing-doubao": (
        MAIN,
        reading(DOUBAO_ID, "processing", Status.RUNNING, 50, model=DOUBAO, created_at=DOUBAO_CREATED),
    ),
    "get-completed-doubao": (
        MAIN,
        reading(
            DOUBAO_ID,
            "completed",
            Status.SUCCEEDED,
            100,
            MP4,
            model=DOUBAO,
            created_at=DOUBAO_CREATED,
            completed_at=DOUBAO_ENDED,
            expires_at=DOUBAO_EXPIRES,
        ),
    ),
    "get-failed-doubao": (
        MAIN,
        reading(
            DOUBAO_ID,
            "failed",
            Status.FAILED,
            50,
            model=DOUBAO,
            created_at=DOUBAO_CREATED,
            completed_at=DOUBAO_ENDED,
            failure=Failure(code="generation_failed", message="generation failed"),
        ),
    ),
    "get-processing-kling": (
        MAIN,
        reading(
            "task_ZOAIupBoCLMo3dmUGcrKUcUEUnCLctc6",
            "processing",
            Status.RUNNING,
            50,
            model="kling-3.0-omni-720p-noref-audio",
            created_at=KLING_CREATED,
        ),
    ),
    # Zeros and empty texts: no time of completion, no link, no error.
    "get-queued-sora-zero-values": (
        MAIN,
        reading(
            "video_abc123",
            "queued",
            Status.QUEUED,
            0,
            model="sora-2",
            created_at=EXAMPLE_CREATED,
            expires_at=EXAMPLE_EXPIRES,
        ),
    ),
    "get-processing-veo-zero-values": (
        MAIN,
        reading(
            "video_abc123",
            "processing",
            Status.RUNNING,
            50,
            model="veo_3_1-fast",
            created_at=EXAMPLE_CREATED,
            expires_at=EXAMPLE_EXPIRES,
        ),
    ),
    "get-in-progress-openai-videos": (
        MAIN,
        reading("video_abc123", "in_progress", Status.RUNNING, 40, model="sora-2", created_at=EXAMPLE_CREATED),
    ),
    "generations-seedance2-get-in-progress": (
        GENERATIONS,
        reading(
            "task_xxxxx",
            "IN_PROGRESS",
            Status.RUNNING,
            50,
            provider_progress="50%",
            created_at=RECORD_SUBMITTED,
        ),
    ),
    "generations-seedance2-get-success": (
        GENERATIONS,
        reading(
            "task_xxxxx",
            "SUCCESS",
            Status.SUCCEEDED,
            100,
            MP4,
            provider_progress="100%",
            created_at=RECORD_SUBMITTED,
            completed_at=RECORD_FINISHED,
        ),
    ),
    "generations-seedance2-get-failure": (
        GENERATIONS,
        reading(
            "task_xxxxx",
            "FAILURE",
            Status.FAILED,
            100,
            provider_progress="100%",
            created_at=RECORD_SUBMITTED,
            completed_at=RECORD_FINISHED,
            failure=Failure(message="generation failed"),
        ),
    ),
    "generations-task-status-queued": (GENERATIONS, reading("task-video-abc123", "queued", Status.QUEUED)),
    "generations-task-status-succeeded": (
        GENERATIONS,
        reading("task-video-abc123", "succeeded", Status.SUCCEEDED, url=MP4),
    ),
    "unified-sora-query-pending": (
        UNIFIED,
        reading(SORA_ID, "pending", Status.QUEUED, 0, model="sora-2", created_at=SORA_CREATED),
    ),
    "unified-veo-query-pending": (
        UNIFIED,
        reading("task_01k6x15vhrff09dkkqjrzwhm60", "pending", Status.QUEUED),
    ),
    "unified-vidu-query-processing": (
        UNIFIED,
        reading(PLAIN_UUID, "processing", Status.RUNNING, 50, created_at=KLING_CREATED),
    ),
    "unified-grok-query-processing": (
        UNIFIED,
        reading("grok:05c8e247-7e64-472a-acb1-e7f2de5d0d04", "processing", Status.RUNNING, 50),
    ),
    # `completed_at` is there as in the answer; a task takes it over at its end only.
    "new-api-get-in-progress-doubao": (
        MAIN,
        reading(
            NEW_API_ID,
            "in_progress",
            Status.RUNNING,
            50,
            model=SEEDANCE,
            created_at=NEW_API_CREATED,
            completed_at=NEW_API_UPDATED,
        ),
    ),
    "new-api-get-completed-doubao": (
        MAIN,
        reading(
            NEW_API_ID,
            "completed",
            Status.SUCCEEDED,
            100,
            MP4,
            model=SEEDANCE,
            created_at=NEW_API_CREATED,
            completed_at=NEW_API_ENDED,
        ),
    ),
    "new-api-get-failed-doubao": (
        MAIN,
        reading(
            NEW_API_ID,
            "failed",
            Status.FAILED,
            100,
            model=SEEDANCE,
            created_at=NEW_API_CREATED,
            completed_at=NEW_API_ENDED,
            failure=Failure(
                kind=FailureKind.MODERATION,
                code="InputTextSensitiveContentDetected",
                message="The request failed because the input text may contain sensitive information.",
            ),
        ),
    ),
    # `data.id` is 6, the number of a row; the task is `data.task_id`.
    "new-api-generations-get-in-progress-taskdto": (
        GENERATIONS,
        reading(
            NEW_API_ID,
            "IN_PROGRESS",
            Status.RUNNING,
            50,
            provider_progress="50%",
            model=SEEDANCE,
            created_at=NEW_API_CREATED,
        ),
    ),
    "new-api-docs-generations-get-succeeded-old": (
        GENERATIONS,
        reading("abcd1234efgh", "succeeded", Status.SUCCEEDED, url=MP4),
    ),
    "new-api-docs-get-queued-ms-sample": (
        MAIN,
        # 1764347090922 is in milliseconds.
        reading(
            "sora-2-123456",
            "queued",
            Status.QUEUED,
            0,
            model="sora-2",
            created_at=utc("2025-11-28 16:24:50.922"),
        ),
    ),
    "new-api-docs-get-succeeded-old": (
        MAIN,
        reading(
            "video_123",
            "succeeded",
            Status.SUCCEEDED,
            100,
            MP4,
            model="sora-2",
            created_at=OLD_CREATED,
            expires_at=OLD_EXPIRES,
        ),
    ),
}
"""File: route, reading."""

CALLBACKS = {
    # The upstream's own id, which may be another than the gateway's.
    "ark-get-succeeded": reading(
        "cgt-2026****-****",
        "succeeded",
        Status.SUCCEEDED,
        url="https://ark-content-generation-cn-beijing.tos-cn-beijing.volces.com/xxx",
        model=SEEDANCE,
        created_at=utc("2026-05-21 07:33:38"),
    ),
}


class Fault(NamedTuple):
    """What an error answer says; the HTTP status is the one it comes with."""

    status: int
    kind: ErrorKind
    code: str | None
    retryable: bool


ERRORS = {
    "account-error-no-authorization": Fault(401, ErrorKind.AUTH, None, False),
    "account-error-invalid-bearer": Fault(401, ErrorKind.AUTH, None, False),
    "account-error-quota-query-failed": Fault(500, ErrorKind.UPSTREAM, None, True),
    "new-api-error-400-invalid-request": Fault(400, ErrorKind.INVALID_REQUEST, "invalid_request", False),
    "new-api-error-400-task-not-exist": Fault(400, ErrorKind.NOT_FOUND, "task_not_exist", False),
    "new-api-error-401-invalid-token": Fault(401, ErrorKind.AUTH, None, False),
    "new-api-error-403-insufficient-quota": Fault(403, ErrorKind.QUOTA, "insufficient_user_quota", False),
    "new-api-error-404-invalid-url": Fault(404, ErrorKind.UNSUPPORTED, None, False),
    "new-api-content-error-400-not-completed": Fault(400, ErrorKind.NOT_READY, None, True),
    "new-api-content-error-404-not-found": Fault(404, ErrorKind.NOT_FOUND, None, False),
}

# The page does not say with which status these come; a 2xx changes nothing about them.
STATUS_UNKNOWN = (
    "account-error-no-authorization",
    "account-error-invalid-bearer",
    "account-error-quota-query-failed",
)

REQUESTS = {
    "openai-videos-create-request": VideoRequest(
        model="sora-2",
        prompt="A paper airplane flies through a bright office, with the camera smoothly following",
        duration=5,
        resolution="720p",
        aspect_ratio="16:9",
    ),
    "generations-seedance2-create-request": VideoRequest(
        model="seedance-2",
        prompt="The person in image 1 walks along the shore",
        duration=5,
        resolution="720p",
        aspect_ratio="16:9",
        audio=True,
        references=(Media.of("asset://asset-xxx"),),
        extra={"metadata.watermark": False},
    ),
}

DECLINED = {
    "asset-create-group-request": "creates no task",
    "asset-create-group": "describes no task",
    "asset-create": "the task in it is an upload; once active, the asset is named as asset://{Id}",
    "asset-get": "describes no task; its status words are those of an upload",
}
"""Answers of the asset library, which has no part in the interface of a provider."""


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


def answer(name: str, status: int = 200) -> HttpResponse:
    return HttpResponse(status=status, headers=(("Content-Type", "application/json"),), body=sample(name))


def test_every_sample_has_a_row() -> None:
    rows = [*CREATES, *RETRIEVES, *CALLBACKS, *ERRORS, *REQUESTS, *DECLINED]
    assert sorted(rows) == sorted(path.stem for path in SAMPLES.glob("*.json"))


@pytest.mark.parametrize("name", CREATES)
def test_an_answer_to_a_create_says_what_its_row_says(name: str) -> None:
    route, expected = CREATES[name]
    assert read_create(PROVIDER, answer(name), route) == replace(expected, source=Source.CREATE)


@pytest.mark.parametrize("name", RETRIEVES)
def test_an_answer_to_a_poll_says_what_its_row_says(name: str) -> None:
    route, expected = RETRIEVES[name]
    assert read_retrieve(PROVIDER, answer(name), route, str(expected.task_id)) == expected


@pytest.mark.parametrize("name", CREATES | RETRIEVES)
@pytest.mark.parametrize("route", [MAIN, GENERATIONS, UNIFIED])
def test_an_answer_says_the_same_on_every_path(name: str, route: str) -> None:
    _, expected = (CREATES | RETRIEVES)[name]
    assert read_retrieve(PROVIDER, answer(name), route, str(expected.task_id)) == expected


@pytest.mark.parametrize("name", CALLBACKS)
def test_a_callback_says_what_its_row_says(name: str) -> None:
    read = read_callback(PROVIDER, (), sample(name), verified=False)
    assert read == [replace(CALLBACKS[name], source=Source.CALLBACK)]


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_answer_means_what_its_row_says(name: str) -> None:
    error = read_error(PROVIDER, answer(name, ERRORS[name].status))
    assert Fault(error.status or 0, error.kind, error.code, error.retryable) == ERRORS[name]


@pytest.mark.parametrize("name", STATUS_UNKNOWN)
@pytest.mark.parametrize("route", [MAIN, GENERATIONS, UNIFIED])
def test_an_error_that_comes_with_200_means_the_same(name: str, route: str) -> None:
    with pytest.raises(ProviderError) as caught:
        read_retrieve(PROVIDER, answer(name), route, "task_xxxxx")
    assert (caught.value.kind, caught.value.status) == (ERRORS[name].kind, 200)


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_written_as_the_sample(name: str) -> None:
    checked = check(REQUESTS[name], PROVIDER.models, OnUnsupported.ERROR)
    body = PROVIDER.encode_create(checked.request, checked.spec).body
    assert isinstance(body, bytes)
    assert json.loads(body) == json.loads(sample(name))


@pytest.mark.parametrize("name", [name for name in DECLINED if name != "asset-create"])
def test_what_names_no_task_is_unreadable(name: str) -> None:
    with pytest.raises(ProviderError) as caught:
        read_retrieve(PROVIDER, answer(name), GENERATIONS, "task_xxx")
    assert caught.value.kind is ErrorKind.PROTOCOL


def test_an_upload_tells_no_state() -> None:
    observation = read_retrieve(PROVIDER, answer("asset-create"), GENERATIONS, "task_xxx")
    assert (observation.provider_status, observation.status) == (None, None)
