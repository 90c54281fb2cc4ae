from __future__ import annotations

import pytest

from reelway.cli.accounts import chosen_provider, require_key
from reelway.errors import ConfigurationError, PluginError
from reelway.provider.registry import Registry
from tests.cli.command import reelway

INSTALLED = Registry.installed()
FIRST, SECOND, *_ = INSTALLED.providers


def test_the_named_provider_is_chosen_whatever_keys_are_set() -> None:
    environ = {FIRST.info.key_variable: "k"}
    assert chosen_provider(SECOND.info.name, INSTALLED, environ) is SECOND


def test_the_only_provider_with_a_key_need_not_be_named() -> None:
    assert chosen_provider(None, INSTALLED, {SECOND.info.key_variable: "k"}) is SECOND


def test_of_several_keys_none_is_guessed() -> None:
    environ = {provider.info.key_variable: "k" for provider in (FIRST, SECOND)}
    with pytest.raises(ConfigurationError, match=f"{FIRST.info.name}, {SECOND.info.name}") as caught:
        chosen_provider(None, INSTALLED, environ)
    assert "--provider" in caught.value.hint


def test_without_a_key_the_error_names_every_provider_and_its_variable() -> None:
    with pytest.raises(ConfigurationError) as caught:
        chosen_provider(None, INSTALLED, {FIRST.info.key_variable: ""})
    for provider in INSTALLED.providers:
        assert provider.info.name in caught.value.hint
        assert provider.info.key_variable in caught.value.hint


def test_without_any_provider_the_error_says_how_to_get_one() -> None:
    with pytest.raises(ConfigurationError, match="pip install"):
        chosen_provider(None, Registry(), {})


def test_a_missing_key_is_named_by_its_variable_and_by_no_option() -> None:
    with pytest.raises(ConfigurationError) as caught:
        require_key(FIRST, None, {})
    assert FIRST.info.key_variable in caught.value.hint
    assert "api_key" not in caught.value.hint


def test_a_key_is_read_from_the_variable_that_is_named() -> None:
    environ = {FIRST.info.key_variable: "k"}
    with pytest.raises(ConfigurationError, match="no key") as caught:
        require_key(FIRST, "WORK_KEY", environ)
    assert "WORK_KEY" in caught.value.hint
    require_key(FIRST, "WORK_KEY", {"WORK_KEY": "k"})


def test_a_broken_plugin_is_a_code_of_its_own(broken_plugin: str) -> None:
    with pytest.raises(PluginError):
        chosen_provider("broken", Registry.installed(), {})
    said = reelway("get", "some-id", "--provider", "broken")
    assert said.code == 9
    assert "I would rather not" in said.err
