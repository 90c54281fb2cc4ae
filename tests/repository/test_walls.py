"""The walls of the house: who may import whom, and what may stand nowhere."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType
from typing import Final

import pytest

import reelway
from reelway import errors
from reelway.engines.installed import ENGINES
from reelway.provider.hookspecs import GROUP, LEDGERS
from tests.repository.source import (
    CORE,
    PLUGINS,
    PROVIDERS,
    ROOT,
    committed,
    groups,
    imported,
    modules,
    shown,
    tree,
)

FLOORS: Final[Mapping[str, int]] = {
    "model": 0,
    "locks": 0,
    "limits": 0,
    "provider": 1,
    "ledger": 1,
    "flow": 2,
    "recording": 2,
    "scaffold": 2,
    "transport": 3,
    "storing": 3,
    **dict.fromkeys(("account", "addresses", "ages", "observing", "requesting", "results"), 4),
    **dict.fromkeys(("digesting", "downloading", "keeping", "ledgers", "listeners", "memory"), 4),
    **dict.fromkeys(("operations", "client"), 4),
    "tracker": 5,
    "server": 6,
    "engines": 6,
    "cli": 7,
}
"""The rooms from the ground up; imports run downward only."""

EVERYBODYS: Final = frozenset({"errors", "_version"})

WORKSHOPS: Final = frozenset({"sandbox", "testing"})
"""They may use anything, and only the command and tests use them."""

HTTP_LIBRARIES: Final = frozenset({"httpx", "httpx2", "httpcore", "httpcore2", "pyreqwest"})

ROOMS_OF_PLUGINS: Final[Mapping[str, frozenset[str]]] = {
    GROUP: frozenset({"model", "provider", "errors"}),
    LEDGERS: frozenset({"model", "provider", "errors", "ledger", "locks"}),
    ENGINES: frozenset({"model", "provider", "errors", "engines"}),
}
"""What a plugin may import of the core, by the kind of things that it brings."""

BUILT_ON: Final[Mapping[str, frozenset[str]]] = {
    ENGINES: frozenset({"reelway_postgres"}),
}
"""Which other plugins a plugin may import: an engine keeps its jobs where the ledger is."""

MORE_HTTP_LIBRARIES: Final = frozenset(
    {"requests", "urllib3", "aiohttp", "h11", "h2", "http", "socket", "urllib.request"}
)

LONGEST: Final = 60


def room_of(path: Path) -> str:
    return path.relative_to(CORE).parts[0].removesuffix(".py")


def rooms_used(path: Path) -> set[str]:
    parts = [name.split(".") for name in imported(path)]
    rooms = {part[1] for part in parts if part[0] == "reelway" and len(part) > 1}
    return rooms - EVERYBODYS - {room_of(path)}


def outside_workshops() -> list[Path]:
    return [path for path in modules(CORE) if room_of(path) not in WORKSHOPS | {"__init__"}]


@pytest.mark.parametrize("path", outside_workshops(), ids=shown)
def test_imports_run_downward_only(path: Path) -> None:
    room = room_of(path)
    may_use = {other for other, floor in FLOORS.items() if floor < FLOORS.get(room, 0)}
    neighbours = {other for other, floor in FLOORS.items() if floor == FLOORS.get(room, -1)}
    extra = {"cli": WORKSHOPS, "errors": {"model"}}.get(room, set())
    # What only stands in the package itself, such as its version, belongs to the command.
    names = set(reelway.__all__) if room == "cli" else set()
    assert rooms_used(path) <= may_use | neighbours | extra | names


def test_a_ledger_knows_values_errors_and_locks_and_nothing_else() -> None:
    used = {shown(path): rooms_used(path) for path in modules(CORE / "ledger")}
    assert {path: rooms for path, rooms in used.items() if not rooms <= {"model", "locks"}} == {}


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(path) for path in modules(CORE)}
    assert rooms == FLOORS.keys() | EVERYBODYS | WORKSHOPS | {"__init__"}


def test_the_package_itself_only_hands_out_names() -> None:
    body = tree(CORE / "__init__.py").body
    allowed = (ast.Expr, ast.ImportFrom, ast.Assign)
    assert all(isinstance(node, allowed) for node in body)
    assert not any(name.split(".")[1] in WORKSHOPS | {"cli"} for name in imported(CORE / "__init__.py"))


def test_only_one_module_imports_each_http_library() -> None:
    users = {shown(path): HTTP_LIBRARIES & roots(path) for path in modules(CORE)}
    assert {path: used for path, used in users.items() if used} == {
        "core/src/reelway/transport/http.py": {"httpx"},
        "core/src/reelway/transport/fast.py": {"pyreqwest"},
    }


def roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imported(path)}


@pytest.mark.parametrize("path", [path for plugin in PLUGINS for path in modules(plugin)], ids=shown)
def test_no_plugin_imports_the_network_or_a_plugin_that_it_is_not_built_on(path: Path) -> None:
    own = path.relative_to(ROOT).parts[3]
    assert not roots(path) & (HTTP_LIBRARIES | MORE_HTTP_LIBRARIES)
    kinds = groups(path.relative_to(ROOT).parts[1])
    others = set().union(*(BUILT_ON.get(kind, ()) for kind in kinds))
    assert not {root for root in roots(path) if root.startswith("reelway_")} - {own} - others
    rooms = set().union(*(ROOMS_OF_PLUGINS[kind] for kind in kinds))
    assert rooms_used_by_plugin(path) <= rooms


def rooms_used_by_plugin(path: Path) -> set[str]:
    return {name.split(".")[1] for name in imported(path) if name.startswith("reelway.")}


def test_core_names_no_provider() -> None:
    # A plugin's folder is named like its provider; one may be named after a protocol, which core has to know. A
    # name is a word, or a part of one that begins with a capital: "mark" and "false" name nobody.
    names = "|".join(PROVIDERS)
    naming = re.compile(rf"(?<![A-Za-z])(?i:{names})(?![a-z])")
    texts = [path for path in CORE.rglob("*") if path.suffix in {".py", ".typed", ".json", ".toml"}]
    assert [shown(path) for path in texts if naming.search(path.read_text())] == []


def functions() -> Iterator[tuple[str, int]]:
    folders = (ROOT / "core", ROOT / "plugins", ROOT / "tests", ROOT / "docs")
    for path in (path for folder in folders for path in modules(folder)):
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{shown(path)}: {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1


def test_no_function_is_long() -> None:
    assert [name for name, length in functions() if length >= LONGEST] == []


# In pieces, so that this file does not find itself.
REGISTRY_HOSTS: Final = re.compile(
    "|".join(("py" + r"pi\.org", "python" + r"hosted\.org", "npm" + r"js\.(org|com)"))
)
# A path of somebody's, such as a test makes up, is no place on any machine.
MACHINE_PATHS: Final = re.compile(
    r"(?<![\w./:~-])/(?:"
    + "|".join(("ho" + "me", "ro" + "ot", "Us" + "ers", "wo" + "rk", "t" + "mp"))
    + r")/(?!somebody/)\w"
)


@pytest.mark.parametrize("needle", [REGISTRY_HOSTS, MACHINE_PATHS], ids=["registry hosts", "machine paths"])
def test_no_committed_file_names(needle: re.Pattern[str]) -> None:
    found = [shown(path) for path in committed() if needle.search(path.read_text("utf-8", "replace"))]
    assert found == []


def test_every_public_name_is_there_and_explained() -> None:
    public = {name: getattr(reelway, name) for name in reelway.__all__}
    # The version is a text, and a union has no place for a docstring.
    explained = {name: vars(one).get("__doc__") for name, one in public.items() if isinstance(one, type)}
    assert [name for name, text in explained.items() if not text] == []


def test_public_names_are_sorted_and_said_once() -> None:
    assert list(reelway.__all__) == sorted(set(reelway.__all__))


def test_every_error_is_public() -> None:
    assert {name for _, name in error_tree(errors)} < set(reelway.__all__)


def test_the_drawing_of_the_error_tree_is_the_tree() -> None:
    assert list(drawn_tree(errors.__doc__ or "")) == list(error_tree(errors))


def error_tree(module: ModuleType) -> Iterator[tuple[str, str]]:
    """Base and name of each error, in the order of the file."""
    for one in vars(module).values():
        if isinstance(one, type) and issubclass(one, Exception):
            yield one.__mro__[1].__name__, one.__name__


def drawn_tree(drawing: str) -> Iterator[tuple[str, str]]:
    above: dict[int, str] = {-1: "Exception"}
    for found in re.finditer(r"^ {4}([│├└─ ]*)([A-Z]\w+)(?: {2}.*)?$", drawing, re.MULTILINE):
        depth = len(found[1]) // 4
        above[depth] = found[2]
        yield above[depth - 1], found[2]


SAMPLES: Final = sorted(path for path in ROOT.glob("*/*/tests/samples") if path.is_dir())


@pytest.mark.parametrize("folder", SAMPLES, ids=shown)
def test_every_sample_has_its_source_named(folder: Path) -> None:
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert "Source" in page
    # A row of the page names a file, or several by a pattern, with or without their ending.
    patterns = re.findall(r"`([^`\s]+)`", page)
    ours = ("README.md", ".reading.json")
    samples = [path for path in folder.iterdir() if not path.name.endswith(ours)]
    assert samples
    assert [path.name for path in samples if not is_named(path, patterns)] == []


def is_named(path: Path, patterns: list[str]) -> bool:
    return any(fnmatch(name, pattern) for name in (path.name, path.stem) for pattern in patterns)
