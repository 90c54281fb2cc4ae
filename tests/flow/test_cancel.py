"""Cancelling asks, and then lets the provider say what became of it."""

from __future__ import annotations

import pytest

from reelway.errors import ErrorKind, NotSupported, ProviderError
from reelway.flow.cancel import cancel
from reelway.flow.effects import Phase, Send
from reelway.model.http import HttpResponse
from reelway.model.observation import Status
from tests.acme import ACME, refused, said, task
from tests.flow.hand import Hand, broken, raises
from tests.sandbox.caller import ACME as PLAIN


@pytest.mark.parametrize("answer", [said("cancelled"), HttpResponse(status=204), said("running", http=202)])
def test_a_cancelled_task_is_what_the_next_poll_says(answer: HttpResponse) -> None:
    hand = Hand(answer, said("cancelled"))
    assert hand.run(cancel(ACME, task(), 30)).status is Status.CANCELLED
    assert [effect.request.method for effect in hand.of(Send)] == ["DELETE", "GET"]


def test_a_cancel_that_came_too_late_is_no_error() -> None:
    assert Hand(said("succeeded"), said("succeeded")).run(cancel(ACME, task(), 30)).status is Status.SUCCEEDED


def test_a_refusal_is_typed_and_holds_the_task() -> None:
    error = raises(cancel(ACME, task(), 30), Hand(refused(409, "already_done")))
    assert isinstance(error, ProviderError)
    assert (error.status, error.code, error.task) == (409, "already_done", task())


@pytest.mark.parametrize("phase", Phase)
def test_a_provider_that_cannot_be_reached_is_an_error_of_that_kind(phase: Phase) -> None:
    error = raises(cancel(ACME, task(), 30), Hand(broken(phase)))
    assert isinstance(error, ProviderError)
    assert (error.kind, error.task) == (ErrorKind.UNAVAILABLE, task())


def test_where_there_is_no_such_call_nothing_is_sent() -> None:
    hand = Hand()
    assert isinstance(raises(cancel(PLAIN, task(), 30), hand), NotSupported)
    assert not hand.effects
