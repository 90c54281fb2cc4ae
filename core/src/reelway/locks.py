"""A lock that a forked process can take, whoever held it in the process that was forked."""

from __future__ import annotations

import os
from threading import Lock


class ForkSafeLock:
    """A lock of its own for each process.

    A fork copies a lock as it is, but of the threads only the one that forked: where another held the lock, nobody
    is left in the new process to let go of it.
    """

    def __init__(self) -> None:
        self._of_process: dict[int, Lock] = {}

    def __enter__(self) -> None:
        # One step, so that two threads of a new process cannot make a lock each.
        self._of_process.setdefault(os.getpid(), Lock()).acquire()

    def __exit__(self, *_: object) -> None:
        self._of_process[os.getpid()].release()
