from __future__ import annotations

import importlib.util
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from reelway.provider.registry import Registry
from reelway.sandbox import Pace, Sandbox
from reelway.testing.contract.checks import CHECKS
from tests.cli.command import reelway
from tests.docs.pages import DOCS, blocks

[PAGE] = [block.text for block in blocks(DOCS / "first-provider.md") if block.file == "acme.py"]

SIMULATED = """
from reelway.provider.videos_simulator import VideosApiSimulator


def video(job):
    word = {"queued": "waiting", "running": "working", "succeeded": "done"}.get(job.status.value, "broken")
    found = {"id": job.task_id, "status": job.word or word, "progress": job.progress, "model": job.call.model}
    found["created_at"] = int(job.created_at.timestamp())
    if job.video_url:
        found["output"] = [job.video_url]
    if job.failure:
        found["error"] = {"code": job.failure.code, "message": job.failure.message}
    return found


class Simulator(VideosApiSimulator):
    dialects, creates, reads = Acme.dialects, {"": video}, {"": video}


Acme.simulator = lambda self: Simulator()
"""
"""The service of the page's provider."""


@pytest.fixture
def acme() -> Path:
    """The plugin of the page with a service to speak to, in the present folder."""
    file = Path("acme.py")
    file.write_text(PAGE + SIMULATED)
    return file


@pytest.fixture
def served(acme: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with Sandbox([Registry(files=[acme]).get("acme")], pace=Pace.POLLS, job_polls=2) as sandbox:
        monkeypatch.setenv("ACME_API_KEY", "sandbox")
        monkeypatch.setenv("ACME_BASE_URL", sandbox.base_url("acme"))
        yield sandbox


@pytest.mark.usefixtures("acme")
def test_it_is_among_the_providers_with_its_file() -> None:
    records = {one["name"]: one for one in reelway("--plugin", "acme.py", "providers", "--json").records}
    assert (records["acme"]["distribution"], records["acme"]["entry_point"]) == ("acme.py", None)
    assert "cometapi" in records


@pytest.mark.usefixtures("acme")
def test_it_is_there_for_one_command_only() -> None:
    assert reelway("--plugin", "acme.py", "models", "--provider", "acme").code == 0
    assert reelway("models", "--provider", "acme").code == 2


@pytest.mark.usefixtures("acme")
def test_it_reads_an_answer_aloud() -> None:
    said = reelway(
        "--plugin", "acme.py", "explain", "--provider", "acme", "-", "--json", stdin=b'{"status": "done"}'
    )
    assert (said.record["status"], said.record["terminal"]) == ("succeeded", True)


@pytest.mark.usefixtures("acme")
def test_it_plays_in_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELWAY_PLUGINS", "none")
    monkeypatch.setattr("reelway.cli.demo.JOB_SECONDS", 0.2)
    record = reelway("--plugin", "acme.py", "demo", "--json").record
    assert (record["provider"], record["words"][-1], record["error"]) == ("acme", "done", None)


IN_A_PROCESS_OF_ITS_OWN = ("identity.import-opens-no-socket", "hygiene.calls-touch-nothing")


@pytest.mark.usefixtures("acme")
def test_it_is_held_to_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = [check for check in CHECKS if not check.id.startswith("hostile.")]
    monkeypatch.setattr("reelway.testing.contract.run.CHECKS", quick)
    said = reelway("--plugin", "acme.py", "conform", "acme", "--json")
    outcomes = {check["id"]: check["outcome"] for check in said.record["checks"]}
    assert [one for one, told in outcomes.items() if told == "failed"] == []
    assert [outcomes[one] for one in IN_A_PROCESS_OF_ITS_OWN] == ["passed", "passed"]
    assert said.code == 0


def test_it_makes_a_video(served: Sandbox) -> None:
    options = ("--provider", "acme", "--model", "m", "--poll-every", "0.1", "--allow-private-links")
    said = reelway("--plugin", "acme.py", "generate", "A boat", *options, "--to", "boat.mp4", "--json")
    assert said.code == 0
    assert Path("boat.mp4").read_bytes()[4:8] == b"ftyp"
    assert served.ledger.creates == 1


@pytest.mark.usefixtures("served")
def test_how_to_go_on_names_it_too() -> None:
    said = reelway("--plugin", "acme.py", "create", "A boat", "--provider", "acme", "--model", "m")
    way = said.err.partition("Follow it with: ")[2].splitlines()[0]
    assert way.startswith("reelway --plugin acme.py wait reelway1:acme:")
    assert reelway(*shlex.split(way)[1:], "--allow-private-links", "--poll-every", "0.1").code == 0


@pytest.mark.usefixtures("served")
def test_a_recorded_command_has_it_as_well() -> None:
    said = reelway(
        *("--plugin", "acme.py", "record", "--provider", "acme"), *("--", "create", "A boat", "--model", "m")
    )
    assert said.code == 0
    assert [file.name for file in Path("samples").iterdir()] == ["0001-create.json"]


def test_it_stands_before_an_installed_one_of_its_name(acme: Path) -> None:
    Path("mine.py").write_text(PAGE.replace('name="acme"', 'name="cometapi"'))
    said = reelway("--plugin", "mine.py", "providers", "--json")
    records = [one for one in said.records if one["name"] == "cometapi"]
    assert [(one["distribution"], one["problem"]) for one in records] == [
        ("mine.py", None),
        ("reelway-cometapi", "The provider name 'cometapi' is taken by mine.py."),
    ]


def test_two_files_may_share_a_name() -> None:
    for name in ("east", "west"):
        Path(name).mkdir()
        Path(name, "acme.py").write_text(PAGE.replace('name="acme"', f'name="{name}"'))
    said = reelway("--plugin", "east/acme.py", "--plugin", "west/acme.py", "providers", "--json")
    assert {"east", "west"} <= {one["name"] for one in said.records}


BROKEN = {
    "a syntax error": ("x = 1\ndef broken(:\n", 2, "SyntaxError: invalid syntax"),
    "an import error": ("import os\nimport nobody_has_this\n", 2, "No module named 'nobody_has_this'"),
    "an error deep inside": ("import json\n\n\njson.loads('{')\n", 4, "JSONDecodeError"),
    "an exit": ("import sys\nsys.exit('bye')\n", 2, "SystemExit: bye"),
    "a misspelt hook": (PAGE.replace("def reelway_providers", "def reelway_provider"), 0, "unknown hook"),
    "a hook that fails": (PAGE.replace("return [Acme()]", "return [Acmee()]"), 0, "NameError"),
    "a hook without its mark": (PAGE.replace("@hookimpl\n", ""), 0, "It brings no provider"),
    "another interface": (PAGE.replace("cadence=", "interface=9, cadence="), 0, "written for interface 9"),
}
"""What a file may do wrong: its source, the guilty line or 0 for one at the hook, and a part of the reason."""


def guilty(source: str, line: int) -> set[int]:
    hook = [number for number, text in enumerate(source.splitlines(), 1) if "reelway_provider" in text][-1:]
    return {line} if line else {*hook, hook[0] - 1, hook[0] + 1}


@pytest.mark.parametrize("kind", BROKEN)
def test_an_error_in_it_names_file_line_and_reason(kind: str) -> None:
    source, line, reason = BROKEN[kind]
    Path("tried.py").write_text(source)
    said = reelway("--plugin", "tried.py", "explain", "--provider", "acme", "-", "--json", stdin=b"{}")
    assert said.code == 9
    message = said.error["message"]
    assert reason in message
    places = [f"({Path('tried.py').absolute()}, line {number})" for number in guilty(source, line)]
    assert [place for place in places if place in message] != []


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_one_hurts_no_installed_one(kind: str) -> None:
    Path("tried.py").write_text(BROKEN[kind][0])
    assert reelway("--plugin", "tried.py", "models", "--provider", "cometapi").code == 0
    shown = {one["name"]: one["problem"] for one in reelway("--plugin", "tried.py", "providers", "--json").records}
    assert (shown["tried"] is None, shown["cometapi"]) == (False, None)
    assert reelway("--plugin", "tried.py", "doctor", "--json").code == 1


@pytest.mark.parametrize("named", ["nowhere.py", "."])
def test_what_is_no_file_is_wrong_use(named: str) -> None:
    assert reelway("--plugin", named, "providers").code == 2


def test_what_is_no_python_is_said() -> None:
    Path("acme.txt").write_text(PAGE)
    said = reelway("--plugin", "acme.txt", "models", "--provider", "acme")
    assert said.code == 9
    assert "no Python file" in said.err


def test_the_page_and_these_tests_speak_of_one_module(acme: Path) -> None:
    spec = importlib.util.spec_from_file_location("tried", acme)
    assert spec is not None
    assert Registry(files=[acme]).get("acme").info.title == "Acme Video"
