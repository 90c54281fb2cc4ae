"""Whoever describes a gateway as its page shows gets one that is found, speaks and brings a file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from reelway.provider.registry import Registry
from reelway.sandbox import Sandbox
from reelway_videos_api import Settings, gateway
from reelway_videos_api.mapping import NAMES
from reelway_videos_api.settings import FACTS, MEANINGS, PATHS
from tests.docs.pages import ROOT, Snippet, blocks, commands
from tests.docs.reader import environment, run_command

PAGE = ROOT / "plugins" / "videos-api" / "README.md"
COMMANDS = [block for block in blocks(PAGE) if block.note == "in"]
TABLES = [block for block in blocks(PAGE) if block.language == "toml"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a reader who has written the files that the page shows."""
    for block in blocks(PAGE):
        if block.file:
            (tmp_path / block.file).write_text(block.text)
    return tmp_path


@pytest.fixture
def variables(folder: Path) -> Iterator[dict[str, str]]:
    """What leads the reader's commands to a sandbox that plays the reader's gateways as well."""
    described = {"REELWAY_GATEWAYS": str(folder / "gateways.toml")}
    registry = Registry.installed(described)
    with Sandbox(registry.providers, job_seconds=0.2) as sandbox:
        yield environment(sandbox, registry) | described | {"GATEWAY": sandbox.base_url("videos-api")}


def test_its_commands_lead_from_the_description_to_the_file(
    folder: Path, variables: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    for line in (line for block in COMMANDS for line in commands(block)):
        run_command(line, folder, variables)
    shown = capfd.readouterr().out
    assert "MY_GATEWAY_KEY is set" in shown
    assert (folder / "rain.mp4").read_bytes()[4:8] == b"ftyp"
    assert '"status": "succeeded"' in shown
    assert '"video_url": "https://example.com/1.mp4"' in shown


@pytest.mark.parametrize("block", TABLES, ids=str)
def test_its_tables_describe_gateways(block: Snippet) -> None:
    for name, table in tomllib.loads(block.text).items():
        assert gateway(name, **table).info.name == name


def test_the_five_lines_are_five() -> None:
    [block] = [block for block in TABLES if block.file]
    assert len(block.text.splitlines()) == 5


def test_all_that_can_be_said_is_on_the_page() -> None:
    named = set(re.findall(r"`([^`\n]+)`", PAGE.read_text()))
    can_be_said = {*Settings.__annotations__, *FACTS, *NAMES, *MEANINGS, *PATHS}
    assert can_be_said - named == set()
