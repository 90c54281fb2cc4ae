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


def test_without_providers_the_list_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELWAY_PLUGINS", "none-of-them")
    said = reelway("providers")
    assert (said.code, said.out) == (0, "")
    assert "pip install" in said.err
    assert reelway("providers", "--json").records == []
    assert reelway("models").out == ""


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
