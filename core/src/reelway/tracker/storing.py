"""The work that stores what tasks made: a few downloads at a time, for as long as each of them takes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from math import inf
from typing import Final

from msgspec.structs import replace

from reelway.downloading import downloaded, fetch_plan
from reelway.errors import LedgerError, LinkExpired, OutputMissing, ReelwayError
from reelway.flow.effects import Observe
from reelway.flow.fetch import Fetched
from reelway.flow.schedule import jittered
from reelway.ledger.interface import Ledger
from reelway.ledger.records import AccountKey, Chore, Claim
from reelway.model.lifecycle import ArtifactGone, ResultStored
from reelway.model.task import Artifact, Task
from reelway.storing.place import OpenStore, Place
from reelway.storing.template import Result
from reelway.tracker.accounts import PolledAccount
from reelway.tracker.work import Held, Room, Turn, Work, put_back
from reelway.transport.clock import Clock
from reelway.transport.stepping import Job

logger: Final = logging.getLogger("reelway")

AT_ONCE: Final = 4
"""Results that one tracker fetches at a time; each takes a connection, a file and, at most, a link's bandwidth."""

LEASE_SECONDS: Final = 90.0
"""How long a dead tracker's downloads belong to it."""

RENEWALS: Final = 3
"""How often a lease is renewed before it would run out, so that one slow write of a ledger loses nothing."""

DOWNLOAD_SECONDS: Final = 3600.0
"""For one turn of a download; what has arrived by then is where the next one begins."""

FIRST_PAUSE: Final = 30.0
LONGEST_PAUSE: Final = 3600.0
"""Seconds until the next turn after trouble: doubled with each, up to an hour, and never given up."""

GONE_AFTER: Final = 6
"""Turns in a row in which the provider served nothing, some fifteen minutes, after which the result is gone."""


class Storing(Work):
    """Brings results where they belong."""

    chore = Chore.STORE
    at_once = AT_ONCE
    lease = LEASE_SECONDS

    def __init__(
        self,
        ledger: Ledger,
        accounts: Mapping[AccountKey, PolledAccount],
        place: Place,
        clock: Clock,
        draw: Callable[[], float],
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._place = place
        self._clock = clock
        self._draw = draw

    def room(self, held: Held) -> Room:
        return Room(AT_ONCE - held.total(), self.awaited(held))

    def awaited(self, held: Held) -> Mapping[AccountKey, float]:
        # Links are asked of hosts of files, and not of the account's API.
        return dict.fromkeys(self._accounts, inf) if held.total() < AT_ONCE else {}

    def know(self, backlog: Mapping[AccountKey, int]) -> set[AccountKey]:
        return backlog.keys() - self._accounts.keys()

    async def turn(self, claim: Claim, since: float) -> Turn:
        account = self._accounts[claim.task.ref.account_key]
        if self._clock.monotonic() - since > self.lease / RENEWALS:
            return put_back(claim)
        arrived = _Arrived()
        try:
            return _stored(claim, await self._held(claim, self._fetch(account, claim, arrived)))
        except ReelwayError as error:
            return self._troubled(claim, error, arrived)
        except asyncio.CancelledError:
            # What has arrived is kept, and is where the next turn begins.
            return put_back(claim)

    async def _held(self, claim: Claim, fetching: asyncio.Task[Fetched]) -> Fetched:
        """Wait for a download, and hold its claim meanwhile; one that is another's by now is given up."""
        renewing = asyncio.create_task(self._renew(claim))
        try:
            await asyncio.wait([fetching, renewing], return_when=asyncio.FIRST_COMPLETED)
        finally:
            both = {fetching, renewing}
            for one in both:
                one.cancel()
            await asyncio.wait(both)
        return fetching.result()

    async def _renew(self, claim: Claim) -> None:
        """Renew a claim until it is lost."""
        held = True
        while held:
            await self._clock.sleep_async(self.lease / RENEWALS)
            try:
                held = await asyncio.to_thread(self._ledger.renew, claim, self.lease)
            except LedgerError as error:
                # There is time for another try before the lease runs out.
                logger.warning("The claim of %s could not be renewed: %s", claim.task.ref, error.message)

    def _fetch(self, account: PolledAccount, claim: Claim, arrived: _Arrived) -> asyncio.Task[Fetched]:
        submission = claim.entry.submission
        label = None if submission is None else submission.label

        def opened(task: Task) -> OpenStore:
            return self._place.open(Result(task=task, label=label), now=self._clock.now)

        plan = fetch_plan(
            account.opened,
            draw=self._draw,
            progress=arrived.note,
            timeout=DOWNLOAD_SECONDS,
            known_since=self._clock.monotonic() - claim.age,
        )
        flow = downloaded(account.opened.provider, claim.task, opened, plan)
        return asyncio.create_task(account.driver.run(Job(account.opened.name, flow)))

    def _troubled(self, claim: Claim, error: ReelwayError, arrived: _Arrived) -> Turn:
        # Trouble of any other kind says nothing about what the provider still has.
        refusals = claim.failures + 1 if isinstance(error, LinkExpired | OutputMissing) else 0
        if refusals >= GONE_AFTER:
            message = "The result of %s is gone, and was not stored: %s %s"
            logger.error(message, claim.task.ref, error.message, error.hint)
            return Turn(claim=claim, observed=_gone(claim.task, self._clock), again=0.0)
        interval = min(2 * claim.interval, LONGEST_PAUSE) if claim.interval else FIRST_PAUSE
        again = min(jittered(interval, self._draw()), LONGEST_PAUSE)
        message = "The result of %s is not stored yet; it is tried again in %.0f seconds: %s %s"
        logger.warning(message, claim.task.ref, again, error.message, error.hint)
        partial = Observe(task=replace(claim.task, artifact=Artifact.PARTIAL)) if arrived.any else None
        return Turn(claim=claim, observed=partial, again=again, rest=again, interval=interval, failures=refusals)


class _Arrived:
    """Whether anything of a result has arrived."""

    any = False

    def note(self, received: int, total: int | None) -> None:
        self.any = True


def _stored(claim: Claim, fetched: Fetched) -> Turn:
    task, result = fetched.task, fetched.result
    observed = Observe(task=task, events=(ResultStored.of(task.ref, result),), result=result)
    return Turn(claim=claim, observed=observed, again=0.0)


def _gone(task: Task, clock: Clock) -> Observe:
    event = ArtifactGone(ref=task.ref, at=clock.now())
    return Observe(task=replace(task, artifact=Artifact.GONE), events=(event,))
