"""Running flows: a flow yields an effect, a driver carries it out and sends the result back.

There is one driver for threads and one for tasks of an event loop. Both do nothing else, so what a flow does cannot
differ between them.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from collections import defaultdict
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Generator,
    Iterator,
    Mapping,
    Sequence,
)
from concurrent.futures import FIRST_COMPLETED, wait
from contextlib import aclosing, closing, contextmanager
from datetime import datetime
from functools import partial
from math import inf
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from reelway.errors import ReelwayError
from reelway.flow.effects import (
    Close,
    Earlier,
    Effect,
    Flow,
    Head,
    Instant,
    Now,
    Observe,
    Open,
    Read,
    Record,
    Send,
    Sleep,
    TransportError,
    Work,
)
from reelway.model.http import HttpRequest
from reelway.model.submission import UNSENT, Submission, SubmissionState
from reelway.model.task import Task
from reelway.transport.clock import Clock
from reelway.transport.http import AsyncHttp, AsyncStream, SyncHttp, SyncStream
from reelway.transport.threads import Threads, Turn, no_turn
from reelway.transport.witness import UNKEPT, Exchange, Witness

R = TypeVar("R")

logger: Final = logging.getLogger("reelway")

IN_FLIGHT: Final = 64
"""Polls of one account under way at once, in an event loop: enough to keep a processor busy over a slow network."""

THREADS: Final = 16
"""Exchanges of one account under way at once of one call that follows many tasks in threads, each in its own."""

INSTANT: Final = (Now, Observe, Record)
"""Effects that wait for nobody else; what a ledger keeps waits for its disk."""


class Job(Struct, Generic[R], frozen=True):
    """A flow and the account whose network it uses."""

    account: str
    flow: Flow[R]


class Outcome(Struct, Generic[R], frozen=True):
    """How one of several flows ended."""

    index: int
    value: R | None = None
    error: Exception | None = None


class _Stepper(Generic[R]):
    """A flow on its way: its result, and how far its create got."""

    def __init__(self, job: Job[R], witness: Witness) -> None:
        self._flow = job.flow
        self._account = job.account
        self._trace = witness.trace
        self._exchange = witness.exchange
        self._monotonic = witness.monotonic
        self._asked_at = 0.0
        self._asked: HttpRequest | None = None
        self._recording: Record | None = None
        self._submission: Submission | None = None
        self._sent = False
        self.result: R

    def step(self, reply: Any = None, error: Exception | None = None) -> Effect[Any] | None:
        """Send the last effect's result, or throw its error; the next effect, or None at the end."""
        if self._exchange is not None and self._asked is not None:
            self._ended(self._exchange, self._asked, reply, error)
        self._asked = None
        self._recorded(reply, error)
        try:
            effect: Effect[Any] = self._flow.throw(error) if error is not None else self._flow.send(reply)
        except StopIteration as stop:
            self.result = stop.value
            return None
        if self._trace is not None:
            self._trace(effect)
        if isinstance(effect, Send):
            self._asked, self._asked_at = effect.request, self._monotonic()
        self._follow_create(effect)
        return effect

    def _ended(
        self, tell: Callable[[Exchange], None], request: HttpRequest, reply: Any, error: Exception | None
    ) -> None:
        # Any other error is no matter between the two sides.
        if error is None or isinstance(error, TransportError):
            seconds = self._monotonic() - self._asked_at
            tell(Exchange(account=self._account, request=request, response=reply, broke=error, seconds=seconds))

    def broke_off(self, error: BaseException, now: datetime) -> Record | None:
        """Tell of a create whose outcome the flow can no longer tell; gives back what is still to be recorded."""
        submission = self._submission
        if submission is None:
            return None
        if submission.ref is not None:
            _tell(error, f"{submission.ref} goes on at the provider; wait again with this reference.")
            return self._recording
        ended_by = f"interrupted: {type(error).__name__}"
        if self._sent:
            _tell(error, _doubt(submission))
            unsure = replace(submission, state=SubmissionState.AMBIGUOUS, at=now, detail=ended_by)
            return Record(submission=unsure)
        if submission.state in UNSENT:
            detail = f"{ended_by}, before it was sent"
            unsent = replace(submission, state=SubmissionState.REJECTED, at=now, detail=detail)
            return Record(submission=unsent, expected=UNSENT, quiet=True)
        return None

    def _recorded(self, reply: Any, error: Exception | None) -> None:
        record, self._recording = self._recording, None
        # An attempt that an earlier one stands for, or that could not even be begun, is on no record.
        if record is not None and record.new and (reply is not None or error is not None):
            self._submission = None

    def _follow_create(self, effect: Effect[Any]) -> None:
        if isinstance(effect, Record):
            self._recording = effect
            # What the flow puts on record after a create is what it made of the answer, so nothing is in doubt.
            self._submission, self._sent = effect.submission, False
        elif isinstance(effect, Send) and effect.fresh:
            self._sent = True

    def close(self) -> None:
        self._flow.close()


def _doubt(submission: Submission) -> str:
    return (
        f"A create at {submission.provider} (account {submission.account}, submission {submission.id}) broke off: "
        "a task may exist and be billed. Look at the provider's own list of tasks before creating again."
    )


def _tell(error: BaseException, text: str) -> None:
    error.add_note(text)
    logger.warning("%s", text)


def _recorded(witness: Witness, record: Record) -> Earlier | None:
    with witness.telling(record):
        return witness.keeping.record(record)


@contextmanager
def _beside(error: BaseException) -> Iterator[None]:
    """Let nothing that goes wrong while an error is on its way take its place."""
    try:
        yield
    except ReelwayError as trouble:
        error.add_note(trouble.message)


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
            Record: partial(_recorded, witness),
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
        stepper = _Stepper(job, self._witness)
        with closing(stepper), closing(self._performer(job)) as perform:
            try:
                yield from _watched(stepper, perform)
            except BaseException as error:
                if record := stepper.broke_off(error, self._clock.now()):
                    with _beside(error):
                        perform(record)
                raise
        return stepper.result

    def run_all(self, jobs: Sequence[Job[R]]) -> Iterator[Outcome[R]]:
        """Run several flows at once and give their outcomes as they end; nobody waits for another's wait."""
        performers = [self._performer(job) for job in jobs]
        steppers = [_Stepper(job, self._witness) for job in jobs]
        # A provider that does not answer holds up nobody else's polls.
        threads = defaultdict[str, Threads](partial(Threads, THREADS))
        yield from _Crowd(steppers, performers, [threads[job.account] for job in jobs], self._clock).outcomes()

    def _performer(self, job: Job[Any]) -> SyncPerformer:
        return SyncPerformer(self._networks[job.account], self._clock, self._witness)


def _watched(stepper: _Stepper[Any], perform: SyncPerformer) -> Iterator[Task]:
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
        steppers: Sequence[_Stepper[R]],
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


def _performed(stepper: _Stepper[Any], perform: SyncPerformer, effect: Effect[Any]) -> Effect[Any] | None:
    """Carry out an effect at once and go on with its result, or with what it raised."""
    try:
        reply = perform(effect)
    except Exception as error:  # noqa: BLE001 - every error belongs to the flow
        return stepper.step(error=error)
    return stepper.step(reply)


class AsyncPerformer:
    """Carries out effects in the running event loop, for one account."""

    def __init__(self, http: AsyncHttp, clock: Clock, witness: Witness, gate: asyncio.Semaphore) -> None:
        self._http = http
        self._gate = gate
        self._witness = witness
        self._stream: AsyncStream | None = None
        self._instant: dict[type[Any], Callable[[Any], Any]] = {
            Now: lambda _: Instant(clock.now(), clock.monotonic()),
            Observe: witness.observe,
            Record: partial(_recorded, witness),
        }
        self._table: dict[type[Any], Callable[[Any], Awaitable[Any]]] = {
            Sleep: lambda effect: clock.sleep_async(effect.seconds),
            Send: self._send,
            Open: self._open,
            Read: self._read,
            Close: self._close,
            Work: lambda effect: _in_thread(effect.call),
        }
        if witness.keeping is not UNKEPT:
            # A ledger waits for its disk, and the event loop must not.
            self._table |= {Observe: self._observe, Record: self._record}
            self._instant = {Now: self._instant[Now]}

    def takes_time(self, effect: Effect[Any]) -> bool:
        """Whether something has to be waited for."""
        return type(effect) not in self._instant

    def at_once(self, effect: Effect[Any]) -> Any:
        """Carry out one effect that takes no time."""
        return self._instant[type(effect)](effect)

    def __call__(self, effect: Effect[Any]) -> Awaitable[Any]:
        """Carry out one effect that may take its time."""
        return self._table[type(effect)](effect)

    async def put_on_record(self, record: Record) -> None:
        """Carry out what a flow could no longer ask for."""
        if self.takes_time(record):
            await self(record)
        else:
            self.at_once(record)

    async def close(self) -> None:
        """Let go of what is still open."""
        await self._close(Close())

    async def _send(self, effect: Send) -> Any:
        # Creates are few, and each is somebody's wish: none waits behind polls.
        if effect.fresh:
            return await self._http.send(effect)
        effect = await self._turn(effect)
        try:
            return await self._http.send(effect)
        finally:
            self._gate.release()

    async def _turn(self, effect: Send) -> Send:
        """Wait for one of the account's turns; the poll, with the time that is left of its own."""
        if not self._gate.locked():
            await self._gate.acquire()
            return effect
        # The network's timeouts are the event loop's as well.
        tell_time = asyncio.get_running_loop().time
        begin = tell_time()
        try:
            async with asyncio.timeout(effect.timeout):
                await self._gate.acquire()
        except TimeoutError:
            raise no_turn() from None
        return replace(effect, timeout=effect.timeout - (tell_time() - begin))

    # Listeners are told in the event loop in any case.

    async def _observe(self, effect: Observe) -> Task:
        return self._witness.observe(await _in_thread(partial(self._witness.keeping.observe, effect)))

    async def _record(self, effect: Record) -> Earlier | None:
        with self._witness.telling(effect):
            return await _in_thread(partial(self._witness.keeping.record, effect))

    async def _open(self, effect: Open) -> Head:
        await self._close(Close())
        self._stream = await self._http.open(effect)
        return self._stream.head

    async def _read(self, effect: Read) -> bytes:
        return await self._stream.read(effect.timeout) if self._stream is not None else b""

    async def _close(self, effect: Close) -> None:
        if self._stream is not None:
            stream, self._stream = self._stream, None
            await stream.close()


async def _in_thread(call: Callable[[], R]) -> R:
    """Work in a thread. It cannot be stopped there, so whoever is cancelled waits until it is done."""
    work = asyncio.ensure_future(asyncio.to_thread(call))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.gather(work, return_exceptions=True)
        raise


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
        stepper = _Stepper(job, self._witness)
        async for _ in self._steps(stepper, job.account):
            pass
        return stepper.result

    async def watch(self, job: Job[Any]) -> AsyncGenerator[Task, None]:
        """Run a flow and give each task that it tells of."""
        async with aclosing(self._steps(_Stepper(job, self._witness), job.account)) as tasks:
            async for task in tasks:
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

    async def _steps(self, stepper: _Stepper[Any], account: str) -> AsyncGenerator[Task, None]:
        perform = AsyncPerformer(self._networks[account], self._clock, self._witness, self._gate(account))
        try:
            effect = stepper.step()
            while effect is not None:
                try:
                    reply = await perform(effect) if perform.takes_time(effect) else perform.at_once(effect)
                except Exception as error:  # noqa: BLE001 - every error belongs to the flow
                    effect = stepper.step(error=error)
                    continue
                if isinstance(effect, Observe):
                    yield reply
                effect = stepper.step(reply)
        except BaseException as error:
            if record := stepper.broke_off(error, self._clock.now()):
                with _beside(error):
                    await perform.put_on_record(record)
            raise
        finally:
            stepper.close()
            await perform.close()
