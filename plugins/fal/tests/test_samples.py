"""Every sample means exactly what its row says. The rows are written by hand, from the provider's pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelway.errors import ErrorKind, ProviderError
from reelway.model.http import HttpResponse
from reelway.model.observation import Failure, FailureKind, Observation, Source, Status, Video
from reelway.model.secret import Secret
from reelway.provider.reading import (
    needs_result,
    read_callback,
    read_create,
    read_error,
    read_result,
    read_retrieve,
)
from reelway_fal import Fal

SAMPLES = Path(__file__).parent / "samples"
PROVIDER = Fal()
APP = "fal-ai/veo3.1"
REQUEST = "80e732af-660e-45cd-bd63-580e4f2a94cc"
HOOKED = "024ca5b1-45d3-4afd-883e-ad3abe2a1c4d"
OTHER = "123e4567-e89b-12d3-a456-426614174000"
VIDEOS = (Video(url=Secret("https://v3.fal.media/files/rabbit/output.mp4")),)

CREATES = {
    "create": Observation(source=Source.CREATE, task_id=REQUEST),
    "create-queued": Observation(
        source=Source.CREATE, task_id=REQUEST, provider_status="IN_QUEUE", status=Status.QUEUED
    ),
    "create-webhook": Observation(source=Source.CREATE, task_id=HOOKED),
}

POLLS = {
    "status-queued": Observation(provider_status="IN_QUEUE", status=Status.QUEUED),
    "status-in-progress": Observation(task_id=REQUEST, provider_status="IN_PROGRESS", status=Status.RUNNING),
    "status-completed": Observation(task_id=REQUEST, provider_status="COMPLETED", status=Status.RUNNING),
    "status-completed-error": Observation(task_id=REQUEST, provider_status="COMPLETED", status=Status.RUNNING),
}


def failed(kind: FailureKind, code: str | None, message: str) -> Observation:
    return Observation(
        provider_status="ERROR",
        status=Status.FAILED,
        failure=Failure(kind=kind, code=code, message=message),
    )


RESULTS = {
    "result-video": Observation(provider_status="OK", status=Status.SUCCEEDED, videos=VIDEOS),
    "result-422-content-policy": failed(
        FailureKind.MODERATION,
        "content_policy_violation",
        "body.prompt: The content could not be processed because it was flagged by a content checker.",
    ),
    "result-422-missing": failed(FailureKind.REJECTED, "missing", "body.image_url: Field required"),
    "result-422-text": failed(FailureKind.UNKNOWN, None, "Prompt must be non-empty"),
    "result-504-request-timeout": failed(FailureKind.TIMEOUT, "request_timeout", "Request timed out"),
    "result-503-runner-disconnected": failed(FailureKind.INTERNAL, "runner_disconnected", "Runner disconnected"),
    "result-499-client-cancelled": Observation(
        provider_status="client_cancelled",
        status=Status.CANCELLED,
        failure=Failure(code="client_cancelled", message="The request was cancelled by the client."),
    ),
}
"""What a result means after `status-completed`."""

ERRORS = {
    "error-400-already-completed": (ErrorKind.NOT_READY, "ALREADY_COMPLETED"),
    "error-404-not-found": (ErrorKind.NOT_FOUND, "NOT_FOUND"),
    "error-403-exhausted-balance": (ErrorKind.QUOTA, None),
    "error-403-admin-lock": (ErrorKind.AUTH, None),
    "result-400-in-progress": (ErrorKind.INVALID_REQUEST, None),
    "result-422-missing": (ErrorKind.INVALID_REQUEST, "missing"),
    "result-503-runner-disconnected": (ErrorKind.UNAVAILABLE, "runner_disconnected"),
}

WEBHOOKS = {
    "webhook-ok": Observation(
        source=Source.CALLBACK, task_id=OTHER, provider_status="OK", status=Status.SUCCEEDED, videos=VIDEOS
    ),
    "webhook-error": Observation(
        source=Source.CALLBACK,
        task_id=HOOKED,
        provider_status="ERROR",
        status=Status.FAILED,
        failure=Failure(
            kind=FailureKind.REJECTED, code="value_error.missing", message="body.prompt: field required"
        ),
    ),
    "webhook-payload-error": Observation(
        source=Source.CALLBACK, task_id=OTHER, provider_status="OK", status=Status.SUCCEEDED
    ),
}

NOT_READ = {"cancel-202"}
"""What the core asks nothing of: it polls after a cancel."""


def answer(name: str) -> HttpResponse:
    """A sample with the HTTP status that its name holds."""
    parts = [part for part in name.split("-") if part.isdecimal()]
    status = int(parts[0]) if parts else 200
    return HttpResponse(status=status, body=(SAMPLES / f"{name}.json").read_bytes())


def test_no_sample_is_left_out() -> None:
    read = {*CREATES, *POLLS, *RESULTS, *ERRORS, *WEBHOOKS, *NOT_READ}
    assert {file.stem for file in SAMPLES.glob("*.json")} == read


@pytest.mark.parametrize("name", CREATES)
def test_a_create_says(name: str) -> None:
    assert read_create(PROVIDER, answer(name), APP) == CREATES[name]


@pytest.mark.parametrize("name", POLLS)
def test_a_poll_says(name: str) -> None:
    seen = read_retrieve(PROVIDER, answer(name), APP, REQUEST)
    assert seen == POLLS[name]
    assert needs_result(PROVIDER, seen) == (seen.provider_status == "COMPLETED")


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_says(name: str) -> None:
    assert read_result(PROVIDER, answer("status-completed"), answer(name), APP, REQUEST) == RESULTS[name]


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_says(name: str) -> None:
    error = read_error(PROVIDER, answer(name))
    assert (error.kind, error.code) == ERRORS[name]


@pytest.mark.parametrize("name", WEBHOOKS)
def test_a_webhook_says(name: str) -> None:
    assert read_callback(PROVIDER, (), answer(name).body, verified=False) == [WEBHOOKS[name]]


TROUBLE = {
    "too early": (400, b'{"detail": "Request is still in progress"}'),
    "an error of the platform": (500, b'{"detail": "Sorry.", "error_type": "internal_error"}'),
    "a malformed question": (400, b'{"detail": "Sorry.", "error_type": "bad_request"}'),
    "a text without a type": (500, b'{"detail": "Internal Server Error"}'),
    "an unknown type": (500, b'{"detail": "Sorry.", "error_type": "runner_on_fire"}'),
    "nothing": (422, b""),
    "a list": (422, b"[]"),
    "a page": (502, b"<html>nginx</html>"),
    "no result yet": (202, b'{"status": "IN_PROGRESS"}'),
    "a success that is no object": (200, b"[]"),
}


@pytest.mark.parametrize(("status", "body"), TROUBLE.values(), ids=list(TROUBLE))
def test_what_does_not_tell_how_a_request_ended_is_trouble(status: int, body: bytes) -> None:
    with pytest.raises(ProviderError):
        read_result(PROVIDER, answer("status-completed"), HttpResponse(status=status, body=body), APP, REQUEST)


@pytest.mark.parametrize("name", ["a malformed question", "an error of the platform", "a text without a type"])
def test_the_same_answer_is_an_end_where_the_queue_says_that_it_failed(name: str) -> None:
    status, body = TROUBLE[name]
    result = HttpResponse(status=status, body=body)
    seen = read_result(PROVIDER, answer("status-completed-error"), result, APP, REQUEST)
    assert seen.status is Status.FAILED
    assert seen.failure


def test_the_queue_s_own_reason_fills_what_the_result_leaves_open() -> None:
    result = HttpResponse(status=500, body=b'{"detail": ""}')
    seen = read_result(PROVIDER, answer("status-completed-error"), result, APP, REQUEST)
    assert seen == failed(FailureKind.INTERNAL, "runner_disconnected", "Runner disconnected")


@pytest.mark.parametrize("status", [401, 403, 408, 425, 429])
@pytest.mark.parametrize("name", ["status-completed", "status-completed-error"])
def test_what_is_about_the_account_is_never_an_end(status: int, name: str) -> None:
    result = HttpResponse(status=status, body=answer("result-422-missing").body)
    with pytest.raises(ProviderError):
        read_result(PROVIDER, answer(name), result, APP, REQUEST)


def test_a_type_may_stand_in_the_header_alone() -> None:
    result = HttpResponse(
        status=504, headers=(("X-Fal-Error-Type", "startup_timeout"),), body=b'{"detail": "Late."}'
    )
    seen = read_result(PROVIDER, answer("status-completed"), result, APP, REQUEST)
    assert seen == failed(FailureKind.TIMEOUT, "startup_timeout", "Late.")


@pytest.mark.parametrize("detail", ["null", "[null]", "[[]]", '[{"loc": 5, "msg": 7, "type": []}]', '{"a": 1}'])
def test_an_odd_list_of_complaints_is_an_end_all_the_same(detail: str) -> None:
    result = HttpResponse(status=422, body=f'{{"detail": {detail}}}'.encode())
    assert read_result(PROVIDER, answer("status-completed"), result, APP, REQUEST).status is Status.FAILED
