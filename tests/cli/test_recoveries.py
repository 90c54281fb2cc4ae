"""Nobody takes patience for a program that hangs: people are told what is tried again."""

from __future__ import annotations

import pytest

from reelway.cli.recoveries import Recoveries, trouble_of
from reelway.cli.screen import Screen
from reelway.flow.effects import Now, Sleep
from reelway.model.exchange import HttpExchange
from reelway.model.submission import Submission, SubmissionState
from reelway.testing.clock import START
from tests.cli.command import reelway
from tests.cli.test_tasks import created

QUICK = ("--poll-every", "0.1", "--timeout", "20")


def exchange(status: int | None = 200, reason: str | None = None, method: str = "GET") -> HttpExchange:
    return HttpExchange(
        provider="acme",
        account="default",
        method=method,
        path="v1/videos/1",
        status=status,
        seconds=0.1,
        phase="connecting",
        reason=reason,
    )


def attempt(state: SubmissionState, detail: str | None = None) -> Submission:
    return Submission(id="a", provider="acme", account="default", route="", at=START, state=state, detail=detail)


def told(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


REFUSED = exchange(None, "the connection was refused")


def test_polls_that_fail_are_told_once_and_that_they_are_answered_again(capsys: pytest.CaptureFixture[str]) -> None:
    recoveries = Recoveries(Screen(), polls=True)
    for one in (exchange(), REFUSED, exchange(503), REFUSED, exchange(404), exchange()):
        recoveries.reelway_http_exchange(one)
    assert told(capsys) == [
        "acme could not be asked: the connection was refused. It is asked again until the wait ends.",
        "acme answers again.",
    ]


def test_with_verbose_each_one_is_told_and_each_pause(capsys: pytest.CaptureFixture[str]) -> None:
    recoveries = Recoveries(Screen(verbose=True), polls=True)
    for one in (REFUSED, exchange(429)):
        recoveries.reelway_http_exchange(one)
    for effect in (Sleep(0.5), Now(), Sleep(12.3)):
        recoveries.effect(effect)
    said = told(capsys)
    assert [line.partition(": ")[2].partition(".")[0] for line in said[:2]] == [
        "the connection was refused",
        "HTTP 429",
    ]
    assert said[2:] == ["Waiting 12.3 seconds."]


def test_where_nothing_is_asked_again_and_of_creates_polls_tell_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    Recoveries(Screen(), polls=False).reelway_http_exchange(REFUSED)
    Recoveries(Screen(), polls=True).reelway_http_exchange(exchange(None, "refused", method="POST"))
    assert told(capsys) == []


def test_a_create_that_was_not_sent_is_told_once_for_all_its_attempts(capsys: pytest.CaptureFixture[str]) -> None:
    recoveries = Recoveries(Screen(), polls=False)
    intent, sending = SubmissionState.INTENT, SubmissionState.SENDING
    for one in (
        attempt(intent),
        attempt(sending),
        attempt(intent, "refused"),
        attempt(sending),
        attempt(intent, "x"),
    ):
        recoveries.submission(one)
    assert told(capsys) == ["acme took no create: refused. Trying again for up to 60 seconds; Ctrl-C ends it."]


@pytest.mark.parametrize(
    ("status", "trouble"), [(200, None), (404, None), (429, "HTTP 429"), (500, "HTTP 500"), (None, "refused")]
)
def test_an_answer_about_the_task_is_no_trouble(status: int | None, trouble: str | None) -> None:
    assert trouble_of(exchange(status, "refused" if status is None else None)) == trouble


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(("option", "times"), [((), 1), (("--verbose",), 2), (("--quiet",), 0), (("--json",), 0)])
def test_a_wait_tells_of_polls_that_failed(option: tuple[str, ...], times: int) -> None:
    ref = created("A cat [[retrieve/server-error:2]]")
    said = reelway("wait", ref, *QUICK, *option)
    assert said.code == 0
    assert said.err.count("could not be asked: HTTP 500") == times
