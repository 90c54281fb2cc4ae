"""Who learns what a flow does: those who are told of it, and the ledger that remembers it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

from msgspec import Struct

from reelway.flow.effects import Earlier, Effect, Observe, Record, TransportError
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.submission import UNSENT
from reelway.model.task import Task


class Exchange(Struct, frozen=True, kw_only=True):
    """An exchange with an account's API that has ended: with an answer, or with what broke it.

    ``seconds`` are those from the wish to send until then.
    """

    account: str
    request: HttpRequest
    response: HttpResponse | None
    broke: TransportError | None
    seconds: float


class Keeping(Protocol):
    """Brings what flows tell of into a ledger. Each call may block, and raise a ``LedgerError``."""

    def record(self, record: Record) -> Earlier | None:
        """Put a step of a submission on record; the earlier one that has the key of a new one."""

    def observe(self, observed: Observe) -> Observe:
        """Put a change of a task on record; what changed there, which is all that there is to tell of."""


class Unkept:
    """Keeps nothing, and takes no time: for clients without a ledger."""

    def record(self, record: Record) -> None:
        """Nothing."""

    def observe(self, observed: Observe) -> Observe:
        """All of it is to be told."""
        return observed


UNKEPT: Final = Unkept()


class Witness(Struct, frozen=True, kw_only=True):
    """Who is told what a flow does.

    Attributes:
        observe: a task as it now is, with its events; gives back how it stands.
        record: a submission on its way. What it raises before the request leaves keeps it from leaving.
        keeping: what brings both into a ledger, where there is one; only then does that take time.
        exchange: each exchange with an account's API, once it has ended.
        monotonic: seconds that never jump.
        trace: every effect, in order.
    """

    observe: Callable[[Observe], Task]
    record: Callable[[Record], None]
    keeping: Keeping = UNKEPT
    exchange: Callable[[Exchange], None] | None = None
    trace: Callable[[Effect[Any]], None] | None = None
    monotonic: Callable[[], float] = time.monotonic

    @contextmanager
    def telling(self, record: Record) -> Iterator[None]:
        """Tell of a step while it is put on record: what leads to the request before, and what it led to after.

        So whoever listens can stop a request that nobody has put on record as leaving, and learns in any case what
        became of one that left.
        """
        before = record.submission.state in UNSENT
        if before and not record.quiet:
            self.record(record)
        try:
            yield
        finally:
            if not before and not record.quiet:
                self.record(record)
