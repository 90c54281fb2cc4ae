"""The simulator prints what the documentation prints, and what it prints is read back as it was meant."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reelway.errors import ErrorKind
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.observation import Failure, FailureKind, Status
from reelway.model.request import VideoRequest
from reelway.provider.models import OnUnsupported, check
from reelway.provider.reading import read_create, read_error, read_retrieve
from reelway.provider.simulator import CallKind, SimulatedCall, SimulatedJob
from reelway_infinityblue import InfinityBlue
from reelway_infinityblue.simulator import InfinityBlueSimulator

SAMPLES = Path(__file__).parent / "samples"
PROVIDER = InfinityBlue()
SIMULATOR = InfinityBlueSimulator()

MAIN, GENERATIONS = "", "generations"

CREATED = datetime(2025, 11, 28, 16, 24, 50, 922_000, tzinfo=UTC)
COMPLETED = datetime(2025, 11, 28, 16, 26, 10, tzinfo=UTC)
EXPIRES = datetime(2025, 11, 29, 16, 26, 10, tzinfo=UTC)
URL = "https://example.com/generated-video.mp4"


def seedance(status: Status, progress: int, **facts: Any) -> SimulatedJob:
    fields = {"model": "doubao-seedance-2-0-fast-260128", "seconds": "5", **facts.pop("fields", {})}
    return job("video_abc123", SimulatedCall(kind=CallKind.CREATE, fields=fields), status, progress, facts)


def grok(status: Status, progress: int, **facts: Any) -> SimulatedJob:
    fields = {"model": "grok-imagine-video-720p", "seconds": "10", **facts.pop("fields", {})}
    return job("video_abc123", SimulatedCall(kind=CallKind.CREATE, fields=fields), status, progress, facts)


def generation(status: Status, **facts: Any) -> SimulatedJob:
    fields = {"model": "kling-v2-5-turbo", "duration": 5, "width": 1280, "height": 720, "seed": 20231234}
    call = SimulatedCall(kind=CallKind.CREATE, route=GENERATIONS, fields=fields)
    return job("abcd1234efgh", call, status, 0, facts)


def job(task_id: str, call: SimulatedCall, status: Status, progress: int, facts: dict[str, Any]) -> SimulatedJob:
    times = {"created_at": CREATED, "updated_at": COMPLETED}
    return SimulatedJob(task_id=task_id, call=call, status=status, progress=progress, **times | facts)


SIZE = {"size": "1280x720"}

CREATES = {
    "create-queued": seedance(Status.QUEUED, 0),
    "grok-create-queued": grok(Status.QUEUED, 0),
    "generations-create-queued": generation(Status.QUEUED),
}

RETRIEVES = {
    "get-queued": seedance(Status.QUEUED, 0),
    "get-in-progress": seedance(Status.RUNNING, 40),
    "get-completed": seedance(Status.SUCCEEDED, 100, fields=SIZE, video_url=URL),
    "get-completed-with-expiry": seedance(Status.SUCCEEDED, 100, fields=SIZE, video_url=URL, expires_at=EXPIRES),
    "get-failed": seedance(
        Status.FAILED, 100, failure=Failure(code="generation_failed", message="generation failed")
    ),
    "grok-get-in-progress": grok(Status.RUNNING, 40),
    "grok-get-completed": grok(Status.SUCCEEDED, 100, fields=SIZE, video_url=URL),
    "generations-get-in-progress": generation(Status.RUNNING),
    "generations-get-completed": generation(Status.SUCCEEDED, video_url=URL),
    "generations-get-failed": generation(Status.FAILED, failure=Failure(code="500", message="generation failed")),
}

ERRORS = {
    "error-400-invalid-duration": ("doubao-seedance-2-0-260128", ErrorKind.INVALID_REQUEST),
    "grok-error-400-invalid-duration": ("grok-imagine-video-720p", ErrorKind.INVALID_REQUEST),
    "error-401-invalid-api-key": ("doubao-seedance-2-0-260128", ErrorKind.AUTH),
}

PIECES = {"task-error-object": "get-failed"}
"""A field that is printed alone, and the answer that holds it."""


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_bytes())


def document(response: HttpResponse) -> Any:
    return json.loads(response.body)


def is_documented_answer(name: str) -> bool:
    return "create-request" not in name and not name.startswith(("draft-", "new-api-"))


def test_every_documented_answer_has_its_row() -> None:
    recorded = (file.stem for file in SAMPLES.glob("**/*.json") if not file.name.endswith(".reading.json"))
    documented = filter(is_documented_answer, recorded)
    assert sorted([*CREATES, *RETRIEVES, *ERRORS, *PIECES]) == sorted(documented)


@pytest.mark.parametrize("name", CREATES)
def test_an_answer_to_a_create_is_the_documented_one(name: str) -> None:
    answer = SIMULATOR.answer_create(CREATES[name])
    assert (answer.status, document(answer)) == (200, sample(name))


@pytest.mark.parametrize("name", RETRIEVES)
def test_an_answer_to_a_poll_is_the_documented_one(name: str) -> None:
    asked = RETRIEVES[name]
    call = SimulatedCall(kind=CallKind.RETRIEVE, route=asked.call.route, task_id=asked.task_id)
    answer = SIMULATOR.answer_retrieve(call, asked)
    assert (answer.status, document(answer)) == (200, sample(name))


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_the_documented_one(name: str) -> None:
    model, kind = ERRORS[name]
    call = SimulatedCall(kind=CallKind.CREATE, fields={"model": model})
    answer = SIMULATOR.answer_error(call, kind)
    assert f"-{answer.status}-" in name
    assert document(answer) == sample(name)


@pytest.mark.parametrize(("piece", "whole"), PIECES.items())
def test_the_error_of_a_failed_task_is_the_documented_one(piece: str, whole: str) -> None:
    answer = SIMULATOR.answer_retrieve(RETRIEVES[whole].call, RETRIEVES[whole])
    assert document(answer)["error"] == sample(piece)


# A content that is not ready gets 404, like an unknown task; and what is no error answer is not asked for here.
READ_AS = {kind: kind for kind in ErrorKind} | {ErrorKind.NOT_READY: ErrorKind.NOT_FOUND}
READ_AS.pop(ErrorKind.PROTOCOL)


@pytest.mark.parametrize("kind", READ_AS)
def test_an_error_is_read_back_as_it_was_meant(kind: ErrorKind) -> None:
    assert read_error(PROVIDER, SIMULATOR.answer_error(None, kind)).kind is READ_AS[kind]


@pytest.mark.parametrize(("model", "route"), [("seedance-2", MAIN), ("kling-v2-5-turbo", GENERATIONS)])
def test_a_create_of_the_provider_is_recognised(model: str, route: str) -> None:
    checked = check(VideoRequest(model=model, prompt="a cat"), PROVIDER.models, OnUnsupported.ERROR)
    call = SIMULATOR.recognise(PROVIDER.encode_create(checked.request, checked.spec))
    assert call is not None
    assert (call.kind, call.route, call.fields["prompt"]) == (CallKind.CREATE, route, "a cat")
    assert PROVIDER.route(model) == route


@pytest.mark.parametrize("task_id", ["video_000001", "a/b", "a?b=c", "ü 1", "content"])
@pytest.mark.parametrize("route", [MAIN, GENERATIONS])
def test_a_poll_of_the_provider_is_recognised(task_id: str, route: str) -> None:
    call = SIMULATOR.recognise(PROVIDER.encode_retrieve(task_id, route))
    assert call == SimulatedCall(kind=CallKind.RETRIEVE, route=route, task_id=task_id)


def test_a_content_request_of_the_provider_is_recognised() -> None:
    call = SIMULATOR.recognise(PROVIDER.encode_content("video_000001", MAIN))
    assert call == SimulatedCall(kind=CallKind.CONTENT, task_id="video_000001")


@pytest.mark.parametrize("path", ["v1/videos/generations", "v1/video", "v2/videos"])
def test_a_path_that_is_not_documented_is_not_served(path: str) -> None:
    assert SIMULATOR.recognise(HttpRequest(method="POST", path=path)) is None


def test_two_jobs_have_two_ids() -> None:
    call = SimulatedCall(kind=CallKind.CREATE)
    assert SIMULATOR.new_id(call, 1) != SIMULATOR.new_id(call, 2)


ids = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=40).filter(
    lambda text: text not in {".", ".."}
)
moments = st.integers(0, 10**12).map(lambda n: datetime(2001, 9, 9, tzinfo=UTC) + timedelta(milliseconds=n))
links = st.text("abc123/._-?=&%", min_size=1).map("https://cdn.example/".__add__)
kinds = st.sampled_from(
    [
        ("generation_failed", FailureKind.INTERNAL),
        ("content_policy_violation", FailureKind.MODERATION),
        ("upstream_timeout", FailureKind.TIMEOUT),
        ("4711", FailureKind.UNKNOWN),
    ]
)
reasons = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80)


@st.composite
def failures(draw: st.DrawFn) -> Failure:
    code, kind = draw(kinds)
    return Failure(kind=kind, code=code, message=draw(reasons))


@st.composite
def jobs(draw: st.DrawFn, route: str) -> SimulatedJob:
    status = draw(st.sampled_from([status for status in Status if status is not Status.LOST]))
    created = draw(moments)
    good, bad = status is Status.SUCCEEDED, status in {Status.FAILED, Status.CANCELLED, Status.EXPIRED}
    return SimulatedJob(
        task_id=draw(ids),
        call=SimulatedCall(kind=CallKind.CREATE, route=route, fields={"model": draw(ids)}),
        status=status,
        created_at=created,
        updated_at=created + timedelta(seconds=draw(st.integers(0, 10**5))),
        progress=draw(st.integers(0, 100)),
        video_url=draw(st.none() | links) if good else None,
        expires_at=draw(st.none() | moments) if good else None,
        failure=draw(st.none() | failures()) if bad else None,
    )


def meant(job: SimulatedJob) -> Status:
    # The service has no word for a job that took too long.
    return Status.FAILED if job.status is Status.EXPIRED else job.status


@given(job=jobs(MAIN))
@settings(deadline=None)
def test_a_video_object_is_read_back_with_every_fact(job: SimulatedJob) -> None:
    answer = SIMULATOR.answer_retrieve(job.call, job)
    seen = read_retrieve(PROVIDER, answer, MAIN, job.task_id)
    assert (seen.task_id, seen.status, seen.progress) == (job.task_id, meant(job), job.progress)
    assert (seen.model, seen.created_at, seen.expires_at) == (job.call.model, job.created_at, job.expires_at)
    assert seen.completed_at == (job.updated_at if job.finished else None)
    assert [video.url.reveal() for video in seen.videos] == [url for url in [job.video_url] if url]
    assert seen.failure == (job.failure or Failure() if meant(job) in {Status.FAILED, Status.CANCELLED} else None)


@given(job=jobs(GENERATIONS))
@settings(deadline=None)
def test_a_generation_is_read_back_with_the_facts_it_holds(job: SimulatedJob) -> None:
    answer = SIMULATOR.answer_retrieve(job.call, job)
    seen = read_retrieve(PROVIDER, answer, GENERATIONS, job.task_id)
    assert (seen.task_id, seen.status) == (job.task_id, meant(job))
    assert [video.url.reveal() for video in seen.videos] == [url for url in [job.video_url] if url]
    if seen.failure is not None:
        assert seen.failure.message == (job.failure.message if job.failure else None)


@given(job=jobs(MAIN) | jobs(GENERATIONS))
@settings(deadline=None)
def test_an_answer_to_a_create_names_the_job(job: SimulatedJob) -> None:
    seen = read_create(PROVIDER, SIMULATOR.answer_create(job), job.call.route)
    assert (seen.task_id, seen.status) == (job.task_id, meant(job))
