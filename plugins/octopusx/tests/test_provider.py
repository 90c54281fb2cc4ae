"""What is OctopusX's own: three routes, remixes, links that lead nowhere, errors, and answers of other builds."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reelway.errors import ErrorKind, NotSupported, ProviderError
from reelway.model.http import HttpRequest, HttpResponse, json_response
from reelway.model.lifecycle import advance
from reelway.model.observation import Failure, FailureKind, Observation, Status
from reelway.model.task import Task, TaskRef
from reelway.provider.interface import Capability
from reelway.provider.reading import read_answer, read_callback, read_create, read_error, read_retrieve
from reelway_octopusx import OctopusX, reelway_providers

PROVIDER = OctopusX()
SAMPLES = Path(__file__).parent / "samples"

MAIN, GENERATIONS, UNIFIED = "", "generations", "unified"
ROUTES = (MAIN, GENERATIONS, UNIFIED)

COLON_ID = "sora-2:task_01k9008rhbefnt3rb1g9szxdwr"
QUOTED = "sora-2%3Atask_01k9008rhbefnt3rb1g9szxdwr"
LINK = "https://example.com/video.mp4"
NOW = datetime(2026, 9, 1, tzinfo=UTC)


def polled(document: Any, route: str = GENERATIONS, task_id: str = "task_1") -> Observation:
    return read_retrieve(PROVIDER, json_response(document), route, task_id)


def record(**data: Any) -> dict[str, Any]:
    return {"code": "success", "data": {"task_id": "task_1"} | data}


def links(observation: Observation) -> list[str]:
    return [video.url.reveal() for video in observation.videos]


def test_the_distribution_brings_one_provider() -> None:
    assert [provider.info.name for provider in reelway_providers()] == ["octopusx"]


def test_the_service_is_asked_every_fifteen_to_thirty_seconds() -> None:
    assert (PROVIDER.info.cadence.minimum, PROVIDER.info.cadence.maximum) == (15, 30)


def test_it_can_do_what_is_documented_and_no_more() -> None:
    assert PROVIDER.info.capabilities == {Capability.CONTENT, Capability.REMIX, Capability.CALLBACKS}
    with pytest.raises(NotSupported):
        PROVIDER.encode_cancel("task_1", MAIN)


# Routes

POLLS = {
    MAIN: HttpRequest(method="GET", path=f"v1/videos/{QUOTED}"),
    GENERATIONS: HttpRequest(method="GET", path=f"v1/video/generations/{QUOTED}"),
    # The transport quotes query values.
    UNIFIED: HttpRequest(method="GET", path="v1/video/query", query=(("id", COLON_ID),)),
}


@pytest.mark.parametrize("route", ROUTES)
def test_a_poll_asks_on_the_path_of_its_dialect(route: str) -> None:
    assert PROVIDER.encode_retrieve(COLON_ID, route) == POLLS[route]


@pytest.mark.parametrize("route", ROUTES)
def test_the_content_route_serves_every_dialect(route: str) -> None:
    expected = HttpRequest(method="GET", path=f"v1/videos/{QUOTED}/content")
    assert PROVIDER.encode_content(COLON_ID, route) == expected


def test_a_route_that_nobody_knows_is_told_with_those_that_there_are() -> None:
    with pytest.raises(ProviderError, match="has no route 'elsewhere'; it has: generations, unified"):
        PROVIDER.encode_retrieve("task_1", "elsewhere")


SAME = ["get-completed-doubao", "generations-seedance2-get-success", "unified-sora-query-pending"]


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("route", ROUTES)
def test_an_answer_says_the_same_on_every_path(name: str, route: str) -> None:
    answer = HttpResponse(status=200, body=(SAMPLES / f"{name}.json").read_bytes())
    assert read_answer(PROVIDER, answer, route) == read_answer(PROVIDER, answer, MAIN)


# Remix


def test_a_remix_names_the_task_in_the_path_and_the_model_in_the_body() -> None:
    request = PROVIDER.encode_remix("grok:1", MAIN, "into the sea", "veo_3_1-extend")
    assert (request.method, request.path) == ("POST", "v1/videos/grok%3A1/remix")
    assert isinstance(request.body, bytes)
    assert json.loads(request.body) == {"prompt": "into the sea", "model": "veo_3_1-extend"}


@pytest.mark.parametrize("route", [GENERATIONS, UNIFIED])
def test_a_remix_is_offered_in_the_first_dialect_only(route: str) -> None:
    with pytest.raises(NotSupported):
        PROVIDER.encode_remix("task_1", route, "into the sea", "grok-video-3")


# Words

WORDS = {
    Status.QUEUED: ["queued", "pending", "SUBMITTED", "QUEUED", "NOT_START"],
    Status.RUNNING: ["processing", "in_progress", "running", "IN_PROGRESS", "in-progress"],
    Status.SUCCEEDED: ["completed", "succeeded", "SUCCESS"],
    Status.FAILED: ["failed", "FAILURE"],
    Status.CANCELLED: ["cancelled"],
    Status.EXPIRED: ["expired"],
    None: ["unknown", "UNKNOWN", "canceled", "complete", "succes", "error", "ſuccess", ""],
}


@pytest.mark.parametrize(("status", "word"), [(status, word) for status in WORDS for word in WORDS[status]])
@pytest.mark.parametrize("route", ROUTES)
def test_a_word_means_the_same_in_every_dialect(status: Status | None, word: str, route: str) -> None:
    assert polled({"task_id": "task_1", "status": word}, route).status is status


INNER_WORDS = [
    ("IN_PROGRESS", "succeeded", Status.RUNNING),
    ("IN_PROGRESS", "expired", Status.RUNNING),
    ("FAILURE", "running", Status.FAILED),
    ("UNKNOWN", "running", Status.RUNNING),
    ("MODERATING", "running", Status.RUNNING),
    ("MODERATING", "succeeded", None),
    ("UNKNOWN", "failed", None),
    ("UNKNOWN", "unknown", None),
    ("MODERATING", None, None),
]


@pytest.mark.parametrize(("outer", "inner", "status"), INNER_WORDS)
def test_the_inner_word_counts_only_where_nobody_knows_the_outer_and_ends_nothing(
    outer: str, inner: str | None, status: Status | None
) -> None:
    assert polled(record(status=outer, data={"status": inner})).status is status


def test_of_two_unknown_words_the_outer_is_kept() -> None:
    assert polled(record(status="MODERATING", data={"status": "odd"})).provider_status == "MODERATING"


def test_an_expired_job_ran_out_of_time() -> None:
    assert polled({"id": "task_1", "status": "expired"}).failure == Failure(kind=FailureKind.TIMEOUT)


# Answers without a word, an id or a task


def test_a_create_that_answers_an_id_alone_is_followed() -> None:
    seen = read_create(PROVIDER, json_response({"task_id": "cgt-1"}), GENERATIONS)
    task = Task.new(TaskRef("octopusx", "default", GENERATIONS, "cgt-1"), NOW)
    after, _ = advance(task, seen, NOW)
    assert (after.status, after.final) == (Status.QUEUED, False)


def test_of_two_ids_the_first_is_the_task_and_the_other_the_upstreams() -> None:
    # /en/videos/grok/unified-generation
    document = {
        "id": "grok:48a67431-0708-46d1-9ab9-83cb84700153",
        "status": "processing",
        "status_update_time": 1762780400,
        "task_id": "48038932-0ff5-4251-8b4b-7a76c09fd114",
        "created_at": "2025-11-08T23:07:57.510141923+08:00",
    }
    assert read_create(PROVIDER, json_response(document), UNIFIED).task_id == document["id"]


NO_TASK: list[Any] = [
    {"code": "success", "data": None},
    {"code": "success", "message": "", "data": {}},
    {"code": "success", "data": {"id": 6, "progress": "100%"}},
    {"video_url": LINK, "progress": 100},
    {},
    [],
    None,
]


@pytest.mark.parametrize("document", NO_TASK)
@pytest.mark.parametrize("route", ROUTES)
def test_an_answer_without_a_task_is_unreadable(document: Any, route: str) -> None:
    with pytest.raises(ProviderError) as caught:
        polled(document, route)
    assert (caught.value.kind, caught.value.retryable) == (ErrorKind.PROTOCOL, True)


@pytest.mark.parametrize("document", NO_TASK)
def test_a_create_without_a_task_is_unreadable(document: Any) -> None:
    with pytest.raises(ProviderError):
        read_create(PROVIDER, json_response(document), MAIN)


# Links


def test_the_upstreams_link_comes_before_the_gateways() -> None:
    document = record(status="SUCCESS", result_url="https://octopusx.ai/x", data={"content": {"video_url": LINK}})
    assert links(polled(document)) == [LINK]


LINKS = [
    record(status="SUCCESS", result_url=LINK),
    record(status="SUCCESS", fail_reason=LINK),
    record(status="succeeded", url=LINK),
    {"id": "task_1", "status": "completed", "metadata": {"url": LINK}},
    {"id": "task_1", "status": "completed", "video_url": "", "metadata": {"url": LINK}},
    {"id": "task_1", "status": "completed", "data": [{"url": LINK}]},
]


@pytest.mark.parametrize("document", LINKS)
def test_a_link_is_found_wherever_it_stands(document: dict[str, Any]) -> None:
    seen = polled(document)
    assert (links(seen), seen.failure) == ([LINK], None)


def test_a_link_to_the_gateways_own_content_route_is_kept() -> None:
    own = "https://octopusx.ai/v1/videos/task_1/content"
    assert links(polled(record(status="succeeded", url=own))) == [own]


@pytest.mark.parametrize("place", ["url", "result_url"])
def test_a_link_from_an_unset_address_leaves_the_content_route(place: str) -> None:
    unset = "http://localhost:3000/v1/videos/task_1/content"
    seen = polled(record(status="SUCCESS") | {"data": {"task_id": "task_1", "status": "SUCCESS", place: unset}})
    assert (seen.status, links(seen)) == (Status.SUCCEEDED, [])
    assert PROVIDER.encode_content("task_1", GENERATIONS).path == "v1/videos/task_1/content"


def test_a_file_on_that_address_is_a_file() -> None:
    local = "http://localhost:3000/files/1.mp4"
    assert links(polled(record(status="SUCCESS", url=local))) == [local]


# Failures

FAILURES: list[tuple[dict[str, Any], Failure]] = [
    ({"id": "task_1", "status": "failed", "error": "too dark"}, Failure(message="too dark")),
    (record(status="FAILURE", fail_reason="too dark"), Failure(message="too dark")),
    (record(status="FAILURE", fail_reason="", result_url="too dark"), Failure(message="too dark")),
    (record(status="failed", error="too dark"), Failure(message="too dark")),
    (
        record(status="failed", error={"code": "4711", "message": "too dark"}),
        Failure(code="4711", message="too dark"),
    ),
    (
        record(
            status="FAILURE",
            data={"error": {"code": "InputTextSensitiveContentDetected", "message": "too dark"}},
        ),
        Failure(kind=FailureKind.MODERATION, code="InputTextSensitiveContentDetected", message="too dark"),
    ),
    (record(status="FAILURE", fail_reason="任务超时（1440分钟）"), Failure(message="任务超时（1440分钟）")),
    ({"id": "task_1", "status": "failed", "metadata": {"url": "too dark"}}, Failure(message="too dark")),
    ({"id": "task_1", "status": "failed", "error": {"message": "", "code": ""}}, Failure()),
    ({"id": "task_1", "status": "failed"}, Failure()),
]


@pytest.mark.parametrize(("document", "failure"), FAILURES)
def test_the_reason_is_found_wherever_it_stands(document: dict[str, Any], failure: Failure) -> None:
    seen = polled(document)
    assert (seen.status, links(seen), seen.failure) == (Status.FAILED, [], failure)


# The newest build of the gateway


def test_a_bare_record_is_read_on_the_first_dialects_path() -> None:
    document = {
        "task_id": "task_1",
        "status": "SUCCESS",
        "progress": "100%",
        "created_at": 1776681149,
        "finished_at": 1776681300,
        "fail_reason": "",
        "platform": "54",
    }
    assert polled(document, MAIN) == Observation(
        task_id="task_1",
        provider_status="SUCCESS",
        status=Status.SUCCEEDED,
        progress=100,
        provider_progress="100%",
        created_at=datetime(2026, 4, 20, 10, 32, 29, tzinfo=UTC),
        completed_at=datetime(2026, 4, 20, 10, 35, tzinfo=UTC),
    )


def test_a_bare_record_tells_why_it_failed() -> None:
    document = {"task_id": "task_1", "status": "FAILURE", "progress": "100%", "fail_reason": "too dark"}
    assert polled(document, MAIN).failure == Failure(message="too dark")


@pytest.mark.parametrize(
    "document",
    [
        {"id": "task_1", "model": "sora-2"},
        record(properties={"origin_model_name": "sora-2"}, data={"model": "upstream"}),
        record(data={"model": "sora-2"}),
    ],
)
def test_the_model_is_found_wherever_it_stands(document: dict[str, Any]) -> None:
    assert polled(document).model == "sora-2"


# Times


@pytest.mark.parametrize(
    ("written", "created_at"),
    [
        ("2025-11-08T23:07:57.510141923+08:00", datetime(2025, 11, 8, 15, 7, 57, 510141, tzinfo=UTC)),
        (1762010621, datetime(2025, 11, 1, 15, 23, 41, tzinfo=UTC)),
        (1762010621000, datetime(2025, 11, 1, 15, 23, 41, tzinfo=UTC)),
        (0, None),
        ("", None),
    ],
)
def test_a_time_is_read_however_it_is_written(written: Any, created_at: datetime | None) -> None:
    document = {"id": "task_1", "status": "pending", "created_at": written, "status_update_time": 1762010700}
    assert polled(document, UNIFIED).created_at == created_at


@pytest.mark.parametrize(("written", "percent"), [("0", 0), ("50%", 50), (50, 50), ("", None), (None, None)])
def test_progress_is_read_however_it_is_written(written: Any, percent: int | None) -> None:
    assert polled(record(status="IN_PROGRESS", progress=written)).progress == percent


# Errors

SATURATED = "当前分组上游负载已饱和，请稍后再试"
NO_CHANNEL = "No available channel for model X under group Y (distributor) (request id: 2026)"


def flat(code: str, message: str = "") -> dict[str, Any]:
    return {"code": code, "message": message, "data": None}


def nested(message: str, code: str | None = "", kind: str = "new_api_error") -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "type": kind}}


ERRORS: list[tuple[int, dict[str, Any] | None, ErrorKind, str | None]] = [
    *(
        (400, flat(code, "prompt is required"), ErrorKind.INVALID_REQUEST, code)
        for code in (
            "invalid_request",
            "missing_model",
            "invalid_seconds",
            "invalid_size",
            "invalid_json",
            "invalid_multipart_form",
        )
    ),
    (400, flat("task_not_exist", "task_origin_not_exist"), ErrorKind.NOT_FOUND, "task_not_exist"),
    (404, nested("Invalid URL (DELETE /v1/videos/x)"), ErrorKind.UNSUPPORTED, None),
    (403, flat("pre_consume_token_quota_failed"), ErrorKind.QUOTA, "pre_consume_token_quota_failed"),
    (403, None, ErrorKind.AUTH, None),
    (429, flat("", SATURATED), ErrorKind.RATE_LIMITED, None),
    (429, None, ErrorKind.RATE_LIMITED, None),
    (503, nested(NO_CHANNEL, "model_not_found"), ErrorKind.UNSUPPORTED, "model_not_found"),
    (503, None, ErrorKind.UNAVAILABLE, None),
    (410, None, ErrorKind.NOT_FOUND, None),
    *(
        (status, flat("fail_to_fetch_task", "{}"), ErrorKind.INVALID_REQUEST, "fail_to_fetch_task")
        for status in (400, 413, 422)
    ),
    *(
        (status, flat("fail_to_fetch_task", "{}"), ErrorKind.UPSTREAM, "fail_to_fetch_task")
        for status in (401, 403, 404, 500, 502, 503)
    ),
    (429, flat("fail_to_fetch_task", SATURATED), ErrorKind.RATE_LIMITED, "fail_to_fetch_task"),
]


@pytest.mark.parametrize(("status", "document", "kind", "code"), ERRORS)
def test_an_error_means_what_its_status_and_code_say(
    status: int, document: dict[str, Any] | None, kind: ErrorKind, code: str | None
) -> None:
    response = HttpResponse(status=status) if document is None else json_response(document, status)
    error = read_error(PROVIDER, response)
    assert (error.kind, error.code, error.status) == (kind, code, status)


def test_an_error_names_the_request() -> None:
    headers = (("X-Oneapi-Request-Id", "2026"),)
    assert read_error(PROVIDER, HttpResponse(status=429, headers=headers)).request_id == "2026"
    assert read_error(PROVIDER, json_response(nested(NO_CHANNEL, "model_not_found"), 503)).request_id == "2026"


def test_a_model_that_nobody_serves_is_known_to_have_created_nothing() -> None:
    assert (503, "model_not_found") in PROVIDER.info.nothing_created


def test_an_unknown_task_is_an_observation_and_an_unknown_call_is_an_error() -> None:
    unknown = json_response(flat("task_not_exist", "task_not_exist"), 400)
    assert read_retrieve(PROVIDER, unknown, MAIN, "task_1").not_found
    with pytest.raises(ProviderError) as caught:
        read_retrieve(PROVIDER, json_response(nested("Invalid URL (GET /v1)"), 404), MAIN, "task_1")
    assert caught.value.kind is ErrorKind.UNSUPPORTED


# Callbacks


@pytest.mark.parametrize("word", ["queued", "running", "succeeded", "failed", "expired", "cancelled"])
def test_a_callback_is_the_upstreams_object_and_proves_nothing(word: str) -> None:
    document = {"id": "cgt-1", "status": word, "error": None, "content": {"video_url": LINK}}
    [seen] = read_callback(PROVIDER, (), json.dumps(document).encode(), verified=False)
    assert (seen.task_id, seen.provider_status, links(seen)) == ("cgt-1", word, [LINK])
    task = Task.new(TaskRef("octopusx", "default", GENERATIONS, "task_1"), NOW)
    assert advance(task, seen, NOW) == (task, ())
    assert not PROVIDER.verify_callback((), b"{}", "secret", NOW)
