"""What calls give back: places for files, ends as errors, and errors that hold the task."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway import (
    ConfigurationError,
    DownloadError,
    Failure,
    InvalidRequest,
    PluginError,
    ProviderError,
    ReelwayError,
    Registry,
    Status,
    SubmissionRejected,
    TaskCancelled,
    TaskExpired,
    TaskFailed,
    TaskLost,
    WaitTimeout,
)
from reelway.errors import Billed, ErrorKind
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.submission import Submission, SubmissionState
from reelway.results import holding, settle, waited
from reelway.sandbox.video import reel
from reelway.storing.place import target_path
from reelway.testing import VirtualClock, in_process
from reelway.transport.stepping import Outcome
from tests.acme import ACME, LINK, Acme, refused, said, task
from tests.client.both import Both, Kind

# --- where a result is stored ---


@pytest.mark.parametrize(
    ("task_id", "name"),
    [
        ("task-1", "task-1.mp4"),
        ("sora-2:task_01", "sora-2_task_01.mp4"),
        ("../../etc/passwd", "_.._etc_passwd.mp4"),
        ("...", "video.mp4"),
        ("a b/c\\d", "a_b_c_d.mp4"),
        ("ü", "_.mp4"),
        ("x" * 300, "x" * 120 + ".mp4"),
        (".hidden", "hidden.mp4"),
    ],
)
def test_a_file_without_a_place_is_named_by_its_task(task_id: str, name: str) -> None:
    assert target_path(task(task_id), None) == Path(name)


@given(st.text(min_size=1, max_size=300))
def test_no_id_leads_out_of_the_folder(task_id: str) -> None:
    path = target_path(task(task_id), "folder/")
    assert path.parent == Path("folder")
    assert path.suffix == ".mp4"
    assert len(path.name) < 200


def test_a_place_is_a_file_or_a_folder(tmp_path: Path) -> None:
    assert target_path(task(), tmp_path) == tmp_path / "task-1.mp4"
    assert target_path(task(), str(tmp_path)) == tmp_path / "task-1.mp4"
    assert target_path(task(), f"{tmp_path}/new/") == tmp_path / "new" / "task-1.mp4"
    assert target_path(task(), tmp_path / "mine.mov") == tmp_path / "mine.mov"


# --- how a task ended ---


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (Status.FAILED, TaskFailed),
        (Status.CANCELLED, TaskCancelled),
        (Status.EXPIRED, TaskExpired),
        (Status.LOST, TaskLost),
    ],
)
def test_a_bad_end_is_an_error_of_its_own_or_the_task(status: Status, error: type[TaskFailed]) -> None:
    ended = task(status=status)
    assert settle(ended, raise_on_failure=False) is ended
    with pytest.raises(error) as caught:
        settle(ended, raise_on_failure=True)
    assert type(caught.value) is error
    assert caught.value.task is ended
    assert ("does not know it" if status is Status.LOST else "gave no reason") in str(caught.value)


def test_a_good_end_is_the_task() -> None:
    ended = task(status=Status.SUCCEEDED)
    assert settle(ended, raise_on_failure=True) is ended


@pytest.mark.parametrize(
    ("failure", "said_so"),
    [
        (Failure(code="bad", message="No luck"), "(FAILURE): bad: No luck."),
        (Failure(code="bad"), "(FAILURE): bad."),
        (Failure(message="No luck"), "(FAILURE): No luck."),
        (Failure(), "(FAILURE); the provider gave no reason."),
        (Failure(message=f"see {LINK}"), "(FAILURE): see …."),
        (Failure(message="a\x1b[2J\nb"), "(FAILURE): a [2J b."),
    ],
)
def test_a_reason_is_told_as_the_provider_gave_it_but_tamed(failure: Failure, said_so: str) -> None:
    with pytest.raises(TaskFailed) as caught:
        settle(task(status=Status.FAILED, failure=failure, provider_status="FAILURE"), raise_on_failure=True)
    assert said_so in str(caught.value)


def test_a_reason_without_end_is_cut() -> None:
    failure = Failure(message="no luck " * 999)
    with pytest.raises(TaskFailed) as caught:
        settle(task(status=Status.FAILED, failure=failure, provider_status="x" * 999), raise_on_failure=True)
    assert len(str(caught.value)) < 1000


def test_one_of_several_waits_ends_with_its_task_or_its_error() -> None:
    held, final = task(), task(status=Status.SUCCEEDED)
    ended = waited(held, Outcome(0, value=final))
    assert (ended.task, ended.error) == (final, None)
    error = WaitTimeout("late", task=final)
    ended = waited(held, Outcome(0, error=error))
    assert (ended.task, ended.error) == (final, error)
    ended = waited(held, Outcome(0, error=PluginError("broken")))
    assert ended.task is held


@pytest.mark.parametrize(
    ("outcome", "error"), [(Outcome(0, error=KeyError("x")), KeyError), (Outcome(0), RuntimeError)]
)
def test_a_defect_is_no_end_of_a_wait(outcome: Outcome[Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        waited(task(), outcome)


def test_an_error_without_a_task_gets_the_one_at_hand() -> None:
    with pytest.raises(ConfigurationError) as caught, holding(task()):
        raise ConfigurationError("x")
    assert caught.value.task == task()
    with pytest.raises(WaitTimeout) as kept, holding(task()):
        raise WaitTimeout("x", task=task("other"))
    assert kept.value.task == task("other")
    with pytest.raises(KeyError), holding(task()):
        raise KeyError


@pytest.mark.parametrize("error", [KeyboardInterrupt, asyncio.CancelledError, KeyError])
def test_what_is_no_error_of_ours_names_the_task_as_well(
    error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(error) as caught, holding(task()):
        raise error
    note = f"{task().ref} goes on at the provider; wait again with this reference."
    assert caught.value.__notes__ == [note]
    assert [(record.levelno, record.message) for record in caplog.records] == [(logging.WARNING, note)]


@pytest.mark.parametrize(
    "error",
    [
        ConfigurationError("x"),
        ConfigurationError("x", task=task()),
        PluginError("x"),
        WaitTimeout("x", task=task()),
        ProviderError("x", kind=ErrorKind.UPSTREAM),
    ],
    ids=repr,
)
def test_no_error_after_the_create_says_that_creating_again_is_safe(error: ReelwayError) -> None:
    with pytest.raises(ReelwayError) as caught, holding(task()):
        raise error
    assert (caught.value.resubmit_safe, caught.value.billed) == (False, Billed.YES)
    assert caught.value.__notes__


def test_a_bad_end_says_itself_what_it_cost() -> None:
    with pytest.raises(TaskFailed) as caught, holding(task()):
        raise TaskFailed("x", task=task())
    assert (caught.value.resubmit_safe, caught.value.billed) == (True, Billed.UNKNOWN)
    assert not hasattr(caught.value, "__notes__")
    with pytest.raises(TaskFailed) as unnamed, holding(task()):
        raise TaskFailed("x")
    assert (unnamed.value.resubmit_safe, unnamed.value.billed) == (False, Billed.UNKNOWN)


# --- errors that hold the task, through the clients ---


class Interrupt(BaseException):
    """What Ctrl-C is, without stopping the tests."""


class Script:
    """A provider's side, word for word: each request gets the next answer."""

    def __init__(self, kind: Kind, clock: VirtualClock, provider: Acme = ACME, **options: Any) -> None:
        self.answers: list[HttpResponse] = []
        self.requests: list[HttpRequest] = []
        self.interrupts = False
        network = {"clock": clock, "transport": in_process(self._respond)}
        self.client = Both(kind, "acme", api_key="k", registry=Registry([provider]), **network, **options)

    def _respond(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        if self.interrupts and not self.answers:
            raise Interrupt
        return self.answers.pop(0)


@pytest.fixture
def script(kind: Kind, clock: VirtualClock) -> Iterator[Script]:
    script = Script(kind, clock)
    with script.client:
        yield script


FILE = HttpResponse(status=200, body=reel())


def test_whatever_goes_wrong_after_the_create_the_error_holds_the_task(script: Script, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    script.answers = [said("queued"), said("succeeded", video_url=LINK), FILE]
    with pytest.raises(DownloadError, match="cannot be stored") as caught:
        script.client.generate(model="m", to=tmp_path / "file" / "below.mp4")
    assert caught.value.task is not None
    assert caught.value.task.id == "task-1"


def test_a_file_that_appeared_meanwhile_is_not_replaced_and_the_error_holds_the_task(
    script: Script, tmp_path: Path
) -> None:
    (tmp_path / "task-1.mp4").write_bytes(b"mine")
    script.answers = [said("queued"), said("succeeded", video_url=LINK)]
    with pytest.raises(ConfigurationError, match="exists already") as caught:
        script.client.generate(model="m", to=tmp_path)
    assert caught.value.task is not None
    assert (caught.value.resubmit_safe, caught.value.billed) == (False, Billed.YES)
    assert (tmp_path / "task-1.mp4").read_bytes() == b"mine"


def test_an_interrupted_generate_names_the_task(
    script: Script, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    script.answers = [said("queued"), said("running")]
    script.interrupts = True
    with pytest.raises(Interrupt) as caught:
        script.client.generate(model="m", to=tmp_path)
    assert "reelway1:acme:default::task-1 goes on" in caught.value.__notes__[0]
    assert "reelway1:acme:default::task-1 goes on" in caplog.text


def test_an_interrupted_create_is_told_as_in_doubt(kind: Kind, clock: VirtualClock) -> None:
    steps: list[Submission] = []
    script = Script(kind, clock, on_submission=steps.append)
    script.interrupts = True
    with script.client, pytest.raises(Interrupt) as caught:
        script.client.generate(model="m")
    assert [step.state for step in steps][1:] == [SubmissionState.SENDING, SubmissionState.AMBIGUOUS]
    assert steps[-1].id in caught.value.__notes__[0]


def test_an_accepted_create_is_logged_with_its_reference(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "reelway")
    script.answers = [said("queued")]
    made = script.client.create(model="m")
    assert [record.levelno for record in caplog.records if str(made.ref) in record.message] == [logging.INFO]


def test_a_file_of_another_name_is_not_taken_for_a_beginning(script: Script, tmp_path: Path) -> None:
    script.answers = [FILE]
    done = task(status=Status.SUCCEEDED, links=(LINK,))
    (tmp_path / "cat.mp4.part").write_bytes(b"a stranger's")
    assert script.client.download(done, tmp_path / "cat.mp4").size == len(reel())
    assert [path.name for path in tmp_path.iterdir()] == ["cat.mp4"]


def test_a_task_of_which_only_the_id_is_known_is_asked_about_before_its_download(
    script: Script, tmp_path: Path
) -> None:
    script.answers = [said("succeeded", video_url=LINK), FILE]
    script.client.download("task-1", tmp_path / "cat.mp4")
    assert [request.path for request in script.requests] == ["/v1/videos/task-1", "/a%2Fb.mp4"]


def test_a_contradiction_is_logged_loudly_where_money_is_at_stake(
    script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    script.answers = [said("succeeded"), said("running")]
    script.client.retrieve(task(status=Status.FAILED, confirmed=True))
    script.client.retrieve(task(status=Status.SUCCEEDED, confirmed=True))
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]


# --- requests that cannot be written ---


@pytest.mark.parametrize(
    "fields",
    [
        {"extra": {"prompt": object()}},
        {"extra": {"prompt": "\ud800"}},
        {"extra": {"prompt": {1, object}}},
        {"extra": {"prompt": 1j}},
    ],
)
def test_what_no_json_can_hold_is_refused_unsent(script: Script, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="cannot be written down"):
        script.client.create("A cat.", model="m", **fields)
    with pytest.raises(InvalidRequest, match="cannot be written down"):
        script.client.preview("A cat.", model="m", **fields)
    assert not script.requests


def test_half_a_character_is_refused_unsent(script: Script) -> None:
    with pytest.raises(InvalidRequest, match="cannot be written down"):
        script.client.create("A cat \ud800.", model="m")
    with pytest.raises(InvalidRequest, match="cannot be written down"):
        script.client.remix(task(), "A cat \ud800.")
    assert not script.requests


class Clumsy(Acme):
    def encode_create(self, *_: Any) -> HttpRequest:
        raise KeyError("model")


def test_a_plugin_that_cannot_write_a_request_is_named(kind: Kind, clock: VirtualClock) -> None:
    script = Script(kind, clock, Clumsy())
    with script.client, pytest.raises(PluginError, match="failed to write a request: KeyError"):
        script.client.create("A cat.", model="m")
    assert not script.requests


@pytest.mark.parametrize(
    ("answer", "error"), [(refused(402), SubmissionRejected), (refused(429, retry_after="9999"), ProviderError)]
)
def test_a_refusal_of_a_create_has_no_task(
    script: Script, answer: HttpResponse, error: type[ProviderError]
) -> None:
    script.answers = [answer]
    with pytest.raises(error) as caught:
        script.client.generate("A cat.", model="m")
    assert caught.value.task is None


def test_both_clients_are_context_managers(kind: Kind) -> None:
    client: Any = kind("acme", api_key="k", registry=Registry([ACME]))

    async def enter() -> Any:
        async with client as entered:
            return entered

    if hasattr(client, "__aenter__"):
        assert asyncio.run(enter()) is client
    else:
        with client as entered:
            assert entered is client
