"""What a check is: a function with a name, a reason, a level and a date of birth."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator
from enum import StrEnum
from typing import Final, TypeAlias

from msgspec import Struct

from reelway.testing.contract.feature import Feature
from reelway.testing.contract.subject import Subject

SUITE: Final = 1
"""The version of the suite. It goes up with every release that brings new checks."""


class Level(StrEnum):
    """What a broken check means (RFC 2119)."""

    MUST = "must"
    """The provider is wrong: money, a paid task or a secret is at stake, or its users are misled."""
    SHOULD = "should"
    """The provider works, and could serve its users better."""


Examine: TypeAlias = Callable[[Subject], Iterator[str]]
"""Looks at a provider and yields a sentence for each thing that is wrong with it."""


class Check(Struct, frozen=True, kw_only=True):
    """One rule of the contract.

    Attributes:
        group: the part of the contract that it belongs to.
        name: what should be true, in a few words.
        why: one sentence on what goes wrong otherwise.
        level: what a broken check means.
        since: the version of the suite that brought it.
        needs: what a provider has to be able to do for the rule to concern it.
        examine: looks at a provider.
    """

    group: str
    name: str
    why: str
    level: Level
    since: int
    needs: frozenset[Feature]
    examine: Examine

    @property
    def id(self) -> str:
        """The name under which it is reported and exempted."""
        return f"{self.group}.{self.name}"


class Group:
    """The checks of one part of the contract, in the order in which they are written down."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.checks: list[Check] = []

    def check(
        self, *, level: Level = Level.MUST, since: int = 1, needs: Collection[Feature] = ()
    ) -> Callable[[Examine], Examine]:
        """Make a function a check: its name is the check's name, and its docstring says why."""

        def add(examine: Examine) -> Examine:
            name = getattr(examine, "__name__", "").replace("_", "-")
            why = " ".join((inspect.getdoc(examine) or "").split())
            check = Check(
                group=self.name,
                name=name,
                why=why,
                level=level,
                since=since,
                needs=frozenset(needs),
                examine=examine,
            )
            self.checks.append(check)
            return examine

        return add
