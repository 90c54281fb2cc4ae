"""Running flows in threads."""

from __future__ import annotations

import heapq
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import closing
from functools import partial
from math import inf
from typing import Any, Final, Generic, TypeVar

from reelway.flow.effects import Close, Effect, Head, Instant, Now, Observe, Open, Read, Record, Send, Sleep, Work
from reelway.model.task import Task
from reelway.transport.clock import Clock
from reelway.transport.http import SyncHttp, SyncStream
from reelway.transport.stepping import Job, Outcome, Stepper, beside, recorded
from reelway.transport.threads import Threads, Turn
from reelway.transport.witness import Witness

R = TypeVar("R")

INSTANT: Final = (Now, Observe, Record)
"""Effects that wait for nobody else; what a ledger keeps waits for its disk."""

THREADS: Final = 16
"""Exchanges of one account under way at once of one call that follows many tasks in threads, each in its own."""


class SyncPerformer:
    """Carries out effects in the calling thread, for one account."""

    def __init__(self, http: SyncHttp, clock: Clock, witness: Witness) -> None:
        self._http = http
        self._clock = clock
        self._stream: SyncStream | None = None
        self._closed = False
        self._table: dict[type[Any], Callable[[Any], Any]] = {
            Now: lambda _: Instant(clock.now(), clock.monotonic()),
            Sleep: lambda effect: clock.sleep(effect.seconds),
            Send: http.send,
            Open: self._open,
            Read: self._read,
            Close: self._close,
            Work: lambda effect: effect.call(),
            Observe: lambda effect: witness.observe(witness.keeping.observe(effect)),
            Record: partial(recorded, witness),
        }

    def __call__(self, effect: Effect[Any]) -> Any:
        """Carry out one effect."""
        return self._table[type(effect)](effect)

    def close(self) -> None:
        """Let go of what is still open."""
        self._closed = True
        self._close(Close())

    def _open(self, effect: Open) -> Head:
        self._close(Close())
        stream = self._stream = self._http.open(effect)
        if self._closed:
            # Nobody waited for this answer, and nobody else would close it.
            self._close(Close())
        return stream.head

    def _read(self, effect: Read) -> bytes:
        return self._stream.read(effect.timeout) if self._stream is not None else b""

    def _close(self, effect: Close) -> None:
        if self._stream is not None:
            stream, self._stream = self._stream, None
            stream.close()


class SyncDriver:
    """Runs flows in threads."""

    def __init__(self, networks: Mapping[str, SyncHttp], clock: Clock, witness: Witness) -> None:
        self._networks = networks
        self._clock = clock
        self._witness = witness

    def run(self, job: Job[R]) -> R:
        """Run a flow to its end."""
        iterator = self.watch(job)
        while True:
            try:
                next(iterator)
            except StopIteration as stop:
                result: R = stop.value
                return result

    def watch(self, job: Job[R]) -> Generator[Task, None, R]:
        """Run a flow and give each task that it tells of; the generator's value is the flow's result."""
        stepper = Stepper(job, self._witness)
        with closing(stepper), closing(self._performer(job)) as perform:
            try:
                yield from _watched(stepper, perform)
            except BaseException as error:
                if record := stepper.broke_off(error, self._clock.now()):
                    with beside(error):
                        perform(record)
                raise
        return stepper.result

    def run_all(self, jobs: Sequence[Job[R]]) -> Iterator[Outcome[R]]:
        """Run several flows at once and give their outcomes as they end; nobody waits for another's wait."""
        performers = [self._performer(job) for job in jobs]
        steppers = [Stepper(job, self._witness) for job in jobs]
        # A provider that does not answer holds up nobody else's polls.
        threads = defaultdict[str, Threads](partial(Threads, THREADS))
        yield from _Crowd(steppers, performers, [threads[job.account] for job in jobs], self._clock).outcomes()

    def _performer(self, job: Job[Any]) -> SyncPerformer:
        return SyncPerformer(self._networks[job.account], self._clock, self._witness)


def _watched(stepper: Stepper[Any], perform: SyncPerformer) -> Iterator[Task]:
    effect = stepper.step()
    while effect is not None:
        try:
            reply = perform(effect)
        except Exception as error:  # noqa: BLE001 - every error belongs to the flow
            effect = stepper.step(error=error)
            continue
        if isinstance(effect, Observe):
            yield reply
        effect = stepper.step(reply)


class _Crowd(Generic[R]):
    """Many flows in one thread: sleepers wait in a heap, exchanges run in the bounded threads of their account."""

    def __init__(
        self,
        steppers: Sequence[Stepper[R]],
        performers: Sequence[SyncPerformer],
        threads: Sequence[Threads],
        clock: Clock,
    ) -> None:
        self._steppers = steppers
        self._performers = performers
        self._threads = threads
        self._clock = clock
        self._sleepers: list[tuple[float, int]] = []
        self._busy: dict[Turn, int] = {}

    def outcomes(self) -> Iterator[Outcome[R]]:
        try:
            for index in range(len(self._steppers)):
                yield from self._advance(index)
            while self._sleepers or self._busy:
                yield from self._wake_sleepers()
                yield from self._collect()
        finally:
            # Whoever stops listening, by Ctrl-C or otherwise, waits for no exchange: those under way are polls, and
            # what they answer goes to nobody.
            for threads in set(self._threads):
                threads.close()
            for stepper, perform in zip(self._steppers, self._performers, strict=True):
                stepper.close()
                perform.close()

    def _advance(self, index: int, reply: Any = None, error: Exception | None = None) -> Iterator[Outcome[R]]:
        """Go on with one flow until it has to wait for something."""
        stepper, perform = self._steppers[index], self._performers[index]
        try:
            effect = stepper.step(reply, error)
            while isinstance(effect, INSTANT):
                effect = _performed(stepper, perform, effect)
        except Exception as caught:  # noqa: BLE001 - an outcome like any other
            yield Outcome(index, error=caught)
            return
        if effect is None:
            yield Outcome(index, stepper.result)
        elif isinstance(effect, Sleep):
            heapq.heappush(self._sleepers, (self._clock.monotonic() + effect.seconds, index))
        else:
            self._busy[self._threads[index].submit(perform, effect)] = index

    def _wake_sleepers(self) -> Iterator[Outcome[R]]:
        if self._sleepers and not self._busy:
            self._clock.sleep(max(0.0, self._sleepers[0][0] - self._clock.monotonic()))
        while self._sleepers and self._sleepers[0][0] <= self._clock.monotonic():
            yield from self._advance(heapq.heappop(self._sleepers)[1])

    def _collect(self) -> Iterator[Outcome[R]]:
        if not self._busy:
            return
        for turn in self._busy:
            turn.expire()
        done, _ = wait(self._busy, timeout=self._patience(), return_when=FIRST_COMPLETED)
        # In the order of the jobs, so that the same story has the same trace.
        for turn in sorted(self._busy.keys() & done, key=self._busy.__getitem__):
            index = self._busy.pop(turn)
            caught = turn.exception()
            if caught is not None and not isinstance(caught, Exception):
                raise caught
            yield from self._advance(index, None if caught else turn.result(), caught)

    def _patience(self) -> float | None:
        """Seconds until the next sleeper wakes, or the next poll has waited for its turn in vain."""
        wake = self._sleepers[0][0] - self._clock.monotonic() if self._sleepers else inf
        expiry = min((turn.until for turn in self._busy if turn.waits()), default=inf) - time.monotonic()
        patience = max(0.0, min(wake, expiry))
        return None if patience == inf else patience


def _performed(stepper: Stepper[Any], perform: SyncPerformer, effect: Effect[Any]) -> Effect[Any] | None:
    """Carry out an effect at once and go on with its result, or with what it raised."""
    try:
        reply = perform(effect)
    except Exception as error:  # noqa: BLE001 - every error belongs to the flow
        return stepper.step(error=error)
    return stepper.step(reply)
