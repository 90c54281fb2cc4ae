"""What people are told while something is tried again, so that nobody takes patience for a program that hangs."""

from __future__ import annotations

from typing import Any, Final

from reelway.cli.screen import Screen
from reelway.flow.effects import Effect, Sleep
from reelway.flow.submit import BUDGET_SECONDS
from reelway.model.exchange import HttpExchange
from reelway.model.submission import Submission, SubmissionState
from reelway.provider.hookspecs import hookimpl

TRIED_AGAIN: Final = frozenset({408, 425, 429})
"""Statuses below 500 after which a poll is made again."""

LEAST_PAUSE: Final = 1.0
"""Seconds; shorter pauses are not worth a line."""


class Recoveries:
    """Says what is tried again: the first time, and with ``--verbose`` each time, and how long is waited."""

    def __init__(self, screen: Screen, *, polls: bool) -> None:
        """Speak on a screen; of ``polls`` only where they are repeated."""
        self._screen = screen
        self._polls = polls
        self._failing: set[tuple[str, str]] = set()
        self._unsent: set[str] = set()

    def submission(self, submission: Submission) -> None:
        """A step of a create. One that is back at its intent, for a reason, was proven to have sent nothing."""
        if submission.state is not SubmissionState.INTENT or submission.detail is None:
            return
        if self._screen.verbose or submission.id not in self._unsent:
            self._unsent.add(submission.id)
            message = f"{submission.provider} took no create: {submission.detail}."
            self._screen.say(f"{message} Trying again for up to {BUDGET_SECONDS:g} seconds; Ctrl-C ends it.")

    @hookimpl
    def reelway_http_exchange(self, exchange: HttpExchange) -> None:
        """An exchange has ended."""
        if not self._polls or exchange.method != "GET":
            return
        account, trouble = (exchange.provider, exchange.account), trouble_of(exchange)
        if trouble is None:
            self._answered(account)
        elif self._screen.verbose or account not in self._failing:
            self._screen.say(
                f"{exchange.provider} could not be asked: {trouble}. It is asked again until the wait ends."
            )
            self._failing.add(account)

    def effect(self, effect: Effect[Any]) -> None:
        """What a flow does next; pauses are told."""
        if isinstance(effect, Sleep) and effect.seconds >= LEAST_PAUSE:
            self._screen.say(f"Waiting {effect.seconds:.1f} seconds.")

    def _answered(self, account: tuple[str, str]) -> None:
        if account in self._failing:
            self._failing.discard(account)
            self._screen.say(f"{account[0]} answers again.")


def trouble_of(exchange: HttpExchange) -> str | None:
    """What went wrong with a poll on its way; None where it was answered."""
    status = exchange.status
    if status is None:
        return exchange.reason
    return f"HTTP {status}" if status >= 500 or status in TRIED_AGAIN else None
