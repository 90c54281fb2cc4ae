"""How a process is made to die at one moment of its work, by its own hand and without a chance to clean up."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from reelway.ledger.interface import Ledger
from reelway.ledger.sqlite_file import SqliteFile
from tests.faults.plan import Strike

LEDGER_STEPS = ("begin", "note", "accept", "save", "claim", "settle", "renew")
FILE_STEPS = ((os, "fsync"), (Path, "hardlink_to"), (Path, "unlink"), (Path, "replace"))


class Fate:
    """Counts what happens until the moment has come. To be bound before the process has threads."""

    def __init__(self, strike: Strike) -> None:
        self._place = strike.place
        self._left = strike.count

    def happened(self, place: str, times: int = 1) -> None:
        """Something happened, or so many bytes passed."""
        if place == self._place:
            self._left -= times
            if self._left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def bind(self, ledger: Ledger) -> None:
        """Watch this process and its ledger."""
        for step in LEDGER_STEPS:
            self._around(ledger, step)
        for owner, step in FILE_STEPS:
            self._around(owner, step)
        self._before_commits(ledger)
        self._over_the_wire()

    def _around(self, owner: Any, step: str) -> None:
        act = getattr(owner, step)

        @wraps(act)
        def struck(*arguments: Any, **options: Any) -> Any:
            self.happened(f"before {step}")
            result = act(*arguments, **options)
            self.happened(f"after {step}")
            return result

        setattr(owner, step, struck)

    def _before_commits(self, ledger: Ledger) -> None:
        file = getattr(ledger, "_file", None)
        if isinstance(file, SqliteFile):
            self._before_commits_of_a_file(file)
        else:
            self._before_commits_of_a_server(getattr(ledger, "_database"))  # noqa: B009 - a plugin's, not typed here

    def _before_commits_of_a_file(self, file: SqliteFile) -> None:
        writing = file.writing

        @contextmanager
        def struck() -> Iterator[Any]:
            with writing() as database:
                yield database
                self.happened("commit")

        setattr(file, "writing", struck)  # noqa: B010 - a method gives way to a function

    def _before_commits_of_a_server(self, database: Any) -> None:
        together = database.together

        def struck(work: Callable[[Any], Any]) -> Any:
            def worked(session: Any) -> Any:
                result = work(session)
                self.happened("commit")
                return result

            return together(worked)

        database.together = struck

    def _over_the_wire(self) -> None:
        for step in ("send", "sendall"):
            self._sending(step)
        for step in ("recv", "recv_into"):
            self._receiving(step)

    def _sending(self, step: str) -> None:
        act = getattr(socket.socket, step)

        def struck(line: socket.socket, data: Any, *flags: int) -> Any:
            if self._place == "sent" and line.family == socket.AF_INET and len(data) >= self._left:
                # Exactly so many bytes leave, and then nobody is there any more.
                act(line, memoryview(data)[: self._left], *flags)
                self.happened("sent", self._left)
            sent = act(line, data, *flags)
            if line.family == socket.AF_INET:
                self.happened("sent", len(data) if sent is None else sent)
            return sent

        setattr(socket.socket, step, struck)

    def _receiving(self, step: str) -> None:
        act = getattr(socket.socket, step)

        def struck(line: socket.socket, *arguments: Any) -> Any:
            received = act(line, *arguments)
            if line.family == socket.AF_INET:
                self.happened("received", received if isinstance(received, int) else len(received))
            return received

        setattr(socket.socket, step, struck)
