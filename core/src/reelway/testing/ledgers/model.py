"""The contract of ledgers: whatever is done in whatever order, a ledger does what a simple model does.

Pauses are multiples of thirty seconds, and time passes in minutes, so that the few seconds that a test really takes
decide nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any, Final

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from reelway.ledger.interface import Ledger
from reelway.ledger.records import Change, Chore, Claim, Settled, Settlement, chore_of, to_be_told
from reelway.model.lifecycle import Event
from reelway.model.observation import Status
from reelway.model.submission import BEFORE, Submission, SubmissionState
from reelway.model.task import Artifact, Task
from reelway.testing.ledgers.kit import (
    CHORES,
    NEAR,
    REPEATED,
    Kit,
    end,
    entry_of,
    last_position,
    new_account,
    new_attempt,
    new_task,
    progress,
)

PAUSES: Final = st.sampled_from([0.0, 30.0, 90.0, 210.0])

STEPS: Final = st.sampled_from(
    [
        (Status.RUNNING, Artifact.NONE),
        (Status.SUCCEEDED, Artifact.AVAILABLE),
        (Status.SUCCEEDED, Artifact.STORED),
        (Status.FAILED, Artifact.NONE),
        (Status.LOST, Artifact.NONE),
    ]
)


CREATED: Final = frozenset({SubmissionState.ACCEPTED, SubmissionState.ADOPTED})
FREED: Final = frozenset({SubmissionState.REJECTED, SubmissionState.ABANDONED})


class Row:
    """What the model holds of one task."""

    def __init__(self, number: int, task: Task, due: float) -> None:
        """A task that has just become known."""
        self.number = number
        self.task = task
        self.revision = 1
        self.chore = chore_of(task)
        self.due = due
        self.rest_until = due
        self.leased_until = 0.0
        self.lease = 0
        self.woken = False
        self.interval = 0.0

    def free(self, now: float) -> bool:
        """Whether it can be claimed."""
        return self.chore is not None and self.due <= now and self.leased_until <= now

    def change(self, step: tuple[Status, Artifact], *, stale: bool) -> Change:
        """A change as somebody makes it who has just looked, or who looked too early."""
        status, artifact = step
        task = replace(self.task, status=status, artifact=artifact, setbacks=self.task.setbacks + 1)
        events = (progress(task, self.revision % 100), *((end(task, status),) if status.final else ()))
        return Change(number=self.number, expected=self.revision - stale, task=task, events=events)


class LedgerMachine(RuleBasedStateMachine):
    """Does the same with a ledger and with a model of it.

    Attributes:
        ledger: the one under test.
        pass_time: lets time pass for it.
    """

    rows = Bundle("rows")
    attempts = Bundle("attempts")
    claims = Bundle("claims")

    ledger: Ledger
    pass_time: Callable[[float], None]

    def __init__(self) -> None:
        """Begin with a ledger in which others may have left something."""
        super().__init__()
        self.account = new_account()
        self.now = 0.0
        self.mark = last_position(self.ledger)
        self.known: dict[int, Row] = {}
        self.begun: dict[str, Submission] = {}
        self.keyless: set[str] = set()
        self.history: list[tuple[int, int, Event]] = []

    @initialize(target=rows)
    def first(self) -> Any:
        return self.track(0.0)

    # --- attempts ---

    @rule(target=attempts, key=st.sampled_from([None, "one", "two"]))
    def begin(self, key: str | None) -> Any:
        attempt = new_attempt(self.account, idempotency_key=key and f"{key} of {self.account[1]}")
        holder = self._holder(attempt)
        earlier = self.ledger.begin(attempt)
        if holder is not None:
            assert earlier is not None
            assert earlier.submission == holder
            return multiple()
        assert earlier is None
        self.begun[attempt.id] = attempt
        return attempt.id

    @rule(attempt=attempts, state=st.sampled_from(SubmissionState))
    def note(self, attempt: str, state: SubmissionState) -> None:
        held = self.begun[attempt]
        may = held.state in BEFORE[state] and not (state is SubmissionState.SENDING and attempt in self.keyless)
        step = replace(held, state=state)
        assert self.ledger.note(step, BEFORE[state]) is may
        if may:
            self._step(step)

    @rule(target=rows, attempt=attempts, due_in=PAUSES)
    def accept(self, attempt: str, due_in: float) -> Any:
        held = self.begun[attempt]
        if held.ref is not None:
            return multiple()
        task = new_task(self.account)
        accepted = replace(held, state=SubmissionState.ACCEPTED, ref=task.ref)
        entry = self.ledger.accept(accepted, task, (progress(task, 0),), due_in=due_in)
        self._step(accepted)
        self.history.append((entry.number, 1, progress(task, 0)))
        return self._new(entry.number, task, due_in)

    # --- tasks ---

    @rule(target=rows, due_in=PAUSES)
    def track(self, due_in: float) -> Any:
        task = new_task(self.account)
        return self._new(self.ledger.track(task, due_in=due_in).number, task, due_in)

    @rule(row=rows, step=STEPS, stale=st.booleans())
    def save(self, row: Row, step: tuple[Status, Artifact], stale: bool) -> None:  # noqa: FBT001 - drawn
        change = row.change(step, stale=stale)
        assert self.ledger.save([change]) == [not stale]
        if not stale:
            self._change(row, change)

    # --- turns ---

    @rule(
        target=claims,
        limit=st.integers(1, 4),
        lease=st.sampled_from([90.0, 210.0]),
        chores=st.sets(st.sampled_from(CHORES)),
    )
    def claim(self, limit: int, lease: float, chores: set[Chore]) -> Any:
        free = [row for row in self.known.values() if row.free(self.now) and row.chore in chores]
        claims = self.ledger.claim(limit, lease, {self.account: inf}, sorted(chores))
        taken = [self.known[claim.entry.number] for claim in claims]
        assert len(taken) == len(set(taken)) == min(limit, len(free))
        assert set(taken) <= set(free)
        left = min((row.due for row in set(free) - set(taken)), default=inf)
        assert all(row.due <= left + NEAR for row in taken)
        for row, claim in zip(taken, claims, strict=True):
            assert (claim.entry.revision, claim.chore, claim.interval) == (row.revision, row.chore, row.interval)
            assert claim.late == pytest.approx(self.now - row.due, abs=NEAR)
            assert claim.lease > row.lease
            row.lease, row.leased_until, row.woken = claim.lease, self.now + lease, False
        return multiple(*claims)

    @rule(claim=claims, step=st.none() | STEPS, again=PAUSES, rest=PAUSES)
    def settle(self, claim: Claim, step: tuple[Status, Artifact] | None, again: float, rest: float) -> None:
        row = self.known[claim.entry.number]
        if claim.lease == row.lease and not row.leased_until:
            return
        change = None if step is None else replace(row.change(step, stale=False), expected=claim.entry.revision)
        settlement = Settlement(claim=claim, change=change, again=again, rest=rest, interval=again)
        assert self.ledger.settle([settlement]) == [self._settle(row, settlement)]

    def _settle(self, row: Row, settlement: Settlement) -> Settled:
        claim, change = settlement.claim, settlement.change
        if claim.lease != row.lease:
            return Settled.LATE
        overtaken = change is not None and change.expected != row.revision
        if change is not None and not overtaken:
            self._change(row, change)
        same = row.chore is claim.chore
        pause = settlement.rest if row.woken or overtaken else max(settlement.again, settlement.rest)
        row.due = self.now + (pause if same else 0.0)
        row.rest_until, row.leased_until, row.woken = self.now + settlement.rest, 0.0, False
        row.interval = settlement.interval if same else 0.0
        return Settled.OVERTAKEN if overtaken else Settled.DONE

    @rule(claim=claims)
    def renew(self, claim: Claim) -> None:
        row = self.known[claim.entry.number]
        if claim.lease == row.lease and 0 < row.leased_until <= self.now:
            # It has run out, but nobody took the task: both answers are right, and a backend may give either.
            return
        still = claim.lease == row.lease and row.leased_until > 0
        assert self.ledger.renew(claim, 210.0) is still
        row.leased_until = self.now + 210.0 if still else row.leased_until

    @rule(row=rows)
    def wake(self, row: Row) -> None:
        self.ledger.wake([row.number])
        row.woken = True
        row.due = min(row.due, max(self.now, row.rest_until))

    @rule(minutes=st.integers(1, 4))
    def wait(self, minutes: int) -> None:
        self.pass_time(60.0 * minutes)
        self.now += 60.0 * minutes

    # --- what the model does ---

    def _holder(self, attempt: Submission) -> Submission | None:
        """Which other attempt has its key."""
        others = (one for one in self.begun.values() if one.id not in {attempt.id, *self.keyless})
        alike = (one for one in others if one.idempotency_key and one.idempotency_key == attempt.idempotency_key)
        return next((one for one in alike if one.state not in FREED), None)

    def _step(self, attempt: Submission) -> None:
        holder = self._holder(attempt)
        if holder is not None and attempt.state in CREATED and holder.state not in CREATED:
            self.keyless.add(holder.id)
        elif holder is not None:
            self.keyless.add(attempt.id)
        self.begun[attempt.id] = attempt

    def _new(self, number: int, task: Task, due_in: float) -> Row:
        row = self.known[number] = Row(number, task, self.now + due_in)
        return row

    def _change(self, row: Row, change: Change) -> None:
        row.revision += 1
        row.task = change.task
        if chore_of(change.task) is not row.chore:
            row.chore, row.due, row.interval = chore_of(change.task), self.now, 0.0
        self.history += [(row.number, row.revision, event) for event in change.events]

    def teardown(self) -> None:
        """Leave nothing behind that another machine would have to read."""
        self.ledger.told([one.position for one in self.ledger.untold(10**6)])

    # --- what always holds ---

    @invariant()
    def the_entries_are_those_of_the_model(self) -> None:
        for row in self.known.values():
            entry = self.ledger.find(row.task.ref)
            assert entry is not None
            assert (entry.number, entry.task, entry.revision) == (row.number, row.task, row.revision)
        for attempt in self.begun.values():
            assert entry_of(self.ledger, attempt).submission == attempt

    @invariant()
    def the_history_is_that_of_the_model(self) -> None:
        kept = [one for one in self.ledger.events(self.mark, 10**6) if one.number in self.known]
        assert [(one.number, one.revision, one.event) for one in kept] == self.history
        assert [one for one in self.ledger.untold(10**6) if one.number in self.known] == [
            one for one in kept if to_be_told(one.event)
        ]

    @invariant()
    def the_next_turn_is_when_the_model_has_it(self) -> None:
        times = [max(row.due, row.leased_until) for row in self.known.values() if row.chore is not None]
        told = self.ledger.next_due({self.account: inf}, CHORES)
        if not times:
            assert told is None
        else:
            assert told == pytest.approx(max(0.0, min(times) - self.now), abs=NEAR)


class AgainstAModel(Kit):
    """Rules that hold one by one hold together."""

    def test_a_ledger_does_what_a_simple_model_does(self, ledger: Ledger) -> None:
        machine = type("Machine", (LedgerMachine,), {"ledger": ledger, "pass_time": staticmethod(self.pass_time)})
        run_state_machine_as_test(machine, settings=settings(REPEATED, stateful_step_count=30))
