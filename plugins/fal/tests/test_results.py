"""What stands in the place of a result: the job's own end, or trouble that is asked about again."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelway.errors import ErrorKind, ProviderError
from reelway.model.http import HttpResponse, json_response
from reelway.model.observation import Failure, FailureKind, Observation, Status
from reelway.provider.reading import read_callback, read_create, read_error, read_result, read_retrieve
from reelway_fal import Fal
from reelway_fal.wire import NO_RESULT

SAMPLES = Path(__file__).parent / "samples"
PROVIDER = Fal()
APP = "fal-ai/veo3.1"
REQUEST = "80e732af-660e-45cd-bd63-580e4f2a94cc"


def polled(name: str = "status-completed") -> HttpResponse:
    """A recorded poll that led to the request for the result."""
    return HttpResponse(status=200, body=(SAMPLES / f"{name}.json").read_bytes())


def ended(result: HttpResponse, poll: str = "status-completed") -> Observation:
    return read_result(PROVIDER, polled(poll), result, APP, REQUEST)


def failed(kind: FailureKind, code: str | None, message: str) -> Observation:
    return Observation(
        provider_status="RESULT_ERROR",
        status=Status.FAILED,
        failure=Failure(kind=kind, code=code, message=message),
    )


ERRORS = (
    "result-422-content-policy",
    "result-422-missing",
    "result-422-text",
    "result-499-client-cancelled",
    "result-503-runner-disconnected",
    "result-504-request-timeout",
)
"""Recorded answers that are the job's own bad end."""

TROUBLE = {
    "too early": (400, b'{"detail": "Request is still in progress"}'),
    "an error of the platform": (500, b'{"detail": "Sorry.", "error_type": "internal_error"}'),
    "a malformed question": (400, b'{"detail": "Sorry.", "error_type": "bad_request"}'),
    "a text without a type": (500, b'{"detail": "Internal Server Error"}'),
    "an unknown type": (500, b'{"detail": "Sorry.", "error_type": "runner_on_fire"}'),
    "no error of fal's": (422, b'{"error": {"message": "Sorry."}}'),
    "nothing": (422, b""),
    "a list": (422, b"[]"),
    "a page": (502, b"<html>nginx</html>"),
    "no result yet": (202, b'{"status": "IN_PROGRESS"}'),
    "a success that is no object": (200, b"[]"),
    "a success that is empty": (200, b"{}"),
    "a success that is an id": (200, b'{"request_id": "r"}'),
    "a success that is too early": (200, b'{"detail": "Request is still in progress"}'),
    "a success that is an error": (200, b'{"error": "Internal"}'),
    "a success that has a type of error": (200, b'{"error_type": "internal_error", "seed": 1}'),
    "a success of a gateway": (200, b'{"message": "no healthy upstream"}'),
    "a success that is a poll": (200, b'{"status": "IN_PROGRESS", "request_id": "r"}'),
    "a success that is a poll without its word": (200, b'{"queue_position": 0}'),
    "a success that is a create": (200, b'{"request_id": "r", "gateway_request_id": "r"}'),
    "a success that names an address": (200, b'{"response_url": "https://queue.fal.run/x"}'),
}


@pytest.mark.parametrize(("status", "body"), TROUBLE.values(), ids=list(TROUBLE))
def test_what_does_not_tell_how_a_request_ended_is_trouble(status: int, body: bytes) -> None:
    with pytest.raises(ProviderError):
        ended(HttpResponse(status=status, body=body))


@pytest.mark.parametrize("name", sorted(NO_RESULT))
def test_with_a_video_it_is_a_result_whatever_else_it_says(name: str) -> None:
    result = json_response({"video": {"url": "https://v3.fal.media/v.mp4"}, name: "x"})
    assert ended(result).status is Status.SUCCEEDED
    assert ended(result).videos


@pytest.mark.parametrize("output", [b'{"images": []}', b'{"video": null}', b'{"video": {"url": ""}, "seed": 1}'])
def test_an_output_without_a_video_is_a_result_of_its_model(output: bytes) -> None:
    assert ended(HttpResponse(status=200, body=output)) == Observation(
        provider_status="RESULT_OK", status=Status.SUCCEEDED
    )


@pytest.mark.parametrize("name", ["a malformed question", "an error of the platform", "a text without a type"])
def test_the_same_answer_is_an_end_where_the_queue_says_that_it_failed(name: str) -> None:
    status, body = TROUBLE[name]
    seen = ended(HttpResponse(status=status, body=body), "status-completed-error")
    assert seen.status is Status.FAILED
    assert seen.failure


def test_the_queue_s_own_reason_fills_what_the_result_leaves_open() -> None:
    seen = ended(HttpResponse(status=500, body=b'{"detail": ""}'), "status-completed-error")
    assert seen == failed(FailureKind.INTERNAL, "runner_disconnected", "Runner disconnected")


@pytest.mark.parametrize("status", [401, 403, 407, 408, 425, 429])
@pytest.mark.parametrize("name", ["status-completed", "status-completed-error"])
def test_what_is_about_the_account_is_never_an_end(status: int, name: str) -> None:
    listed = (SAMPLES / "result-422-missing.json").read_bytes()
    with pytest.raises(ProviderError):
        ended(HttpResponse(status=status, body=listed), name)


PLATFORM = {
    FailureKind.TIMEOUT: ("request_timeout", "startup_timeout"),
    FailureKind.INTERNAL: (
        "runner_scheduling_failure",
        "runner_connection_timeout",
        "runner_disconnected",
        "runner_connection_refused",
        "runner_connection_error",
        "runner_incomplete_response",
        "runner_server_error",
    ),
    FailureKind.UNKNOWN: ("client_disconnected",),
}
"""documentation/model-apis/request-errors, written out once more."""

MODEL = {
    FailureKind.MODERATION: ("content_policy_violation",),
    FailureKind.TIMEOUT: ("generation_timeout",),
    FailureKind.INTERNAL: (
        "internal_server_error",
        "downstream_service_error",
        "downstream_service_unavailable",
    ),
    FailureKind.UNKNOWN: ("no_media_generated",),
    FailureKind.REJECTED: ("missing", "image_too_large"),
}
"""documentation/model-apis/errors, and two types of which it says that the input was wrong."""


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in PLATFORM.items() for code in codes])
def test_what_happened_to_a_request_on_its_way_is_an_end_of_its_kind(kind: FailureKind, code: str) -> None:
    result = json_response({"detail": "No.", "error_type": code}, status=500)
    assert ended(result) == failed(kind, code, "No.")


@pytest.mark.parametrize(("kind", "code"), [(kind, code) for kind, codes in MODEL.items() for code in codes])
def test_what_a_model_complains_of_is_an_end_of_its_kind(kind: FailureKind, code: str) -> None:
    result = json_response({"detail": [{"msg": "No.", "type": code}]}, status=422)
    assert ended(result) == failed(kind, code, "No.")


def test_an_error_of_the_platform_is_its_own_where_the_queue_says_that_it_failed() -> None:
    result = json_response({"detail": "Sorry.", "error_type": "internal_error"}, status=500)
    assert ended(result, "status-completed-error") == failed(FailureKind.INTERNAL, "internal_error", "Sorry.")


@pytest.mark.parametrize("member", ["response_url", "status_url", "gateway_request_id"])
def test_an_answer_to_a_create_is_the_queue_s_if_it_says_where_to_ask(member: str) -> None:
    answer = json_response({"request_id": REQUEST, "status": "IN_QUEUE", member: "x"})
    assert read_create(PROVIDER, answer, APP).task_id == REQUEST


@pytest.mark.parametrize("reason", ["Exhausted balance. Top up.", "TOP_UP"])
def test_an_account_without_money_is_told_as_such(reason: str) -> None:
    answer = json_response({"detail": f"User is locked. Reason: {reason}"}, status=403)
    assert read_error(PROVIDER, answer).kind is ErrorKind.QUOTA


def test_the_id_of_the_call_is_kept_for_its_support() -> None:
    answer = HttpResponse(status=500, headers=(("X-Fal-Request-Id", "call-7"),))
    assert read_error(PROVIDER, answer).request_id == "call-7"


def test_a_type_may_stand_in_the_header_alone() -> None:
    result = HttpResponse(
        status=504, headers=(("X-Fal-Error-Type", "startup_timeout"),), body=b'{"detail": "Late."}'
    )
    assert ended(result) == failed(FailureKind.TIMEOUT, "startup_timeout", "Late.")


@pytest.mark.parametrize("detail", ["null", "[null]", "[[]]", '[{"loc": 5, "msg": 7, "type": []}]', '{"a": 1}'])
def test_an_odd_list_of_complaints_is_an_end_all_the_same(detail: str) -> None:
    result = HttpResponse(status=422, body=f'{{"detail": {detail}}}'.encode())
    assert ended(result).status is Status.FAILED


@pytest.mark.parametrize("word", ["OK", "ERROR", "ok", " Error "])
def test_the_words_of_a_webhook_are_none_of_the_queue_s(word: str) -> None:
    told = json_response({"status": word, "request_id": REQUEST})
    seen = read_retrieve(PROVIDER, told, APP, REQUEST)
    assert (seen.provider_status, seen.status) == (word, None)


@pytest.mark.parametrize("code", ["ok", "OK", "completed", "in_progress", "error"])
def test_the_type_of_an_error_is_no_word_of_the_queue(code: str) -> None:
    result = HttpResponse(status=500, body=f'{{"detail": "No.", "error_type": "{code}"}}'.encode())
    assert ended(result, "status-completed-error") == failed(FailureKind.UNKNOWN, code, "No.")


@pytest.mark.parametrize("name", ERRORS)
def test_a_webhook_tells_the_same_end_as_the_result(name: str) -> None:
    payload = (SAMPLES / f"{name}.json").read_bytes()
    told = ended(HttpResponse(status=int(name.split("-")[1]), body=payload))
    body = b'{"request_id": "%b", "status": "ERROR", "payload": %b}' % (REQUEST.encode(), payload)
    [seen] = read_callback(PROVIDER, (), body, verified=True)
    assert (seen.provider_status, seen.status, seen.failure) == (told.provider_status, told.status, told.failure)


@pytest.mark.parametrize("code", ["client_cancelled", "ok"])
def test_what_a_model_lists_is_a_failure_whatever_its_type(code: str) -> None:
    result = HttpResponse(status=422, body=f'{{"detail": [{{"msg": "No.", "type": "{code}"}}]}}'.encode())
    assert ended(result).status is Status.FAILED


@pytest.mark.parametrize(
    ("body", "kind"), [(b'{"status": "NOT_FOUND"}', ErrorKind.NOT_FOUND), (b"<html>", ErrorKind.PROTOCOL)]
)
def test_only_the_queue_itself_says_that_it_does_not_know_a_request(body: bytes, kind: ErrorKind) -> None:
    assert read_error(PROVIDER, HttpResponse(status=404, body=body)).kind is kind
