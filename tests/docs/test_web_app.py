"""The web application of the manual runs under Uvicorn, beside a sandbox and a bucket; a restart loses nothing."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx
import pytest

from reelway import Client
from reelway.ledger.sqlite import SqliteLedger
from reelway.model.task import TaskRef
from reelway.sandbox import Sandbox
from tests.docs.pages import DOCS
from tests.docs.reader import environment
from tests.storing.s3 import LocalS3

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a socket is not handed to a child there")

PATIENCE: Final = 60.0

PROVIDER: Final = "fal"
"""Calls back, and may be polled every three seconds."""

MODEL: Final = "fal-ai/veo3.1"


class Site:
    """The application, in a process that may be ended and begun anew; whoever calls meanwhile waits."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._folder = folder
        self._environ = {
            **os.environ,
            **environment(sandbox),
            "PROVIDER": PROVIDER,
            "PUBLIC_URL": self.url,
            "VIDEOS": "s3://videos/{provider}/{id}.mp4",
            "SANDBOX": "1",
        }
        self._http = httpx.Client(base_url=self.url, timeout=PATIENCE)
        self.log = ""
        self._begin()

    def _begin(self) -> None:
        descriptor = self._socket.fileno()
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "uvicorn",
                "web_app:app",
                "--app-dir",
                DOCS / "examples",
                "--fd",
                str(descriptor),
            ],
            cwd=self._folder,
            env=self._environ,
            pass_fds=[descriptor],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()
        self.end(signal.SIGTERM)
        self._socket.close()

    def end(self, how: signal.Signals) -> int:
        self._process.send_signal(how)
        self.log += self._process.communicate(timeout=PATIENCE)[0]
        return self._process.returncode

    def restart(self) -> None:
        """As if the machine had taken it away in the middle."""
        assert self.end(signal.SIGKILL) == -signal.SIGKILL
        self._begin()

    def submit(self, key: str, prompt: str = "A paper boat") -> httpx.Response:
        wish = {"prompt": prompt, "model": MODEL}
        return self._http.post("/videos", json=wish, headers={"Idempotency-Key": key})

    def status(self, job: str) -> dict[str, Any]:
        found: dict[str, Any] = self._http.get("/videos", params={"job": job}).raise_for_status().json()
        return found

    def stored(self, job: str) -> dict[str, Any]:
        until(lambda: bool(self.status(job)["stored"]))
        return self.status(job)

    def callbacks(self, job: str) -> int:
        with SqliteLedger(self._folder / "jobs.db") as ledger:
            entry = ledger.find(TaskRef.parse(job))
            return len(ledger.callbacks(entry.number)) if entry else 0


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(job_seconds=1) as sandbox:
        yield sandbox


@pytest.fixture
def site(sandbox: Sandbox, s3: LocalS3, tmp_path: Path) -> Iterator[Site]:
    with Site(sandbox, tmp_path) as site:
        yield site


def same_video(sandbox: Sandbox, job: str, content: bytes, tmp_path: Path) -> bool:
    """Whether this is, byte for byte, what a client of its own fetches."""
    base_url = sandbox.base_url(PROVIDER)
    with Client(PROVIDER, api_key="sandbox", base_url=base_url, allow_private_links=True) as client:
        return client.download(job, tmp_path / "again.mp4").path.read_bytes() == content


def test_a_job_is_submitted_called_back_followed_and_stored(
    site: Site, sandbox: Sandbox, s3: LocalS3, tmp_path: Path
) -> None:
    first, again = site.submit("order-1"), site.submit("order-1")
    job = first.json()["job"]
    assert (first.status_code, again.json()) == (202, {"job": job})
    assert site.stored(job) == {
        "status": "succeeded",
        "progress": site.status(job)["progress"],
        "stored": [f"s3://videos/{PROVIDER}/{TaskRef.parse(job).id}.mp4"],
    }
    assert site.callbacks(job) >= 1
    assert same_video(sandbox, job, s3.objects[f"{PROVIDER}/{TaskRef.parse(job).id}.mp4"], tmp_path)
    assert sandbox.ledger.creates == 1
    assert site.end(signal.SIGTERM) in {0, -signal.SIGTERM}
    assert re.search(r'"POST /callbacks/\*\*\* HTTP/1.1" 202', site.log)
    assert "Traceback" not in site.log


def test_a_restart_in_the_middle_loses_nothing(site: Site, sandbox: Sandbox, s3: LocalS3, tmp_path: Path) -> None:
    jobs = [site.submit(f"order-{number}").json()["job"] for number in range(3)]
    assert {site.status(job)["status"] for job in jobs} <= {"queued", "running"}
    site.restart()
    for job in jobs:
        site.stored(job)
    assert len([name for name in s3.objects if name.endswith(".mp4")]) == 3
    assert site.submit("order-1").json() == {"job": jobs[1]}
    assert sandbox.ledger.creates == 3


@pytest.mark.parametrize(
    ("prompt", "status", "safe"),
    [("", 422, True), ("Rain [[create-500]]", 504, False), ("No [[invalid]]", 502, True)],
)
def test_what_goes_wrong_is_told_with_what_may_be_done(site: Site, prompt: str, status: int, safe: bool) -> None:
    said = site.submit("order-1", prompt)
    assert (said.status_code, said.json()["resubmit_safe"]) == (status, safe)


def test_a_job_that_is_none_is_not_found(site: Site) -> None:
    for job in ("nonsense", "", "reelway1:fal:default::elsewhere"):
        with pytest.raises(httpx.HTTPStatusError, match="404"):
            site.status(job)
