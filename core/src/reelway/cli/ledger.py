"""`ledger`: reading a ledger out, clearing it, and examining it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

from typer import Option

from reelway.cli.exit_codes import ExitCode
from reelway.cli.options import MEMORY, LedgerOptions, Options
from reelway.cli.run import Run
from reelway.cli.shapes import as_json
from reelway.cli.state import NO_LEDGER, default_file, named_ledger
from reelway.errors import ConfigurationError
from reelway.ledger.interface import Ledger
from reelway.ledgers import open_ledger, sqlite_path


class ExportOptions(Options, frozen=True, kw_only=True):
    """How much is read out."""

    with_links: Annotated[
        bool,
        Option(
            "--with-links",
            help="With result links, raw answers and bodies of callbacks: whoever has a link can fetch the result.",
            rich_help_panel=MEMORY,
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
            rich_help_panel=MEMORY,
        ),
    ]
    unstored: Annotated[
        bool,
        Option(
            "--unstored",
            help="Also jobs that succeeded and whose results were never stored, which no tracker will then do.",
            rich_help_panel=MEMORY,
            show_default=False,
        ),
    ] = False


def export(run: Run, where: LedgerOptions, how: ExportOptions) -> None:
    """Write everything that a ledger holds as lines of JSON: jobs, their callbacks, and then the history."""
    with _opened(where) as ledger:
        for line in ledger.export(links=how.with_links):
            run.screen.write(as_json(line, sys.stdout.encoding))


def prune(run: Run, where: LedgerOptions, what: PruneOptions) -> None:
    """Forget old jobs, and their idempotency keys. What is under way, in doubt or not yet stored stays."""
    with _opened(where) as ledger:
        before = datetime.now(UTC) - timedelta(days=what.older_than)
        forgotten = ledger.prune(before, unstored=what.unstored)
        run.screen.result({"ledger": ledger.name, "forgotten": forgotten}, f"{forgotten} jobs are forgotten.")


def check(run: Run, where: LedgerOptions) -> ExitCode:
    """Examine a ledger. The exit code is 10 if something is wrong with it."""
    with _opened(where) as ledger:
        problems = ledger.check()
        run.screen.result(
            {"ledger": ledger.name, "problems": problems}, "\n".join(problems) or f"{ledger.name} is well."
        )
    return ExitCode.LEDGER if problems else ExitCode.OK


def _opened(where: LedgerOptions) -> Ledger:
    """The ledger that is meant.

    Raises:
        ConfigurationError: there is none, or this is no URL of one.
        LedgerError: it cannot be opened.
    """
    url = named_ledger(where.ledger) or f"sqlite:{default_file()}"
    if url == NO_LEDGER:
        raise ConfigurationError("No ledger is named.", hint="Name it with --ledger URL, or in REELWAY_LEDGER.")
    # Whoever looks into a ledger that is not there has mistyped its name, and wants no new one.
    if url.startswith("sqlite:") and not sqlite_path(url).exists():
        raise ConfigurationError(f"There is no ledger {url}.", hint="See what its file is called.")
    return open_ledger(url)
