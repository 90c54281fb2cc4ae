"""What no sample shows: every word, every place where a fact may stand, and every error code."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from reelway.errors import ErrorKind
from reelway.model.http import json_response
from reelway.model.observation import FailureKind, Observation, Status
from reelway.provider.reading import read_error, read_retrieve
from reelway_infinityblue import InfinityBlue

PROVIDER = InfinityBlue()

MAIN, GENERATIONS = "", "generations"
ROUTES = (MAIN, GENERATIONS)

URL = "https://cdn.example.com/v.mp4?sig=a%2Fb"
REASON = "The job was refused."
SECONDS = 1776681149
MOMENT = datetime(2026, 4, 20, 10, 32, 29, tzinfo=UTC)


def polled(document: Any, route: str = MAIN) -> Observation:
    return read_retrieve(PROVIDER, json_response(document), route, "task_1")


def record(**data: Any) -> dict[str, Any]:
    return {"code": "success", "data": {"task_id": "task_1"} | data}


@pytest.mark.parametrize(
    ("route", "path"), [(MAIN, "v1/videos/video%2F1"), (GENERATIONS, "v1/video/generations/video%2F1")]
)
def test_a_poll_asks_on_the_path_of_its_dialect(route: str, path: str) -> None:
    request = PROVIDER.encode_retrieve("video/1", route)
    assert (request.method, request.path, request.query) == ("GET", path, ())


WORDS = {
    Status.QUEUED: ("queued", "NOT_START", "SUBMITTED", "submitted", "pending"),
    Status.RUNNING: ("in_progress", "IN_PROGRESS", "in-progress", "processing", "running"),
    Status.SUCCEEDED: ("completed", "succeeded", "SUCCESS"),
    Status.FAILED: ("failed", "FAILURE"),
    Status.CANCELLED: ("cancelled",),
    Status.EXPIRED: ("expired",),
    None: ("unknown", "UNKNOWN", "canceled", "complete", "error", "done", ""),
}


@pytest.mark.parametrize(("status", "word"), [(status, word) for status, words in WORDS.items() for word in words])
@pytest.mark.parametrize("route", ROUTES)
def test_a_word_means_the_same_in_both_dialects(status: Status | None, word: str, route: str) -> None:
    assert polled({"id": "task_1", "status": word}, route).status is status
    assert polled(record(status=word), route).status is status


def test_the_upstreams_word_stands_in_where_nobody_knows_the_records() -> None:
    assert polled(record(status="UNKNOWN", data={"status": "running"}), GENERATIONS).status is Status.RUNNING
    assert polled(record(status="QUEUED", data={"status": "running"}), GENERATIONS).status is Status.QUEUED


@pytest.mark.parametrize("document", [{"id": "task_1"}, {"task_id": "task_1"}, {"data": {"task_id": "task_1"}}])
@pytest.mark.parametrize("route", ROUTES)
def test_the_id_is_found_wherever_it_stands(document: dict[str, Any], route: str) -> None:
    assert polled(document, route).task_id == "task_1"


@pytest.mark.parametrize("document", [{"progress": 40}, record(progress="40%")])
@pytest.mark.parametrize("route", ROUTES)
def test_the_progress_is_found_wherever_it_stands(document: dict[str, Any], route: str) -> None:
    assert polled(document, route).progress == 40


@pytest.mark.parametrize("document", [{"created_at": SECONDS}, record(submit_time=SECONDS)])
@pytest.mark.parametrize("route", ROUTES)
def test_the_time_of_the_beginning_is_found_wherever_it_stands(document: dict[str, Any], route: str) -> None:
    assert polled(document, route).created_at == MOMENT


@pytest.mark.parametrize(
    ("document", "route"),
    [
        ({"completed_at": SECONDS}, MAIN),
        ({"finished_at": SECONDS}, MAIN),
        (record(finish_time=SECONDS), MAIN),
        ({"completed_at": SECONDS}, GENERATIONS),
        (record(finish_time=SECONDS), GENERATIONS),
    ],
)
def test_the_time_of_the_end_is_found_wherever_it_stands(document: dict[str, Any], route: str) -> None:
    assert polled(document, route).completed_at == MOMENT


@pytest.mark.parametrize("document", [{"model": "veo_3_1"}, record(properties={"origin_model_name": "veo_3_1"})])
def test_the_model_of_a_generation_is_found_wherever_it_stands(document: dict[str, Any]) -> None:
    assert polled(document, GENERATIONS).model == "veo_3_1"


LINKS = [
    (MAIN, {"status": "completed", "metadata": {"url": URL}}),
    (MAIN, {"status": "completed", "url": URL}),
    (MAIN, record(status="SUCCESS", result_url=URL)),
    (MAIN, record(status="SUCCESS", data={"content": {"video_url": URL}})),
    (MAIN, record(status="SUCCESS", fail_reason=URL)),
    (GENERATIONS, {"status": "completed", "url": URL}),
    (GENERATIONS, {"status": "completed", "metadata": {"url": URL}}),
    (GENERATIONS, record(status="SUCCESS", url=URL)),
    (GENERATIONS, record(status="SUCCESS", result_url=URL)),
    (GENERATIONS, record(status="SUCCESS", data={"content": {"video_url": URL}})),
    (GENERATIONS, record(status="SUCCESS", fail_reason=URL)),
]


@pytest.mark.parametrize(("route", "document"), LINKS, ids=json.dumps)
def test_the_link_is_found_wherever_it_stands(route: str, document: dict[str, Any]) -> None:
    observation = polled(document, route)
    assert observation.status is Status.SUCCEEDED
    assert [video.url.reveal() for video in observation.videos] == [URL]
    assert observation.failure is None


REASONS = [
    (MAIN, {"status": "failed", "error": {"message": REASON}}),
    (MAIN, {"status": "failed", "error": REASON}),
    (MAIN, {"status": "failed", "fail_reason": REASON}),
    (MAIN, record(status="FAILURE", fail_reason=REASON)),
    (MAIN, {"status": "failed", "metadata": {"url": REASON}}),
    (GENERATIONS, {"status": "failed", "error": {"message": REASON}}),
    (GENERATIONS, {"status": "failed", "error": REASON}),
    (GENERATIONS, record(status="FAILURE", error={"message": REASON})),
    (GENERATIONS, record(status="FAILURE", fail_reason=REASON)),
]


@pytest.mark.parametrize(("route", "document"), REASONS, ids=json.dumps)
def test_the_reason_of_a_bad_end_is_found_wherever_it_stands(route: str, document: dict[str, Any]) -> None:
    failure = polled(document, route).failure
    assert failure is not None
    assert failure.message == REASON


CODES = [
    (MAIN, {"status": "failed", "error": {"code": "upstream_error"}}),
    (GENERATIONS, {"status": "failed", "error": {"code": "upstream_error"}}),
    (GENERATIONS, record(status="FAILURE", error={"code": "upstream_error"})),
    (GENERATIONS, record(status="FAILURE", data={"error": {"code": "upstream_error"}})),
]


@pytest.mark.parametrize(("route", "document"), CODES, ids=json.dumps)
def test_the_code_of_a_bad_end_is_found_wherever_it_stands(route: str, document: dict[str, Any]) -> None:
    failure = polled(document, route).failure
    assert failure is not None
    assert (failure.code, failure.kind) == ("upstream_error", FailureKind.INTERNAL)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("content_policy_violation", FailureKind.MODERATION),
        ("InputTextSensitiveContentDetected", FailureKind.MODERATION),
        ("upstream_timeout", FailureKind.TIMEOUT),
        ("generation_failed", FailureKind.INTERNAL),
        ("out_of_luck", FailureKind.UNKNOWN),
    ],
)
def test_the_code_of_a_bad_end_tells_its_kind(code: str, kind: FailureKind) -> None:
    failure = polled({"status": "failed", "error": {"code": code, "message": REASON}}).failure
    assert failure is not None
    assert failure.kind is kind


@pytest.mark.parametrize("status", [400, 500])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("invalid_duration", ErrorKind.INVALID_REQUEST),
        ("invalid_api_key", ErrorKind.AUTH),
        ("expired_api_key", ErrorKind.AUTH),
        ("api_key_disabled", ErrorKind.AUTH),
        ("content_policy_violation", ErrorKind.INVALID_REQUEST),
        ("missing_required_parameter", ErrorKind.INVALID_REQUEST),
        ("invalid_parameter", ErrorKind.INVALID_REQUEST),
        ("model_not_accessible", ErrorKind.AUTH),
        ("region_not_available", ErrorKind.AUTH),
        ("resource_not_found", ErrorKind.NOT_FOUND),
        ("concurrent_requests_exceeded", ErrorKind.RATE_LIMITED),
        ("upstream_timeout", ErrorKind.UPSTREAM),
        ("upstream_error", ErrorKind.UPSTREAM),
        ("service_unavailable", ErrorKind.UNAVAILABLE),
    ],
)
def test_an_error_code_means_one_thing_whatever_the_status_beside_it(
    code: str, kind: ErrorKind, status: int
) -> None:
    envelope = {"error": {"code": code, "message": REASON}}
    assert read_error(PROVIDER, json_response(envelope, status)).kind is kind
