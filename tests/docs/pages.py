"""The pages of the manual and the snippets in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]

PAGES: Final = sorted(
    [
        ROOT / "README.md",
        ROOT / "core" / "README.md",
        *ROOT.glob("plugins/*/README.md"),
        *(page for page in ROOT.glob("docs/**/*.md") if page.parent.name != "providers"),
    ]
)
"""Pages written by hand. Those of the providers repeat the plugins' READMEs."""

SETUP: Final = ("pip install", "python -m pytest", "export ")
"""Commands that set a machine up; the continuous integration runs the README's two as they stand."""

BLOCK: Final = re.compile(r"(<!-- not run: [^>]+ -->\n)?```(\w+)\n(.*?)```", re.DOTALL)


class Snippet(NamedTuple):
    """One fenced block."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def snippets(language: str) -> Iterator[Snippet]:
    """Every block of a language that is not marked as not run."""
    for page in PAGES:
        text = page.read_text()
        for found in BLOCK.finditer(text):
            if found[1] is None and found[2] == language:
                yield Snippet(page, text.count("\n", 0, found.start(2)) + 1, language, found[3])


def commands(snippet: Snippet) -> list[str]:
    """The commands of a console block that a test can run."""
    lines = [line.removeprefix("$ ") for line in snippet.text.splitlines() if line.startswith("$ ")]
    return [line for line in lines if not any(setup in line for setup in SETUP)]
