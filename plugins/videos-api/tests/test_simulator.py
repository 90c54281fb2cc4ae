"""The simulator prints OpenAI's objects, a gateway's in the gateway's terms, and what it prints is read back."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway import Client
from reelway.errors import ErrorKind
from reelway.model.http import HttpRequest, HttpResponse, json_request
from reelway.model.observation import Failure, FailureKind, Status
from reelway.provider.interface import Provider
from reelway.provider.reading import read_callback, read_create, read_error, read_retrieve
from reelway.provider.simulator import CallKind, SimulatedCall, SimulatedJob, Simulator
from reelway.sandbox import Callback, Sandbox
from reelway.testing import VirtualClock, in_process
from reelway_videos_api import Gateway, OpenAIVideos, gateway

SAMPLES = Path(__file__).parent / "samples"
PROVIDER = OpenAIVideos()
SIMULATOR = PROVIDER.simulator()
CREATED = datetime(2025, 9, 27, 2, 51, 25, tzinfo=UTC)
URL = "https://cdn.example/video.mp4"
ADDRESS = "https://gateway.example.com"

FIELDS = {"model": "sora-2", "prompt": "A paper boat", "seconds": "4", "size": "720x1280"}


def job(status: Status, progress: int = 0, **facts: Any) -> SimulatedJob:
    call = SimulatedCall(kind=CallKind.CREATE, fields=facts.pop("fields", FIELDS))
    times = {"created_at": CREATED, "updated_at": CREATED + timedelta(seconds=115)}
    return SimulatedJob(
        **{"task_id": "video_abc123", "call": call, "status": status, "progress": progress} | times | facts
    )


def printed(simulator: Simulator, made: SimulatedJob) -> Any:
    call = SimulatedCall(kind=CallKind.RETRIEVE, task_id=made.task_id)
    return json.loads(simulator.answer_retrieve(call, made).body)


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_bytes())


BLOCKED = Failure(
    kind=FailureKind.MODERATION,
    code="moderation_blocked",
    message="Your request was blocked by our moderation system.",
)


def test_a_queued_job_is_the_documented_object() -> None:
    assert printed(SIMULATOR, job(Status.QUEUED)) == sample("openai-get-queued")


def test_a_failed_job_is_the_documented_object_with_its_end() -> None:
    expected = sample("openai-get-failed") | {"completed_at": 1758941600}
    assert printed(SIMULATOR, job(Status.FAILED, failure=BLOCKED)) == expected


def test_a_finished_job_is_the_documented_object() -> None:
    expires = CREATED + timedelta(seconds=3715)
    made = job(Status.SUCCEEDED, 100, video_url=URL, expires_at=expires)
    [expected] = sample("openai-list")["data"]
    assert printed(SIMULATOR, made) == expected | {"prompt": "A paper boat", "remixed_from_video_id": None}


def test_what_a_request_leaves_out_is_openais_default() -> None:
    said = printed(SIMULATOR, job(Status.QUEUED, fields={"prompt": "A paper boat"}))
    assert (said["model"], said["seconds"], said["size"]) == ("sora-2", "4", "720x1280")


def test_a_remix_names_what_it_was_made_from() -> None:
    call = SimulatedCall(kind=CallKind.REMIX, task_id="video_1", fields={"prompt": "In teal"})
    answer = SIMULATOR.answer_create(job(Status.QUEUED, call=call))
    assert json.loads(answer.body)["remixed_from_video_id"] == "video_1"
    assert read_create(PROVIDER, answer, "").task_id == "video_abc123"


def test_a_word_that_nobody_knows_can_be_shown() -> None:
    assert printed(SIMULATOR, job(Status.RUNNING, word="warming_up"))["status"] == "warming_up"


@pytest.mark.parametrize("kind", [kind for kind in ErrorKind if kind is not ErrorKind.PROTOCOL])
def test_an_error_is_read_back_as_what_it_stands_for(kind: ErrorKind) -> None:
    assert read_error(PROVIDER, SIMULATOR.answer_error(None, kind)).kind is kind


CALLS = [
    (PROVIDER.encode_retrieve("a/b", ""), CallKind.RETRIEVE),
    (PROVIDER.encode_content("a/b", ""), CallKind.CONTENT),
    (PROVIDER.encode_remix("a/b", "", "In teal", None), CallKind.REMIX),
]


@pytest.mark.parametrize(("request_", "kind"), CALLS, ids=lambda value: value if isinstance(value, str) else "")
def test_every_call_of_the_provider_is_recognised(request_: HttpRequest, kind: CallKind) -> None:
    call = SIMULATOR.recognise(request_)
    assert call is not None
    assert (call.kind, call.task_id) == (kind, "a/b")


@pytest.mark.parametrize(
    "request_",
    [
        HttpRequest(method="GET", path="v1/videos"),
        HttpRequest(method="DELETE", path="v1/videos/video_1"),
        json_request("POST", "v1/videos/edits", {}),
    ],
    ids=lambda request: f"{request.method} {request.path}",
)
def test_what_is_not_simulated_is_not_served(request_: HttpRequest) -> None:
    assert SIMULATOR.recognise(request_) is None


# --- gateways ---

ODD = gateway(
    "odd",
    base_url=ADDRESS,
    body="json",
    words={"Done": "succeeded", "done-too": "succeeded", "gone": "expired"},
    places={"ids": "job.id", "words": ["job.state", "state"], "links": "output.0.video", "progress": []},
    paths={"create": "v2/jobs", "read": "v2/jobs?job={id}", "content": "", "remix": ""},
)


def test_a_gateway_speaks_in_its_own_words_and_places() -> None:
    said = printed(ODD.simulator(), job(Status.SUCCEEDED, 100, video_url=URL))
    assert said["job"] == {"id": "video_abc123", "state": "Done"}
    assert said["output"] == [{"video": URL}]
    assert not {"id", "status"} & said.keys()


def test_a_gateway_says_failed_where_it_has_no_word_for_an_end() -> None:
    simulator = ODD.simulator()
    words = {
        status: printed(simulator, job(status))["job"]["state"] for status in (Status.CANCELLED, Status.EXPIRED)
    }
    assert words == {Status.CANCELLED: "failed", Status.EXPIRED: "gone"}


def test_the_calls_of_a_gateway_are_recognised_by_its_paths() -> None:
    simulator = ODD.simulator()
    created = simulator.recognise(json_request("POST", "v2/jobs", {"prompt": "A boat"}))
    asked = simulator.recognise(ODD.encode_retrieve("a/b", ""))
    assert created == SimulatedCall(kind=CallKind.CREATE, fields={"prompt": "A boat"})
    assert asked == SimulatedCall(kind=CallKind.RETRIEVE, task_id="a/b")
    assert simulator.recognise(HttpRequest(method="GET", path="v1/videos/a")) is None


@pytest.mark.parametrize("provider", [PROVIDER, ODD], ids=lambda provider: provider.info.name)
def test_a_client_brings_a_job_from_the_create_to_the_file(provider: Provider, tmp_path: Path) -> None:
    clock = VirtualClock()
    sandbox = Sandbox([provider], clock=clock)
    address = sandbox.base_url(provider.info.name)
    with Client(
        provider, api_key="any", base_url=address, clock=clock, transport=in_process(sandbox.respond)
    ) as client:
        download = client.generate("A paper boat", model="sora-2", size="1280x720", to=tmp_path / "boat.mp4")
    [entry] = sandbox.ledger.tasks
    assert (download.sha256, str(download.task.ref)) == (
        entry.sha256,
        f"reelway1:{provider.info.name}:default::{entry.task_id}",
    )
    assert sandbox.ledger.creates == 1


TELLING = [
    pytest.param(gateway("json", base_url=ADDRESS, body="json", fields={"callback_url": "hooks.done"}), id="json"),
    pytest.param(gateway("form", base_url=ADDRESS, fields={"callback_url": "hooks.done"}), id="form"),
    pytest.param(
        gateway(
            "odd",
            base_url=ADDRESS,
            fields={"callback_url": "notify"},
            words={"Done": "succeeded"},
            places={"ids": "job.id", "words": ["job.state", "state"], "links": "output.0.video"},
        ),
        id="odd",
    ),
]


@pytest.mark.parametrize("provider", TELLING)
def test_a_gateway_that_takes_an_address_tells_every_change(provider: Gateway) -> None:
    clock = VirtualClock()
    heard: list[Callback] = []
    sandbox = Sandbox([provider], clock=clock, on_callback=heard.append)
    address = sandbox.base_url(provider.info.name)
    with Client(
        provider, api_key="any", base_url=address, clock=clock, transport=in_process(sandbox.respond)
    ) as client:
        task = client.create("A paper boat", model="sora-2", callback_url="https://a.example/hook")
    clock.advance(60)
    sandbox.deliver_callbacks()
    said = [one for told in heard for one in read_callback(provider, told.headers, told.body, verified=False)]
    assert [one.status for one in said] == [Status.QUEUED, Status.RUNNING, Status.SUCCEEDED]
    assert {one.task_id for one in said} == {task.id}
    assert bool(said[-1].videos) == (provider.info.name == "odd")


def test_openai_takes_no_address_at_a_create() -> None:
    call = SimulatedCall(kind=CallKind.CREATE, fields={"callback_url": "https://a.example/hook"})
    assert SIMULATOR.callback_url(call) is None


# --- whatever is configured ---

NAMES = st.text("abcdefgh_-", min_size=1, max_size=6)

# Different facts begin with different letters, so that no place is inside another.
FACTS = {"ids": "i", "words": "w", "links": "l", "progress": "p", "created_at": "c", "failure_message": "f"}


@st.composite
def places(draw: st.DrawFn) -> dict[str, list[str]]:
    def below(start: str) -> str:
        keys = draw(st.lists(NAMES | st.sampled_from(["0", "1"]), max_size=3))
        return ".".join([f"{start}_{draw(NAMES)}", *keys])

    chosen = draw(st.sets(st.sampled_from(sorted(FACTS))))
    return {fact: [below(FACTS[fact]), *draw(st.lists(NAMES, max_size=2))] for fact in chosen}


WORDS = st.dictionaries(
    st.text("abcxyz", min_size=3, max_size=6),
    st.sampled_from(["queued", "running", "succeeded", "failed", "cancelled"]),
)


@st.composite
def gateways(draw: st.DrawFn) -> Gateway:
    return gateway("any", base_url=ADDRESS, words=draw(WORDS), places=draw(places()))


@st.composite
def jobs(draw: st.DrawFn) -> SimulatedJob:
    status = draw(st.sampled_from([status for status in Status if status is not Status.LOST]))
    reason = st.builds(Failure, message=st.text("abc ", min_size=1).map("It broke: ".__add__))
    return job(
        status,
        draw(st.integers(0, 100)),
        video_url=URL if status is Status.SUCCEEDED else None,
        failure=draw(st.none() | reason) if status is Status.FAILED else None,
    )


@given(gateways(), jobs())
def test_what_a_gateway_prints_it_reads_back(one: Gateway, made: SimulatedJob) -> None:
    answer: HttpResponse = one.simulator().answer_retrieve(made.call, made)
    seen = read_retrieve(one, answer, "", made.task_id)
    ends = {Status.CANCELLED, Status.EXPIRED}
    assert (seen.task_id, seen.progress, seen.created_at) == ("video_abc123", made.progress, CREATED)
    assert seen.status is made.status or {made.status, seen.status} <= {Status.FAILED, *ends}
    told = seen.failure and seen.failure.message
    assert told == (made.failure.message if made.failure else None)


@given(gateways(), jobs())
def test_a_link_is_read_back_from_where_a_gateway_has_one(one: Gateway, made: SimulatedJob) -> None:
    seen = read_retrieve(one, one.simulator().answer_retrieve(made.call, made), "", made.task_id)
    linked = made.video_url is not None and one.dialects[""].places.links != PROVIDER.dialects[""].places.links
    assert [video.url.reveal() for video in seen.videos] == ([URL] if linked else [])


@given(gateways())
def test_a_create_is_read_back(one: Gateway) -> None:
    seen = read_create(one, one.simulator().answer_create(job(Status.QUEUED)), "")
    assert (seen.task_id, seen.status) == ("video_abc123", Status.QUEUED)
