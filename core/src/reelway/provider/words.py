"""What a provider's status word means: compared by rule, declared by the provider, and never guessed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeVar

Meaning = TypeVar("Meaning")

ASCII_BLANKS = " \t\r\n"

LONGEST = 100
"""Characters of a word with the blanks around it; what is longer is none, and not worth looking at each letter."""


def fold(word: str) -> str | None:
    """The form in which words are compared: trimmed, lower case, ``-`` and blanks as ``_``.

    Only ASCII words are folded. Case folding turns some look-alike letters into plain ones (the long s, the
    Kelvin sign), so anything else has no comparable form and stays unknown.
    """
    return _folded(word) if len(word) <= LONGEST else None


# A job is asked about again and again, and mostly says the same word.
@lru_cache(maxsize=256)
def _folded(word: str) -> str | None:
    trimmed = word.strip(ASCII_BLANKS)
    if not trimmed or not trimmed.isascii() or not trimmed.isprintable():
        return None
    return trimmed.lower().replace("-", "_").replace(" ", "_")


def meaning(word: str | None, table: Mapping[str, Meaning]) -> Meaning | None:
    """What a word means in a table whose keys are folded; None for a word the table does not hold."""
    folded = fold(word) if word is not None else None
    return table.get(folded) if folded is not None else None
