"""`reelway serve` receives callbacks for the tasks of a ledger until it is told to stop."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import repeat
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from reelway.ledger.sqlite import SqliteLedger
from reelway.server.serving import listen
from tests.cli.command import Outcome, finished, python, reelway, started
from tests.server.caller import BODY, Job, job_in
from tests.server.serving import HOST, exchange, post_head
from tests.server.test_on_the_wire import chunked

MIB = 1024 * 1024


class Service(NamedTuple):
    """A running command, and the job of its ledger."""

    process: subprocess.Popen[str]
    port: int
    path: str
    job: Job

    def post(self, pieces: Iterable[bytes], *headers: str) -> int:
        return exchange(self.port, post_head(f"{self.path}{self.job.path}", *headers), pieces)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> Outcome:
        self.process.send_signal(how)
        return finished(self.process)


@contextmanager
def service(ledger: SqliteLedger, file: Path, *options: str) -> Iterator[Service]:
    job = job_in(ledger)
    process = started("serve", "--ledger", f"sqlite:{file}", "--port", "0", *options)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = urlsplit(next(word for word in line.replace('"', " ").split() if word.startswith("http")))
        assert address.port is not None
        yield Service(process, address.port, address.path.rstrip("/"), job)
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


@pytest.fixture
def ledger(file: Path) -> Iterator[SqliteLedger]:
    with SqliteLedger(file) as ledger:
        yield ledger


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_keeps_callbacks_until_it_is_stopped(ledger: SqliteLedger, file: Path, how: signal.Signals) -> None:
    with service(ledger, file) as running:
        assert running.path == "/callbacks"
        assert running.post([BODY], f"Content-Length: {len(BODY)}") == 202
        said = running.stop(how)
    assert [kept.body for kept in ledger.callbacks(running.job.number)] == [BODY]
    assert said.code == 0
    assert '"POST /callbacks/*** HTTP/1.1" 202 Accepted' in said.err
    assert running.job.token not in said.out + said.err


def test_it_tells_programs_where_it_is(ledger: SqliteLedger, file: Path) -> None:
    with service(ledger, file, "--json", "--quiet", "--path", "hooks/") as running:
        assert running.path == "/hooks"
        assert running.post([BODY], f"Content-Length: {len(BODY)}") == 202
        assert running.stop() == Outcome(0, "", "")


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="this system does not tell the memory of a process"
)
def test_a_hundred_mebibytes_take_no_memory(ledger: SqliteLedger, file: Path) -> None:
    with service(ledger, file) as running:
        before = most_memory(running.process.pid)
        for _ in range(3):
            assert running.post(chunked(repeat(b"x" * MIB, 100)), "Transfer-Encoding: chunked") == 413
            assert running.post(repeat(b"x" * MIB, 100), f"Content-Length: {100 * MIB}") == 413
        assert most_memory(running.process.pid) - before <= 24 * MIB


def most_memory(process: int) -> int:
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


def test_a_port_that_is_taken_is_wrong_use(file: Path) -> None:
    with listen(HOST, 0) as taken:
        said = reelway("serve", "--ledger", f"sqlite:{file}", "--port", str(taken.getsockname()[1]))
    assert said.code == 2
    assert "Nobody can listen" in said.err


def test_without_its_library_it_says_how_to_get_it() -> None:
    ended = python(
        "import sys; sys.modules['uvicorn'] = None; sys.argv[1:] = ['serve', '--ledger', 'memory:']\n"
        "import reelway.cli as c; c.main()"
    )
    assert ended.code == 2
    assert 'python -m pip install "reelway[server]"' in ended.err
