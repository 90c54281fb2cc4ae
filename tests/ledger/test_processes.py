"""Several processes use one file: side by side, forked, and killed at any moment."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from reelway.ledger import sqlite_file
from reelway.ledger.sqlite import SqliteLedger
from reelway.testing.ledgers.kit import held
from tests.ledger import processes
from tests.ledger.processes import INCREMENTS, JOB, outcome, started

FORKS = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")


def test_two_processes_lose_no_change(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    with SqliteLedger(path) as ledger:
        ledger.track(JOB)
        both = [started(processes.increments, path) for _ in range(2)]
        assert [outcome(process) for process in both] == [(0, "")] * 2
        entry = held(ledger, JOB)
        assert entry.task is not None
        assert (entry.revision, entry.task.setbacks) == (1 + 2 * INCREMENTS, 2 * INCREMENTS)
        assert len(ledger.events(limit=10**6)) == 2 * INCREMENTS


@FORKS
@pytest.mark.parametrize(
    "play",
    [processes.openers, processes.forks, processes.memory_forks, processes.kills],
    ids=lambda one: one.__name__,
)
def test_nothing_is_lost_between_processes(play: Callable[[Path], None], tmp_path: Path) -> None:
    assert outcome(started(play, tmp_path / "jobs.db")) == (0, "")


def test_a_fork_that_python_did_not_make_is_seen_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with SqliteLedger(tmp_path / "jobs.db") as ledger:
        entry = ledger.track(JOB)
        inherited = ledger._file._database
        with monkeypatch.context() as patched:
            patched.setattr(os, "getpid", lambda: -1)
            assert ledger.find(JOB.ref) == entry
            assert ledger._file._database is not inherited
            assert sqlite_file._INHERITED[-1] is inherited
    # This test is in the process that it came from after all, and may close what it opened there.
    kept = sqlite_file._INHERITED.pop()
    assert isinstance(kept, sqlite3.Connection)
    kept.close()
