"""What goes wrong on the way: it ends no task, slows no other account, and is tried again ever more seldom."""

from __future__ import annotations

import logging
from collections.abc import Callable
from math import inf

import pytest

from reelway import Status
from reelway.flow.effects import Phase, TransportError
from reelway.ledger.records import Chore
from reelway.tracker.circuit import LONGEST_PAUSE, Circuit
from tests.acme import PAGE, refused, said
from tests.tracker.desk import Desk, running


def broken() -> TransportError:
    return TransportError(Phase.RECEIVING, "the connection was reset")


def test_a_task_in_trouble_is_asked_about_ever_more_seldom_and_goes_on() -> None:
    with Desk() as desk:
        desk.open("task-1", "task-2")
        desk.answers["task-1"] = [broken(), PAGE, refused(502), *running(1)]
        desk.answers["task-2"] = running(20, "task-2")
        desk.follow(300)
        assert desk.status("task-1") is Status.SUCCEEDED
    assert desk.gaps("task-1") == pytest.approx([20, 40, 60, 10])


def test_no_number_of_failures_ends_a_task() -> None:
    with Desk() as desk:
        desk.open("task-1")
        desk.answers["task-1"] = [broken() for _ in range(40)]
        desk.follow(40_000)
        assert desk.status("task-1") is Status.SUCCEEDED
    assert len(desk.asked["task-1"]) == 41


@pytest.mark.parametrize("status", [429, 503])
def test_a_wish_to_be_left_alone_holds_for_the_whole_account(status: int) -> None:
    with Desk(names=("default", "other")) as desk:
        desk.open("task-1", "task-2")
        desk.open("elsewhere", account="other")
        desk.answers["task-1"] = [refused(status, retry_after="90")]
        desk.answers["task-2"] = running(3, "task-2")
        desk.answers["elsewhere"] = running(6, "elsewhere")
        desk.follow(1000)
    assert desk.asked["task-1"] == [0, 90]
    assert desk.asked["task-2"][:2] == [0, 90]
    assert desk.asked["elsewhere"][1] == 10


def test_nobody_waits_longer_than_five_minutes_for_a_provider_s_wish() -> None:
    with Desk() as desk:
        desk.open("task-1")
        desk.answers["task-1"] = [refused(503, retry_after="86400")]
        desk.follow(1000)
    assert desk.asked["task-1"] == [0, 300]


def test_a_wake_up_does_not_go_against_the_provider_s_wish() -> None:
    with Desk() as desk:
        [entry] = desk.open("task-1")
        desk.answers["task-1"] = [refused(502, retry_after="90")]
        desk.sweep()
        desk.run(desk.tracker.refresh([entry.task] if entry.task else []))
        desk.follow(200)
    assert desk.asked["task-1"] == [0, 90]


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_pauses_the_account_and_one_poll_tries_again(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    with Desk(names=("default", "other")) as desk:
        names = [f"task-{number}" for number in range(20)]
        desk.open(*names)
        desk.open("elsewhere", account="other")
        desk.usual = lambda name: said("running", name) if name == "elsewhere" else refused(status)
        desk.follow(100)
    tries = [time for name, times in desk.asked.items() if name != "elsewhere" for time in times]
    assert sorted(tries) == pytest.approx([0, 10, 30, 70])
    assert len(desk.asked["elsewhere"]) == 7
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "Acme (account 'default') is in trouble" in caplog.text


def test_ten_failures_in_a_row_pause_the_account_whoever_s_they_are() -> None:
    with Desk() as desk:
        names = [f"task-{number}" for number in range(10)]
        desk.open(*names)
        desk.usual = lambda name: refused(500)
        desk.follow(25)
        assert len(desk.polls) == 11
        desk.usual = lambda name: said("succeeded", name)
        desk.follow(300)
        assert {desk.status(name) for name in names} == {Status.SUCCEEDED}


def test_an_account_that_answers_again_is_said_to(caplog: pytest.LogCaptureFixture) -> None:
    with Desk() as desk:
        desk.open("task-1")
        desk.answers["task-1"] = [refused(401), *running(1)]
        desk.follow(1000)
    assert caplog.messages[-1] == "Acme (account 'default') answers again."


def test_a_failing_task_among_good_ones_pauses_nobody_but_itself(caplog: pytest.LogCaptureFixture) -> None:
    with Desk() as desk:
        desk.open("bad", "good")
        desk.answers["bad"] = [PAGE] * 30
        desk.answers["good"] = running(200, "good")
        desk.follow(2000)
    assert max(desk.gaps("good")) == pytest.approx(20)
    assert max(desk.gaps("bad")) == pytest.approx(60)
    [warning] = caplog.messages
    assert "The last 10 polls" in warning


def test_a_defect_is_told_and_forgets_no_task(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fall(*_: object) -> None:
        raise LookupError("a defect")

    with Desk() as desk:
        desk.open("task-1")
        with monkeypatch.context() as patch:
            patch.setattr("reelway.tracker.polling.look", fall)
            desk.sweep()
        desk.follow(100)
        assert desk.status("task-1") is Status.SUCCEEDED
    assert "A poll of reelway1:acme:default::task-1 failed" in caplog.text


def test_a_circuit_opens_for_a_pause_that_doubles_up_to_five_minutes() -> None:
    circuit, now, pauses = Circuit(), 0.0, []
    for _ in range(8):
        pause = circuit.failed(now, now, hopeless=True)
        pauses.append(pause)
        assert circuit.open_at(now + pause - 0.1)
        now += pause
        assert not circuit.open_at(now)
    assert pauses == [10, 20, 40, 80, 160, 300, 300, 300]
    assert circuit.succeeded()
    assert circuit.failed(now, now, hopeless=True) == 10
    assert max(pauses) == LONGEST_PAUSE


@pytest.mark.parametrize("begun", [0.0, 9.0])
def test_what_was_under_way_when_a_circuit_opened_opens_it_no_further(begun: float) -> None:
    circuit = Circuit()
    assert circuit.failed(0, 0, hopeless=True) == 10
    assert circuit.failed(begun, 15, hopeless=True) == 0
    assert circuit.failed(10, 15, hopeless=True) == 20


def test_success_in_between_keeps_a_circuit_closed() -> None:
    circuit = Circuit()
    outcomes: list[Callable[[], object]] = [lambda: circuit.failed(0, 0, hopeless=False)] * 9
    for _ in range(5):
        assert not any(outcome() for outcome in outcomes)
        assert not circuit.succeeded()
    assert circuit.closed


@pytest.mark.parametrize(("waited", "asked"), [(14.9, {"task-1": [0]}), (15.1, {})])
def test_a_provider_is_asked_only_where_it_has_time_to_answer(waited: float, asked: dict[str, list[float]]) -> None:
    with Desk() as desk:
        desk.open("task-1")
        [claim] = desk.ledger.claim(1, 30.0, {("acme", "default"): inf}, [Chore.POLL])
        [lanes] = desk.tracker._rounds._lanes
        turn = desk.run(lanes.work.turn(claim, desk.clock.monotonic() - waited))
        assert (turn.failures, dict(desk.asked)) == (0, asked)
