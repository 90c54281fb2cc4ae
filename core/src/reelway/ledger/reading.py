"""Rows that can no longer be read: a later release wrote them, or they were damaged. They stop no others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from msgspec.structs import replace

from reelway.errors import LedgerError
from reelway.ledger.records import Entry, Query

logger: Final = logging.getLogger("reelway")


def readable(rows: Iterable[Any], read: Callable[[Any], Entry]) -> dict[int, Entry]:
    """The entries that can be read, by their numbers, which stand first in a row; the log tells of the others."""
    entries = dict[int, Entry]()
    for row in rows:
        try:
            entries[row[0]] = read(row)
        except LedgerError as error:
            logger.error("Entry %s is passed over: %s %s", row[0], error.message, error.hint)  # noqa: TRY400 - told in one line
    return entries


def matching(query: Query, rows_of: Callable[[Query], Sequence[Any]], read: Callable[[Any], Entry]) -> list[Entry]:
    """The entries asked for; the next ones take the places of those that cannot be read."""
    found = list[Entry]()
    while (left := query.limit - len(found)) > 0:
        rows = rows_of(replace(query, limit=left))
        found += readable(rows, read).values()
        if len(rows) < left:
            break
        query = replace(query, after=rows[-1][0])
    return found


def unreadable(rows: Iterable[Any], read: Callable[[Any], Entry]) -> list[str]:
    """What is wrong with entries that no longer say what they said."""
    found = list[str]()
    for row in rows:
        try:
            read(row)
        except LedgerError as error:
            found.append(f"entry {row[0]}: {error.message}")
    return found
