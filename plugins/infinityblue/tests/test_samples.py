"""Every sample means exactly what its row says. The rows are written by hand, from the provider's pages."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reelway.errors import ErrorKind, NotSupported
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.observation import Failure, FailureKind, Observation, Source, Status, Video
from reelway.model.request import Media, VideoRequest
from reelway.model.secret import Secret
from reelway.provider.models import OnUnsupported, check
from reelway.provider.reading import read_callback, read_create, read_error, read_retrieve
from reelway_infinityblue import InfinityBlue

SAMPLES = Path(__file__).parent / "samples"
PROVIDER = InfinityBlue()

MAIN, GENERATIONS = "", "generations"

SEEDANCE = "doubao-seedance-2-0-fast-260128"
GROK = "grok-imagine-video-720p"
NEW_API_ID = "task_0123456789abcdefghijklmnopqrstuv"


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def video(url: str, expires_at: datetime | None = None) -> tuple[Video, ...]:
    return (Video(url=Secret(url), expires_at=expires_at),)


# 1764347090922, 1764347170000 and 1764433570000 milliseconds.
CREATED = utc("2025-11-28T16:24:50.922")
COMPLETED = utc("2025-11-28T16:26:10")
EXPIRES = utc("2025-11-29T16:26:10")

# 1700000000, 1700000120 and 1700003720 seconds.
DRAFT_CREATED = utc("2023-11-14T22:13:20")
DRAFT_COMPLETED = utc("2023-11-14T22:15:20")
DRAFT_EXPIRES = utc("2023-11-14T23:15:20")

# 1776681149, 1776681180 and 1776681300 seconds.
NEW_API_CREATED = utc("2026-04-20T10:32:29")
NEW_API_UPDATED = utc("2026-04-20T10:33:00")
NEW_API_COMPLETED = utc("2026-04-20T10:35:00")

# 1640995200 and 1641081600 seconds.
NEW_API_OLD_CREATED = utc("2022-01-01T00:00:00")
NEW_API_OLD_EXPIRES = utc("2022-01-02T00:00:00")

CREATES = {
    "create-queued": (
        MAIN,
        Observation(
            source=Source.CREATE,
            task_id="video_abc123",
            provider_status="queued",
            status=Status.QUEUED,
            progress=0,
            provider_progress="0",
            model=SEEDANCE,
            created_at=CREATED,
        ),
    ),
    "grok-create-queued": (
        MAIN,
        Observation(
            source=Source.CREATE,
            task_id="video_abc123",
            provider_status="queued",
            status=Status.QUEUED,
            progress=0,
            provider_progress="0",
            model=GROK,
            created_at=CREATED,
        ),
    ),
    "generations-create-queued": (
        GENERATIONS,
        Observation(
            source=Source.CREATE,
            task_id="abcd1234efgh",
            provider_status="queued",
            status=Status.QUEUED,
        ),
    ),
    "new-api-create-queued": (
        MAIN,
        Observation(
            source=Source.CREATE,
            task_id=NEW_API_ID,
            provider_status="queued",
            status=Status.QUEUED,
            progress=0,
            provider_progress="0",
            model="doubao-seedance-2-0-260128",
            created_at=NEW_API_CREATED,
        ),
    ),
    "new-api-docs-generations-create-old": (
        GENERATIONS,
        Observation(
            source=Source.CREATE,
            task_id="abcd1234efgh",
            provider_status="processing",
            status=Status.RUNNING,
            model="kling-v1",
            created_at=NEW_API_OLD_CREATED,
        ),
    ),
}
"""File: route, reading."""

RETRIEVES = {
    "get-queued": (
        MAIN,
        Observation(
            task_id="video_abc123",
            provider_status="queued",
            status=Status.QUEUED,
            progress=0,
            provider_progress="0",
            model=SEEDANCE,
            created_at=CREATED,
        ),
    ),
    "get-in-progress": (
        MAIN,
        Observation(
            task_id="video_abc123",
            provider_status="in_progress",
            status=Status.RUNNING,
            progress=40,
            provider_progress="40",
            model=SEEDANCE,
            created_at=CREATED,
        ),
    ),
    "get-completed": (
        MAIN,
        Observation(
            task_id="video_abc123",
            provider_status="completed",
            status=Status.SUCCEEDED,
            progress=100,
            provider_progress="100",
            model=SEEDANCE,
            created_at=CREATED,
            completed_at=COMPLETED,
            videos=video("https://example.com/generated-video.mp4"),
        ),
    ),
    "get-completed-with-expiry": (
        MAIN,
        Observation(
            task_id="video_abc123",
            provider_status="completed",
            status=Status.SUCCEEDED,
            progress=100,
            provider_progress="100",
            model=SEEDANCE,
            created_at=CREATED,
            completed_at=COMPLETED,
            expires_at=EXPIRES,
            videos=video("https://example.com/generated-video.mp4", EXPIRES),
        ),
    ),
    "get-failed": (
        MAIN,
        Observation(
            task_id="video_abc123",
            provider_status="failed",
            status=Status.FAILED,
            progress=100,
            provider_progress="100",
            model=SEEDANCE,
            created_at=CREATED,
            completed_at=COMPLETED,
            failure=Failure(kind=FailureKind.INTERNAL, code="generation_failed", message="generation failed"),
        ),
    ),
    "grok-get-in-progress": (
        MAIN,
        Observation(
            task_id="video_abc123",
            provider_status="in_progress",
            status=Status.RUNNING,
            progress=40,
            provider_progress="40",
            model=GROK,
            created_at=CREATED,
        ),
    ),
    "grok-get-completed": (
        MAIN,
        Observation(
            task_id="video_abc123",
            provider_status="completed",
            status=Status.SUCCEEDED,
            progress=100,
            provider_progress="100",
            model=GROK,
            created_at=CREATED,
            completed_at=COMPLETED,
            videos=video("https://example.com/generated-video.mp4"),
        ),
    ),
    "generations-get-in-progress": (
        GENERATIONS,
        Observation(task_id="abcd1234efgh", provider_status="in_progress", status=Status.RUNNING),
    ),
    "generations-get-completed": (
        GENERATIONS,
        Observation(
            task_id="abcd1234efgh",
            provider_status="completed",
            status=Status.SUCCEEDED,
            videos=video("https://example.com/generated-video.mp4"),
        ),
    ),
    "generations-get-failed": (
        GENERATIONS,
        Observation(
            task_id="abcd1234efgh",
            provider_status="failed",
            status=Status.FAILED,
            failure=Failure(code="500", message="generation failed"),
        ),
    ),
    "draft-get-queued-seconds": (
        MAIN,
        Observation(
            task_id="video_abc123def456",
            provider_status="queued",
            status=Status.QUEUED,
            progress=0,
            provider_progress="0",
            model="seedance-2.0",
            created_at=DRAFT_CREATED,
        ),
    ),
    "draft-get-completed-top-level-url": (
        MAIN,
        Observation(
            task_id="video_abc123def456",
            provider_status="completed",
            status=Status.SUCCEEDED,
            progress=100,
            provider_progress="100",
            model="seedance-2.0",
            created_at=DRAFT_CREATED,
            completed_at=DRAFT_COMPLETED,
            expires_at=DRAFT_EXPIRES,
            videos=video("https://cdn.infinityblue.com/videos/abc123.mp4", DRAFT_EXPIRES),
        ),
    ),
    "draft-get-failed": (
        MAIN,
        Observation(
            task_id="video_abc123def456",
            provider_status="failed",
            status=Status.FAILED,
            progress=30,
            provider_progress="30",
            model="seedance-2.0",
            created_at=DRAFT_CREATED,
            failure=Failure(
                kind=FailureKind.MODERATION,
                code="content_policy_violation",
                message="Prompt was blocked by content filter",
            ),
        ),
    ),
    # completed_at is the time of the last update, and the empty url is no link.
    "new-api-get-in-progress-doubao": (
        MAIN,
        Observation(
            task_id=NEW_API_ID,
            provider_status="in_progress",
            status=Status.RUNNING,
            progress=50,
            provider_progress="50",
            model="doubao-seedance-2-0-260128",
            created_at=NEW_API_CREATED,
            completed_at=NEW_API_UPDATED,
        ),
    ),
    "new-api-get-completed-doubao": (
        MAIN,
        Observation(
            task_id=NEW_API_ID,
            provider_status="completed",
            status=Status.SUCCEEDED,
            progress=100,
            provider_progress="100",
            model="doubao-seedance-2-0-260128",
            created_at=NEW_API_CREATED,
            completed_at=NEW_API_COMPLETED,
            videos=video("https://example.com/video.mp4"),
        ),
    ),
    "new-api-get-failed-doubao": (
        MAIN,
        Observation(
            task_id=NEW_API_ID,
            provider_status="failed",
            status=Status.FAILED,
            progress=100,
            provider_progress="100",
            model="doubao-seedance-2-0-260128",
            created_at=NEW_API_CREATED,
            completed_at=NEW_API_COMPLETED,
            failure=Failure(
                kind=FailureKind.MODERATION,
                code="InputTextSensitiveContentDetected",
                message="The request failed because the input text may contain sensitive information.",
            ),
        ),
    ),
    "new-api-docs-get-succeeded-old": (
        MAIN,
        Observation(
            task_id="video_123",
            provider_status="succeeded",
            status=Status.SUCCEEDED,
            progress=100,
            provider_progress="100",
            model="sora-2",
            created_at=NEW_API_OLD_CREATED,
            expires_at=NEW_API_OLD_EXPIRES,
            videos=video("https://example.com/video.mp4", NEW_API_OLD_EXPIRES),
        ),
    ),
    "new-api-docs-generations-get-succeeded-old": (
        GENERATIONS,
        Observation(
            task_id="abcd1234efgh",
            provider_status="succeeded",
            status=Status.SUCCEEDED,
            videos=video("https://example.com/video.mp4"),
        ),
    ),
    # The wrapped record; its "id" is a row number and its inner id belongs to the upstream.
    "new-api-generations-get-in-progress-taskdto": (
        GENERATIONS,
        Observation(
            task_id=NEW_API_ID,
            provider_status="IN_PROGRESS",
            status=Status.RUNNING,
            progress=50,
            provider_progress="50%",
            model="doubao-seedance-2-0-260128",
            created_at=NEW_API_CREATED,
        ),
    ),
}
"""File: route, reading."""

ERRORS = {
    "error-400-invalid-duration": (400, ErrorKind.INVALID_REQUEST, "invalid_duration", False),
    "grok-error-400-invalid-duration": (400, ErrorKind.INVALID_REQUEST, "invalid_duration", False),
    "error-401-invalid-api-key": (401, ErrorKind.AUTH, "invalid_api_key", False),
    "draft-error-400-invalid-parameter": (400, ErrorKind.INVALID_REQUEST, "invalid_parameter", False),
    "draft-error-401-invalid-api-key": (401, ErrorKind.AUTH, "invalid_api_key", False),
    "draft-error-403-model-not-accessible": (403, ErrorKind.AUTH, "model_not_accessible", False),
    "draft-error-404-video-task-not-found": (404, ErrorKind.NOT_FOUND, "resource_not_found", False),
    "draft-error-429-rate-limit-exceeded": (429, ErrorKind.RATE_LIMITED, "rate_limit_exceeded", True),
    "draft-error-500-upstream-error": (500, ErrorKind.UPSTREAM, "upstream_error", True),
    "new-api-error-400-invalid-request": (400, ErrorKind.INVALID_REQUEST, "invalid_request", False),
    "new-api-error-400-task-not-exist": (400, ErrorKind.NOT_FOUND, "task_not_exist", False),
    "new-api-error-401-invalid-token": (401, ErrorKind.AUTH, None, False),
    "new-api-error-403-insufficient-quota": (403, ErrorKind.QUOTA, "insufficient_user_quota", False),
    "new-api-error-404-invalid-url": (404, ErrorKind.UNSUPPORTED, None, False),
    "new-api-content-error-400-not-completed": (400, ErrorKind.NOT_READY, None, True),
    "new-api-content-error-404-not-found": (404, ErrorKind.NOT_FOUND, None, False),
}
"""File: HTTP status, kind, code, whether the same call may succeed later."""

REQUESTS = {
    "create-request-standard-text-to-video": (
        "v1/videos",
        VideoRequest(
            model="doubao-seedance-2-0-260128",
            prompt="A white kitten slowly walking on a clean desk, soft daylight, cinematic lens, stable shot",
            duration=5,
            resolution="720p",
            aspect_ratio="16:9",
            audio=False,
            extra={"watermark": False, "camera_fixed": False},
        ),
    ),
    "create-request-fast-text-to-video": (
        "v1/videos",
        VideoRequest(
            model="doubao-seedance-2-0-fast-260128",
            prompt="A futuristic city street at night, a blue sports car racing through neon lights, "
            "low-angle shot, strong sense of speed, stable frame",
            duration=4,
            resolution="480p",
            aspect_ratio="16:9",
            audio=False,
            extra={"watermark": False},
        ),
    ),
    "create-request-image-to-video": (
        "v1/videos",
        VideoRequest(
            model="doubao-seedance-2-0-260128",
            prompt="Have the kitten in the image gently turn its head toward the camera, "
            "keep the background unchanged, camera slowly pushes in, natural motion",
            duration=5,
            resolution="720p",
            aspect_ratio="adaptive",
            first_frame=Media.of("https://example.com/cat.jpg"),
            audio=False,
            extra={"watermark": False},
        ),
    ),
    "create-request-video-reference": (
        "v1/videos",
        VideoRequest(
            model="doubao-seedance-2-0-260128",
            prompt="Follow the camera movement from reference video 1 and restyle the whole clip as a soft "
            "Japanese animation, preserving the original action rhythm",
            duration=5,
            resolution="720p",
            aspect_ratio="adaptive",
            references=(Media.of("https://example.com/reference.mp4"),),
            audio=False,
            extra={"watermark": False},
        ),
    ),
    "create-request-first-last-frame": (
        "v1/videos",
        VideoRequest(
            model="doubao-seedance-2-0-260128",
            prompt="The flower opens",
            duration=5,
            resolution="720p",
            aspect_ratio="adaptive",
            first_frame=Media.of("https://example.com/first-frame.jpg"),
            last_frame=Media.of("https://example.com/last-frame.jpg"),
        ),
    ),
    "grok-create-request-text-to-video": (
        "v1/videos",
        VideoRequest(
            model="grok-imagine-video-720p",
            prompt="A crystal-powered rocket lifts off from the red dunes of Mars as ancient ruins light up in "
            "the background, cinematic, stable shot",
            duration=10,
            size="1280x720",
        ),
    ),
    "grok-create-request-image-to-video": (
        "v1/videos",
        VideoRequest(
            model="grok-imagine-video-480p",
            prompt="Make the person in the photo slowly turn to look at the camera, background unchanged, "
            "camera pushes in slightly",
            duration=5,
            aspect_ratio="9:16",
            first_frame=Media.of("https://example.com/portrait.jpg"),
        ),
    ),
    "grok-create-request-reference-video": (
        "v1/videos",
        VideoRequest(
            model="grok-imagine-video-720p",
            prompt="Using the character and style of these images, generate a shot of them walking through a "
            "city at night",
            duration=6,
            aspect_ratio="16:9",
            references=(
                Media.of("https://example.com/reference-1.jpg"),
                Media.of("https://example.com/reference-2.jpg"),
            ),
        ),
    ),
    "grok-create-request-image-to-video-15-preview": (
        "v1/videos",
        VideoRequest(
            model="grok-imagine-video-1.5-preview-720p",
            prompt="Make the waterfall cascade down slowly as the camera gently pulls back, with drifting mist",
            duration=8,
            size="1280x720",
            first_frame=Media.of("https://example.com/waterfall.png"),
        ),
    ),
    "generations-create-request-text-to-video-kling": (
        "v1/video/generations",
        VideoRequest(
            model="kling-v2-5-turbo",
            prompt="An astronaut walking on the Moon, Earth slowly rising in the background, cinematic shot, 4K",
            duration=5,
            aspect_ratio="16:9",
        ),
    ),
    "generations-create-request-text-to-video-veo": (
        "v1/video/generations",
        VideoRequest(
            model="veo_3_1",
            prompt="A futuristic city at night, neon lights reflected on rain-wet streets, low-angle long take, "
            "stable shot",
            duration=8,
            resolution="1080p",
            aspect_ratio="16:9",
        ),
    ),
    "generations-create-request-image-to-video": (
        "v1/video/generations",
        VideoRequest(
            model="kling-v2-1-master",
            prompt="Make the person in the image slowly turn their head, keep the background unchanged, camera "
            "gently pushes in",
            duration=5,
            size="1280x720",
            first_frame=Media.of("https://example.com/portrait.jpg"),
        ),
    ),
}
"""File: path, the request in the user's terms."""

PIECES = {
    "task-error-object": Failure(kind=FailureKind.INTERNAL, code="generation_failed", message="generation failed"),
}
"""The value of one field, printed alone: the ``error`` of a failed task."""

DECLINED = {
    "draft-legacy-create-queued-videojob": "the path v1/videos/generations belongs to the oldest draft alone",
    "draft-legacy-get-succeeded-videojob": "the path v1/videos/generations belongs to the oldest draft alone",
    "draft-webhook-completed": "callbacks were withdrawn before they were published",
    "draft-webhook-failed": "callbacks were withdrawn before they were published",
}
"""What the provider does not read, and why."""


def sample(name: str) -> bytes:
    return (SAMPLES / f"{name}.json").read_bytes()


def answer(name: str, status: int = 200) -> HttpResponse:
    return HttpResponse(status=status, headers=(("Content-Type", "application/json"),), body=sample(name))


def body_of(request: HttpRequest) -> Any:
    assert isinstance(request.body, bytes)
    return json.loads(request.body)


def test_every_sample_has_exactly_one_row() -> None:
    rows = [*CREATES, *RETRIEVES, *ERRORS, *REQUESTS, *PIECES, *DECLINED]
    assert sorted(rows) == sorted(file.stem for file in SAMPLES.glob("**/*.json"))


@pytest.mark.parametrize("name", CREATES)
def test_an_answer_to_a_create_reads_as_its_row_says(name: str) -> None:
    route, expected = CREATES[name]
    assert read_create(PROVIDER, answer(name), route) == expected


@pytest.mark.parametrize("name", RETRIEVES)
def test_an_answer_to_a_poll_reads_as_its_row_says(name: str) -> None:
    route, expected = RETRIEVES[name]
    assert read_retrieve(PROVIDER, answer(name), route, expected.task_id or "") == expected


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_means_what_its_row_says(name: str) -> None:
    status, kind, code, retryable = ERRORS[name]
    error = read_error(PROVIDER, answer(name, status))
    assert (error.status, error.kind, error.code, error.retryable) == (status, kind, code, retryable)


@pytest.mark.parametrize("name", ["draft-error-404-video-task-not-found", "new-api-error-400-task-not-exist"])
@pytest.mark.parametrize("route", [MAIN, GENERATIONS])
def test_an_unknown_task_is_an_observation_on_both_routes(name: str, route: str) -> None:
    observation = read_retrieve(PROVIDER, answer(name, ERRORS[name][0]), route, "video_xyz")
    assert observation == Observation(task_id="video_xyz", not_found=True)


def test_an_error_answer_quotes_no_key() -> None:
    error = read_error(PROVIDER, answer("error-401-invalid-api-key", 401))
    assert "sk-" not in str(error)


def test_the_request_id_is_found_where_the_gateway_writes_it() -> None:
    error = read_error(PROVIDER, answer("new-api-error-401-invalid-token", 401))
    assert error.request_id == "20260101000000000000000example"


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_is_written_as_the_page_prints_it(name: str) -> None:
    path, request = REQUESTS[name]
    checked = check(request, PROVIDER.models, OnUnsupported.ERROR)
    written = PROVIDER.encode_create(checked.request, checked.spec)
    assert (written.method, written.path, checked.warnings) == ("POST", path, ())
    assert body_of(written) == json.loads(sample(name))


@pytest.mark.parametrize("name", PIECES)
def test_the_error_of_a_failed_task_reads_as_its_row_says(name: str) -> None:
    document = json.loads(sample("get-failed")) | {"error": json.loads(sample(name))}
    body = json.dumps(document).encode()
    observation = read_retrieve(PROVIDER, HttpResponse(status=200, body=body), MAIN, "video_abc123")
    assert observation.failure == PIECES[name]


@pytest.mark.parametrize("name", [name for name in DECLINED if "legacy" in name])
def test_a_path_of_the_oldest_draft_is_not_spoken(name: str) -> None:
    paths = {path for dialect in PROVIDER.dialects.values() for path in (dialect.create, dialect.read)}
    assert not any("videos/generations" in path for path in paths)


@pytest.mark.parametrize("name", [name for name in DECLINED if "webhook" in name])
def test_a_withdrawn_callback_is_not_read(name: str) -> None:
    with pytest.raises(NotSupported, match="InfinityBlue documents no callbacks"):
        read_callback(PROVIDER, (), sample(name), verified=False)


HABITS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "the literal unknown is no state": (
        MAIN,
        {"id": "a", "status": "unknown"},
        {"status": None, "provider_status": "unknown"},
    ),
    "milliseconds and an empty model come from the Kling channel": (
        MAIN,
        {"id": "a", "status": "in_progress", "model": "", "created_at": 1764347090922},
        {"status": Status.RUNNING, "model": None, "created_at": CREATED},
    ),
    "a failed task may give no reason": (
        MAIN,
        {"id": "a", "status": "failed"},
        {"status": Status.FAILED, "failure": Failure()},
    ),
    "the reason may stand in the place of the link": (
        MAIN,
        {"id": "a", "status": "failed", "metadata": {"url": "the picture was refused"}},
        {"videos": (), "failure": Failure(message="the picture was refused")},
    ),
    "a link in the place of the reason is no reason": (
        MAIN,
        {"id": "a", "status": "failed", "metadata": {"url": "https://example.com/a.mp4"}},
        {"failure": Failure()},
    ),
    "an error object next to a completed task is no failure": (
        GENERATIONS,
        {"task_id": "a", "status": "completed", "error": {"code": 0, "message": ""}},
        {"status": Status.SUCCEEDED, "failure": None},
    ),
    "the wrapped record of a success holds its link": (
        GENERATIONS,
        {"code": "success", "data": {"task_id": "a", "status": "SUCCESS", "result_url": "https://x.example/1"}},
        {"status": Status.SUCCEEDED, "videos": video("https://x.example/1")},
    ),
    "an older record kept the link in the column of the reason": (
        GENERATIONS,
        {"code": "success", "data": {"task_id": "a", "status": "SUCCESS", "fail_reason": "https://x.example/1"}},
        {"status": Status.SUCCEEDED, "videos": video("https://x.example/1"), "failure": None},
    ),
    "the wrapped record of a failure holds its reason": (
        GENERATIONS,
        {"code": "success", "data": {"task_id": "a", "status": "FAILURE", "fail_reason": "no luck"}},
        {"status": Status.FAILED, "videos": (), "failure": Failure(message="no luck")},
    ),
    "the short form of the Gemini channel is wrapped as well": (
        GENERATIONS,
        {
            "code": "success",
            "data": {"task_id": "a", "status": "succeeded", "url": "https://x.example/1", "error": None},
        },
        {"status": Status.SUCCEEDED, "videos": video("https://x.example/1")},
    ),
    "an object of the upstream passes through with its own words": (
        MAIN,
        {"id": "a", "status": "expired", "content": {}},
        {"status": Status.EXPIRED},
    ),
}
"""What the source of the gateway software shows, for answers of which nobody has printed a sample."""


@pytest.mark.parametrize("habit", HABITS)
def test_the_gateway_software_is_understood(habit: str) -> None:
    route, document, expected = HABITS[habit]
    response = HttpResponse(status=200, body=json.dumps(document).encode())
    observation = read_retrieve(PROVIDER, response, route, "a")
    assert {field: getattr(observation, field) for field in expected} == expected
