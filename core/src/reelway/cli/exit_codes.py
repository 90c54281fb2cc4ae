"""Which exit code stands for which error. Scripts rely on these numbers: they are added to, never changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Final

from reelway.errors import (
    CallbackRefused,
    ConfigurationError,
    DownloadError,
    ErrorKind,
    InvalidRequest,
    LedgerError,
    NotSupported,
    PluginError,
    ProviderError,
    ProviderUnreachable,
    ReelwayError,
    SubmissionUnknown,
    TaskFailed,
    WaitTimeout,
)


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    REFUSED = 3
    SUBMISSION_UNKNOWN = 4
    BAD_END = 5
    TIMEOUT = 6
    UNREACHABLE = 7
    DOWNLOAD = 8
    PLUGIN = 9
    LEDGER = 10
    INTERRUPTED = 130


MEANINGS: Final[Mapping[ExitCode, str]] = {
    ExitCode.OK: "all went well",
    ExitCode.UNEXPECTED: "a defect, or doctor, demo or conform found something broken",
    ExitCode.USAGE: "wrong usage, configuration or request; nothing was sent",
    ExitCode.REFUSED: "the provider refused, or answered with an error",
    ExitCode.SUBMISSION_UNKNOWN: "a task may have been created, and nobody knows",
    ExitCode.BAD_END: "the job failed, was cancelled, expired or was lost",
    ExitCode.TIMEOUT: "the wait ran out of time; the job goes on",
    ExitCode.UNREACHABLE: "the provider cannot be reached at present",
    ExitCode.DOWNLOAD: "the result could not be fetched whole",
    ExitCode.PLUGIN: "a plugin is broken",
    ExitCode.LEDGER: "the ledger cannot be opened, read or written, or is damaged",
    ExitCode.INTERRUPTED: "interrupted; the jobs go on",
}

CODES: Final[Mapping[type[ReelwayError], ExitCode]] = {
    ReelwayError: ExitCode.UNEXPECTED,
    ConfigurationError: ExitCode.USAGE,
    InvalidRequest: ExitCode.USAGE,
    NotSupported: ExitCode.USAGE,
    PluginError: ExitCode.PLUGIN,
    ProviderError: ExitCode.REFUSED,
    SubmissionUnknown: ExitCode.SUBMISSION_UNKNOWN,
    TaskFailed: ExitCode.BAD_END,
    WaitTimeout: ExitCode.TIMEOUT,
    ProviderUnreachable: ExitCode.UNREACHABLE,
    DownloadError: ExitCode.DOWNLOAD,
    CallbackRefused: ExitCode.REFUSED,
    LedgerError: ExitCode.LEDGER,
}
"""The code of each kind of error; a subclass without a row of its own has its parent's."""


def exit_code(error: ReelwayError) -> ExitCode:
    """The exit code that an error stands for."""
    # Whoever reads the code wants to know whether to try later, whichever call it was.
    if isinstance(error, ProviderError) and error.kind is ErrorKind.UNAVAILABLE:
        return ExitCode.UNREACHABLE
    return next(CODES[kind] for kind in type(error).__mro__ if kind in CODES)


def first_problem(codes: Iterable[ExitCode]) -> ExitCode:
    """The exit code of several things: that of the first that went wrong."""
    return next((code for code in codes if code), ExitCode.OK)


def as_help() -> str:
    """The table as the help shows it, a line for each code."""
    rows = (f"{code.value:>3}  {meaning}" for code, meaning in MEANINGS.items())
    return "\n".join(("Exit codes:", *rows))
