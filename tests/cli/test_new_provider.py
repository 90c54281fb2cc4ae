from __future__ import annotations

import json
import os
import sys
import tomllib
from contextlib import suppress
from pathlib import Path

import pytest

from reelway.cli.new_provider import ServiceOptions, new_provider
from reelway.cli.run import Run
from reelway.cli.screen import Screen
from tests.cli.command import reelway

# Not every system has terminals of this kind.
with suppress(ImportError):
    import pty


def written() -> list[Path]:
    return sorted(Path().iterdir())


def test_the_folder_is_named_like_the_distribution() -> None:
    said = reelway("new-provider", "acme")
    assert (said.code, said.out) == (0, "reelway-acme\n")
    assert "reelway conform acme" in said.err
    assert Path("reelway-acme/src/reelway_acme/provider.py").is_file()


def test_a_program_is_told_every_file() -> None:
    record = reelway("new-provider", "acme", "--json", "--to", "here").record
    assert (record["provider"], record["folder"]) == ("acme", "here")
    found = {file.relative_to("here").as_posix() for file in Path("here").rglob("*") if file.is_file()}
    assert set(record["files"]) == found


def test_what_is_said_stands_in_the_tables() -> None:
    said = reelway(
        *("new-provider", "acme", "--title", "Acme Video", "--base-url", "https://api.acme.example/v1"),
        *("--word", "waiting=queued", "--word", "all done=succeeded", "--link", "output.0"),
        *("--time-unit", "milliseconds", "--body", "multipart"),
    )
    assert said.code == 0
    package = Path("reelway-acme/src/reelway_acme")
    wire, provider = (package / "wire.py").read_text(), (package / "provider.py").read_text()
    assert '"all_done": Status.SUCCEEDED,' in wire
    assert 'links=("output.0",)' in wire
    assert 'base_url="https://api.acme.example/v1",' in provider
    assert 'title="Acme Video",' in provider
    assert "BodyStyle.MULTIPART" in (package / "mapping.py").read_text()
    sample = json.loads(Path("reelway-acme/tests/samples/get-succeeded.json").read_text())
    assert (sample["status"], sample["created_at"]) == ("all done", 1764347090000)


REFUSED = {
    "a name that is none": (("Acme",), "name"),
    "a name that leads elsewhere": (("../acme",), "name"),
    "a name that a plugin has": (("cometapi",), "taken by reelway-cometapi"),
    "a name that a distribution has": (("videos-api",), "reelway-videos-api"),
    "a word without a meaning": (("acme", "--word", "done"), "WORD=STATUS"),
    "a word with a meaning that is none": (("acme", "--word", "done=finished"), "allowed: queued"),
    "an address that is none": (("acme", "--base-url", "acme.example"), "base_url"),
    "a body style that is none": (("acme", "--body", "xml"), "multipart"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_nothing_is_written_where_something_is_refused(kind: str) -> None:
    arguments, reason = REFUSED[kind]
    said = reelway("new-provider", *arguments)
    assert said.code == 2
    assert reason in " ".join(said.err.split())
    assert written() == []


def test_a_broken_plugin_has_its_name_as_well(broken_plugin: str) -> None:
    before = written()
    assert reelway("new-provider", "broken").code == 2
    assert written() == before


def test_a_folder_that_holds_something_is_left_as_it_is() -> None:
    Path("reelway-acme").mkdir()
    Path("reelway-acme/mine.txt").write_text("mine")
    said = reelway("new-provider", "acme")
    assert said.code == 2
    assert "not empty" in said.err
    assert [file.name for file in Path("reelway-acme").iterdir()] == ["mine.txt"]


def test_a_file_in_the_place_of_the_folder_is_left_as_it_is() -> None:
    Path("reelway-acme").write_text("mine")
    assert reelway("new-provider", "acme").code == 2
    assert Path("reelway-acme").read_text() == "mine"


def test_an_empty_folder_is_taken() -> None:
    Path("here").mkdir()
    assert reelway("new-provider", "acme", "--to", "here").code == 0
    assert tomllib.loads(Path("here/pyproject.toml").read_text())["project"]["name"] == "reelway-acme"


def test_a_folder_that_cannot_be_written_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    said = reelway("new-provider", "acme")
    assert said.code == 2
    assert "reelway-acme cannot be written: Permission denied." in said.err


ANSWERS = (
    "videos",
    "Acme Video",
    "https://acme.example",
    "waiting, parked",
    "",
    "done",
    "",
    "centuries",
    "iso",
    "-",
    "json",
)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no terminals of this kind")
def test_at_a_terminal_what_no_option_says_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    os.write(ours, "".join(f"{answer}\n" for answer in ANSWERS).encode())
    with os.fdopen(theirs, "r") as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        new_provider(Run(Screen()), "acme", ServiceOptions(to=Path("here")))
    os.close(ours)
    package = Path("here/src/reelway_acme")
    wire = (package / "wire.py").read_text()
    rows = ("waiting", "parked", "in_progress", "done", "failed")
    assert [row for row in rows if f'    "{row}": Status.' not in wire] == []
    assert "links=()" in wire
    assert "moment.isoformat()" in (package / "simulator.py").read_text()
    assert 'base_url="https://acme.example"' in (package / "provider.py").read_text()
