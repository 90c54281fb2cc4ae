"""`ledger`: reading a ledger out, clearing it, and examining it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from typer import Option

from reelway.cli.exit_codes import ExitCode
from reelway.cli.options import MEMORY, LedgerOptions, Options
from reelway.cli.run import Run
from reelway.cli.shapes import as_json
from reelway.cli.state import existing_ledger

RESCUE: Final = "Keep a copy of it before anything else; `reelway ledger export` reads out what can still be read."


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


def export(run: Run, where: LedgerOptions, how: ExportOptions) -> ExitCode:
    """Write everything that a ledger holds as lines of JSON: jobs, their callbacks, and then the history.

    What cannot be read is left out. The exit code is 10 if something is wrong with the ledger.
    """
    with existing_ledger(where.ledger) as ledger:
        for line in ledger.export(links=how.with_links):
            run.screen.write(as_json(line, sys.stdout.encoding))
        problems = ledger.check()
    if problems:
        run.screen.say(
            f"All that can be read is written. What is wrong with {ledger.name}: see `reelway ledger check`."
        )
    return ExitCode.LEDGER if problems else ExitCode.OK


def prune(run: Run, where: LedgerOptions, what: PruneOptions) -> None:
    """Forget old jobs, and their idempotency keys. What is under way, in doubt or not yet stored stays."""
    with existing_ledger(where.ledger) as ledger:
        before = datetime.now(UTC) - timedelta(days=what.older_than)
        forgotten = ledger.prune(before, unstored=what.unstored)
        run.screen.result({"ledger": ledger.name, "forgotten": forgotten}, f"{forgotten} jobs are forgotten.")


def check(run: Run, where: LedgerOptions) -> ExitCode:
    """Examine a ledger. The exit code is 10 if something is wrong with it."""
    with existing_ledger(where.ledger) as ledger:
        problems = ledger.check()
        run.screen.result(
            {"ledger": ledger.name, "problems": problems}, "\n".join(problems) or f"{ledger.name} is well."
        )
    if problems:
        run.screen.say(RESCUE)
    return ExitCode.LEDGER if problems else ExitCode.OK
