from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from reelway.provider.registry import Registry
from tests.cli.command import finished, reelway, started

NAMES = [provider.info.name for provider in Registry.installed().providers]


def test_the_demo_holds_a_video_of_every_provider_in_the_end() -> None:
    begin = time.monotonic()
    ended = finished(started("demo"))
    assert (ended.code, time.monotonic() - begin < 20) == (0, True)
    for name in NAMES:
        content = Path("reelway-demo", f"{name}.mp4").read_bytes()
        assert content[4:8] == b"ftyp"
        assert hashlib.sha256(content).hexdigest() in ended.out
        assert f"{len(content)} bytes" in ended.out
    assert "→" in ended.out
    assert f"The sandbox saw {len(NAMES)} creates for {len(NAMES)} jobs." in ended.err


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelway.cli.demo.JOB_SECONDS", 0.0)


@pytest.mark.usefixtures("quick")
def test_the_demo_as_json_is_a_line_for_each_provider() -> None:
    said = reelway("demo", "--json")
    assert (said.code, said.err) == (0, "")
    assert [record["provider"] for record in said.records] == NAMES
    for record in said.records:
        assert hashlib.sha256(Path(record["path"]).read_bytes()).hexdigest() == record["sha256"]
        assert record["words"][0]
        assert record["error"] is None


@pytest.mark.usefixtures("quick")
def test_the_demo_fails_when_a_job_does() -> None:
    said = reelway("demo", "--prompt", "A paper boat. [[fail]]")
    assert said.code == 5
    assert said.err.count("error: ") == len(NAMES)
    assert not Path("reelway-demo").exists()
    assert all(
        record["error"]["type"] == "TaskFailed"
        for record in reelway("demo", "--prompt", "[[fail]]", "--json").records
    )


@pytest.mark.usefixtures("quick")
def test_the_demo_fails_when_a_file_is_not_the_one_that_was_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelway.sandbox.world.digest", lambda content: "another")
    assert reelway("demo").code == 8


@pytest.mark.usefixtures("quick", "broken_plugin")
def test_the_demo_shows_the_others_and_fails_where_a_plugin_is_broken() -> None:
    said = reelway("demo")
    assert said.code == 9
    assert "I would rather not" in said.err
    assert all(Path("reelway-demo", f"{name}.mp4").exists() for name in NAMES)


def test_the_demo_needs_a_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELWAY_PLUGINS", "none-of-them")
    said = reelway("demo")
    assert said.code == 2
    assert "pip install" in said.err
