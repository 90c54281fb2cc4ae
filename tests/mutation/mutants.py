"""A mutant: the program with one small change, known by what was written and what is written now."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher
from enum import StrEnum
from typing import Final

from msgspec import Struct


class Mutant(Struct, frozen=True, kw_only=True):
    """One change.

    Attributes:
        name: tells it from every other mutant of a run.
        module: the module that is changed, as it is imported.
        where: the function, the class or the table in it.
        was: the lines that the change takes away, as one text.
        now: the lines that it puts in their place, as one text.
        source: the whole module with the change, for a mutant that runs in a process of its own.
    """

    name: str
    module: str
    where: str
    was: str
    now: str
    source: str = ""


class Outcome(StrEnum):
    """What became of a mutant, in the words of mutmut, which has more of them; those all mean a broken run."""

    KILLED = "killed"
    TIMEOUT = "timeout"
    SURVIVED = "survived"
    UNTESTED = "no tests"
    UNTRIED = "not checked"


NOTICED: Final = frozenset({Outcome.KILLED, Outcome.TIMEOUT})
"""A program that hangs is noticed as well."""

NOT_RUN: Final = frozenset({Outcome.UNTESTED, Outcome.UNTRIED, "skipped", "check was interrupted by user"})


def change(before: str, after: str) -> tuple[str, str]:
    """The lines that were taken away, and those that came instead."""
    old, new = before.splitlines(), after.splitlines()
    spans = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    changed = [span for span in spans if span[0] != "equal"]
    was = (line for _, start, end, _, _ in changed for line in old[start:end])
    now = (line for _, _, _, start, end in changed for line in new[start:end])
    return _one_text(was), _one_text(now)


def _one_text(lines: Iterable[str]) -> str:
    return " ".join(word for line in lines for word in line.split())
