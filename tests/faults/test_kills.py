"""Processes and servers are killed at any moment: nothing that was paid for is lost, and nothing is paid twice."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from secrets import randbelow
from typing import Final

import pytest

from reelway.ledger.interface import Ledger
from reelway.ledger.sqlite import SqliteLedger
from reelway_postgres import PostgresLedger
from tests.faults.plan import Kind, plan
from tests.faults.verdict import AT_ANY_MOMENT, broken
from tests.faults.world import World
from tests.postgres_server import Server, running

NIGHTLY: Final = os.environ.get("HYPOTHESIS_PROFILE") == "nightly"

FILE_KILLS, CLIENT_KILLS, SERVER_KILLS = (300, 100, 20) if NIGHTLY else (12, 4, 1)
"""Of processes on one SQLite file, of clients of a PostgreSQL server, and of that server."""

SEED: Final = int(os.environ.get("REELWAY_FAULTS_SEED") or (randbelow(10**6) if NIGHTLY else 2))
"""Every day the same; at night another one, unless it is named."""

AT_ONCE: Final = 3 if NIGHTLY else 2
"""Processes."""

JOB_POLLS: Final = 3 if NIGHTLY else 1
"""With which poll a job has ended; where few die, there is something to download soon."""

LULL: Final = (0.2, 1.5)
"""Seconds that a server lives, at least and at most."""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks, and no SIGKILL")


def test_processes_on_one_file_are_killed(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    with SqliteLedger(path) as ledger, world(ledger, f"sqlite:{path}", tmp_path) as broken_world:
        broken_world.kill(plan(SEED), FILE_KILLS, at_once=AT_ONCE)
        assert_nothing_is_lost(broken_world)
        assert not NIGHTLY or min(broken_world.deaths[kind] for kind in Kind) > FILE_KILLS / 20


def test_clients_of_a_server_are_killed(server: Server, tmp_path: Path) -> None:
    url = server.url(schema="clients")
    with PostgresLedger(url) as ledger, world(ledger, url, tmp_path) as broken_world:
        broken_world.kill(plan(SEED), CLIENT_KILLS, at_once=AT_ONCE)
        assert_nothing_is_lost(broken_world)


def test_a_server_is_killed_under_its_clients(server: Server, tmp_path: Path) -> None:
    url = server.url(schema="server")
    with PostgresLedger(url) as ledger, world(ledger, url, tmp_path) as broken_world:
        kill_server(server, broken_world)
        assert_nothing_is_lost(broken_world)
        assert not NIGHTLY or broken_world.troubles["LedgerError"], "nobody noticed"


@pytest.mark.parametrize("deadly", [True, False])
def test_a_seed_is_a_plan(deadly: bool) -> None:
    first, second, other = (plan(seed, deadly=deadly) for seed in (SEED, SEED, SEED + 1))
    orders = [next(first) for _ in range(100)]
    assert orders == [next(second) for _ in range(100)]
    assert orders != [next(other) for _ in range(100)]


def kill_server(server: Server, broken_world: World) -> None:
    """While processes work that nobody kills."""
    chance, over = Random(SEED), threading.Event()
    with ThreadPoolExecutor(1) as thread:
        working = thread.submit(broken_world.work, plan(SEED, deadly=False), over.is_set, at_once=AT_ONCE)
        try:
            for _ in range(SERVER_KILLS):
                broken_world.await_line()
                # Nobody is waited for: this is the moment of the death.
                time.sleep(chance.uniform(*LULL))
                server.stop(signal.SIGKILL)
                server.start()
            broken_world.await_line()
        finally:
            over.set()
        working.result()


def assert_nothing_is_lost(broken_world: World) -> None:
    assert broken(broken_world.evidence(), AT_ANY_MOMENT) == {}, SEED
    broken_world.recover()
    seen = broken_world.evidence()
    story = {
        "seed": SEED,
        "killed": {kind.value: broken_world.deaths[kind] for kind in Kind},
        "jobs": len(seen.jobs),
        "acknowledged": len(seen.told),
        "in doubt": len(seen.in_doubt),
        "in doubt and made": len(seen.jobs.keys() - seen.known.keys()),
        "trouble": dict(broken_world.troubles),
    }
    sys.stdout.write(f"{story}\n")
    assert seen.jobs
    assert broken(seen) == {}, story


@contextmanager
def world(ledger: Ledger, url: str, folder: Path) -> Iterator[World]:
    results = folder / "videos"
    results.mkdir()
    with World(ledger, url, results, job_polls=JOB_POLLS) as made:
        yield made


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server that syncs what it writes, as it is delivered."""
    with running() as server:
        yield server
