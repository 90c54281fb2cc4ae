"""The commands of these tests reach the sandbox and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reelway.account import base_url_variable
from reelway.provider.registry import Registry
from reelway.sandbox import Pace, Sandbox
from tests.distributions import install

PROVIDERS = Registry.installed().providers


@pytest.fixture(scope="session")
def server() -> Iterator[Sandbox]:
    """Jobs end with their third poll, so that every test sees the same words."""
    with Sandbox(PROVIDERS, pace=Pace.POLLS, job_polls=3) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(server: Sandbox) -> Sandbox:
    """The sandbox, which has forgotten the test before."""
    server.world.reset()
    return server


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder of its own for every test, and no way to a real service."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REELWAY_PLUGINS", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("COLUMNS", "100")
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    for provider in PROVIDERS:
        monkeypatch.delenv(provider.info.key_variable, raising=False)
        monkeypatch.setenv(base_url_variable(provider.info.name), "http://127.0.0.1:9")


@pytest.fixture
def keys(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every provider is in the sandbox, with a key in the environment."""
    for provider in PROVIDERS:
        monkeypatch.setenv(provider.info.key_variable, "sandbox")
        monkeypatch.setenv(base_url_variable(provider.info.name), sandbox.base_url(provider.info.name))


@pytest.fixture
def broken_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A plugin that stops the program when it is imported; the folder that it is installed in."""
    folder = tmp_path / "site"
    install(folder, "broken", "raise SystemExit('I would rather not')\n")
    monkeypatch.syspath_prepend(str(folder))
    return str(folder)
