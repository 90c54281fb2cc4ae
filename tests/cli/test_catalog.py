from __future__ import annotations

import pytest

from reelway.provider.registry import Registry
from tests.cli.command import reelway

INSTALLED = Registry.installed().providers


def test_providers_are_listed_with_what_opens_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(INSTALLED[0].info.key_variable, "sk-secret")
    said = reelway("providers")
    assert said.code == 0
    for provider in INSTALLED:
        assert provider.info.title in said.out
        assert provider.info.key_variable in said.out
    assert f"{INSTALLED[0].info.key_variable} is set" in said.out
    assert f"{INSTALLED[1].info.key_variable} is not set" in said.out
    assert "sk-secret" not in said.out


def test_providers_as_json_are_a_line_each(broken_plugin: str) -> None:
    said = reelway("providers", "--json")
    *working, broken = said.records
    assert [record["name"] for record in working] == [provider.info.name for provider in INSTALLED]
    assert len({tuple(sorted(record)) for record in said.records}) == 1
    assert working[0]["key_set"] is False
    assert working[0]["base_url"] == "http://127.0.0.1:9"
    assert (broken["name"], broken["distribution"]) == ("broken", "reelway-broken")
    assert "I would rather not" in broken["problem"]


def test_a_broken_plugin_is_told_with_its_reason(broken_plugin: str) -> None:
    said = reelway("providers")
    assert said.code == 0
    assert INSTALLED[0].info.title in said.out
    assert "I would rather not" in said.err


@pytest.mark.parametrize("command", ["providers", "models"])
def test_a_limit_that_leaves_no_provider_is_named(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELWAY_PLUGINS", "none-of-them")
    said = reelway(command)
    assert (said.code, said.out) == (0, "")
    assert "REELWAY_PLUGINS names none-of-them" in said.err
    assert reelway(command, "--json").records == []


def test_where_nothing_is_installed_it_is_said_how_to_get_a_provider() -> None:
    assert "pip install reelway-" in Registry().emptiness


def test_a_table_that_goes_to_a_program_ends_where_its_text_does() -> None:
    shown = reelway("models").out
    assert [line for line in shown.splitlines() if line != line.rstrip()] == []


@pytest.mark.parametrize("provider", INSTALLED, ids=lambda provider: provider.info.name)
def test_models_of_one_provider_are_listed(provider: object) -> None:
    name = provider.info.name  # type: ignore[attr-defined]
    records = reelway("models", "--provider", name, "--json").records
    specs = provider.models.models  # type: ignore[attr-defined]
    assert [record["model"] for record in records] == [spec.name for spec in specs]
    assert {record["provider"] for record in records} == {name}
    shown = reelway("models", "--provider", name).out
    assert all(spec.name in shown and spec.source in shown for spec in specs)


def test_models_of_all_providers_are_listed() -> None:
    names = {record["provider"] for record in reelway("models", "--json").records}
    assert names == {provider.info.name for provider in INSTALLED}


def test_a_model_says_what_it_takes() -> None:
    shown = reelway("models", "--provider", "infinityblue").out
    assert "4–15" in shown
    assert "9 pictures" in shown
    assert "sound track" in shown
    assert "first frame (needed)" in shown
