"""Tables for people."""

from __future__ import annotations

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from reelway.cli.screen import plain


def table(columns: Iterable[str], *, title: str | None = None) -> Table:
    """An empty table that never cuts anything off."""
    made = Table(box=SIMPLE_HEAD, header_style="dim", title=title, title_justify="left", title_style="bold")
    for name in columns:
        made.add_column(name, overflow="fold")
    return made


def cell(first: str, *others: str, style: str = "") -> Text:
    """A cell: what matters, and below it, quietly, what belongs to it."""
    lines = [Text(plain(first), style=style), *(Text(plain(one), style="dim") for one in others if one)]
    return Text("\n").join(lines)
