"""Where a word says only that a task has ended, a second request tells how, and only its answer ends the task."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from reelway.errors import ErrorKind, InvalidRequest, PluginError, ProviderError, ProviderUnreachable
from reelway.flow.effects import Flow, Phase, Send
from reelway.flow.follow import FAILURE_LIMIT, LAST_POLL_SECONDS, FollowPlan, follow, retrieve
from reelway.model.http import HttpRequest, HttpResponse, json_response
from reelway.model.observation import Failure, Observation, Status
from reelway.model.task import Task
from reelway.provider.readers import decode_object, text
from reelway.provider.reading import ABOUT_THE_ASKING
from tests.acme import PAGE, Acme, refused, said, task
from tests.flow.hand import Hand, broken, raises

POLL = HttpRequest(method="GET", path="v1/videos/task-1")
RESULT = HttpRequest(method="GET", path="results/task-1")
OVER = said("over")
GOOD = json_response({"end": "succeeded"})
BAD = json_response({"end": "failed", "why": "too dark"}, 422)


class Split(Acme):
    """Acme, but that its polls do not tell how a task ended."""

    info = replace(Acme.info, words={**Acme.info.words, "over": Status.RUNNING}, ended=frozenset({"over"}))

    def encode_result(self, task_id: str, route: str) -> HttpRequest:
        return HttpRequest(method="GET", path=f"{route or 'results'}/{task_id}")

    def decode_result(self, poll: HttpResponse, result: HttpResponse, route: str) -> Observation | None:
        if result.status not in {200, 422}:
            return None
        document = decode_object(result.body)
        failure = Failure(message=text(document.get("why")))
        return Observation(
            task_id=text(document.get("id")), provider_status=text(document.get("end")), failure=failure
        )


SPLIT = Split()


def following(**facts: Any) -> Flow[Task]:
    return follow(SPLIT, task(), FollowPlan(draw=lambda: 0.5, slot=lambda now: 0.0, **facts))


def asked(hand: Hand) -> list[HttpRequest]:
    return [effect.request for effect in hand.of(Send)]


def test_a_second_request_tells_how_a_task_ended() -> None:
    hand = Hand(said("running"), OVER, GOOD)
    assert hand.run(following()).status is Status.SUCCEEDED
    assert asked(hand) == [POLL, POLL, RESULT]
    assert [one.status for one in hand.seen] == [Status.RUNNING, Status.SUCCEEDED]


def test_the_result_is_asked_for_on_the_task_s_route_and_read_beside_the_poll() -> None:
    read: list[tuple[HttpResponse, HttpResponse, str]] = []

    class Attentive(Split):
        def decode_result(self, poll: HttpResponse, result: HttpResponse, route: str) -> Observation | None:
            read.append((poll, result, route))
            return super().decode_result(poll, result, route)

    hand = Hand(OVER, GOOD)
    held = task()
    hand.run(retrieve(Attentive(), replace(held, ref=replace(held.ref, route="side")), 30))
    assert [one.path for one in asked(hand)] == ["v1/side/task-1", "side/task-1"]
    assert read == [(OVER, GOOD, "side")]


@pytest.mark.parametrize(
    ("raised", "kind"), [(KeyError("x"), PluginError), (UnicodeEncodeError("utf-8", "", 0, 0, ""), InvalidRequest)]
)
def test_a_result_that_cannot_be_asked_for_is_the_plugin_s_matter(raised: Exception, kind: type[Exception]) -> None:
    class Speechless(Split):
        def encode_result(self, task_id: str, route: str) -> HttpRequest:
            raise raised

    error = raises(retrieve(Speechless(), task(), 30), Hand(OVER))
    assert isinstance(error, kind)
    assert "'acme'" in str(error)


def test_a_bad_end_may_come_under_any_status() -> None:
    final = Hand(OVER, BAD).run(following())
    assert (final.status, final.failure) == (Status.FAILED, Failure(message="too dark"))


@pytest.mark.parametrize("word", ["OVER", " over\n", "Over"])
def test_the_word_is_compared_as_every_word_is(word: str) -> None:
    assert Hand(said(word), GOOD).run(following()).status is Status.SUCCEEDED


@pytest.mark.parametrize("word", ["running", "queued", "overdue", "ov\u0435r"])
def test_no_other_word_leads_to_a_second_request(word: str) -> None:
    hand = Hand(said(word))
    hand.run(retrieve(SPLIT, task(), 30))
    assert asked(hand) == [POLL]


TROUBLE = {
    "a broken connection": broken(Phase.RECEIVING),
    "an overloaded service": refused(503),
    "an unknown result": refused(404, "task_not_exist"),
    "a refusal that is not the job's": refused(400),
    "a web page": PAGE,
    "another task's result": json_response({"id": "task-2", "end": "failed"}),
    "a field with two values": HttpResponse(status=200, body=b'{"end": "failed", "end": "succeeded"}'),
}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=list(TROUBLE))
def test_a_failing_second_request_is_trouble_and_no_end(trouble: HttpResponse | Exception) -> None:
    hand = Hand(OVER, trouble, OVER, GOOD)
    assert hand.run(following()).status is Status.SUCCEEDED
    assert [one.status for one in hand.seen] == [Status.SUCCEEDED]


def test_a_result_may_name_the_task_that_was_asked_for() -> None:
    named = json_response({"id": "task-1", "end": "succeeded"})
    assert Hand(OVER, named).run(retrieve(SPLIT, task(), 30)).status is Status.SUCCEEDED


def test_an_unknown_word_in_a_result_is_no_end() -> None:
    hand = Hand(OVER, json_response({"end": "sort of"}), OVER, GOOD)
    assert hand.run(following()).status is Status.SUCCEEDED
    assert hand.seen[0].status is not Status.SUCCEEDED


def test_a_result_that_says_no_more_than_the_poll_leads_to_no_third_request() -> None:
    hand = Hand(OVER, json_response({"end": "over"}))
    assert hand.run(retrieve(SPLIT, task(), 30)).status is Status.RUNNING
    assert asked(hand) == [POLL, RESULT]


def test_results_that_keep_failing_end_the_wait_and_not_the_task() -> None:
    hand = Hand(*[OVER, refused(502)] * FAILURE_LIMIT)
    error = raises(following(), hand)
    assert isinstance(error, ProviderUnreachable)
    assert error.task is not None
    assert not error.task.final


def test_a_refused_key_ends_the_wait_at_once() -> None:
    assert isinstance(raises(following(), Hand(OVER, refused(401))), ProviderUnreachable)


def test_a_single_question_tells_what_was_wrong_with_the_result() -> None:
    error = raises(retrieve(SPLIT, task(), 30), Hand(OVER, refused(429)))
    assert isinstance(error, ProviderError)
    assert error.kind is ErrorKind.RATE_LIMITED


def test_the_second_request_gets_the_time_that_the_first_has_left() -> None:
    hand = Hand(OVER, GOOD, seconds_per_exchange=12)
    hand.run(retrieve(SPLIT, task(), 30))
    assert [effect.timeout for effect in hand.of(Send)] == [30, 18]


def test_the_second_request_gets_enough_time_to_be_answered_at_all() -> None:
    hand = Hand(OVER, GOOD, seconds_per_exchange=29)
    hand.run(retrieve(SPLIT, task(), 30))
    assert hand.of(Send)[1].timeout == LAST_POLL_SECONDS


def test_a_provider_that_reads_no_result_leaves_the_task_as_it_is() -> None:
    class Mute(Split):
        def decode_result(self, poll: HttpResponse, result: HttpResponse, route: str) -> None:
            return None

    error = raises(retrieve(Mute(), task(), 30), Hand(OVER, GOOD))
    assert isinstance(error, ProviderError)
    assert error.kind is ErrorKind.PROTOCOL


@pytest.mark.parametrize("status", [301, 302, 307, *sorted(ABOUT_THE_ASKING)])
def test_no_plugin_is_asked_about_a_status_that_is_about_the_asking(status: int) -> None:
    class Credulous(Split):
        def decode_result(self, poll: HttpResponse, result: HttpResponse, route: str) -> Observation:
            return Observation(provider_status="failed")

    answer = json_response({"end": "failed"}, status)
    assert isinstance(raises(retrieve(Credulous(), task(), 30), Hand(OVER, answer)), ProviderError)


def test_a_plugin_that_stumbles_over_a_result_is_named() -> None:
    class Clumsy(Split):
        def decode_result(self, poll: HttpResponse, result: HttpResponse, route: str) -> Observation | None:
            raise KeyError("video")

    assert isinstance(raises(retrieve(Clumsy(), task(), 30), Hand(OVER, GOOD)), PluginError)
