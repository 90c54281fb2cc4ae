from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from reelway import __version__
from reelway.provider.registry import Registry
from tests.cli.command import reelway

FIRST = Registry.installed().providers[0].info


def examined() -> tuple[int, dict[str, tuple[str, str]]]:
    said = reelway("doctor", "--json")
    return said.code, {one["subject"]: (one["state"], one["detail"]) for one in said.records}


def test_a_sound_installation_is_sound_even_without_keys() -> None:
    code, found = examined()
    assert code == 0
    assert found["reelway"] == ("ok", __version__)
    assert found["present folder"] == ("ok", "writable")
    assert found["h11"][0] == "ok"
    assert found[FIRST.key_variable][0] == "hint"
    assert not [subject for subject, (state, _) in found.items() if state == "broken"]


def test_what_else_plugins_bring_is_named_with_whoever_brings_it() -> None:
    found = examined()[1]
    assert found["ledgers"][0] == found["engines"][0] == "ok"
    assert found["ledgers"][1].startswith("memory, sqlite, postgres from reelway-postgres")
    assert "procrastinate from reelway-procrastinate" in found["engines"][1]


def test_people_are_shown_the_same() -> None:
    said = reelway("doctor")
    assert said.code == 0
    assert FIRST.key_variable in said.out
    assert "Python" in said.out


def test_a_key_that_is_set_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FIRST.key_variable, "sk-secret")
    assert examined()[1][FIRST.key_variable] == ("ok", "set")
    assert "secret" not in reelway("doctor").out


def test_a_malformed_key_is_broken_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FIRST.key_variable, "sk-secret\n")
    code, found = examined()
    assert code == 1
    assert found[FIRST.key_variable][0] == "broken"
    assert "secret" not in reelway("doctor").out


def test_a_base_url_that_is_none_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    variable = f"{FIRST.name.upper()}_BASE_URL"
    monkeypatch.setenv(variable, "not an address")
    code, found = examined()
    assert code == 1
    assert found[variable][0] == "broken"


def test_a_broken_plugin_is_broken(broken_plugin: str) -> None:
    code, found = examined()
    assert code == 1
    assert found["plugin broken"][0] == "broken"
    assert "I would rather not" in found["plugin broken"][1]


def test_only_a_library_that_everything_needs_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if name in {"httpx2", "pyreqwest", "h11"}:
            raise PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr("reelway.cli.doctor.version", version)
    code, found = examined()
    assert code == 0
    assert found["httpx2"] == found["pyreqwest"] == ("ok", "not installed")
    assert found["h11"] == ("hint", "not installed")


def test_without_plugins_there_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELWAY_PLUGINS", "none-of-them")
    code, found = examined()
    assert code == 0
    assert found["plugins"][0] == "hint"


def test_a_folder_that_cannot_be_written_to_is_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    code, found = examined()
    assert code == 1
    assert found["present folder"] == ("broken", "not writable: Permission denied")
    assert not list(Path().iterdir())
