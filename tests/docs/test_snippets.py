"""Every snippet of the manual runs against the sandbox: a reader who copies one gets what the page says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reelway.sandbox import Sandbox
from reelway.testing import VirtualClock
from reelway.transport.http import HttpSettings
from tests.docs.pages import ROOT, Snippet, blocks, commands, snippets
from tests.docs.reader import environment, run_command, run_tests

PYTHON = list(snippets("python"))


def open_settings(**options: Any) -> HttpSettings:
    return HttpSettings(**options | {"allow_private_links": True})


@pytest.fixture
def customer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[VirtualClock]:
    """A reader in an empty folder whose environment leads to a sandbox, on a clock that costs no time.

    The links of the sandbox lead to this machine, as no link of a provider does.
    """
    clock = VirtualClock()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("reelway.client.SystemClock", lambda: clock)
    monkeypatch.setattr("reelway.client.HttpSettings", open_settings)
    with Sandbox(clock=clock) as sandbox:
        for name, value in environment(sandbox).items():
            monkeypatch.setenv(name, value)
        yield clock


@pytest.fixture(autouse=True)
def _bucket(request: pytest.FixtureRequest) -> None:
    """An object store, for those who store results in one."""
    snippet = request.node.callspec.params.get("snippet") if hasattr(request.node, "callspec") else None
    if snippet is not None and "s3://" in snippet.text:
        request.getfixturevalue("s3")


def holds_tests(snippet: Snippet) -> bool:
    return "\ndef test_" in snippet.text


@pytest.mark.parametrize("snippet", [one for one in PYTHON if not holds_tests(one)], ids=str)
@pytest.mark.usefixtures("customer")
def test_python_snippet_runs_as_it_stands(snippet: Snippet, capsys: pytest.CaptureFixture[str]) -> None:
    code = compile(snippet.text, str(snippet), "exec")
    exec(code, {"__name__": "__main__"})  # noqa: S102 - this is what the test is about


@pytest.mark.parametrize("snippet", [one for one in PYTHON if holds_tests(one)], ids=str)
def test_tests_that_a_page_shows_pass(snippet: Snippet, tmp_path: Path) -> None:
    (tmp_path / "test_shown.py").write_text(snippet.text)
    run_tests(tmp_path, {})


@pytest.mark.parametrize("snippet", [one for one in snippets("console") if commands(one)], ids=str)
def test_console_snippet_runs_as_it_stands(snippet: Snippet, tmp_path: Path) -> None:
    with Sandbox(job_seconds=0.2) as sandbox:
        for line in commands(snippet):
            run_command(line, tmp_path, environment(sandbox))


def test_readme_opens_with_the_two_setup_commands() -> None:
    shown = (block for block in blocks(ROOT / "README.md") if block.language == "console")
    lines = [line for block in shown for line in block.text.splitlines() if line.startswith("$ ")]
    assert lines[:2] == [
        "$ python -m pip install './core[cli]' ./plugins/*/ && reelway demo",
        "$ python -m pip install './core[dev]' ./plugins/*/ && python -m pytest",
    ]
