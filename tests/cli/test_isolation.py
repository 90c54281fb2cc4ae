"""Whatever installed plugins do wrong, the command works, and says whose fault it is and where."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from reelway.sandbox import Sandbox
from tests.cli.command import Outcome, finished, started
from tests.distributions import install, source_of

HEAD = "from reelway.provider.hookspecs import hookimpl\n\n\n"

DEEP = """\
def prepare():
    raise OSError("the disk is full")


prepare()
"""

LOUD = source_of("loud").replace("info = ", "@property\n    def info(self): return 1 / 0\n    _ = ")

BROKEN = {
    "import-error": ("import os\nimport nobody_has_this\n", 2, "No module named 'nobody_has_this'"),
    "deep-error": (DEEP, 2, "OSError: the disk is full"),
    "syntax-error": ("x = 1\n\n\ndef broken(:\n", 4, "SyntaxError: invalid syntax"),
    "exit": ("import sys\n\nsys.exit('I would rather not')\n", 3, "SystemExit: I would rather not"),
    "own-exit": ("class Exit(BaseException): pass\n\n\nraise Exit('out')\n", 4, "Exit: out"),
    "signature": (HEAD + "@hookimpl\ndef reelway_providers(registry):\n    return []\n", 4, "{'registry'}"),
    "misspelt": (
        HEAD + "@hookimpl\ndef reelway_provider():\n    return []\n",
        4,
        "unknown hook 'reelway_provider'",
    ),
    "taken": (source_of("good"), 0, "The provider name 'good' is taken by reelway-good."),
    "foreign-major": (
        source_of("foreign-major").replace("cadence=", "interface=2, cadence="),
        0,
        "'foreign-major' was written for interface 2; this Reelway has 1.",
    ),
    "nothing": ("", None, "It brings no provider"),
    "loud": (LOUD, 12, "ZeroDivisionError"),
}
"""What a plugin may do wrong: its source, its guilty line (0 is that of the hook, None is none), and the reason."""


WATCH = HEAD + "@hookimpl\ndef reelway_task_changed(task):\n    {}\n"

OBSERVERS = {
    "raising": WATCH.format("raise RuntimeError('no luck')"),
    "quitting": WATCH.format("raise SystemExit('enough')"),
    "slow": WATCH.format("__import__('time').sleep(1.2)"),
}
"""Observers that load, and then misbehave."""

BROKEN_OBSERVERS = {
    "watch-import": ("import nobody_has_this\n", 1, "No module named 'nobody_has_this'"),
    "watch-exit": ("import sys\nsys.exit('bye')\n", 2, "SystemExit: bye"),
    "watch-misspelt": (HEAD + "@hookimpl\ndef reelway_task_change(): ...\n", 4, "unknown hook"),
    "watch-signature": (HEAD + "@hookimpl\ndef reelway_task_changed(job): ...\n", 4, "{'job'}"),
    "watch-nothing": (source_of("watch-nothing"), 0, "It observes nothing"),
}
"""Observers that do not load, as above."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the path with a good plugin among all the others, and one that is not there at all."""
    folder = tmp_path_factory.mktemp("site")
    install(folder, "good", source_of("good"))
    for name, (source, _, _) in BROKEN.items():
        install(folder, name, source)
    for name, (source, _, _) in BROKEN_OBSERVERS.items():
        install(folder, name, source, group="reelway.observers")
    install(folder, "absent", "").unlink()
    return folder


COMMANDS = {
    "help": ("--help",),
    "help of a command": ("generate", "--help"),
    "version": ("--version",),
    "providers": ("providers", "--json"),
    "doctor": ("doctor", "--json"),
    "models": ("models", "--provider", "good", "--json"),
    "ours": ("models", "--provider", "cometapi", "--json"),
    "guilty": ("models", "--provider", "exit", "--json"),
}


@pytest.fixture(scope="module")
def said(site: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    """What the commands say in processes of their own."""
    environ = {"PYTHONPATH": str(site), "REELWAY_GATEWAYS": ""}
    return {name: finished(started(*command, environ=environ)) for name, command in COMMANDS.items()}


@pytest.mark.parametrize("command", ["help", "help of a command", "version"])
def test_help_does_not_notice(said: dict[str, Outcome], command: str) -> None:
    assert (said[command].code, said[command].err) == (0, "")


@pytest.mark.parametrize("command", ["models", "ours"])
def test_every_other_provider_works(said: dict[str, Outcome], command: str) -> None:
    assert (said[command].code, said[command].err) == (0, "")


def test_the_good_ones_are_listed_beside_the_broken(said: dict[str, Outcome]) -> None:
    assert said["providers"].code == 0
    working = {one["name"] for one in said["providers"].records if not one["problem"]}
    assert {"good", "cometapi", "videos-api"} <= working


def report(said: dict[str, Outcome], name: str) -> dict[str, Any]:
    [found] = [one for one in said["providers"].records if one["distribution"] == f"reelway-{name}"]
    return found


def lines_of(file: Path, line: int | None) -> list[int]:
    hook = [number for number, text in enumerate(file.read_text().splitlines(), 1) if "@hookimpl" in text]
    return {None: [], 0: hook}.get(line, [line or 0])


@pytest.mark.parametrize("name", [*BROKEN, *BROKEN_OBSERVERS])
def test_the_report_names_distribution_entry_point_file_and_reason(
    site: Path, said: dict[str, Outcome], name: str
) -> None:
    _, line, reason = (BROKEN | BROKEN_OBSERVERS)[name]
    found = report(said, name)
    module = f"invented_{name.replace('-', '_')}"
    file = site / f"{module}.py"
    assert found["entry_point"] == f"{name} = {module}"
    assert reason in found["problem"]
    assert "\n" not in found["problem"]
    places = [f"{file}, line {number}" for number in lines_of(file, line)] or [str(file)]
    assert found["place"] in places


@pytest.mark.parametrize("name", [*BROKEN, *BROKEN_OBSERVERS])
def test_doctor_says_the_same_in_one_line(site: Path, said: dict[str, Outcome], name: str) -> None:
    assert said["doctor"].code == 1
    kind = "observer" if name in BROKEN_OBSERVERS else "plugin"
    [found] = [one for one in said["doctor"].records if one["subject"] == f"{kind} {name}"]
    assert found["state"] == "broken"
    told = report(said, name)
    for fact in ("distribution", "entry_point", "problem", "place"):
        assert told[fact] in found["detail"]


def test_an_entry_point_that_leads_nowhere_is_told_without_a_file(said: dict[str, Outcome]) -> None:
    found = report(said, "absent")
    assert (found["entry_point"], found["place"]) == ("absent = invented_absent", None)
    assert "No module named 'invented_absent'" in found["problem"]


def test_who_asks_for_a_broken_one_gets_its_report(said: dict[str, Outcome]) -> None:
    assert said["guilty"].code == 9
    message = said["guilty"].error["message"]
    assert "reelway-exit, entry point exit = invented_exit" in message
    assert "line 3" in message


def test_fifty_plugins_are_read_and_not_imported(tmp_path: Path) -> None:
    tell = "import pathlib\npathlib.Path(__file__).with_suffix('.imported').touch()\n"
    for number in range(50):
        install(tmp_path, f"number-{number}", tell + source_of(f"number-{number}"))
    environ = {"PYTHONPATH": str(tmp_path)}
    # A distribution whose metadata are gone is found all the same.
    (tmp_path / "reelway_number_9-1.0.dist-info" / "METADATA").unlink()
    for command in (("--help",), ("models", "--provider", "number-7")):
        assert finished(started(*command, environ=environ)).code == 0
    assert [file.stem for file in tmp_path.glob("*.imported")] == ["invented_number_7"]


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    """A whole job in a process where observers are installed that raise, exit, take their time or do not load."""
    folder = tmp_path_factory.mktemp("watched")
    for name, source in OBSERVERS.items():
        install(folder, name, source, group="reelway.observers")
    for name, (source, _, _) in BROKEN_OBSERVERS.items():
        install(folder, name, source, group="reelway.observers")
    with Sandbox(job_seconds=0.2) as sandbox:
        environ = {"PYTHONPATH": str(folder), "COMETAPI_KEY": "sandbox"}
        environ["COMETAPI_BASE_URL"] = sandbox.base_url("cometapi")
        options = (
            "--provider",
            "cometapi",
            "--model",
            "seedance-2",
            "--poll-every",
            "0.1",
            "--allow-private-links",
        )
        made = finished(started("generate", "A boat", *options, "--to", str(folder / "boat.mp4"), environ=environ))
        assert sandbox.ledger.creates == 1
    return folder, made


def test_observers_harm_no_generation(watched: tuple[Path, Outcome]) -> None:
    folder, made = watched
    assert made.code == 0
    assert (folder / "boat.mp4").read_bytes()[4:8] == b"ftyp"


@pytest.mark.parametrize("name", ["raising", "quitting"])
def test_a_raising_observer_is_named_once(watched: tuple[Path, Outcome], name: str) -> None:
    folder, made = watched
    [told] = [line for line in made.err.splitlines() if f"The observer '{name}'" in line]
    assert f"(reelway-{name}, entry point {name} = invented_{name}): reelway_task_changed raised" in told
    assert f"({folder / f'invented_{name}.py'}, line 6)" in told


def test_what_a_slow_observer_costs_is_told_once(watched: tuple[Path, Outcome]) -> None:
    [told] = [line for line in watched[1].err.splitlines() if "The observer 'slow'" in line]
    assert re.search(r"took 1\.\d seconds for one call; no task waits for it", told)


@pytest.mark.parametrize("name", BROKEN_OBSERVERS)
def test_an_observer_that_does_not_load_is_said_where_a_task_is_made(
    watched: tuple[Path, Outcome], name: str
) -> None:
    [told] = [line for line in watched[1].err.splitlines() if f"The observer '{name}'" in line]
    assert BROKEN_OBSERVERS[name][2] in told
