"""Callbacks of a simulated provider: what is written when a job turns, what faults make of it, what is sent."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reelway.model.http import Headers
from reelway.provider.simulator import SimulatedCallback, SimulatedJob, Simulator
from reelway.sandbox.agenda import Agenda
from reelway.sandbox.faults import Place
from reelway.sandbox.jobs import Job, Stage, opposite
from reelway.sandbox.plan import ArmedFault
from reelway.sandbox.spoil import renamed


class Callback(Struct, frozen=True, kw_only=True):
    """One attempt to tell an application where a job stands.

    Attributes:
        provider, task_id: whose job it comes from, whatever the body says.
        url: where it goes.
        headers, body: what is posted there.
        fault: the name of the fault that is to blame for it; empty for an honest one.
        attempt: 1, and more where it was not taken before.
    """

    provider: str
    task_id: str
    url: str
    headers: Headers
    body: bytes
    fault: str = ""
    attempt: int = 1

    def __repr__(self) -> str:
        # The address may hold a token, and the body a signed link.
        return f"Callback({self.provider!r}, {self.task_id!r}, {self.fault!r}, attempt={self.attempt})"


class Outcome(StrEnum):
    """What became of a callback that nobody answered; the others are told by their HTTP status."""

    LOST = "lost"
    ELSEWHERE = "not sent: not an http address on loopback"
    REFUSED = "refused"
    SILENT = "no answer"


GIVEN_UP: Final = frozenset({Outcome.LOST, Outcome.ELSEWHERE})
"""Nothing was sent, and nothing will be."""


def was_taken(outcome: str) -> bool:
    """Whether a callback was answered with a 2xx."""
    return len(outcome) == 3 and outcome.startswith("2")


class Letter(Struct, frozen=True, kw_only=True):
    """A callback before it is signed, which it is when it is sent.

    Attributes:
        job: whose turn it tells.
        content: what the provider has to say.
        delay: how many seconds after the turn it is sent.
        genuine: it is signed by the provider's own key.
        lost: it is never sent.
        fault, attempt: as in :class:`Callback`.
    """

    job: Job
    content: SimulatedCallback
    delay: float = 0.0
    genuine: bool = True
    lost: bool = False
    fault: str = ""
    attempt: int = 1


class Turn(Struct, frozen=True, kw_only=True):
    """A change of a job that a fault strikes.

    Attributes:
        honest: the callback that tells it.
        contrary: one that tells the opposite end.
        signed: the provider signs what it sends.
    """

    honest: Letter
    contrary: Letter
    signed: bool


Distort: TypeAlias = Callable[[Turn, ArmedFault], list[Letter]]


def comes_late(turn: Turn, armed: ArmedFault) -> list[Letter]:
    """The honest callback, later."""
    return [replace(turn.honest, delay=armed.seconds)]


def comes_twice(turn: Turn, armed: ArmedFault) -> list[Letter]:
    """The honest callback, and again."""
    return [turn.honest, turn.honest]


def is_lost(turn: Turn, armed: ArmedFault) -> list[Letter]:
    """None that arrives."""
    return [replace(turn.honest, lost=True)]


def is_forged(turn: Turn, armed: ArmedFault) -> list[Letter]:
    """A stranger's callback in front of the honest one, which is honest indeed."""
    forged = replace(turn.contrary, genuine=False)
    if not turn.signed:
        task_id = forged.job.task_id
        body = renamed(forged.content.body, task_id, f"{task_id}0")
        forged = replace(forged, content=replace(forged.content, body=body))
    return [forged, replace(turn.honest, fault="")]


def is_contradicted(turn: Turn, armed: ArmedFault) -> list[Letter]:
    """The honest callback, and the provider's own word for the opposite."""
    return [replace(turn.honest, fault=""), turn.contrary]


def is_overtaken(turn: Turn, armed: ArmedFault) -> list[Letter]:
    """None for now; see :class:`Announcer`."""
    return []


OVERTAKEN: Final = "callback-out-of-order"

DISTORTIONS: Final[Mapping[str, Distort]] = {
    "callback-late": comes_late,
    "callback-twice": comes_twice,
    "callback-lost": is_lost,
    "callback-forged": is_forged,
    "callback-flip": is_contradicted,
    OVERTAKEN: is_overtaken,
}
"""The faults of a callback."""

SPARED: Final = {True: frozenset({OVERTAKEN}), False: frozenset({"callback-flip"})}
"""What cannot strike the callback of an end, and of anything else."""

Portray: TypeAlias = Callable[[Job, Stage, datetime], SimulatedJob]


class Announcer:
    """Writes the callbacks of one provider's jobs, and signs them when they are sent."""

    def __init__(self, simulator: Simulator, portray: Portray, outbox: Agenda[Letter], key: bytes) -> None:
        """Put what is written into ``outbox``; ``portray`` shows a job at a stage and a time."""
        self._simulator = simulator
        self._portray = portray
        self._outbox = outbox
        self._key = key
        self._overtaken: defaultdict[str, list[Letter]] = defaultdict(list)

    @property
    def secret(self) -> str | None:
        """What genuine callbacks are verified with."""
        return self._simulator.callback_secret(self._key)

    def announce(self, job: Job, stage: Stage, at: datetime) -> None:
        """Write what is to be told of a turn, if anything is."""
        honest = self._simulator.write_callback(self._portray(job, stage, at))
        if honest is None:
            return
        armed = job.plan.strike(Place.CALLBACK, SPARED[stage.status.final])
        letter = Letter(job=job, content=honest, fault=armed.fault.name if armed else "")
        letters = self._distorted(letter, stage, at, armed) if armed else [letter]
        waiting = self._overtaken[job.task_id]
        if armed is not None and armed.fault.name == OVERTAKEN:
            waiting.append(letter)
            return
        for one in (*letters, *reversed(waiting)):
            self._outbox.add(at + timedelta(seconds=one.delay), one)
        waiting.clear()

    def send(self, letter: Letter, now: datetime) -> Callback:
        """The letter as it leaves now."""
        key = self._key if letter.genuine else stranger(self._key)
        signature = self._simulator.sign_callback(letter.content, key, now)
        return Callback(
            provider=letter.job.provider,
            task_id=letter.job.task_id,
            url=letter.job.callback_url or "",
            headers=(*letter.content.headers, *signature),
            body=letter.content.body,
            fault=letter.fault,
            attempt=letter.attempt,
        )

    def try_again(self, letter: Letter, now: datetime) -> None:
        """Keep a letter that was not taken for another attempt, unless it has had its last."""
        pauses = self._simulator.callback_pauses
        if letter.attempt <= len(pauses):
            due = now + timedelta(seconds=pauses[letter.attempt - 1])
            self._outbox.add(due, replace(letter, attempt=letter.attempt + 1))

    def _distorted(self, honest: Letter, stage: Stage, at: datetime, armed: ArmedFault) -> list[Letter]:
        contrary = self._simulator.write_callback(self._portray(honest.job, opposite(stage), at))
        turn = Turn(
            honest=honest,
            contrary=replace(honest, content=contrary or honest.content),
            signed=self.secret is not None,
        )
        return DISTORTIONS[armed.fault.name](turn, armed)


def stranger(key: bytes) -> bytes:
    """The key of somebody who is not the provider."""
    return hashlib.sha256(b"a stranger's key" + key).digest()
