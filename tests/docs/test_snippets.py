"""Every snippet of the manual runs against the sandbox: a reader who copies one gets what the page says."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reelway.provider.registry import Registry
from reelway.sandbox import Sandbox
from reelway.testing import VirtualClock
from tests.docs.pages import ROOT, Snippet, commands, snippets

HURRIED = """#!{python}
import sys, time
from reelway.transport.clock import SystemClock
SystemClock.sleep = lambda self, seconds: time.sleep(seconds / 100)
SystemClock.sleep_async = lambda self, seconds: __import__("asyncio").sleep(seconds / 100)
from reelway.cli import main
sys.exit(main())
"""
"""The command as it is, but each wait takes a hundredth of its time."""


@pytest.fixture
def customer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[VirtualClock]:
    """A reader in an empty folder whose environment leads to a sandbox, on a clock that costs no time."""
    clock = VirtualClock()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("reelway.client.SystemClock", lambda: clock)
    with Sandbox(clock=clock) as sandbox:
        for name, value in environment(sandbox).items():
            monkeypatch.setenv(name, value)
        yield clock


def environment(sandbox: Sandbox) -> dict[str, str]:
    values = {}
    for provider in Registry.installed().providers:
        values[f"{provider.info.name.upper()}_BASE_URL"] = sandbox.base_url(provider.info.name)
        values[provider.info.key_variable] = "sandbox"
    return values


@pytest.mark.parametrize("snippet", list(snippets("python")), ids=str)
@pytest.mark.usefixtures("customer")
def test_python_snippet_runs_as_it_stands(snippet: Snippet, capsys: pytest.CaptureFixture[str]) -> None:
    code = compile(snippet.text, str(snippet), "exec")
    exec(code, {"__name__": "__main__"})  # noqa: S102 - this is what the test is about


@pytest.mark.parametrize("snippet", [one for one in snippets("console") if commands(one)], ids=str)
def test_console_snippet_runs_as_it_stands(snippet: Snippet, tmp_path: Path) -> None:
    command = tmp_path / "bin" / "reelway"
    command.parent.mkdir()
    command.write_text(HURRIED.format(python=sys.executable))
    command.chmod(command.stat().st_mode | stat.S_IEXEC)
    with Sandbox(job_seconds=0.2) as sandbox:
        path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
        for line in commands(snippet):
            subprocess.run(
                ["bash", "-euo", "pipefail", "-c", line],
                cwd=tmp_path,
                env=os.environ | environment(sandbox) | {"PATH": path},
                check=True,
                timeout=60,
            )


def test_readme_opens_with_the_two_setup_commands() -> None:
    lines = [line for one in _readme_blocks() for line in one.text.splitlines() if line.startswith("$ ")]
    assert lines[:2] == [
        "$ python -m pip install './core[cli]' ./plugins/*/ && reelway demo",
        "$ python -m pip install './core[dev]' ./plugins/*/ && python -m pytest",
    ]


def _readme_blocks() -> list[Snippet]:
    return [one for one in snippets("console") if one.page == ROOT / "README.md"]
