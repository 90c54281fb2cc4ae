"""Several trackers on one file, and trackers that die: work is split, nothing is asked twice at once, all ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from reelway import Client, Status, Task
from reelway.ledger.records import Chore, Query
from reelway.ledger.sqlite import SqliteLedger
from reelway.sandbox import Pace, Sandbox
from tests.client.both import MODELS
from tests.tracker.child import LEASE

PROVIDER: Final = next(iter(MODELS))

POLL_SECONDS: Final = 0.3
"""How long the sandbox takes for each answer: polls of one task that come closer were under way at once."""

SLOW: Final = f"A cat. [[retrieve/slow:{POLL_SECONDS}]]"

ROOT: Final = Path(__file__).parents[2]

PATIENCE: Final = 60.0

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a process cannot be killed at once there")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(pace=Pace.POLLS, job_polls=6) as sandbox:
        yield sandbox


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


def test_two_processes_share_the_work_and_no_task_is_asked_about_twice_at_once(
    sandbox: Sandbox, path: Path
) -> None:
    tasks = created(sandbox, path, 30)
    with SqliteLedger(path) as ledger, ExitStack() as stack:
        both = [stack.enter_context(tracking(sandbox, path)) for _ in range(2)]
        until(lambda: ended(ledger) == 30)
        for process in both:
            process.kill()
        assert all(process.stdout and process.stdout.read() for process in both)
    assert_never_at_once(sandbox, tasks)
    # Whoever ends a job asks no more: each was asked about as often as it takes, and not once more.
    assert {sandbox.ledger.task(task.id).polls for task in tasks} == {6}


def test_trackers_that_are_killed_leave_nothing_behind_for_longer_than_a_lease(
    sandbox: Sandbox, path: Path
) -> None:
    tasks = created(sandbox, path, 8)
    with SqliteLedger(path) as ledger:
        for polls in (1, 5, 10, 16, 22):
            with tracking(sandbox, path) as process:
                until(partial(has_seen, sandbox, polls))
                process.kill()
        assert ended(ledger) < len(tasks)
        killed = time.monotonic()
        until(lambda: len(free(ledger, path)) == len(tasks) - ended(ledger))
        assert time.monotonic() - killed < LEASE + 1
        with tracking(sandbox, path):
            until(lambda: ended(ledger) == len(tasks))
        assert ledger.check() == []
    assert_never_at_once(sandbox, tasks)


def created(sandbox: Sandbox, path: Path, count: int, prompt: str = SLOW) -> list[Task]:
    """Jobs that are paid for, and on record as due at once."""
    url = sandbox.base_url(PROVIDER)
    with Client(PROVIDER, api_key="k", base_url=url) as client, SqliteLedger(path) as ledger:
        tasks = [client.create(prompt, model=MODELS[PROVIDER]) for _ in range(count)]
        for task in tasks:
            ledger.track(task)
    return tasks


def tracking(sandbox: Sandbox, path: Path) -> _Process:
    return _Process(str(path), PROVIDER, sandbox.base_url(PROVIDER))


class _Process:
    """A tracker that is killed in the end, unless the test has done so."""

    def __init__(self, *arguments: str) -> None:
        self._command = [sys.executable, "-m", "tests.tracker.child", *arguments]

    def __enter__(self) -> subprocess.Popen[bytes]:
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.PIPE)
        return self._process

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


def has_seen(sandbox: Sandbox, polls: int) -> bool:
    return sandbox.ledger.polls >= polls


def ended(ledger: SqliteLedger) -> int:
    return len(ledger.entries(Query(statuses=frozenset({Status.SUCCEEDED}))))


def free(ledger: SqliteLedger, path: Path) -> list[int]:
    """The open tasks that somebody could take, told by one who takes them and lets go of them."""
    claims = ledger.claim(1000, 0.0, {(PROVIDER, "default"): float("inf")}, [Chore.POLL])
    return [claim.entry.number for claim in claims]


def until(happened: Callable[[], bool]) -> None:
    """Wait for another process."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "the other process does not get there"
        time.sleep(0.02)


def assert_never_at_once(sandbox: Sandbox, tasks: list[Task]) -> None:
    """By the server's own book, no poll of a task came before the one before it had its answer."""
    polls: dict[str, list[datetime]] = {task.id: [] for task in tasks}
    for call in sandbox.ledger.calls:
        if call.call == "retrieve":
            polls[call.task_id].append(call.at)
    assert sum(map(len, polls.values())) == sandbox.ledger.polls
    gaps = [(later - before).total_seconds() for times in polls.values() for before, later in pairwise(times)]
    assert min(gaps) >= POLL_SECONDS
