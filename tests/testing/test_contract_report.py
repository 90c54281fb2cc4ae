"""What becomes of a check, and what is told of all."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from reelway.errors import ConfigurationError, PluginError
from reelway.testing.contract.check import Check, Group, Level
from reelway.testing.contract.feature import Feature
from reelway.testing.contract.report import MOST, Outcome, Terms, hold, result_of
from reelway.testing.contract.subject import Missing, Subject
from tests.testing.reference.provider import Reference

made = Group("made")


@made.check()
def good(subject: Subject) -> Iterator[str]:
    """It costs nothing."""
    yield from ()


@made.check()
def bad(subject: Subject) -> Iterator[str]:
    """It costs
    a lot.
    """
    yield from (f"finding {number}" for number in range(1000))


@made.check(level=Level.SHOULD, since=2, needs=[Feature.CANCEL])
def advice_of_tomorrow(subject: Subject) -> Iterator[str]:
    """It would be better."""
    yield "it could be better"


GOOD, BAD, TOMORROW = made.checks


def subject(*cannot: str) -> Subject:
    return Subject(Reference(), cannot=cannot)


def outcome(check: Check, **terms: Any) -> Outcome:
    return result_of(check, subject(), Terms(**terms)).outcome


def test_a_check_is_named_like_its_function_and_says_why() -> None:
    assert (BAD.id, BAD.why, BAD.level, BAD.since) == ("made.bad", "It costs a lot.", Level.MUST, 1)
    assert TOMORROW.id == "made.advice-of-tomorrow"


def test_what_does_not_hold_has_failed() -> None:
    assert outcome(GOOD) is Outcome.PASSED
    assert outcome(BAD) is Outcome.FAILED


def test_what_should_hold_and_does_not_is_advice() -> None:
    assert outcome(replace(BAD, level=Level.SHOULD)) is Outcome.ADVICE


@pytest.mark.parametrize(("suite", "expected"), [(1, Outcome.UPCOMING), (2, Outcome.FAILED), (3, Outcome.FAILED)])
def test_a_newer_check_turns_red_when_the_provider_raises_its_number(suite: int, expected: Outcome) -> None:
    assert outcome(replace(BAD, since=2), suite=suite) is expected


def test_a_newer_check_that_holds_has_passed() -> None:
    assert outcome(replace(GOOD, since=2), suite=1) is Outcome.PASSED


def test_an_exempt_check_shows_what_it_found_and_why_that_is_right() -> None:
    result = result_of(BAD, subject(), Terms(exempt={"made.bad": "nobody sees it"}))
    assert (result.outcome, result.reason, result.findings[0]) == (Outcome.EXEMPT, "nobody sees it", "finding 0")


def test_an_exemption_that_is_not_needed_any_more_is_not_used() -> None:
    assert outcome(GOOD, exempt={"made.good": "nobody sees it"}) is Outcome.PASSED


def test_what_the_provider_cannot_do_does_not_concern_it() -> None:
    result = result_of(TOMORROW, subject("cancel"), Terms())
    assert (result.outcome, result.reason) == (Outcome.NOT_APPLICABLE, "the provider cannot: cancel")


def test_the_first_findings_are_enough() -> None:
    assert len(result_of(BAD, subject(), Terms()).findings) == MOST


def raising(error: BaseException) -> Check:
    def examine(subject: Subject) -> Iterator[str]:
        yield "something"
        raise error

    return replace(GOOD, examine=examine)


def wrapped(cause: Exception) -> PluginError:
    error = PluginError("The plugin failed.")
    error.__cause__ = cause
    return error


RAISED = {
    "nothing to look at": (Missing("no sample shows a link"), "no sample shows a link"),
    "a plugin's own failure": (wrapped(KeyError("id")), "it broke down with KeyError: 'id'"),
    "anything": (RuntimeError("two\n lines"), "it broke down with RuntimeError: two lines"),
    "the end of the program": (SystemExit("enough"), "it broke down with SystemExit: enough"),
}


@pytest.mark.parametrize(("error", "finding"), RAISED.values(), ids=RAISED)
def test_what_a_provider_raises_is_a_finding(error: BaseException, finding: str) -> None:
    assert result_of(raising(error), subject(), Terms()).findings == ("something", finding)


def test_the_library_does_not_warn_of_what_checks_provoke(caplog: pytest.LogCaptureFixture) -> None:
    def examine(subject: Subject) -> Iterator[str]:
        logging.getLogger("reelway").warning("unknown status word")
        yield from ()

    result_of(replace(GOOD, examine=examine), subject(), Terms())
    assert caplog.messages == []
    logging.getLogger("reelway").warning("heard again")
    assert caplog.messages == ["heard again"]


def test_a_report_tells_all() -> None:
    seen: list[str] = []
    report = hold(subject(), [GOOD, BAD], Terms(), lambda result: seen.append(result.check.id))
    document = report.document()
    assert seen == ["made.good", "made.bad"]
    assert not report.conforms
    assert (document["provider"], document["conforms"], document["written_for"]) == ("reference", False, 1)
    assert document["counts"] == {
        "passed": 1,
        "failed": 1,
        "advice": 0,
        "upcoming": 0,
        "exempt": 0,
        "not applicable": 0,
    }
    first = dict(document["checks"][0])
    assert first.pop("seconds") >= 0
    assert first == {
        "id": "made.good",
        "level": "must",
        "since": 1,
        "why": "It costs nothing.",
        "outcome": "passed",
        "findings": [],
        "reason": None,
    }


def test_a_provider_conforms_where_nothing_failed() -> None:
    assert hold(subject(), [GOOD, replace(BAD, level=Level.SHOULD)], Terms()).conforms


def test_terms_that_mean_nothing_are_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigurationError, match=r"no check 'made\.up'"):
        hold(subject(), [raising(RuntimeError())], Terms(exempt={"made.up": "why not"}))
