"""Processes that tests start, fork and kill: ``python -m tests.ledger.processes PLAY FILE``."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from reelway.ledger.sqlite import SqliteLedger
from reelway.model.submission import SubmissionState
from reelway.model.task import Task, TaskRef
from reelway.testing.ledgers.kit import NOW, further, held, new_attempt, new_task, progress, task_of
from tests.repository.source import ROOT

JOB: Final = Task.new(TaskRef("acme", "default", "", "job"), NOW)

INCREMENTS: Final = 200
KILLS: Final = 24
OPENERS: Final = 8


def started(play: Callable[[Path], None], path: Path) -> subprocess.Popen[str]:
    """A play, begun in a process of its own."""
    # Newer interpreters warn of forks in processes with threads, which is what is tried here.
    quiet = ("-W", "ignore::DeprecationWarning")
    command = [sys.executable, *quiet, "-m", "tests.ledger.processes", play.__name__, str(path)]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def outcome(process: subprocess.Popen[str]) -> tuple[int, str]:
    """How a process ended, and what it complained of."""
    _, complaint = process.communicate(timeout=300)
    return process.returncode, complaint


def forked(work: Callable[[], object]) -> int:
    """A child that does some work and ends."""
    child = os.fork()
    if child:
        return child
    signal.alarm(120)
    code = 1
    try:
        work()
        code = 0
    except Exception:  # noqa: BLE001 - nobody else would tell of it
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def assert_ended_well(child: int) -> None:
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, status


# --- plays ---


def increments(path: Path) -> None:
    """The one task of a file is changed so many times, whoever else changes it."""
    with SqliteLedger(path) as ledger:
        done = 0
        while done < INCREMENTS:
            done += sum(ledger.save([further(held(ledger, JOB))]))


def openers(path: Path) -> None:
    """Several processes open one new file in the same moment."""
    for number in range(6):
        file = path.with_name(f"{number}.db")
        ready, go = os.pipe()

        def open_and_write(file: Path = file, ready: int = ready, go: int = go) -> None:
            os.close(go)
            os.read(ready, 1)
            with SqliteLedger(file) as ledger:
                ledger.track(new_task())

        children = [forked(open_and_write) for _ in range(OPENERS)]
        os.close(ready)
        os.close(go)
        for child in children:
            assert_ended_well(child)
        with SqliteLedger(file) as ledger:
            assert len([line for line in ledger.export() if line["kind"] == "entry"]) == OPENERS
            assert ledger.check() == []


def forks(path: Path) -> None:
    """A process with busy threads is forked, and both go on, the parent for a shorter time."""
    ledger, stop = SqliteLedger(path), threading.Event()
    ledger.track(JOB)

    def move() -> None:
        ledger.save([further(held(ledger, JOB))])

    def be_busy() -> None:
        while not stop.is_set():
            move()

    threads = [threading.Thread(target=be_busy) for _ in range(3)]
    for thread in threads:
        thread.start()
    before = held(ledger, JOB).revision
    children = [forked(lambda: [ledger.track(new_task()) for _ in range(30)]) for _ in range(4)]
    while held(ledger, JOB).revision < before + 20:
        move()
    stop.set()
    for thread in threads:
        thread.join()
    revision = held(ledger, JOB).revision
    ledger.close()
    for child in children:
        assert_ended_well(child)
    with SqliteLedger(path) as again:
        assert held(again, JOB).revision == revision
        assert len([line for line in again.export() if line["kind"] == "entry"]) == 1 + 4 * 30
        assert again.check() == []


def memory_forks(path: Path) -> None:
    """What is in memory is copied by a fork; each process goes on with its own."""
    ledger = SqliteLedger()
    entry = ledger.track(JOB)

    def look_and_write() -> None:
        assert ledger.find(JOB.ref) == entry
        ledger.save([further(entry)])
        assert held(ledger, JOB).revision == 2

    assert_ended_well(forked(look_and_write))
    assert ledger.find(JOB.ref) == entry
    ledger.close()


def kills(path: Path) -> None:
    """Writers are killed at any moment; whatever they were told is written is there."""
    chance = random.Random(20260101)
    acknowledged = list[str]()
    for _ in range(KILLS):
        ear, mouth = os.pipe()
        child = forked(lambda mouth=mouth: write_and_tell(path, mouth))  # type: ignore[misc]
        os.close(mouth)
        heard = listen(ear, chance.randint(1, 40))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        heard += listen(ear, sys.maxsize)
        os.close(ear)
        # A line that was cut off was not told.
        acknowledged += heard.decode().split("\n")[:-1]
    with SqliteLedger(path) as ledger:
        for told in acknowledged:
            attempt, revision = told.split()
            entry = ledger.submission(attempt)
            assert entry is not None, f"{attempt} is lost"
            assert entry.revision >= int(revision), f"revision {revision} of {attempt} is lost"
        assert ledger.check() == []
        revisions = [event.revision for event in ledger.events(limit=10**6)]
        assert len(revisions) == sum(line["revision"] for line in ledger.export() if line["kind"] == "entry")
    assert len(acknowledged) > KILLS


def write_and_tell(path: Path, mouth: int) -> None:
    """Take attempts through their steps without end, and tell of each step that is on record."""
    with SqliteLedger(path) as ledger:
        while True:
            attempt, task = new_attempt(), new_task()

            def tell(revision: int, attempt: str = attempt.id) -> None:
                os.write(mouth, f"{attempt} {revision}\n".encode())

            ledger.begin(attempt)
            tell(0)
            ledger.note(replace(attempt, state=SubmissionState.SENDING), {SubmissionState.INTENT})
            entry = ledger.accept(attempt, task, (progress(task),), due_in=0)
            tell(1)
            assert task_of(entry) == task
            ledger.save([further(entry)])
            tell(2)


def listen(ear: int, lines: int) -> bytes:
    """So many lines and what came with them, or all that there is until the other side has ended."""
    heard = b""
    while heard.count(b"\n") < lines and (more := os.read(ear, 64)):
        heard += more
    return heard


PLAYS: Final = (increments, openers, forks, memory_forks, kills)

if __name__ == "__main__":
    dict(zip((play.__name__ for play in PLAYS), PLAYS, strict=True))[sys.argv[1]](Path(sys.argv[2]))
