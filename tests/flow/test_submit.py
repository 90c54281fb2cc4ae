"""At most one create on the wire: what happened decides, and nothing is sent again unless that cannot pay twice."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.errors import (
    Billed,
    ConfigurationError,
    ErrorKind,
    InvalidRequest,
    LedgerError,
    NotSupported,
    PluginError,
    Problem,
    ProviderError,
    SubmissionRejected,
    SubmissionUnknown,
)
from reelway.flow.effects import Earlier, Flow, Observe, Phase, Record, Send
from reelway.flow.submit import Keepsake, SubmitPlan, Verdict, submit, verdict_of
from reelway.model.http import HttpResponse, json_request
from reelway.model.lifecycle import StatusChanged, UnknownWordSeen
from reelway.model.observation import Status
from reelway.model.submission import Submission, SubmissionState
from reelway.model.task import Task, TaskRef
from reelway.provider.interface import ErrorReading, Provider
from reelway.testing.clock import START
from tests.acme import ACME, NOTHING_CREATED, PAGE, Acme, refused, said
from tests.flow.hand import Hand, broken, raises

CREATE = json_request("POST", "v1/videos", {"model": "acme-1"})

INTENT, SENDING, ACCEPTED = SubmissionState.INTENT, SubmissionState.SENDING, SubmissionState.ACCEPTED
REJECTED, AMBIGUOUS = SubmissionState.REJECTED, SubmissionState.AMBIGUOUS

NO_ID = said("queued", None)
OK = said("queued")


def plan(**facts: Any) -> SubmitPlan:
    return SubmitPlan(submission_id="local-1", account="main", draw=lambda: 0.5, **facts)


def submission(provider: Provider = ACME, **facts: Any) -> Flow[Task]:
    return submit(provider, CREATE, "", plan(**facts))


def states(hand: Hand) -> list[SubmissionState]:
    return [record.state for record in hand.records]


# --- the good end ---


def test_an_accepted_create_is_a_task() -> None:
    hand = Hand(said("queued", "task-9", created_at=1767225600))
    made = hand.run(submission())
    assert made.ref == TaskRef("acme", "main", "", "task-9")
    assert made.status is Status.QUEUED
    assert made.confirmed


def test_the_intent_is_on_record_before_anything_is_sent_and_the_id_before_anybody_hears_of_it() -> None:
    hand = Hand(OK)
    made = hand.run(submission())
    assert states(hand) == [INTENT, SENDING, ACCEPTED]
    assert hand.records[-1].ref == made.ref
    steps = [type(effect).__name__ for effect in hand.effects if type(effect).__name__ != "Now"]
    assert steps == ["Record", "Record", "Send", "Record", "Observe"]


def test_the_record_of_the_task_holds_its_events_and_when_it_is_to_be_polled() -> None:
    hand = Hand(OK)
    made = hand.run(submission(first_poll=5.0))
    assert [(one.task, one.due_in) for one in hand.of(Record)] == [(None, 0), (None, 0), (made, 5)]
    assert hand.of(Record)[-1].events == hand.of(Observe)[-1].events != ()


def test_unless_told_otherwise_a_task_is_polled_at_once_and_nobody_remembers_the_attempt() -> None:
    assert (plan().first_poll, plan().recorded, plan().kept) == (0, False, Keepsake())


def test_what_is_kept_with_an_attempt_stands_in_its_record() -> None:
    hand = Hand(OK)
    kept = Keepsake(label="trailer", metadata={"order": 7}, idempotency_key="k", request_digest="d", replaces="r")
    hand.run(submission(kept=kept))
    for record in hand.records:
        assert (record.label, record.metadata, record.idempotency_key) == ("trailer", {"order": 7}, "k")
        assert (record.request_digest, record.replaces) == ("d", "r")


def test_an_attempt_under_the_same_key_is_waited_for_as_long_as_the_budget() -> None:
    first = Submission(id="first", provider="acme", account="main", route="", at=START, state=SENDING)
    hand = Hand(on_record=lambda _: Earlier(first))
    error = raises(submission(budget=1.0), hand)
    assert isinstance(error, SubmissionUnknown)
    assert error.submission_id == "first"
    assert sum(hand.slept) == pytest.approx(1.0)


def test_every_record_names_the_attempt_and_where_it_goes() -> None:
    hand = Hand(OK)
    hand.run(submit(ACME, CREATE, "side", plan()))
    assert {(one.id, one.provider, one.account, one.route) for one in hand.records} == {
        ("local-1", "acme", "main", "side")
    }


def test_every_record_and_the_task_carry_the_time_of_their_step() -> None:
    hand = Hand(OK, seconds_per_exchange=3)
    made = hand.run(submission())
    later = START + timedelta(seconds=3)
    assert [record.at for record in hand.records] == [START, START, later]
    assert (made.submitted_at, made.changed_at) == (later, later)
    assert hand.effects[-1].events[0].at == later  # type: ignore[attr-defined]


def test_a_create_goes_over_a_connection_of_its_own_with_the_timeout_of_the_plan() -> None:
    hand = Hand(OK)
    hand.run(submission(timeout=7))
    assert hand.of(Send) == [Send(request=CREATE, timeout=7, fresh=True)]


def test_unless_told_otherwise_an_exchange_and_all_attempts_together_have_a_minute() -> None:
    hand = Hand(refused(429, retry_after="59"), refused(429), OK)
    raises(submission(), hand)
    assert [send.timeout for send in hand.of(Send)] == [60, 60]
    # The next pause is 2 seconds, which would end a second too late.
    assert hand.slept == [59]


def test_the_first_snapshot_tells_what_changed() -> None:
    hand = Hand(said("running"))
    made = hand.run(submission())
    assert hand.seen == [made]
    [change] = hand.effects[-1].events  # type: ignore[attr-defined]
    assert isinstance(change, StatusChanged)
    assert (change.before, change.after) == (None, Status.RUNNING)


def test_an_answer_with_the_id_alone_is_no_unknown_word() -> None:
    hand = Hand(said(None))
    made = hand.run(submission())
    assert not made.confirmed
    assert hand.effects[-1].events == ()  # type: ignore[attr-defined]


def test_an_unknown_word_in_the_answer_is_a_warning_and_the_task_is_kept() -> None:
    hand = Hand(said("warming_up"))
    made = hand.run(submission())
    assert made.status is Status.QUEUED
    assert isinstance(hand.effects[-1].events[0], UnknownWordSeen)  # type: ignore[attr-defined]


def test_a_job_that_is_born_dead_is_a_task_all_the_same() -> None:
    assert Hand(said("failed")).run(submission()).status is Status.FAILED


# --- the table: what an exchange that broke means ---

UNSENT = [Phase.CONNECTING, Phase.CONNECTED]
MAY_HAVE_LEFT = [Phase.SENDING, Phase.RECEIVING]


@pytest.mark.parametrize("phase", UNSENT)
def test_what_was_proven_unsent_is_sent_again(phase: Phase) -> None:
    hand = Hand(broken(phase), broken(phase), OK)
    hand.run(submission())
    assert states(hand) == [INTENT, SENDING, INTENT, SENDING, INTENT, SENDING, ACCEPTED]
    assert hand.slept == [1, 2]


@pytest.mark.parametrize("phase", MAY_HAVE_LEFT)
def test_what_may_have_left_is_never_sent_again(phase: Phase) -> None:
    hand = Hand(broken(phase), OK)
    error = raises(submission(), hand)
    assert isinstance(error, SubmissionUnknown)
    assert len(hand.of(Send)) == 1
    assert states(hand) == [INTENT, SENDING, AMBIGUOUS]
    assert hand.records[-1].detail == phase.name


@pytest.mark.parametrize("recorded", [True, False])
def test_whoever_is_in_doubt_is_told_whether_the_attempt_is_remembered(recorded: bool) -> None:
    error = raises(submission(recorded=recorded), Hand(broken(Phase.SENDING)))
    assert isinstance(error, SubmissionUnknown)
    assert error.recorded is recorded


def test_why_an_attempt_did_not_leave_stands_in_its_record() -> None:
    hand = Hand(broken(Phase.CONNECTING), OK)
    hand.run(submission())
    assert [record.detail for record in hand.records] == [None, None, "it broke", None, None]


def test_an_end_that_cannot_be_put_on_record_is_told_all_the_same() -> None:
    def fail(submission: Submission) -> None:
        if submission.state is REJECTED:
            raise LedgerError("The disk is full.")

    error = raises(submission(), Hand(refused(400), on_record=fail))
    assert isinstance(error, SubmissionRejected)
    assert error.__notes__ == ["That submission local-1 is rejected is not on record: The disk is full."]


def test_an_unknown_outcome_says_all_that_is_known() -> None:
    hand = Hand(broken(Phase.CONNECTING), broken(Phase.SENDING))
    error = raises(submission(), hand)
    assert isinstance(error, SubmissionUnknown)
    assert (error.submission_id, error.phase, error.response) == ("local-1", "SENDING", None)
    assert error.sent_at == hand.records[-1].at
    assert (error.resubmit_safe, error.billed) == (False, Billed.UNKNOWN)
    assert "local-1" in str(error)
    assert "it broke" in str(error)


def test_what_cannot_be_written_or_connected_to_is_given_up_at_once() -> None:
    hand = Hand(broken(Phase.CONNECTING, refused=True))
    error = raises(submission(), hand)
    assert isinstance(error, ProviderError)
    assert error.kind is ErrorKind.UNAVAILABLE
    assert "could not be reached: it broke" in str(error)
    assert error.hint.startswith("No byte of the request was sent, so it is safe to try again.")
    assert states(hand) == [INTENT, SENDING, REJECTED]
    assert hand.records[-1].detail == "it broke"
    assert not hand.slept


# --- the table: what an answer means ---

A, R, U, T = Verdict.ACCEPTED, Verdict.REJECTED, Verdict.AMBIGUOUS, Verdict.TURNED_AWAY

TABLE = [
    # 2xx: what counts is the id.
    (OK, A),
    (said("queued", http=201), A),
    (said("queued", http=202), A),
    (said("warming_up"), A),
    (NO_ID, U),
    (PAGE, U),
    (HttpResponse(status=200), U),
    (HttpResponse(status=204), U),
    (HttpResponse(status=200, body=b"[1]"), U),
    (said("queued", "../secret\n"), U),
    (refused(200, "insufficient_quota"), U),
    # 3xx is not followed, so it created nothing, but for the one that answers a POST that was done.
    (HttpResponse(status=303, headers=(("Location", "/v1/videos/task-1"),)), U),
    (refused(303, "bad_thing"), U),
    *(
        (HttpResponse(status=status, headers=(("Location", "/v2"),)), R)
        for status in (300, 301, 302, 307, 308, 399)
    ),
    # 4xx that can be read.
    *((refused(status, "bad_thing"), R) for status in (400, 401, 402, 403, 404, 405, 410, 413, 415, 418, 422, 451)),
    # Plain refusals that servers in front of a gateway write as pages.
    *((HttpResponse(status=status, body=b"<html>no</html>"), R) for status in (400, 401, 402, 403, 404, 405)),
    *((HttpResponse(status=status, body=b"<html>no</html>"), R) for status in (413, 414, 415, 422)),
    # 4xx that nobody can read and that do not explain themselves.
    (HttpResponse(status=418, body=b"<html>teapot</html>"), U),
    (HttpResponse(status=499), U),
    # 4xx that prove nothing.
    *((refused(status, "bad_thing"), U) for status in (408, 409, 425)),
    *((refused(status, "bad_thing", retry_after="1"), U) for status in (408, 409, 425)),
    # Overload: wait, unless it is about money.
    (refused(429), T),
    (refused(429, "rate_limit_exceeded"), T),
    (refused(429, retry_after="3"), T),
    (HttpResponse(status=429), T),
    (refused(429, "insufficient_user_quota"), R),
    (refused(429, "insufficient_quota", retry_after="3"), R),
    (refused(503, retry_after="3"), T),
    (refused(503, "insufficient_quota", retry_after="3"), R),
    (refused(503), U),
    (refused(503, retry_after=""), U),
    # Other 5xx prove nothing, with or without Retry-After.
    *((refused(status, "oops"), U) for status in (500, 501, 502, 504, 520, 524, 529)),
    *((refused(status, retry_after="1"), U) for status in (500, 502, 504)),
    # ... unless the provider documents the exact pair.
    (refused(*NOTHING_CREATED), R),
    (refused(NOTHING_CREATED[0], NOTHING_CREATED[1].upper()), R),
    (refused(502, NOTHING_CREATED[1]), U),
    # What no server should send.
    (HttpResponse(status=101), U),
    (HttpResponse(status=600), U),
]


@pytest.mark.parametrize(("answer", "verdict"), TABLE, ids=repr)
def test_an_answer_means_what_the_table_says(answer: HttpResponse, verdict: Verdict) -> None:
    assert verdict_of(ACME, answer, "") is verdict


ENDS: dict[Verdict, tuple[SubmissionState, type[Exception] | None]] = {
    A: (ACCEPTED, None),
    R: (REJECTED, SubmissionRejected),
    U: (AMBIGUOUS, SubmissionUnknown),
}


@pytest.mark.parametrize(("answer", "verdict"), [row for row in TABLE if row[1] is not T], ids=repr)
def test_every_final_verdict_ends_the_submission_after_one_send(answer: HttpResponse, verdict: Verdict) -> None:
    state, error = ENDS[verdict]
    hand = Hand(answer, OK)
    ended = hand.run(submission()) if error is None else raises(submission(), hand)
    assert isinstance(ended, error or Task)
    assert states(hand) == [INTENT, SENDING, state]
    assert len(hand.of(Send)) == 1


@pytest.mark.parametrize("answer", [row[0] for row in TABLE if row[1] is T], ids=repr)
def test_whoever_is_turned_away_comes_back(answer: HttpResponse) -> None:
    hand = Hand(answer, OK)
    hand.run(submission())
    assert states(hand) == [INTENT, SENDING, INTENT, SENDING, ACCEPTED]


@pytest.mark.parametrize("answer", [refused(429), refused(400, "bad_thing"), PAGE, refused(502)], ids=repr)
def test_the_record_of_an_answer_names_its_status(answer: HttpResponse) -> None:
    hand = Hand(answer, OK)
    _ended(hand)
    assert hand.records[2].detail == f"HTTP {answer.status}"


@pytest.mark.parametrize("answer", [NO_ID, PAGE, refused(502, "oops"), refused(409)])
def test_an_answer_in_doubt_is_kept_as_it_came(answer: HttpResponse) -> None:
    hand = Hand(answer, seconds_per_exchange=3)
    error = raises(submission(), hand)
    assert isinstance(error, SubmissionUnknown)
    assert (error.response, error.phase, error.sent_at) == (answer.body, "RECEIVING", START)
    assert hand.records[-1].response == answer.body
    assert f"HTTP {answer.status}" in str(error)


def test_a_rejection_is_typed_and_says_that_nothing_was_created() -> None:
    error = raises(submission(), Hand(refused(402, "insufficient_quota", x_request_id="req-1")))
    assert isinstance(error, SubmissionRejected)
    assert (error.kind, error.status, error.code, error.request_id) == (
        ErrorKind.QUOTA,
        402,
        "insufficient_quota",
        "req-1",
    )
    assert "No. Nothing was created." in str(error)
    assert (error.resubmit_safe, error.billed) == (True, Billed.NO)


# --- a plugin that fails ---


class Clumsy(Acme):
    """Fails wherever it reads."""

    def decode_create(self, *_: Any) -> Any:
        raise KeyError("id")

    def read_error(self, *_: Any) -> ErrorReading:
        raise KeyError("error")


def test_a_plugin_that_cannot_read_an_accepted_create_leaves_it_in_doubt() -> None:
    assert verdict_of(Clumsy(), OK, "") is U


def test_a_plugin_that_cannot_read_an_error_does_not_turn_a_plain_refusal_into_doubt() -> None:
    error = raises(submission(Clumsy()), Hand(refused(401)))
    assert isinstance(error, SubmissionRejected)
    assert (error.kind, error.status) == (ErrorKind.PROTOCOL, 401)
    assert "KeyError" in str(error)


def test_a_plugin_that_cannot_read_an_error_leaves_the_rest_in_doubt() -> None:
    assert verdict_of(Clumsy(), refused(418, "teapot"), "") is U
    assert verdict_of(Clumsy(), refused(500, "oops"), "") is U


class Raising(Acme):
    """Raises one of our own errors wherever it reads an answer to a create."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def decode_create(self, *_: Any) -> Any:
        raise self.error

    def read_error(self, *_: Any) -> ErrorReading:
        raise self.error


OURS = [
    NotSupported("there is no such call"),
    InvalidRequest([Problem(field="prompt", message="is missing")]),
    ConfigurationError("nothing is configured"),
    PluginError("it failed"),
    ProviderError("it is no JSON", kind=ErrorKind.PROTOCOL),
    SubmissionRejected("nothing was created", kind=ErrorKind.QUOTA),
]


@pytest.mark.parametrize("answer", [OK, PAGE, refused(502), refused(504, "oops"), refused(418)], ids=repr)
@pytest.mark.parametrize("raised", OURS, ids=lambda error: type(error).__name__)
def test_whatever_a_plugin_raises_over_an_answer_the_create_was_sent(
    raised: Exception, answer: HttpResponse
) -> None:
    hand = Hand(answer)
    error = raises(submission(Raising(raised)), hand)
    assert isinstance(error, SubmissionUnknown)
    assert (error.resubmit_safe, error.billed, error.response) == (False, Billed.UNKNOWN, answer.body)
    assert states(hand) == [INTENT, SENDING, AMBIGUOUS]


@pytest.mark.parametrize("raised", OURS, ids=lambda error: type(error).__name__)
def test_whatever_a_plugin_raises_over_a_plain_refusal_it_is_one(raised: Exception) -> None:
    error = raises(submission(Raising(raised)), Hand(refused(401)))
    assert isinstance(error, SubmissionRejected)
    assert error.status == 401


def test_an_error_of_ours_after_the_answer_leaves_the_create_in_doubt() -> None:
    def fail(submission: Submission) -> None:
        if submission.state is ACCEPTED:
            raise ConfigurationError("there is no room for X.")

    hand = Hand(OK, on_record=fail)
    error = raises(submission(), hand)
    assert isinstance(error, SubmissionUnknown)
    assert "but there is no room for X." in error.message
    assert ".." not in error.message
    assert (error.response, error.phase) == (OK.body, "RECEIVING")
    assert states(hand) == [INTENT, SENDING, ACCEPTED, AMBIGUOUS]


# --- waiting and giving up ---


def test_retry_after_is_honoured() -> None:
    hand = Hand(refused(429, retry_after="17"), refused(503, retry_after="2"), OK)
    hand.run(submission())
    assert hand.slept == [17, 2]


def test_retry_after_may_be_a_date() -> None:
    hand = Hand(refused(429, retry_after="Thu, 01 Jan 2026 00:00:30 GMT"), OK)
    hand.run(submission())
    assert hand.slept == [30]


def test_a_wait_beyond_the_budget_is_not_begun() -> None:
    hand = Hand(refused(429, "slow_down", retry_after="61"))
    error = raises(submission(budget=60), hand)
    assert isinstance(error, SubmissionRejected)
    assert (error.kind, error.retry_after, error.retryable) == (ErrorKind.RATE_LIMITED, 61, True)
    assert not hand.slept
    assert states(hand) == [INTENT, SENDING, INTENT, REJECTED]
    assert hand.records[-1].detail == "gave up before anything was created"


def test_a_wait_to_the_end_of_the_budget_is_begun_whenever_that_began() -> None:
    hand = Hand(refused(429, retry_after="30"), OK)
    hand.clock.advance(1000)
    assert isinstance(hand.run(submission(budget=30)), Task)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda: broken(Phase.CONNECTING), ErrorKind.UNAVAILABLE),
        (lambda: refused(429), ErrorKind.RATE_LIMITED),
        (lambda: refused(503, retry_after="1"), ErrorKind.UNAVAILABLE),
    ],
)
def test_the_budget_bounds_all_attempts_together(answer: Callable[[], Any], kind: ErrorKind) -> None:
    hand = Hand(*[answer() for _ in range(50)], seconds_per_exchange=1)
    error = raises(submission(budget=60), hand)
    assert isinstance(error, ProviderError)
    assert error.kind is kind
    assert error.resubmit_safe
    assert hand.clock.monotonic() <= 61
    assert 4 <= len(hand.of(Send)) <= 8
    assert states(hand)[-1] is REJECTED


def test_an_exchange_that_takes_long_counts_against_the_budget() -> None:
    hand = Hand(broken(Phase.CONNECTING), OK, seconds_per_exchange=60)
    assert isinstance(raises(submission(budget=60), hand), ProviderError)
    assert len(hand.of(Send)) == 1


# --- a record that fails ---


@pytest.mark.parametrize("state", [INTENT, SENDING])
def test_what_cannot_be_put_on_record_is_not_sent(state: SubmissionState) -> None:
    def fail(submission: Submission) -> None:
        if submission.state is state:
            raise OSError("disk full")

    hand = Hand(OK, on_record=fail)
    assert isinstance(raises(submission(), hand), OSError)
    assert not hand.of(Send)


# --- the promise, over everything that can happen ---

outcomes = st.one_of(
    st.sampled_from(Phase).map(broken),
    st.sampled_from([row[0] for row in TABLE]),
    st.builds(refused, st.integers(300, 599), st.none() | st.sampled_from(["insufficient_quota", "oops"])),
)


def _may_have_been_created(outcome: Any) -> bool:
    """By the table, written a second time: anything but proof that nothing was created."""
    if isinstance(outcome, HttpResponse):
        return verdict_of(ACME, outcome, "") in {A, U}
    return bool(outcome.phase.request_may_have_left)


@given(story=st.lists(outcomes, max_size=12))
def test_nothing_is_sent_after_a_request_that_may_have_created_something(story: list[Any]) -> None:
    hand = Hand(*story, *[refused(400, "bad_thing")])
    with contextlib.suppress(SubmissionUnknown, SubmissionRejected, ProviderError):
        hand.run(submission(budget=1e9))
    sent = len(hand.of(Send))
    in_doubt = [number for number, outcome in enumerate(story, 1) if _may_have_been_created(outcome)]
    assert sent <= min(in_doubt, default=len(story) + 1)


@given(story=st.lists(outcomes, max_size=12))
def test_every_send_is_announced_and_every_story_ends_on_record(story: list[Any]) -> None:
    hand = Hand(*story, *[refused(400, "bad_thing")])
    ended = _ended(hand)
    assert states(hand)[0] is INTENT
    assert states(hand).count(SENDING) == len(hand.of(Send))
    last = {Task: ACCEPTED, SubmissionUnknown: AMBIGUOUS}.get(type(ended), REJECTED)
    assert states(hand)[-1] is last
    assert all(state in {INTENT, SENDING} for state in states(hand)[:-1])


def _ended(hand: Hand) -> Any:
    try:
        return hand.run(submission(budget=1e9))
    except (SubmissionUnknown, SubmissionRejected, ProviderError, PluginError) as error:
        return error
