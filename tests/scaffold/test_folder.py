"""What is written for a new provider is a plugin like ours: it keeps the contract, the rules and the types."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path, PurePosixPath
from zipfile import ZipFile

import pytest

from reelway.model.http import json_response
from reelway.model.observation import Status
from reelway.provider.forms import BodyStyle
from reelway.provider.interface import INTERFACE_VERSION, Provider
from reelway.provider.reading import read_retrieve
from reelway.scaffold.description import Description, Protocol, TimeUnit, problems_in
from reelway.scaffold.folder import package_of, render, write
from reelway.testing.contract import run as suite
from tests.repository.source import ROOT

WORDS = {"Waiting": Status.QUEUED, "working": Status.RUNNING, "all done": Status.SUCCEEDED, "broken": Status.FAILED}

DESCRIPTIONS = {
    one.name: one
    for one in (
        Description(name="acme"),
        Description(name="acme-own", protocol=Protocol.OWN),
        Description(
            name="content-only", link="", body=BodyStyle.MULTIPART, time_unit=TimeUnit.MILLISECONDS, words=WORDS
        ),
        Description(
            name="deep-link",
            protocol=Protocol.OWN,
            link="data.output.0.video-url",
            body=BodyStyle.MULTIPART,
            time_unit=TimeUnit.ISO,
            words=WORDS | {"gone": Status.EXPIRED, "stopped": Status.CANCELLED},
            title="Deep & Sons",
        ),
        # A name that the library has as well, and the longest of everything.
        Description(name="provider", protocol=Protocol.OWN),
        Description(
            name="a" * 24,
            title="T" * 40,
            base_url="https://" + "h" * 60 + ".example/v1",
            link=".".join(["o" * 14] * 4),
            words={"w" * 40: Status.QUEUED},
        ),
        Description(name="b" * 24, protocol=Protocol.OWN, title="T" * 40, link="o" * 60),
    )
}

HELD = ("content-only", "deep-link")
"""The page about starting a provider holds one more."""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with the settings of ours, and the new plugins in it."""
    folder = tmp_path_factory.mktemp("workspace")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, described in DESCRIPTIONS.items():
        assert problems_in(described) == []
        write(render(described), folder / "plugins" / name)
    return folder


def checked(folder: Path, *command: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    assert run.returncode == 0, run.stdout + run.stderr


def as_members(workspace: Path) -> list[Path]:
    """The members, without settings of their own: then those of the workspace hold."""
    members = sorted((workspace / "plugins").iterdir())
    for member in members:
        (member / "pyproject.toml").unlink(missing_ok=True)
    return members


@pytest.mark.parametrize("command", [("check", "--no-cache"), ("format", "--check", "--no-cache")], ids=" ".join)
def test_it_keeps_the_rules_by_its_own_settings(workspace: Path, command: tuple[str, ...]) -> None:
    write(render(DESCRIPTIONS["acme"]), folder := workspace / "elsewhere" / " ".join(command))
    checked(folder, "ruff", *command)


def test_it_keeps_the_rules_and_the_types_of_this_workspace(workspace: Path, tmp_path: Path) -> None:
    shutil.copytree(workspace, folder := tmp_path / "copy")
    sources = [str(member / "src") for member in as_members(folder)]
    assert len(sources) == len(DESCRIPTIONS)
    checked(folder, "ruff", "check", "--no-cache", "plugins")
    checked(folder, "ruff", "format", "--check", "--no-cache", "plugins")
    checked(folder, "mypy", "--cache-dir", str(tmp_path / "cache"), *sources)


def provider_of(workspace: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Provider:
    monkeypatch.syspath_prepend(str(workspace / "plugins" / name / "src"))
    [provider] = importlib.import_module(package_of(name)).reelway_providers()
    assert isinstance(provider, Provider)
    return provider


@pytest.mark.parametrize("name", HELD)
def test_it_keeps_the_contract(workspace: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = provider_of(workspace, name, monkeypatch)
    samples = workspace / "plugins" / name / "tests" / "samples"
    report = suite.hold(suite.Subject(provider, samples=samples), suite.CHECKS, suite.Terms(suite=suite.SUITE))
    told = [(one.check.id, one.outcome, one.findings) for one in report.results if one.findings]
    assert told == []
    assert report.conforms


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_the_contract_test_says_what_is_true_in_ten_lines(
    workspace: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = provider_of(workspace, name, monkeypatch)
    test = (workspace / "plugins" / name / "tests" / "test_contract.py").read_text()
    assert len(test.splitlines()) <= 10
    assert f"suite = {suite.SUITE}\n" in test
    lacking = {one.value for one in suite.Subject(provider, samples=workspace).found_lacking}
    cannot = tuple(sorted(lacking - {"installed"}))
    assert f"cannot = {json.dumps(cannot)}".replace("[", "(").replace("]", ")") in test


def test_answers_are_read_as_described(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = provider_of(workspace, "deep-link", monkeypatch)
    url = "https://cdn.example.com/1.mp4"
    document = {"id": "7", "status": "All Done", "data": {"output": [{"video-url": url}]}}
    seen = read_retrieve(provider, json_response(document), "", "7")
    assert (seen.status, seen.videos[0].url.reveal()) == (Status.SUCCEEDED, url)


def test_the_entry_point_leads_to_the_package() -> None:
    rendered = render(Description(name="my-gateway"))
    project = tomllib.loads(rendered[PurePosixPath("pyproject.toml")])["project"]
    assert project["name"] == "reelway-my-gateway"
    assert project["entry-points"] == {"reelway": {"my-gateway": "reelway_my_gateway"}}
    assert PurePosixPath("src/reelway_my_gateway/provider.py") in rendered


@pytest.mark.parametrize("protocol", Protocol)
def test_it_says_for_which_interface_it_was_written(protocol: Protocol) -> None:
    rendered = render(Description(name="acme", protocol=protocol))
    assert f"interface={INTERFACE_VERSION},\n" in rendered[PurePosixPath("src/reelway_acme/provider.py")]
    # The number protects it from what the range of releases cannot know.
    assert tomllib.loads(rendered[PurePosixPath("pyproject.toml")])["project"]["dependencies"] == [
        "reelway>=0.1,<1"
    ]


def test_no_hole_is_left() -> None:
    holes = [path for path, text in render(Description(name="acme")).items() if "${" in text or "$$" in text]
    assert holes == []


def test_the_templates_are_in_the_wheel(tmp_path: Path) -> None:
    core = ROOT / "core"
    checked(core, "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    [wheel] = tmp_path.glob("*.whl")
    templates = core / "src" / "reelway" / "scaffold" / "templates"
    files = {file.relative_to(core / "src").as_posix() for file in templates.rglob("*.template")}
    assert len(files) > 20
    assert files <= set(ZipFile(wheel).namelist())
