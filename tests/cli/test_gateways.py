"""Gateways that the user describes in a file are providers like any other; what is wrong with one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelway.provider.registry import Registry
from tests.cli.command import reelway

NAMES = [provider.info.name for provider in Registry.installed().providers]

DESCRIBED = """
[mine]
base_url = "https://mine.example.com"
words = { finished = "succeeded" }

[broken]
base_url = "https://broken.example.com"
words = { finished = "sucess" }
"""


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "gateways.toml"
    path.write_text(DESCRIBED)
    monkeypatch.setenv("REELWAY_GATEWAYS", str(path))
    return path


def test_they_are_listed_beside_the_others() -> None:
    records = {record["name"]: record for record in reelway("providers", "--json").records}
    assert set(records) == {*NAMES, "mine", "broken"}
    assert records["mine"]["key_variable"] == "MINE_API_KEY"
    assert records["mine"]["base_url"] == "https://mine.example.com"


def test_a_broken_one_is_a_row_with_file_table_and_reason(file: Path) -> None:
    [broken] = [record for record in reelway("providers", "--json").records if record["problem"]]
    assert (broken["name"], broken["distribution"]) == ("broken", "reelway-videos-api")
    assert broken["problem"].startswith(f"{file}, table [broken]: words.finished: 'sucess' is no status")
    told = reelway("providers").err
    assert "broken" in told
    assert "sucess" in told


def test_asking_for_a_broken_one_is_wrong_configuration() -> None:
    said = reelway("create", "A cat", "--provider", "broken", "--model", "m", "--json")
    assert (said.code, said.error["type"]) == (2, "ConfigurationError")
    assert "sucess" in said.error["message"]


def test_its_answers_are_explained_in_its_words() -> None:
    said = reelway("explain", "--provider", "mine", "-", stdin=b'{"id": "1", "status": "finished"}')
    assert '"status": "succeeded"' in said.out


def test_that_its_models_are_not_known_is_said() -> None:
    said = reelway("models", "--provider", "mine")
    assert (said.code, said.out) == (0, "")
    assert "mine documents no models" in said.err
    assert reelway("models", "--provider", "mine", "--json").records == []


def test_doctor_finds_the_broken_one() -> None:
    said = reelway("doctor", "--json")
    found = {record["subject"]: record for record in said.records}
    assert said.code == 1
    assert found["plugin broken"]["state"] == "broken"
    assert found["MINE_API_KEY"]["state"] == "hint"


def test_the_demo_plays_the_good_one_in_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reelway.cli.demo.JOB_SECONDS", 0.0)
    said = reelway("demo", "--json")
    mine = next(record for record in said.records if record.get("provider") == "mine")
    assert mine["words"][-1] == "finished"
    assert Path("reelway-demo", "mine.mp4").exists()
    assert said.code == 2
