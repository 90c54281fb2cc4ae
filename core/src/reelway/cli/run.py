"""One run of a command: what is on its way, so that nothing paid is lost when the run is cut short."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Final

from reelway.cli.screen import Interrupted, Screen
from reelway.errors import LedgerError, ReelwayError, SubmissionUnknown, TaskLost
from reelway.model.observation import Status
from reelway.model.submission import DOUBTFUL, Submission
from reelway.model.task import TaskRef

DOUBT: Final = "a task may exist and be billed. Look at the provider's own list of tasks before creating again."

STOPPED: Final = "Interrupted; what was waited for goes on at the provider:"


class Run:
    """One run of a command.

    Attributes:
        screen: where it writes.
        before: the options ahead of the command with which its providers are found.
        reach: the options with which its tasks are reached.
        memory: the options with which another command has the same ledger.
        remembers: whether there is a ledger.
        steps: the commands, with options of their own, that do what is still to be done.
        under_way: the tasks that were not followed to their end yet.
    """

    def __init__(self, screen: Screen) -> None:
        """Start with nothing on the way."""
        self.screen = screen
        self.before: list[str] = []
        self.reach: list[str] = []
        self.memory: list[str] = []
        self.remembers = False
        self.steps: dict[str, list[str]] = {}
        self.under_way: dict[TaskRef, None] = {}
        self._creating: Submission | None = None

    def submission(self, submission: Submission) -> None:
        """Note a step of a submission."""
        self._creating = submission if submission.state in DOUBTFUL else None
        if submission.ref is not None:
            self.started([submission.ref])

    def started(self, refs: Iterable[TaskRef]) -> None:
        """Note tasks that something is still to be done with."""
        self.under_way |= dict.fromkeys(refs)

    def ended(self, ref: TaskRef) -> None:
        """Note that a task needs nothing more."""
        self.under_way.pop(ref, None)

    def go_on(self, refs: Iterable[TaskRef], *, first: str | None = None) -> str | None:
        """The exact commands that do what is still to be done with these tasks, ``first`` before the others."""
        named = [str(ref) for ref in refs]
        before: dict[str, list[str]] = {first: []} if first else {}
        steps = before | self.steps
        if not (named and steps):
            return None
        lines = (["reelway", *self.before, step, *named, *self.reach, *options] for step, options in steps.items())
        return " && ".join(map(shlex.join, lines))

    def tell(self, error: ReelwayError, ref: TaskRef | None = None) -> None:
        """Tell of an error that is about a task, and how to go on with it."""
        if ref is None and error.task is None and self.under_way:
            # Something was paid for, and this error does not know of it.
            ref = next(iter(self.under_way))
            self.screen.error(error, go_on=self.go_on([ref]), ref=str(ref))
        else:
            self.screen.error(error, go_on=self._way_on(error), ref=str(ref) if ref else None)

    def broke(self, error: Exception) -> None:
        """Tell of a defect, and of what it must not make anybody forget."""
        refs = list(self.under_way)
        self.screen.defect(error, str(refs[0]) if refs else None)
        if refs and not self.screen.json:
            self._stop_all()

    def interrupted(self) -> None:
        """Tell what was on the way when the user stopped the command."""
        if self._creating is not None:
            message = f"Interrupted during a create at {self._creating.provider}: {DOUBT}"
            self.screen.error(Interrupted(message, hint=self._settling(self._creating)))
        elif not self.under_way:
            self._stop("Interrupted.")
        elif self.screen.json:
            for ref in self.under_way:
                self._stop("Interrupted; the job goes on at the provider.", ref)
        else:
            self._stop_all()

    def _way_on(self, error: ReelwayError) -> str | None:
        """What can still be done with the task of an error; nothing with one that ended badly."""
        if isinstance(error, SubmissionUnknown) and error.recorded:
            return self._adopting(error.submission_id)
        task = error.task
        go_on = error.retryable or isinstance(error, TaskLost | LedgerError)
        if task is None or not self.steps or not go_on:
            return None
        if task.status in {Status.FAILED, Status.CANCELLED, Status.EXPIRED}:
            return None
        saving = "download" in self.steps
        return self.go_on([task.ref], first="wait" if saving and not task.final else None)

    def _adopting(self, submission_id: str) -> str:
        return shlex.join(["reelway", "adopt", submission_id, "TASK-ID", *self.memory])

    def _settling(self, submission: Submission) -> str:
        """What is to be done about a create in doubt, where a ledger remembers it."""
        if not self.remembers:
            return ""
        give_up = shlex.join(["reelway", "abandon", submission.id, *self.memory])
        return f"If it is there: {self._adopting(submission.id)}; if not: {give_up}"

    def _stop_all(self) -> None:
        self._stop("\n  ".join((STOPPED, *map(str, self.under_way))), *self.under_way)

    def _stop(self, message: str, *refs: TaskRef) -> None:
        go_on = self.go_on(refs)
        error = Interrupted(message, hint=f"Go on with: {go_on}" if go_on else "")
        self.screen.error(error, ref=str(refs[0]) if refs else None)
