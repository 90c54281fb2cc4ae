"""What is Ark's own: cancels that could cost a video, codes with parts, answers that speak of no task."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reelway import (
    Client,
    LinkExpired,
    NotSupported,
    OutputMissing,
    Registry,
    Status,
    SubmissionRejected,
    Task,
)
from reelway.errors import ErrorKind
from reelway.model.http import HttpResponse, json_response
from reelway.model.observation import FailureKind, Observation, Source
from reelway.provider.interface import Capability
from reelway.provider.reading import read_answer, read_callback, read_error, read_retrieve
from reelway.sandbox import Sandbox, request_to
from reelway.testing import VirtualClock, in_process
from reelway_ark import Ark, reelway_providers
from reelway_ark.mapping import closest

PROVIDER = Ark()

SAMPLES = Path(__file__).parent / "samples"

BYTEPLUS = "https://ark.ap-southeast.bytepluses.com"


def test_the_distribution_brings_one_provider() -> None:
    assert [provider.info.name for provider in reelway_providers()] == ["ark"]


def test_it_can_do_what_is_documented_and_no_more() -> None:
    assert PROVIDER.info.capabilities == {Capability.CANCEL, Capability.CALLBACKS}
    with pytest.raises(NotSupported):
        PROVIDER.encode_content("cgt-1", "")


# Two addresses


@pytest.mark.parametrize("given", [BYTEPLUS, f"{BYTEPLUS}/api/v3", f"{BYTEPLUS}/api/v3/"])
def test_the_address_abroad_may_be_given_as_its_sdk_takes_it(given: str) -> None:
    with Client("ark", api_key="any", base_url=given, registry=Registry([PROVIDER])) as client:
        preview = client.preview("A cat", model="dreamina-seedance-2-0-260128")
    assert preview.url == f"{BYTEPLUS}/api/v3/contents/generations/tasks"


# Cancelling


class Desk:
    """A sandbox of Ark and a client of it, in process, on one clock."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.sandbox = Sandbox([PROVIDER], clock=self.clock, job_seconds=100)
        self.methods: list[str] = []
        self.client = Client(
            "ark",
            api_key="any",
            base_url=self.sandbox.base_url("ark"),
            registry=Registry([PROVIDER]),
            transport=in_process(self._respond),
            clock=self.clock,
        )

    def _respond(self, request: Any) -> HttpResponse:
        self.methods.append(request.method)
        return self.sandbox.respond(request)

    def created(self, prompt: str = "A cat") -> Task:
        return self.client.create(prompt, model="seedance-2")

    def put(self, task: Task, status: Status) -> None:
        self.sandbox.world.steer("ark", task.id, status=status)


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    with desk.client:
        yield desk


def test_a_waiting_task_is_stopped(desk: Desk) -> None:
    assert desk.client.cancel(desk.created()).status is Status.CANCELLED
    assert desk.methods == ["POST", "GET", "DELETE", "GET"]


def test_a_running_task_goes_on_and_is_fetched_all_the_same(desk: Desk, tmp_path: Path) -> None:
    task = desk.created()
    desk.put(task, Status.RUNNING)
    with pytest.raises(NotSupported, match="only while it is queued"):
        desk.client.cancel(task)
    desk.put(task, Status.SUCCEEDED)
    assert desk.client.download(task, tmp_path / "cat.mp4").size > 0
    assert "DELETE" not in desk.methods


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.EXPIRED])
def test_the_record_of_a_task_that_has_ended_is_never_removed(desk: Desk, status: Status) -> None:
    task = desk.created()
    desk.put(task, status)
    assert desk.client.cancel(task).status is status
    assert desk.client.retrieve(task.ref).status is status
    assert "DELETE" not in desk.methods


def test_the_simulated_service_does_forget_what_is_deleted(desk: Desk) -> None:
    task = desk.created()
    desk.put(task, Status.SUCCEEDED)
    path = f"{desk.sandbox.base_url('ark')}/{PROVIDER.encode_cancel(task.id, '').path}"
    key = (("Authorization", "Bearer any"),)
    assert desk.sandbox.respond(request_to(path, "DELETE", key)).status == 200
    assert desk.sandbox.respond(request_to(path, "GET", key)).status == 404


# Results


def test_without_a_link_there_is_no_other_way_to_the_video(desk: Desk, tmp_path: Path) -> None:
    task = desk.client.wait(desk.created("A cat [[no-url]]"))
    with pytest.raises(OutputMissing):
        desk.client.download(task, tmp_path / "cat.mp4")


def test_a_link_that_stays_expired_ends_the_download(desk: Desk, tmp_path: Path) -> None:
    task = desk.client.wait(desk.created("A cat [[expired-link:9]]"))
    with pytest.raises(LinkExpired):
        desk.client.download(task, tmp_path / "cat.mp4")


# Readings


def polled(**facts: Any) -> Observation:
    return read_retrieve(PROVIDER, json_response({"id": "cgt-1", **facts}), "", "cgt-1")


@pytest.mark.parametrize("word", ["pending", "processing", "succeed", "canceled", "unknown"])
def test_a_word_that_ark_does_not_document_is_no_state(word: str) -> None:
    assert polled(status=word).status is None


@pytest.mark.parametrize(
    "content", [None, {}, [], "https://example.com/a.mp4", {"video_url": ""}, {"video_url": 7}]
)
def test_content_without_a_link_is_no_video(content: Any) -> None:
    assert polled(status="succeeded", content=content).videos == ()


POLLED = sorted(file.stem for file in SAMPLES.glob("get-*.json") if not file.name.endswith(".reading.json"))


@pytest.mark.parametrize("name", POLLED)
def test_a_callback_says_what_a_poll_says(name: str) -> None:
    body = (SAMPLES / f"{name}.json").read_bytes()
    [seen] = read_callback(PROVIDER, (), body, verified=False)
    assert replace(seen, source=Source.POLL) == read_answer(PROVIDER, HttpResponse(status=200, body=body), "")


def test_a_last_frame_comes_after_the_video() -> None:
    answer = HttpResponse(status=200, body=(SAMPLES / "get-succeeded-last-frame.json").read_bytes())
    assert [video.variant for video in read_answer(PROVIDER, answer, "").videos] == ["video", "last_frame"]


def test_a_last_frame_is_never_taken_for_the_video() -> None:
    [picture] = polled(status="succeeded", content={"last_frame_url": "https://example.com/a.png"}).videos
    assert picture.variant == "last_frame"


@pytest.mark.parametrize("error", [None, {}, "no", [], {"code": "", "message": ""}, {"code": None}])
def test_a_failed_task_may_give_no_reason(error: Any) -> None:
    failure = polled(status="failed", error=error).failure
    assert failure is not None
    assert (failure.kind, failure.code, failure.message) == (FailureKind.UNKNOWN, None, None)


DOCUMENTED_FAILURES = {
    FailureKind.MODERATION: (
        "SensitiveContentDetected",
        *(f"Input{what}SensitiveContentDetected" for what in ("Text", "Image", "Video", "Audio")),
        *(f"Output{what}SensitiveContentDetected" for what in ("Text", "Image", "Video", "Audio")),
        *(f"{way}{what}RiskDetection" for way in ("Input", "Output") for what in ("Text", "Image")),
    ),
    FailureKind.REJECTED: ("InvalidParameter", "MissingParameter", "InvalidImageURL"),
    FailureKind.INTERNAL: ("InternalServiceError",),
}
"""Page 1299023, written out once more."""


@pytest.mark.parametrize(
    ("code", "kind"), [(code, kind) for kind, codes in DOCUMENTED_FAILURES.items() for code in codes]
)
def test_every_documented_code_tells_why_a_task_failed(code: str, kind: FailureKind) -> None:
    failure = polled(status="failed", error={"code": f"{code}.Anything", "message": "no"}).failure
    assert failure is not None
    assert failure.kind is kind


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "AccountOverdueError", ErrorKind.QUOTA),
        (403, "OperationDenied.ServiceOverdue", ErrorKind.QUOTA),
        (429, "QuotaExceeded", ErrorKind.QUOTA),
        (429, "SetLimitExceeded", ErrorKind.QUOTA),
        (404, "ModelNotOpen", ErrorKind.AUTH),
        (404, "InvalidEndpointOrModel.NotFound", ErrorKind.UNSUPPORTED),
        (404, "UnsupportedModel", ErrorKind.UNSUPPORTED),
        (404, "InvalidEndpoint.ClosedEndpoint", ErrorKind.UNSUPPORTED),
        (409, "InvalidAction.RunningTaskDeletion", ErrorKind.NOT_READY),
    ],
)
def test_every_code_that_says_more_than_its_status_is_known(status: int, code: str, kind: ErrorKind) -> None:
    answer = json_response({"error": {"code": code, "message": "no"}}, status=status)
    assert read_error(PROVIDER, answer).kind is kind


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("SensitiveContentDetected.Violence", FailureKind.MODERATION),
        ("InputImageSensitiveContentDetected.PrivacyInformation", FailureKind.MODERATION),
        ("OutputAudioSensitiveContentDetected", FailureKind.MODERATION),
        ("InputTextRiskDetection", FailureKind.MODERATION),
        ("InvalidParameter.TaskTypeMismatch", FailureKind.REJECTED),
        ("InternalServiceError", FailureKind.INTERNAL),
        ("SomethingNew", FailureKind.UNKNOWN),
        ("InvalidParameterSet", FailureKind.UNKNOWN),
    ],
)
def test_the_beginning_of_a_code_tells_the_kind_of_failure(code: str, kind: FailureKind) -> None:
    failure = polled(status="failed", error={"code": code, "message": "no"}).failure
    assert failure is not None
    assert failure.kind is kind


# Codes


TABLE = {"A": 1, "A.B": 2, "C.D": 3}


@pytest.mark.parametrize(
    ("code", "row"),
    [
        ("A", 1),
        ("A.B", 2),
        ("A.B.X", 2),
        ("A.X", 1),
        ("C", None),
        ("C.D.E.F", 3),
        ("AB", None),
        ("", None),
        (None, None),
    ],
)
def test_the_longest_beginning_counts(code: str | None, row: int | None) -> None:
    assert closest(code, TABLE) == row


@given(st.lists(st.sampled_from(["A", "B", "C", "D", ""]), max_size=6).map(".".join))
def test_what_is_found_begins_the_code_and_nothing_longer_does(code: str) -> None:
    begins = [row for row in TABLE if f"{code}.".startswith(f"{row}.")]
    assert closest(code, TABLE) == (TABLE[max(begins, key=len)] if begins else None)


# Errors


def test_a_404_that_names_no_code_is_about_the_address() -> None:
    for body in (b"", b"<html>404 page not found</html>", b"{}", b'{"error": "no"}', b"[]"):
        assert read_error(PROVIDER, HttpResponse(status=404, body=body)).kind is ErrorKind.PROTOCOL


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ErrorKind.INVALID_REQUEST),
        (401, ErrorKind.AUTH),
        (429, ErrorKind.RATE_LIMITED),
        (502, ErrorKind.UPSTREAM),
    ],
)
def test_an_error_without_a_code_means_what_its_status_does(status: int, kind: ErrorKind) -> None:
    assert read_error(PROVIDER, HttpResponse(status=status)).kind is kind


def test_the_request_id_is_found_where_the_sdks_look_for_it() -> None:
    response = HttpResponse(status=500, headers=(("X-Request-Id", "0217000"),))
    assert read_error(PROVIDER, response).request_id == "0217000"


QUOTA = {"code": "QuotaExceeded", "type": "TooManyRequests"}
WAITING = QUOTA | {"message": "The request has exceeded the quota. Request ID: 0217"}
USED_UP = QUOTA | {"message": "You have exceeded the weekly usage quota. It will reset at 2026-05-01."}


def create_after(*refusals: dict[str, Any]) -> Task:
    """A create that is turned away so often, and then accepted."""
    left = list(refusals)

    def respond(request: Any) -> HttpResponse:
        return json_response({"error": left.pop(0)}, 429) if left else json_response({"id": "cgt-1"})

    options: dict[str, Any] = {"transport": in_process(respond), "clock": VirtualClock()}
    with Client("ark", api_key="any", registry=Registry([PROVIDER]), **options) as client:
        return client.create("A cat", model="seedance-2")


def test_a_create_waits_for_a_place_in_the_queue() -> None:
    assert create_after(WAITING, WAITING).id == "cgt-1"


def test_a_create_does_not_wait_for_money() -> None:
    with pytest.raises(SubmissionRejected) as caught:
        create_after(USED_UP)
    assert caught.value.kind is ErrorKind.QUOTA
