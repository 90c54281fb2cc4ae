"""What a run of faults is going to do: which work is begun, and at which moment the process that does it dies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from random import Random
from typing import Final

from msgspec import Struct


class Kind(StrEnum):
    """The work of a process."""

    SUBMIT = "submit"
    POLL = "poll"
    DOWNLOAD = "download"
    STORE = "store"


class Strike(Struct, frozen=True):
    """The moment of a death.

    Attributes:
        place: what happens then: ``before note`` and ``after note`` a method of the ledger; ``commit`` at the end
            of a transaction that is still open; ``sent`` and ``received`` bytes of HTTP; ``before fsync`` a step of
            the file system. ``time`` is any moment.
        count: how often it happens until then, how many bytes it takes, or how many milliseconds of work.
    """

    place: str
    count: int


class Order(Struct, frozen=True):
    """One process: its work, its wishes where it creates, its death, and by how much its wall clock is set."""

    kind: Kind
    strike: Strike | None = None
    wishes: tuple[int, ...] = ()
    jump: float = 0.0


TIME: Final = "time"

JUMPS: Final = (0.0, 0.0, -3600.0, 86_400.0)
"""Seconds; every other process works while somebody sets its clock."""

WISHES: Final = 3
"""New ones of each process that creates, and one of an earlier process, whatever became of that."""


def _around(*steps: str) -> tuple[str, ...]:
    return tuple(f"{side} {step}" for step in steps for side in ("before", "after"))


_FILES: Final = _around("fsync", "hardlink_to", "unlink", "replace")

STEPS: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.SUBMIT: ("commit", *_around("begin", "note", "accept")),
    Kind.POLL: ("commit", *_around("claim", "settle")),
    Kind.DOWNLOAD: ("commit", *_around("save"), *_FILES),
    Kind.STORE: ("commit", *_around("claim", "settle", "renew"), *_FILES),
}

MOST: Final = 3
"""How often a step happens before a process dies of it, at most."""

BYTES: Final[Mapping[Kind, Mapping[str, int]]] = {
    Kind.SUBMIT: {"sent": 1_500, "received": 900},
    Kind.POLL: {"sent": 1_500, "received": 3_000},
    Kind.DOWNLOAD: {"sent": 400, "received": 60_000},
    Kind.STORE: {"sent": 800, "received": 60_000},
}
"""What goes over the wire within a moment, more or less."""

MILLISECONDS: Final[Mapping[Kind, int]] = {
    Kind.SUBMIT: 400,
    Kind.POLL: 500,
    Kind.DOWNLOAD: 600,
    Kind.STORE: 700,
}


def plan(seed: int, *, deadly: bool = True) -> Iterator[Order]:
    """Orders without end; the same seed gives the same ones.

    Args:
        seed: of the chance.
        deadly: whether the processes die of their work; else somebody else has to see to the faults.
    """
    chance = Random(seed)
    made = 0
    while True:
        # First there has to be something to work at.
        for kind in chance.sample(list(Kind), len(Kind)) if made else [Kind.SUBMIT]:
            wishes: tuple[int, ...] = ()
            if kind is Kind.SUBMIT:
                earlier = range(max(0, made - 4 * WISHES), made)
                wishes = (*range(made, made + WISHES), *chance.sample(earlier, min(1, made)))
                made += WISHES
            strike = _drawn(kind, chance)
            yield Order(kind, strike if deadly else None, wishes, chance.choice(JUMPS))


def _drawn(kind: Kind, chance: Random) -> Strike:
    draws = (_of_time, _of_steps, _of_bytes)
    return chance.choice(draws)(kind, chance)


def _of_time(kind: Kind, chance: Random) -> Strike:
    return Strike(TIME, chance.randint(0, MILLISECONDS[kind]))


def _of_steps(kind: Kind, chance: Random) -> Strike:
    return Strike(chance.choice(STEPS[kind]), chance.randint(1, MOST))


def _of_bytes(kind: Kind, chance: Random) -> Strike:
    place = chance.choice(sorted(BYTES[kind]))
    return Strike(place, chance.randint(1, BYTES[kind][place]))
