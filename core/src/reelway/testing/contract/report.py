"""Holding a provider to the contract: each check's outcome, and the report of all."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import asdict

from reelway._version import __version__
from reelway.errors import ConfigurationError, PluginError
from reelway.testing.contract.check import SUITE, Check, Level
from reelway.testing.contract.subject import Found, Subject

MOST: Final = 10
"""Findings of one check that are reported; the first ones show what is wrong."""


class Outcome(StrEnum):
    """What became of a check."""

    PASSED = "passed"
    FAILED = "failed"
    ADVICE = "advice"
    """A `should` that does not hold; no failure."""
    UPCOMING = "upcoming"
    """It does not hold, and is newer than the suite that the provider was written for; no failure yet."""
    EXEMPT = "exempt"
    """It does not hold, and a reason is given why it need not."""
    NOT_APPLICABLE = "not applicable"
    """It is about something that the provider cannot do."""


class Terms(Struct, frozen=True, kw_only=True):
    """What a provider is held to.

    Attributes:
        suite: the version of the suite that it was written for.
        exempt: the ids of checks that need not hold, each with the reason.
    """

    suite: int = SUITE
    exempt: Mapping[str, str] = field(default_factory=dict)

    def refuse_nonsense(self, known: Collection[str]) -> None:
        """Make sure that the terms mean something.

        Raises:
            ConfigurationError: an exemption has no reason or names no check, or the suite is not there yet.
        """
        if not 1 <= self.suite <= SUITE:
            hint = "Install the Reelway that it was written for."
            raise ConfigurationError(f"There is no suite {self.suite}; this Reelway has {SUITE}.", hint=hint)
        for name, reason in self.exempt.items():
            if name not in known:
                raise ConfigurationError(f"There is no check {name!r} to be exempt from.")
            if not reason.strip():
                raise ConfigurationError(f"The exemption from {name!r} gives no reason.")


class Result(Struct, frozen=True, kw_only=True):
    """One check and what became of it."""

    check: Check
    outcome: Outcome
    findings: tuple[str, ...] = ()
    reason: str | None = None
    seconds: float = 0.0

    def document(self) -> dict[str, Any]:
        """The result as JSON."""
        about = {"id": self.check.id, "level": self.check.level.value, "since": self.check.since}
        told = asdict(self) | {"outcome": self.outcome.value, "findings": list(self.findings)}
        del told["check"]
        return about | {"why": self.check.why} | told | {"seconds": round(self.seconds, 3)}


class Report(Struct, frozen=True, kw_only=True):
    """How a provider keeps the contract."""

    provider: str
    terms: Terms
    results: tuple[Result, ...]

    @property
    def conforms(self) -> bool:
        """Whether nothing failed."""
        return not any(result.outcome is Outcome.FAILED for result in self.results)

    @property
    def counts(self) -> dict[str, int]:
        """How many checks had each outcome."""
        counted = Counter(result.outcome.value for result in self.results)
        return {outcome.value: counted[outcome.value] for outcome in Outcome}

    def document(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "provider": self.provider,
            "conforms": self.conforms,
            "reelway": __version__,
            "suite": SUITE,
            "written_for": self.terms.suite,
            "counts": self.counts,
            "seconds": round(sum(result.seconds for result in self.results), 3),
            "checks": [result.document() for result in self.results],
        }


def hold(
    subject: Subject, checks: Iterable[Check], terms: Terms, on_result: Callable[[Result], None] = lambda _: None
) -> Report:
    """Run all checks.

    Raises:
        ConfigurationError: the terms mean nothing.
    """
    all_checks = tuple(checks)
    terms.refuse_nonsense({check.id for check in all_checks})
    results = []
    for check in all_checks:
        results.append(result_of(check, subject, terms))
        on_result(results[-1])
    return Report(provider=subject.provider.info.name, terms=terms, results=tuple(results))


def result_of(check: Check, subject: Subject, terms: Terms) -> Result:
    """Run one check."""
    if not subject.can(check.needs):
        lacking = ", ".join(sorted(check.needs & subject.cannot))
        return Result(check=check, outcome=Outcome.NOT_APPLICABLE, reason=f"the provider cannot: {lacking}")
    begin = time.perf_counter()
    found = tuple(islice(_findings(check, subject), MOST))
    outcome = _judged(check, terms) if found else Outcome.PASSED
    reason = terms.exempt.get(check.id) if outcome is Outcome.EXEMPT else None
    seconds = time.perf_counter() - begin
    return Result(check=check, outcome=outcome, findings=found, reason=reason, seconds=seconds)


def _judged(check: Check, terms: Terms) -> Outcome:
    """What a check that does not hold means."""
    if check.id in terms.exempt:
        return Outcome.EXEMPT
    if check.since > terms.suite:
        return Outcome.UPCOMING
    return Outcome.FAILED if check.level is Level.MUST else Outcome.ADVICE


def _findings(check: Check, subject: Subject) -> Iterator[str]:
    try:
        with _quiet():
            yield from check.examine(subject)
    except Found as found:
        yield str(found)
    # A provider is a stranger's code: whatever it raises is a finding, and the next check goes on.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        cause = error.__cause__ if isinstance(error, PluginError) and error.__cause__ else error
        yield f"it broke down with {type(cause).__name__}: {' '.join(str(cause).split()):.500}"


@contextmanager
def _quiet() -> Iterator[None]:
    """Let the library not warn of what the checks provoke."""
    logger = logging.getLogger("reelway")
    silent, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = silent
