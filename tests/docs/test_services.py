"""What runs the tracker for good, as its page has it: the unit is one, the health check tells life from death."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reelway.sandbox import Sandbox
from tests.cli.command import finished, started, until
from tests.docs.pages import DOCS, blocks
from tests.docs.reader import environment


def block(language: str) -> str:
    [found] = [one.text for one in blocks(DOCS / "tracker.md") if one.language == language]
    return found


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd to ask")
def test_the_unit_is_one(tmp_path: Path) -> None:
    unit = tmp_path / "reelway-track.service"
    # The command itself is not installed there, and that is all that would be wrong.
    unit.write_text(block("ini").replace("/opt/reelway/bin/reelway", sys.executable))
    said = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60
    )
    assert (said.returncode, said.stderr) == (0, "")


@pytest.mark.skipif(os.name == "nt", reason="the container is no Windows")
def test_the_health_check_tells_a_tracker_that_lives_from_one_that_hangs(tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    [check] = re.findall(r"HEALTHCHECK .* CMD (.*)", block("dockerfile"))
    [command] = re.findall(r"^CMD (.*)", block("dockerfile"), re.MULTILINE)
    ledger = {"REELWAY_LEDGER": f"sqlite:///{tmp_path}/jobs.db"}

    def healthy() -> bool:
        line = check.replace("/run/alive", str(alive))
        return subprocess.run(["sh", "-c", line], stderr=subprocess.DEVNULL, check=False).returncode == 0

    assert not healthy()
    with Sandbox() as sandbox:
        _, *arguments = [one.replace("/run/alive", str(alive)) for one in json.loads(command)]
        process = started(*arguments, environ=environment(sandbox) | ledger)
        until(healthy)
        first = alive.stat().st_mtime_ns
        until(lambda: alive.stat().st_mtime_ns > first)
        process.terminate()
        assert finished(process).code == 0
    long_ago = alive.stat().st_mtime - 120
    os.utime(alive, (long_ago, long_ago))
    assert not healthy()
