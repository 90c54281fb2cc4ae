"""The service from the other side: it prints what the documentation prints, and what it prints is read back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.errors import ErrorKind
from reelway.model.http import HttpRequest, HttpResponse, json_request
from reelway.model.observation import Failure, FailureKind, Status
from reelway.provider import reading
from reelway.provider.simulator import CallKind, SimulatedCall, SimulatedJob
from reelway_cometapi import CometApi
from reelway_cometapi.models import CATALOG
from reelway_cometapi.simulator import CometApiSimulator

COMET = CometApi()
SIMULATOR = CometApiSimulator()
SAMPLES = Path(__file__).parent / "samples"

FAST = "doubao-seedance-2-0-fast"
MP4 = "https://example.com/generated.mp4"
PAPER_PLANE = "A paper airplane glides across a desk."
SORA_ID = "video_69b25d5f467c81908733a56bc236b4df"
VEO_ID = "task_pa9CKKtYlTdxO7IIHOKKhXfjxEu4EQoR"
REJECTED = Failure(kind=FailureKind.REJECTED, code="refused", message="The prompt was refused.")
INTERNAL = Failure(kind=FailureKind.INTERNAL, code="broken", message="The service broke.")


def sample(name: str) -> Any:
    return json.loads((SAMPLES / name).read_bytes())


def document(response: HttpResponse) -> Any:
    assert response.media_type == "application/json"
    return json.loads(response.body)


def moment(stamp: int) -> datetime:
    return datetime.fromtimestamp(stamp, UTC)


def creation(model: str, **fields: Any) -> SimulatedCall:
    return SimulatedCall(kind=CallKind.CREATE, fields={"model": model, "prompt": "A paper boat", **fields})


def job(
    model: str, task_id: str, status: Status, stamps: tuple[int, int], progress: int = 0, **more: Any
) -> SimulatedJob:
    fields = more.pop("fields", {})
    return SimulatedJob(
        task_id=task_id,
        call=creation(model, **fields),
        status=status,
        created_at=moment(stamps[0]),
        updated_at=moment(stamps[1]),
        progress=progress,
        **more,
    )


def queued(model: str, task_id: str, stamp: int, **fields: Any) -> SimulatedJob:
    return job(model, task_id, Status.QUEUED, (stamp, stamp), fields=fields)


CREATES = {
    "create-queued-seedance.json": queued("doubao-seedance-2-0", "task_abc123", 1776681149),
    "create-queued-polling-guide.json": queued("doubao-seedance-2-0", "task_example", 1779872000),
    "create-submitted.json": queued(FAST, "task_abc123", 1776681149),
    "create-queued-sora.json": queued("sora-2", SORA_ID, 1773296991),
    "create-queued-veo.json": queued("veo3-fast", VEO_ID, 1773297229),
    "create-queued-omni.json": queued("omni-fast", "task_example", 1779938152),
    "create-queued-wan.json": queued("wan2.6", "task_example", 1779938152),
    "create-queued-vidu.json": queued("viduq3-turbo", "task_example", 1779938152),
}

OLDER = (1776567610, 1776567744)
NEWER = (1777385418, 1777385552)

POLLS = {
    "get-submitted-uppercase.json": job(FAST, "task_abc123", Status.QUEUED, OLDER),
    "get-in-progress-uppercase.json": job(FAST, "task_abc123", Status.RUNNING, OLDER, 45),
    "get-success-uppercase.json": job(FAST, "task_abc123", Status.SUCCEEDED, OLDER, 100, video_url=MP4),
    "get-failed-uppercase.json": job(FAST, "task_abc123", Status.FAILED, OLDER, 100, failure=REJECTED),
    "get-error-uppercase.json": job(FAST, "task_abc123", Status.FAILED, OLDER, failure=INTERNAL),
    "get-in-progress-lowercase-completed-at-set.json": job(
        "doubao-seedance-2-0", "task_abc123", Status.RUNNING, (1777385418, 1777385485), 30
    ),
    "get-completed-lowercase.json": job(
        "doubao-seedance-2-0", "task_abc123", Status.SUCCEEDED, NEWER, 100, video_url=MP4
    ),
    "get-failed-lowercase.json": job(
        "doubao-seedance-2-0", "task_abc123", Status.FAILED, NEWER, 100, failure=REJECTED
    ),
    "get-error-lowercase.json": job(
        "doubao-seedance-2-0", "task_abc123", Status.FAILED, NEWER, 100, failure=INTERNAL
    ),
    "get-in-progress-sora.json": job(
        "sora-2", SORA_ID, Status.RUNNING, (1773296991, 1773297000), fields={"prompt": PAPER_PLANE}
    ),
    "get-queued-veo.json": queued("veo3-fast", VEO_ID, 1773297229),
    "get-queued-wan.json": queued("wan2.6", "task_example", 1779938152),
    "get-completed-omni.json": job(
        "omni-fast",
        "task_example",
        Status.SUCCEEDED,
        (1779938152, 1779938219),
        100,
        video_url="<temporary-video-url>",
    ),
}


@pytest.mark.parametrize(("name", "made"), CREATES.items(), ids=CREATES.keys())
def test_a_create_is_answered_as_documented(name: str, made: SimulatedJob) -> None:
    assert document(SIMULATOR.answer_create(made)) == sample(name)


@pytest.mark.parametrize(("name", "made"), POLLS.items(), ids=POLLS.keys())
def test_a_poll_is_answered_as_documented(name: str, made: SimulatedJob) -> None:
    call = SimulatedCall(kind=CallKind.RETRIEVE, task_id=made.task_id)
    assert document(SIMULATOR.answer_retrieve(call, made)) == sample(name)


def test_a_poll_of_the_polling_guide_leaves_out_the_time_of_creation() -> None:
    made = job(
        "doubao-seedance-2-0",
        "task_example",
        Status.SUCCEEDED,
        (1779872000, 1779872300),
        100,
        video_url="<generated-video-url>",
    )
    answered = document(SIMULATOR.answer_retrieve(creation(""), made))
    assert answered.pop("created_at") == 1779872000
    assert answered == sample("get-completed-polling-guide.json")


def retrieval(**more: Any) -> SimulatedCall:
    return SimulatedCall(kind=CallKind.RETRIEVE, task_id="task_1", **more)


ERRORS = [
    ("error-400-model-name-required.json", 400, creation(""), ErrorKind.INVALID_REQUEST),
    ("error-400-task-not-exist-flat.json", 400, retrieval(), ErrorKind.NOT_FOUND),
    ("error-401-invalid-token.json", 401, retrieval(), ErrorKind.AUTH),
]

SHAPES = [
    ("error-envelope-invalid-request.json", 400, creation("sora-2"), ErrorKind.INVALID_REQUEST),
    ("error-envelope-older.json", 503, retrieval(), ErrorKind.UNAVAILABLE),
    ("error-envelope-older.json", 429, retrieval(), ErrorKind.RATE_LIMITED),
    ("error-503-model-not-found.json", 503, creation("sora-2-all"), ErrorKind.UNSUPPORTED),
]


@pytest.mark.parametrize(("name", "status", "call", "kind"), ERRORS)
def test_an_error_is_answered_as_documented(name: str, status: int, call: SimulatedCall, kind: ErrorKind) -> None:
    answer = SIMULATOR.answer_error(call, kind)
    assert (answer.status, document(answer)) == (status, sample(name))


@pytest.mark.parametrize(("name", "status", "call", "kind"), SHAPES)
def test_an_error_has_the_documented_shape(name: str, status: int, call: SimulatedCall, kind: ErrorKind) -> None:
    answer = SIMULATOR.answer_error(call, kind)
    assert answer.status == status
    assert document(answer)["error"] | {"message": "..."} == sample(name)["error"] | {"message": "..."}


def test_a_model_that_nobody_serves_is_named() -> None:
    said = document(SIMULATOR.answer_error(creation("sora-2-all"), ErrorKind.UNSUPPORTED))["error"]["message"]
    documented = sample("error-503-model-not-found.json")["error"]["message"]
    assert said.partition("(request id: ")[0] == documented.partition("(request id: ")[0]


CALLS = {
    CallKind.CREATE: creation("sora-2"),
    CallKind.RETRIEVE: retrieval(),
    CallKind.CONTENT: SimulatedCall(kind=CallKind.CONTENT, task_id="task_1"),
    CallKind.REMIX: SimulatedCall(kind=CallKind.REMIX, task_id="task_1"),
}


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if kind is not ErrorKind.PROTOCOL])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_every_error_is_read_back_as_what_it_stands_for(call: SimulatedCall, kind: ErrorKind) -> None:
    assert reading.read_error(COMET, SIMULATOR.answer_error(call, kind)).kind is kind


def test_a_wrong_path_is_redirected() -> None:
    answer = SIMULATOR.answer_error(None, ErrorKind.UNSUPPORTED)
    assert answer.status == 301
    assert reading.read_error(COMET, answer).kind is ErrorKind.UNSUPPORTED


FORM = (
    b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nsora-2\r\n'
    b'--b\r\nContent-Disposition: form-data; name="input_reference"; filename="a.png"\r\n'
    b"Content-Type: image/png\r\n\r\n123\r\n--b--\r\n"
)


def test_a_multipart_create_is_understood() -> None:
    headers = (("Content-Type", "multipart/form-data; boundary=b"),)
    call = SIMULATOR.recognise(HttpRequest(method="POST", path="/v1/videos", headers=headers, body=FORM))
    assert call is not None
    assert (call.kind, call.model) == (CallKind.CREATE, "sora-2")
    assert call.fields["input_reference"].size == 3


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (COMET.encode_retrieve("task/1", ""), CallKind.RETRIEVE),
        (COMET.encode_content("task/1", ""), CallKind.CONTENT),
        (COMET.encode_remix("task/1", "", "in teal", None), CallKind.REMIX),
    ],
    ids=lambda value: value.path if isinstance(value, HttpRequest) else str(value),
)
def test_every_call_of_the_provider_is_recognised(request_: HttpRequest, kind: CallKind) -> None:
    call = SIMULATOR.recognise(request_)
    assert call is not None
    assert (call.kind, call.task_id) == (kind, "task/1")


@pytest.mark.parametrize(
    "request_",
    [
        HttpRequest(method="GET", path="v1/videos"),
        HttpRequest(method="DELETE", path="v1/videos/task_1"),
        json_request("POST", "v1/video/generations", {}),
    ],
    ids=lambda request: f"{request.method} {request.path}",
)
def test_a_call_that_is_not_documented_is_not_served(request_: HttpRequest) -> None:
    assert SIMULATOR.recognise(request_) is None


def test_an_id_has_the_form_that_the_page_shows() -> None:
    assert SIMULATOR.new_id(creation("doubao-seedance-2-0"), 7) == "task_" + "7".zfill(32)
    assert SIMULATOR.new_id(creation("sora-2"), 255) == "video_" + "ff".zfill(32)
    assert SIMULATOR.new_id(CALLS[CallKind.REMIX], 1) == "video_" + "1".zfill(32)


def test_a_remix_names_what_it_was_made_from() -> None:
    call = SimulatedCall(kind=CallKind.REMIX, task_id="video_1", fields={"prompt": "in teal"})
    at = moment(1773296991)
    made = SimulatedJob(task_id="video_2", call=call, status=Status.QUEUED, created_at=at, updated_at=at)
    answer = SIMULATOR.answer_create(made)
    assert document(answer)["remixed_from_video_id"] == "video_1"
    assert reading.read_create(COMET, answer, "").task_id == "video_2"


@pytest.mark.parametrize("model", ["sora-2", "omni-fast"])
def test_a_failure_is_told_where_the_page_has_a_place_for_it(model: str) -> None:
    made = job(model, "task_1", Status.FAILED, NEWER, 40, failure=INTERNAL)
    observation = reading.read_retrieve(COMET, SIMULATOR.answer_retrieve(retrieval(), made), "", "task_1")
    assert observation.provider_status == "failed"
    assert observation.failure is not None
    assert (observation.failure.code, observation.failure.message) == ("broken", "The service broke.")


STAMPS = st.integers(min_value=1_600_000_000, max_value=4_000_000_000)
MODELS = st.sampled_from([spec.name for spec in CATALOG.models])
LIVE_STATUSES = [status for status in Status if status is not Status.LOST]


@st.composite
def jobs(draw: st.DrawFn) -> SimulatedJob:
    status = draw(st.sampled_from(LIVE_STATUSES))
    succeeded, failed = status is Status.SUCCEEDED, status is Status.FAILED
    created = draw(STAMPS)
    return job(
        draw(MODELS),
        SIMULATOR.new_id(creation(""), draw(st.integers(0, 10**9))),
        status,
        (created, created + draw(st.integers(0, 86_400))),
        draw(st.integers(0, 100)),
        video_url=MP4 if succeeded else None,
        expires_at=moment(created + 90_000) if succeeded else None,
        failure=draw(st.sampled_from([REJECTED, INTERNAL])) if failed else None,
    )


@given(jobs())
def test_what_is_printed_is_read_back(made: SimulatedJob) -> None:
    answer = SIMULATOR.answer_retrieve(retrieval(), made)
    observation = reading.read_retrieve(COMET, answer, "", made.task_id)
    assert (observation.task_id, observation.status) == (made.task_id, made.status)
    assert observation.progress == made.progress
    assert observation.created_at == made.created_at
    if made.finished:
        assert observation.completed_at == made.updated_at
    assert (observation.failure is not None) == (made.status in reading.BAD_ENDS)


@given(jobs())
def test_a_link_is_read_back_from_every_page_but_soras(made: SimulatedJob) -> None:
    answer = SIMULATOR.answer_retrieve(retrieval(), made)
    videos = reading.read_retrieve(COMET, answer, "", made.task_id).videos
    linked = made.video_url is not None and not made.call.model.startswith("sora")
    assert [video.url.reveal() for video in videos] == ([made.video_url] if linked else [])


@given(jobs())
def test_a_bad_end_tells_its_kind_by_the_word_where_the_page_has_two(made: SimulatedJob) -> None:
    answer = SIMULATOR.answer_retrieve(retrieval(), made)
    observation = reading.read_retrieve(COMET, answer, "", made.task_id)
    four_words = made.call.model.startswith(("sora", "omni", "veo"))
    if made.failure and observation.failure and not four_words:
        assert observation.failure.kind is made.failure.kind


@given(MODELS, st.integers(0, 10**9), STAMPS)
def test_a_create_is_read_back(model: str, number: int, stamp: int) -> None:
    task_id = SIMULATOR.new_id(creation(model), number)
    observation = reading.read_create(COMET, SIMULATOR.answer_create(queued(model, task_id, stamp)), "")
    assert (observation.task_id, observation.status) == (task_id, Status.QUEUED)
    assert observation.created_at == moment(stamp)


def test_a_word_that_nobody_knows_can_be_shown() -> None:
    made = job(FAST, "task_1", Status.RUNNING, OLDER, word="ARCHIVING")
    observation = reading.read_retrieve(COMET, SIMULATOR.answer_retrieve(retrieval(), made), "", "task_1")
    assert (observation.status, observation.provider_status) == (None, "ARCHIVING")
