"""Mutants of functions: mutmut makes them, keeps them all in one file, and runs the tests that call the function.

It wants the sources in ``src`` and the tests in ``tests``, so it works on a copy that is laid out like that.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from tests.mutation.mutants import Mutant, change
from tests.mutation.targets import ROOT, SOURCES, Target, path_of

WORKSPACES: Final = ROOT / "build" / "mutation"

MADE: Final = re.compile(r"x(?:_|ǁ(?P<within>\w+?)ǁ)(?P<name>\w+)__mutmut_(?P<number>\d+|orig)")
"""How mutmut names the functions that it puts in place of one; the original is among them."""

RESULT: Final = re.compile(r"^ *(?P<name>\S+__mutmut_\d+): (?P<outcome>.+)$", re.MULTILINE)

SETTINGS: Final = """
[tool.mutmut]
source_paths = ["src"]
also_copy = ["plugins"]
use_git_change_detection = false
timeout_constant = 4.0
timeout_multiplier = 5.0
only_mutate = {paths}
pytest_add_cli_args_test_selection = {tests}
"""


class ToolFailed(Exception):
    """mutmut could not do its work; the message is what it wrote last."""


def run(name: str, target: Target) -> tuple[list[Mutant], Mapping[str, str]]:
    """All mutants of a target's functions, and what mutmut says became of each."""
    # Where it finds no function at all it calls that a mistake.
    if not any(map(has_functions, target.modules)):
        return [], {}
    workspace = _lay_out(WORKSPACES / name, target)
    _mutmut(workspace, "run", "--max-children", str(os.cpu_count() or 1))
    told = _mutmut(workspace, "results", "--all", "true")
    made = [mutant for module in target.modules for mutant in _made(workspace, module)]
    return made, {found["name"]: found["outcome"] for found in RESULT.finditer(told)}


def _lay_out(workspace: Path, target: Target) -> Path:
    """Copy what takes part, so that nothing is changed where people work."""
    shutil.rmtree(workspace, ignore_errors=True)
    for source in SOURCES:
        _copy(source, workspace / "src")
    for tests in (ROOT / "tests", *ROOT.glob("plugins/*/tests")):
        _copy(tests, workspace / tests.relative_to(ROOT))
    paths = [f"src/{'/'.join(module.split('.'))}.py" for module in target.modules]
    settings = SETTINGS.format(paths=json.dumps(paths), tests=json.dumps(target.tests))
    shared = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (workspace / "pyproject.toml").write_text(shared + settings, encoding="utf-8")
    return workspace


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


def _mutmut(workspace: Path, *arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("mutmut")), *arguments]
    done = subprocess.run(command, cwd=workspace, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolFailed(f"mutmut {' '.join(arguments)} failed in {workspace}:\n{done.stdout}{done.stderr}")
    return done.stdout


class _Function(NamedTuple):
    """One function in a file of mutmut's: its name there, and how it reads under the name that it stands for."""

    made_as: str
    where: str
    number: str
    text: str


def _made(workspace: Path, module: str) -> Iterator[Mutant]:
    """The mutants in mutmut's file, whether they ran or not."""
    within = Path("mutants", "src", *module.split(".")).with_suffix(".py")
    functions = list(_functions((workspace / within).read_text(encoding="utf-8")))
    originals = {function.where: function.text for function in functions if function.number == "orig"}
    source = path_of(module).read_text(encoding="utf-8")
    early = called_on_import(source)
    for function in functions:
        if function.number != "orig":
            original = originals[function.where]
            was, now = change(original, function.text)
            yield Mutant(
                name=f"{module}.{function.made_as}",
                module=module,
                where=f"{module}.{function.where}",
                was=was,
                now=now,
                source=source.replace(original, function.text) if function.where in early else "",
            )


def _functions(source: str) -> Iterator[_Function]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (found := MADE.fullmatch(node.name)):
            text = ast.get_source_segment(source, node) or ""
            where = f"{found['within']}.{found['name']}" if found["within"] else found["name"]
            yield _Function(node.name, where, found["number"], text.replace(node.name, found["name"], 1))


def has_functions(module: str) -> bool:
    """Whether mutmut has something to change in a module."""
    nodes = ast.walk(ast.parse(path_of(module).read_text(encoding="utf-8")))
    return any(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in nodes)


def called_on_import(source: str) -> set[str]:
    """The functions that build the tables of a module.

    mutmut changes a function after its module was imported, which is too late for these: each of their mutants has
    to be the whole module, in a fresh process.
    """
    called: set[str] = set()
    pending: list[ast.AST] = [ast.parse(source)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called.add(node.func.id)
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            pending += ast.iter_child_nodes(node)
    return called
