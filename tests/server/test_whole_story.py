"""A client creates, the provider calls back, the receiver wakes, a tracker polls: all on one virtual clock."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Final, NamedTuple

import pytest

from reelway import Account, AsyncClient, Status
from reelway.ledger.sqlite import SqliteLedger
from reelway.model.http import HttpRequest, HttpResponse
from reelway.provider.interface import Cadence
from reelway.provider.registry import Registry
from reelway.sandbox import Callback, Sandbox
from reelway.server import CallbackReceiver
from reelway.testing import VirtualClock, in_process
from reelway.tracker.tracker import Tracker
from tests.client.test_callbacks import BASE, CALLING
from tests.server.caller import Line, call, scope_of

CADENCE: Final = Cadence(5, 30)

JOB_SECONDS: Final = 47.0

STEP: Final = 0.25


class Ended(NamedTuple):
    """When a tracker saw the end of a job, and when it polled."""

    seconds: float
    status: Status
    polls: list[float]


class Story:
    """A job at the sandbox, from its create to the poll that sees its end."""

    def __init__(self, provider: str, *, delivered: bool) -> None:
        self.clock = VirtualClock()
        self.ledger = SqliteLedger(monotonic=self.clock.monotonic)
        self.heard: list[Callback] = []
        self.polls: list[float] = []
        self.sandbox = Sandbox(clock=self.clock, job_seconds=JOB_SECONDS, on_callback=self.heard.append)
        self.provider = provider
        self._delivered = delivered
        secret = self.sandbox.callback_secret(provider)
        secrets = {provider: secret} if secret else {}
        self.receiver = CallbackReceiver(self.ledger, path="callbacks", secrets=secrets, clock=self.clock)
        self.account = Account(
            provider,
            api_key="any",
            base_url=self.sandbox.base_url(provider),
            cadence=CADENCE,
            requests_per_second=1000,
        )

    async def told(self) -> Ended:
        transport = in_process(self._respond)
        registry = Registry.installed()
        async with (
            AsyncClient(
                self.account,
                ledger=self.ledger,
                callbacks=BASE,
                clock=self.clock,
                transport=transport,
                registry=registry,
            ) as client,
            Tracker(self.ledger, self.account, clock=self.clock, transport=transport, registry=registry) as tracker,
        ):
            task = await client.create("A cat.", model=CALLING[self.provider])
            while not task.final and self.clock.monotonic() < 300:
                self.clock.advance(STEP)
                await self._deliver()
                await tracker.sweep()
                entry = self.ledger.find(task.ref)
                assert entry is not None
                task = entry.task or task
        return Ended(self.clock.monotonic(), task.status, self.polls)

    def _respond(self, request: HttpRequest) -> HttpResponse:
        if request.method == "GET":
            self.polls.append(self.clock.monotonic())
        return self.sandbox.respond(request)

    async def _deliver(self) -> None:
        self.sandbox.deliver_callbacks()
        while self.heard:
            callback = self.heard.pop()
            path = callback.url.removeprefix("https://app.example")
            if self._delivered:
                scope = scope_of(path, headers=dict(callback.headers))
                assert (await call(self.receiver, scope, Line([callback.body]))).status == 202


@pytest.mark.parametrize("provider", CALLING)
def test_a_callback_of_the_end_is_followed_by_a_poll_as_soon_as_the_provider_allows(provider: str) -> None:
    ended = asyncio.run(Story(provider, delivered=True).told())
    assert ended.status is Status.SUCCEEDED
    assert JOB_SECONDS <= ended.seconds <= JOB_SECONDS + CADENCE.minimum + STEP
    # Where a second request tells how a job ended, it is part of the same poll.
    times = sorted(set(ended.polls))
    assert min(later - earlier for earlier, later in pairwise(times)) >= CADENCE.minimum


@pytest.mark.parametrize("provider", CALLING)
def test_without_it_the_end_is_seen_all_the_same(provider: str) -> None:
    ended = asyncio.run(Story(provider, delivered=False).told())
    assert ended.status is Status.SUCCEEDED
    assert ended.seconds <= JOB_SECONDS + 1.2 * CADENCE.maximum + STEP
