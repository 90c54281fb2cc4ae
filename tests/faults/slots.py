"""A place for one process at a time, which is forked from one that has loaded everything."""

from __future__ import annotations

import signal
import subprocess
import sys
from types import TracebackType
from typing import Final, Self

import msgspec
from msgspec import Struct

from tests.faults.plan import Order
from tests.faults.worker import Setting
from tests.repository.source import ROOT

KILLED: Final = -signal.SIGKILL


class Ended(Struct, frozen=True):
    """How a process ended, and what it had told."""

    code: int
    told: list[str]


class Slot:
    """A context manager; within, it carries out orders one after the other."""

    def __init__(self, setting: Setting) -> None:
        self._command = [sys.executable, "-m", "tests.faults.child", msgspec.json.encode(setting).decode()]

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdin=pipe, stdout=pipe)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def carry_out(self, order: Order) -> Ended:
        """Have a process work, and wait until it has ended."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(msgspec.json.encode(order) + b"\n")
        self._process.stdin.flush()
        return msgspec.json.decode(self._process.stdout.readline(), type=Ended)
