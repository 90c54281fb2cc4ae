"""A client with a ledger: what it pays for is on record before it leaves, and found again by everybody."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace

from reelway import (
    Account,
    Artifact,
    AsyncClient,
    Billed,
    ConfigurationError,
    Entry,
    InvalidRequest,
    LedgerError,
    Status,
    Submission,
    SubmissionRejected,
    SubmissionState,
    SubmissionUnknown,
    Task,
)
from reelway.flow.submit import SubmitPlan
from reelway.ledger.records import Change, Query
from reelway.ledger.sqlite import SqliteLedger
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.lifecycle import Event, ResultStored, StatusChanged
from reelway.model.submission import STALE
from reelway.operations import SUBMIT_SECONDS
from tests.client.both import MODELS, Both, Kind, local_accounts
from tests.client.both import Bench as Plain

PROVIDER: Final = "cometapi"
MODEL: Final = MODELS[PROVIDER]

DOUBTFUL: Final = "A cat. [[create-500]]"
"""A create that is answered with an error, and made its job all the same."""

ACCEPTED: Final = SubmissionState.ACCEPTED

BARE: Final[dict[str, Any]] = {"submission_id": "", "account": "", "draw": lambda: 0.5}


class Bench(Plain):
    """The sandbox in process, and somebody who reads along on the wire."""

    wire: Callable[[HttpRequest], None] = staticmethod(lambda request: None)

    def _respond(self, request: HttpRequest) -> HttpResponse:
        self.wire(request)
        return super()._respond(request)

    def call(self, name: str, *args: Any, **options: Any) -> Any:
        """A method of whichever client it is."""
        return self.client._call(name, *args, **options)


class Frail(SqliteLedger):
    """A ledger whose disk is full at one step."""

    fails_at = ""

    def _try(self, step: str) -> None:
        if step == self.fails_at:
            raise LedgerError("The disk is full.", hint="Make room.")

    def begin(self, submission: Submission) -> Entry | None:
        self._try("begin")
        return super().begin(submission)

    def note(self, submission: Submission, expected: Collection[SubmissionState]) -> bool:
        self._try(submission.state.value)
        return super().note(submission, expected)

    def accept(self, submission: Submission, task: Task, events: Sequence[Event] = (), *, due_in: float) -> Entry:
        self._try("accept")
        return super().accept(submission, task, events, due_in=due_in)

    def save(self, changes: Sequence[Change]) -> list[bool]:
        self._try("save")
        return super().save(changes)


@pytest.fixture
def ledger() -> Iterator[Frail]:
    with Frail() as ledger:
        yield ledger


@pytest.fixture
def bench(kind: Kind, ledger: Frail, steps: list[Submission]) -> Iterator[Bench]:
    """A client of one provider that keeps the ledger, and tells what it does."""
    bench = Bench(kind, PROVIDER, ledger=ledger, on_submission=steps.append)
    with bench.client:
        yield bench


def beside(bench: Bench, **settings: Any) -> Both:
    """Another client of the same sandbox."""
    [account] = local_accounts(bench.sandbox, PROVIDER).values()
    return Both(type(bench.client.client), account, settings=replace(bench.settings, **settings))


def only(ledger: SqliteLedger) -> Entry:
    [entry] = ledger.entries(Query())
    return entry


def submission_in(ledger: SqliteLedger) -> Submission:
    submission = only(ledger).submission
    assert submission is not None
    return submission


def moves(ledger: SqliteLedger) -> list[Status]:
    return [one.event.after for one in ledger.events() if isinstance(one.event, StatusChanged)]


def in_doubt(bench: Bench, **note: Any) -> SubmissionUnknown:
    with pytest.raises(SubmissionUnknown) as raised:
        bench.client.create(DOUBTFUL, model=MODEL, **note)
    return raised.value


# --- what is on record, and when ---


def test_a_job_is_in_the_ledger_from_its_intent_to_its_file(bench: Bench, ledger: Frail, target: Path) -> None:
    done = bench.client.generate(model=MODEL, to=target, label="cats", metadata={"order": 7})
    entry, submission = only(ledger), submission_in(ledger)
    assert (submission.state, submission.label, submission.metadata) == (ACCEPTED, "cats", {"order": 7})
    assert submission.ref == done.task.ref
    assert entry.task is not None
    assert (entry.task.status, entry.task.artifact) == (Status.SUCCEEDED, Artifact.STORED)
    [result] = entry.results
    assert (result.location, result.size, result.sha256) == (str(target.absolute()), done.size, done.sha256)


def test_every_step_is_on_record_before_the_next_is_made(bench: Bench, ledger: Frail) -> None:
    seen: list[tuple[str, str | None]] = []

    def note(what: str) -> None:
        seen.append((what, submission_in(ledger).state.value if ledger.entries(Query()) else None))

    bench.wire = lambda request: note("on the wire")
    with beside(bench, on_submission=lambda submission: note(submission.state.value)) as client:
        client.create(model=MODEL)
    assert seen == [("intent", None), ("sending", "intent"), ("on the wire", "sending"), ("accepted", "accepted")]


def test_all_that_happens_is_in_the_history(bench: Bench, ledger: Frail) -> None:
    final = bench.client.wait(bench.client.create(model=MODEL))
    assert moves(ledger)[-1] is final.status is Status.SUCCEEDED
    assert only(ledger).task == final


def test_a_task_that_the_ledger_does_not_know_is_taken_in_with_all_that_happens_to_it(bench: Bench) -> None:
    task = bench.client.create(model=MODEL)
    with SqliteLedger() as other, beside(bench, ledger=other) as stranger:
        final = stranger.wait(task.ref)
        assert only(other).task == final
        assert moves(other)[-1] is Status.SUCCEEDED


def test_what_another_process_has_seen_already_is_told_to_nobody_twice(bench: Bench, ledger: Frail) -> None:
    task = bench.client.create(model=MODEL)
    final = bench.client.wait(task)
    told: list[Event] = []
    with beside(bench, on_change=lambda task, events: told.extend(events)) as second:
        assert second.wait(task) == final
    assert told == []
    assert moves(ledger).count(Status.SUCCEEDED) == 1


def test_a_file_counts_as_stored_although_the_job_came_from_elsewhere(bench: Bench, target: Path) -> None:
    final = bench.client.wait(bench.client.create(model=MODEL))
    with SqliteLedger() as other, beside(bench, ledger=other) as stranger:
        stranger.download(final, target)
        assert len(only(other).results) == 1


def test_a_result_is_told_once_for_each_place_that_has_it(bench: Bench, ledger: Frail, tmp_path: Path) -> None:
    told: list[Event] = []
    final = bench.client.wait(bench.client.create(model=MODEL))
    with beside(bench, on_change=lambda task, events: told.extend(events)) as second:
        first = second.download(final, f"{tmp_path}/{{id}}.mp4")
        second.download(final, f"{tmp_path}/{{id}}.mp4")
        assert [(event.location, event.sha256) for event in results(told)] == [(first.location, first.sha256)]
        second.download(final, f"{tmp_path}/copy/{{id}}.mp4")
    assert [event.location for event in results(told)] == [
        f"{tmp_path}/{final.id}.mp4",
        f"{tmp_path}/copy/{final.id}.mp4",
    ]
    assert results([kept.event for kept in ledger.events()]) == results(told)


def results(events: Sequence[Event]) -> list[ResultStored]:
    return [event for event in events if isinstance(event, ResultStored)]


# --- a ledger that fails ---


@pytest.mark.parametrize("step", ["begin", "sending"])
def test_what_cannot_be_put_on_record_is_not_sent(bench: Bench, ledger: Frail, step: str) -> None:
    ledger.fails_at = step
    with pytest.raises(LedgerError) as raised:
        bench.client.create(model=MODEL)
    assert bench.requests == []
    assert (raised.value.billed, raised.value.resubmit_safe, raised.value.task) == (Billed.NO, True, None)


def test_an_attempt_that_was_not_sent_is_not_left_as_if_it_could_have_been(bench: Bench, ledger: Frail) -> None:
    ledger.fails_at = "sending"
    with pytest.raises(LedgerError):
        bench.client.create(model=MODEL)
    assert submission_in(ledger).state is SubmissionState.REJECTED


def test_a_task_that_the_ledger_cannot_take_in_is_told_with_all_its_weight(
    bench: Bench, ledger: Frail, steps: list[Submission]
) -> None:
    ledger.fails_at = "accept"
    with pytest.raises(LedgerError) as raised:
        bench.client.create(model=MODEL)
    error = raised.value
    assert error.task is not None
    assert (error.billed, error.resubmit_safe, error.retryable) == (Billed.YES, False, False)
    assert str(error.task.ref) in error.message
    assert str(error.task.ref) in error.hint
    # Whoever keeps a record of their own learns the reference all the same.
    assert steps[-1].ref == error.task.ref
    assert len(bench.sandbox.ledger.tasks) == bench.sandbox.ledger.creates == 1


@pytest.mark.parametrize(
    ("prompt", "fails_at", "ends"),
    [
        (DOUBTFUL, "ambiguous", SubmissionUnknown),
        ("A cat. [[create/quota]]", "rejected", SubmissionRejected),
    ],
)
def test_an_end_that_cannot_be_put_on_record_is_told_all_the_same(
    bench: Bench, ledger: Frail, prompt: str, fails_at: str, ends: type[Exception]
) -> None:
    ledger.fails_at = fails_at
    with pytest.raises(ends) as raised:
        bench.client.create(prompt, model=MODEL)
    assert any("not on record" in note and "disk is full" in note for note in raised.value.__notes__)


def test_a_poll_that_cannot_be_put_on_record_holds_its_task(bench: Bench, ledger: Frail) -> None:
    task = bench.client.create(model=MODEL)
    ledger.fails_at = "save"
    with pytest.raises(LedgerError) as raised:
        bench.client.wait(task)
    assert raised.value.task is not None
    assert not raised.value.resubmit_safe


def test_a_file_that_cannot_be_put_on_record_is_there_and_said_to_be(
    bench: Bench, ledger: Frail, target: Path
) -> None:
    final = bench.client.wait(bench.client.create(model=MODEL))
    ledger.fails_at = "save"
    with pytest.raises(LedgerError) as raised:
        bench.client.download(final, target)
    assert target.exists()
    assert str(target) in raised.value.hint


# --- one wish, one job ---


def test_a_key_gives_the_first_task_and_makes_no_second(bench: Bench) -> None:
    first = bench.client.create(model=MODEL, idempotency_key="order 7")
    again = bench.client.create(model=MODEL, idempotency_key="order 7", callback_url=None)
    assert again.ref == first.ref
    assert bench.sandbox.ledger.creates == 1


def test_a_key_gives_the_task_as_it_now_stands(bench: Bench) -> None:
    first = bench.client.create(model=MODEL, idempotency_key="order 7")
    final = bench.client.wait(first)
    assert bench.client.create(model=MODEL, idempotency_key="order 7") == final


@pytest.mark.parametrize("other", [{"prompt": "A dog."}, {"prompt": "A cat.", "extra": {"x": 1}}])
def test_a_key_stands_for_one_wish_only(bench: Bench, other: dict[str, Any]) -> None:
    bench.client.create("A cat.", model=MODEL, idempotency_key="order 7")
    with pytest.raises(InvalidRequest, match="another request"):
        bench.client.create("", model=MODEL, idempotency_key="order 7", **other)
    assert bench.sandbox.ledger.creates == 1


def test_a_key_of_an_attempt_in_doubt_makes_nothing_and_leads_to_that_attempt(bench: Bench) -> None:
    unknown = in_doubt(bench, idempotency_key="order 7")
    with pytest.raises(SubmissionUnknown) as raised:
        bench.client.create(DOUBTFUL, model=MODEL, idempotency_key="order 7")
    assert raised.value.submission_id == unknown.submission_id
    assert "adopt(" in raised.value.hint
    assert bench.sandbox.ledger.creates == 1


def test_a_key_is_free_again_when_nothing_was_created(bench: Bench) -> None:
    with pytest.raises(SubmissionRejected):
        bench.client.create("A cat. [[create/quota]]", model=MODEL, idempotency_key="order 7")
    bench.client.create(model=MODEL, idempotency_key="order 7")


def left_behind(ledger: Frail, bench: Bench, state: SubmissionState, seconds: float) -> Submission:
    """An attempt of a process that died over it."""
    with SqliteLedger() as other, beside(bench, ledger=other) as client:
        client.create(model=MODEL, idempotency_key="order 7")
        made = submission_in(other)
    begun = bench.clock.now() - timedelta(seconds=seconds)
    submission = replace(made, id="dead", at=begun, state=SubmissionState.INTENT, ref=None)
    ledger.begin(submission)
    ledger.note(replace(submission, state=state), set(SubmissionState))
    bench.requests.clear()
    return submission


@pytest.mark.parametrize("seconds", [0, STALE[SubmissionState.INTENT]])
def test_an_intent_that_was_left_behind_is_given_up_for_the_next_attempt(
    bench: Bench, ledger: Frail, seconds: float
) -> None:
    left_behind(ledger, bench, SubmissionState.INTENT, seconds)
    begun = bench.clock.monotonic()
    bench.client.create(model=MODEL, idempotency_key="order 7")
    # It is looked at for as long as its maker could still send it.
    assert (bench.clock.monotonic() - begun >= SubmitPlan(**BARE).budget) is (seconds == 0)
    dead = ledger.submission("dead")
    assert dead is not None
    assert dead.submission is not None
    assert dead.submission.state is SubmissionState.ABANDONED
    assert len(bench.requests) == 1


@pytest.mark.parametrize("seconds", [0, STALE[SubmissionState.SENDING]])
def test_an_attempt_that_may_have_left_is_never_made_again(bench: Bench, ledger: Frail, seconds: float) -> None:
    left_behind(ledger, bench, SubmissionState.SENDING, seconds)
    with pytest.raises(SubmissionUnknown) as raised:
        bench.client.create(model=MODEL, idempotency_key="order 7")
    assert raised.value.submission_id == "dead"
    assert bench.requests == []


def test_nobody_is_taken_for_dead_who_may_still_be_sending() -> None:
    assert STALE[SubmissionState.SENDING] > SUBMIT_SECONDS
    assert STALE[SubmissionState.INTENT] > SubmitPlan(**BARE).budget


@pytest.mark.parametrize("note", [{"idempotency_key": "a"}, {"replaces": "b"}])
def test_what_needs_a_ledger_is_refused_without_one(kind: Kind, note: dict[str, str]) -> None:
    bench = Bench(kind, PROVIDER)
    with bench.client as client, pytest.raises(ConfigurationError, match="needs a ledger") as raised:
        client.create(model=MODEL, **note)
    assert "ledger=" in raised.value.hint
    assert bench.requests == []


@pytest.mark.parametrize(
    ("note", "says"),
    [
        ({"label": "a" * 201}, "1 to 200"),
        ({"idempotency_key": ""}, "1 to 255"),
        ({"label": "a\nb"}, "printed"),
        ({"idempotency_key": "a" * 256}, "1 to 255"),
        ({"metadata": {"a": object()}}, "JSON"),
        ({"metadata": {"a": "b" * 70_000}}, "bytes"),
    ],
)
def test_what_cannot_be_kept_is_refused(bench: Bench, note: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidRequest, match=says):
        bench.client.create(model=MODEL, **note)
    assert bench.requests == []


# --- attempts in doubt ---


def test_an_attempt_in_doubt_is_found_and_adopted(bench: Bench, ledger: Frail) -> None:
    unknown = in_doubt(bench)
    [entry] = bench.call("submissions_in_doubt")
    assert entry.submission.id == unknown.submission_id
    [made] = bench.sandbox.ledger.tasks
    adopted = bench.call("adopt", unknown.submission_id, made.task_id)
    assert bench.call("submissions_in_doubt") == []
    assert bench.client.wait(adopted).status is Status.SUCCEEDED
    assert only(ledger).task == bench.client.retrieve(adopted.ref)
    assert bench.call("adopt", unknown.submission_id, str(adopted.ref)).ref == adopted.ref


def test_no_attempt_makes_two_tasks(bench: Bench, ledger: Frail) -> None:
    bench.client.create(model=MODEL)
    with pytest.raises(InvalidRequest, match="no attempt makes two"):
        bench.call("adopt", submission_in(ledger).id, "another")


@pytest.mark.parametrize("task", ["reelway1:elsewhere:default::x", "reelway1:nonsense", ".."])
def test_only_a_task_of_the_same_account_is_adopted(bench: Bench, task: str) -> None:
    unknown = in_doubt(bench)
    with pytest.raises(InvalidRequest):
        bench.call("adopt", unknown.submission_id, task)
    assert len(bench.call("submissions_in_doubt")) == 1


def test_an_attempt_that_was_given_up_frees_its_key(bench: Bench) -> None:
    unknown = in_doubt(bench, idempotency_key="order 7")
    bench.call("abandon", unknown.submission_id)
    bench.call("abandon", unknown.submission_id)
    bench.client.create(model=MODEL, idempotency_key="order 7")
    assert bench.call("submissions_in_doubt") == []


def test_an_attempt_in_doubt_is_replaced_by_name_alone(bench: Bench, ledger: Frail) -> None:
    unknown = in_doubt(bench, idempotency_key="order 7")
    bench.client.create(model=MODEL, idempotency_key="order 7", replaces=unknown.submission_id)
    old, new = (entry.submission for entry in ledger.entries(Query()))
    assert old is not None
    assert new is not None
    assert (old.state, new.state, new.replaces) == (SubmissionState.ABANDONED, ACCEPTED, old.id)
    assert old.detail == f"replaced by {new.id}"


@pytest.mark.parametrize("act", ["adopt", "abandon", "replace"])
@pytest.mark.parametrize("state", [SubmissionState.SENDING, SubmissionState.INTENT])
def test_an_attempt_that_is_under_way_is_left_alone(
    bench: Bench, ledger: Frail, act: str, state: SubmissionState
) -> None:
    left_behind(ledger, bench, state, STALE[state] - 1)
    acts: dict[str, Callable[[], Any]] = {
        "adopt": lambda: bench.call("adopt", "dead", "task_1"),
        "abandon": lambda: bench.call("abandon", "dead"),
        "replace": lambda: bench.client.create(model=MODEL, replaces="dead"),
    }
    with pytest.raises(InvalidRequest, match="still under way"):
        acts[act]()
    assert bench.requests == []


def test_what_has_a_task_or_is_unknown_cannot_be_given_up(bench: Bench, ledger: Frail) -> None:
    bench.client.create(model=MODEL)
    with pytest.raises(InvalidRequest, match="nothing to give up"):
        bench.call("abandon", submission_in(ledger).id)
    with pytest.raises(InvalidRequest, match="there is no 'nobody'"):
        bench.call("abandon", "nobody")


# --- asking the ledger ---


def test_jobs_are_found_by_what_is_known_of_them(bench: Bench) -> None:
    cats = bench.client.create(model=MODEL, label="cats")
    dogs = bench.client.wait(bench.client.create(model=MODEL, label="dogs"))

    def found(**sought: Any) -> list[Any]:
        return [entry.task.ref for entry in bench.call("tasks", **sought)]

    assert found() == [dogs.ref, cats.ref]
    assert found(limit=1) == found(label="dogs") == found(status="succeeded") == [dogs.ref]
    assert found(artifact=Artifact.AVAILABLE) == [dogs.ref]
    assert found(status="queued") == [cats.ref]
    assert found(provider="elsewhere") == []
    assert found(unfinished=True) == [dogs.ref, cats.ref]
    with pytest.raises(InvalidRequest, match="allowed: queued"):
        found(status="done")


def test_without_a_ledger_there_is_nothing_to_ask(kind: Kind) -> None:
    bench = Bench(kind, PROVIDER)
    with bench.client, pytest.raises(ConfigurationError, match="keeps none"):
        bench.call("tasks")


# --- whose ledger it is ---


def test_a_client_closes_the_ledger_that_it_opened_and_no_other(kind: Kind, tmp_path: Path, ledger: Frail) -> None:
    account = Account(PROVIDER, api_key="any")
    with Both(kind, account, ledger=f"sqlite:{tmp_path / 'jobs.db'}") as client:
        own = client.client._settings.ledger
        assert own is not None
    with pytest.raises(LedgerError, match="closed"):
        own.entries(Query())
    with Both(kind, account, ledger=ledger):
        pass
    assert ledger.entries(Query()) == []


def test_a_client_that_cannot_be_opened_leaves_no_ledger_open(kind: Kind, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        kind({}, ledger=f"sqlite:{tmp_path / 'jobs.db'}")


def test_a_closed_client_creates_nothing(bench: Bench) -> None:
    bench.call("aclose" if isinstance(bench.client.client, AsyncClient) else "close")
    with pytest.raises(ConfigurationError, match="closed"):
        bench.client.create(model=MODEL)
    assert bench.requests == []


def test_what_is_no_task_is_refused_in_plain_words(bench: Bench) -> None:
    with pytest.raises(InvalidRequest, match="not NoneType"):
        bench.client.wait(None)  # type: ignore[arg-type]


def test_another_process_would_read_the_record_when_the_first_byte_leaves(kind: Kind, tmp_path: Path) -> None:
    file, read = tmp_path / "jobs.db", []
    with SqliteLedger(file) as ledger:
        bench = Bench(kind, PROVIDER, ledger=ledger)

        def look(request: HttpRequest) -> None:
            with closing(sqlite3.connect(file)) as other:
                read.extend(other.execute("select state from entries").fetchall())

        bench.wire = look
        with bench.client as client:
            client.create(model=MODEL)
        with ledger._file.reading() as database:
            # With these two, SQLite syncs its log at each commit (https://www.sqlite.org/pragma.html).
            assert database.execute("pragma journal_mode").fetchone() == ("wal",)
            assert database.execute("pragma synchronous").fetchone() == (2,)
    assert read == [("sending",)]
