from __future__ import annotations

import inspect
from typing import Any

import pytest

from reelway import __version__
from reelway.cli.app import PANELS
from reelway.cli.entry import entry, name_of
from tests.cli.command import finished, python, reelway, started

COMMANDS = {name_of(body): body for bodies in PANELS.values() for body in bodies}


def test_the_commands_are_these() -> None:
    follow = {"get", "watch", "wait", "download", "cancel"}
    look = {"providers", "models", "explain", "sandbox", "demo", "record", "doctor"}
    keep = {"list", "adopt", "abandon", "track", "serve"}
    assert COMMANDS.keys() == {"create", "generate", "remix", "new-provider", "conform"} | follow | look | keep


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    shown = reelway(name, "--help")
    assert shown.code == 0
    first = inspect.getdoc(COMMANDS[name])
    assert first is not None
    assert first.split(".")[0].split()[0] in shown.out
    assert "--json" in shown.out
    assert "--quiet" in shown.out


def options_of(name: str) -> dict[str, Any]:
    parameters = inspect.signature(entry(COMMANDS[name])).parameters
    return {one.name: one.annotation.__metadata__[0] for one in parameters.values()}


def test_an_option_has_one_spelling_everywhere() -> None:
    spelt: dict[str, set[Any]] = {}
    for name in COMMANDS:
        for field, option in options_of(name).items():
            if not option.hidden:
                # In Typer's eyes, an option's first name is its default.
                spelt.setdefault(field, set()).add(option.default)
    assert {field: names for field, names in spelt.items() if len(names) > 1} == {}


def test_no_option_takes_a_key() -> None:
    named = {field for name in COMMANDS for field in options_of(name) if "key" in field}
    # One holds the name of a variable, and the other a name of the user's for what they wish for.
    assert named == {"key_variable", "idempotency_key"}


def test_a_key_in_the_place_of_its_variable_is_refused_and_not_quoted() -> None:
    said = reelway("get", "some-id", "--provider", "cometapi", "--key-variable", "sk-SECRET")
    assert said.code == 2
    assert "name" in said.err
    assert "SECRET" not in said.out + said.err


def test_who_gives_a_key_as_an_option_is_told_where_it_belongs() -> None:
    said = reelway("create", "A cat", "--model", "m", "--api-key", "sk-1")
    assert said.code == 2
    assert "environment" in said.err


def test_wrong_use_is_json_where_json_is_asked_for() -> None:
    said = reelway("create", "A cat", "--json")
    assert said.code == 2
    assert said.error["type"] == "ConfigurationError"
    assert "--model" in said.error["message"]


def test_wrong_use_is_text_elsewhere() -> None:
    said = reelway("create", "A cat")
    assert (said.code, said.out) == (2, "")
    assert "--model" in said.err


def test_the_version_is_shown() -> None:
    assert reelway("--version").out == f"reelway {__version__}\n"


def test_help_imports_no_plugin_and_no_http_library() -> None:
    code = (
        "import sys\n"
        "sys.argv = ['reelway', '--help']\n"
        "from reelway.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "late = {'httpx', 'httpx2', 'h11', 'rich.progress', 'reelway.sandbox'}\n"
        "found = [name for name in sys.modules if name.startswith('reelway_') or name in late]\n"
        "assert not found, found\n"
    )
    ended = python(code)
    assert (ended.code, ended.err) == (0, "")


def test_help_works_with_a_broken_plugin(broken_plugin: str) -> None:
    for arguments in (["--help"], ["generate", "--help"]):
        ended = finished(started(*arguments, environ={"PYTHONPATH": broken_plugin}))
        assert (ended.code, ended.err) == (0, "")


def test_without_its_libraries_the_command_says_how_to_get_them() -> None:
    ended = python("import sys; sys.modules['typer'] = None\nfrom reelway.cli import main; main()")
    assert ended.code == 2
    assert ended.err == 'The reelway command needs typer: python -m pip install "reelway[cli]"\n'
