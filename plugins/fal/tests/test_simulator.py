"""The simulator prints what the documentation prints, and Reelway follows it from create to file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from reelway import Client, TaskCancelled, TaskFailed
from reelway.errors import ErrorKind, InvalidRequest
from reelway.model.http import HttpRequest, HttpResponse, json_request
from reelway.model.observation import Failure, FailureKind, Status
from reelway.provider.simulator import CallKind, SimulatedCall, SimulatedJob
from reelway.sandbox import Sandbox
from reelway.testing import Replay, VirtualClock, in_process
from reelway_fal.simulator import FalSimulator

SAMPLES = Path(__file__).parent / "samples"
SIMULATOR = FalSimulator()
REQUEST = "80e732af-660e-45cd-bd63-580e4f2a94cc"
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
APP = "fal-ai/veo3.1"
CREATE = SimulatedCall(kind=CallKind.CREATE, route=APP, fields={"model": APP, "prompt": "A cat."})
POLL = SimulatedCall(kind=CallKind.RETRIEVE, route=APP, task_id=REQUEST)


def job(status: Status, **facts: Any) -> SimulatedJob:
    ended = BEGUN + timedelta(seconds=3.42)
    times: dict[str, Any] = {"created_at": BEGUN, "updated_at": ended}
    return SimulatedJob(task_id=REQUEST, call=CREATE, status=status, **times, **facts)


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_bytes())


def document(response: HttpResponse) -> Any:
    return json.loads(response.body)


@pytest.mark.parametrize(
    ("asked", "http_status", "name"),
    [
        (job(Status.QUEUED), 202, "create-queued"),
        (job(Status.SUCCEEDED, video_url="https://example.com/v.mp4"), 200, "status-completed"),
        (job(Status.FAILED, failure=Failure(code="x", message="No.")), 200, "status-completed"),
    ],
)
def test_a_poll_is_answered_as_documented(asked: SimulatedJob, http_status: int, name: str) -> None:
    answer = SIMULATOR.answer_retrieve(POLL, asked)
    assert (answer.status, document(answer)) == (http_status, sample(name))


def test_a_running_request_shows_no_more_than_that() -> None:
    shown = document(SIMULATOR.answer_retrieve(POLL, job(Status.RUNNING)))
    assert shown == {**sample("status-in-progress"), "logs": None}


def test_an_error_of_the_platform_stands_beside_the_word() -> None:
    failure = Failure(kind=FailureKind.INTERNAL, message="Runner disconnected")
    shown = document(SIMULATOR.answer_retrieve(POLL, job(Status.FAILED, failure=failure)))
    assert shown.keys() == sample("status-completed-error").keys()


@pytest.mark.parametrize(
    ("asked", "http_status", "name"),
    [
        (job(Status.CANCELLED), 499, "result-499-client-cancelled"),
        (job(Status.RUNNING), 400, "result-400-in-progress"),
    ],
)
def test_a_result_is_answered_as_documented(asked: SimulatedJob, http_status: int, name: str) -> None:
    answer = SIMULATOR.answer_result(POLL, asked)
    assert (answer.status, document(answer)) == (http_status, sample(name))


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (ErrorKind.NOT_READY, "error-400-already-completed"),
        (ErrorKind.NOT_FOUND, "error-404-not-found"),
        (ErrorKind.QUOTA, "error-403-exhausted-balance"),
    ],
)
def test_an_error_is_the_documented_one(kind: ErrorKind, name: str) -> None:
    answer = SIMULATOR.answer_error(POLL, kind)
    assert (f"-{answer.status}-" in name, document(answer)) == (True, sample(name))


def test_a_request_is_found_below_its_app_only() -> None:
    elsewhere = SimulatedCall(kind=CallKind.RETRIEVE, route="fal-ai/other", task_id=REQUEST)
    assert SIMULATOR.answer_retrieve(elsewhere, job(Status.QUEUED)).status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/fal-ai/veo3.1"),
        ("POST", "/"),
        ("POST", f"/fal-ai/veo3.1/requests/{REQUEST}/cancel"),
        ("DELETE", f"/fal-ai/veo3.1/requests/{REQUEST}"),
        ("GET", f"/fal-ai/veo3.1/requests/{REQUEST}/logs"),
    ],
)
def test_other_paths_are_no_calls(method: str, path: str) -> None:
    assert SIMULATOR.recognise(HttpRequest(method=method, path=path)) is None


def test_a_create_without_an_input_has_no_fields() -> None:
    call = SIMULATOR.recognise(HttpRequest(method="POST", path="/fal-ai/veo3.1"))
    assert call == SimulatedCall(kind=CallKind.CREATE, route=APP)
    named = SIMULATOR.recognise(json_request("POST", "/fal-ai/veo3.1", {"prompt": "A cat."}))
    assert named == CREATE


# Webhooks


def told(status: Status, **facts: Any) -> Any:
    call = replace(CREATE, fields={**CREATE.fields, "fal_webhook": "https://example.com/hook"})
    written = SIMULATOR.write_callback(replace(job(status, **facts), call=call))
    return written and json.loads(written.body)


def test_a_create_names_its_webhook_in_the_query_and_is_answered_with_the_id_twice() -> None:
    request = json_request("POST", f"/{APP}", {"prompt": "A cat."})
    call = SIMULATOR.recognise(replace(request, query=(("fal_webhook", "https://example.com/hook"),)))
    assert call is not None
    assert SIMULATOR.callback_url(call) == "https://example.com/hook"
    answer = document(SIMULATOR.answer_create(replace(job(Status.QUEUED), call=call)))
    assert answer == dict.fromkeys(sample("create-webhook"), REQUEST)


def test_a_webhook_is_written_as_documented() -> None:
    link = "https://v3.fal.media/files/rabbit/output.mp4"
    good = told(Status.SUCCEEDED, video_url=link)
    ids = {"request_id": REQUEST, "gateway_request_id": REQUEST}
    video = {"url": link, "content_type": "video/mp4", "file_name": "output.mp4"}
    assert good == sample("webhook-ok") | ids | {"payload": {"video": video}}
    bad = told(Status.FAILED, failure=Failure(code="value_error.missing", message="field required"))
    complaint = {"loc": ["body"], "msg": "field required", "type": "value_error.missing", "input": {}}
    assert bad == sample("webhook-error") | ids | {"payload": {"detail": [complaint]}}


def test_a_webhook_tells_the_end_and_nothing_before_it() -> None:
    silent = {status for status in Status if status is not Status.LOST and told(status) is None}
    assert silent == {Status.QUEUED, Status.RUNNING, Status.CANCELLED}


# Whole stories.


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def sandbox(clock: VirtualClock) -> Iterator[Sandbox]:
    with Sandbox(clock=clock) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox: Sandbox, clock: VirtualClock) -> Iterator[Client]:
    url = sandbox.base_url("fal")
    with Client("fal", api_key="a:b", base_url=url, clock=clock, allow_private_links=True) as client:
        yield client


def calls(sandbox: Sandbox) -> list[str]:
    return [entry.call for entry in sandbox.ledger.calls]


def test_a_video_comes_by_way_of_its_result(client: Client, sandbox: Sandbox, tmp_path: Path) -> None:
    held = client.generate("A cat.", model="veo-3.1", to=tmp_path / "cat.mp4")
    assert held.sha256 == sandbox.ledger.tasks[0].sha256
    assert calls(sandbox)[-3:] == ["retrieve", "result", "link"]
    assert (calls(sandbox).count("create"), calls(sandbox).count("result")) == (1, 1)


def test_trouble_with_a_result_costs_another_poll_and_nothing_else(client: Client, sandbox: Sandbox) -> None:
    task = client.wait(client.create("A cat. [[result/reset:1]] [[result/server-error:1]]", model="veo-3.1"))
    assert task.status is Status.SUCCEEDED
    assert calls(sandbox).count("result") == 3
    assert sandbox.ledger.jobs == 1


def test_a_failed_job_tells_why(client: Client) -> None:
    with pytest.raises(TaskFailed) as caught:
        client.wait(client.create("A cat. [[fail:Too dark]]", model="veo-3.1"))
    assert caught.value.task
    assert caught.value.task.failure
    assert "Too dark" in (caught.value.task.failure.message or "")


def test_a_job_that_failed_inside_the_service_tells_that(client: Client) -> None:
    with pytest.raises(TaskFailed) as caught:
        client.wait(client.create("A cat. [[fail-internal]]", model="veo-3.1"))
    assert caught.value.task
    assert caught.value.task.failure
    assert caught.value.task.failure.kind is FailureKind.INTERNAL


def test_a_recording_is_served_back_with_its_results(sandbox: Sandbox, clock: VirtualClock, tmp_path: Path) -> None:
    prompts = ("A cat.", "A cat. [[fail:Too dark]]")
    ends = []
    settings: dict[str, Any] = {"api_key": "a:b", "clock": clock}
    with Client("fal", base_url=sandbox.base_url("fal"), record=tmp_path / "taken", **settings) as client:
        ends.append([_end(client, prompt) for prompt in prompts])
    with Client("fal", transport=in_process(Replay(tmp_path / "taken").respond), **settings) as client:
        ends.append([_end(client, prompt) for prompt in prompts])
    assert ends == [[Status.SUCCEEDED, Status.FAILED]] * 2


def _end(client: Client, prompt: str) -> Status:
    return client.wait(client.create(prompt, model="kling-2.5-turbo-pro"), raise_on_failure=False).status


def test_a_waiting_request_can_be_cancelled(client: Client, sandbox: Sandbox) -> None:
    task = client.cancel(client.create("A cat.", model="veo-3.1"))
    assert task.status is Status.CANCELLED
    with pytest.raises(TaskCancelled):
        client.wait(task)
    assert "cancel" in calls(sandbox)


def test_a_reference_alone_finds_the_task_again(client: Client) -> None:
    task = client.create("A cat.", model="kling-2.5-turbo-pro")
    assert client.wait(str(task.ref)).status is Status.SUCCEEDED


def test_an_id_alone_is_refused_before_anything_is_sent(client: Client, sandbox: Sandbox) -> None:
    with pytest.raises(InvalidRequest, match="whole reference"):
        client.retrieve(REQUEST)
    assert calls(sandbox) == []


def test_a_key_in_the_wrong_scheme_is_refused(sandbox: Sandbox) -> None:
    request = json_request("POST", "/fal/fal-ai/veo3.1", {"prompt": "A cat."})
    for scheme, status in (("Bearer", 401), ("Key", 200)):
        keyed = replace(request, headers=(*request.headers, ("Authorization", f"{scheme} a:b")))
        assert sandbox.respond(keyed).status == status
