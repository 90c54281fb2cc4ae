"""How long does it take to import the library, and to see the help of the command?"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from tests.benchmarks.figures import Findings, Peer, Row, milliseconds
from tests.benchmarks.measure import ROOT, Scale, installed, medians
from tests.distributions import install, source_of

MEANING: Final = """\
**Starting.** Each is a fresh process with its bytecode cached. For an import the process itself takes the time of
the statement, so that the start of Python, which is the same for all, does not hide the difference. Reelway
loads its HTTP library with the first client and not before, which the first row gains by; the second has both. The
help is timed from outside, from the start of the process to its end, as a person waits for it; the bare Typer
program has one command with one option. Fifty installed plugins are fifty more distributions on the path, whose
entry points may be read and whose modules are not imported; the baseline is the same help without them."""

TIMED_IMPORT: Final = """
import time
begun = time.perf_counter()
import {modules}
print(time.perf_counter() - begun)
"""

OUR_HELP: Final = "from reelway.cli import main; main()"

BARE_HELP: Final = """
import typer
app = typer.Typer()
@app.command()
def greet(name: str, loud: bool = False) -> None:
    "Greet somebody."
app()
"""

MOST_IMPORT: Final = 1.2
MOST_HELP: Final = 2.0

PLUGINS: Final = 50
MOST_PLUGINS: Final = 0.030
"""Seconds that so many plugins may add to the help."""

BASELINE: Final = "httpx, msgspec, pluggy"

OURS: Final[Mapping[str, str]] = {
    "reelway": "`import reelway`",
    "reelway, httpx": "`import reelway, httpx`",
}

Start = Callable[..., str]
"""Runs a program given as text, with arguments, and returns what it writes."""

PEERS: Final[Mapping[str, str]] = {"openai": "`import openai`", "litellm": "`import litellm`"}


def run(scale: Scale) -> Findings:
    with TemporaryDirectory() as cache:
        start = partial(_python, cache)
        others = [name for name in PEERS if installed(name)]
        imports = _timed({one: partial(_import, start, one) for one in (*OURS, BASELINE, *others)}, scale)
        rows = (*(_row(one, imports) for one in OURS), _help(start, scale), _plugins(cache, scale))
    peers = (_peer(one, imports) for one in others)
    return Findings(rows, tuple(peers), MEANING)


def _row(ours: str, imports: Mapping[str, float]) -> Row:
    ratio = imports[ours] / imports[BASELINE]
    return Row(
        figure=OURS[ours],
        ours=milliseconds(imports[ours]),
        baseline=f"{milliseconds(imports[BASELINE])}, `import {BASELINE}`",
        ratio=ratio,
        goal=f"≤ {MOST_IMPORT} ×",
        met=ratio <= MOST_IMPORT,
    )


def _peer(name: str, imports: Mapping[str, float]) -> Peer:
    return Peer("import", PEERS[name], milliseconds(imports[name]), imports[name] / imports[BASELINE])


def _help(start: Start, scale: Scale) -> Row:
    found = _timed({source: partial(_run_help, start, source) for source in (OUR_HELP, BARE_HELP)}, scale)
    ratio = found[OUR_HELP] / found[BARE_HELP]
    return Row(
        figure="`reelway --help`",
        ours=milliseconds(found[OUR_HELP]),
        baseline=f"{milliseconds(found[BARE_HELP])}, a bare Typer program",
        ratio=ratio,
        goal=f"≤ {MOST_HELP:g} ×",
        met=ratio <= MOST_HELP,
    )


def _plugins(cache: str, scale: Scale) -> Row:
    with TemporaryDirectory() as folder:
        for number in range(PLUGINS):
            install(Path(folder), f"invented-{number}", source_of(f"invented-{number}"))
        starts = {path: partial(_python, cache, path=path) for path in ("", folder)}
        found = _timed({path: partial(_run_help, start, OUR_HELP) for path, start in starts.items()}, scale)
        added = found[folder] - found[""]
        return Row(
            figure=f"`reelway --help`, added by {PLUGINS} plugins",
            ours=milliseconds(added),
            baseline=f"{milliseconds(found[''])}, without them",
            ratio=found[folder] / found[""],
            goal=f"≤ {MOST_PLUGINS * 1e3:g} ms",
            met=added <= MOST_PLUGINS,
        )


def _timed(measures: Mapping[str, Callable[[], float]], scale: Scale) -> dict[str, float]:
    """Medians, once everything has been started and its bytecode is there."""
    for measure in measures.values():
        measure()
    return medians(measures, scale.starts)


def _import(start: Start, modules: str) -> float:
    return float(start(TIMED_IMPORT.format(modules=modules)).split()[-1])


def _run_help(start: Start, source: str) -> float:
    begun = time.perf_counter()
    start(source, "--help")
    return time.perf_counter() - begun


def _python(cache: str, source: str, *arguments: str, path: str = "") -> str:
    # An installer compiles what it installs, and a checkout may not: here everything is compiled to the same place.
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": cache, "PYTHONPATH": path}
    command = [sys.executable, "-c", source, *arguments]
    environ = os.environ | compiled
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True).stdout
