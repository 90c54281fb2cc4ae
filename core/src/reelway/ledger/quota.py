"""How much of what comes to one callback address is kept, so that nobody who knows one fills a disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

MOST_DELIVERIES: Final = 100
"""Deliveries that are kept of one entry; a provider tells of a few changes of each job."""

MOST_BYTES: Final = 8 * 1024 * 1024
"""Bytes of their headers and bodies together."""


class Kept(StrEnum):
    """What became of a delivery."""

    NEW = "new"
    KNOWN = "known"
    """The entry has one with this body already."""
    BEYOND = "beyond"
    """The entry has as many, or as large ones, as are kept."""


class Quota:
    """What is kept of some entries, while further deliveries come in. A ledger keeps those that are new.

    Args:
        held: by entry, how many deliveries it has, and the bytes of their headers and bodies.
        known: entries, and digests of bodies that they have.
    """

    def __init__(self, held: Mapping[int, tuple[int, int]], known: Iterable[tuple[int, bytes]]) -> None:
        self._held = dict(held)
        self._known = set(known)

    def take(self, number: int, digest: bytes, size: int) -> Kept:
        """Judge the next delivery for an entry, and count it if it is to be kept."""
        count, held = self._held.get(number, (0, 0))
        if (number, digest) in self._known:
            return Kept.KNOWN
        if count >= MOST_DELIVERIES or held + size > MOST_BYTES:
            return Kept.BEYOND
        self._held[number] = count + 1, held + size
        self._known.add((number, digest))
        return Kept.NEW
