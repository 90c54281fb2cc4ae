"""Whenever a process is killed, a bucket holds whole videos only, and the next process finishes what it left."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from reelway.storing.bucket import PART
from reelway.storing.manifest import Manifest
from tests.client.counting import ID
from tests.client.shelf import Shelf, answer, asked_from, video
from tests.storing.s3 import LocalS3
from tests.transport.rogue import Visit

VIDEO: Final = video(2 * PART + 4_321)
TO: Final = "s3://videos/films/{id}.mp4"
KEY: Final = f"films/{ID}.mp4"

OFFSETS: Final = sorted(random.Random(7).sample(range(1, len(VIDEO)), 4))
"""Bytes of the download after which the process dies."""

MOMENTS: Final = [
    f"{when} {name}"
    for name in ("begin", "part 1", "part 3", "complete", "put manifest")
    for when in ("before", "after")
]
"""Requests of the upload at which the process dies: before the store has done anything about them, or after."""

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there is no kill -9")


class Process:
    """A process that downloads, and can be killed from the threads of the servers it talks to."""

    def __init__(self) -> None:
        self.killed = False
        self._running: subprocess.Popen[str] | None = None

    def run(self, api: str, *places: str) -> tuple[int, str]:
        program = [sys.executable, "-m", "tests.storing.child", api, *(places or (TO,))]
        with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as self._running:
            said, complained = self._running.communicate(timeout=120)
        assert self.killed or not complained, complained
        return self._running.returncode, said

    def kill(self) -> None:
        self.killed = True
        assert self._running is not None
        self._running.kill()
        self._running.wait()


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with Shelf(deliver) as shelf:
        yield shelf


def deliver(visit: Visit, request: bytes) -> None:
    visit.say(answer(request, VIDEO))


def dying_at(offset: int, process: Process) -> Callable[[Visit, bytes], None]:
    """Deliver up to a byte of the file; then the process that reads it is no more."""

    def deliver(visit: Visit, request: bytes) -> None:
        head, _, body = answer(request, VIDEO).partition(b"\r\n\r\n")
        visit.say(head + b"\r\n\r\n" + body[: offset - (asked_from(request) or 0)])
        process.kill()

    return deliver


def assert_nothing_half(s3: LocalS3) -> None:
    """The bucket shows whole videos only, and manifests only beside them."""
    assert s3.objects.get(KEY) in {None, VIDEO}
    if f"{KEY}.json" in s3.objects:
        assert s3.objects[KEY] == VIDEO


def assert_finished(s3: LocalS3, spool: Path) -> None:
    assert s3.objects.keys() == {KEY, f"{KEY}.json"}
    assert s3.objects[KEY] == VIDEO
    manifest = Manifest.read(s3.objects[f"{KEY}.json"])
    assert manifest is not None
    assert manifest.sha256 == hashlib.sha256(VIDEO).hexdigest()
    assert [path for path in spool.iterdir() if path.suffix != ".lock"] == []


@pytest.mark.parametrize("offset", OFFSETS)
def test_a_download_that_is_killed_is_resumed_by_the_next_process(
    s3: LocalS3, shelf: Shelf, spool: Path, offset: int
) -> None:
    dying = Process()
    shelf.deliver = dying_at(offset, dying)
    code, _ = dying.run(shelf.api.url)
    assert (code, s3.objects) == (-9, {})
    shelf.deliver = deliver
    assert Process().run(shelf.api.url)[0] == 0
    assert_finished(s3, spool)
    assert shelf.api.creates == 0


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_upload_that_is_killed_is_finished_by_the_next_process_which_fetches_nothing(
    s3: LocalS3, shelf: Shelf, spool: Path, moment: str
) -> None:
    dying = Process()
    s3.on = lambda now: dying.kill() if now == moment and not dying.killed else None
    code, _ = dying.run(shelf.api.url)
    assert code == -9
    assert_nothing_half(s3)
    fetched = len(shelf.files.requests)
    assert Process().run(shelf.api.url)[0] == 0
    assert_finished(s3, spool)
    assert len(shelf.files.requests) == fetched == 1
    assert shelf.api.creates == 0


def test_a_large_result_takes_little_memory(s3: LocalS3, shelf: Shelf) -> None:
    large, small = video(200 * 1024 * 1024), video(3 * PART)
    sizes = iter((small, large))
    shelf.deliver = lambda visit, request: visit.say(answer(request, next(sizes)))
    code, said = Process().run(shelf.api.url, "s3://videos/small.mp4", "s3://videos/large.mp4")
    assert code == 0
    assert s3.objects["large.mp4"] == large
    first, growth = map(int, said.split())
    # What any transfer needs, the one before has taken already; it shows that something is measured.
    assert first > PART
    assert growth <= 64 * 1024 * 1024
