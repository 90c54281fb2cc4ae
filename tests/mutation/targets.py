"""What is mutated, which tests have to notice, and which mutants may live: read from the two tables beside this."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

ROOT: Final = Path(__file__).parents[2]
TARGETS: Final = Path(__file__).with_name("targets.toml")
SURVIVORS: Final = Path(__file__).with_name("survivors.toml")

SOURCES: Final = (ROOT / "core" / "src", *sorted(ROOT.glob("plugins/*/src")))

CONTRACT: Final = "test_contract.py"

READINGS: Final = "::TestContract::test_check[samples.answer-means-what-is-written]"
"""The check of the contract that holds a provider to its samples; the others take longer and notice less."""

Text = Annotated[str, Meta(min_length=1)]


class Target(Struct, frozen=True, forbid_unknown_fields=True):
    """Modules that are mutated together, and the paths of the tests that have to notice."""

    modules: tuple[Text, ...]
    tests: tuple[Text, ...]


class Survivor(Struct, frozen=True, forbid_unknown_fields=True):
    """Mutants that no test can or should notice: the same lines, written in one other way or in several."""

    where: Text
    was: str
    now: tuple[str, ...]
    reason: Text


def targets() -> dict[str, Target]:
    """All targets by name; the words of each provider are one, found by the folder."""
    written = msgspec.convert(_read(TARGETS), dict[str, Target])
    tables = sorted(ROOT.glob("plugins/*/src/*/wire.py"))
    return written | {f"words-{path.parts[-4]}": _words(path) for path in tables}


def survivors() -> Mapping[str, Sequence[Survivor]]:
    """The listed survivors of each target."""
    return msgspec.convert(_read(SURVIVORS), dict[str, tuple[Survivor, ...]])


def path_of(module: str) -> Path:
    """Where a module is written."""
    within = Path(*module.split(".")).with_suffix(".py")
    found = next((path for source in SOURCES if (path := source / within).is_file()), None)
    if found is None:
        raise LookupError(f"{module} is no module of this workspace; targets.toml names it.")
    return found


def _words(path: Path) -> Target:
    """The tables of a provider; its samples come first, because they notice most."""
    tests = sorted(path.parents[2].glob("tests/test_*.py"), key=lambda test: (test.name != CONTRACT, test.name))
    names = (test.relative_to(ROOT).as_posix() + (READINGS if test.name == CONTRACT else "") for test in tests)
    return Target(modules=(f"{path.parent.name}.wire",), tests=tuple(names))


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))
