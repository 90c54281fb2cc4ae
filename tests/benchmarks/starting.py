"""How long does it take to import the library, and to see the help of the command?"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from functools import partial
from typing import Final

from tests.benchmarks.figures import Findings, Peer, Row, milliseconds
from tests.benchmarks.measure import ROOT, Scale, installed, medians

MEANING: Final = """\
**Starting.** Each is a fresh process with its bytecode cached. For an import the process itself takes the time of
the statement, so that the start of Python, which is the same for all, does not hide the difference. The help is
timed from outside, from the start of the process to its end, as a person waits for it; the bare Typer program has
one command with one option."""

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

BASELINE: Final = "httpx, msgspec, pluggy"

PEERS: Final[Mapping[str, str]] = {"openai": "`import openai`", "litellm": "`import litellm`"}


def run(scale: Scale) -> Findings:
    others = [name for name in PEERS if installed(name)]
    found = medians({one: partial(_import, one) for one in ("reelway", BASELINE, *others)}, scale.starts)
    imports = Row(
        figure="`import reelway`",
        ours=milliseconds(found["reelway"]),
        baseline=f"{milliseconds(found[BASELINE])}, `import {BASELINE}`",
        ratio=found["reelway"] / found[BASELINE],
        goal=f"≤ {MOST_IMPORT} ×",
        met=found["reelway"] <= MOST_IMPORT * found[BASELINE],
    )
    peers = [Peer("import", PEERS[one], milliseconds(found[one]), found[one] / found[BASELINE]) for one in others]
    return Findings((imports, _help(scale)), tuple(peers), MEANING)


def _help(scale: Scale) -> Row:
    found = medians({source: partial(_run_help, source) for source in (OUR_HELP, BARE_HELP)}, scale.starts)
    return Row(
        figure="`reelway --help`",
        ours=milliseconds(found[OUR_HELP]),
        baseline=f"{milliseconds(found[BARE_HELP])}, a bare Typer program",
        ratio=found[OUR_HELP] / found[BARE_HELP],
        goal=f"≤ {MOST_HELP:g} ×",
        met=found[OUR_HELP] <= MOST_HELP * found[BARE_HELP],
    )


def _import(modules: str) -> float:
    return float(_python(TIMED_IMPORT.format(modules=modules)).split()[-1])


def _run_help(source: str) -> float:
    begun = time.perf_counter()
    _python(source, "--help")
    return time.perf_counter() - begun


def _python(source: str, *arguments: str) -> str:
    command = [sys.executable, "-c", source, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
