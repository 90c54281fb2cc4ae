"""Whoever follows the page about writing a provider gets one that is found, passes its tests and speaks."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, Snippet, blocks, commands
from tests.docs.reader import run_command, run_tests

PAGE = DOCS / "writing-a-provider.md"
IN_PROJECT = [block for block in blocks(PAGE) if block.note == "in"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the page builds, as if installed in place: its metadata lie beside its package."""
    folder = tmp_path_factory.mktemp("reelway-acme")
    for block in blocks(PAGE):
        if block.file:
            file = folder / block.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text)
    install(folder)
    return folder


def install(folder: Path) -> None:
    about = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    metadata = folder / "src" / f"{about['name'].replace('-', '_')}-{about['version']}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n"
    )
    groups = about["entry-points"].items()
    lines = [
        f"[{group}]\n" + "\n".join(f"{key} = {value}" for key, value in rows.items()) for group, rows in groups
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines))


def variables(project: Path) -> dict[str, str]:
    return {"PYTHONPATH": str(project / "src"), "REELWAY_PLUGINS": "acme"}


def test_its_tests_pass(project: Path) -> None:
    run_tests(project, variables(project))


@pytest.mark.parametrize("snippet", IN_PROJECT, ids=str)
def test_its_commands_run(project: Path, snippet: Snippet, capfd: pytest.CaptureFixture[str]) -> None:
    for line in commands(snippet):
        run_command(line, project, variables(project))
    assert "acme" in capfd.readouterr().out


def test_the_command_finds_it_and_its_simulator(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run_command("reelway providers --json", project, variables(project))
    assert "Acme Video" in capfd.readouterr().out
    run_command("reelway demo --quiet", project, variables(project))


def test_the_folder_on_the_page_is_the_folder_it_builds(project: Path) -> None:
    [tree] = [block.text for block in blocks(PAGE) if block.language == "text" and "reelway-acme/" in block.text]
    named = {line.split()[0] for line in tree.splitlines()}
    built = {file.name for file in project.rglob("*") if file.is_file() and "." in file.name}
    assert {name for name in named if "." in name} == built - {"METADATA", "entry_points.txt"} - left_behind(
        project
    )


def left_behind(project: Path) -> set[str]:
    """What the tests and the commands of the page have written."""
    written = (*project.rglob("*.pyc"), *project.rglob("*.mp4"), *project.glob(".hypothesis/**/*"))
    return {file.name for file in (*written, project / "conform-acme.json")}
