"""The calls beside create, callbacks, errors, and everywhere a fact may stand."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reelway.errors import ErrorKind, ProviderError
from reelway.model.http import HttpResponse, json_response
from reelway.model.observation import FailureKind, Observation, Status
from reelway.provider import reading
from reelway.provider.interface import Capability
from reelway.provider.registry import Registry
from reelway.provider.simulator import Simulator
from reelway_cometapi import CometApi

COMET = CometApi()
SAMPLES = Path(__file__).parent / "samples"
URL = "https://cdn.example.com/v.mp4?sig=a%2Fb"
REASON = "The job was refused."


def poll(document: Any, task_id: str = "task_1") -> Observation:
    return reading.read_retrieve(COMET, json_response(document), "", task_id)


def link_of(observation: Observation) -> str | None:
    return observation.videos[0].url.reveal() if observation.videos else None


def called_back(document: Any) -> Observation:
    [observation] = reading.read_callback(COMET, (), json.dumps(document).encode(), verified=False)
    return observation


def error(document: Any, status: int) -> ProviderError:
    return reading.read_error(COMET, json_response(document, status))


def test_it_is_found_by_its_name() -> None:
    assert isinstance(Registry.installed().get("cometapi"), CometApi)


def test_it_says_what_it_is() -> None:
    assert COMET.info.base_url == "https://api.cometapi.com"
    assert COMET.info.key_variable == "COMETAPI_KEY"
    assert (COMET.info.cadence.minimum, COMET.info.cadence.maximum) == (10, 20)
    assert COMET.info.capabilities == {Capability.CONTENT, Capability.REMIX, Capability.CALLBACKS}
    assert isinstance(COMET.simulator(), Simulator)


@pytest.mark.parametrize("model", ["doubao-seedance-2-0", "sora-2", "veo3-fast", "nobody-knows"])
def test_all_models_share_one_path(model: str) -> None:
    assert COMET.route(model) == ""


@pytest.mark.parametrize(
    ("variant", "query"), [("video", ()), ("thumbnail", (("variant", "thumbnail"),))], ids=["video", "thumbnail"]
)
def test_the_content_route_names_a_variant_only_where_it_is_not_the_video(
    variant: str, query: tuple[tuple[str, str], ...]
) -> None:
    wire = COMET.encode_content("task_1", "", variant)
    assert (wire.method, wire.path, wire.query) == ("GET", "v1/videos/task_1/content", query)


def test_a_remix_names_the_task_in_the_path() -> None:
    request = COMET.encode_remix("video/1", "", "in teal", None)
    assert (request.method, request.path) == ("POST", "v1/videos/video%2F1/remix")


def test_a_remix_reads_like_a_create_and_names_a_task_of_its_own() -> None:
    document = {
        "id": "video_2",
        "object": "video",
        "model": "sora-2",
        "status": "queued",
        "progress": 0,
        "created_at": 1773296991,
        "remixed_from_video_id": "video_1",
    }
    observation = reading.read_create(COMET, json_response(document), "")
    assert (observation.task_id, observation.status) == ("video_2", Status.QUEUED)


WORDS = {
    Status.QUEUED: ("SUBMITTED", "queued", "QUEUED", "pending", "PENDING", "waiting", "NOT_START", "submitted"),
    Status.RUNNING: (
        "IN_PROGRESS",
        "in_progress",
        "In Progress",
        "in-progress",
        "processing",
        "running",
        "RUNNING",
    ),
    Status.SUCCEEDED: ("SUCCESS", "success", "completed", "succeeded", "SUCCEEDED", "succeed", "done"),
    Status.FAILED: ("FAILED", "failed", "FAILURE", "failure", "ERROR", "error"),
    Status.CANCELLED: ("cancelled", "CANCELLED"),
    Status.EXPIRED: ("expired",),
    None: ("unknown", "UNKNOWN", "archiving", "completed!", "successful", "fail", "string"),
}


@pytest.mark.parametrize(("word", "status"), [(word, status) for status, words in WORDS.items() for word in words])
def test_a_word_means_one_thing(word: str, status: Status | None) -> None:
    observation = poll({"id": "task_1", "status": word})
    assert (observation.status, observation.provider_status) == (status, word)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("failed", FailureKind.REJECTED),
        ("FAILED", FailureKind.REJECTED),
        ("error", FailureKind.INTERNAL),
        ("ERROR", FailureKind.INTERNAL),
        ("FAILURE", FailureKind.UNKNOWN),
    ],
)
def test_the_word_of_a_bad_end_tells_its_kind(word: str, kind: FailureKind) -> None:
    failure = poll({"id": "task_1", "status": word}).failure
    assert failure is not None
    assert failure.kind is kind


def test_a_code_tells_the_kind_better_than_the_word() -> None:
    said = {"code": "InputTextSensitiveContentDetected", "message": REASON}
    failure = poll({"id": "task_1", "status": "failed", "error": said}).failure
    assert failure is not None
    assert (failure.kind, failure.message) == (FailureKind.MODERATION, REASON)


@pytest.mark.parametrize(
    "document",
    [
        {"status": "failed", "error": {"code": "x", "message": REASON}},
        {"status": "failed", "error": REASON},
        {"status": "FAILED", "failure": REASON, "failureCode": "x"},
        {"status": "failed", "fail_reason": REASON},
        {"task_status": "failed", "task_status_msg": REASON},
        {"code": 0, "data": {"task_status": "failed", "task_status_msg": REASON}},
        {"code": "success", "data": {"status": "FAILURE", "fail_reason": REASON}},
        {"code": "success", "data": {"status": "FAILURE", "error": {"message": REASON}}},
        {"code": "success", "data": {"status": "FAILURE", "data": {"error": {"message": REASON}}}},
        {"code": "success", "data": {"status": "FAILURE", "data": {"failure": REASON}}},
    ],
)
def test_the_reason_of_a_bad_end_is_found(document: dict[str, Any]) -> None:
    failure = poll(document).failure
    assert failure is not None
    assert failure.message == REASON


@pytest.mark.parametrize(
    "document",
    [
        {"status": "failed", "error": {"code": "out_of_luck"}},
        {"status": "FAILED", "failureCode": "out_of_luck"},
        {"code": "success", "data": {"status": "FAILURE", "error": {"code": "out_of_luck"}}},
        {"code": "success", "data": {"status": "FAILURE", "data": {"error": {"code": "out_of_luck"}}}},
        {"code": "success", "data": {"status": "FAILURE", "data": {"failureCode": "out_of_luck"}}},
    ],
)
def test_the_code_of_a_bad_end_is_found(document: dict[str, Any]) -> None:
    failure = poll(document).failure
    assert failure is not None
    assert failure.code == "out_of_luck"


@pytest.mark.parametrize(
    "document",
    [
        {"status": "completed", "completed_at": 1776681149},
        {"status": "completed", "finished_at": 1776681149},
        {"code": "success", "data": {"status": "SUCCESS", "finish_time": 1776681149}},
    ],
)
def test_the_time_of_the_end_is_found(document: dict[str, Any]) -> None:
    assert poll(document).completed_at == datetime(2026, 4, 20, 10, 32, 29, tzinfo=UTC)


LINKS = [
    {"status": "completed", "video_url": URL},
    {"status": "completed", "result": {"video_url": URL}},
    {"status": "succeeded", "output": [URL]},
    {"status": "completed", "metadata": {"url": URL}},
    {"status": "succeeded", "url": URL},
    {"status": "succeeded", "content": {"video_url": URL}},
    {"status": "done", "video": {"url": URL}},
    {"task_status": "succeed", "task_result": {"videos": [{"url": URL}]}},
    {"code": 0, "data": {"task_status": "succeed", "task_result": {"videos": [{"url": URL}]}}},
    {"code": "success", "data": {"status": "SUCCESS", "fail_reason": URL}},
    {"code": "success", "data": {"status": "SUCCESS", "result_url": URL, "fail_reason": ""}},
    {"code": "success", "data": {"status": "SUCCESS", "data": {"content": {"video_url": URL}}}},
    {"code": "success", "data": {"status": "SUCCESS", "data": {"video": {"url": URL}}}},
    {"code": "success", "data": {"status": "SUCCESS", "data": {"output": [URL]}}},
]


@pytest.mark.parametrize("document", LINKS, ids=json.dumps)
def test_the_link_is_found_wherever_it_stands(document: dict[str, Any]) -> None:
    observation = poll(document)
    assert observation.status is Status.SUCCEEDED
    assert link_of(observation) == URL
    assert observation.failure is None


@pytest.mark.parametrize("slot", ["", "<generated-video-url>", "the upstream timed out", "/v/1.mp4", None, 7, []])
def test_what_is_no_link_is_passed_over(slot: Any) -> None:
    assert link_of(poll({"status": "completed", "video_url": slot})) is None
    assert link_of(poll({"status": "completed", "video_url": slot, "metadata": {"url": URL}})) == URL


def test_a_success_without_a_link_is_a_success() -> None:
    observation = poll({"id": "task_1", "status": "completed"})
    assert (observation.status, observation.videos) == (Status.SUCCEEDED, ())


def test_a_wrapped_record_is_read_by_its_own_id_word_and_times() -> None:
    record = {
        "id": 6,
        "task_id": "task_1",
        "status": "IN_PROGRESS",
        "fail_reason": "",
        "submit_time": 1776681149,
        "start_time": 1776681165,
        "finish_time": 0,
        "progress": "50%",
        "properties": {"origin_model_name": "doubao-seedance-2-0"},
        "data": {"id": "cgt-20260420183229-abcde", "model": "upstream", "status": "succeeded"},
    }
    observation = poll({"code": "success", "message": "", "data": record})
    assert (observation.task_id, observation.status) == ("task_1", Status.RUNNING)
    assert (observation.progress, observation.provider_progress) == (50, "50%")
    assert observation.model == "doubao-seedance-2-0"
    assert observation.created_at == datetime(2026, 4, 20, 10, 32, 29, tzinfo=UTC)
    assert observation.completed_at is None


def test_the_inner_word_stands_in_only_where_nobody_knows_the_outer() -> None:
    observation = poll({"code": "success", "data": {"status": "NEW_WORD", "data": {"status": "PENDING"}}})
    assert (observation.status, observation.provider_status) == (Status.QUEUED, "PENDING")


@pytest.mark.parametrize(
    "document",
    [
        {"code": 0, "message": "SUCCEED", "request_id": "call", "data": {}},
        {"code": 1200, "message": "no such model", "request_id": "call"},
        {"error": {"message": "busy"}, "request_id": "call"},
        {"id": 6, "status": "queued"},
        {"code": "success", "data": {"id": 6}},
        {"id": "..", "status": "queued"},
    ],
)
def test_neither_a_calls_id_nor_a_row_number_is_taken_for_a_task(document: dict[str, Any]) -> None:
    with pytest.raises(ProviderError, match="no usable task id"):
        reading.read_create(COMET, json_response(document), "")


def test_the_tasks_id_is_believed_before_that_of_the_call() -> None:
    document = {
        "code": 0,
        "request_id": "call",
        "data": {"task_id": "878106242831892487", "task_status": "submitted"},
    }
    assert reading.read_create(COMET, json_response(document), "").task_id == "878106242831892487"
    assert poll({"request_id": "call", "task_id": "task_1", "status": "queued"}).task_id == "task_1"


def test_a_callback_names_the_task_before_anything_else() -> None:
    observation = called_back({"id": "evt_9", "task_id": "task_1", "status": "completed"})
    assert (observation.task_id, observation.status) == ("task_1", Status.SUCCEEDED)
    assert observation.verified is False


def test_a_callback_may_name_the_task_by_id_alone() -> None:
    assert called_back({"id": "task_1", "status": "failed"}).task_id == "task_1"


def test_a_callback_may_wrap_the_record_of_the_task() -> None:
    said = called_back({"code": "success", "data": {"task_id": "task_1", "status": "SUCCESS"}})
    assert (said.task_id, said.status) == ("task_1", Status.SUCCEEDED)


def test_a_callback_of_kling_is_read_with_its_reason_and_its_milliseconds() -> None:
    observation = called_back(
        {
            "task_id": "878106242831892487",
            "task_status": "failed",
            "task_status_msg": REASON,
            "created_at": 1722769557708,
            "updated_at": 1722769557708,
            "task_result": {},
        }
    )
    assert observation.status is Status.FAILED
    assert observation.failure is not None
    assert observation.failure.message == REASON
    assert observation.created_at == datetime(2024, 8, 4, 11, 5, 57, 708000, tzinfo=UTC)


def envelope(message: str, code: str = "") -> dict[str, Any]:
    return {"error": {"message": message, "type": "comet_api_error", "param": "", "code": code}}


def flat(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "data": None}


SATURATED = "当前分组上游负载已饱和，请稍后再试 (request id: 2026)"
R2V = "the specified task_type r2v does not support model seedance-1-5-pro"

ERRORS = [
    (400, envelope("task_not_exist"), ErrorKind.NOT_FOUND),
    (400, envelope("task_not_exist (request id: 2026)", "invalid_request"), ErrorKind.NOT_FOUND),
    (400, flat("task_not_exist", "task_not_exist"), ErrorKind.NOT_FOUND),
    (400, flat("task_not_exist", "task_origin_not_exist"), ErrorKind.NOT_FOUND),
    (400, envelope("duration must be in 4..15", "InvalidParameter"), ErrorKind.INVALID_REQUEST),
    (400, envelope(R2V), ErrorKind.INVALID_REQUEST),
    (400, envelope("Task is not completed yet, current status: IN_PROGRESS"), ErrorKind.NOT_READY),
    (401, envelope("Invalid token (request id: 2026)"), ErrorKind.AUTH),
    (403, envelope("not allowed"), ErrorKind.AUTH),
    (403, flat("insufficient_user_quota", "用户额度不足, 剩余额度: ＄0.000000"), ErrorKind.QUOTA),
    (403, flat("pre_consume_token_quota_failed", "quota"), ErrorKind.QUOTA),
    (404, {"error": {"message": "Task not found", "type": "invalid_request_error"}}, ErrorKind.NOT_FOUND),
    (404, envelope("Invalid URL (GET /v1/videos)"), ErrorKind.UNSUPPORTED),
    (429, envelope(SATURATED), ErrorKind.RATE_LIMITED),
    (500, envelope("field messages is required (request id: 2026)", "invalid_request"), ErrorKind.INVALID_REQUEST),
    (500, envelope("duration must be in 4..15", "InvalidParameter"), ErrorKind.INVALID_REQUEST),
    (500, envelope("upstream failed"), ErrorKind.UNAVAILABLE),
    (502, {"error": {"message": "Upstream service returned status 403"}}, ErrorKind.UPSTREAM),
    (503, envelope("no available channel", "model_not_found"), ErrorKind.UNSUPPORTED),
    (503, envelope("busy"), ErrorKind.UNAVAILABLE),
    (504, envelope("timeout"), ErrorKind.UNAVAILABLE),
    (524, envelope("timeout"), ErrorKind.UNAVAILABLE),
]


@pytest.mark.parametrize(("status", "document", "kind"), ERRORS)
def test_an_error_means_one_thing(status: int, document: dict[str, Any], kind: ErrorKind) -> None:
    assert error(document, status).kind is kind


@pytest.mark.parametrize(
    ("status", "document", "retryable"),
    [
        (500, envelope("field prompt is required", "invalid_request"), False),
        (503, envelope("no available channel", "model_not_found"), False),
        (403, flat("insufficient_user_quota", "quota"), False),
        (429, envelope(SATURATED), True),
        (503, envelope("busy"), True),
    ],
)
def test_only_passing_trouble_is_worth_another_try(status: int, document: Any, retryable: bool) -> None:
    assert error(document, status).retryable is retryable


@pytest.mark.parametrize("document", [flat("task_not_exist", "task_not_exist"), envelope("task_not_exist")])
def test_an_unknown_task_is_an_observation_in_either_envelope(document: dict[str, Any]) -> None:
    observation = reading.read_retrieve(COMET, json_response(document, 400), "", "task_1")
    assert observation.not_found


def test_a_wrong_address_is_not_an_unknown_task() -> None:
    page = (("Content-Type", "text/html"),)
    moved = HttpResponse(status=301, headers=(("Location", "/"),))
    missing = HttpResponse(status=404, headers=page, body=b"<html>404</html>")
    welcome = HttpResponse(status=200, headers=page, body=b"<html>Hello</html>")
    assert reading.read_error(COMET, moved).kind is ErrorKind.UNSUPPORTED
    assert reading.read_error(COMET, missing).kind is ErrorKind.PROTOCOL
    with pytest.raises(ProviderError) as refused:
        reading.read_create(COMET, welcome, "")
    assert refused.value.kind is ErrorKind.PROTOCOL


def test_two_answers_alone_are_known_to_have_created_nothing() -> None:
    assert COMET.info.nothing_created == {(500, "invalid_request"), (503, "model_not_found")}


def test_what_is_known_to_have_created_nothing_reads_as_the_callers_to_mend() -> None:
    kinds = {error(envelope("why", code), status).kind for status, code in COMET.info.nothing_created}
    assert kinds == {ErrorKind.INVALID_REQUEST, ErrorKind.UNSUPPORTED}


REQUEST_IDS = {
    "error-400-model-name-required": (400, "..."),
    "error-401-invalid-token": (401, "20260101000000000000000example"),
    "error-500-malformed-request": (500, "..."),
    "error-503-model-not-found": (503, "20260205132859798638387SIHCnxzJ"),
}


@pytest.mark.parametrize("sample", REQUEST_IDS)
def test_the_request_id_is_found_in_the_message(sample: str) -> None:
    status, request_id = REQUEST_IDS[sample]
    assert error(json.loads((SAMPLES / f"{sample}.json").read_bytes()), status).request_id == request_id


def test_the_request_id_of_a_refusal_with_http_200_is_no_task() -> None:
    body = b'{"success": false, "message": "no balance", "request_id": "req-9"}'
    with pytest.raises(ProviderError):
        reading.read_create(CometApi(), HttpResponse(status=200, body=body), "")
