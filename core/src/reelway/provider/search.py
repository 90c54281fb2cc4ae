"""One search for many facts: their places, compiled so that a document is walked once for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from reelway.provider.readers import Json, Place, item

Read: TypeAlias = Callable[[Json], Any]
"""Makes of a foreign value one of ours, or None."""

Fact: TypeAlias = tuple[Sequence[Place], Read]
"""The places of a fact in order of trust, and what reads the values there."""

_End: TypeAlias = tuple[int, int, Read]
"""Where a place ends: the number of its fact, its rank among the places of that fact, and what reads it."""

_Tree: TypeAlias = dict[str, tuple[tuple[_End, ...], "_Tree"]]
"""Where each key leads: to places that end there, and to deeper keys."""


class Search:
    """Finds several facts in a document, each in the first of its places where there is something to read.

    Tables name dozens of places, and an answer fills a handful of them. So the walk follows the document, and what
    it costs does not grow with the table.
    """

    def __init__(self, facts: Sequence[Fact]) -> None:
        self._tree = _grown(
            (place.split("."), (number, rank, read))
            for number, (places, read) in enumerate(facts)
            for rank, place in enumerate(places)
        )
        self._nothing: list[Any] = [None] * len(facts)
        self._beyond = [len(places) for places, _ in facts]

    def __call__(self, document: Json) -> list[Any]:
        """What is read of each fact, in their order; None for a fact that is nowhere to be read."""
        found = self._nothing.copy()
        _walk(document, self._tree, found, self._beyond.copy())
        return found


def _grown(places: Iterable[tuple[list[str], _End]]) -> _Tree:
    below: defaultdict[str, list[tuple[list[str], _End]]] = defaultdict(list)
    for (key, *deeper), end in places:
        below[key].append((deeper, end))
    return {
        key: (tuple(end for path, end in paths if not path), _grown(one for one in paths if one[0]))
        for key, paths in below.items()
    }


def _walk(document: Json, tree: _Tree, found: list[Any], ranks: list[int]) -> None:
    """Read what ends here and go deeper; ``ranks`` tells how trusted the place is from which each fact was read."""
    if not isinstance(document, dict):
        document = {key: item(document, key) for key in tree}
    for key, value in document.items():
        if key not in tree or value is None:
            continue
        ends, deeper = tree[key]
        for fact, rank, read in ends:
            if rank < ranks[fact] and (reading := read(value)) is not None:
                found[fact] = reading
                ranks[fact] = rank
        if deeper:
            _walk(value, deeper, found, ranks)
