"""What stands in the place of a result: the job's own end, or trouble that is asked about again."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelway.errors import ErrorKind, ProviderError
from reelway.model.http import HttpResponse, json_response
from reelway.model.observation import Failure, FailureKind, Observation, Status
from reelway.provider.reading import read_callback, read_error, read_result, read_retrieve
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
