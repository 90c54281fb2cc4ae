"""What a run says: whether every mutant ran, enough were noticed, and each survivor is listed with its reason."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from tests.mutation.mutants import NOT_RUN, NOTICED, Mutant, Outcome
from tests.mutation.targets import Survivor

LEAST: Final = 0.9
"""The share of mutants that has to be noticed."""

Reading = tuple[str, str, str]

COLUMNS: Final = ("target", "generated", "run", "killed", "of these hung", "survived", "rate", "minutes")


class Measured(Struct, frozen=True, kw_only=True):
    """All mutants of a target, and what became of each by its name."""

    target: str
    modules: tuple[str, ...]
    mutants: tuple[Mutant, ...]
    outcomes: Mapping[str, str]
    seconds: float

    def outcome(self, mutant: Mutant) -> str:
        return self.outcomes.get(mutant.name, Outcome.UNTRIED)

    def count(self, *outcomes: str) -> int:
        return sum(self.outcome(mutant) in outcomes for mutant in self.mutants)

    @property
    def survivors(self) -> list[Mutant]:
        """Those that ran and were not noticed, whatever the tool calls it."""
        return [mutant for mutant in self.mutants if self.outcome(mutant) not in NOTICED | NOT_RUN]

    @property
    def rate(self) -> float:
        return self.count(*NOTICED) / max(1, len(self.mutants))


def problems(measured: Measured, listed: Sequence[Survivor]) -> Iterator[str]:
    """Everything for which the run fails."""
    for module in measured.modules:
        if not any(mutant.module == module for mutant in measured.mutants):
            yield f"nothing in {module} was changed"
    for mutant in measured.mutants:
        if measured.outcome(mutant) in NOT_RUN:
            yield f"did not run ({measured.outcome(mutant)}): {mutant.name}"
    if measured.rate < LEAST:
        yield f"only {measured.rate:.1%} were noticed, and {LEAST:.0%} have to be"
    known = {reading: survivor for survivor in listed for reading in _readings(survivor)}
    alive = {_reading(mutant): mutant for mutant in measured.survivors}
    for reading, mutant in alive.items():
        if reading not in known:
            yield f"{measured.outcome(mutant)}, and not listed:\n{as_listed(mutant)}"
    for where, was, now in known:
        if (where, was, now) not in alive:
            yield f"listed, but it does not survive or does not exist any more: {where}: {was} -> {now}"


def as_listed(mutant: Mutant) -> str:
    """A survivor as survivors.toml wants it; the reason is for people to write."""
    rows = (("where", _quoted(mutant.where)), ("was", _quoted(mutant.was)), ("now", f"[{_quoted(mutant.now)}]"))
    return "".join(f"    {name} = {text}\n" for name, text in rows) + '    reason = ""'


def table(all_measured: Sequence[Measured]) -> str:
    """One line for each target."""
    lines = [COLUMNS, tuple("---" for _ in COLUMNS), *map(_cells, all_measured)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _cells(measured: Measured) -> tuple[str, ...]:
    generated, killed = len(measured.mutants), measured.count(*NOTICED)
    numbers = (
        generated,
        generated - measured.count(*NOT_RUN),
        killed,
        measured.count(Outcome.TIMEOUT),
        len(measured.survivors),
    )
    return (measured.target, *map(str, numbers), f"{measured.rate:.1%}", f"{measured.seconds / 60:.1f}")


def _reading(mutant: Mutant) -> Reading:
    return mutant.where, mutant.was, mutant.now


def _readings(survivor: Survivor) -> list[Reading]:
    return [(survivor.where, survivor.was, now) for now in survivor.now]


def _quoted(text: str) -> str:
    """As a string of TOML: as it stands if that can be, else with escapes."""
    return f"'{text}'" if "'" not in text else json.dumps(text, ensure_ascii=False)
