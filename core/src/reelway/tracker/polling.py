"""The work that follows a task: one poll at a time, as often as the provider, the account and its trouble allow."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

from reelway.errors import ErrorKind, ProviderError, ReelwayError
from reelway.flow.effects import Observe, Sighting
from reelway.flow.follow import FAILURE_LIMIT, LAST_POLL_SECONDS, Answer, Trouble, look
from reelway.flow.schedule import RETRY_AFTER_CAP, asked_pause, grown, jittered, pause_after_trouble
from reelway.ledger.records import AccountKey, Chore, Claim
from reelway.tracker.accounts import PolledAccount
from reelway.tracker.work import Held, Room, Turn, Work, put_back
from reelway.transport.async_driver import IN_FLIGHT
from reelway.transport.clock import Clock
from reelway.transport.stepping import Job

logger: Final = logging.getLogger("reelway")

POLL_SECONDS: Final = 20.0
"""From the claim until the answer; where an answer asks for a second request, LAST_POLL_SECONDS more."""

LEAST_SHARE: Final = 0.25
"""Of these seconds: a provider with less time to answer would fail, and it would not be its fault."""

OF_THE_ACCOUNT: Final = frozenset({ErrorKind.RATE_LIMITED, ErrorKind.UNAVAILABLE})
"""Kinds of trouble with which a wish to be left alone is meant for all that the account asks (429 and 503)."""


class Polling(Work):
    """Asks how tasks stand."""

    chore = Chore.POLL
    at_once = IN_FLIGHT
    # The second request that some answers ask for, and as much again for the write.
    lease = POLL_SECONDS + 2 * LAST_POLL_SECONDS

    def __init__(
        self, accounts: Mapping[AccountKey, PolledAccount], clock: Clock, draw: Callable[[], float]
    ) -> None:
        self._accounts = accounts
        self._clock = clock
        self._draw = draw

    def room(self, held: Held) -> Room:
        now = self._clock.monotonic()
        rooms = {key: account.room(now, held[key]) for key, account in self._accounts.items()}
        paces = {key: self._accounts[key].pace() for key, room in rooms.items() if room}
        return Room(sum(rooms.values()), paces)

    def awaited(self, held: Held) -> Mapping[AccountKey, float]:
        return {key: account.pace() for key, account in self._accounts.items() if not account.full(held[key])}

    def know(self, backlog: Mapping[AccountKey, int]) -> set[AccountKey]:
        for key, account in self._accounts.items():
            account.backlog = backlog.get(key, 0)
        return backlog.keys() - self._accounts.keys()

    async def turn(self, claim: Claim, since: float) -> Turn:
        account = self._accounts[claim.task.ref.account_key]
        begun = self._clock.monotonic()
        # Whatever held it up, nothing is sent that could still be under way when the lease has run out.
        timeout = since + POLL_SECONDS - begun
        if timeout < LEAST_SHARE * POLL_SECONDS or account.circuit.open_at(begun):
            return put_back(claim)
        try:
            seen = await _looked(account, claim, timeout, begun)
        except asyncio.CancelledError:
            # Only the tracker stops a turn, and takes what it gives: the request may have left, so the pause holds.
            return put_back(claim, account.opened.cadence.minimum)
        if isinstance(seen, Trouble):
            return self._troubled(account, claim, seen, begun)
        return self._answered(account, claim, seen, claim.age + seen.at.monotonic - since)

    def _answered(self, account: PolledAccount, claim: Claim, seen: Answer, age: float) -> Turn:
        if account.circuit.succeeded():
            logger.warning("%s answers again.", account)
        cadence = account.opened.cadence
        interval = grown(claim.interval, cadence) if claim.interval else cadence.minimum
        return Turn(
            claim=claim,
            observed=Observe(task=claim.task, seen=Sighting(seen.observation, seen.at.wall, age)),
            again=account.pause(interval, self._draw()),
            rest=cadence.minimum,
            interval=interval,
        )

    def _troubled(self, account: PolledAccount, claim: Claim, trouble: Trouble, begun: float) -> Turn:
        cadence = account.opened.cadence
        failures = claim.failures + 1
        interval = max(claim.interval, cadence.minimum)
        pause = jittered(pause_after_trouble(interval, failures, cadence), self._draw())
        again = max(asked_pause(trouble.retry_after, pause), cadence.minimum)
        if failures == FAILURE_LIMIT:
            message = "The last %d polls of %s failed; it is polled on, but seldom: %s"
            logger.warning(message, failures, claim.task.ref, trouble.error.message)
        return Turn(
            claim=claim,
            again=again,
            # Nobody's wish to know sooner counts more than the provider's to be left alone.
            rest=again if trouble.retry_after is not None else cadence.minimum,
            interval=claim.interval,
            failures=failures,
            hold=max(self._opened_circuit(account, trouble, begun), _asked_for(trouble)),
        )

    def _opened_circuit(self, account: PolledAccount, trouble: Trouble, begun: float) -> float:
        """Seconds for which this failure has the account left alone."""
        was_closed = account.circuit.closed
        pause = account.circuit.failed(begun, self._clock.monotonic(), hopeless=trouble.hopeless)
        if pause and was_closed:
            message = (
                "%s is in trouble; its tasks are left alone for %g seconds and more until a poll succeeds: %s %s"
            )
            logger.error(message, account, pause, trouble.error.message, trouble.error.hint)
        return pause


async def _looked(account: PolledAccount, claim: Claim, timeout: float, begun: float) -> Answer | Trouble:
    try:
        flow = look(account.opened.provider, claim.task, timeout, begun)
        return await account.driver.run(Job(account.opened.name, flow))
    except ReelwayError as error:
        return Trouble(error)
    except Exception as error:
        # A defect is no reason to forget a task that somebody has paid for, nor to stop following the others.
        logger.exception("A poll of %s failed", claim.task.ref)
        return Trouble(ReelwayError(f"{type(error).__name__} while it was polled."))


def _asked_for(trouble: Trouble) -> float:
    """Seconds for which the provider asked to be left alone by the whole account."""
    of_the_account = isinstance(trouble.error, ProviderError) and trouble.error.kind in OF_THE_ACCOUNT
    return min(trouble.retry_after or 0.0, RETRY_AFTER_CAP) if of_the_account else 0.0
