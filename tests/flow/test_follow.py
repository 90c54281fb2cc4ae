"""Polling is the truth, and no trouble on the way changes what a task is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from copy import copy
from datetime import timedelta
from traceback import TracebackException
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reelway.errors import (
    Billed,
    ConfigurationError,
    ErrorKind,
    InvalidRequest,
    NotSupported,
    PluginError,
    Problem,
    ProviderError,
    ProviderUnreachable,
    ReelwayError,
    WaitTimeout,
)
from reelway.flow.effects import Flow, Observe, Phase, Send
from reelway.flow.follow import FAILURE_LIMIT, LAST_POLL_SECONDS, Answer, FollowPlan, follow, look, retrieve
from reelway.model.http import HttpRequest, HttpResponse, json_response
from reelway.model.lifecycle import NOT_FOUND_LIMIT, Anomaly, NotFoundSeen
from reelway.model.observation import Status
from reelway.model.task import Task
from reelway.provider.interface import Cadence, Provider
from reelway.provider.readers import decode_object
from reelway.testing.clock import START
from tests.acme import ACME, LINK, PAGE, Acme, refused, said, task
from tests.flow.hand import Hand, broken, raises, sums

MISSING = refused(404, "task_not_exist")
TROUBLE = refused(502)


def plan(**facts: Any) -> FollowPlan:
    return FollowPlan(**({"draw": lambda: 0.5, "slot": lambda now: 0.0} | facts))


def following(held: Task | None = None, provider: Provider = ACME, **facts: Any) -> Flow[Task]:
    return follow(provider, held or task(), plan(**facts))


def polls(hand: Hand) -> list[float]:
    """When each poll was made, in seconds from the start."""
    times, now = [], 0.0
    for effect in hand.effects:
        if isinstance(effect, Send):
            times.append(now)
        now += getattr(effect, "seconds", 0.0)
    return times


# --- the good way ---


def test_a_task_is_followed_to_its_end() -> None:
    hand = Hand(said("queued"), said("running", progress=40), said("succeeded", video_url="https://cdn.example/v"))
    final = hand.run(following())
    assert final.status is Status.SUCCEEDED
    assert final.videos
    assert [one.status for one in hand.seen] == [Status.QUEUED, Status.RUNNING, Status.SUCCEEDED]


@pytest.mark.parametrize("word", ["succeeded", "failed", "cancelled", "expired"])
def test_every_final_word_ends_the_wait(word: str) -> None:
    hand = Hand(said(word))
    assert hand.run(following()).status.value == word
    assert len(polls(hand)) == 1


def test_the_poll_asks_for_the_task_on_its_route() -> None:
    hand = Hand(said("succeeded"))
    held = replace(task(), ref=replace(task().ref, route="side"))
    hand.run(following(held, poll_timeout=9))
    assert hand.of(Send) == [Send(request=HttpRequest(method="GET", path="v1/side/task-1"), timeout=9)]


def test_only_changes_are_told() -> None:
    hand = Hand(said("running"), said("running"), said("running"), said("succeeded"))
    hand.run(following())
    assert [one.status for one in hand.seen] == [Status.RUNNING, Status.SUCCEEDED]


def test_what_a_change_was_read_from_is_told_with_it() -> None:
    hand = Hand(said("running", progress=40), seconds_per_exchange=2)
    after = hand.run(retrieve(ACME, task(), 30))
    [told] = hand.of(Observe)
    assert told.task is after
    assert told.seen is not None
    assert (told.seen.observation.progress, told.seen.at, told.seen.age) == (40, START + timedelta(seconds=2), None)


@pytest.mark.parametrize(
    ("submitted", "known", "ages"),
    [(-7, None, [9, 13]), (-7, -100, [102, 106]), (3600, None, [2, 6])],
    ids=["by the wall clock", "by the caller", "from the future"],
)
def test_how_long_a_task_is_known_is_measured_and_told(
    submitted: int, known: int | None, ages: list[float]
) -> None:
    hand = Hand(said("queued"), said("failed"), seconds_per_exchange=2)
    known_since = None if known is None else hand.clock.monotonic() + known
    held = task(at=START + timedelta(seconds=submitted))
    hand.run(following(held, cadence=Cadence(2, 2), known_since=known_since))
    assert [one.seen and one.seen.age for one in hand.of(Observe)] == ages


def test_asking_once_measures_how_long_a_task_is_known_if_it_is_told_since_when() -> None:
    hand = Hand(said("running"))
    hand.run(retrieve(ACME, task(), 30, hand.clock.monotonic() - 5))
    [told] = hand.of(Observe)
    assert told.seen is not None
    assert told.seen.age == 5


def test_an_answer_is_given_with_what_was_read_in_it_and_when() -> None:
    hand, answer = Hand(said("running")), said("running")
    seen = hand.run(look(ACME, task(), 30, 0.0))
    assert isinstance(seen, Answer)
    assert (seen.response, seen.observation.provider_status, seen.at.wall) == (answer, "running", START)


def test_intervals_grow_to_the_maximum() -> None:
    hand = Hand(*[said("running")] * 8, said("succeeded"))
    hand.run(following(first_delay=4))
    assert hand.slept == [4, 4, 5, 6.25, 7.8125, 9.765625, 10, 10, 10]


@given(draws=st.lists(st.floats(0, 1), min_size=8, max_size=8))
def test_jitter_stays_within_a_fifth_of_the_interval(draws: list[float]) -> None:
    hand = Hand(*[said("running")] * 8, said("succeeded"))
    hand.run(following(draw=iter(draws).__next__))
    for wait, interval in zip(hand.slept, [4, 5, 6.25, 7.8125, 9.765625, 10, 10, 10], strict=True):
        assert 0.799 * interval <= wait <= 1.201 * interval


def test_a_cadence_of_the_account_s_own_counts() -> None:
    hand = Hand(*[said("running")] * 3, said("succeeded"))
    hand.run(following(cadence=Cadence(0.5, 0.5)))
    assert hand.slept == [0.5, 0.5, 0.5]


def test_a_poll_waits_for_the_account_s_next_slot() -> None:
    hand = Hand(said("running"), said("succeeded"))
    hand.run(following(first_delay=4, slot=lambda now: 0.25))
    assert hand.slept == [4, 0.25, 4, 0.25]


def test_a_slot_is_taken_when_it_is_needed_and_not_ahead_of_time() -> None:
    asked: list[float] = []

    def slot(now: float) -> float:
        asked.append(now)
        return 0.0

    hand = Hand(refused(429, retry_after="300"), said("succeeded"))
    hand.run(following(first_delay=4, slot=slot))
    assert asked == [4, 304]


# --- the deadline ---


def test_the_last_poll_is_at_the_deadline() -> None:
    hand = Hand(*[said("running", progress=7)] * 9)
    error = raises(following(timeout=20), hand)
    assert isinstance(error, WaitTimeout)
    assert polls(hand)[-1] == 20
    assert polls(hand) == sums([0, 4, 5, 6.25, 4.75])


def test_a_wait_that_runs_out_holds_the_task_as_it_is_now() -> None:
    error = raises(following(timeout=0), Hand(said("running", progress=7)))
    assert isinstance(error, WaitTimeout)
    assert error.task is not None
    assert (error.task.status, error.task.progress) == (Status.RUNNING, 7)
    assert "still running" in str(error)
    assert "'running'" in str(error)


def test_a_last_poll_that_sees_the_end_is_no_timeout() -> None:
    hand = Hand(said("running"), said("succeeded"))
    assert hand.run(following(timeout=3)).status is Status.SUCCEEDED
    assert polls(hand) == [0, 3]


@pytest.mark.parametrize("timeout", [0, -5])
def test_a_wait_without_time_is_one_poll(timeout: float) -> None:
    hand = Hand(said("running"))
    assert isinstance(raises(following(timeout=timeout, first_delay=4), hand), WaitTimeout)
    assert polls(hand) == [0]


def test_a_first_delay_beyond_the_deadline_is_cut() -> None:
    hand = Hand(said("running"))
    assert isinstance(raises(following(timeout=3, first_delay=60), hand), WaitTimeout)
    assert polls(hand) == [3]


@pytest.mark.parametrize("delay", [0, 1])
def test_a_slot_beyond_the_deadline_is_not_waited_for(delay: float) -> None:
    hand = Hand(said("running"))
    late = following(timeout=3, first_delay=delay, slot=lambda now: 1000)
    assert isinstance(raises(late, hand), WaitTimeout)
    assert polls(hand) == [3]


@pytest.mark.parametrize("delay", [20, 60])
def test_a_clock_that_wakes_a_little_early_leads_to_no_second_last_poll(
    delay: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = Hand(said("running"))
    monkeypatch.setattr(hand.clock, "sleep", lambda seconds: hand.clock.advance(0.9999 * seconds))
    assert isinstance(raises(following(timeout=20, first_delay=delay), hand), WaitTimeout)
    assert len(polls(hand)) == 1


def test_unless_told_otherwise_a_wait_lasts_half_an_hour_and_a_poll_half_a_minute() -> None:
    hand = Hand(*[said("running")] * 200)
    raises(following(), hand)
    assert polls(hand)[-1] == 1800
    assert hand.of(Send)[0].timeout == 30


@pytest.mark.parametrize("seconds", [20, 25])
@pytest.mark.parametrize("answer", [said("running"), TROUBLE, broken(Phase.RECEIVING)], ids=repr)
def test_a_poll_that_ends_at_the_deadline_or_past_it_is_the_last_one(answer: Any, seconds: float) -> None:
    hand = Hand(answer, said("running"), seconds_per_exchange=seconds)
    assert isinstance(raises(following(timeout=20), hand), WaitTimeout)
    assert len(polls(hand)) == 1


def test_a_poll_gets_no_more_time_than_is_left_but_the_last_one_enough_for_an_answer() -> None:
    hand = Hand(*[said("running")] * 9)
    raises(following(timeout=20, poll_timeout=12), hand)
    assert [send.timeout for send in hand.of(Send)] == [12, 12, 11, 5, 5]


def test_a_poll_timeout_below_the_least_is_kept() -> None:
    hand = Hand(said("running"))
    raises(following(timeout=0, poll_timeout=2), hand)
    assert [send.timeout for send in hand.of(Send)] == [2]


@given(seconds=st.floats(0, 40), timeout=st.floats(0, 200))
def test_a_wait_outlives_its_deadline_by_the_last_poll_at_most(seconds: float, timeout: float) -> None:
    hand = Hand()
    hand.answers.extend(_after(hand, seconds) for _ in range(1000))
    with contextlib.suppress(WaitTimeout, ProviderUnreachable):
        hand.run(following(timeout=timeout))
    assert hand.clock.monotonic() <= timeout + LAST_POLL_SECONDS + 0.001


def _after(hand: Hand, seconds: float) -> Any:
    """A provider that takes so long, unless its exchange is given up before."""

    def give(effect: Send) -> HttpResponse:
        hand.clock.advance(min(seconds, effect.timeout))
        if seconds >= effect.timeout:
            raise broken(Phase.RECEIVING)
        return said("running")

    return give


def test_a_wait_that_ran_out_before_any_answer_says_so() -> None:
    error = raises(following(timeout=0), Hand(TROUBLE))
    assert isinstance(error, WaitTimeout)
    assert "last said 'nothing yet'" in str(error)


# --- trouble ---


@pytest.mark.parametrize(
    "trouble",
    [
        broken(Phase.CONNECTING),
        broken(Phase.SENDING),
        broken(Phase.RECEIVING),
        *(refused(status) for status in (302, 400, 402, 405, 408, 409, 422, 425, 429, 500, 502, 503, 504, 524)),
        PAGE,
        HttpResponse(status=200),
        HttpResponse(status=204),
        HttpResponse(status=200, body=b'{"id": "task-1", "status": "succ'),
        json_response([]),
        said("succeeded", "task-of-another"),
        HttpResponse(status=200, body=b'{"id": "task-1", "status": "succeeded", "status": "failed"}'),
        HttpResponse(status=404, headers=(("Content-Type", "text/html"),), body=b"<html>"),
    ],
    ids=repr,
)
def test_trouble_on_the_way_changes_nothing_and_is_ridden_out(trouble: Any) -> None:
    hand = Hand(said("running"), trouble, said("running", progress=1), said("succeeded"))
    assert hand.run(following()).status is Status.SUCCEEDED
    assert [one.status for one in hand.seen] == [Status.RUNNING, Status.RUNNING, Status.SUCCEEDED]


def test_pauses_grow_while_there_is_trouble_and_shrink_afterwards() -> None:
    hand = Hand(*[TROUBLE] * 6, said("running"), said("succeeded"))
    hand.run(following())
    assert hand.slept == [8, 16, 32, 60, 60, 60, 4]


@pytest.mark.parametrize(("asked", "pause"), [("30", 30), ("1", 8), ("300", 300), ("9999", 300), ("soon", 8)])
def test_retry_after_is_honoured_within_bounds(asked: str, pause: float) -> None:
    hand = Hand(refused(503, retry_after=asked), said("succeeded"))
    hand.run(following())
    assert hand.slept == [pause]


def test_retry_after_may_be_a_date() -> None:
    hand = Hand(refused(429, retry_after="Thu, 01 Jan 2026 00:01:30 GMT"), said("succeeded"))
    hand.run(following())
    assert hand.slept == [90]


def test_retry_after_never_leads_past_the_deadline() -> None:
    hand = Hand(refused(429, retry_after="300"), said("running"))
    assert isinstance(raises(following(timeout=20), hand), WaitTimeout)
    assert polls(hand) == [0, 20]


def test_ten_failures_in_a_row_end_the_wait_and_hold_the_task() -> None:
    hand = Hand(said("running"), *[TROUBLE] * FAILURE_LIMIT)
    error = raises(following(), hand)
    assert isinstance(error, ProviderUnreachable)
    assert error.task is not None
    assert error.task.status is Status.RUNNING
    assert "last 10 polls" in str(error)
    assert isinstance(error.__cause__, ProviderError)


def test_one_good_answer_starts_the_count_anew() -> None:
    nine = [TROUBLE] * (FAILURE_LIMIT - 1)
    hand = Hand(*nine, said("running"), *nine, said("succeeded"))
    assert hand.run(following()).status is Status.SUCCEEDED


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_ends_the_wait_at_once(status: int) -> None:
    hand = Hand(said("running"), refused(status))
    error = raises(following(), hand)
    assert isinstance(error, ProviderUnreachable)
    assert error.task is not None
    assert "The last poll of" in str(error)
    assert "Check the key" in str(error)
    assert len(polls(hand)) == 2


def test_an_address_that_is_refused_ends_the_wait_at_once() -> None:
    hand = Hand(broken(Phase.CONNECTING, refused=True))
    assert isinstance(raises(following(), hand), ProviderUnreachable)
    assert len(polls(hand)) == 1


class Clumsy(Acme):
    def decode_retrieve(self, *_: Any) -> Any:
        raise KeyError("state")


def test_errors_of_a_plugin_count_like_any_other() -> None:
    hand = Hand(*[said("running")] * FAILURE_LIMIT)
    error = raises(following(provider=Clumsy()), hand)
    assert isinstance(error, ProviderUnreachable)
    assert isinstance(error.__cause__, PluginError)
    assert len(polls(hand)) == FAILURE_LIMIT


class Tongueless(Acme):
    def encode_retrieve(self, task_id: str, route: str) -> HttpRequest:
        raise KeyError(task_id)


def test_a_plugin_that_cannot_even_ask_says_so_at_once() -> None:
    hand = Hand()
    assert isinstance(raises(following(provider=Tongueless()), hand), PluginError)


# --- words, and the absence of the task ---


def test_an_unknown_word_is_no_ending_and_is_bounded_by_the_deadline() -> None:
    hand = Hand(said("running"), *[said("warming_up")] * 20)
    error = raises(following(timeout=60), hand)
    assert isinstance(error, WaitTimeout)
    assert error.task is not None
    assert (error.task.status, error.task.provider_status) == (Status.RUNNING, "warming_up")
    assert sum(bool(one.unknown_words) for one in hand.seen) == 1
    assert "'warming_up'" in str(error)


def test_a_word_that_could_harm_a_terminal_is_shown_tamed() -> None:
    error = raises(following(timeout=0), Hand(said("bad\x1b[2J" + "x" * 9999)))
    assert "\x1b" not in str(error)
    assert len(str(error)) < 400


@pytest.mark.parametrize("length", [80, 81])
def test_of_a_long_word_the_first_80_characters_are_shown(length: int) -> None:
    word = "still at it " * 10
    error = raises(following(timeout=0), Hand(said(word[:length])))
    assert f"last said {word[:80]!r}" in str(error)


def test_a_fresh_id_may_be_unknown_for_a_while() -> None:
    hand = Hand(*[MISSING] * 5, said("running"), said("succeeded"))
    assert hand.run(following()).status is Status.SUCCEEDED


def test_an_id_that_stays_unknown_past_the_grace_is_lost() -> None:
    hand = Hand(*[MISSING] * 20)
    final = hand.run(following())
    assert final.status is Status.LOST
    assert polls(hand)[-1] >= 60
    assert final.not_found_count >= NOT_FOUND_LIMIT
    assert isinstance(hand.of(Observe)[-1].events[0], NotFoundSeen)


def test_a_wait_for_an_id_that_nobody_knows_says_so_and_promises_nothing() -> None:
    error = raises(following(timeout=20), Hand(*[MISSING] * 20))
    assert isinstance(error, WaitTimeout)
    assert "does not know reelway1:acme:default::task-1" in error.message
    assert "goes on" not in str(error)
    assert error.hint.startswith("Right after a create that may be; otherwise check the id")
    assert error.hint.endswith("the base URL.")
    assert error.task is not None
    assert error.task.not_found_count > 0


def test_the_grace_of_an_unknown_id_counts_from_when_it_became_known() -> None:
    hand = Hand(*[MISSING] * 20)
    final = hand.run(following(known_since=hand.clock.monotonic() - 1000))
    assert (final.status, final.not_found_count) == (Status.LOST, NOT_FOUND_LIMIT)


def test_a_lost_task_that_is_seen_again_goes_on() -> None:
    hand = Hand(said("running"), said("succeeded"))
    lost = task(status=Status.LOST, confirmed=True)
    assert hand.run(following(lost)).status is Status.SUCCEEDED


def test_a_jump_of_the_wall_clock_changes_no_interval() -> None:
    hand = Hand(*[said("running")] * 6, said("succeeded"))
    jumps = iter([3600.0, -7200.0, 86400.0, -1.0, 0.0, 5.0, 0.0])
    answers = list(hand.answers)
    hand.answers.clear()
    hand.answers.extend(_jumping(hand, answer, next(jumps)) for answer in answers)
    hand.run(following())
    assert hand.slept == [4, 5, 6.25, 7.8125, 9.765625, 10]


def _jumping(hand: Hand, answer: Any, seconds: float) -> Any:
    def give(effect: Any) -> Any:
        hand.clock.jump(seconds)
        return answer

    return give


def test_a_jump_of_the_wall_clock_moves_no_deadline() -> None:
    hand = Hand()
    hand.answers.extend(_jumping(hand, said("running"), 10_000.0) for _ in range(20))
    assert isinstance(raises(following(timeout=20), hand), WaitTimeout)
    assert polls(hand)[-1] == 20


outcomes = st.one_of(
    st.sampled_from([broken(phase) for phase in Phase]),
    st.sampled_from([TROUBLE, PAGE, MISSING, refused(429, retry_after="100"), refused(401)]),
    st.sampled_from([said(word) for word in ("queued", "running", "warming_up", "succeeded", "failed")]),
)


@given(story=st.lists(outcomes, max_size=30), timeout=st.floats(0, 2000))
def test_every_story_ends_within_its_time_and_holds_the_task(story: list[Any], timeout: float) -> None:
    hand = Hand(*story, *[said("running")] * 1000)
    try:
        held: Task | None = hand.run(following(timeout=timeout))
    except (WaitTimeout, ProviderUnreachable) as error:
        held = error.task
    assert held is not None
    assert held.ref == task().ref
    assert hand.clock.monotonic() <= timeout + 0.001


# --- asking once ---


def test_asking_once_gives_the_task_whatever_its_end() -> None:
    hand = Hand(said("failed"))
    assert hand.run(retrieve(ACME, task(), 30)).status is Status.FAILED
    assert [send.timeout for send in hand.of(Send)] == [30]


def test_an_error_of_asking_once_holds_the_task_and_the_pause_that_was_asked_for() -> None:
    held = task()
    error = raises(retrieve(ACME, held, 30), Hand(refused(429, retry_after="7")))
    assert isinstance(error, ProviderError)
    assert (error.kind, error.task, error.retry_after) == (ErrorKind.RATE_LIMITED, held, 7)


@pytest.mark.parametrize(
    "answer", [refused(404, "task_not_exist"), refused(401), refused(500), broken(Phase.SENDING)]
)
def test_no_error_of_asking_once_says_that_creating_again_is_safe(answer: Any) -> None:
    error = raises(retrieve(ACME, task(), 30), Hand(answer))
    assert isinstance(error, ProviderError)
    assert (error.resubmit_safe, error.billed) == (False, Billed.UNKNOWN)


def test_an_error_of_asking_once_carries_no_frames_in_which_the_answer_was_read() -> None:
    error = raises(retrieve(ACME, task(), 30), Hand(PAGE))
    assert error.__cause__ is None
    assert error.__context__ is None


class Ours(Acme):
    """Reads the link of an answer, and raises one of our own errors."""

    def __init__(self, error: ReelwayError) -> None:
        self.error = error

    def decode_retrieve(self, response: HttpResponse, route: str) -> Any:
        link = decode_object(response.body)["video_url"]
        assert link
        raise copy(self.error)


OURS = [
    PluginError("it failed"),
    NotSupported("there is no such call"),
    InvalidRequest([Problem(field="id", message="is odd")]),
    ConfigurationError("nothing is configured"),
]


@pytest.mark.parametrize("raised", OURS, ids=lambda error: type(error).__name__)
def test_whatever_a_plugin_raises_over_an_answer_is_trouble_that_holds_the_task(raised: ReelwayError) -> None:
    held = task()
    answer = said("running", video_url=LINK)
    asked = raises(retrieve(Ours(raised), held, 30), Hand(answer))
    assert isinstance(asked, type(raised))
    assert (asked.task, asked.resubmit_safe) == (held, False)
    waited = raises(following(held, Ours(raised)), Hand(*[answer] * FAILURE_LIMIT))
    assert isinstance(waited, ProviderUnreachable)
    assert (waited.task, waited.resubmit_safe) == (held, False)


@pytest.mark.parametrize("provider", [Clumsy(), *map(Ours, OURS)])
@pytest.mark.parametrize("flow", [lambda one: retrieve(one, task(), 30), lambda one: following(provider=one)])
def test_no_error_of_a_plugin_carries_frames_in_which_the_answer_was_read(
    provider: Provider, flow: Callable[[Provider], Flow[Task]]
) -> None:
    error = raises(flow(provider), Hand(*[said("running", video_url=LINK)] * FAILURE_LIMIT))
    report = TracebackException.from_exception(error, capture_locals=True)
    frames = [frame.name for one in _reports(report) for frame in one.stack]
    assert "decode_retrieve" not in frames
    assert "run" in frames


def _reports(report: TracebackException | None) -> Iterator[TracebackException]:
    while report is not None:
        yield report
        report = report.__cause__ or report.__context__


def test_a_plugin_error_tells_the_author_where_it_arose() -> None:
    error = raises(retrieve(Clumsy(), task(), 30), Hand(said("running")))
    line = Clumsy.decode_retrieve.__code__.co_firstlineno + 1
    assert f"failed to read an answer: KeyError in test_follow.py, line {line}." in str(error)


def test_an_unreachable_provider_is_an_error_of_that_kind() -> None:
    error = raises(retrieve(ACME, task(), 30), Hand(broken(Phase.SENDING)))
    assert isinstance(error, ProviderError)
    assert error.kind is ErrorKind.UNAVAILABLE
    assert "could not be asked: it broke" in str(error)


def test_an_id_of_which_nothing_is_known_is_not_found() -> None:
    error = raises(retrieve(ACME, task(), 30), Hand(MISSING))
    assert isinstance(error, ProviderError)
    assert error.kind is ErrorKind.NOT_FOUND
    assert "does not know the task 'task-1'" in str(error)
    assert error.task is not None
    assert error.task.not_found_count == 1


def test_a_known_task_that_is_not_found_once_is_still_there() -> None:
    held = task(confirmed=True, status=Status.RUNNING)
    after = Hand(MISSING).run(retrieve(ACME, held, 30))
    assert (after.status, after.not_found_count) == (Status.RUNNING, 1)


def test_a_contradiction_is_told_and_changes_nothing() -> None:
    hand = Hand(said("succeeded"))
    held = task(confirmed=True, status=Status.FAILED)
    assert hand.run(retrieve(ACME, held, 30)) is held
    [event] = hand.effects[-1].events  # type: ignore[attr-defined]
    assert isinstance(event, Anomaly)
    assert event.loud
