"""The pages of the manual and the snippets in them.

A block below a line that is nothing but a path is a file of the project that the page builds. A comment right
before a block says how the tests take it:

    <!-- not run: reason -->    it is not run
    <!-- goes on -->            it goes on where the block before it, in the same language, ended
    <!-- in: project -->        its commands run in that project
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"

PAGES: Final = sorted(
    [
        ROOT / "README.md",
        ROOT / "core" / "README.md",
        *ROOT.glob("plugins/*/README.md"),
        *(page for page in DOCS.glob("**/*.md") if page.parent.name != "providers"),
    ]
)
"""Pages written by hand. Those of the providers repeat the plugins' READMEs."""

SETUP: Final = ("pip install", "python -m pytest", "export ")
"""Commands that set a machine up; the continuous integration runs the README's two as they stand."""

BLOCK: Final = re.compile(
    r"(?:^`(?P<file>[\w./-]+)`:\n\n|<!-- (?P<note>not run|goes on|in)(?:: [^>]+)? -->\n)?"
    r"^```(?P<language>\w+)\n(?P<text>.*?)^```",
    re.DOTALL | re.MULTILINE,
)


class Snippet(NamedTuple):
    """One fenced block, and the comment before it."""

    page: Path
    line: int
    language: str
    text: str
    note: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> Iterator[Snippet]:
    """Every block of a page."""
    text = page.read_text()
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start("language")) + 1
        yield Snippet(page, line, found["language"], found["text"], found["note"], found["file"])


def snippets(language: str) -> Iterator[Snippet]:
    """Every block of a language that runs for itself, with what it goes on from."""
    for page in PAGES:
        before = ""
        for block in blocks(page):
            if block.language == language and not block.file and block.note in {None, "goes on"}:
                text = f"{before}\n{block.text}" if block.note else block.text
                before = text
                yield block._replace(text=text)


def commands(snippet: Snippet) -> list[str]:
    """The commands of a console block that a test can run."""
    lines = [line.removeprefix("$ ") for line in snippet.text.splitlines() if line.startswith("$ ")]
    return [line for line in lines if not any(setup in line for setup in SETUP)]
