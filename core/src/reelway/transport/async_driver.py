"""Running flows in tasks of an event loop."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Final, Generic, Self, TypeVar

from msgspec.structs import replace

from reelway.flow.effects import (
    Close,
    Earlier,
    Effect,
    Head,
    Instant,
    Now,
    Observe,
    Open,
    Read,
    Record,
    Send,
    Sleep,
    Work,
)
from reelway.model.http import HttpResponse
from reelway.model.task import Task
from reelway.transport.clock import Clock
from reelway.transport.http import AsyncHttp, AsyncStream
from reelway.transport.stepping import Job, Outcome, Stepper, beside, recorded
from reelway.transport.threads import no_turn
from reelway.transport.witness import UNKEPT, Witness

R = TypeVar("R")

IN_FLIGHT: Final = 64
"""Polls of one account under way at once, in an event loop: enough to keep a processor busy over a slow network."""


class AsyncPerformer:
    """Carries out effects in the running event loop, for one flow."""

    def __init__(self, http: AsyncHttp, clock: Clock, witness: Witness, gate: asyncio.Semaphore) -> None:
        self._http = http
        self._clock = clock
        self._witness = witness
        self._gate = gate
        self._stream: AsyncStream | None = None
        # A ledger waits for its disk, and the event loop must not.
        self.at_once = self._AT_ONCE if witness.keeping is UNKEPT else self._NOW
        """What carries out effects that take no time."""

    def __call__(self, effect: Effect[Any]) -> Awaitable[Any]:
        """Carry out one effect that may take its time."""
        return self._IN_TIME[type(effect)](self, effect)

    async def put_on_record(self, record: Record) -> None:
        """Carry out what a flow could no longer ask for; without a ledger, even where nobody can wait any more."""
        act = self.at_once.get(Record)
        if act is None:
            await self(record)
        else:
            act(self, record)

    async def close(self) -> None:
        """Let go of what is still open."""
        if self._stream is not None:
            stream, self._stream = self._stream, None
            await stream.close()

    def _now(self, _: Now) -> Instant:
        return Instant(self._clock.now(), self._clock.monotonic())

    def _observe_at_once(self, effect: Observe) -> Task:
        return self._witness.observe(effect)

    def _record_at_once(self, effect: Record) -> Earlier | None:
        return recorded(self._witness, effect)

    def _sleep(self, effect: Sleep) -> Awaitable[None]:
        return self._clock.sleep_async(effect.seconds)

    async def _send(self, effect: Send) -> HttpResponse:
        # Creates are few, and each is somebody's wish: none waits behind polls.
        if effect.fresh:
            return await self._http.send(effect)
        if self._gate.locked():
            effect = await self._turn(effect)
        else:
            await self._gate.acquire()
        try:
            return await self._http.send(effect)
        finally:
            self._gate.release()

    async def _turn(self, effect: Send) -> Send:
        """Wait for one of the account's turns; the poll, with the time that is left of its own."""
        # The network's timeouts are the event loop's as well.
        tell_time = asyncio.get_running_loop().time
        begin = tell_time()
        try:
            async with asyncio.timeout(effect.timeout):
                await self._gate.acquire()
        except TimeoutError:
            raise no_turn() from None
        return replace(effect, timeout=effect.timeout - (tell_time() - begin))

    async def _open(self, effect: Open) -> Head:
        await self.close()
        self._stream = await self._http.open(effect)
        return self._stream.head

    async def _read(self, effect: Read) -> bytes:
        return await self._stream.read(effect.timeout) if self._stream is not None else b""

    async def _close(self, _: Close) -> None:
        await self.close()

    def _work(self, effect: Work[R]) -> Awaitable[R]:
        return _in_thread(effect.call, effect.give_up)

    # Listeners are told in the event loop in any case.

    async def _observe(self, effect: Observe) -> Task:
        return self._witness.observe(await _in_thread(partial(self._witness.keeping.observe, effect)))

    async def _record(self, effect: Record) -> Earlier | None:
        with self._witness.telling(effect):
            return await _in_thread(partial(self._witness.keeping.record, effect))

    # One table for all flows: a poll is over before tables of its own would pay.
    _NOW: ClassVar[Mapping[type[Any], Callable[[Any, Any], Any]]] = {Now: _now}
    _AT_ONCE: ClassVar[Mapping[type[Any], Callable[[Any, Any], Any]]] = {
        **_NOW,
        Observe: _observe_at_once,
        Record: _record_at_once,
    }
    _IN_TIME: ClassVar[Mapping[type[Any], Callable[[Any, Any], Awaitable[Any]]]] = {
        Sleep: _sleep,
        Send: _send,
        Open: _open,
        Read: _read,
        Close: _close,
        Work: _work,
        Observe: _observe,
        Record: _record,
    }


async def _in_thread(call: Callable[[], R], give_up: Callable[[], None] | None = None) -> R:
    """Work in a thread. It cannot be stopped there, but asked to end; whoever is cancelled waits until it does."""
    work = asyncio.ensure_future(asyncio.to_thread(call))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        if give_up is not None:
            give_up()
        await asyncio.gather(work, return_exceptions=True)
        raise


class _Course(Generic[R]):
    """A flow that is being run. Left before its end, it is broken off and told so."""

    def __init__(self, stepper: Stepper[R], perform: AsyncPerformer, clock: Clock) -> None:
        self._stepper = stepper
        self._perform = perform
        self._clock = clock
        self._told: Task | None = None

    @property
    def result(self) -> R:
        """What the flow ended in."""
        return self._stepper.result

    async def next_task(self) -> Task | None:
        """Go on until the flow tells of a task, and give that; None at the end."""
        step, perform, at_once = self._stepper.step, self._perform, self._perform.at_once
        effect = step(self._told)
        while effect is not None:
            try:
                act = at_once.get(type(effect))
                reply = await perform(effect) if act is None else act(perform, effect)
            except Exception as error:  # noqa: BLE001 - every error belongs to the flow
                effect = step(error=error)
                continue
            if type(effect) is Observe:
                self._told = reply
                return self._told
            effect = step(reply)
        return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        try:
            if error is not None and (record := self._stepper.broke_off(error, self._clock.now())):
                with beside(error):
                    await self._perform.put_on_record(record)
        finally:
            self._stepper.close()
            await self._perform.close()


class AsyncDriver:
    """Runs flows in tasks of an event loop."""

    def __init__(self, networks: Mapping[str, AsyncHttp], clock: Clock, witness: Witness) -> None:
        self._networks = networks
        self._clock = clock
        self._witness = witness
        self._loop: asyncio.AbstractEventLoop | None = None
        self._gates: dict[str, asyncio.Semaphore] = {}

    async def run(self, job: Job[R]) -> R:
        """Run a flow to its end."""
        async with self._course(job) as course:
            while await course.next_task() is not None:
                pass
            return course.result

    async def watch(self, job: Job[Any]) -> AsyncGenerator[Task, None]:
        """Run a flow and give each task that it tells of."""
        async with self._course(job) as course:
            while (task := await course.next_task()) is not None:
                yield task

    async def run_all(self, jobs: Sequence[Job[R]]) -> AsyncGenerator[Outcome[R], None]:
        """Run several flows at once and give their outcomes as they end."""
        ended: asyncio.Queue[Outcome[R] | BaseException] = asyncio.Queue()
        tasks = [asyncio.create_task(self._report(index, job, ended)) for index, job in enumerate(jobs)]
        try:
            for _ in tasks:
                end = await ended.get()
                if isinstance(end, BaseException):
                    raise end
                yield end
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _course(self, job: Job[R]) -> _Course[R]:
        network = self._networks[job.account]
        perform = AsyncPerformer(network, self._clock, self._witness, self._gate(job.account))
        return _Course(Stepper(job, self._witness), perform, self._clock)

    def _gate(self, account: str) -> asyncio.Semaphore:
        """One for each account: a provider that does not answer holds up nobody else's polls."""
        # A semaphore serves one event loop only, and a program may call asyncio.run() several times.
        if self._loop is not (loop := asyncio.get_running_loop()):
            self._loop, self._gates = loop, defaultdict(partial(asyncio.Semaphore, IN_FLIGHT))
        return self._gates[account]

    async def _report(self, index: int, job: Job[R], ended: asyncio.Queue[Outcome[R] | BaseException]) -> None:
        try:
            value: R = await self.run(job)
            ended.put_nowait(Outcome(index, value))
        except Exception as error:  # noqa: BLE001 - an outcome like any other
            ended.put_nowait(Outcome(index, error=error))
        except BaseException as error:
            # Unreported, a flow that was cancelled by itself would be waited for without end.
            ended.put_nowait(error)
            raise
