"""`conform`: a provider held to the contract, without a test file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from typer import Argument, Option

from reelway.cli.exit_codes import ExitCode
from reelway.cli.options import Options
from reelway.cli.plugins import installed
from reelway.cli.run import Run
from reelway.cli.shapes import as_json
from reelway.errors import ConfigurationError, InvalidRequest, Problem

if TYPE_CHECKING:
    from types import ModuleType

    from reelway.testing.contract.report import Report, Result


class ContractOptions(Options, frozen=True, kw_only=True):
    """What the provider is held to: the same as in its test file."""

    samples: Annotated[
        Path | None,
        Option("--samples", metavar="FOLDER", help="The recorded answers, each with its reading.", exists=True),
    ] = None
    cannot: Annotated[
        list[str],
        Option(
            "--cannot",
            metavar="FEATURE",
            help="What it cannot do; by default found out. Repeatable.",
            show_default=False,
        ),
    ] = []
    suite: Annotated[
        int | None, Option("--suite", metavar="NUMBER", help="The suite it was written for; by default the newest.")
    ] = None
    exempt: Annotated[
        list[str],
        Option(
            "--exempt", metavar="CHECK=REASON", help="A check that need not hold. Repeatable.", show_default=False
        ),
    ] = []
    report: Annotated[
        Path | None,
        Option("--report", metavar="FILE", help="Where the report goes; by default conform-<provider>.json."),
    ] = None


def conform(
    run: Run,
    named: Annotated[str, Argument(metavar="PROVIDER", help="The provider's name.")],
    terms: ContractOptions,
) -> ExitCode:
    """Hold a provider to the contract and write a report as JSON. The exit code is 1 if a check failed.

    The checks are those of reelway.testing.ProviderContract. Nothing is sent anywhere.
    """
    subject = installed().get(named)
    suite = load_suite()
    held_to = suite.Terms(suite=terms.suite or suite.SUITE, exempt=dict(map(_exemption, terms.exempt)))
    examined = suite.Subject(subject, samples=terms.samples, cannot=_features(suite, terms.cannot))
    with suite.nothing_left_behind():
        report = suite.hold(examined, suite.CHECKS, held_to, lambda result: _tell(run, result))
    file = terms.report or (None if run.screen.json else Path(f"conform-{named}.json"))
    _write(report, file)
    run.screen.result(report.document(), _summary(report, file))
    return ExitCode.OK if report.conforms else ExitCode.UNEXPECTED


def load_suite() -> ModuleType:
    """The contract suite, which needs libraries for tests.

    Raises:
        ConfigurationError: one of them is not installed.
    """
    try:
        from reelway.testing.contract import run as suite
    except ModuleNotFoundError as error:
        hint = 'Install it: python -m pip install "reelway[cli,testing]"'
        raise ConfigurationError(f"The contract suite needs {error.name}.", hint=hint) from error
    return suite


def _features(suite: ModuleType, names: list[str]) -> list[str] | None:
    known = [feature.value for feature in suite.Feature]
    strange = [name for name in names if name not in known]
    if strange:
        raise InvalidRequest([Problem(field="cannot", message=f"{strange[0]!r} is none", allowed=tuple(known))])
    return names or None


def _exemption(written: str) -> tuple[str, str]:
    name, equals, reason = written.partition("=")
    if not equals:
        raise InvalidRequest([Problem(field="exempt", message=f"{written!r} is not of the form CHECK=REASON")])
    return name.strip(), reason.strip()


MARKS: Final = {"failed": "FAILED", "advice": "advice", "upcoming": "upcoming", "exempt": "exempt"}
"""The outcomes that a person has to know of."""


def _tell(run: Run, result: Result) -> None:
    """What did not hold, as soon as that is known."""
    if result.outcome in MARKS:
        lines = [f"{MARKS[result.outcome]} {result.check.id}: {result.check.why}", *result.findings]
        lines += [f"exempt: {result.reason}"] if result.reason else []
        run.screen.say("\n  - ".join(lines))


def _write(report: Report, file: Path | None) -> None:
    if file is None:
        return
    try:
        file.write_text(as_json(report.document(), "utf-8", indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}.") from error


def _summary(report: Report, file: Path | None) -> str:
    verdict = "keeps" if report.conforms else "does not keep"
    counts = ", ".join(f"{count} {outcome}" for outcome, count in report.counts.items() if count)
    where = "" if file is None else f" The report is in {file}."
    return f"{report.provider} {verdict} the contract: {counts}.{where}"
