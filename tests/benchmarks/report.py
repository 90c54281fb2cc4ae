"""A page: a table of the figures, one of the same work done by others, and what each figure means."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final

from msgspec import Struct

from tests.benchmarks.figures import Cells, Findings, peer_cells, row_cells
from tests.benchmarks.measure import ROOT, installed


class Page(Struct, frozen=True):
    """A page of the manual that a run writes."""

    file: Path
    introduction: str


FIGURES: Final = ("figure", "Reelway", "baseline", "ratio", "goal", "")
PEERS: Final = ("figure", "who", "value", "ratio to the baseline")

LIBRARIES: Final = (
    "reelway",
    "httpx",
    "httpcore",
    "anyio",
    "msgspec",
    "pluggy",
    "typer",
    "rich",
    "pyreqwest",
    "psycopg",
    "procrastinate",
    "openai",
    "litellm",
    "aiohttp",
)

HOW: Final = """\
Written by `nox -s bench`; do not edit. Every ratio compares medians of one run, in which Reelway and its
baseline took turns on the same machine. The server is a process of its own on loopback, and nothing else is
contacted. The absolute numbers belong to this machine, the ratios mean more. A goal that was missed says so.
"""

PAGES: Final = {
    "client": Page(ROOT / "docs" / "benchmarks.md", f"# Benchmarks\n\n{HOW}"),
    "ledger": Page(ROOT / "docs" / "benchmarks-ledger.md", f"# Benchmarks of ledger and tracker\n\n{HOW}"),
}

OTHERS: Final = """\
## The same work done by others

In the same run. A ratio above 1 is better where the figure is a rate, and worse where it is a cost.
"""


def page(what: Page, found: Sequence[Findings], busy: str) -> str:
    rows = [row_cells(row) for one in found for row in one.rows]
    peers = [peer_cells(peer) for one in found for peer in one.peers]
    meanings = "\n\n".join(one.meaning for one in found)
    parts = (
        what.introduction,
        f"{machine()}; {busy}. {versions()}.\n",
        table(FIGURES, rows),
        *((OTHERS, table(PEERS, peers)) if peers else ()),
        f"## What the figures mean\n\n{meanings}\n",
    )
    return "\n".join(parts)


def table(heads: Cells, rows: Iterable[Cells]) -> str:
    lines = (heads, tuple("---" for _ in heads), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def machine() -> str:
    """The processor and the interpreter."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return f"Machine: {os.cpu_count()} cores, {_processor()}, {platform.system()}, {python}"


def load() -> str:
    """How busy the machine is before anything is measured."""
    if not hasattr(os, "getloadavg"):
        return "load unknown"
    return f"load average at the start {os.getloadavg()[0]:.1f}"


def versions() -> str:
    """Everything that takes part, as installed."""
    return "Versions: " + ", ".join(f"{name} {version(name)}" for name in LIBRARIES if installed(name))


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
