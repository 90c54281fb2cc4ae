"""Cancelling asks how a task stands, stops it where that can be, and lets the provider say what became of it."""

from __future__ import annotations

from typing import Any, Final

import pytest
from msgspec.structs import replace

from reelway.errors import Billed, ErrorKind, InvalidRequest, NotSupported, Problem, ProviderError
from reelway.flow.cancel import cancel
from reelway.flow.effects import Observe, Phase, Send
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.observation import Status
from reelway.provider.interface import ErrorReading
from tests.acme import ACME, Acme, refused, said, task
from tests.flow.hand import Hand, broken, raises
from tests.sandbox.caller import ACME as PLAIN

ENDS: Final = [status for status in Status if status.final and status is not Status.LOST]


class Strict(Acme):
    """Stops a task only while it waits."""

    info = replace(Acme.info, cancellable=frozenset({Status.QUEUED}))


def methods(hand: Hand) -> list[str]:
    return [effect.request.method for effect in hand.of(Send)]


@pytest.mark.parametrize("answer", [said("cancelled"), HttpResponse(status=204), said("running", http=202)])
@pytest.mark.parametrize("word", ["queued", "running"])
def test_a_cancelled_task_is_what_the_next_poll_says(word: str, answer: HttpResponse) -> None:
    hand = Hand(said(word), answer, said("cancelled"))
    assert hand.run(cancel(ACME, task(), 30)).status is Status.CANCELLED
    assert methods(hand) == ["GET", "DELETE", "GET"]
    assert [effect.timeout for effect in hand.of(Send)] == [30, 30, 30]


@pytest.mark.parametrize("status", ENDS)
def test_a_task_that_has_ended_is_left_as_it_is(status: Status) -> None:
    hand = Hand(said(status.value))
    assert hand.run(cancel(ACME, task(), 30)).status is status
    assert methods(hand) == ["GET"]


class Routed(Acme):
    def encode_cancel(self, task_id: str, route: str) -> HttpRequest:
        return HttpRequest(method="POST", path=f"v1/{route}/{task_id}/cancel")


def test_a_task_is_cancelled_on_its_route() -> None:
    hand = Hand(said("running"), said("cancelled"), said("cancelled"))
    held = task()
    hand.run(cancel(Routed(), replace(held, ref=replace(held.ref, route="side")), 30))
    assert hand.of(Send)[1].request.path == "v1/side/task-1/cancel"


def test_a_cancel_that_came_too_late_is_no_error() -> None:
    hand = Hand(said("running"), said("succeeded"), said("succeeded"))
    assert hand.run(cancel(ACME, task(), 30)).status is Status.SUCCEEDED


def test_a_task_beyond_the_point_where_it_can_be_stopped_goes_on() -> None:
    hand = Hand(said("running"))
    error = raises(cancel(Strict(), task(), 30), hand)
    assert isinstance(error, NotSupported)
    assert "only while it is queued; reelway1:acme:default::task-1 is running" in str(error)
    assert error.task is not None
    assert (error.task.status, methods(hand)) == (Status.RUNNING, ["GET"])
    assert (error.billed, error.resubmit_safe) == (Billed.YES, False)
    assert error.hint == "It goes on and is paid for; wait for it."


def test_all_states_in_which_a_task_can_be_stopped_are_named() -> None:
    class Lenient(Acme):
        info = replace(Acme.info, cancellable=frozenset({Status.LOST, Status.QUEUED}))

    error = raises(cancel(Lenient(), task(), 30), Hand(said("running")))
    assert "only while it is lost or queued;" in str(error)


def test_both_questions_know_since_when_the_task_is_known() -> None:
    hand = Hand(said("queued"), said("cancelled"), said("cancelled"), seconds_per_exchange=1)
    hand.run(cancel(ACME, task(), 30, hand.clock.monotonic() - 5))
    assert [one.seen and one.seen.age for one in hand.of(Observe)] == [6, 8]


def test_a_task_that_can_still_be_stopped_is() -> None:
    hand = Hand(said("queued"), HttpResponse(status=204), said("cancelled"))
    assert hand.run(cancel(Strict(), task(), 30)).status is Status.CANCELLED


def test_a_task_whose_state_nobody_can_tell_is_left_as_it_is() -> None:
    hand = Hand(refused(500))
    assert isinstance(raises(cancel(ACME, task(), 30), hand), ProviderError)
    assert methods(hand) == ["GET"]


def test_a_refusal_is_typed_and_holds_the_task() -> None:
    error = raises(cancel(ACME, task(), 30), Hand(said("running"), refused(409, "already_done")))
    assert isinstance(error, ProviderError)
    assert error.task is not None
    assert (error.status, error.code, error.task.status) == (409, "already_done", Status.RUNNING)
    assert (error.resubmit_safe, error.billed) == (False, Billed.UNKNOWN)


@pytest.mark.parametrize("phase", Phase)
def test_a_provider_that_cannot_be_reached_is_an_error_of_that_kind(phase: Phase) -> None:
    error = raises(cancel(ACME, task(), 30), Hand(said("queued"), broken(phase)))
    assert isinstance(error, ProviderError)
    assert error.task is not None
    assert (error.kind, error.task.ref) == (ErrorKind.UNAVAILABLE, task().ref)
    assert f"could not be asked to cancel {task().ref}: it broke" in str(error)


def test_where_there_is_no_such_call_nothing_is_sent() -> None:
    hand = Hand()
    assert isinstance(raises(cancel(PLAIN, task(), 30), hand), NotSupported)
    assert not hand.effects


class Unreadable(Acme):
    def read_error(self, *_: Any) -> ErrorReading:
        raise InvalidRequest([Problem(field="id", message="is odd")])


def test_a_refusal_that_the_plugin_cannot_read_is_about_the_task_all_the_same() -> None:
    error = raises(cancel(Unreadable(), task(), 30), Hand(said("running"), refused(409)))
    assert isinstance(error, ProviderError)
    assert error.task is not None
    assert (error.kind, error.status, error.resubmit_safe) == (ErrorKind.PROTOCOL, 409, False)
