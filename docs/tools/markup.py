"""Markdown, as all generated pages write it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table; a bar inside a cell would end the cell."""
    names = list(head)
    lines = [names, ["---"] * len(names), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def fence(language: str, text: str) -> str:
    """A block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def code(text: object) -> str:
    """A text as code; an empty one stays empty."""
    return f"`{text}`" if str(text) else ""


def join(parts: Iterable[str]) -> str:
    """Parts as one enumeration."""
    return ", ".join(part for part in parts if part)


def yes(value: object) -> str:
    """A truth as a word."""
    return "yes" if value else "no"


def first_paragraph(documented: object) -> str:
    """What a docstring says first, with Markdown's code marks."""
    text, _, _ = inspect.cleandoc(documented.__doc__ or "").partition("\n\n")
    return " ".join(text.split()).replace("``", "`")
