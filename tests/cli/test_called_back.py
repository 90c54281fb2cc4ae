"""Callbacks from the command alone: `create` names an address, and `serve` keeps what is signed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from reelway.account import base_url_variable
from reelway.addresses import checked_base
from reelway.cli.options import CallbackOptions
from reelway.cli.signing import signing_secret
from reelway.errors import ConfigurationError
from reelway.ledger.records import Callback, Entry, Query
from reelway.ledger.sqlite import SqliteLedger
from reelway.model.secret import Secret
from reelway.sandbox import Sandbox
from tests.cli.command import finished, reelway, started, until
from tests.cli.conftest import PROVIDERS
from tests.client.test_callbacks import CALLING
from tests.sandbox.test_callbacks_on_the_wire import outcomes

LEDGER: Final = ("--ledger", "sqlite:jobs.db")

BASE: Final = "https://app.example/callbacks"


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox whose jobs end soon, and which posts its callbacks."""
    with Sandbox(PROVIDERS, job_seconds=0.2) as sandbox:
        for provider in PROVIDERS:
            monkeypatch.setenv(provider.info.key_variable, "sandbox")
            monkeypatch.setenv(base_url_variable(provider.info.name), sandbox.base_url(provider.info.name))
        yield sandbox


def only() -> Entry:
    with SqliteLedger("jobs.db") as ledger:
        [entry] = ledger.entries(Query())
        return entry


def kept() -> list[Callback]:
    with SqliteLedger("jobs.db") as ledger:
        return ledger.callbacks(only().number)


@contextmanager
def receiving(*options: str) -> Iterator[str]:
    """`serve` while it runs; its address."""
    process = started("serve", *LEDGER, "--port", "0", *options)
    try:
        assert process.stdout is not None
        [address] = re.findall(r"http://\S+", process.stdout.readline())
        yield address.rstrip("/")
    finally:
        process.terminate()
        finished(process)


def signed_by(sandbox: Sandbox, provider: str) -> tuple[str, ...]:
    secret = sandbox.callback_secret(provider)
    if secret is None:
        return ()
    Path("keys").write_text(secret, encoding="utf-8")
    return ("--signing-secret", f"{provider}=@keys")


@pytest.mark.parametrize("provider", CALLING)
def test_a_job_of_the_command_is_called_back(provider: str, quick: Sandbox) -> None:
    with receiving(*signed_by(quick, provider)) as address:
        wish = ("A cat", "-p", provider, "-m", CALLING[provider])
        assert reelway("create", *wish, *LEDGER, "--callbacks", address, "-q").code == 0
        until(lambda: bool(kept()))


def test_what_another_has_signed_is_not_kept(quick: Sandbox) -> None:
    provider = next(name for name in CALLING if quick.callback_secret(name))
    Path("keys").write_text('{"keys": []}', encoding="utf-8")
    with receiving("--signing-secret", f"{provider}=@keys") as address:
        wish = ("A cat", "-p", provider, "-m", CALLING[provider])
        reelway("create", *wish, *LEDGER, "--callbacks", address, "-q")
        assert "403" in outcomes(quick, 1)
    assert kept() == []


def test_the_address_may_stand_in_the_environment(quick: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELWAY_CALLBACKS", BASE)
    wish = ("A cat", "-p", "octopusx", "-m", CALLING["octopusx"])
    assert reelway("create", *wish, *LEDGER, "-q").code == 0
    submission = only().submission
    assert submission is not None
    assert submission.callback_digest


def test_an_option_counts_more_than_the_environment_and_without_either_there_is_none() -> None:
    assert CallbackOptions(callbacks=f"{BASE}/").base({"REELWAY_CALLBACKS": "https://other.example"}) == BASE
    assert CallbackOptions().base({"REELWAY_CALLBACKS": BASE}) == checked_base(BASE)
    assert CallbackOptions().base({}) is None


@pytest.mark.usefixtures("keys")
def test_without_a_ledger_nobody_could_receive(sandbox: Sandbox) -> None:
    wish = ("A cat", "-p", "octopusx", "-m", CALLING["octopusx"])
    said = reelway("create", *wish, "--ledger", "none", "--callbacks", BASE, "--json")
    assert (said.code, sandbox.ledger.tasks) == (2, ())
    assert "needs a ledger" in said.error["message"]


# --- what signatures are verified with ---


def test_a_secret_is_found_by_the_name_of_its_variable_or_file(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text("first", encoding="utf-8")
    assert signing_secret("acme=ACME_SECRET", {"ACME_SECRET": "whsec_a"}) == ("acme", Secret("whsec_a"))
    assert signing_secret("acme/work=WORK", {"WORK": "whsec_b"}) == (("acme", "work"), Secret("whsec_b"))
    name, read = signing_secret(f"acme=@{file}", {})
    assert (name, callable(read)) == ("acme", True)
    file.write_text("second", encoding="utf-8")
    assert callable(read)
    assert read() == "second"


@pytest.mark.parametrize("given", ["acme", "=ACME", "acme=", "acme/=ACME", "acme=whsec_c2VjcmV0", "/work=ACME"])
def test_what_is_none_of_the_forms_is_refused_and_not_shown(given: str) -> None:
    said = reelway("serve", *LEDGER, "--signing-secret", given)
    assert said.code == 2
    assert "whsec" not in said.out + said.err
    assert "acme=ACME_SIGNING_SECRET" in said.err


@pytest.mark.parametrize(("given", "says"), [("acme=NOT_SET", "NOT_SET"), ("acme=@nowhere", "no file nowhere")])
def test_a_secret_that_is_not_there_is_told(given: str, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        signing_secret(given, {})
    assert caught.value.hint
