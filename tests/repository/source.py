"""The repository as its own tests see it: files, modules and what they import."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from reelway.provider.hookspecs import GROUP

ROOT: Final = Path(__file__).parents[2]
CORE: Final = ROOT / "core" / "src" / "reelway"
PLUGINS: Final = sorted(path for path in ROOT.glob("plugins/*/src/reelway_*") if path.is_dir())


def groups(plugin: str) -> set[str]:
    """The groups of a plugin's entry points: what kind of things it brings; by the name of its folder."""
    described = tomllib.loads((ROOT / "plugins" / plugin / "pyproject.toml").read_text(encoding="utf-8"))
    return set(described["project"]["entry-points"])


PROVIDERS: Final = sorted(path.parents[1].name for path in PLUGINS if GROUP in groups(path.parents[1].name))
"""The folders of the plugins that bring providers."""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def modules(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """The full name of every module, or of every name in one, that a file imports anywhere in it."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def committed() -> list[Path]:
    """The files under version control."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
