"""The checks of this workspace, each in an environment of its own.

`nox` runs what every change has to pass; `nox -l` lists all of it. Plugins are found by their folders: a
session that needs them takes what is there, so a new provider changes nothing here.
"""

from __future__ import annotations

import os
import re
import shutil
import tomllib
from pathlib import Path

import nox

PLUGINS = sorted(file.parent.name for file in Path("plugins").glob("*/pyproject.toml"))
MEMBERS = ["core", *(f"plugins/{name}" for name in PLUGINS)]
MEASURED = sorted(f"--cov={folder.name}" for folder in Path("plugins").glob("*/src/reelway_*"))
"""Coverage knows the core by its settings; the plugins are named here."""

PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
"""Those that the machine lacks are skipped, with a warning."""

FULLY_COVERED = "*/reelway/model/lifecycle.py,*/reelway/flow/*,*/reelway_*/mapping.py"
"""Where a line that no test has run is a state or a word that nobody has thought through."""

PEERS = ["aiohttp", "litellm", "openai"]
"""What the benchmarks compare with; installed for them alone."""

MUTATOR = "mutmut>=3.8.1,<3.9"
"""Another minor release may make other mutants; then the list of survivors has to be looked through."""

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "venv"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["lint", "typing", "tests", "alone", "docs", "build"]


def install_workspace(session: nox.Session) -> None:
    """Install every member with all that development needs."""
    core, *plugins = MEMBERS
    session.install(f"./{core}[dev]", *(f"./{folder}" for folder in plugins))


@nox.session
def lint(session: nox.Session) -> None:
    """Rules and format."""
    session.install("./core[dev]")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def typing(session: nox.Session) -> None:
    """Types, strictly."""
    install_workspace(session)
    session.run("mypy")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """All tests, with coverage; arguments after `--` go to pytest, without coverage."""
    install_workspace(session)
    if session.posargs:
        session.run("python", "-m", "pytest", *session.posargs)
        return
    session.env["COVERAGE_FILE"] = str(Path(session.create_tmp()) / "coverage")
    session.run("python", "-m", "pytest", "-n", "auto", *MEASURED)
    session.run("coverage", "report", f"--include={FULLY_COVERED}", "--fail-under=100")


@nox.session
@nox.parametrize("plugin", PLUGINS, ids=PLUGINS)
def alone(session: nox.Session, plugin: str) -> None:
    """The tests of one plugin where no plugin is installed that it does not name."""
    # A plugin that needs more for its tests has an extra of that name; pip passes over one that is not there.
    others = [f"./plugins/{other}" for other in built_on(plugin)]
    session.install("./core[testing]", f"./plugins/{plugin}[testing]", *others)
    session.run("python", "-m", "pytest", f"plugins/{plugin}")


@nox.session
def nightly(session: nox.Session) -> None:
    """Every property at far more examples, a million hostile payloads for each provider; arguments go to pytest."""
    install_workspace(session)
    session.run("python", "-m", "pytest", "-n", "auto", *session.posargs, env={"HYPOTHESIS_PROFILE": "nightly"})


@nox.session
def faults(session: nox.Session) -> None:
    """Processes and servers are killed hundreds of times at their work; arguments go to pytest."""
    install_workspace(session)
    tests = ("tests/faults", "-s", *session.posargs)
    session.run("python", "-m", "pytest", *tests, env={"HYPOTHESIS_PROFILE": "nightly"})


@nox.session
def docs(session: nox.Session) -> None:
    """The examples of the manual run, its generated pages are fresh, and it builds without a broken link."""
    install_workspace(session)
    session.install("./core[docs]")
    session.run("python", "-m", "pytest", "tests/docs")
    session.run("python", "docs/generate.py", "--check")
    build_manual(session)


@nox.session
def build(session: nox.Session) -> None:
    """Each wheel comes out of its sdist, and the wheels alone are enough for the demo."""
    folder = Path(session.create_tmp()).resolve()
    shutil.rmtree(folder)
    wheels = [build_member(session, member, folder) for member in MEMBERS]
    run_demo(session, wheels, folder)


@nox.session
def bench(session: nox.Session) -> None:
    """The benchmarks, beside the SDKs that one might pick instead; writes their pages."""
    install_workspace(session)
    session.install(*PEERS)
    session.run("python", "-m", "tests.benchmarks", *(session.posargs or ["--write"]))


@nox.session
def mutation(session: nox.Session) -> None:
    """Small changes to the program, each of which some test has to notice; arguments after `--` name targets."""
    install_workspace(session)
    session.install(MUTATOR)
    session.run("python", "-m", "tests.mutation", *session.posargs, env={"PYTHONHASHSEED": "0"})


def built_on(plugin: str) -> list[str]:
    """The folders of the plugins that another requires, for itself or for its tests."""
    project = tomllib.loads(Path("plugins", plugin, "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project.get("optional-dependencies", {}).values()
    required = " ".join([*project["dependencies"], *(one for extra in extras for one in extra)])
    return [other for other in PLUGINS if re.search(rf"\breelway-{other}\b", required)]


def build_manual(session: nox.Session) -> None:
    """Build the manual from a copy: its generator wants its settings above the pages, and writes beside them."""
    folder = Path(session.create_tmp()).resolve() / "manual"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree("docs", folder / "docs", ignore=shutil.ignore_patterns("__pycache__"))
    settings = shutil.move(folder / "docs" / "zensical.toml", folder)
    session.run("zensical", "build", "--strict", "--config-file", str(settings))
    session.log(f"The manual begins at {folder / 'site' / 'index.html'}")


def build_member(session: nox.Session, member: str, folder: Path) -> Path:
    """Build a member's sdist, then the wheel from that sdist; return the wheel."""
    built = folder / "dist" / member
    session.install("hatchling")
    with session.chdir(member):
        session.run("hatchling", "build", "--target", "sdist", "--directory", str(built))
    [sdist] = built.glob("*.tar.gz")
    session.run("python", "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(built), str(sdist))
    [wheel] = built.glob("*.whl")
    return wheel


def run_demo(session: nox.Session, wheels: list[Path], folder: Path) -> None:
    """Install the wheels where nothing else is, and run the demo far from the checkout."""
    core, *plugins = wheels
    session.run("python", "-m", "venv", str(folder / "venv"))
    scripts = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
    python = str(scripts / "python")
    session.run(python, "-m", "pip", "install", f"{core}[cli]", *map(str, plugins), external=True)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    with session.chdir(elsewhere):
        session.run(str(scripts / "reelway"), "demo", external=True)
