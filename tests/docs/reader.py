"""A reader of the manual: what their environment holds, and how they start programs without waiting for jobs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reelway.account import base_url_variable
from reelway.provider.registry import Registry
from reelway.sandbox import Sandbox

PATIENCE: Final = 300
"""Seconds after which a program hangs for good; on a busy machine an honest one takes its time."""

HURRY: Final = """\
import asyncio, runpy, sys, time
from reelway.transport.clock import SystemClock
SystemClock.sleep = lambda self, seconds: time.sleep(seconds / 100)
SystemClock.sleep_async = lambda self, seconds: asyncio.sleep(seconds / 100)
"""
"""Each wait takes a hundredth of its time."""

COMMAND: Final = f"""\
{HURRY}
from reelway.cli import main
sys.exit(main())
"""

PROGRAM: Final = f"""\
{HURRY}
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def environment(sandbox: Sandbox, registry: Registry | None = None) -> dict[str, str]:
    """The variables that lead to a sandbox."""
    values = {}
    for provider in (registry or Registry.installed()).providers:
        values[base_url_variable(provider.info.name)] = sandbox.base_url(provider.info.name)
        values[provider.info.key_variable] = "sandbox"
    return values


def run_command(
    line: str,
    folder: Path,
    variables: Mapping[str, str],
    *,
    python: str = sys.executable,
    timeout: float = PATIENCE,
) -> None:
    """Run a line of a console block in a folder, with a ``reelway`` that does not wait."""
    command = folder / ".bin" / "reelway"
    command.parent.mkdir(exist_ok=True)
    command.write_text(f"#!{python}\n{COMMAND}")
    command.chmod(0o755)
    path = os.pathsep.join((str(command.parent), str(Path(python).parent), os.environ["PATH"]))
    shell = ["bash", "-euo", "pipefail", "-c", line]
    # The ids of one sandbox are those of the next; what a reader remembers ends with the page.
    environ = {**os.environ, **variables, "PATH": path, "XDG_STATE_HOME": str(folder / ".state")}
    subprocess.run(shell, cwd=folder, env=environ, check=True, timeout=timeout)


def run_program(
    program: Path, *arguments: str, folder: Path, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a whole program in a folder, without its waiting."""
    command = [sys.executable, "-c", PROGRAM, str(program), *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def run_tests(folder: Path, variables: Mapping[str, str]) -> None:
    """Run the tests in a folder as its owner would, without the settings of this repository."""
    arguments = ["-q", "--rootdir=.", "-c", os.devnull, "-p", "no:cacheprovider", "."]
    command = [sys.executable, "-m", "pytest", *arguments]
    subprocess.run(
        command, cwd=folder, env={**os.environ, **variables, "PYTEST_ADDOPTS": ""}, check=True, timeout=PATIENCE
    )
