"""The contract of ledgers: attempts to create a task."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import Final

import pytest
from msgspec.structs import replace

from reelway.ledger.interface import Ledger
from reelway.ledger.records import Chore, Entry, Query
from reelway.model.submission import BEFORE, SubmissionState
from reelway.testing.ledgers.kit import (
    EVERY,
    NEAR,
    Kit,
    at_once,
    begun,
    end,
    entry_of,
    failed,
    further,
    held,
    last_position,
    new_account,
    new_attempt,
    new_task,
    progress,
    stored,
    succeeded,
    take,
    take_one,
    wait_of,
)

FREED: Final = frozenset({SubmissionState.REJECTED, SubmissionState.ABANDONED})
"""States of an attempt that created nothing, so that another may have its key."""


class Attempts(Kit):
    """Every attempt is on record before anything is sent, and one key creates once."""

    def test_an_attempt_is_on_record_as_soon_as_it_is_begun(self, ledger: Ledger, beside: Ledger) -> None:
        attempt = new_attempt(label="a boat", metadata={"order": 7}, response=b"\x00raw")
        assert ledger.begin(attempt) is None
        entry = entry_of(beside, attempt)
        assert (entry.submission, entry.task, entry.revision, entry.results) == (attempt, None, 0, ())

    def test_an_attempt_that_nobody_began_is_not_there(self, ledger: Ledger) -> None:
        attempt = new_attempt()
        assert ledger.submission(attempt.id) is None
        assert not ledger.note(attempt, EVERY)
        assert ledger.submission(attempt.id) is None

    def test_a_step_is_noted_from_an_expected_state_and_from_no_other(self, ledger: Ledger) -> None:
        for stands, expected in product(SubmissionState, repeat=2):
            attempt = begun(ledger, stands, new_attempt())
            step = replace(attempt, detail="what came of it")
            assert ledger.note(step, {expected}) is (stands is expected)
            assert entry_of(ledger, attempt).submission == (step if stands is expected else attempt)

    def test_the_table_of_steps_holds_on_record(self, ledger: Ledger) -> None:
        for stands, wanted in product(SubmissionState, repeat=2):
            attempt = begun(ledger, stands, new_attempt())
            may = stands in BEFORE[wanted]
            assert ledger.note(replace(attempt, state=wanted), BEFORE[wanted]) is may
            told = entry_of(ledger, attempt).submission
            assert told == replace(attempt, state=wanted if may else stands)

    def test_nothing_expected_is_never_met(self, ledger: Ledger) -> None:
        attempt = begun(ledger, SubmissionState.INTENT, new_attempt())
        assert not ledger.note(replace(attempt, state=SubmissionState.SENDING), ())

    def test_an_answer_in_doubt_is_kept_as_it_came(self, ledger: Ledger) -> None:
        body = bytes(range(256)) * 4096
        attempt = begun(ledger, SubmissionState.SENDING, new_attempt())
        doubt = replace(attempt, state=SubmissionState.AMBIGUOUS, response=body, detail="half an answer")
        assert ledger.note(doubt, {SubmissionState.SENDING})
        assert entry_of(ledger, attempt).submission == doubt

    # --- keys ---

    @pytest.mark.parametrize("state", SubmissionState)
    def test_a_key_is_held_by_an_attempt_that_may_have_created(
        self, ledger: Ledger, beside: Ledger, state: SubmissionState
    ) -> None:
        key = f"order-{new_attempt().id}"
        first = begun(ledger, state, new_attempt(idempotency_key=key))
        second = new_attempt(new_account(), idempotency_key=key)
        earlier = beside.begin(second)
        assert (earlier is None) is (state in FREED)
        assert (beside.submission(second.id) is None) is (state not in FREED)
        if earlier is not None:
            assert earlier.submission == first

    def test_attempts_without_a_key_do_not_stand_in_each_others_way(self, ledger: Ledger) -> None:
        assert [ledger.begin(new_attempt()) for _ in range(3)] == [None] * 3

    def test_of_many_that_race_for_a_key_one_wins(self, ledger: Ledger, beside: Ledger) -> None:
        for _ in range(5):
            key = f"order-{new_attempt().id}"
            attempts = [new_attempt(idempotency_key=key) for _ in range(8)]
            sides = [(ledger, beside)[number % 2] for number in range(8)]
            earlier = at_once([partial(side.begin, attempt) for side, attempt in zip(sides, attempts, strict=True)])
            [winner] = [attempt for attempt, entry in zip(attempts, earlier, strict=True) if entry is None]
            assert [entry.submission for entry in earlier if entry is not None] == [winner] * 7
            assert [one for one in attempts if ledger.submission(one.id) is not None] == [winner]

    @pytest.mark.parametrize("given_up", sorted(FREED))
    def test_whoever_proves_to_have_created_has_the_key_back(
        self, ledger: Ledger, given_up: SubmissionState
    ) -> None:
        key = f"order-{new_attempt().id}"
        first = begun(ledger, given_up, new_attempt(idempotency_key=key))
        second = begun(ledger, SubmissionState.SENDING, new_attempt(idempotency_key=key))
        task = new_task()
        entry = ledger.accept(replace(first, state=SubmissionState.ADOPTED, ref=task.ref), task, due_in=0)
        assert entry.task == task
        assert ledger.begin(new_attempt(idempotency_key=key)) == entry
        assert ledger.note(replace(second, state=SubmissionState.REJECTED), {SubmissionState.SENDING})
        assert ledger.begin(new_attempt(idempotency_key=key)) == entry

    def test_whoever_is_noted_to_have_created_has_the_key_back_before_its_task_is_known(
        self, ledger: Ledger, beside: Ledger
    ) -> None:
        key = f"order-{new_attempt().id}"
        first = begun(ledger, SubmissionState.REJECTED, new_attempt(idempotency_key=key))
        second = begun(ledger, SubmissionState.INTENT, new_attempt(idempotency_key=key))
        created = replace(first, state=SubmissionState.ACCEPTED)
        assert not ledger.note(created, {SubmissionState.SENDING})
        assert ledger.begin(new_attempt(idempotency_key=key)) == entry_of(ledger, second)
        assert ledger.note(created, {SubmissionState.REJECTED})
        assert not beside.note(replace(second, state=SubmissionState.SENDING), {SubmissionState.INTENT})
        assert ledger.begin(new_attempt(idempotency_key=key)) == entry_of(ledger, first)

    def test_an_attempt_that_has_lost_its_key_is_not_sent(self, ledger: Ledger, beside: Ledger) -> None:
        key = f"order-{new_attempt().id}"
        first = begun(ledger, SubmissionState.ABANDONED, new_attempt(idempotency_key=key))
        second = begun(ledger, SubmissionState.INTENT, new_attempt(idempotency_key=key))
        task = new_task()
        ledger.accept(replace(first, state=SubmissionState.ACCEPTED, ref=task.ref), task, due_in=0)
        assert not beside.note(replace(second, state=SubmissionState.SENDING), {SubmissionState.INTENT})
        assert entry_of(ledger, second).submission == second
        assert ledger.note(replace(second, state=SubmissionState.ABANDONED), {SubmissionState.INTENT})

    def test_two_attempts_that_created_something_under_one_key_are_both_taken_in(self, ledger: Ledger) -> None:
        key = f"order-{new_attempt().id}"
        entries = list[Entry]()
        first = begun(ledger, SubmissionState.REJECTED, new_attempt(idempotency_key=key))
        second = begun(ledger, SubmissionState.SENDING, new_attempt(idempotency_key=key))
        for attempt in (second, first, new_attempt(idempotency_key=key)):
            task = new_task()
            accepted = replace(attempt, state=SubmissionState.ACCEPTED, ref=task.ref)
            entries.append(ledger.accept(accepted, task, due_in=0))
            assert (entries[-1].submission, entries[-1].task) == (accepted, task)
        assert ledger.begin(new_attempt(idempotency_key=key)) == entries[0]

    # --- an id came back ---

    @pytest.mark.parametrize("state", SubmissionState)
    def test_an_id_proves_that_there_is_a_task(
        self, ledger: Ledger, beside: Ledger, state: SubmissionState
    ) -> None:
        account = new_account()
        attempt = begun(ledger, state, new_attempt(account))
        task = new_task(account)
        accepted = replace(attempt, state=SubmissionState.ACCEPTED, ref=task.ref)
        mark = last_position(ledger)
        entry = ledger.accept(accepted, task, (progress(task, 1), progress(task, 2)), due_in=30)
        assert (entry.submission, entry.task, entry.revision) == (accepted, task, 1)
        assert beside.find(task.ref) == entry == beside.submission(attempt.id)
        kept = beside.events(mark)
        assert [(one.number, one.revision, one.event) for one in kept] == [
            (entry.number, 1, progress(task, 1)),
            (entry.number, 1, progress(task, 2)),
        ]

    def test_a_new_task_is_due_when_it_was_said(self, ledger: Ledger) -> None:
        account = new_account()
        attempt = new_attempt(account)
        ledger.begin(attempt)
        ledger.accept(attempt, new_task(account), due_in=120)
        assert take(ledger, account) == []
        assert wait_of(ledger, account) == pytest.approx(120, abs=NEAR)
        self.pass_time(120)
        assert take_one(ledger, account).chore is Chore.POLL

    def test_a_task_that_has_ended_at_once_is_due_for_what_is_left(self, ledger: Ledger) -> None:
        account = new_account()
        for task, chores in (
            (succeeded(new_task(account)), [Chore.STORE]),
            (stored(new_task(account)), []),
            (failed(new_task(account)), []),
        ):
            attempt = new_attempt(account)
            ledger.begin(attempt)
            ledger.accept(attempt, task, due_in=120)
            assert [claim.chore for claim in take(ledger, account)] == chores

    def test_an_attempt_that_nobody_began_is_taken_in_with_its_task(self, ledger: Ledger) -> None:
        account = new_account()
        digest = new_attempt().id * 2
        attempt = new_attempt(
            account, label="late", idempotency_key=digest, callback_digest=digest, response=b"raw"
        )
        task = new_task(account)
        entry = ledger.accept(attempt, task, due_in=0)
        assert (entry.submission, entry.task, entry.revision) == (attempt, task, 1)
        assert ledger.submission(attempt.id) == entry
        assert ledger.owner(bytes.fromhex(digest)) == entry
        assert ledger.entries(Query(account=account[1], label="late")) == [entry]
        assert ledger.begin(new_attempt(idempotency_key=digest)) == entry

    def test_a_task_that_is_known_stays_as_it_is(self, ledger: Ledger) -> None:
        account = new_account()
        task = new_task(account)
        ledger.track(task)
        ledger.save([further(held(ledger, task))])
        known = held(ledger, task)
        attempt = new_attempt(account)
        ledger.begin(attempt)
        adopted = replace(attempt, state=SubmissionState.ADOPTED, ref=task.ref)
        entry = ledger.accept(adopted, task, (end(task),), due_in=0)
        assert (entry.number, entry.task, entry.revision) == (known.number, known.task, known.revision)
        assert end(task) not in [one.event for one in ledger.events(limit=10**6)]
        assert entry_of(ledger, attempt).submission == adopted

    def test_a_second_task_of_one_attempt_has_an_entry_by_itself(self, ledger: Ledger, beside: Ledger) -> None:
        account = new_account()
        attempt, first, second = new_attempt(account), new_task(account), new_task(account)
        ledger.begin(attempt)
        adopted = replace(attempt, state=SubmissionState.ADOPTED, ref=first.ref)
        accepted = replace(attempt, state=SubmissionState.ACCEPTED, ref=second.ref)
        entries = [
            ledger.accept(step, task, (progress(task),), due_in=0)
            for step, task in ((adopted, first), (accepted, second))
        ]
        assert [entry.task for entry in entries] == [first, second]
        assert entries[1].submission is None
        assert [beside.find(task.ref) for task in (first, second)] == [entry_of(ledger, attempt), entries[1]]
        numbers = [entry.number for entry in entries]
        assert [one.number for one in beside.events(limit=10**6) if one.number in numbers] == numbers
        assert {claim.entry.number for claim in take(ledger, account)} == {*numbers}

    def test_the_same_id_twice_is_one_task(self, ledger: Ledger) -> None:
        account = new_account()
        attempt, task = new_attempt(account), new_task(account)
        ledger.begin(attempt)
        first = ledger.accept(attempt, task, (progress(task),), due_in=0)
        mark = last_position(ledger)
        assert ledger.accept(attempt, task, (progress(task),), due_in=0) == first
        assert ledger.events(mark) == []
        assert len(take(ledger, account)) == 1
