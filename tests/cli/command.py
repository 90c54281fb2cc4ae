"""How the tests give commands: in this process, and in one of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from typer.testing import CliRunner

from reelway.cli.app import app

# Not every system has terminals of this kind.
with suppress(ImportError):
    import pty

PATIENCE = 30.0
"""Seconds after which a process that has not done its part never will."""


class Outcome(NamedTuple):
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def records(self) -> list[dict[str, Any]]:
        """The lines of JSON on stdout."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def record(self) -> dict[str, Any]:
        """The only one of them."""
        [record] = self.records
        return record

    @property
    def error(self) -> dict[str, Any]:
        """The only error."""
        error: dict[str, Any] = self.record["error"]
        return error


def reelway(*arguments: str, stdin: bytes | None = None) -> Outcome:
    """A command in this process; a defect in it is raised."""
    result = CliRunner().invoke(app, arguments, input=stdin, catch_exceptions=False)
    return Outcome(result.exit_code, result.stdout, result.stderr)


def started(*arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "reelway.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **(environ or {})},
    )


def finished(process: subprocess.Popen[str]) -> Outcome:
    """How the process ended."""
    out, err = process.communicate(timeout=PATIENCE)
    return Outcome(process.returncode, out, err)


def at_a_terminal(*arguments: str) -> str:
    """What a person sees of a command."""
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "reelway.cli", *arguments]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environ) as process:
        os.close(theirs)
        shown = b"".join(_chunks(ours))
        process.wait(PATIENCE)
    os.close(ours)
    return shown.decode()


def _chunks(descriptor: int) -> Iterator[bytes]:
    # Where the last program leaves, some systems report an error in place of the end.
    with suppress(OSError):
        while chunk := os.read(descriptor, 65536):
            yield chunk


def python(code: str, environ: Mapping[str, str] | None = None) -> Outcome:
    """A Python program in a process of its own."""
    process = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **(environ or {})},
        timeout=PATIENCE,
        check=False,
    )
    return Outcome(process.returncode, process.stdout, process.stderr)


def until(happened: Callable[[], bool]) -> None:
    """Wait for another process."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "the other process does not get there"
        time.sleep(0.01)
