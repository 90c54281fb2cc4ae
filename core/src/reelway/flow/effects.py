"""What a conversation can ask of the world. Flows yield these; a driver carries them out and sends the result back.

Every effect names the type of its result; ``perform`` gives a flow that type. The effects that a flow yielded, in
order, are its trace.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import datetime
from enum import IntEnum
from typing import Any, Generic, TypeAlias, TypeVar, cast

from msgspec import Struct

from reelway.model.http import Headers, HttpRequest, HttpResponse
from reelway.model.lifecycle import Event
from reelway.model.observation import Observation
from reelway.model.secret import Secret
from reelway.model.submission import Submission, SubmissionState
from reelway.model.task import StoredResult, Task

T_co = TypeVar("T_co", covariant=True)
R = TypeVar("R")


class Phase(IntEnum):
    """How far an exchange got. From ``SENDING`` on, the other side may have acted on the request."""

    CONNECTING = 1
    CONNECTED = 2
    SENDING = 3
    RECEIVING = 4

    @property
    def request_may_have_left(self) -> bool:
        """Whether a byte of the request may have been sent."""
        return self >= Phase.SENDING


class TransportError(Exception):
    """An exchange broke. The driver throws it into the flow at the effect that broke.

    Attributes:
        phase: how far the exchange got, as the transport saw it.
        reason: what happened, in a few words and without addresses or keys.
        refused: our own guard refused the address; asking again cannot help.
    """

    def __init__(self, phase: Phase, reason: str, *, refused: bool = False) -> None:
        super().__init__(reason)
        self.phase = phase
        self.reason = reason
        self.refused = refused


class Instant(Struct, frozen=True, gc=False):
    """The time twice: for people, and for measuring (seconds that never jump)."""

    wall: datetime
    monotonic: float


class Effect(Generic[T_co]):
    """A wish of a flow whose fulfilment is a ``T_co``."""

    __slots__ = ()


class Now(Struct, Effect[Instant], frozen=True, gc=False):
    """The present time."""


class Sleep(Struct, Effect[None], frozen=True):
    """Wait so many seconds."""

    seconds: float


class Send(Struct, Effect[HttpResponse], frozen=True, gc=False, kw_only=True):
    """One exchange with the account's API; throws :class:`TransportError`.

    Attributes:
        request: relative to the account's base URL.
        timeout: seconds for the whole exchange, connecting included.
        fresh: use a connection of its own, so that no stale one can blur whether the request left.
    """

    request: HttpRequest
    timeout: float
    fresh: bool = False


class Sighting(Struct, frozen=True, gc=False):
    """One observation, when it was made, and for how many seconds the task had been known then."""

    observation: Observation
    at: datetime
    age: float | None


class Observe(Struct, Effect[Task], frozen=True, gc=False, kw_only=True):
    """Tell the world about a task as it now is, and what happened to it.

    The reply is the task as it stands for everybody: where a ledger is kept and another process was quicker, that
    is the other's, with this sighting applied to it. With neither a sighting nor a result, it is on record already.

    Attributes:
        task: the task afterwards.
        events: what happened, in order.
        seen: what the change was read from.
        result: what was stored, where that is the change.
    """

    task: Task
    events: tuple[Event, ...] = ()
    seen: Sighting | None = None
    result: StoredResult | None = None


class Earlier(Struct, frozen=True):
    """An attempt that has the idempotency key already, and its task, once there is one."""

    submission: Submission
    task: Task | None = None

    @property
    def made(self) -> Task | None:
        """What it made, as far as that is known; where the task itself is not, its reference is."""
        ref = self.submission.ref
        return self.task if ref is None or self.task is not None else Task.new(ref, self.submission.at)


class Record(Struct, Effect[Earlier | None], frozen=True, kw_only=True):
    """Put a submission on record before going on; without a ledger, only listeners are told.

    The reply to a new one is the earlier attempt that stands in its place, if there is one.

    Attributes:
        submission: the attempt as it now stands.
        new: whether it begins here.
        expected: the states that it is to be in before; without them, all from which it may come to this one. Where
            it is in none of these, the attempt is somebody else's by now, and that is no error.
        quiet: listeners are not told, because they know, or because the attempt is not theirs.
        task: what it made, once accepted, with ``events``.
        due_in: seconds until that task is to be polled.
    """

    submission: Submission
    new: bool = False
    expected: frozenset[SubmissionState] | None = None
    quiet: bool = False
    task: Task | None = None
    events: tuple[Event, ...] = ()
    due_in: float = 0.0


class Head(Struct, frozen=True, kw_only=True):
    """The beginning of a streamed answer."""

    status: int
    headers: Headers

    def __repr__(self) -> str:
        # The headers of a redirect hold a signed link.
        return f"Head({self.status}, …)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("status", self.status)]


class Open(Struct, Effect[Head], frozen=True, kw_only=True):
    """Start streaming a result; throws :class:`TransportError`.

    Attributes:
        url: a link that a provider named, requested byte for byte.
        keyed: the link is the account's own address and is asked with its key; otherwise without credentials.
        request: instead of a link, a request to the account's API, with its key.
        headers: what to send along.
        timeout: seconds until the beginning of the answer.
    """

    url: Secret | None = None
    keyed: bool = False
    request: HttpRequest | None = None
    headers: Headers = ()
    timeout: float


class Read(Struct, Effect[bytes], frozen=True):
    """The next bytes of the open stream, none at its end; throws :class:`TransportError`."""

    timeout: float


class Close(Struct, Effect[None], frozen=True):
    """Let go of the open stream."""


class Work(Struct, Effect[R], Generic[R], frozen=True):
    """Blocking work on files, done where it does not hold anybody up.

    Attributes:
        call: the work.
        give_up: has it end soon; called from another thread where nobody waits for it any longer.
    """

    call: Callable[[], R]
    give_up: Callable[[], None] | None = None


Flow: TypeAlias = Generator[Effect[Any], Any, R]
"""A conversation that ends in an ``R``."""


def perform(effect: Effect[R]) -> Generator[Effect[Any], Any, R]:
    """Yield one effect and give back its result, with the type that the effect names."""
    return cast("R", (yield effect))
