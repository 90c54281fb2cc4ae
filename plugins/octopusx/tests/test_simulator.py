"""The simulator speaks the documented wire, and what it says is read back as it was meant."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from reelway.errors import ErrorKind, ProviderError
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.observation import Failure, FailureKind, Status
from reelway.model.request import VideoRequest
from reelway.provider.models import OnUnsupported, check
from reelway.provider.reading import read_create, read_error, read_retrieve
from reelway.provider.simulator import CallKind, SimulatedCall, SimulatedJob
from reelway_octopusx import OctopusX
from reelway_octopusx.simulator import OctopusXSimulator, SecondHostSimulator

SAMPLES = Path(__file__).parent / "samples"
PROVIDER = OctopusX()
SIMULATOR = PROVIDER.simulator()
SECOND_HOST = SecondHostSimulator()

MAIN, GENERATIONS, UNIFIED = "", "generations", "unified"
ROUTES = (MAIN, GENERATIONS, UNIFIED)

URL = "https://example.com/video.mp4"
DOUBAO_ID = "video_bbfbc1d2-ab22-44ca-b9dd-bc16983acac2"
SORA_ID = "sora-2:task_01k9008rhbefnt3rb1g9szxdwr"
PLAIN_UUID = "48038932-0ff5-4251-8b4b-7a76c09fd114"


def job(
    task_id: str,
    created: float,
    status: Status = Status.QUEUED,
    progress: int = 0,
    *,
    route: str = MAIN,
    ended: float | None = None,
    expires: float | None = None,
    fields: dict[str, Any] | None = None,
    **facts: Any,
) -> SimulatedJob:
    call = SimulatedCall(kind=CallKind.CREATE, route=route, fields=fields or {})
    times = {"created_at": moment(created), "updated_at": moment(ended or created)}
    expires_at = moment(expires) if expires else None
    return SimulatedJob(
        task_id=task_id, call=call, status=status, progress=progress, expires_at=expires_at, **(times | facts)
    )


def moment(stamp: float) -> datetime:
    return datetime.fromtimestamp(stamp, UTC)


def doubao(status: Status, progress: int, **facts: Any) -> SimulatedJob:
    fields = {"model": "doubao-seedance-1-5-pro_720p", "size": "1:1", "seconds": "5"}
    return job(DOUBAO_ID, 1761635478, status, progress, fields=fields, **facts)


def sized(model: str, status: Status = Status.QUEUED, progress: int = 0, **fields: Any) -> SimulatedJob:
    return job("video_abc123", 1735689600, status, progress, fields={"model": model} | fields)


def remixed(original: SimulatedJob, task_id: str) -> SimulatedJob:
    return replace(original, call=replace(original.call, kind=CallKind.REMIX, task_id=task_id))


def seedance(status: Status, progress: int, **facts: Any) -> SimulatedJob:
    fields = {"model": "doubao-seedance-2-0-260128", "metadata": {"duration": 5, "ratio": "16:9"}}
    return job(
        "task_xxxxx",
        1775908082,
        status,
        progress,
        route=GENERATIONS,
        ended=1775908210,
        fields=fields,
        **facts,
    )


def kling(task_id: str, status: Status = Status.QUEUED, **facts: Any) -> SimulatedJob:
    return job(task_id, 1735689600, status, route=GENERATIONS, fields={"model": "kling-v1"}, **facts)


def unified(task_id: str, created: float, status: Status, progress: int, **fields: Any) -> SimulatedJob:
    return job(task_id, created, status, progress, route=UNIFIED, fields=fields)


SORA = {
    "model": "sora-2",
    "prompt": "make animate",
    "images": [],
    "aspect_ratio": "9:16",
    "size": "large",
    "duration": 15,
}
VEO = {
    "model": "veo3.1-fast-components",
    "prompt": "The cow flew into the sky",
    "images": ["https://example.com/frame-1.png", "https://example.com/frame-2.png"],
    "aspect_ratio": "16:9",
    "size": "1280x720",
}

CREATES = {
    "create-queued-doubao": doubao(Status.QUEUED, 0),
    "create-queued-jimeng": job("video_123", 1712697600, fields={"model": "jimeng-video-3.0"}),
    "create-queued-omni-v2v": sized("omni-fast-v2v"),
    "create-queued-sora": sized("sora-2", size="720x1280", seconds="10"),
    "create-queued-vidu": job("video_123", 1712697600, fields={"model": "viduq3-pro", "duration": "5"}),
    "remix-veo-queued": remixed(
        job("video_456", 1712698600, fields={"model": "veo_3_1-extend", "prompt": "into the sea"}), "video_123"
    ),
    "generations-seedance2-create": replace(seedance(Status.QUEUED, 0), task_id="cgt-20260412163502-x8k2m"),
    "generations-kling-create-queued": kling("video_task_abc123"),
    "unified-jimeng-create-processing": unified(
        PLAIN_UUID, 1762614477.510141, Status.QUEUED, 0, model="jimeng-video-3.0"
    ),
    "unified-sora-create-pending": unified(SORA_ID, 1762010621.323, Status.QUEUED, 0, **SORA),
    "unified-veo-create-queued": unified(
        "video_8b8232a3-847b-40e2-a3a3-912813b7ac60", 1768489641, Status.QUEUED, 0, **VEO
    ),
    "unified-grok-remix-processing": remixed(
        unified("grok:48a67431-0708-46d1-9ab9-83cb84700153", 1762685256, Status.QUEUED, 0, model="grok-video-3"),
        "grok:05c8e247-7e64-472a-acb1-e7f2de5d0d04",
    ),
}

RETRIEVES = {
    "get-processing-doubao": doubao(Status.RUNNING, 50),
    "get-completed-doubao": doubao(Status.SUCCEEDED, 100, ended=1761635570, expires=1761721970, video_url=URL),
    "get-failed-doubao": doubao(
        Status.FAILED,
        50,
        ended=1761635570,
        failure=Failure(code="generation_failed", message="generation failed"),
    ),
    "get-processing-kling": job(
        "task_ZOAIupBoCLMo3dmUGcrKUcUEUnCLctc6",
        1774494511,
        Status.RUNNING,
        50,
        fields={"model": "kling-3.0-omni-720p-noref-audio"},
    ),
    "get-queued-sora-zero-values": sized("sora-2", size="720x1280", seconds="10"),
    "get-processing-veo-zero-values": sized("veo_3_1-fast", Status.RUNNING, 50),
    "generations-seedance2-get-in-progress": seedance(Status.RUNNING, 50),
    "generations-seedance2-get-success": seedance(Status.SUCCEEDED, 100, video_url=URL),
    "generations-seedance2-get-failure": seedance(Status.FAILED, 50, failure=Failure(message="generation failed")),
    "generations-task-status-queued": kling("task-video-abc123"),
    "generations-task-status-succeeded": kling("task-video-abc123", Status.SUCCEEDED, video_url=URL),
    "unified-sora-query-pending": unified(SORA_ID, 1762010621.323, Status.QUEUED, 0, **SORA),
    "unified-veo-query-pending": unified(
        "task_01k6x15vhrff09dkkqjrzwhm60", 1759763621.142, Status.QUEUED, 0, **VEO
    ),
    "unified-vidu-query-processing": unified(PLAIN_UUID, 1774494511, Status.RUNNING, 50, model="viduq3-pro"),
    "unified-grok-query-processing": unified(
        "grok:05c8e247-7e64-472a-acb1-e7f2de5d0d04", 1762780400, Status.RUNNING, 50, model="grok-video-3"
    ),
}

ON_THE_SECOND_HOST = {
    "openai-videos-create-queued": sized("sora-2", size="1280x720", seconds="5"),
    "get-in-progress-openai-videos": sized("sora-2", Status.RUNNING, 40, size="1280x720", seconds="5"),
}

ERRORS = {
    "new-api-error-400-invalid-request": ErrorKind.INVALID_REQUEST,
    "new-api-error-400-task-not-exist": ErrorKind.NOT_FOUND,
    "new-api-error-401-invalid-token": ErrorKind.AUTH,
    "new-api-error-403-insufficient-quota": ErrorKind.QUOTA,
    "new-api-error-404-invalid-url": ErrorKind.UNSUPPORTED,
    "new-api-content-error-400-not-completed": ErrorKind.NOT_READY,
    "new-api-content-error-404-not-found": ErrorKind.NOT_FOUND,
}

NOT_SERVED = {
    "openai-videos-create-request",
    "generations-seedance2-create-request",
    "account-error-invalid-bearer",
    "account-error-no-authorization",
    "account-error-quota-query-failed",
    "asset-create-group-request",
    "asset-create-group",
    "asset-create",
    "asset-get",
}
"""Requests, and the answers of calls that no provider makes."""


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_bytes())


def document(response: HttpResponse) -> Any:
    return json.loads(response.body)


def polled(simulator: OctopusXSimulator, asked: SimulatedJob, route: str | None = None) -> HttpResponse:
    path = asked.call.route if route is None else route
    call = SimulatedCall(kind=CallKind.RETRIEVE, route=path, task_id=asked.task_id)
    return simulator.answer_retrieve(call, asked)


def test_every_answer_of_the_provider_has_its_row() -> None:
    recorded = {path.stem for path in SAMPLES.glob("*.json") if not path.name.endswith(".reading.json")}
    own = {name for name in recorded if not name.startswith(("new-api-", "ark-"))}
    assert {*CREATES, *RETRIEVES, *ON_THE_SECOND_HOST} == own - NOT_SERVED


@pytest.mark.parametrize("name", CREATES)
def test_an_answer_to_a_create_is_the_documented_one(name: str) -> None:
    answer = SIMULATOR.answer_create(CREATES[name])
    assert (answer.status, document(answer)) == (200, sample(name))


@pytest.mark.parametrize("name", RETRIEVES)
def test_an_answer_to_a_poll_is_the_documented_one(name: str) -> None:
    answer = polled(OctopusXSimulator(), RETRIEVES[name])
    assert (answer.status, document(answer)) == (200, sample(name))


@pytest.mark.parametrize("name", ON_THE_SECOND_HOST)
def test_the_second_host_has_one_object_for_creates_and_polls(name: str) -> None:
    asked = ON_THE_SECOND_HOST[name]
    assert document(SECOND_HOST.answer_create(asked)) == sample(name)
    assert document(polled(SECOND_HOST, asked)) == sample(name)


def test_the_second_host_has_the_short_form_for_seedance_2_as_well() -> None:
    asked = replace(seedance(Status.SUCCEEDED, 100, video_url=URL), task_id="task-video-abc123")
    assert document(polled(SECOND_HOST, asked)) == sample("generations-task-status-succeeded")


def test_a_callback_is_the_object_of_the_upstream_in_its_own_words() -> None:
    written = SIMULATOR.write_callback(seedance(Status.RUNNING, 50))
    assert written is not None
    shown = json.loads(written.body)
    assert shown["status"] == "running"
    assert shown.keys() <= sample("ark-get-succeeded").keys()
    assert SIMULATOR.write_callback(seedance(Status.CANCELLED, 50)) is None


@pytest.mark.parametrize("route", ROUTES)
def test_only_one_dialect_takes_an_address_for_callbacks(route: str) -> None:
    fields = {"metadata": {"callback_url": "https://a.example/"}}
    call = SimulatedCall(kind=CallKind.CREATE, route=route, fields=fields)
    assert SIMULATOR.callback_url(call) == ("https://a.example/" if route == GENERATIONS else None)


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_answer_is_that_of_the_gateways_source(name: str) -> None:
    kind = CallKind.CONTENT if "content" in name else CallKind.RETRIEVE
    answer = SIMULATOR.answer_error(SimulatedCall(kind=kind), ERRORS[name])
    assert f"-{answer.status}-" in name
    assert document(answer) == sample(name)


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if kind is not ErrorKind.PROTOCOL])
def test_an_error_is_read_back_as_it_was_meant(kind: ErrorKind) -> None:
    assert read_error(PROVIDER, SIMULATOR.answer_error(None, kind)).kind is kind


@pytest.mark.parametrize("route", ROUTES)
def test_an_answer_without_data_is_unreadable(route: str) -> None:
    answer = SIMULATOR.answer_error(None, ErrorKind.PROTOCOL)
    assert document(answer) == {"code": "success", "data": None}
    with pytest.raises(ProviderError) as caught:
        read_retrieve(PROVIDER, answer, route, "task_xxxxx")
    assert caught.value.kind is ErrorKind.PROTOCOL


MODELS = {
    "seedance-1-5-pro": (MAIN, "video_00000000-0000-0000-0000-000000000001"),
    "kling-3.0-omni": (MAIN, "task_00000000000000000000000000000001"),
    "seedance-2": (GENERATIONS, "cgt-20260412163502-00001"),
    "kling-v1": (GENERATIONS, "video_task_000001"),
    "grok-video-3": (UNIFIED, "grok:00000000-0000-0000-0000-000000000001"),
    "veo3.1-fast-components": (UNIFIED, "video_00000000-0000-0000-0000-000000000001"),
}


@pytest.mark.parametrize("model", MODELS)
def test_a_create_of_the_provider_is_recognised_and_named(model: str) -> None:
    route, task_id = MODELS[model]
    checked = check(VideoRequest(model=model, prompt="a cat"), PROVIDER.models, OnUnsupported.ERROR)
    request = PROVIDER.encode_create(checked.request, checked.spec)
    if not isinstance(request.body, bytes):
        # The transport writes the form; here only its model matters.
        fields = dict(request.body.fields) if request.body else {}
        request = replace(request, body=json.dumps(fields).encode())
    call = SIMULATOR.recognise(request)
    assert call is not None
    assert (call.kind, call.route) == (CallKind.CREATE, route)
    assert SIMULATOR.new_id(call, 1) == task_id


@pytest.mark.parametrize(("model", "task_id"), [("sora-2", "sora-2:task_" + "1".zfill(26)), ("vidu2.0", None)])
def test_a_unified_create_of_any_model_is_named(model: str, task_id: str | None) -> None:
    call = SimulatedCall(kind=CallKind.CREATE, route=UNIFIED, fields={"model": model})
    assert SIMULATOR.new_id(call, 1) == (task_id or "00000000-0000-0000-0000-000000000001")


@pytest.mark.parametrize("task_id", [SORA_ID, DOUBAO_ID, "grok:a/b", "a?b=c", "ü 1", "content"])
@pytest.mark.parametrize("route", ROUTES)
def test_a_poll_of_the_provider_is_recognised(task_id: str, route: str) -> None:
    call = SIMULATOR.recognise(PROVIDER.encode_retrieve(task_id, route))
    assert call == SimulatedCall(kind=CallKind.RETRIEVE, route=route, task_id=task_id)


@pytest.mark.parametrize("route", ROUTES)
def test_a_content_request_of_the_provider_is_recognised(route: str) -> None:
    call = SIMULATOR.recognise(PROVIDER.encode_content(SORA_ID, route))
    assert call == SimulatedCall(kind=CallKind.CONTENT, task_id=SORA_ID)


def test_a_remix_of_the_provider_is_recognised() -> None:
    call = SIMULATOR.recognise(PROVIDER.encode_remix("video_123", MAIN, "into the sea", "veo_3_1-extend"))
    fields = {"prompt": "into the sea", "model": "veo_3_1-extend"}
    assert call == SimulatedCall(kind=CallKind.REMIX, task_id="video_123", fields=fields)


def test_a_unified_remix_is_recognised_by_the_task_in_its_body() -> None:
    fields = {"model": "grok-video-3", "prompt": "more", "task_id": "grok:1"}
    body = json.dumps(fields).encode()
    headers = (("Content-Type", "application/json"),)
    call = SIMULATOR.recognise(HttpRequest(method="POST", path="/v1/video/remix", headers=headers, body=body))
    assert call == SimulatedCall(kind=CallKind.REMIX, route=UNIFIED, task_id="grok:1", fields=fields)


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "v1/videos/video_123"), ("GET", "v1/videos"), ("POST", "v1/video")]
)
def test_a_path_that_is_not_documented_is_not_served(method: str, path: str) -> None:
    assert SIMULATOR.recognise(HttpRequest(method=method, path=path)) is None


def test_a_finished_kling_video_is_linked_twice() -> None:
    done = document(polled(OctopusXSimulator(), sized("kling-2.6", Status.SUCCEEDED, 100)))
    linked = document(
        polled(OctopusXSimulator(), replace(sized("kling-2.6", Status.SUCCEEDED, 100), video_url=URL))
    )
    assert "metadata" not in done
    assert (linked["video_url"], linked["metadata"]) == (URL, {"url": URL})


def test_a_generation_can_be_read_as_a_video_object() -> None:
    seen = read_retrieve(PROVIDER, polled(OctopusXSimulator(), kling("task_1"), MAIN), MAIN, "task_1")
    assert (seen.task_id, seen.status, seen.model) == ("task_1", Status.QUEUED, "kling-v1")


@pytest.mark.parametrize(
    ("size", "shown"),
    [("16:9", "1280x720"), ("9:16", "720x1280"), ("21:9", "1680x720"), ("adaptive", "adaptive")],
)
def test_an_aspect_ratio_is_answered_with_pixels(size: str, shown: str) -> None:
    answer = polled(OctopusXSimulator(), sized("doubao-seedance-1-5-pro_720p", size=size))
    assert document(answer)["size"] == shown


ids = st.text(st.characters(categories=["L", "N", "P", "S"]), min_size=1, max_size=40).filter(
    lambda text: text not in {".", ".."}
)
stamps = st.integers(10**9, 2 * 10**9)
links = st.text("abc123/._-?=&%", min_size=1).map("https://cdn.example/".__add__)
codes = st.sampled_from(
    [
        ("InputTextSensitiveContentDetected", FailureKind.MODERATION),
        ("4711", FailureKind.UNKNOWN),
        (None, FailureKind.UNKNOWN),
    ]
)
reasons = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=80)

FAMILIES = {
    MAIN: [
        "doubao-seedance-1-5-pro_720p",
        "jimeng-video-3.0",
        "viduq3-pro",
        "sora-2",
        "veo_3_1",
        "kling-2.6",
        "omni-fast",
        "grok-video-3-pro",
        "hailuo-9",
    ],
    GENERATIONS: ["doubao-seedance-2-0-260128", "kling-v1"],
    UNIFIED: ["jimeng-video-3.0", "sora-2", "veo3.1-fast-components", "viduq3-pro", "grok-video-3"],
}


@st.composite
def jobs(draw: st.DrawFn, route: str) -> SimulatedJob:
    status = draw(st.sampled_from([status for status in Status if status is not Status.LOST]))
    created = draw(stamps)
    code, kind = draw(codes)
    failure = Failure(kind=kind, code=code, message=draw(reasons))
    bad = status in {Status.FAILED, Status.CANCELLED, Status.EXPIRED}
    good = status is Status.SUCCEEDED
    return job(
        draw(ids),
        created,
        status,
        draw(st.integers(0, 100)),
        route=route,
        ended=created + draw(st.integers(1, 10**5)),
        expires=draw(st.none() | stamps) if good else None,
        fields={"model": draw(st.sampled_from(FAMILIES[route]))},
        video_url=draw(st.none() | links) if good else None,
        failure=draw(st.none() | st.just(failure)) if bad else None,
    )


def meant(job: SimulatedJob, *, has_cancelled: bool, has_queued: bool = True) -> Status:
    """What can be read back: no page has a word for an expired job, and some lack one for others."""
    told = {Status.EXPIRED: Status.FAILED}
    told |= {} if has_cancelled else {Status.CANCELLED: Status.FAILED}
    told |= {} if has_queued else {Status.QUEUED: Status.RUNNING}
    return told.get(job.status, job.status)


def urls(job: SimulatedJob) -> list[str]:
    return [url for url in [job.video_url] if url]


def told(failure: Failure | None, status: Status) -> Failure | None:
    bad = status in {Status.FAILED, Status.CANCELLED}
    return (failure or Failure()) if bad else None


@given(job=jobs(MAIN))
@settings(deadline=None)
def test_a_video_object_is_read_back_with_every_fact(job: SimulatedJob) -> None:
    seen = read_retrieve(PROVIDER, polled(OctopusXSimulator(), job), MAIN, job.task_id)
    status = meant(job, has_cancelled=True)
    assert (seen.task_id, seen.status, seen.progress) == (job.task_id, status, job.progress)
    assert (seen.model, seen.created_at) == (job.call.model, job.created_at)
    assert seen.completed_at == (job.updated_at if job.finished else None)
    assert [video.url.reveal() for video in seen.videos] == urls(job)
    assert seen.failure == told(job.failure, status)


@given(job=jobs(GENERATIONS))
@settings(deadline=None)
@pytest.mark.parametrize("simulator", [OctopusXSimulator(), SECOND_HOST], ids=["first host", "second host"])
def test_a_generation_is_read_back_with_the_facts_it_holds(simulator: OctopusXSimulator, job: SimulatedJob) -> None:
    seen = read_retrieve(PROVIDER, polled(simulator, job), GENERATIONS, job.task_id)
    status = meant(job, has_cancelled=False)
    assert (seen.task_id, seen.status) == (job.task_id, status)
    assert [video.url.reveal() for video in seen.videos] == urls(job)
    assert seen.failure == told(job.failure, status)


@given(job=jobs(GENERATIONS))
@settings(deadline=None)
def test_a_record_is_read_back_with_its_times_and_progress(job: SimulatedJob) -> None:
    seedance_job = replace(job, call=replace(job.call, fields={"model": "doubao-seedance-2-0-260128"}))
    seen = read_retrieve(PROVIDER, polled(OctopusXSimulator(), seedance_job), GENERATIONS, job.task_id)
    assert seen.progress == (100 if job.finished else job.progress)
    assert seen.created_at == job.created_at
    assert seen.completed_at == (job.updated_at if job.finished else None)


@given(job=jobs(UNIFIED))
@settings(deadline=None)
def test_a_unified_task_is_read_back_with_the_facts_it_holds(job: SimulatedJob) -> None:
    seen = read_retrieve(PROVIDER, polled(OctopusXSimulator(), job), UNIFIED, job.task_id)
    pending = job.call.model.startswith(("sora", "veo"))
    status = meant(job, has_cancelled=True, has_queued=pending)
    assert (seen.task_id, seen.status) == (job.task_id, status)
    assert [video.url.reveal() for video in seen.videos] == urls(job)
    assert seen.failure == told(job.failure, status)


@given(job=jobs(MAIN) | jobs(GENERATIONS) | jobs(UNIFIED))
@settings(deadline=None)
def test_an_answer_to_a_create_names_the_job(job: SimulatedJob) -> None:
    assert read_create(PROVIDER, SIMULATOR.answer_create(job), job.call.route).task_id == job.task_id


@given(
    job=jobs(MAIN) | jobs(GENERATIONS) | jobs(UNIFIED), word=st.sampled_from(["unknown", "UNKNOWN", "moderating"])
)
@settings(deadline=None)
def test_a_word_that_nobody_knows_is_kept_and_means_nothing(job: SimulatedJob, word: str) -> None:
    # The record's inner word would stand in for it, so the short form is asked here.
    seen = read_retrieve(PROVIDER, polled(SECOND_HOST, replace(job, word=word)), job.call.route, job.task_id)
    assert (seen.provider_status, seen.status) == (word, None)
