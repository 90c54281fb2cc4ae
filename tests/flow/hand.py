"""A driver for tests: no network, no threads, a clock that costs nothing, and every effect on record."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from msgspec import Struct

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
    Phase,
    Read,
    Record,
    Send,
    Sleep,
    TransportError,
    Work,
)
from reelway.model.http import Headers, HttpResponse
from reelway.model.submission import Submission
from reelway.model.task import Task
from reelway.testing import VirtualClock

R = TypeVar("R")
E = TypeVar("E", bound=Effect[Any])


class Served(Struct, frozen=True, kw_only=True):
    """A streamed answer.

    Attributes:
        pieces: what the reads give; a number is seconds that pass before the next piece.
        breaks: the connection breaks behind the last piece, in place of an end.
    """

    status: int = 200
    headers: Headers = ()
    pieces: tuple[bytes | float, ...] = ()
    breaks: bool = False

    def piece(self, number: int) -> bytes | float:
        if number < len(self.pieces):
            return self.pieces[number]
        if self.breaks:
            raise broken(Phase.RECEIVING)
        return b""


Answer = HttpResponse | Served | Exception | Callable[[Any], Any]


def broken(phase: Phase, *, refused: bool = False) -> TransportError:
    return TransportError(phase, "it broke", refused=refused)


class Hand:
    """Runs flows. Exchanges are answered from a list; everything else happens at once."""

    def __init__(
        self,
        *answers: Answer,
        seconds_per_exchange: float = 0.0,
        on_record: Callable[[Submission], Earlier | None] = lambda submission: None,
        on_observe: Callable[[Observe], Task] = lambda observed: observed.task,
    ) -> None:
        self.clock = VirtualClock()
        self.effects: list[Effect[Any]] = []
        self.answers = deque(answers)
        self._seconds = seconds_per_exchange
        self._stream = Served()
        self._piece = 0
        self._table: dict[type[Any], Callable[[Any], Any]] = {
            Now: lambda _: Instant(self.clock.now(), self.clock.monotonic()),
            Sleep: lambda effect: self.clock.sleep(effect.seconds),
            Work: lambda effect: effect.call(),
            Record: lambda effect: on_record(effect.submission),
            Observe: on_observe,
            Send: self._answer,
            Open: self._open,
            Read: self._read,
        }

    def run(self, flow: Flow[R]) -> R:
        """Run a flow to its end."""
        reply: Any = None
        error: Exception | None = None
        while True:
            try:
                effect = flow.throw(error) if error else flow.send(reply)
            except StopIteration as stop:
                result: R = stop.value
                return result
            self.effects.append(effect)
            try:
                reply, error = self._perform(effect), None
            except Exception as caught:  # noqa: BLE001 - every error belongs to the flow
                reply, error = None, caught

    def _perform(self, effect: Effect[Any]) -> Any:
        handler = self._table.get(type(effect))
        return handler(effect) if handler else None

    def of(self, kind: type[E]) -> list[E]:
        """The effects of one kind, in order."""
        return [effect for effect in self.effects if isinstance(effect, kind)]

    @property
    def slept(self) -> list[float]:
        return [effect.seconds for effect in self.of(Sleep)]

    @property
    def records(self) -> list[Submission]:
        return [effect.submission for effect in self.of(Record)]

    @property
    def seen(self) -> list[Task]:
        return [effect.task for effect in self.of(Observe)]

    @property
    def all_closed(self) -> bool:
        """Whether no stream was left open."""
        kinds = [type(effect) for effect in self.effects if isinstance(effect, Open | Close)]
        return not kinds or kinds[-1] is Close

    def _answer(self, effect: Send | Open) -> Any:
        self.clock.advance(self._seconds)
        answer = self.answers.popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, Struct) else answer(effect)

    def _open(self, effect: Open) -> Head:
        self._stream, self._piece = self._answer(effect), 0
        return Head(status=self._stream.status, headers=self._stream.headers)

    def _read(self, effect: Read) -> bytes:
        piece = self._stream.piece(self._piece)
        self._piece += 1
        if isinstance(piece, bytes):
            return piece
        self.clock.advance(min(piece, effect.timeout))
        if piece >= effect.timeout:
            raise broken(Phase.RECEIVING)
        return self._read(effect)


def raises(flow: Flow[Any], hand: Hand) -> Exception:
    """The error that a flow ends with."""
    try:
        result = hand.run(flow)
    except Exception as error:  # noqa: BLE001 - the caller looks at it
        return error
    raise AssertionError(f"the flow ended well: {result!r}")


def sums(numbers: Iterable[float]) -> list[float]:
    """The running sums."""
    total, sums = 0.0, []
    for number in numbers:
        total += number
        sums.append(total)
    return sums
