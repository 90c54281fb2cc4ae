"""Several processes work on one ledger: no task is two workers' at once, and what a dead one held comes back."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from math import inf
from secrets import token_hex

import pytest

from reelway import LedgerError
from reelway.ledger.records import Chore, Query, Settled, Settlement
from reelway.model.submission import Submission
from reelway.model.task import Task, TaskRef
from reelway_postgres import PostgresLedger
from tests.postgres_server import Server, running

ACCOUNT = ("acme", "main")

WORKER = """
import json, sys
from math import inf
from reelway.ledger.records import Chore, Settlement
from reelway_postgres import PostgresLedger

url, rounds, lease, end = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
with PostgresLedger(url) as ledger:
    for _ in range(rounds):
        claims = ledger.claim(7, lease, {("acme", "main"): inf}, [Chore.POLL])
        print(json.dumps([(claim.entry.number, claim.lease) for claim in claims]), flush=True)
        if end == "settle":
            ledger.settle([Settlement(claim=claim, again=0) for claim in claims])
    if end == "hang":
        sys.stdin.read()
"""


def tracked(ledger: PostgresLedger, count: int) -> set[int]:
    tasks = (Task.new(TaskRef(*ACCOUNT, "", f"task-{number}"), datetime.now(UTC)) for number in range(count))
    return {ledger.track(task).number for task in tasks}


@contextmanager
def worker(url: str, *, rounds: int, end: str, lease: float = 600) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", WORKER, url, str(rounds), str(lease), end]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def claimed(process: subprocess.Popen[str], rounds: int) -> list[tuple[int, int]]:
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(rounds)]
    return [(number, lease) for line in lines for number, lease in json.loads(line)]


def test_two_workers_never_hold_the_same_task(ledger: PostgresLedger, url: str) -> None:
    numbers = tracked(ledger, 100)
    with worker(url, rounds=8, end="hang") as one, worker(url, rounds=8, end="hang") as other:
        held = claimed(one, 8) + claimed(other, 8)
    assert Counter(number for number, _ in held) == Counter(numbers)


def test_no_turn_of_a_task_is_given_twice(ledger: PostgresLedger, url: str) -> None:
    tracked(ledger, 20)
    with worker(url, rounds=40, end="settle") as one, worker(url, rounds=40, end="settle") as other:
        turns = claimed(one, 40) + claimed(other, 40)
    assert len(turns) > 80
    assert max(Counter(turns).values()) == 1


def test_what_a_killed_worker_held_comes_back_and_nothing_else(ledger: PostgresLedger, url: str) -> None:
    numbers = tracked(ledger, 14)
    with worker(url, rounds=1, end="hang", lease=60) as dead, worker(url, rounds=1, end="hang") as alive:
        lost = {number for number, _ in claimed(dead, 1)}
        kept = {number for number, _ in claimed(alive, 1)}
        dead.send_signal(signal.SIGKILL)
        dead.wait()
        assert lost | kept == numbers
        assert ledger.claim(20, 60, {ACCOUNT: inf}, [Chore.POLL]) == []
        ledger._database.rows("update our.schedule set leased_until = leased_until - interval '61 seconds'")
        assert {claim.entry.number for claim in ledger.claim(20, 60, {ACCOUNT: inf}, [Chore.POLL])} == lost


def test_a_server_whose_clock_is_set_ahead_frees_tasks_early_and_lets_one_worker_write(
    ledger: PostgresLedger,
) -> None:
    tracked(ledger, 1)
    [early] = ledger.claim(1, 600, {ACCOUNT: inf}, [Chore.POLL])
    # What the server's clock shows afterwards is a day later, so all that was written is a day older.
    ledger._database.rows(
        "update our.schedule set due = due - interval '1 day', leased_until = leased_until - interval '1 day'"
    )
    [late] = ledger.claim(1, 600, {ACCOUNT: inf}, [Chore.POLL])
    settled = ledger.settle([Settlement(claim=claim, again=0) for claim in (early, late)])
    assert settled == [Settled.LATE, Settled.DONE]


def test_a_pace_holds_for_all_workers_together(ledger: PostgresLedger, url: str) -> None:
    tracked(ledger, 100)
    with PostgresLedger(url) as other, ThreadPoolExecutor(8) as threads:
        begun = datetime.now(UTC)
        sides = [ledger, other] * 10
        taken = threads.map(lambda side: len(side.claim(50, 600, {ACCOUNT: 5.0}, [Chore.POLL])), sides)
        count = sum(taken)
        seconds = (datetime.now(UTC) - begun).total_seconds()
    assert 5 <= count <= 5 + 5 * seconds + 1


def test_no_event_appears_behind_one_that_was_read(ledger: PostgresLedger) -> None:
    attempts = [new_attempt() for _ in range(2)]
    with ledger._database._connections.lent() as writer, ThreadPoolExecutor(2) as threads:
        # A writer that has a position already, and has not yet committed.
        writer.execute(f"begin; select pg_advisory_xact_lock_shared(hashtextextended('{place(ledger)}events', 0))")
        waiting = threads.submit(ledger.events)
        while not locks_waited_for(ledger):
            pass
        assert not waiting.done()
        writer.execute("commit")
        assert waiting.result() == []
    assert all(ledger.begin(attempt) is None for attempt in attempts)


def place(ledger: PostgresLedger) -> str:
    return ledger._database._placed("our.").decode()


def locks_waited_for(ledger: PostgresLedger) -> int:
    [count] = ledger._database.one("select count(*) from pg_locks where locktype = 'advisory' and not granted")
    return int(count)


def new_attempt() -> Submission:
    return Submission(id=token_hex(16), provider="acme", account="main", route="", at=datetime.now(UTC))


@pytest.fixture(scope="module")
def lasting() -> Iterator[Server]:
    """A server that syncs what it writes, as it is delivered."""
    with running() as server:
        yield server


def test_whatever_was_acknowledged_outlives_ten_hard_kills(lasting: Server) -> None:
    acknowledged: set[str] = set()
    with PostgresLedger(lasting.url(), patience=0) as ledger:
        for how in [signal.SIGKILL, signal.SIGQUIT] * 5:
            written = threading.Semaphore(0)
            with ThreadPoolExecutor(3) as threads:
                writers = [threads.submit(write, ledger, acknowledged, written) for _ in range(3)]
                for _ in range(20):
                    assert written.acquire(timeout=60)
                lasting.stop(how)
                for writer in writers:
                    writer.result()
            lasting.start()
            kept = {entry.submission.id for entry in ledger.entries(Query(limit=10**6)) if entry.submission}
            assert acknowledged <= kept
    assert len(acknowledged) >= 200


def write(ledger: PostgresLedger, acknowledged: set[str], written: threading.Semaphore) -> None:
    """Put attempts on record until the server dies."""
    while True:
        attempt = new_attempt()
        try:
            ledger.begin(attempt)
        except LedgerError:
            return
        acknowledged.add(attempt.id)
        written.release()
