"""Rows that can no longer be read: a later release wrote them, or they were damaged. They stop no others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

from reelway.errors import LedgerError
from reelway.ledger.records import Entry

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


def unreadable(rows: Iterable[Any], read: Callable[[Any], Entry]) -> list[str]:
    """What is wrong with entries that no longer say what they said."""
    found = list[str]()
    for row in rows:
        try:
            read(row)
        except LedgerError as error:
            found.append(f"entry {row[0]}: {error.message}")
    return found
