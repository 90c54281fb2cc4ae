"""Whoever follows the page about starting a provider, in a fresh environment, gets a plugin that works."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from reelway.cli.new_provider import ServiceOptions
from tests.docs.pages import DOCS, blocks
from tests.docs.reader import run_command

PAGE = DOCS / "first-provider.md"

OFFLINE = {
    "PIP_NO_INDEX": "1",
    "PIP_NO_DEPS": "1",
    # The switch is the other way round: this keeps pip from fetching a builder.
    "PIP_NO_BUILD_ISOLATION": "off",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PYTEST_ADDOPTS": "-p no:cacheprovider",
}
"""What keeps the reader's pip from the network: all that the plugin needs is there already."""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of a fresh environment, which sees what this one has and keeps what is installed to itself."""
    folder = tmp_path_factory.mktemp("fresh")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=60)
    [packages] = {found.resolve() for found in folder.glob("[Ll]ib*/**/site-packages")}
    ours = sorted({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})
    seen = "; ".join(f"site.addsitedir({path!r})" for path in ours)
    (packages / "ours.pth").write_text(f"import site; {seen}\n")
    [found] = [file for name in ("bin/python", "Scripts/python.exe") if (file := folder / name).exists()]
    return found


def script() -> str:
    """All that the page has its reader type, in order."""
    shown = [block.text for block in blocks(PAGE) if block.note == "in"]
    return "\n".join(line[2:] for text in shown for line in text.splitlines() if line.startswith(("$ ", "> ")))


def test_its_commands_lead_from_nothing_to_a_plugin_that_works(
    python: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for block in blocks(PAGE):
        if block.file:
            (tmp_path / block.file).write_text(block.text)
    run_command(script(), tmp_path, OFFLINE, python=str(python), timeout=600)
    shown = capfd.readouterr()
    assert shown.out.count("ACME_API_KEY is not set") == 2
    assert '"video_url": "https://cdn.acme.example/7.mp4"' in shown.out
    assert "acme keeps the contract" in shown.out
    assert " passed" in shown.out
    assert "failed" not in shown.out
    assert "waiting → working → done" in shown.out
    project = tmp_path / "reelway-acme"
    assert (project / "reelway-demo" / "acme.mp4").read_bytes()[4:8] == b"ftyp"
    reading = json.loads((project / "tests" / "samples" / "get-real.reading.json").read_text())
    assert (reading["status"], reading["progress"]) == ("running", 40)


def test_the_folder_on_the_page_is_the_folder_it_builds(tmp_path: Path) -> None:
    run_command("reelway new-provider acme", tmp_path, {})
    [tree] = [block.text for block in blocks(PAGE) if block.language == "text"]
    named = {line.split()[0] for line in tree.splitlines()} - {"reelway-acme/", "src/reelway_acme/", "tests/"}
    project = tmp_path / "reelway-acme"
    files = {file.name for file in project.rglob("*") if file.is_file() and file.parent.name != "samples"}
    assert named == files | {"samples/"}


def test_every_option_is_on_the_page() -> None:
    options = {f"--{name.replace('_', '-')}" for name in ServiceOptions.__struct_fields__}
    assert {option for option in options if f"`{option}" not in PAGE.read_text()} == set()
