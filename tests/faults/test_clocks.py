"""What each interval is measured with, and what becomes of it when somebody sets the wall clock under way.

Pauses, deadlines and graces of clients are in ``tests/client/test_clock_jumps.py``, those of a tracker and its
leases in ``tests/tracker/test_cadence.py``; a ledger on PostgreSQL goes by its server. The runs that kill processes
set the clock of every other one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf
from typing import Final, TypeAlias

import pytest

from reelway import Account, Client, LedgerError, Registry, SubmissionUnknown
from reelway.ledger.records import Chore
from reelway.ledger.sqlite import SqliteLedger
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.submission import STALE, SubmissionState
from reelway.server import CallbackReceiver
from reelway.testing import VirtualClock, in_process
from reelway.testing.ledgers.kit import new_account, new_task
from tests.acme import ACME, said
from tests.server.caller import Shop, post

HOUR: Final = 3600.0
DAY: Final = 86_400.0

JUMPS: Final = (-HOUR, DAY)

KEY: Final = "order 7"


class Bureau:
    """Two clients with one ledger: one creates, and while its request is on the wire the other does something."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.ledger = SqliteLedger(monotonic=self.clock.monotonic)
        self.creates = 0
        self.meanwhile: Callable[[], None] = lambda: None

    @contextmanager
    def client(self, respond: Callable[[HttpRequest], HttpResponse]) -> Iterator[Client]:
        account = Account("acme", api_key="k", requests_per_second=1000)
        with Client(
            account,
            ledger=self.ledger,
            clock=self.clock,
            registry=Registry([ACME]),
            transport=in_process(respond),
        ) as client:
            yield client

    def answer(self, request: HttpRequest) -> HttpResponse:
        """The answer to a create, which takes its time."""
        self.creates += 1
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        return said("queued")


@pytest.fixture
def bureau() -> Iterator[Bureau]:
    bureau = Bureau()
    with bureau.ledger:
        yield bureau


@pytest.mark.parametrize(("jump", "called_in_doubt"), [(-HOUR, False), (0.0, False), (DAY, True)])
def test_a_create_that_is_called_in_doubt_too_early_is_made_once_and_counts(
    bureau: Bureau, jump: float, called_in_doubt: bool
) -> None:
    """How long an attempt may be under way has to be told by another machine, and so by the wall clock."""
    with bureau.client(bureau.answer) as maker, bureau.client(bureau.answer) as other:

        def look() -> None:
            bureau.clock.jump(jump)
            assert bool(other.submissions_in_doubt()) == called_in_doubt
            with pytest.raises(SubmissionUnknown):
                other.create(model="m", idempotency_key=KEY)

        bureau.meanwhile = look
        task = maker.create(model="m", idempotency_key=KEY)
        assert other.create(model="m", idempotency_key=KEY) == task
        assert other.submissions_in_doubt() == []
    assert bureau.creates == 1


def test_what_is_called_left_behind_too_early_is_not_sent(bureau: Bureau) -> None:
    """An attempt that another gave up before it was sent, because the clock was set: one of the two creates."""
    note, taken = bureau.ledger.note, list[str]()
    with bureau.client(bureau.answer) as maker, bureau.client(bureau.answer) as other:

        def overtaken(submission: object, expected: object) -> bool:
            bureau.ledger.note = note  # type: ignore[method-assign]
            bureau.clock.jump(DAY)
            taken.append(other.create(model="m", idempotency_key=KEY).id)
            return note(submission, expected)  # type: ignore[arg-type]

        bureau.ledger.note = overtaken  # type: ignore[method-assign]
        with pytest.raises(LedgerError, match="another process has settled it"):
            maker.create(model="m", idempotency_key=KEY)
        assert maker.create(model="m", idempotency_key=KEY).id == taken[0]
    assert bureau.creates == 1


@pytest.mark.parametrize("jump", JUMPS)
def test_a_cut_create_comes_into_doubt_by_the_wall_clock_and_is_never_made_again(
    bureau: Bureau, jump: float
) -> None:
    class Killed(BaseException):
        """As if the process ended here."""

    note = bureau.ledger.note
    with bureau.client(bureau.answer) as maker, bureau.client(bureau.answer) as other:

        def die() -> None:
            # Whoever is killed notes nothing more.
            bureau.ledger.note = lambda *_: True  # type: ignore[method-assign]
            raise Killed

        bureau.meanwhile = die
        with pytest.raises(Killed):
            maker.create(model="m", idempotency_key=KEY)
        bureau.ledger.note = note  # type: ignore[method-assign]
        bureau.clock.jump(jump)
        assert bool(other.submissions_in_doubt()) == (jump > 0)
        with pytest.raises(SubmissionUnknown):
            other.create(model="m", idempotency_key=KEY)
        bureau.clock.jump(-jump)
        bureau.clock.advance(STALE[SubmissionState.SENDING])
        [entry] = other.submissions_in_doubt()
        assert entry.submission is not None
        other.abandon(entry.submission.id)
    assert bureau.creates == 1


Interval: TypeAlias = Callable[[VirtualClock, SqliteLedger], Callable[[], bool]]
"""Begins something that lasts a minute; what it gives back tells whether it is over."""


def a_lease(clock: VirtualClock, ledger: SqliteLedger) -> Callable[[], bool]:
    task = new_task(ACCOUNT)
    ledger.track(task)
    ledger.claim(1, 60.0, PACES, [Chore.POLL])
    return lambda: bool(ledger.claim(1, 0.0, PACES, [Chore.POLL]))


def a_pause(clock: VirtualClock, ledger: SqliteLedger) -> Callable[[], bool]:
    ledger.track(new_task(ACCOUNT), due_in=60.0)
    return lambda: bool(ledger.claim(1, 0.0, PACES, [Chore.POLL]))


def a_truce(clock: VirtualClock, ledger: SqliteLedger) -> Callable[[], bool]:
    ledger.track(new_task(ACCOUNT))
    ledger.hold_off(ACCOUNT, 60.0)
    return lambda: bool(ledger.claim(1, 0.0, PACES, [Chore.POLL]))


def a_pace(clock: VirtualClock, ledger: SqliteLedger) -> Callable[[], bool]:
    for _ in range(2):
        ledger.track(new_task(ACCOUNT))
    slowly = {ACCOUNT: 1 / 60}
    assert ledger.claim(2, 600.0, slowly, [Chore.POLL])
    return lambda: bool(ledger.claim(2, 600.0, slowly, [Chore.POLL]))


ACCOUNT: Final = new_account()
PACES: Final = {ACCOUNT: inf}


@pytest.mark.parametrize("jump", JUMPS)
@pytest.mark.parametrize("interval", [a_lease, a_pause, a_truce, a_pace], ids=lambda one: one.__name__)
def test_no_interval_of_a_file_goes_by_the_wall_clock(interval: Interval, jump: float) -> None:
    clock = VirtualClock()
    with SqliteLedger(monotonic=clock.monotonic) as ledger:
        over = interval(clock, ledger)
        clock.jump(jump)
        clock.advance(59.0)
        assert not over()
        clock.advance(2.0)
        assert over()


@pytest.mark.parametrize("jump", JUMPS)
def test_a_callback_address_ends_with_its_entry_and_by_no_clock(jump: float) -> None:
    shop = Shop()
    job = shop.job()
    shop.clock.jump(jump)
    assert post(CallbackReceiver(shop.ledger, clock=shop.clock), job.path, b"{}").status == 202
    assert shop.bodies(job) == [b"{}"]
