"""Whatever callbacks come, and in whatever order: a job ends where polling alone sees it end.

Each schedule is drawn by a seed: how the job goes, what becomes of each callback, what strangers send, and when
polls are made. Time is virtual, and nothing leaves the process.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from itertools import pairwise
from random import Random
from typing import Any, Final, NamedTuple

import pytest
from hypothesis import settings

from reelway.errors import ReelwayError
from reelway.ledger.records import Change, Chore, Claim, Query, Settlement
from reelway.ledger.sqlite import SqliteLedger
from reelway.model.http import Headers, find_header
from reelway.model.lifecycle import advance
from reelway.model.observation import Failure, Status
from reelway.model.task import Artifact, Task
from reelway.provider.interface import Provider
from reelway.provider.reading import read_retrieve
from reelway.provider.registry import Registry
from reelway.sandbox import Callback
from reelway.server import CallbackReceiver
from tests.sandbox.test_callbacks import Calling, Listener, Signing, signature
from tests.server.caller import ACME, Job, Line, Reply, call, job_in, scope_of

SCHEDULES: Final[Mapping[str, int]] = {"ci": 150, "nightly": 10_000, "mutation": 40}
"""How many each profile of hypothesis asks for."""

COUNT: Final = SCHEDULES[settings.get_current_profile_name()]

MINIMUM: Final = 1.0
"""Seconds between two polls of a job, whoever wakes them."""

PACES: Final = {ACME: 100.0}

ENDS: Final = ("", "[[fail:no luck]]", "[[fail-silent]]", "[[expired]]", "[[cancelled]]")
POLLED: Final = (
    "",
    "[[requeue]]",
    "[[flip]]",
    "[[retrieve/unknown-word]]",
    "[[retrieve/server-error:2]]",
    "[[retrieve/unavailable]]",
)
TOLD: Final = (
    "",
    "[[callback-twice:9]]",
    "[[callback-lost:2]]",
    "[[callback-late:2]]",
    "[[callback-forged:9]]",
    "[[callback-flip]]",
    "[[callback-out-of-order]]",
)


class End(NamedTuple):
    """What matters of where a job has come to."""

    status: Status
    failure: Failure | None
    artifact: Artifact
    has_video: bool


class Delivery(NamedTuple):
    """One POST, and the status that it gets."""

    path: str
    body: bytes
    headers: Headers
    expected: int


class Verifying(Signing):
    def verify_callback(self, headers: Headers, body: bytes, secret: str, now: datetime) -> bool:
        return find_header(headers, "x-signature") == signature(body, secret)


class Story:
    """A job at the sandbox, followed by a sweep of one task, and told about to a receiver."""

    def __init__(self, provider: Provider, prompt: str, runner: asyncio.Runner) -> None:
        self.listener = Listener(provider)
        self.clock = self.listener.clock
        self.ledger = SqliteLedger(monotonic=self.clock.monotonic)
        secret = self.listener.sandbox.callback_secret("acme")
        self.receiver = CallbackReceiver(
            self.ledger,
            secrets={"acme": secret} if secret else {},
            registry=Registry([provider]),
            clock=self.clock,
        )
        self.signed = secret is not None
        self._secret = secret or ""
        self._runner = runner
        task_id = self.listener.asked(prompt)
        self.job: Job = job_in(self.ledger, task_id, due_in=MINIMUM)
        self.polls: list[float] = []

    @property
    def task(self) -> Task:
        [entry] = self.ledger.entries(Query())
        assert entry.task
        return entry.task

    @property
    def end(self) -> End:
        task = self.task
        return End(task.status, task.failure, task.artifact, bool(task.videos))

    def post(self, path: str, body: bytes, headers: Headers = ()) -> int:
        reply = self._runner.run(call(self.receiver, scope_of(path, headers=dict(headers)), Line([body])))
        return reply.status

    def genuine(self, callback: Callback) -> bool:
        provider = self.listener.provider
        return provider.verify_callback(callback.headers, callback.body, self._secret, self.clock.now())

    def sweep(self) -> None:
        """Poll what is due, as a tracker does."""
        for claim in self.ledger.claim(10, 60, PACES, {Chore.POLL}):
            self.polls.append(self.clock.monotonic())
            change = self._polled(claim)
            self.ledger.settle([Settlement(claim=claim, change=change, again=3 * MINIMUM, rest=MINIMUM)])

    def _polled(self, claim: Claim) -> Change | None:
        task = claim.task
        try:
            seen = read_retrieve(self.listener.provider, self.listener.retrieve(task.id), "", task.id)
        except ReelwayError:
            return None
        after, events = advance(task, seen, self.clock.now(), claim.age)
        return Change(number=claim.entry.number, expected=claim.entry.revision, task=after, events=events)

    def follow(self) -> End:
        """Poll until the job has ended."""
        for _ in range(60):
            if self.task.final:
                return self.end
            self.clock.advance(MINIMUM)
            self.sweep()
        raise AssertionError("the job does not end")


class Post:
    """What becomes of the callbacks of a story: now, later, never, again, and what strangers send."""

    def __init__(self, story: Story, chance: Random) -> None:
        self._story = story
        self._chance = chance
        self._later: list[Callback] = []
        self._past: list[Callback] = []

    def deliver(self) -> None:
        """Some of what there is to deliver, in any order."""
        arriving = [*self._honest(), *self._again(), *self._foreign()]
        self._chance.shuffle(arriving)
        for path, body, headers, expected in arriving:
            assert self._story.post(path, body, headers) == expected

    def _honest(self) -> Iterator[Delivery]:
        listener = self._story.listener
        listener.sandbox.deliver_callbacks()
        here, self._later = [*self._later, *listener.heard], []
        listener.heard = []
        for callback in here:
            fate = self._chance.choices((self._past, self._later, []), (6, 3, 1))[0]
            fate.append(callback)
            if fate is self._past:
                yield self._delivery(callback)

    def _again(self) -> Iterator[Delivery]:
        while self._past and self._chance.random() < 0.3:
            yield self._delivery(self._chance.choice(self._past))

    def _foreign(self) -> Iterator[Delivery]:
        story, chance = self._story, self._chance
        while chance.random() < 0.3:
            word = chance.choice(["succeeded", "failed", "queued", "nonsense"])
            body = json.dumps({"id": story.task.id, "status": word, "progress": 100}).encode()
            known = chance.random() < 0.7
            expected = 404 if not known else 403 if story.signed else 202
            yield Delivery(story.job.path if known else "/guessed", body, (), expected)

    def _delivery(self, callback: Callback) -> Delivery:
        story = self._story
        genuine = not story.signed or story.genuine(callback)
        return Delivery(story.job.path, callback.body, callback.headers, 202 if genuine else 403)


@cache
def by_polls_alone(provider: type[Provider], prompt: str) -> End:
    with asyncio.Runner() as runner:
        return Story(provider(), prompt, runner).follow()


def told(seed: int, runner: asyncio.Runner) -> None:
    """One schedule, from the create to well after the end."""
    chance = Random(seed)
    kind = chance.choice([Calling, Verifying])
    prompt = " ".join((chance.choice(ENDS), chance.choice(POLLED), chance.choice(TOLD)))
    story = Story(kind(), prompt, runner)
    post = Post(story, chance)
    for _ in range(chance.randint(0, 12)):
        story.clock.advance(chance.choice([0, 0.125, 0.75, 1, 2]))
        post.deliver()
        story.sweep()
    assert story.follow() == by_polls_alone(kind, prompt), f"seed {seed}"
    polls = len(story.polls)
    post.deliver()
    story.clock.advance(10)
    story.sweep()
    assert (story.end, len(story.polls)) == (by_polls_alone(kind, prompt), polls), f"seed {seed}"
    gaps = [later - earlier for earlier, later in pairwise(story.polls)]
    assert min(gaps, default=MINIMUM) >= MINIMUM, f"seed {seed}"


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Iterator[asyncio.Runner]:
    """An event loop without threads: what would be done in one is done at once."""

    async def at_once(work: Callable[..., Any], *args: Any) -> Any:
        return work(*args)

    monkeypatch.setattr(asyncio, "to_thread", at_once)
    with asyncio.Runner() as runner:
        yield runner


def test_no_schedule_of_callbacks_ends_elsewhere_than_polls_do(runner: asyncio.Runner) -> None:
    for seed in range(COUNT):
        told(seed, runner)


def test_a_flood_of_ten_thousand_copies_costs_one_poll_in_each_interval(runner: asyncio.Runner) -> None:
    async def flood(story: Story) -> list[Reply]:
        lines = (call(story.receiver, scope_of(story.job.path), Line([b"{}"])) for _ in range(250))
        return await asyncio.gather(*lines)

    story = Story(Calling(), "[[stuck]]", runner)
    story.clock.advance(MINIMUM)
    for _ in range(40):
        assert {reply.status for reply in runner.run(flood(story))} == {202}
        story.sweep()
        story.clock.advance(MINIMUM / 8)
    assert len(story.polls) == 5
    assert len(story.ledger.callbacks(story.job.number)) == 1
