"""What a child process measures: ``python -m tests.benchmarks.child <work> <arguments as JSON>``."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final
from urllib.parse import urlsplit

from tests.benchmarks.contenders import CONTENDERS, Contender
from tests.benchmarks.downloaders import DOWNLOADERS
from tests.benchmarks.ledgers import bare_turns, turns
from tests.benchmarks.measure import MIB, cpu_seconds, peak_memory
from tests.benchmarks.tracking import track

Measured = dict[str, float]

WARM_UP_POLLS: Final = 200
WARM_UP_SECONDS: Final = 2.0
WARM_UP_FILE: Final = 8 * MIB


def poll(name: str, url: str, polls: int) -> Measured:
    """CPU and time of one poll."""
    return asyncio.run(_poll(name, url, polls))


async def _poll(name: str, url: str, polls: int) -> Measured:
    contender = CONTENDERS[name](url)
    for _ in range(WARM_UP_POLLS):
        await contender.poll("task_1")
    cpu, begun = cpu_seconds(), time.perf_counter()
    for _ in range(polls):
        await contender.poll("task_1")
    return {"cpu": (cpu_seconds() - cpu) / polls, "seconds": (time.perf_counter() - begun) / polls}


def follow(name: str, url: str, tasks: int, at_once: int, seconds: float) -> Measured:
    """Requests a second, CPU of each, and the most memory held, while many tasks are followed."""
    return asyncio.run(_follow(CONTENDERS[name], url, at_once, tasks, seconds))


async def _follow(contender: type[Contender], url: str, at_once: int, tasks: int, seconds: float) -> Measured:
    task_ids = [f"task_{number}" for number in range(tasks)]
    following = asyncio.create_task(contender(url, at_once).follow(task_ids))
    await asyncio.wait([following], timeout=WARM_UP_SECONDS)
    before, cpu = await _polls_answered(url), cpu_seconds()
    await asyncio.wait([following], timeout=seconds)
    after, used = await _polls_answered(url), cpu_seconds() - cpu
    if following.done():
        following.result()
    polls = after["count"] - before["count"]
    rate = polls / (after["seconds"] - before["seconds"])
    return {"rate": rate, "cpu": used / max(polls, 1), "memory": peak_memory()}


async def _polls_answered(url: str) -> Measured:
    """The server's own count and time, so that a contender that hogs the loop does not spoil the figure."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    with closing(writer):
        writer.write(b"GET /0/count HTTP/1.1\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        counted: Measured = json.loads(await reader.readexactly(length))
    return counted


def download(name: str, url: str, size: int) -> Measured:
    """Time and CPU of a download, and how much memory it takes beyond that of a small one."""
    fetch = DOWNLOADERS[name].fetch
    with TemporaryDirectory() as folder:
        fetch(url, WARM_UP_FILE, Path(folder) / "small.mp4")
        memory, cpu, begun = peak_memory(), cpu_seconds(), time.perf_counter()
        fetch(url, size, Path(folder) / "large.mp4")
        seconds = time.perf_counter() - begun
        assert (Path(folder) / "large.mp4").stat().st_size == size
    return {"seconds": seconds, "cpu": cpu_seconds() - cpu, "growth": peak_memory() - memory}


WORKS: Final[Mapping[str, Callable[..., Measured]]] = {
    "poll": poll,
    "follow": follow,
    "download": download,
    "turns": turns,
    "bare_turns": bare_turns,
    "track": track,
}


def main(work: str, arguments: str) -> None:
    """Do the work and write what was measured as one line of JSON."""
    given: dict[str, Any] = json.loads(arguments)
    sys.stdout.write(json.dumps(WORKS[work](**given)) + "\n")
    sys.stdout.flush()
    # Thousands of requests may be under way; their ends are no part of anything.
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
