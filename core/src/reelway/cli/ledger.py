"""`ledger`: reading a ledger out, clearing it, and examining it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

from typer import Option

from reelway.cli.exit_codes import ExitCode
from reelway.cli.options import Options
from reelway.cli.run import Run
from reelway.cli.shapes import as_json
from reelway.errors import ConfigurationError

if TYPE_CHECKING:
    from reelway.ledger.interface import Ledger

LEDGER = "Ledger"
"""The panel of the help."""


class WhichLedger(Options, frozen=True, kw_only=True):
    """Which ledger is meant."""

    ledger: Annotated[
        str | None,
        Option(
            "--ledger",
            metavar="URL",
            envvar="REELWAY_LEDGER",
            help="Where it is, for instance sqlite:jobs.db.",
            rich_help_panel=LEDGER,
        ),
    ] = None

    def open(self) -> Ledger:
        """The ledger.

        Raises:
            ConfigurationError: none is named, this is no URL of one, or there is no such file.
            LedgerError: it cannot be opened.
        """
        from reelway.ledgers import open_ledger, sqlite_path

        if self.ledger is None:
            raise ConfigurationError("No ledger is named.", hint="Name it with --ledger URL, or in REELWAY_LEDGER.")
        # Whoever looks at a ledger that is not there has mistyped its name, and wants no new one.
        if self.ledger.startswith("sqlite:") and not sqlite_path(self.ledger).exists():
            raise ConfigurationError(f"There is no ledger {self.ledger}.", hint="See what its file is called.")
        return open_ledger(self.ledger)


class ExportOptions(Options, frozen=True, kw_only=True):
    """How much is read out."""

    with_links: Annotated[
        bool,
        Option(
            "--with-links",
            help="With result links, raw answers and bodies of callbacks: whoever has a link can fetch the result.",
            rich_help_panel=LEDGER,
            show_default=False,
        ),
    ] = False


class PruneOptions(Options, frozen=True, kw_only=True):
    """What is old enough to be forgotten."""

    older_than: Annotated[
        float,
        Option(
            "--older-than",
            metavar="DAYS",
            min=0,
            max=36500,
            help="Days since the job was begun.",
            rich_help_panel=LEDGER,
        ),
    ]


def export(run: Run, which: WhichLedger, how: ExportOptions) -> None:
    """Write everything that a ledger holds as lines of JSON: jobs, their callbacks, and then the history."""
    with which.open() as ledger:
        for line in ledger.export(links=how.with_links):
            run.screen.write(as_json(line, sys.stdout.encoding))


def prune(run: Run, which: WhichLedger, what: PruneOptions) -> None:
    """Forget old jobs with which nothing is left to do. What is under way, in doubt or not yet stored stays."""
    with which.open() as ledger:
        forgotten = ledger.prune(datetime.now(UTC) - timedelta(days=what.older_than))
        run.screen.result({"ledger": ledger.name, "forgotten": forgotten}, f"{forgotten} jobs are forgotten.")


def check(run: Run, which: WhichLedger) -> ExitCode:
    """Examine a ledger. The exit code is 10 if something is wrong with it."""
    with which.open() as ledger:
        problems = ledger.check()
        run.screen.result(
            {"ledger": ledger.name, "problems": problems}, "\n".join(problems) or f"{ledger.name} is well."
        )
    return ExitCode.LEDGER if problems else ExitCode.OK
