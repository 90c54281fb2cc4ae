from __future__ import annotations

import pytest

from reelway.cli.accounts import chosen_provider, require_key, variable_of
from reelway.cli.tracking import shown_account, tracked_accounts
from reelway.errors import ConfigurationError, PluginError
from reelway.model.task import TaskRef
from reelway.provider.registry import Registry
from reelway.sandbox import Sandbox
from tests.cli.command import reelway
from tests.cli.test_tracking import remembered

INSTALLED = Registry.installed()
FIRST, SECOND, *_ = INSTALLED.providers

LEDGER = ("--ledger", "sqlite:jobs.db")
MADE = ("-p", "cometapi", "-m", "sora-2", "-q")
WORK = ("--account", "work")


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


# --- several accounts at one provider ---


@pytest.mark.parametrize(("account", "behind"), [("default", ""), ("work", "_WORK"), ("my-2nd.one", "_MY_2ND_ONE")])
def test_each_account_has_its_key_in_a_variable_of_its_own(account: str, behind: str) -> None:
    assert variable_of(FIRST, account) == f"{FIRST.info.key_variable}{behind}"


def test_a_provider_may_be_left_out_where_only_one_has_the_key_of_the_account() -> None:
    environ = {FIRST.info.key_variable: "k", f"{SECOND.info.key_variable}_WORK": "k"}
    assert chosen_provider(None, INSTALLED, environ, account="work") is SECOND


def test_a_task_is_created_asked_about_and_followed_under_its_account(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The sandbox takes every key but this one.
    monkeypatch.setenv("COMETAPI_KEY", "bad-key")
    monkeypatch.setenv("COMETAPI_KEY_WORK", "sandbox")
    monkeypatch.setenv("COMETAPI_BASE_URL", sandbox.base_url("cometapi"))
    ref = reelway("create", "A cat", *MADE, "--account", "work").out.strip()
    assert ref.startswith("reelway1:cometapi:work:")
    assert reelway("get", ref).code == 0
    assert reelway("get", TaskRef.parse(ref).id, "-p", "cometapi", "--account", "work").code == 0
    remembered(ref)
    assert "stay: this tracker has no such account" in reelway("track", *LEDGER, "--once").err
    assert [line.split()[1] for line in reelway("track", *LEDGER, *WORK, "--once").out.splitlines()] == [ref]


def test_an_account_without_a_key_is_told_by_the_name_of_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMETAPI_KEY", "k")
    for command in (["create", "A cat", *MADE, "--account", "work"], ["track", *LEDGER, *WORK]):
        said = reelway(*command, "--json")
        assert said.code == 2
        assert "COMETAPI_KEY_WORK" in said.error["hint"]


def test_no_account_is_asked_with_the_key_of_another(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMETAPI_KEY", "sandbox")
    monkeypatch.setenv("COMETAPI_BASE_URL", sandbox.base_url("cometapi"))
    ref = reelway("create", "A cat", *MADE).out.strip().replace(":default:", ":studio:")
    said = reelway("get", ref)
    assert (said.code, "no key of its own in COMETAPI_KEY_STUDIO, so COMETAPI_KEY is taken" in said.err) == (
        0,
        True,
    )
    monkeypatch.setenv("COMETAPI_KEY_WORK", "sandbox")
    said = reelway("get", ref, "--json")
    assert said.code == 2
    assert "COMETAPI_KEY_STUDIO" in said.error["hint"]


def test_several_accounts_are_followed_together() -> None:
    variable = FIRST.info.key_variable
    environ = {variable: "k", f"{variable}_WORK": "k", SECOND.info.key_variable: "k"}
    found = tracked_accounts([], ["default", "work"], INSTALLED, environ=environ)
    assert {shown_account(*one) for one in found} == {
        FIRST.info.name,
        SECOND.info.name,
        f"{FIRST.info.name} (account work)",
    }
    assert [account.key_variable for name, account in found if name == "work"] == [f"{variable}_WORK"]


@pytest.mark.usefixtures("keys")
def test_a_reference_names_its_account_itself() -> None:
    said = reelway("get", "reelway1:cometapi:work::task_1", "--account", "play", "--json")
    assert said.code == 2
    assert "belongs to work, not to play" in said.error["message"]
    assert "--account" in said.error["hint"]
