"""The simulator prints what the documentation prints, and what it prints is read back as it was meant."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reelway.errors import ErrorKind
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.observation import Failure, FailureKind, Status
from reelway.model.request import VideoRequest
from reelway.provider.models import OnUnsupported, check
from reelway.provider.reading import read_create, read_error, read_retrieve
from reelway.provider.simulator import CallKind, CancelEffect, SimulatedCall, SimulatedJob
from reelway_ark import Ark
from reelway_ark.simulator import ArkSimulator

SAMPLES = Path(__file__).parent / "samples"
PROVIDER = Ark()
SIMULATOR = ArkSimulator()

TASKS = "api/v3/contents/generations/tasks"
SEEDANCE = "doubao-seedance-2-0-260128"
MESSAGE = "The request failed because the output video may contain sensitive information. "


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def job(task_id: str, status: Status, created: int, updated: int, **facts: Any) -> SimulatedJob:
    fields = {"model": SEEDANCE, **facts.pop("fields", {})}
    call = SimulatedCall(kind=CallKind.CREATE, fields=fields)
    times: dict[str, Any] = {"created_at": at(created), "updated_at": at(updated)}
    return SimulatedJob(task_id=task_id, call=call, status=status, **times, **facts)


def derived(status: Status, **facts: Any) -> SimulatedJob:
    return job("cgt-20260412163502-x8k2m", status, 1775982902, 1775982960, **facts)


RETRIEVES = {
    "get-succeeded": job(
        "cgt-2026****-****",
        Status.SUCCEEDED,
        1779348818,
        1779348874,
        video_url="https://ark-content-generation-cn-beijing.tos-cn-beijing.volces.com/xxx",
    ),
    "callback-running": job("cgt-2025****", Status.RUNNING, 1765434920, 1765434920),
    "get-queued": derived(Status.QUEUED),
    "get-running": derived(Status.RUNNING),
    "get-cancelled": derived(Status.CANCELLED),
    "get-expired": derived(Status.EXPIRED),
    "get-failed-moderation": derived(
        Status.FAILED,
        failure=Failure(
            code="OutputVideoSensitiveContentDetected",
            message=f"{MESSAGE}Request id: 021700000000000example",
        ),
    ),
}

ERRORS = {
    "error-401-authentication": ErrorKind.AUTH,
    "error-400-invalid-parameter": ErrorKind.INVALID_REQUEST,
    "error-403-overdue": ErrorKind.QUOTA,
    "error-404-model-not-found": ErrorKind.UNSUPPORTED,
    "error-404-task-not-found": ErrorKind.NOT_FOUND,
    "error-409-running-task": ErrorKind.NOT_READY,
    "error-429-rate-limit": ErrorKind.RATE_LIMITED,
    "error-500-internal": ErrorKind.UNAVAILABLE,
}

CREATE = SimulatedCall(kind=CallKind.CREATE)


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_bytes())


def document(response: HttpResponse) -> Any:
    return json.loads(response.body)


@pytest.mark.parametrize("name", RETRIEVES)
def test_an_answer_to_a_poll_is_the_documented_one(name: str) -> None:
    asked = RETRIEVES[name]
    answer = SIMULATOR.answer_retrieve(SimulatedCall(kind=CallKind.RETRIEVE, task_id=asked.task_id), asked)
    assert (answer.status, document(answer)) == (200, sample(name))


def test_an_answer_to_a_create_is_the_documented_one() -> None:
    answer = SIMULATOR.answer_create(derived(Status.QUEUED))
    assert (answer.status, document(answer)) == (200, sample("create"))


@pytest.mark.parametrize("status", [Status.CANCELLED, Status.SUCCEEDED])
def test_an_answer_to_a_cancel_is_the_documented_one(status: Status) -> None:
    answer = SIMULATOR.answer_cancel(SimulatedCall(kind=CallKind.CANCEL), derived(status))
    assert (answer.status, document(answer)) == (200, sample("cancel"))


def test_a_callback_is_the_task_object_and_a_cancel_has_none() -> None:
    written = SIMULATOR.write_callback(RETRIEVES["callback-running"])
    assert written is not None
    assert json.loads(written.body) == sample("callback-running")
    assert SIMULATOR.write_callback(derived(Status.CANCELLED)) is None


def test_a_create_names_where_it_calls_back() -> None:
    named = replace(CREATE, fields={"callback_url": "https://example.com/hook"})
    assert SIMULATOR.callback_url(named) == "https://example.com/hook"
    assert SIMULATOR.callback_url(CREATE) is None


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_the_documented_one(name: str) -> None:
    answer = SIMULATOR.answer_error(CREATE, ERRORS[name])
    assert f"-{answer.status}-" in name
    ours, theirs = document(answer)["error"], sample(name)["error"]
    assert (ours["code"], ours["type"]) == (theirs["code"], theirs["type"])


DOCUMENTED_CANCELS = {
    # 1521720
    Status.QUEUED: CancelEffect.STOP,
    Status.RUNNING: CancelEffect.REFUSE,
    Status.SUCCEEDED: CancelEffect.FORGET,
    Status.FAILED: CancelEffect.FORGET,
    Status.CANCELLED: CancelEffect.REFUSE,
    Status.EXPIRED: CancelEffect.FORGET,
}


def test_a_cancel_does_in_each_state_what_the_page_says() -> None:
    assert SIMULATOR.cancel_effects == DOCUMENTED_CANCELS
    stopped = {status for status, effect in DOCUMENTED_CANCELS.items() if effect is CancelEffect.STOP}
    assert PROVIDER.info.cancellable == stopped


READ_AS = {kind: kind for kind in ErrorKind}
# What is no error answer is not asked for here.
READ_AS.pop(ErrorKind.PROTOCOL)


@pytest.mark.parametrize("kind", READ_AS)
def test_an_error_is_read_back_as_it_was_meant(kind: ErrorKind) -> None:
    assert read_error(PROVIDER, SIMULATOR.answer_error(CREATE, kind)).kind is READ_AS[kind]


def test_a_path_that_is_not_there_is_no_word_about_a_task() -> None:
    assert read_error(PROVIDER, SIMULATOR.answer_error(None, ErrorKind.UNSUPPORTED)).kind is ErrorKind.PROTOCOL


def test_a_create_of_the_provider_is_recognised() -> None:
    checked = check(VideoRequest(model="seedance-2", prompt="a cat"), PROVIDER.models, OnUnsupported.ERROR)
    call = SIMULATOR.recognise(PROVIDER.encode_create(checked.request, checked.spec))
    assert call is not None
    assert (call.kind, call.model, call.fields["content"]) == (
        CallKind.CREATE,
        SEEDANCE,
        [{"type": "text", "text": "a cat"}],
    )


@pytest.mark.parametrize("task_id", ["cgt-20260101000000-00001", "a/b", "a?b=c", "ü 1", "tasks"])
def test_a_call_about_a_task_is_recognised(task_id: str) -> None:
    retrieve, cancel = PROVIDER.encode_retrieve(task_id, ""), PROVIDER.encode_cancel(task_id, "")
    assert SIMULATOR.recognise(retrieve) == SimulatedCall(kind=CallKind.RETRIEVE, task_id=task_id)
    assert SIMULATOR.recognise(cancel) == SimulatedCall(kind=CallKind.CANCEL, task_id=task_id)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", TASKS),
        ("DELETE", TASKS),
        ("POST", f"{TASKS}/cgt-1"),
        ("GET", f"{TASKS}/"),
        ("GET", f"{TASKS}/cgt-1/content"),
        ("POST", "contents/generations/tasks"),
        ("GET", "v1/videos/cgt-1"),
    ],
)
def test_a_path_that_the_provider_does_not_use_is_not_served(method: str, path: str) -> None:
    assert SIMULATOR.recognise(HttpRequest(method=method, path=path)) is None


def test_two_jobs_have_two_ids() -> None:
    assert SIMULATOR.new_id(CREATE, 1) != SIMULATOR.new_id(CREATE, 2)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
wishes = st.fixed_dictionaries(
    {},
    optional={
        "resolution": st.sampled_from(["480p", "720p", "1080p", "4k"]) | json_values,
        "ratio": st.sampled_from(["16:9", "adaptive"]) | json_values,
        "duration": st.integers(-1, 30) | json_values,
        "seed": st.integers(-1, 2**31 - 1) | json_values,
        "service_tier": st.sampled_from(["default", "flex"]) | json_values,
        "generate_audio": json_values,
    },
)
ids = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=40).filter(
    lambda text: text not in {".", ".."}
)
moments = st.integers(0, 10**9).map(lambda n: datetime(2001, 9, 9, tzinfo=UTC) + timedelta(seconds=n))
links = st.text("abc123/._-?=&%", min_size=1).map("https://cdn.example/".__add__)
kinds = st.sampled_from(
    [
        ("InternalServiceError", FailureKind.INTERNAL),
        ("OutputVideoSensitiveContentDetected.PolicyViolation", FailureKind.MODERATION),
        ("InvalidParameter.TaskTypeMismatch", FailureKind.REJECTED),
        ("generation_failed", FailureKind.UNKNOWN),
    ]
)
reasons = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80)


@st.composite
def failures(draw: st.DrawFn) -> Failure:
    code, kind = draw(kinds)
    return Failure(kind=kind, code=code, message=draw(reasons))


@st.composite
def jobs(draw: st.DrawFn) -> SimulatedJob:
    status = draw(st.sampled_from([status for status in Status if status is not Status.LOST]))
    created = draw(moments)
    return SimulatedJob(
        task_id=draw(ids),
        call=SimulatedCall(kind=CallKind.CREATE, fields={"model": draw(ids), **draw(wishes)}),
        status=status,
        created_at=created,
        updated_at=created + timedelta(seconds=draw(st.integers(0, 10**5))),
        progress=draw(st.integers(0, 100)),
        video_url=draw(st.none() | links) if status is Status.SUCCEEDED else None,
        failure=draw(st.none() | failures()) if status is Status.FAILED else None,
    )


@given(job=jobs())
@settings(deadline=None)
def test_a_task_object_is_read_back_with_every_fact(job: SimulatedJob) -> None:
    answer = SIMULATOR.answer_retrieve(job.call, job)
    seen = read_retrieve(PROVIDER, answer, "", job.task_id)
    assert (seen.task_id, seen.status, seen.progress) == (job.task_id, job.status, None)
    assert (seen.model, seen.created_at, seen.completed_at) == (job.call.model, job.created_at, job.updated_at)
    assert [video.url.reveal() for video in seen.videos] == [url for url in [job.video_url] if url]
    assert (seen.failure is not None) is (job.status in {Status.FAILED, Status.CANCELLED, Status.EXPIRED})
    if job.failure is not None:
        assert seen.failure == job.failure


@given(job=jobs())
@settings(deadline=None)
def test_an_answer_to_a_create_names_the_job_alone(job: SimulatedJob) -> None:
    seen = read_create(PROVIDER, SIMULATOR.answer_create(job), "")
    assert (seen.task_id, seen.provider_status) == (job.task_id, None)
