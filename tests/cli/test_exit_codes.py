from __future__ import annotations

import inspect

import pytest

from reelway import errors
from reelway.cli.exit_codes import CODES, MEANINGS, ExitCode, exit_code, first_problem
from reelway.errors import (
    ErrorKind,
    LinkExpired,
    ProviderError,
    ReelwayError,
    SubmissionRejected,
    TaskCancelled,
    TaskLost,
)
from tests.cli.command import reelway

ERRORS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, ReelwayError) and kind is not ReelwayError
]


@pytest.mark.parametrize("kind", ERRORS)
def test_every_error_has_a_row_or_a_parent_with_one(kind: type[ReelwayError]) -> None:
    assert set(kind.__mro__) & (set(CODES) - {ReelwayError})


@pytest.mark.parametrize("code", ExitCode)
def test_every_code_has_a_meaning_and_stands_in_the_help(code: ExitCode) -> None:
    assert f"{code.value}  {MEANINGS[code]}" in reelway("--help").out


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ProviderError("no", kind=ErrorKind.QUOTA), ExitCode.REFUSED),
        (SubmissionRejected("no", kind=ErrorKind.INVALID_REQUEST), ExitCode.REFUSED),
        (ProviderError("down", kind=ErrorKind.UNAVAILABLE), ExitCode.UNREACHABLE),
        (TaskLost("gone"), ExitCode.BAD_END),
        (TaskCancelled("stopped"), ExitCode.BAD_END),
        (LinkExpired("late"), ExitCode.DOWNLOAD),
    ],
)
def test_an_error_has_the_code_of_what_can_be_done_about_it(error: ReelwayError, code: ExitCode) -> None:
    assert exit_code(error) is code


def test_of_several_things_the_first_problem_decides() -> None:
    assert first_problem([ExitCode.OK, ExitCode.TIMEOUT, ExitCode.BAD_END]) is ExitCode.TIMEOUT
    assert first_problem([]) is ExitCode.OK
