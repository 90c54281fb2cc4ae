"""Several workers in processes of their own: work is split, nothing is asked twice at once, and nothing is lost."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
import pytest

from reelway import Client, Status, Task
from reelway.ledger.records import Query
from reelway.model.secret import Secret
from reelway.sandbox import Sandbox
from reelway_postgres import Address, PostgresLedger
from reelway_procrastinate import jobs_app
from tests.postgres_server import FAST, running

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a process cannot be killed at once there")

WORKER: Final = Path(__file__).with_name("worker.py")

PROVIDER: Final = "cometapi"
MODEL: Final = "seedance-2"

POLL_SECONDS: Final = 0.3
"""How long the sandbox takes for each answer: polls of one task that come closer were under way at once."""

SLOW: Final = f"A cat. [[retrieve/slow:{POLL_SECONDS}]]"

PATIENCE: Final = 40.0

RECOVERY: Final = 10.0
"""Seconds after which polls go on when the database is back."""


def worker_module() -> Any:
    spec = importlib.util.spec_from_file_location("reelway_test_worker", WORKER)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CHILD: Final = worker_module()


@contextmanager
def worker(sandbox: Sandbox, url: str, *more: str, shards: int = 2) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, str(WORKER), url, PROVIDER, sandbox.base_url(PROVIDER), str(shards), *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def created(sandbox: Sandbox, url: str, count: int) -> list[Task]:
    """Jobs that are paid for, and on record."""
    with Client(PROVIDER, api_key="k", base_url=sandbox.base_url(PROVIDER), ledger=url) as client:
        return [client.create(SLOW, model=MODEL) for _ in range(count)]


def until(happened: Callable[[], object]) -> None:
    """Wait for other processes."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline, "the other processes do not get there"
        time.sleep(0.02)


def has_seen(sandbox: Sandbox, polls: int) -> bool:
    return sandbox.ledger.polls >= polls


def ended(ledger: PostgresLedger) -> int:
    return len(ledger.entries(Query(statuses=frozenset({Status.SUCCEEDED}))))


def polls(sandbox: Sandbox) -> dict[str, list[datetime]]:
    """When each task was asked about, by the server's own book, which holds all of it."""
    found: dict[str, list[datetime]] = {}
    for call in sandbox.ledger.calls:
        if call.call == "retrieve":
            found.setdefault(call.task_id, []).append(call.at)
    assert sum(map(len, found.values())) == sandbox.ledger.polls
    return found


def assert_never_at_once(sandbox: Sandbox) -> None:
    """No poll of a task came before the one before it had its answer and the pause was over."""
    pairs = [pair for times in polls(sandbox).values() for pair in pairwise(times)]
    assert min((later - before).total_seconds() for before, later in pairs) >= POLL_SECONDS + CHILD.CADENCE


def test_two_processes_share_the_work_and_no_task_is_asked_about_twice_at_once(sandbox: Sandbox, url: str) -> None:
    tasks = created(sandbox, url, 16)
    with PostgresLedger(url) as ledger, ExitStack() as stack:
        both = [stack.enter_context(worker(sandbox, url)) for _ in range(2)]
        until(lambda: ended(ledger) == len(tasks))
        for process in both:
            process.kill()
        assert all(process.stdout and process.stdout.read() for process in both)
    assert_never_at_once(sandbox)
    # Whoever ends a job asks no more: each was asked about as often as it takes, and not once more.
    assert {sandbox.ledger.task(task.id).polls for task in tasks} == {4}


def test_what_a_killed_worker_held_is_polled_again_within_a_lease_and_a_second(sandbox: Sandbox, url: str) -> None:
    tasks = created(sandbox, url, 16)
    with PostgresLedger(url) as ledger, worker(sandbox, url) as dead, worker(sandbox, url):
        until(partial(has_seen, sandbox, 24))
        dead.kill()
        killed = datetime.now(UTC)
        open_then = {entry.task.ref.id for entry in ledger.entries(Query(unfinished=True)) if entry.task}
        # By then, whatever the other one had taken before is written.
        until(lambda: datetime.now(UTC) > killed + timedelta(seconds=POLL_SECONDS + 0.5))
        orphans = held_since_before(url, killed)
        until(lambda: ended(ledger) == len(tasks))
    assert orphans
    again = [min(at for at in times if at > killed) for task, times in polls(sandbox).items() if task in open_then]
    assert max(again) <= killed + timedelta(seconds=CHILD.LEASE + 1)
    assert_never_at_once(sandbox)


def held_since_before(url: str, moment: datetime) -> list[Any]:
    """The tasks of leases that were begun before a moment, and have not run out."""
    held = "select number from schedule where leased_until > now() and leased_until < %s"
    return asked(url, held, moment + timedelta(seconds=CHILD.LEASE))


def test_polls_go_on_soon_after_the_server_was_killed(sandbox: Sandbox) -> None:
    with running(*FAST) as server:
        tasks = created(sandbox, server.url(), 6)
        with worker(sandbox, server.url()) as process:
            until(partial(has_seen, sandbox, 6))
            server.stop(signal.SIGKILL)
            # What is under way has its answer, and nothing more is asked.
            until(partial(is_silent, sandbox))
            server.start()
            back, before = time.monotonic(), sandbox.ledger.polls
            until(partial(has_seen, sandbox, before + len(tasks)))
            assert time.monotonic() - back < RECOVERY
            with PostgresLedger(server.url()) as ledger:
                until(lambda: ended(ledger) == len(tasks))
            process.kill()
            said = process.stderr.read().decode() if process.stderr else ""
        assert "Traceback" not in said
        assert_never_at_once(sandbox)


def is_silent(sandbox: Sandbox, seconds: float = 1.0) -> bool:
    last = max(at for times in polls(sandbox).values() for at in times)
    return datetime.now(UTC) - last > timedelta(seconds=seconds)


def test_a_submit_whose_worker_dies_is_done_again_and_creates_once(sandbox: Sandbox, url: str) -> None:
    work = CHILD.work_at(url, PROVIDER, sandbox.base_url(PROVIDER))
    with worker(sandbox, url, "--dies") as dies, jobs_app(work).open() as app:
        until(partial(has_jobs, url, "sweep"))
        request = {"prompt": "A cat", "model": MODEL}
        app.configure_task("reelway:submit").defer(request=request, idempotency_key="order-17")
        assert dies.wait(PATIENCE) == -signal.SIGKILL
    assert sandbox.ledger.jobs == 1
    asked(url, "update procrastinate_workers set last_heartbeat = last_heartbeat - interval '31 s'")
    assert has_jobs(url, "submit")
    with worker(sandbox, url):
        until(lambda: not has_jobs(url, "submit"))
    with PostgresLedger(url) as ledger:
        [entry] = ledger.entries(Query())
    assert entry.submission
    assert (entry.submission.idempotency_key, entry.submission.state) == ("order-17", "accepted")
    assert (sandbox.ledger.creates, sandbox.ledger.jobs) == (1, 1)


def has_jobs(url: str, name: str) -> bool:
    """Whether Procrastinate has jobs of a kind that are not done."""
    counted = "select count(*) from procrastinate_jobs where task_name = %s and status in ('todo', 'doing')"
    [[there]] = asked(url, "select to_regclass('procrastinate_jobs') is not null")
    return bool(there and asked(url, counted, f"reelway:{name}") != [(0,)])


def asked(url: str, statement: LiteralString, *values: object) -> list[Any]:
    """What the database says, of the ledger or of Procrastinate."""
    with psycopg.connect(Address.of(Secret(url)).conninfo.reveal()) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []
