"""`list`, `adopt` and `abandon`: what the ledger remembers, and how what is in doubt is settled."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Final

from typer import Argument, Option

from reelway.cli.options import LedgerOptions, Options
from reelway.cli.run import Run
from reelway.cli.screen import plain
from reelway.cli.shapes import entry_shape, task_shape
from reelway.cli.state import existing_ledger, named_ledger, required_ledger
from reelway.cli.views import STYLES, described
from reelway.ledger.records import Entry
from reelway.memory import PAGE, Memory
from reelway.model.observation import Status
from reelway.model.task import Artifact

SubmissionId = Annotated[str, Argument(metavar="SUBMISSION", help="The submission, as `reelway list` shows it.")]

IN_DOUBT: Final = "in doubt"
"""The word for a submission that may have made a task that nobody knows of."""


class ListOptions(Options, frozen=True, kw_only=True):
    """Which jobs are listed."""

    status: Annotated[Status | None, Option("--status", help="Those that stand there.")] = None
    artifact: Annotated[Artifact | None, Option("--artifact", help="Those of whose result that much is held.")] = (
        None
    )
    label: Annotated[str | None, Option("--label", metavar="TEXT", help="Those with this label.")] = None
    provider: Annotated[str | None, Option("--provider", "-p", metavar="NAME", help="Those of one provider.")] = (
        None
    )
    unfinished: Annotated[
        bool,
        Option("--unfinished", help="Those with something left to do or to find out.", show_default=False),
    ] = False
    limit: Annotated[int, Option("--limit", metavar="NUMBER", min=1, help="How many at most.")] = PAGE


def list_(run: Run, sought: ListOptions, where: LedgerOptions) -> None:
    """List the jobs that the ledger remembers, newest first.

    Through a pipe, each is a line: reference or submission, state, artifact and label, with tabs in between.
    """
    with _memory(where) as memory:
        entries = memory.tasks(
            status=sought.status,
            artifact=sought.artifact,
            label=sought.label,
            provider=sought.provider,
            unfinished=sought.unfinished,
            limit=sought.limit,
        )
    if run.screen.json:
        for entry in entries:
            run.screen.result(entry_shape(entry, _now()), "")
    elif sys.stdout.isatty():
        _show(run, entries)
    else:
        for entry in entries:
            run.screen.write("\t".join(map(plain, _line(entry))))


def adopt(
    run: Run,
    submission: SubmissionId,
    task: Annotated[str, Argument(metavar="TASK-ID", help="The provider's id of the task, from its own list.")],
    where: LedgerOptions,
) -> None:
    """Say which task a submission in doubt has made, and print its reference. Nothing is sent."""
    run.steps, run.reach = {"wait": []}, where.arguments
    with _memory(where) as memory:
        adopted = memory.adopt(submission, task)
    run.screen.result(task_shape(adopted), str(adopted.ref))
    run.screen.say(f"Follow it with: {run.go_on([adopted.ref])}")


def abandon(run: Run, submission: SubmissionId, where: LedgerOptions) -> None:
    """Say that a submission in doubt has made no task, as the provider's own list shows. Nothing is sent."""
    with _memory(where) as memory:
        memory.abandon(submission)
    run.screen.say(f"{submission} is given up.")


@contextmanager
def _memory(where: LedgerOptions) -> Iterator[Memory]:
    # The user's own one is made with the first job; before that, there is nothing in it.
    opened = existing_ledger if named_ledger(where.ledger) else required_ledger
    with opened(where.ledger) as ledger:
        yield Memory(ledger, _now)


def state_of(entry: Entry, now: datetime) -> str:
    """How a job stands, in a word; while there is no task, how far its submission got."""
    if entry.task is not None:
        return entry.task.status.value
    submission = entry.submission
    if submission is None:
        return ""
    return IN_DOUBT if submission.in_doubt(now) else submission.state.value


def _name_of(entry: Entry) -> str:
    """What a job is called in other commands."""
    submission = entry.submission
    ref = entry.task.ref if entry.task is not None else submission and submission.ref
    return str(ref) if ref is not None else submission.id if submission is not None else ""


def _line(entry: Entry) -> tuple[str, str, str, str]:
    label = entry.submission.label if entry.submission is not None else None
    artifact = entry.task.artifact.value if entry.task is not None else Artifact.NONE.value
    return _name_of(entry), state_of(entry, _now()), artifact, label or ""


def _told(entry: Entry, state: str) -> str:
    """How a job stands; while there is no task, where and when it was wished for as well."""
    submission = entry.submission
    if entry.task is not None or submission is None:
        return described(entry.task) if entry.task is not None else state
    return f"{state}, {submission.provider} ({submission.account}), {submission.at:%Y-%m-%d %H:%M} UTC"


def _show(run: Run, entries: list[Entry]) -> None:
    from reelway.cli.tables import cell, table

    made = table(("job", "state", "result", "label"))
    for entry in entries:
        name, state, artifact, label = _line(entry)
        style = STYLES[entry.task.status] if entry.task is not None else "yellow" if state == IN_DOUBT else "dim"
        stored = [result.location for result in entry.results]
        made.add_row(cell(name), cell(_told(entry, state), style=style), cell(artifact, *stored), cell(label))
    run.screen.show(made)
    if any(state_of(entry, _now()) == IN_DOUBT for entry in entries):
        run.screen.say("Look for what is in doubt in the provider's own list; then: reelway adopt, or abandon.")


def _now() -> datetime:
    return datetime.now(UTC)
