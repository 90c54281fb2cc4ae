"""Measuring: rounds in alternation, medians, and child processes that are all started alike."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any, Final, TypeVar

from msgspec import Struct

Key = TypeVar("Key")
T = TypeVar("T")

ROOT: Final = Path(__file__).parents[2]

MIB: Final = 1024 * 1024


class Scale(Struct, frozen=True, kw_only=True):
    """How long to measure.

    Attributes:
        rounds: how often each contender has its turn.
        long_rounds: the same, where one turn takes seconds.
        readings: payloads read in one turn.
        polls: polls in one turn.
        seconds: how long many tasks are followed in one turn.
        starts: processes started for each thing that is started.
    """

    rounds: int
    long_rounds: int
    readings: int
    polls: int
    seconds: float
    starts: int


FULL: Final = Scale(rounds=7, long_rounds=5, readings=5000, polls=1500, seconds=3, starts=21)
QUICK: Final = Scale(rounds=2, long_rounds=1, readings=500, polls=300, seconds=1, starts=5)


def in_turns(measures: Mapping[Key, Callable[[], T]], rounds: int) -> dict[Key, list[T]]:
    """What each measure gives in each round: A B C, B C A, … so that a slow minute is everybody's.

    Each begins a round in its turn, because some leave work behind, such as pages that the disk has yet to take.
    """
    found: dict[Key, list[T]] = {key: [] for key in measures}
    keys = list(measures)
    for number in range(rounds):
        first = number % len(keys)
        for key in keys[first:] + keys[:first]:
            found[key].append(measures[key]())
    return found


def medians(measures: Mapping[Key, Callable[[], float]], rounds: int) -> dict[Key, float]:
    """The median of each measure over all rounds."""
    return {key: median(values) for key, values in in_turns(measures, rounds).items()}


def middle(measured: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each thing that several children measured."""
    return {name: median(one[name] for one in measured) for name in measured[0]}


def child(work: str, **arguments: Any) -> dict[str, float]:
    """Have a fresh process of this interpreter do a piece of work, and take what it measured."""
    command = [sys.executable, "-m", "tests.benchmarks.child", work, json.dumps(arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{work} {arguments} failed:\n{done.stderr}")
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def installed(library: str) -> bool:
    """Whether a distribution is there; peers are only in the session that compares with them."""
    return find_spec(library) is not None


@contextmanager
def loopback_server() -> Iterator[str]:
    """The address of a server that runs meanwhile."""
    command = [sys.executable, "-m", "tests.benchmarks.server"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.communicate()


def cpu_seconds() -> float:
    """User and system CPU of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_memory() -> int:
    """The most bytes that this process has held at once."""
    status = Path("/proc/self/status")
    if status.exists():
        # A child's `ru_maxrss` begins with its parent's on Linux.
        [line] = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
