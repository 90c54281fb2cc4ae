"""Engines by their names: those that plugins bring, and what goes wrong with one."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from reelway import ConfigurationError, PluginError
from reelway.engines import EngineWork, engine_named
from reelway.engines.installed import ENGINES
from tests.distributions import install

WORKS: Final = """
from reelway.provider.hookspecs import hookimpl

@hookimpl
async def reelway_engine(work, shards, stop):
    for _ in range(shards):
        await work.sweep(0)
    stop.set()
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of installed distributions."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delenv("REELWAY_PLUGINS", raising=False)
    yield tmp_path / "site"
    sys.modules.pop("invented_wheels", None)


def test_an_engine_does_the_work_until_it_is_stopped(site: Path) -> None:
    install(site, "wheels", WORKS, group=ENGINES)
    swept: list[float] = []

    class Counted(EngineWork):
        async def sweep(self, seconds: float) -> int:
            swept.append(seconds)
            return 0

    async def run() -> bool:
        stop = asyncio.Event()
        await engine_named("wheels", {})(work=Counted("memory:", ()), shards=3, stop=stop)
        return stop.is_set()

    assert asyncio.run(run())
    assert swept == [0, 0, 0]


def test_an_engine_of_this_project_that_is_missing_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelway.provider.sole.entry_points", lambda group: [])
    with pytest.raises(ConfigurationError, match="No engine 'procrastinate' is installed; there are: none") as told:
        engine_named("procrastinate", {})
    assert told.value.hint == "Install it: pip install reelway-procrastinate"


def test_any_other_name_gets_no_command_to_copy(site: Path) -> None:
    with pytest.raises(ConfigurationError, match="No engine 'celeri'") as told:
        engine_named("celeri", {})
    assert "pip" not in told.value.hint


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("import nothing_like_it", "ModuleNotFoundError"),
        ("raise SystemExit('I would rather not')", "SystemExit: I would rather not"),
        (WORKS.replace("reelway_engine", "reelway_motor"), "reelway_motor"),
        (WORKS.replace("@hookimpl\n", ""), "is reelway_engine\\(\\) there"),
        (WORKS.replace("shards", "shreds"), "shreds"),
    ],
)
def test_a_broken_plugin_is_told_with_its_origin(site: Path, code: str, says: str) -> None:
    install(site, "wheels", code, group=ENGINES)
    with pytest.raises(PluginError, match=f"(?s)engine wheels .*broken: .*{says}"):
        engine_named("wheels", {})


def test_a_plugin_that_may_not_be_loaded_is_not(site: Path) -> None:
    install(site, "wheels", "raise AssertionError", group=ENGINES)
    with pytest.raises(ConfigurationError, match="engine wheels may not be loaded"):
        engine_named("wheels", {"REELWAY_PLUGINS": "cometapi"})


def test_ctrl_c_while_a_plugin_is_loaded_stops_the_program(site: Path) -> None:
    install(site, "wheels", "raise KeyboardInterrupt", group=ENGINES)
    with pytest.raises(KeyboardInterrupt):
        engine_named("wheels", {})
