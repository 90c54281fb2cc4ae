"""Faults by chance, drawn so that the same seed spoils the same requests in the same way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Final

from reelway.provider.simulator import SimulatedCall
from reelway.sandbox.faults import CATALOG, Fault, Takes
from reelway.sandbox.plan import ArmedFault

MOST_FAULTS: Final = 4
"""Of one task."""

LATEST_CALL: Final = 4
"""With which call a fault begins at the latest."""

SECONDS: Final = "0.2"
"""How long what takes seconds takes: chaos is meant to be quick."""


class Chaos:
    """Draws the faults of each create.

    What is drawn depends on the seed and on the request, and not on when it comes or what came before it: requests
    that reach the sandbox in another order are spoilt in the same way.
    """

    def __init__(self, seed: int, chance: float = 0.6) -> None:
        """Choose the seed, and how likely each further fault of a task is."""
        self._seed = seed
        self._chance = chance
        self._drawn: Counter[str] = Counter()

    def draw(self, provider: str, call: SimulatedCall) -> list[ArmedFault]:
        """The faults of one create; the same request again gets others."""
        request = f"{provider} {call!r}"
        self._drawn[request] += 1
        lot = Random(f"{self._seed} {self._drawn[request]} {request}")
        return [ArmedFault.parse(text) for text in self._chosen(lot)]

    def _chosen(self, lot: Random) -> Iterator[str]:
        for _ in range(MOST_FAULTS):
            if lot.random() >= self._chance:
                return
            yield spelt(lot.choice(CATALOG), lot)


def spelt(fault: Fault, lot: Random) -> str:
    """A fault as it is asked for, with a place, a call and an argument by lot."""
    name = f"{lot.choice(fault.at)}/{fault.name}"
    begun = "" if fault.shapes else f"@{lot.randint(1, LATEST_CALL)}"
    arguments = {
        Takes.TIMES: str(lot.randint(1, 3)),
        Takes.SECONDS: SECONDS,
        Takes.STATUS: str(lot.randint(400, 599)),
        Takes.VALUE: lot.choice(("1", "soon", "-5", "1e9", "Wed, 21 Oct 2015 07:28:00 GMT")),
    }
    return f"{name}{begun}:{arguments.get(fault.takes, fault.default)}".rstrip(":")
