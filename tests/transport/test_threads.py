"""Whose turn it is among threads, and what the wait for it costs."""

from __future__ import annotations

import time
from math import inf
from typing import Any

import pytest

from reelway.flow.effects import Effect, Phase, Send, TransportError, Work
from reelway.model.http import HttpRequest
from reelway.transport.threads import Threads, Turn

POLL = Send(request=HttpRequest(method="GET", path="x"), timeout=60)
CREATE = Send(request=HttpRequest(method="POST", path="x"), timeout=60, fresh=True)
WORK: Work[None] = Work(lambda: None)


def itself(effect: Effect[Any]) -> Effect[Any]:
    """Carries out nothing, and tells what it was asked."""
    return effect


def test_a_poll_that_had_to_wait_has_the_time_that_is_left() -> None:
    turn = Turn(until=time.monotonic() + 5)
    turn.fulfil(itself, POLL)
    assert 0 < turn.result().timeout <= 5


def test_a_poll_that_did_not_wait_has_all_its_time() -> None:
    turn = Turn()
    turn.fulfil(itself, POLL)
    assert turn.result() is POLL


def in_vain(turn: Turn) -> bool:
    caught = turn.exception(5)
    return isinstance(caught, TransportError) and caught.phase is Phase.CONNECTING


def test_a_poll_whose_time_is_up_before_its_turn_is_not_sent() -> None:
    turn = Turn(until=time.monotonic())
    sent: list[Effect[Any]] = []
    turn.fulfil(sent.append, POLL)
    assert in_vain(turn)
    assert sent == []


def test_what_was_let_go_is_not_begun() -> None:
    turn = Turn(until=time.monotonic())
    sent: list[Effect[Any]] = []
    assert turn.waits()
    turn.expire()
    assert not turn.waits()
    turn.fulfil(sent.append, POLL)
    assert in_vain(turn)
    assert sent == []


@pytest.mark.parametrize("seconds", [60, inf])
def test_what_has_time_is_not_let_go(seconds: float) -> None:
    turn = Turn(time.monotonic() + seconds)
    turn.expire()
    assert turn.waits()
    turn.fulfil(itself, POLL)
    assert not turn.waits()
    turn.expire()
    assert isinstance(turn.result(), Send)


def test_only_a_poll_that_finds_every_thread_taken_is_let_go_when_its_time_is_up() -> None:
    threads = Threads(1)
    turns = [threads.submit(itself, effect) for effect in (POLL, POLL, CREATE, WORK)]
    assert [turn.until < inf for turn in turns] == [False, True, False, False]
    assert turns[0].result(5) is POLL
    assert turns[2].result(5) is CREATE
    assert turns[3].result(5) is WORK
    threads.close()
