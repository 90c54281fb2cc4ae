"""The command shows no key and no callback token; signed links only to whoever asks for the state of a task."""

from __future__ import annotations

import logging
from typing import Final

import pytest

from reelway.provider.registry import Registry
from tests.cli.command import Outcome, reelway

KEY: Final = "sk-CANARYKEY0123456789"
TOKEN: Final = "CANARYTOKEN"
SIGNED: Final = "signature="
"""Stands in every link of the sandbox."""

MODEL: Final = ("--provider", "octopusx", "--model", "vidu-q2-pro")
CALLBACK: Final = ("--callback-url", f"https://hook.example/{TOKEN}?t={TOKEN}", "--on-unsupported", "drop")
QUICK: Final = ("--poll-every", "0.1", "--allow-private-links")


@pytest.fixture(autouse=True)
def _keys(keys: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in Registry.installed().providers:
        monkeypatch.setenv(provider.info.key_variable, KEY)


@pytest.fixture
def _everything_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)


COMMANDS: Final = {
    "providers": ("providers",),
    "models": ("models", "octopusx"),
    "doctor": ("doctor",),
    "create": ("create", "A cat", *MODEL, *CALLBACK),
    "create in doubt": ("create", "A cat [[reset]]", *MODEL, *CALLBACK),
    "create refused": ("create", "A cat [[unauthorized:9]]", *MODEL, *CALLBACK),
    "create with the wrong model": ("create", "A cat", "--provider", "octopusx", *CALLBACK, "--model", ""),
    "generate": ("generate", "A cat", *MODEL, *CALLBACK, *QUICK),
    "generate that fails": ("generate", "A cat [[fail]]", *MODEL, *CALLBACK, *QUICK),
    "generate from an expired link": ("generate", "A cat [[expired-link]]", *MODEL, *CALLBACK, *QUICK),
    "generate without a file": ("generate", "A cat [[error-page-video:99]]", *MODEL, *CALLBACK, *QUICK),
    "get nobody": ("get", "reelway1:octopusx:default::nobody"),
}


def said(*arguments: str) -> str:
    outcome: Outcome = reelway(*arguments)
    assert outcome.out + outcome.err
    return outcome.out + outcome.err


@pytest.mark.usefixtures("_everything_logged")
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_shows_a_secret(command: str, form: tuple[str, ...], caplog: pytest.LogCaptureFixture) -> None:
    shown = said(*COMMANDS[command], *form) + caplog.text
    for secret in (KEY, TOKEN, SIGNED):
        assert secret not in shown


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_the_state_of_a_task_shows_its_link_and_no_key(form: tuple[str, ...]) -> None:
    ref = said("create", "A cat", *MODEL, "--quiet").strip()
    assert KEY not in said("wait", ref, *QUICK, *form)
    shown = said("get", ref, *form)
    assert SIGNED in shown
    assert KEY not in shown
