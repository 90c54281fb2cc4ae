"""Every example answer of CometAPI and what it means, written out by hand; sources in samples/README.md."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from reelway.errors import ErrorKind
from reelway.model.http import HttpResponse, Multipart, json_response
from reelway.model.observation import Failure, FailureKind, Observation, Source, Status
from reelway.model.request import VideoRequest
from reelway.provider import reading
from reelway.provider.models import OnUnsupported, check
from reelway_cometapi import CometApi

COMET = CometApi()
SAMPLES = Path(__file__).parent / "samples"

REJECTED = Failure(kind=FailureKind.REJECTED)
INTERNAL = Failure(kind=FailureKind.INTERNAL)
MP4 = "https://example.com/generated.mp4"
XAI_MP4 = "https://vidgen.x.ai/xai-vidgen-bucket/xai-video-72924fdc-e6d7-4885-b318-8a367aaa9a02.mp4"
SORA_ID = "video_69b25d5f467c81908733a56bc236b4df"
VEO_ID = "task_pa9CKKtYlTdxO7IIHOKKhXfjxEu4EQoR"


class Reading(NamedTuple):
    """The canonical reading of one answer; what is left out, the answer does not say."""

    task_id: str
    status: Status | None = None
    provider_status: str | None = None
    progress: int | None = None
    model: str | None = None
    created_at: datetime | None = None
    completed_at: datetime | None = None
    expires_at: datetime | None = None
    url: str | None = None
    failure: Failure | None = None


def utc(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


CREATES = {
    "create-submitted.json": Reading(
        task_id="task_abc123",
        status=Status.QUEUED,
        provider_status="SUBMITTED",
        progress=0,
        model="doubao-seedance-2-0-fast",
        created_at=utc("2026-04-20 10:32:29"),
    ),
    "create-queued-seedance.json": Reading(
        task_id="task_abc123",
        status=Status.QUEUED,
        provider_status="queued",
        progress=0,
        model="doubao-seedance-2-0",
        created_at=utc("2026-04-20 10:32:29"),
    ),
    "create-queued-polling-guide.json": Reading(
        task_id="task_example",
        status=Status.QUEUED,
        provider_status="queued",
        progress=0,
        model="doubao-seedance-2-0",
        created_at=utc("2026-05-27 08:53:20"),
    ),
    "create-queued-sora.json": Reading(
        task_id=SORA_ID,
        status=Status.QUEUED,
        provider_status="queued",
        progress=0,
        model="sora-2",
        created_at=utc("2026-03-12 06:29:51"),
    ),
    "create-queued-veo.json": Reading(
        task_id=VEO_ID,
        status=Status.QUEUED,
        provider_status="queued",
        progress=0,
        # The service answers with the model that it resolved the alias to.
        model="veo_3_1-4K",
        created_at=utc("2026-03-12 06:33:49"),
    ),
    "create-queued-omni.json": Reading(
        task_id="task_example",
        status=Status.QUEUED,
        provider_status="queued",
        progress=0,
        model="omni-fast",
        created_at=utc("2026-05-28 03:15:52"),
    ),
    "create-queued-wan.json": Reading(
        task_id="task_example",
        status=Status.QUEUED,
        provider_status="queued",
        progress=0,
        model="wan2.6",
        created_at=utc("2026-05-28 03:15:52"),
    ),
    "create-queued-vidu.json": Reading(
        task_id="task_example",
        status=Status.QUEUED,
        provider_status="queued",
        progress=0,
        model="viduq3-turbo",
        created_at=utc("2026-05-28 03:15:52"),
    ),
    "ark-passthrough-create.json": Reading(task_id="021773297205999example"),
    "xai-create.json": Reading(task_id="e55813f7-911f-cfa8-208c-9c8e693b4d38"),
}

POLLS = {
    "get-submitted-uppercase.json": Reading(
        task_id="task_abc123",
        status=Status.QUEUED,
        provider_status="SUBMITTED",
        progress=0,
        model="doubao-seedance-2-0-fast",
        created_at=utc("2026-04-19 03:00:10"),
    ),
    "get-in-progress-uppercase.json": Reading(
        task_id="task_abc123",
        status=Status.RUNNING,
        provider_status="IN_PROGRESS",
        progress=45,
        model="doubao-seedance-2-0-fast",
        created_at=utc("2026-04-19 03:00:10"),
    ),
    "get-success-uppercase.json": Reading(
        task_id="task_abc123",
        status=Status.SUCCEEDED,
        provider_status="SUCCESS",
        progress=100,
        model="doubao-seedance-2-0-fast",
        created_at=utc("2026-04-19 03:00:10"),
        completed_at=utc("2026-04-19 03:02:24"),
        url=MP4,
    ),
    "get-failed-uppercase.json": Reading(
        task_id="task_abc123",
        status=Status.FAILED,
        provider_status="FAILED",
        progress=100,
        model="doubao-seedance-2-0-fast",
        created_at=utc("2026-04-19 03:00:10"),
        completed_at=utc("2026-04-19 03:02:24"),
        failure=REJECTED,
    ),
    "get-error-uppercase.json": Reading(
        task_id="task_abc123",
        status=Status.FAILED,
        provider_status="ERROR",
        progress=0,
        model="doubao-seedance-2-0-fast",
        created_at=utc("2026-04-19 03:00:10"),
        completed_at=utc("2026-04-19 03:02:24"),
        failure=INTERNAL,
    ),
    "get-in-progress-lowercase-completed-at-set.json": Reading(
        task_id="task_abc123",
        # A time of completion ends nothing.
        status=Status.RUNNING,
        provider_status="in_progress",
        progress=30,
        model="doubao-seedance-2-0",
        created_at=utc("2026-04-28 14:10:18"),
        completed_at=utc("2026-04-28 14:11:25"),
    ),
    "get-completed-lowercase.json": Reading(
        task_id="task_abc123",
        status=Status.SUCCEEDED,
        provider_status="completed",
        progress=100,
        model="doubao-seedance-2-0",
        created_at=utc("2026-04-28 14:10:18"),
        completed_at=utc("2026-04-28 14:12:32"),
        url=MP4,
    ),
    "get-failed-lowercase.json": Reading(
        task_id="task_abc123",
        status=Status.FAILED,
        provider_status="failed",
        progress=100,
        model="doubao-seedance-2-0",
        created_at=utc("2026-04-28 14:10:18"),
        completed_at=utc("2026-04-28 14:12:32"),
        failure=REJECTED,
    ),
    "get-error-lowercase.json": Reading(
        task_id="task_abc123",
        status=Status.FAILED,
        provider_status="error",
        progress=100,
        model="doubao-seedance-2-0",
        created_at=utc("2026-04-28 14:10:18"),
        completed_at=utc("2026-04-28 14:12:32"),
        failure=INTERNAL,
    ),
    "get-completed-polling-guide.json": Reading(
        task_id="task_example",
        status=Status.SUCCEEDED,
        provider_status="completed",
        progress=100,
        model="doubao-seedance-2-0",
        # Its video_url is a placeholder, and created_at is missing.
        completed_at=utc("2026-05-27 08:58:20"),
    ),
    "get-completed-omni.json": Reading(
        task_id="task_example",
        status=Status.SUCCEEDED,
        provider_status="completed",
        progress=100,
        model="omni-fast",
        created_at=utc("2026-05-28 03:15:52"),
        completed_at=utc("2026-05-28 03:16:59"),
    ),
    "get-in-progress-sora.json": Reading(
        task_id=SORA_ID,
        status=Status.RUNNING,
        provider_status="in_progress",
        progress=0,
        model="sora-2",
        created_at=utc("2026-03-12 06:29:51"),
    ),
    "get-queued-veo.json": Reading(
        task_id=VEO_ID,
        status=Status.QUEUED,
        provider_status="queued",
        progress=0,
        model="veo_3_1-4K",
        created_at=utc("2026-03-12 06:33:49"),
    ),
    "get-queued-wan.json": Reading(
        task_id="task_example",
        status=Status.QUEUED,
        provider_status="queued",
        progress=0,
        model="wan2.6",
        created_at=utc("2026-05-28 03:15:52"),
    ),
    "ark-passthrough-get-succeeded.json": Reading(
        task_id="021773297205999example",
        status=Status.SUCCEEDED,
        provider_status="succeeded",
        model="doubao-seedance-1-5-pro-251215",
        created_at=utc("2026-03-12 06:33:25"),
        url=MP4,
    ),
    "kling-get-processing.json": Reading(
        # Not the request_id, which differs, and not the top-level "SUCCEED".
        task_id="878106242831892487",
        status=Status.RUNNING,
        provider_status="processing",
        created_at=utc("2026-04-28 14:09:21.501"),
    ),
    "kling-omni-get-processing.json": Reading(
        task_id="878106484537192522",
        status=Status.RUNNING,
        provider_status="processing",
        created_at=utc("2026-04-28 14:10:19.126"),
    ),
    # No status at all while pending: the last state is kept.
    "xai-get-pending.json": Reading(task_id="f5f35814-953e-b094-5a2c-4a90014a58cb"),
    "xai-get-success-wrapped.json": Reading(
        task_id="4b2cd27e-0b0d-3dec-c31c-7572daf74bb3",
        status=Status.SUCCEEDED,
        provider_status="SUCCESS",
        progress=100,
        model="grok-imagine-video",
        created_at=utc("2026-03-12 06:30:02"),
        completed_at=utc("2026-03-12 06:30:14"),
        url=XAI_MP4,
    ),
    "runway-get-queued-wrapped.json": Reading(
        task_id="3d957031-9a2a-45e2-9dc7-bc8513059c50",
        status=Status.QUEUED,
        provider_status="QUEUED",
        progress=0,
        created_at=utc("2026-03-13 01:52:46"),
    ),
    "runway-get-succeeded.json": Reading(
        task_id="d0658ae1-bbdd-4adc-aaba-fd8070e14d79",
        status=Status.SUCCEEDED,
        provider_status="SUCCEEDED",
        created_at=utc("2026-05-01 12:47:47.351"),
        url="https://example.com/output.mp4",
    ),
}

CALLBACKS = {
    "webhook-completed-example.json": Reading(
        task_id="task_example",
        status=Status.SUCCEEDED,
        provider_status="completed",
        progress=100,
        url="https://example.com/result.mp4",
    ),
    "kling-callback.json": Reading(
        # The page prints the type's name in place of a value, so the word is unknown. The picture is no video.
        task_id="string",
        provider_status="string",
        created_at=utc("2024-08-04 11:05:57.708"),
        url="https://example.com/generated-video.mp4",
    ),
}


class Refusal(NamedTuple):
    """The canonical reading of one error answer."""

    http: int
    kind: ErrorKind
    code: str | None
    retryable: bool
    request_id: str | None = None


ERRORS = [
    (
        "error-400-model-name-required.json",
        Refusal(400, ErrorKind.INVALID_REQUEST, code=None, retryable=False, request_id="..."),
    ),
    (
        "error-400-task-not-exist-envelope.json",
        Refusal(400, ErrorKind.NOT_FOUND, code="invalid_request", retryable=False),
    ),
    (
        "error-400-task-not-exist-flat.json",
        Refusal(400, ErrorKind.NOT_FOUND, code="task_not_exist", retryable=False),
    ),
    (
        "error-401-invalid-token.json",
        Refusal(401, ErrorKind.AUTH, code=None, retryable=False, request_id="20260101000000000000000example"),
    ),
    (
        "error-500-malformed-request.json",
        Refusal(500, ErrorKind.INVALID_REQUEST, code="invalid_request", retryable=False, request_id="..."),
    ),
    (
        "error-503-model-not-found.json",
        Refusal(
            503,
            ErrorKind.UNSUPPORTED,
            code="model_not_found",
            retryable=False,
            request_id="20260205132859798638387SIHCnxzJ",
        ),
    ),
    (
        "error-envelope-invalid-request.json",
        Refusal(400, ErrorKind.INVALID_REQUEST, code="invalid_request", retryable=False),
    ),
    (
        "error-envelope-invalid-request.json",
        Refusal(500, ErrorKind.INVALID_REQUEST, code="invalid_request", retryable=False),
    ),
    ("error-envelope-older.json", Refusal(400, ErrorKind.INVALID_REQUEST, code=None, retryable=False)),
    ("error-envelope-older.json", Refusal(403, ErrorKind.AUTH, code=None, retryable=False)),
    ("error-envelope-older.json", Refusal(429, ErrorKind.RATE_LIMITED, code=None, retryable=True)),
    ("error-envelope-older.json", Refusal(500, ErrorKind.UNAVAILABLE, code=None, retryable=True)),
    ("error-envelope-older.json", Refusal(504, ErrorKind.UNAVAILABLE, code=None, retryable=True)),
    ("error-envelope-older.json", Refusal(524, ErrorKind.UNAVAILABLE, code=None, retryable=True)),
]

COAST = "A slow cinematic camera push across a coastal landscape at sunrise"

REQUESTS = {
    "create-request-seedance-old-form.json": VideoRequest(
        model="seedance-2-fast", prompt=COAST, duration=5, aspect_ratio="16:9", resolution="720p"
    ),
    "create-request-seedance-new-form.json": VideoRequest(
        model="seedance-2", prompt=COAST, duration=4, aspect_ratio="16:9"
    ),
    "create-request-polling-guide-form.json": VideoRequest(
        model="doubao-seedance-2-0", prompt="A cinematic shot of a paper airplane crossing a desk"
    ),
}

REMIXES = {
    "remix-request-sora.json": "Shift the color palette to teal, sand, and rust, with a warm backlight.",
}

DECLINED = {
    # The path is deprecated in favour of /v1/videos, and its options are words inside the prompt.
    "ark-passthrough-create-request.json",
}


def body(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def answer(name: str, status: int = 200) -> HttpResponse:
    return json_response(json.loads(body(name)), status)


def read(observation: Observation) -> Reading:
    return Reading(
        task_id=observation.task_id or "",
        status=observation.status,
        provider_status=observation.provider_status,
        progress=observation.progress,
        model=observation.model,
        created_at=observation.created_at,
        completed_at=observation.completed_at,
        expires_at=observation.expires_at,
        url=observation.videos[0].url.reveal() if observation.videos else None,
        failure=observation.failure,
    )


@pytest.mark.parametrize(("name", "expected"), CREATES.items(), ids=CREATES.keys())
def test_a_create_reads_as_written(name: str, expected: Reading) -> None:
    assert read(reading.read_create(COMET, answer(name), "")) == expected


@pytest.mark.parametrize(("name", "expected"), POLLS.items(), ids=POLLS.keys())
def test_a_poll_reads_as_written(name: str, expected: Reading) -> None:
    assert read(reading.read_retrieve(COMET, answer(name), "", expected.task_id)) == expected


@pytest.mark.parametrize(("name", "expected"), CALLBACKS.items(), ids=CALLBACKS.keys())
def test_a_callback_reads_as_written(name: str, expected: Reading) -> None:
    [observation] = reading.read_callback(COMET, (), body(name), verified=False)
    assert read(observation) == expected
    assert observation.source is Source.CALLBACK


@pytest.mark.parametrize(("name", "expected"), ERRORS)
def test_an_error_reads_as_written(name: str, expected: Refusal) -> None:
    error = reading.read_error(COMET, answer(name, expected.http))
    assert error.status == expected.http
    assert (error.kind, error.code) == (expected.kind, expected.code)
    assert (error.retryable, error.request_id) == (expected.retryable, expected.request_id)


@pytest.mark.parametrize(("name", "request_"), REQUESTS.items(), ids=REQUESTS.keys())
def test_a_request_is_written_as_exactly_these_form_fields(name: str, request_: VideoRequest) -> None:
    checked = check(request_, COMET.models, OnUnsupported.ERROR)
    wire = COMET.encode_create(checked.request, checked.spec)
    assert (wire.method, wire.path) == ("POST", "v1/videos")
    assert isinstance(wire.body, Multipart)
    assert dict(wire.body.fields) == json.loads(body(name))
    assert wire.body.files == ()


@pytest.mark.parametrize(("name", "prompt"), REMIXES.items(), ids=REMIXES.keys())
def test_a_remix_is_written_as_exactly_this_json(name: str, prompt: str) -> None:
    wire = COMET.encode_remix(SORA_ID, "", prompt, None)
    assert (wire.method, wire.path) == ("POST", f"v1/videos/{SORA_ID}/remix")
    assert isinstance(wire.body, bytes)
    assert json.loads(wire.body) == json.loads(body(name))


def test_every_sample_stands_in_exactly_one_table() -> None:
    tables = [CREATES, POLLS, CALLBACKS, {name for name, _ in ERRORS}, REQUESTS, REMIXES, DECLINED]
    listed = sorted(name for table in tables for name in table)
    assert listed == sorted(path.name for path in SAMPLES.glob("*.json"))
