"""Both drivers do what a flow asks, in the order in which it asks, and leave nothing open."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from typing import Any, NoReturn, Self

import pytest
from msgspec.structs import replace

from reelway.flow.effects import (
    Close,
    Effect,
    Flow,
    Head,
    Instant,
    Now,
    Observe,
    Open,
    Phase,
    Read,
    Record,
    Send,
    Sleep,
    TransportError,
    Work,
    perform,
)
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.submission import Submission, SubmissionState
from reelway.model.task import Task
from reelway.testing import VirtualClock
from reelway.testing.clock import START
from reelway.transport.async_driver import IN_FLIGHT, AsyncDriver
from reelway.transport.stepping import Job, Outcome
from reelway.transport.sync_driver import THREADS, SyncDriver
from reelway.transport.witness import Witness
from tests.acme import task
from tests.transport.rogue import bounded

GET = HttpRequest(method="GET", path="x")
SEND = Send(request=GET, timeout=1)
SUBMISSION = Submission(id="1", provider="acme", account="main", route="", at=START)


class FakeHttp:
    """A network that notes what it is asked, and answers from a function."""

    def __init__(self, answer: Callable[[Send], Any] = lambda effect: HttpResponse(status=200)) -> None:
        self.answer = answer
        self.streams: list[FakeStream] = []

    def send(self, effect: Send) -> Any:
        return self.answer(effect)

    def open(self, effect: Open) -> FakeStream:
        self.streams.append(FakeStream())
        return self.streams[-1]


class FakeStream:
    head = Head(status=200, headers=())

    def __init__(self) -> None:
        self.chunks = [b"a", b"b"]
        self.closed = 0

    def read(self, timeout: float) -> bytes:
        return self.chunks.pop(0) if self.chunks else b""

    def close(self) -> None:
        self.closed += 1


class FakeAsyncHttp(FakeHttp):
    async def send(self, effect: Send) -> Any:
        answer = self.answer(effect)
        return await answer if asyncio.iscoroutine(answer) else answer

    async def open(self, effect: Open) -> Any:  # type: ignore[override]
        return FakeAsyncStream(super().open(effect))


class FakeAsyncStream:
    def __init__(self, inner: FakeStream) -> None:
        self._inner = inner
        self.head = inner.head

    async def read(self, timeout: float) -> bytes:
        return self._inner.read(timeout)

    async def close(self) -> None:
        self._inner.close()


class Stage:
    """A driver of one color with everything it touches, spoken to from plain functions."""

    def __init__(self, color: str) -> None:
        self.color = color
        self.http = FakeAsyncHttp() if color == "async" else FakeHttp()
        self.clock = VirtualClock()
        self.observed: list[Observe] = []
        self.recorded: list[Record] = []
        self.trace: list[Effect[Any]] = []
        self.witness = Witness(observe=self._observe, record=self.recorded.append, trace=self.trace.append)

    def _observe(self, effect: Observe) -> Task:
        self.observed.append(effect)
        return effect.task

    def driver(self) -> Any:
        kind = AsyncDriver if self.color == "async" else SyncDriver
        return kind({"main": self.http, "spare": self.http}, self.clock, self.witness)  # type: ignore[dict-item]

    def run(self, flow: Flow[Any]) -> Any:
        if self.color == "sync":
            return self.driver().run(Job("main", flow))

        async def main() -> Any:
            return await self.driver().run(Job("main", flow))

        return asyncio.run(main())

    def watch(self, flow: Flow[Any], stop_after: int | None = None) -> list[Task]:
        if self.color == "sync":
            tasks = self.driver().watch(Job("main", flow))
            seen = list(_first(tasks, stop_after))
            tasks.close()
            return seen

        async def main() -> list[Task]:
            tasks = self.driver().watch(Job("main", flow))
            seen = [one async for one in _first_async(tasks, stop_after)]
            await tasks.aclose()
            return seen

        return asyncio.run(main())

    def run_all(self, *flows: Flow[Any], stop_after: int | None = None) -> list[Outcome[Any]]:
        jobs = [Job("main", flow) for flow in flows]
        if self.color == "sync":
            outcomes = self.driver().run_all(jobs)
            seen = list(_first(outcomes, stop_after))
            outcomes.close()
            return seen

        async def main() -> list[Outcome[Any]]:
            outcomes = self.driver().run_all(jobs)
            seen = [one async for one in _first_async(outcomes, stop_after)]
            await outcomes.aclose()
            return seen

        return asyncio.run(main())


def _first(items: Iterator[Any], count: int | None) -> Iterator[Any]:
    for number, item in enumerate(items, 1):
        yield item
        if number == count:
            return


async def _first_async(items: AsyncIterator[Any], count: int | None) -> AsyncIterator[Any]:
    number = 0
    async for item in items:
        number += 1
        yield item
        if number == count:
            return


@pytest.fixture(params=["sync", "async"])
def stage(request: pytest.FixtureRequest) -> Stage:
    return Stage(request.param)


def everything() -> Flow[list[Any]]:
    """Uses every effect once, in an order that matters."""
    got: list[Any] = [(yield from perform(Now()))]
    yield from perform(Record(submission=SUBMISSION))
    got.append((yield from perform(SEND)))
    yield from perform(Sleep(5))
    got.append((yield from perform(Now())))
    got.append((yield from perform(Work(lambda: "worked"))))
    got.append((yield from perform(Open(request=GET, timeout=1))))
    got.append((yield from perform(Read(1))))
    yield from perform(Close())
    got.append((yield from perform(Read(1))))
    yield from perform(Observe(task=task()))
    return got


def everything_got() -> list[Any]:
    later = Instant(START + timedelta(seconds=5), 5)
    head = Head(status=200, headers=())
    return [Instant(START, 0), HttpResponse(status=200), later, "worked", head, b"a", b""]


def test_every_effect_is_carried_out_and_its_result_sent_back(stage: Stage) -> None:
    assert stage.run(everything()) == everything_got()
    assert [effect.submission for effect in stage.recorded] == [SUBMISSION]
    assert [effect.task for effect in stage.observed] == [task()]


def test_the_trace_of_a_flow_is_the_same_in_both_colors() -> None:
    traces = []
    for color in ("sync", "async"):
        stage = Stage(color)
        stage.run(everything())
        traces.append([effect for effect in stage.trace if not isinstance(effect, Work)])
    assert traces[0] == traces[1]
    assert len(traces[0]) == 10


def test_without_a_trace_nobody_listens(stage: Stage) -> None:
    stage.witness = Witness(observe=stage._observe, record=stage.recorded.append)
    stage.run(everything())
    assert stage.trace == []


def test_what_breaks_is_thrown_into_the_flow_at_the_effect_that_broke(stage: Stage) -> None:
    def fail(effect: Send) -> Any:
        raise TransportError(Phase.SENDING, "it broke")

    def flow() -> Flow[Phase]:
        try:
            yield from perform(SEND)
        except TransportError as error:
            yield from perform(Sleep(1))
            return error.phase
        raise AssertionError("nothing broke")

    stage.http.answer = fail
    assert stage.run(flow()) is Phase.SENDING
    assert list(map(repr, stage.trace)) == [repr(SEND), repr(Sleep(1))]


@pytest.mark.parametrize("effect", [Work(lambda: 1 / 0), Observe(task=task()), Record(submission=SUBMISSION)])
def test_what_a_listener_or_a_disk_raises_belongs_to_the_flow_too(stage: Stage, effect: Effect[Any]) -> None:
    def fail(_: Any) -> NoReturn:
        raise ZeroDivisionError

    def flow() -> Flow[str]:
        try:
            yield from perform(effect)
        except ZeroDivisionError:
            return "caught"
        raise AssertionError("nothing broke")

    stage.witness = Witness(observe=fail, record=fail)
    assert stage.run(flow()) == "caught"
    [outcome] = stage.run_all(flow())
    assert outcome.value == "caught"


def test_an_error_that_a_flow_does_not_catch_reaches_the_caller(stage: Stage) -> None:
    def flow() -> Flow[None]:
        yield from perform(Now())
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        stage.run(flow())


# --- leaving nothing open ---


class Ends:
    """Notes that a flow was closed."""

    def __init__(self) -> None:
        self.closed = 0

    def flow(self, *effects: Effect[Any], error: Exception | None = None) -> Flow[None]:
        try:
            for effect in effects:
                yield from perform(effect)
            if error is not None:
                raise error
        finally:
            self.closed += 1


OPEN = Open(request=GET, timeout=1)


def test_a_stream_that_a_flow_left_open_is_closed_at_its_end(stage: Stage) -> None:
    stage.run(Ends().flow(OPEN))
    assert [stream.closed for stream in stage.http.streams] == [1]


def test_a_stream_is_closed_when_the_flow_fails(stage: Stage) -> None:
    with pytest.raises(KeyError):
        stage.run(Ends().flow(OPEN, Read(1), error=KeyError()))
    assert [stream.closed for stream in stage.http.streams] == [1]


def test_a_second_stream_closes_the_first(stage: Stage) -> None:
    stage.run(Ends().flow(OPEN, OPEN, Close(), Close()))
    assert [stream.closed for stream in stage.http.streams] == [1, 1]


def test_whoever_stops_watching_closes_flow_and_stream(stage: Stage) -> None:
    ends = Ends()
    seen = stage.watch(ends.flow(OPEN, Observe(task=task()), Sleep(9), Observe(task=task("2"))), stop_after=1)
    assert seen == [task()]
    assert ends.closed == 1
    assert [stream.closed for stream in stage.http.streams] == [1]
    assert stage.clock.monotonic() == 0


def test_an_interruption_closes_flow_and_stream(stage: Stage) -> None:
    ends = Ends()

    def interrupt(effect: Send) -> Any:
        raise KeyboardInterrupt

    stage.http.answer = interrupt
    with pytest.raises(KeyboardInterrupt):
        stage.run(ends.flow(OPEN, SEND))
    assert ends.closed == 1
    assert [stream.closed for stream in stage.http.streams] == [1]


def test_a_cancelled_task_closes_flow_and_stream() -> None:
    stage, ends = Stage("async"), Ends()

    async def forever() -> Any:
        await asyncio.Event().wait()

    async def main() -> None:
        running = asyncio.create_task(stage.driver().run(Job("main", ends.flow(OPEN, SEND))))
        for _ in range(10):
            await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    stage.http.answer = lambda effect: forever()
    asyncio.run(main())
    assert ends.closed == 1
    assert [stream.closed for stream in stage.http.streams] == [1]


def test_a_cancelled_task_waits_until_its_work_has_let_go_of_the_file() -> None:
    stage, let_go, begun, done = Stage("async"), threading.Event(), threading.Event(), []

    def work() -> None:
        begun.set()
        let_go.wait(5)
        done.append(1)

    async def main() -> None:
        running = asyncio.create_task(stage.driver().run(Job("main", Ends().flow(Work(work)))))
        await asyncio.to_thread(begun.wait, 5)
        running.cancel()
        for _ in range(10):
            await asyncio.sleep(0)
        assert not running.done()
        let_go.set()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert done == [1]

    asyncio.run(main())


def test_work_that_can_be_given_up_is_asked_to_end_where_its_task_is_cancelled() -> None:
    stage, begun, ended = Stage("async"), threading.Event(), threading.Event()

    def work() -> bool:
        begun.set()
        return ended.wait(30)

    async def main() -> None:
        running = asyncio.create_task(stage.driver().run(Job("main", Ends().flow(Work(work, ended.set)))))
        assert await asyncio.to_thread(begun.wait, 10)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    asyncio.run(main())
    assert ended.is_set()


# --- watching ---


def test_watching_gives_each_task_that_is_told_of(stage: Stage) -> None:
    tasks = [task(name) for name in "abc"]
    assert stage.watch(Ends().flow(*(Observe(task=one) for one in tasks))) == tasks


def test_a_failure_ends_the_watching(stage: Stage) -> None:
    with pytest.raises(KeyError):
        stage.watch(Ends().flow(Observe(task=task()), error=KeyError()))


# --- many at once ---


def sleeper(name: str, *seconds: float) -> Flow[str]:
    for wait in seconds:
        yield from perform(Sleep(wait))
        yield from perform(SEND)
    return name


def test_many_flows_end_in_the_order_of_their_own_waits(stage: Stage) -> None:
    outcomes = stage.run_all(sleeper("slow", 30), sleeper("quick", 1, 1), sleeper("middle", 10))
    assert [outcome.value for outcome in outcomes] == ["quick", "middle", "slow"]
    assert [outcome.index for outcome in outcomes] == [1, 2, 0]
    assert stage.clock.monotonic() == 30


def test_many_flows_take_no_longer_than_the_longest(stage: Stage) -> None:
    stage.run_all(*(sleeper(str(number), *[5.0] * 4) for number in range(40)))
    assert stage.clock.monotonic() == 20


def test_a_flow_that_fails_is_an_outcome_and_harms_no_other(stage: Stage) -> None:
    outcomes = stage.run_all(Ends().flow(SEND, error=KeyError("mine")), sleeper("fine", 1), Ends().flow())
    by_index = {outcome.index: outcome for outcome in outcomes}
    assert isinstance(by_index[0].error, KeyError)
    assert by_index[1].value == "fine"
    assert by_index[2].error is None


def test_an_exchange_that_breaks_is_thrown_into_its_own_flow(stage: Stage) -> None:
    def fail(effect: Send) -> Any:
        raise TransportError(Phase.SENDING, "it broke")

    stage.http.answer = fail
    [outcome] = stage.run_all(sleeper("x", 1))
    assert isinstance(outcome.error, TransportError)


def test_flows_that_only_sleep_keep_each_other_waiting_for_nothing(stage: Stage) -> None:
    ends = Ends()
    outcomes = stage.run_all(ends.flow(Sleep(3), Sleep(3)), ends.flow(Sleep(1), Sleep(1)))
    assert [outcome.index for outcome in outcomes] == [1, 0]
    assert stage.clock.monotonic() == 6


def test_every_effect_is_carried_out_among_many_as_well(stage: Stage) -> None:
    outcomes = stage.run_all(everything(), everything())
    assert [outcome.value for outcome in outcomes] == [everything_got(), everything_got()]
    assert len(stage.recorded) == len(stage.observed) == 2


def test_no_flows_have_no_outcomes(stage: Stage) -> None:
    assert stage.run_all() == []


def test_whoever_stops_listening_closes_every_flow(stage: Stage) -> None:
    ends = Ends()
    flows = [ends.flow(OPEN, Sleep(5 * number), SEND) for number in range(1, 6)]
    assert len(stage.run_all(*flows, stop_after=1)) == 1
    assert ends.closed == 5
    assert all(stream.closed for stream in stage.http.streams)


def test_nobody_waits_for_another_s_exchange() -> None:
    stage, slow_may_end = Stage("sync"), threading.Event()

    def answer(effect: Send) -> HttpResponse:
        if effect.timeout == 9:
            assert slow_may_end.wait(5)
        return HttpResponse(status=200)

    stage.http.answer = answer
    flows = [Ends().flow(Send(request=GET, timeout=9)), Ends().flow(SEND, SEND), Ends().flow(SEND)]
    outcomes = stage.driver().run_all([Job("main", flow) for flow in flows])
    first = {next(outcomes).index, next(outcomes).index}
    slow_may_end.set()
    assert first == {1, 2}
    assert [outcome.index for outcome in outcomes] == [0]


def test_exchanges_at_once_are_bounded(stage: Stage) -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def enter() -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)

    def leave() -> HttpResponse:
        nonlocal at_once
        with lock:
            at_once -= 1
        return HttpResponse(status=200)

    def answer(effect: Send) -> Any:
        enter()
        if stage.color == "sync":
            return leave()

        async def later() -> HttpResponse:
            for _ in range(3):
                await asyncio.sleep(0)
            return leave()

        return later()

    stage.http.answer = answer
    stage.run_all(*(sleeper(str(number), 1) for number in range(100)))
    assert 1 <= most <= (THREADS if stage.color == "sync" else IN_FLIGHT)


def test_exchanges_that_have_not_begun_are_dropped_when_nobody_listens() -> None:
    stage, sent, first_ended = Stage("sync"), [], threading.Event()

    def answer(effect: Send) -> HttpResponse:
        sent.append(effect)
        if len(sent) > 1:
            first_ended.wait(5)
        return HttpResponse(status=200)

    stage.http.answer = answer
    outcomes = stage.driver().run_all([Job("main", Ends().flow(SEND)) for _ in range(200)])
    next(outcomes)
    first_ended.set()
    outcomes.close()
    assert len(sent) < 200


@pytest.mark.parametrize("error", [KeyboardInterrupt, asyncio.CancelledError])
def test_what_is_no_error_ends_everything(stage: Stage, error: type[BaseException]) -> None:
    def interrupt(effect: Send) -> Any:
        raise error

    stage.http.answer = interrupt
    ends = Ends()
    with pytest.raises(error):
        stage.run_all(ends.flow(SEND), ends.flow(Sleep(1)))


# --- whose turn it is, among tasks of an event loop ---

CREATE = Send(request=GET, timeout=60, fresh=True)


class Queue:
    """A crowd of polls on the account `main` that fills its gate, none of which is answered before it is let go."""

    def __init__(self, size: int = 3 * IN_FLIGHT, timeout: float = 60) -> None:
        self.stage = Stage("async")
        self.stage.http.answer = self._answer
        self.sent: list[Send] = []
        self.may_end = asyncio.Event()
        self.driver = self.stage.driver()
        poll = Send(request=GET, timeout=timeout)
        self.polls = [asyncio.ensure_future(self.run(poll)) for _ in range(size)]

    async def run(self, effect: Send, account: str = "main") -> Any:
        return await self.driver.run(Job(account, Ends().flow(effect)))

    async def _answer(self, effect: Send) -> HttpResponse:
        self.sent.append(effect)
        if effect.request is GET and not effect.fresh:
            await self.may_end.wait()
        return HttpResponse(status=200)

    async def __aenter__(self) -> Self:
        await settled()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.may_end.set()
        await asyncio.gather(*self.polls, return_exceptions=True)


async def settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_create_waits_behind_no_poll() -> None:
    async def main() -> None:
        async with Queue() as queue:
            assert len(queue.sent) == IN_FLIGHT
            await asyncio.wait_for(queue.run(CREATE), 5)

    asyncio.run(main())


def test_a_poll_waits_behind_those_of_its_own_account_only() -> None:
    other = Send(request=HttpRequest(method="GET", path="other"), timeout=1)

    async def main() -> None:
        async with Queue() as queue:
            await asyncio.wait_for(queue.run(other, "spare"), 5)
            with pytest.raises(TransportError):
                await queue.run(replace(other, timeout=0.01))

    asyncio.run(main())


def test_a_poll_that_gets_no_turn_within_its_time_was_never_sent() -> None:
    async def main() -> None:
        async with Queue(size=IN_FLIGHT + 1, timeout=0.05) as queue:
            with pytest.raises(TransportError) as caught:
                await asyncio.wait_for(queue.polls[-1], 5)
            assert caught.value.phase is Phase.CONNECTING
            assert len(queue.sent) == IN_FLIGHT

    asyncio.run(main())


def test_the_wait_for_a_turn_counts_against_the_time_of_the_poll() -> None:
    async def main() -> None:
        async with Queue(size=IN_FLIGHT + 1) as queue:
            await asyncio.sleep(0.02)
            queue.may_end.set()
            await asyncio.gather(*queue.polls)
            assert queue.sent[-1].timeout <= 60 - 0.015
            assert queue.sent[0].timeout > queue.sent[-1].timeout

    asyncio.run(main())


def test_whoever_gives_up_waiting_for_a_turn_takes_none() -> None:
    async def main() -> None:
        async with Queue() as queue:
            for poll in queue.polls[IN_FLIGHT:]:
                poll.cancel()
            queue.may_end.set()
            await asyncio.gather(*queue.polls, return_exceptions=True)
            assert len(queue.sent) == IN_FLIGHT
            await asyncio.wait_for(queue.run(SEND), 5)

    asyncio.run(main())


# --- whose turn it is, among threads ---


class Crowd:
    """Polls in threads, none of which is answered before it is let go, but for those of the account `spare`."""

    def __init__(self) -> None:
        self.stage = Stage("sync")
        self.stage.http.answer = self._answer
        self.sent: list[Send] = []
        self.may_end = threading.Event()

    def outcomes(self, *timeouts: float, spare: int = 0) -> Iterator[Outcome[Any]]:
        crowd = [Job("main", Ends().flow(Send(request=GET, timeout=timeout))) for timeout in timeouts]
        others = [Job("spare", Ends().flow(Send(request=OTHER, timeout=1))) for _ in range(spare)]
        outcomes: Iterator[Outcome[Any]] = self.stage.driver().run_all([*crowd, *others])
        return outcomes

    def _answer(self, effect: Send) -> HttpResponse:
        if effect.request is not OTHER:
            self.sent.append(effect)
            self.may_end.wait(20)
        return HttpResponse(status=200)


OTHER = HttpRequest(method="GET", path="other")


@pytest.fixture
def crowd() -> Iterator[Crowd]:
    crowd = Crowd()
    yield crowd
    crowd.may_end.set()


def test_in_threads_a_poll_waits_behind_those_of_its_own_account_only(crowd: Crowd) -> None:
    outcomes = crowd.outcomes(*[60.0] * (3 * THREADS), spare=2)
    with bounded(10):
        assert {next(outcomes).index, next(outcomes).index} == {3 * THREADS, 3 * THREADS + 1}


def test_in_threads_a_poll_that_gets_no_turn_within_its_time_was_never_sent(crowd: Crowd) -> None:
    outcomes = crowd.outcomes(*[60.0] * THREADS, 0.05, 60, 0.05)
    with bounded(10):
        in_vain = [next(outcomes), next(outcomes)]
    assert {outcome.index for outcome in in_vain} == {THREADS, THREADS + 2}
    for outcome in in_vain:
        assert isinstance(outcome.error, TransportError)
        assert outcome.error.phase is Phase.CONNECTING
    crowd.may_end.set()
    assert all(outcome.error is None for outcome in outcomes)
    assert len(crowd.sent) == THREADS + 1


# --- creates that break off ---

SENDING = replace(SUBMISSION, state=SubmissionState.SENDING)
ACCEPTED = replace(SUBMISSION, state=SubmissionState.ACCEPTED, ref=task().ref)


class Stop(BaseException):
    """What is no error and ends everything, as Ctrl-C does."""


def interrupt(effect: Any) -> Any:
    raise Stop


def states(stage: Stage) -> list[SubmissionState]:
    return [record.submission.state for record in stage.recorded]


@pytest.mark.parametrize("error", [Stop, KeyError])
def test_a_create_that_is_broken_off_leaves_a_trace(
    stage: Stage, error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(effect: Send) -> Any:
        stage.clock.advance(7)
        raise error

    stage.http.answer = fail
    with pytest.raises(error) as caught:
        stage.run(Ends().flow(Record(submission=SENDING), CREATE))
    assert states(stage) == [SubmissionState.SENDING, SubmissionState.AMBIGUOUS]
    last = stage.recorded[-1].submission
    assert (last.id, last.at, last.detail) == ("1", START + timedelta(seconds=7), f"interrupted: {error.__name__}")
    [note] = caught.value.__notes__
    assert "acme (account main, submission 1)" in note
    assert "may exist and be billed" in note
    assert [(record.levelno, record.message) for record in caplog.records] == [(logging.WARNING, note)]


def test_a_cancelled_create_leaves_a_trace() -> None:
    stage = Stage("async")

    async def main() -> None:
        running = asyncio.create_task(
            stage.driver().run(Job("main", Ends().flow(Record(submission=SENDING), CREATE)))
        )
        await settled()
        running.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await running
        assert "may exist and be billed" in caught.value.__notes__[0]

    stage.http.answer = lambda effect: asyncio.Event().wait()
    asyncio.run(main())
    assert states(stage)[-1] is SubmissionState.AMBIGUOUS


def test_a_create_that_nobody_waits_for_any_longer_leaves_a_trace() -> None:
    stage = Stage("async")

    async def main() -> None:
        dropped = stage.driver().run(Job("main", Ends().flow(Record(submission=SENDING), CREATE)))
        dropped.send(None)
        dropped.close()

    stage.http.answer = lambda effect: asyncio.Event().wait()
    asyncio.run(main())
    assert states(stage)[-1] is SubmissionState.AMBIGUOUS


def test_an_interruption_before_the_create_left_leaves_nothing_in_doubt(stage: Stage) -> None:
    with pytest.raises(Stop) as caught:
        stage.run(Ends().flow(Record(submission=SENDING), Work(lambda: interrupt(None)), CREATE))
    assert states(stage) == [SubmissionState.SENDING]
    assert not hasattr(caught.value, "__notes__")


def test_an_interruption_after_the_answer_names_the_task(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    records = Record(submission=SENDING), CREATE, Record(submission=ACCEPTED)
    with pytest.raises(Stop) as caught:
        stage.run(Ends().flow(*records, Work(lambda: interrupt(None))))
    assert states(stage) == [SubmissionState.SENDING, SubmissionState.ACCEPTED]
    assert str(task().ref) in caught.value.__notes__[0]
    assert str(task().ref) in caplog.text


def test_what_the_flow_has_judged_itself_is_not_judged_again(stage: Stage) -> None:
    rejected = Record(submission=replace(SUBMISSION, state=SubmissionState.REJECTED))
    with pytest.raises(KeyError):
        stage.run(Ends().flow(Record(submission=SENDING), CREATE, rejected, error=KeyError()))
    assert states(stage) == [SubmissionState.SENDING, SubmissionState.REJECTED]


# --- Ctrl-C among many, in threads ---


def test_an_interruption_waits_for_no_exchange() -> None:
    stage, stuck, may_end = Stage("sync"), threading.Event(), threading.Event()

    def answer(effect: Send) -> HttpResponse:
        if effect.timeout == 1:
            assert stuck.wait(5)
            raise Stop
        stuck.set()
        may_end.wait(5)
        return HttpResponse(status=200)

    stage.http.answer = answer
    ends = Ends()
    begin = time.monotonic()
    with pytest.raises(Stop):
        stage.run_all(ends.flow(SEND), ends.flow(Send(request=GET, timeout=9)))
    assert time.monotonic() - begin < 4
    assert ends.closed == 2
    may_end.set()


def test_a_stream_that_opens_after_everybody_left_is_closed() -> None:
    stage, opening, may_open = Stage("sync"), threading.Event(), threading.Event()
    plain_open = stage.http.open

    def slow_open(effect: Open) -> Any:
        opening.set()
        may_open.wait(5)
        return plain_open(effect)

    stage.http.open = slow_open  # type: ignore[method-assign]
    outcomes = stage.driver().run_all([Job("main", Ends().flow(OPEN, Read(1))), Job("main", Ends().flow(SEND))])
    assert next(outcomes).index == 1
    assert opening.wait(5)
    outcomes.close()
    may_open.set()
    until(lambda: bool(stage.http.streams) and stage.http.streams[0].closed == 1)


def until(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.005)


def test_a_program_that_is_interrupted_ends_while_polls_are_under_way() -> None:
    program = """
    import threading
    from tests.transport.test_drivers import Ends, Job, SEND, Stage

    stage = Stage("sync")
    polling = threading.Event()
    def answer(effect):
        polling.set()
        threading.Event().wait(30)
    stage.http.answer = answer
    outcomes = stage.driver().run_all([Job("main", Ends().flow(SEND)) for _ in range(3)])
    def wait(*_, **__):
        assert polling.wait(10)
        raise KeyboardInterrupt
    import reelway.transport.sync_driver as drivers
    drivers.wait = wait
    next(outcomes)
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], timeout=20, check=False, capture_output=True, text=True
    )
    assert ended.stderr.strip().endswith("KeyboardInterrupt")
