"""What the two clients offer, at every installed provider, in process."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from reelway import (
    Account,
    Artifact,
    Client,
    ConfigurationError,
    DownloadError,
    Event,
    InvalidRequest,
    NotSupported,
    OnUnsupported,
    ProviderError,
    Status,
    SubmissionUnknown,
    Task,
    TaskCancelled,
    TaskExpired,
    TaskFailed,
    TaskLost,
    TaskRef,
    VideoRequest,
)
from reelway.account import DEFAULT_ACCOUNT
from reelway.errors import ErrorKind
from reelway.model.submission import Submission, SubmissionState
from reelway.provider.interface import Capability
from reelway.provider.registry import Registry
from tests.client.both import MODELS, Bench, Both, Kind, local_accounts

CAPABILITIES: Final = {one.info.name: one.info.capabilities for one in Registry.installed().providers}


@pytest.fixture
def bench(kind: Kind, provider: str) -> Iterator[Bench]:
    """Each client at each provider."""
    bench = Bench(kind, provider)
    with bench.client:
        yield bench


@pytest.fixture
def everywhere(kind: Kind) -> Iterator[Bench]:
    """Each client with an account at every provider."""
    bench = Bench(kind)
    with bench.client:
        yield bench


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def created(bench: Bench, marks: str = "") -> Task:
    return bench.client.create(f"A cat. {marks}", model=model_of(bench))


def model_of(bench: Bench) -> str:
    return MODELS[next(iter(bench.client.client._operations._accounts.values())).provider.info.name]


# --- one task ---


def test_a_created_task_is_queued_and_can_be_found_again(bench: Bench) -> None:
    task = created(bench)
    assert task.status is Status.QUEUED
    assert TaskRef.parse(str(task.ref)) == task.ref
    assert bench.sandbox.ledger.tasks[0].task_id == task.id


def test_a_whole_request_is_the_same_as_its_fields(bench: Bench) -> None:
    model = model_of(bench)
    assert bench.client.preview(VideoRequest(model=model, prompt="A cat.")) == bench.client.preview(model=model)
    with pytest.raises(InvalidRequest, match="not both"):
        bench.client.create(VideoRequest(model=model, prompt="A cat."), model=model)


def test_a_request_without_a_model_is_refused_unsent(bench: Bench) -> None:
    with pytest.raises(InvalidRequest, match="a model is required"):
        bench.client.create("A cat.")
    assert bench.sandbox.ledger.creates == 0


def test_retrieving_asks_once_and_never_raises_for_a_bad_end(bench: Bench) -> None:
    task = created(bench, "[[fail:no luck]]")
    bench.clock.advance(60)
    assert bench.client.retrieve(task).status is Status.FAILED
    assert bench.sandbox.ledger.polls == 1


def test_watching_tells_each_change_and_the_end_last(bench: Bench) -> None:
    seen = bench.client.watch(created(bench))
    assert [task.final for task in seen] == [False] * (len(seen) - 1) + [True]
    assert all(before != after for before, after in pairwise(seen))


def test_a_result_goes_where_it_is_told(bench: Bench, tmp_path: Path) -> None:
    task = bench.client.wait(created(bench))
    (tmp_path / "folder").mkdir()
    for to in (None, tmp_path / "folder", tmp_path / "own.mp4", str(tmp_path / "text.mp4")):
        held = bench.client.download(task, to)
        assert held.path.read_bytes()[4:8] == b"ftyp"
        assert held.task.artifact is Artifact.STORED
        assert held.sha256 == bench.sandbox.ledger.tasks[0].sha256


def test_progress_is_told_up_to_the_whole_length(bench: Bench) -> None:
    told: list[tuple[int, int | None]] = []
    held = bench.client.download(
        bench.client.wait(created(bench)), progress=lambda received, total: told.append((received, total))
    )
    assert told[-1] == (held.size, held.size)


def test_a_result_beyond_the_limit_is_refused(bench: Bench, tmp_path: Path) -> None:
    task = bench.client.wait(created(bench))
    with pytest.raises(DownloadError, match="larger than the limit of 10 bytes"):
        bench.client.download(task, "cat.mp4", limit=10)
    assert not (tmp_path / "cat.mp4").exists()


def test_there_is_nothing_to_download_before_the_end(bench: Bench) -> None:
    with pytest.raises(DownloadError, match="nothing to download") as caught:
        bench.client.download(created(bench, "[[stuck]]"))
    assert caught.value.task is not None


def test_generating_is_create_wait_and_download(bench: Bench, tmp_path: Path) -> None:
    held = bench.client.generate("A cat.", model=model_of(bench), to=tmp_path / "cat.mp4")
    ledger = bench.sandbox.ledger
    assert (ledger.creates, ledger.jobs, held.task.status) == (1, 1, Status.SUCCEEDED)


@pytest.mark.parametrize("name", ["generate", "download"])
def test_a_file_that_exists_is_refused_before_anything_is_sent(name: str, bench: Bench, tmp_path: Path) -> None:
    target = tmp_path / "cat.mp4"
    target.write_bytes(b"mine")
    given = {"generate": ("A cat.", {"model": model_of(bench)}), "download": ("task-1", {})}
    first, fields = given[name]
    with pytest.raises(ConfigurationError, match="exists already"):
        getattr(bench.client, name)(first, to=target, **fields)
    assert target.read_bytes() == b"mine"
    assert bench.sandbox.ledger.calls == ()


def test_a_file_is_replaced_on_request(bench: Bench, tmp_path: Path) -> None:
    target = tmp_path / "cat.mp4"
    target.write_bytes(b"old")
    held = bench.client.download(bench.client.wait(created(bench)), target, overwrite=True)
    assert target.stat().st_size == held.size > 3


ENDS: Final = {"fail": TaskFailed, "cancelled": TaskCancelled, "expired": TaskExpired, "missing:99": TaskLost}


@pytest.mark.parametrize("fault", ENDS)
def test_a_bad_end_is_raised_or_returned(fault: str, bench: Bench) -> None:
    provider_says = bench.client.wait(created(bench, f"[[{fault}]]"), raise_on_failure=False)
    assert provider_says.final
    assert provider_says.status is not Status.SUCCEEDED
    with pytest.raises(TaskFailed) as caught:
        bench.client.wait(created(bench, f"[[{fault}]]"))
    assert caught.value.task is not None
    if provider_says.status is not Status.FAILED:
        assert type(caught.value) is ENDS[fault]


def test_a_lost_task_is_looked_for_again(bench: Bench) -> None:
    bench.client.wait(created(bench, "[[missing:99]]"), raise_on_failure=False)
    needed = bench.sandbox.ledger.polls
    lost = bench.client.wait(created(bench, f"[[missing:{needed}]]"), raise_on_failure=False)
    assert lost.status is Status.LOST
    assert bench.client.wait(lost).status is Status.SUCCEEDED


def test_what_the_provider_called_final_is_not_asked_about_again(bench: Bench) -> None:
    final = bench.client.wait(created(bench))
    polls = bench.sandbox.ledger.polls
    assert bench.client.wait(final) == final
    assert bench.sandbox.ledger.polls == polls


def test_a_remix_is_a_new_task_where_the_provider_has_it(bench: Bench, provider: str) -> None:
    task = bench.client.wait(created(bench))
    if Capability.REMIX not in CAPABILITIES[provider]:
        with pytest.raises(NotSupported):
            bench.client.remix(task, "A dog.")
        return
    remixed = bench.client.wait(bench.client.remix(task, "A dog.", model=MODELS[provider]))
    assert remixed.id != task.id
    assert bench.sandbox.ledger.jobs == 2


def test_a_remix_without_a_prompt_is_refused_unsent(bench: Bench) -> None:
    task = created(bench)
    with pytest.raises(InvalidRequest, match="prompt"):
        bench.client.remix(task, " ")
    assert bench.sandbox.ledger.creates == 1


def test_a_cancel_stops_a_waiting_task_where_the_provider_has_that_call(bench: Bench, provider: str) -> None:
    task = created(bench)
    if Capability.CANCEL in CAPABILITIES[provider]:
        assert bench.client.cancel(task).status is Status.CANCELLED
        return
    with pytest.raises(NotSupported):
        bench.client.cancel(task)
    assert len(bench.sandbox.ledger.calls) == 1


def test_a_cancel_of_a_finished_task_leaves_its_video(bench: Bench, provider: str, tmp_path: Path) -> None:
    task = bench.client.wait(created(bench))
    if Capability.CANCEL in CAPABILITIES[provider]:
        assert bench.client.cancel(task).status is Status.SUCCEEDED
    held = bench.client.download(bench.client.retrieve(task.ref), tmp_path / "cat.mp4")
    assert held.sha256 == bench.sandbox.ledger.tasks[0].sha256


def test_a_preview_sends_nothing_and_shows_no_key(bench: Bench) -> None:
    preview = bench.client.preview("A cat.", model=model_of(bench))
    assert preview.method == "POST"
    assert preview.url.startswith("https://sandbox.invalid/")
    assert "A cat." in str(preview.fields)
    assert "Bearer" not in repr(preview)
    assert bench.sandbox.ledger.calls == ()


# --- references ---


def test_another_client_goes_on_with_the_text_of_a_reference(kind: Kind, bench: Bench, provider: str) -> None:
    text = str(created(bench).ref)
    account = local_accounts(bench.sandbox, provider)[provider]
    with Both(kind, account, settings=bench.settings) as other:
        assert other.wait(text).status is Status.SUCCEEDED
        assert other.download(text).sha256 == bench.sandbox.ledger.tasks[0].sha256


def test_a_bare_id_belongs_to_the_only_account(everywhere: Bench, bench: Bench) -> None:
    task = created(bench)
    if not task.ref.route:
        assert bench.client.wait(task.id).id == task.id
    with pytest.raises(ConfigurationError, match="Say which account to use"):
        everywhere.client.wait(task.id)


@pytest.mark.parametrize("name", ["retrieve", "wait", "watch", "download", "cancel"])
@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("reelway1:elsewhere:default::task-1", ConfigurationError),
        ("reelway1:{provider}:another::task-1", ConfigurationError),
        ("reelway1:nonsense", InvalidRequest),
        ("reelway9:{provider}:default::task-1", InvalidRequest),
        ("reelway1:{provider}:default::..", InvalidRequest),
    ],
)
def test_a_foreign_or_damaged_reference_is_refused_unsent(
    name: str, text: str, error: type[Exception], bench: Bench, provider: str
) -> None:
    with pytest.raises(error):
        getattr(bench.client, name)(text.format(provider=provider))
    assert bench.sandbox.ledger.calls == ()


def test_an_id_that_nobody_knows_is_not_found(bench: Bench, provider: str) -> None:
    route = Registry.installed().get(provider).route(MODELS[provider])
    with pytest.raises(ProviderError) as caught:
        bench.client.retrieve(TaskRef(provider, DEFAULT_ACCOUNT, route, "task-of-nobody"))
    assert caught.value.kind is ErrorKind.NOT_FOUND


# --- several accounts ---


def test_each_account_reaches_its_own_provider(everywhere: Bench) -> None:
    client = everywhere.client
    tasks = [client.create("A cat.", model=model, account=name) for name, model in MODELS.items()]
    assert [task.ref.account for task in tasks] == list(MODELS)
    assert {name: counts.jobs for name, counts in everywhere.sandbox.ledger.providers.items()} == dict.fromkeys(
        MODELS, 1
    )
    ended = client.as_completed(tasks)
    assert {one.task.ref for one in ended} == {task.ref for task in tasks}
    assert all(one.error is None and one.task.status is Status.SUCCEEDED for one in ended)


@pytest.mark.parametrize("account", [None, "nobody"])
def test_an_account_has_to_be_named_and_there(account: str | None, everywhere: Bench) -> None:
    with pytest.raises(ConfigurationError, match="this client has"):
        everywhere.client.create("A cat.", model="any", account=account)
    assert everywhere.sandbox.ledger.creates == 0


def test_a_wait_that_fails_ends_none_of_the_others(bench: Bench) -> None:
    tasks = [created(bench, marks) for marks in ("", "[[retrieve/unauthorized]]", "[[fail]]")]
    ended = {one.task.id: one for one in bench.client.as_completed(tasks)}
    statuses = [ended[task.id].task.status for task in tasks]
    assert (statuses[0], statuses[2]) == (Status.SUCCEEDED, Status.FAILED)
    assert [ended[task.id].error is None for task in tasks] == [True, False, True]


def test_a_key_beside_several_accounts_is_refused(kind: Kind) -> None:
    with pytest.raises(ConfigurationError, match="in the Account"):
        kind({"mine": Account(next(iter(MODELS)), api_key="k")}, api_key="k")


@pytest.mark.parametrize("pace", [0.0, -1.0, float("nan")])
def test_a_pace_that_never_asks_is_refused(pace: float, kind: Kind) -> None:
    with pytest.raises(ConfigurationError, match="requests_per_second"):
        kind(Account(next(iter(MODELS)), api_key="k", requests_per_second=pace))


def test_no_account_is_refused(kind: Kind) -> None:
    with pytest.raises(ConfigurationError, match="at least one account"):
        kind({})


# --- listeners and the log ---


def test_a_listener_hears_every_change(kind: Kind, provider: str) -> None:
    heard: list[tuple[Task, tuple[Event, ...]]] = []
    bench = Bench(kind, provider, on_change=lambda task, events: heard.append((task, events)))
    with bench.client as client:
        final = client.wait(created(bench))
    assert heard[-1][0] == final
    assert all(task.id == final.id for task, _ in heard)


def test_a_listener_that_fails_costs_nothing(kind: Kind, caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(kind, SOLO, on_change=_failing)
    with bench.client as client:
        assert client.wait(created(bench)).status is Status.SUCCEEDED
    assert "on_change failed" in caplog.text


def test_every_step_of_a_submission_is_recorded_in_order(kind: Kind) -> None:
    steps: list[Submission] = []
    bench = Bench(kind, SOLO, on_submission=steps.append)
    with bench.client:
        task = created(bench)
    expected = [SubmissionState.INTENT, SubmissionState.SENDING, SubmissionState.ACCEPTED]
    assert [one.state for one in steps] == expected
    assert steps[-1].ref == task.ref
    assert len({one.id for one in steps}) == 1


def test_an_unknown_outcome_is_recorded_with_its_answer(kind: Kind) -> None:
    steps: list[Submission] = []
    bench = Bench(kind, SOLO, on_submission=steps.append)
    with bench.client, pytest.raises(SubmissionUnknown) as caught:
        created(bench, "[[create/html]]")
    assert steps[-1].state is SubmissionState.AMBIGUOUS
    assert steps[-1].id == caught.value.submission_id
    assert caught.value.response
    assert b"<!doctype html>" in caught.value.response


def test_nothing_is_sent_that_could_not_be_recorded(kind: Kind) -> None:
    bench = Bench(kind, SOLO, on_submission=_failing)
    with bench.client, pytest.raises(RuntimeError, match="full"):
        created(bench)
    assert bench.sandbox.ledger.creates == 0


def test_a_record_that_fails_after_the_create_does_not_cost_the_task(
    kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    def fails_late(submission: Submission) -> None:
        if submission.state is SubmissionState.ACCEPTED:
            _failing()

    bench = Bench(kind, SOLO, on_submission=fails_late)
    with bench.client:
        task = created(bench)
    assert str(task.ref) in caplog.text
    assert bench.sandbox.ledger.jobs == 1


def test_an_unknown_word_is_logged_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "reelway")
    bench.client.wait(created(bench, "[[unknown-word:5]]"))
    assert len([record for record in caplog.records if "unknown status word" in record.message]) == 1


def test_an_undocumented_model_is_passed_on_with_a_warning(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    preview = bench.client.preview("A cat.", model="model-of-tomorrow")
    assert any("not a documented model" in warning for warning in preview.warnings)
    bench.client.create("A cat.", model="model-of-tomorrow")
    assert "not a documented model" in caplog.text


SOLO: Final = next(iter(MODELS))

EVERY_MODEL: Final = [
    pytest.param(one.info.name, spec.name, id=f"{one.info.name}-{spec.name}")
    for one in Registry.installed().providers
    for spec in one.models.models
]


@pytest.mark.parametrize(("provider", "model"), EVERY_MODEL)
def test_one_field_is_warned_about_once(provider: str, model: str) -> None:
    fields: dict[str, Any] = {
        "duration": 3.5,
        "aspect_ratio": "7:5",
        "resolution": "999p",
        "seed": 1,
        "audio": True,
        "callback_url": "https://hook.example/",
        "first_frame": "https://media.example/a.png",
        "last_frame": "https://media.example/b.png",
    }
    told = [one for one in problems_told(provider, model, fields) if one != "references"]
    assert told
    assert sorted(set(told)) == sorted(told)


def problems_told(provider: str, model: str, fields: dict[str, Any]) -> list[str]:
    """The fields that are warned about, or for which a request is refused: some combinations cannot be written."""
    bench = Bench(Client, provider, on_unsupported=OnUnsupported.WARN)
    try:
        return [one.partition(":")[0] for one in bench.client.preview("A cat.", model=model, **fields).warnings]
    except InvalidRequest as error:
        return [problem.field for problem in error.problems]


def _failing(*_: Any) -> None:
    raise RuntimeError("the disk is full")
