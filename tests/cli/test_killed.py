"""A command that is killed at any moment: what it paid for is gone on with, and nothing is paid twice."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest

from reelway.cli.state import default_file
from reelway.sandbox import Sandbox
from tests.cli.command import PATIENCE, finished, reelway, started, until
from tests.cli.test_tasks import LINKED, QUICK

pytestmark = [
    pytest.mark.usefixtures("keys"),
    pytest.mark.skipif(os.name == "nt", reason="a process cannot be killed like that there"),
]

KILLED: Final = """
    import os, signal, sys
    from reelway.cli.entry import *
    from reelway.cli.app import app
    from reelway.ledger.sqlite import SqliteLedger
    from reelway.transport.http import AsyncHttp

    when, turn, words = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    seen = 0

    def struck(moment):
        global seen
        if moment == when:
            seen += 1
            if seen == turn:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(kind, name):
        act = getattr(kind, name)
        def call(self, *arguments, **options):
            struck("before " + name)
            result = act(self, *arguments, **options)
            struck("after " + name)
            return result
        async def wait(self, *arguments, **options):
            struck("before " + name)
            result = await act(self, *arguments, **options)
            struck("after " + name)
            return result
        setattr(kind, name, wait if kind is AsyncHttp else call)

    for name in ("begin", "note", "accept", "save"):
        around(SqliteLedger, name)
    around(AsyncHttp, "send")
    app(words)
"""
"""The command, with a moment at which it is killed: before or after so many steps of one kind."""

MOMENTS: Final = [
    *(f"{side} {step} 1" for step in ("begin", "note", "send", "accept", "save") for side in ("before", "after")),
    *("before save 2", "after save 2", "before send 3", "after send 3"),
]

SEEN: Final = "trace=fsync,fdatasync,sendto,write,pwrite64"
"""What strace watches."""


def killed(moment: str, *words: str) -> None:
    side, step, turn = moment.split()
    program = [sys.executable, "-c", textwrap.dedent(KILLED), f"{side} {step}", turn, *words]
    ended = subprocess.run(program, check=False, timeout=PATIENCE, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()


def listed() -> list[dict[str, Any]]:
    return reelway("list", "--json").records


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_generate_that_is_killed_is_gone_on_with(sandbox: Sandbox, moment: str) -> None:
    options = (*LINKED, *QUICK, "--allow-private-links", "--to", "cat.mp4")
    killed(moment, "generate", "A cat", *options)
    created = sandbox.ledger.creates
    left = listed()
    # No create without a record: the task is known, or the submission says that there may be one.
    assert created <= len(left) <= 1
    assert all(one["submission"] in {"sending", "accepted"} for one in left if created)
    refs = [one["ref"] for one in left if one["ref"]]
    assert reelway("wait", *QUICK).code == 0
    said = reelway("download", "--to", "cats/", "--allow-private-links")
    assert (said.code, len(said.out.splitlines())) == (0, len(refs))
    assert [one["task"]["artifact"] for one in listed() if one["ref"]] == ["stored"] * len(refs)
    assert sandbox.ledger.creates == created


def test_a_submission_on_the_wire_is_left_alone_while_its_maker_could_be_alive(sandbox: Sandbox) -> None:
    killed("after send 1", "create", "A cat", *LINKED)
    [left] = listed()
    assert (left["submission"], left["in_doubt"]) == ("sending", False)
    assert reelway("abandon", left["submission_id"]).code == 2
    assert sandbox.ledger.creates == 1


@pytest.mark.skipif(not Path("/proc").exists(), reason="no processes to look at here")
def test_ctrl_c_during_a_create_leaves_it_in_doubt_and_to_be_adopted(sandbox: Sandbox) -> None:
    process = started("create", "A cat [[silence]]", *LINKED)
    until(lambda: sandbox.ledger.creates > 0)
    process.send_signal(signal.SIGINT)
    assert finished(process).code == 130
    [left] = listed()
    assert (left["submission"], left["in_doubt"]) == ("ambiguous", True)
    [task] = sandbox.ledger.tasks
    assert reelway("adopt", left["submission_id"], task.task_id).code == 0
    assert reelway("wait", *QUICK).code == 0
    assert sandbox.ledger.creates == 1


@pytest.mark.skipif(shutil.which("strace") is None, reason="no strace here; tests of the client prove it otherwise")
def test_the_disk_has_the_record_before_the_first_byte_leaves(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with Sandbox() as sandbox:
        environ = {"COMETAPI_BASE_URL": sandbox.base_url("cometapi")}
        strace = ["strace", "-f", "-y", "-s", "64", "-o", str(trace), "-e", SEEN]
        program = [*strace, sys.executable, "-m", "reelway.cli", "create", "A cat", *LINKED]
        ended = subprocess.run(
            program, check=False, timeout=60, capture_output=True, text=True, env={**os.environ, **environ}
        )
    if "ptrace" in ended.stderr:
        pytest.skip(f"strace may not look at processes here: {ended.stderr.splitlines()[0]}")
    assert ended.returncode == 0, ended.stderr
    assert synced_records(trace.read_text(errors="replace").splitlines()) >= 2


def synced_records(calls: list[str]) -> int:
    """How many times the ledger wrote something and made it last, before the first byte of the create left."""
    wire = next(number for number, call in enumerate(calls) if re.search(r"(sendto|write)\(.*POST /", call))
    log = re.compile(rf"(\w+)\(\d+<{re.escape(str(default_file()))}-wal>")
    made = [found[1].removeprefix("p") for call in calls[:wire] if (found := log.search(call))]
    return sum(step in {("write64", "fdatasync"), ("write64", "fsync")} for step in pairwise(made))
