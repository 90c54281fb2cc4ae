"""The contract of ledgers: turns that are due, claimed, settled and woken."""

from __future__ import annotations

from math import inf

import pytest
from msgspec.structs import replace

from reelway.ledger.interface import Ledger
from reelway.ledger.records import Chore, Settled, Settlement
from reelway.testing.ledgers.kit import (
    CHORES,
    LEASE,
    NEAR,
    Kit,
    change_of,
    end,
    failed,
    further,
    held,
    last_position,
    new_account,
    new_task,
    result,
    settle,
    stored,
    succeeded,
    take,
    take_one,
    task_of,
    wait_of,
)


class Claims(Kit):
    """What is due is worked on by one claimant at a time, and whatever has been due for longest comes first."""

    def test_what_has_been_due_for_longest_comes_first(self, ledger: Ledger) -> None:
        accounts = [new_account(), new_account()]
        pauses = {300: 0, 60: 1, 240: 0, 180: 1, 120: 0}
        due = {pause: ledger.track(new_task(accounts[of]), due_in=pause).number for pause, of in pauses.items()}
        self.pass_time(600)
        claims = [claim for _ in range(3) for claim in take(ledger, *accounts, limit=2)]
        assert [claim.entry.number for claim in claims] == [due[pause] for pause in sorted(due)]

    def test_only_what_is_asked_for_is_taken(self, ledger: Ledger) -> None:
        ours, theirs = new_account(), new_account()
        poll, store = ledger.track(new_task(ours)), ledger.track(succeeded(new_task(ours)))
        ledger.track(new_task(theirs))
        ledger.track(stored(new_task(ours)))
        for chore, entry in ((Chore.STORE, store), (Chore.POLL, poll)):
            [claim] = ledger.claim(10, LEASE, {ours: inf}, [chore])
            assert (claim.entry, claim.chore) == (entry, chore)
        assert ledger.claim(10, LEASE, {ours: inf}, CHORES) == []

    def test_what_is_left_is_counted_by_account_whether_it_is_due_or_not(self, ledger: Ledger) -> None:
        ours, theirs, odd = new_account(), new_account(), ("acme", f"back\\slash {new_account()[1]}")
        for task in (new_task(ours), new_task(ours), succeeded(new_task(ours)), failed(new_task(ours))):
            ledger.track(task, due_in=60)
        ledger.track(stored(new_task(theirs)))
        ledger.track(new_task(odd))
        take(ledger, ours, odd)
        polls, stores, both = (ledger.backlog(chores) for chores in ([Chore.POLL], [Chore.STORE], CHORES))
        assert [left.get(ours) for left in (polls, stores, both)] == [2, 1, 3]
        assert [left.get(odd) for left in (polls, stores, both)] == [1, None, 1]
        assert theirs not in both

    def test_nothing_is_taken_where_nothing_is_asked_for(self, ledger: Ledger) -> None:
        account = new_account()
        ledger.track(new_task(account))
        assert ledger.claim(0, LEASE, {account: inf}, CHORES) == []
        assert ledger.claim(-1, LEASE, {account: inf}, CHORES) == []
        assert ledger.claim(1, LEASE, {}, CHORES) == []
        assert ledger.claim(1, LEASE, {account: inf}, ()) == []
        assert len(take(ledger, account)) == 1

    def test_what_is_claimed_is_nobody_elses(self, ledger: Ledger, beside: Ledger) -> None:
        account = new_account()
        ledger.track(new_task(account))
        claim = take_one(ledger, account)
        assert take(ledger, account) == take(beside, account) == []
        ledger.wake([claim.entry.number])
        assert take(ledger, account) == take(beside, account) == []

    def test_a_lease_that_has_run_out_gives_the_task_to_another(self, ledger: Ledger, beside: Ledger) -> None:
        account = new_account()
        task = new_task(account)
        ledger.track(task)
        old = take_one(ledger, account)
        self.pass_time(LEASE + 1)
        new = take_one(beside, account)
        assert new.lease > old.lease
        mark = last_position(ledger)
        assert settle(ledger, old, further(old.entry), again=5.0, failures=3) is Settled.LATE
        assert (held(ledger, task), ledger.events(mark)) == (new.entry, [])
        assert take(ledger, account) == []
        assert settle(beside, new, further(new.entry)) is Settled.DONE
        assert take_one(ledger, account).failures == 0

    def test_a_claim_tells_how_old_the_task_is_and_how_late_the_turn(self, ledger: Ledger) -> None:
        account = new_account()
        ledger.track(new_task(account), due_in=120)
        self.pass_time(300)
        claim = take_one(ledger, account)
        assert claim.age == pytest.approx(300, abs=NEAR)
        assert claim.late == pytest.approx(180, abs=NEAR)
        assert (claim.interval, claim.failures) == (0.0, 0)
        settle(ledger, claim, again=60.0, interval=7.5, failures=2)
        self.pass_time(60)
        claim = take_one(ledger, account)
        assert claim.age == pytest.approx(360, abs=NEAR)
        assert claim.late == pytest.approx(0, abs=NEAR)
        assert (claim.interval, claim.failures) == (7.5, 2)

    # --- held for longer ---

    def test_a_claim_that_is_renewed_is_held_for_longer(self, ledger: Ledger, beside: Ledger) -> None:
        account = new_account()
        ledger.track(new_task(account))
        claim = take_one(ledger, account)
        self.pass_time(LEASE - NEAR)
        assert ledger.renew(claim, LEASE)
        self.pass_time(LEASE - NEAR)
        assert take(beside, account) == []
        assert wait_of(ledger, account) == pytest.approx(NEAR, abs=NEAR)
        assert settle(ledger, claim) is Settled.DONE

    def test_a_claim_that_is_another_s_is_not_renewed(self, ledger: Ledger, beside: Ledger) -> None:
        account = new_account()
        ledger.track(new_task(account))
        old = take_one(ledger, account)
        self.pass_time(LEASE + 1)
        new = take_one(beside, account)
        assert not ledger.renew(old, 10 * LEASE)
        self.pass_time(LEASE + 1)
        assert take_one(ledger, account).lease > new.lease

    def test_a_claim_that_is_settled_is_not_renewed(self, ledger: Ledger) -> None:
        account = new_account()
        ledger.track(new_task(account))
        claim = take_one(ledger, account)
        settle(ledger, claim)
        assert not ledger.renew(claim, LEASE)
        assert len(take(ledger, account)) == 1


class Settlements(Kit):
    """What came of a turn is written once, and says when the next turn is."""

    def test_a_settled_task_is_due_again_after_its_pause(self, ledger: Ledger) -> None:
        account = new_account()
        task = new_task(account)
        ledger.track(task)
        claim = take_one(ledger, account)
        assert settle(ledger, claim, further(claim.entry), again=120.0) is Settled.DONE
        assert held(ledger, task).task == further(claim.entry).task
        assert take(ledger, account) == []
        assert wait_of(ledger, account) == pytest.approx(120, abs=NEAR)
        self.pass_time(120)
        assert take_one(ledger, account).lease > claim.lease

    def test_a_change_is_settled_with_its_events_and_results(self, ledger: Ledger) -> None:
        account = new_account()
        task = new_task(account)
        ledger.track(task)
        claim, mark = take_one(ledger, account), last_position(ledger)
        change = replace(further(claim.entry), results=(result(),))
        settle(ledger, claim, change)
        entry = held(ledger, task)
        assert (entry.task, entry.revision, entry.results) == (change.task, 2, change.results)
        assert [(one.revision, one.event) for one in ledger.events(mark)] == [(2, one) for one in change.events]

    def test_a_change_that_was_overtaken_is_not_written_and_the_task_due_after_its_rest(
        self, ledger: Ledger, beside: Ledger
    ) -> None:
        account = new_account()
        task = new_task(account)
        ledger.track(task)
        claim = take_one(ledger, account)
        beside.save([further(claim.entry)])
        entry, mark = held(ledger, task), last_position(ledger)
        change = change_of(claim.entry, failed(task), end(task))
        assert settle(ledger, claim, change, again=300.0, rest=120.0) is Settled.OVERTAKEN
        assert (held(ledger, task), ledger.events(mark)) == (entry, [])
        assert take(ledger, account) == []
        self.pass_time(120)
        assert take_one(ledger, account).entry == entry

    def test_each_settlement_stands_for_itself(self, ledger: Ledger, beside: Ledger) -> None:
        account = new_account()
        for _ in range(3):
            ledger.track(new_task(account))
        late, overtaken, done = take(ledger, account)
        assert ledger.renew(overtaken, 900)
        assert ledger.renew(done, 900)
        self.pass_time(LEASE + 1)
        take_one(beside, account)
        beside.save([further(overtaken.entry)])
        settlements = [
            Settlement(claim=claim, change=further(claim.entry), again=60.0) for claim in (late, overtaken, done)
        ]
        assert ledger.settle(settlements) == [Settled.LATE, Settled.OVERTAKEN, Settled.DONE]
        assert ledger.settle([]) == []

    def test_an_end_leaves_nothing_due(self, ledger: Ledger) -> None:
        account = new_account()
        ledger.track(new_task(account))
        claim = take_one(ledger, account)
        settle(ledger, claim, change_of(claim.entry, failed(claim.task)))
        assert take(ledger, account) == []
        assert wait_of(ledger, account) is None

    def test_other_work_than_before_is_due_at_once(self, ledger: Ledger) -> None:
        account = new_account()
        ledger.track(new_task(account))
        poll = take_one(ledger, account)
        settle(ledger, poll, change_of(poll.entry, succeeded(poll.task)), again=600.0)
        store = take_one(ledger, account)
        assert store.chore is Chore.STORE
        settle(ledger, store, change_of(store.entry, stored(store.task)), again=600.0)
        assert take(ledger, account) == []
        assert wait_of(ledger, account) is None

    def test_other_work_that_came_up_meanwhile_is_due_at_once(self, ledger: Ledger, beside: Ledger) -> None:
        account = new_account()
        ledger.track(new_task(account))
        claim = take_one(ledger, account)
        beside.save([change_of(claim.entry, succeeded(claim.task))])
        assert take(beside, account) == []
        assert settle(ledger, claim, again=600.0) is Settled.DONE
        assert take_one(ledger, account).chore is Chore.STORE

    def test_storing_that_went_wrong_is_due_again_after_its_pause(self, ledger: Ledger) -> None:
        account = new_account()
        ledger.track(succeeded(new_task(account)))
        settle(ledger, take_one(ledger, account), again=120.0, failures=1)
        assert take(ledger, account) == []
        self.pass_time(120)
        claim = take_one(ledger, account)
        assert (claim.chore, claim.failures) == (Chore.STORE, 1)

    @pytest.mark.parametrize("by", ["the turn", "a change before it", "a change during it"])
    def test_other_work_begins_without_the_failures_of_the_work_before(self, ledger: Ledger, by: str) -> None:
        account = new_account()
        ledger.track(new_task(account))
        settle(ledger, take_one(ledger, account), interval=10.0, failures=7)
        claim = take_one(ledger, account)
        change = change_of(claim.entry, succeeded(claim.task))
        if by == "a change before it":
            settle(ledger, claim, again=300.0, interval=10.0, failures=8)
        if by != "the turn":
            assert ledger.save([change]) == [True]
        if by != "a change before it":
            settle(ledger, claim, change if by == "the turn" else None, interval=10.0, failures=8)
        claim = take_one(ledger, account)
        assert (claim.chore, claim.interval, claim.failures) == (Chore.STORE, 0.0, 0)


class Wakings(Kit):
    """A turn can be brought forward, but never into the rest after the last one, nor out of somebody's hands."""

    def test_a_task_that_is_woken_is_due_at_once(self, ledger: Ledger, beside: Ledger) -> None:
        account = new_account()
        ledger.track(new_task(account))
        claim = take_one(ledger, account)
        settle(ledger, claim, again=600.0)
        assert take(ledger, account) == []
        beside.wake([claim.entry.number, claim.entry.number])
        claim = take_one(ledger, account)
        assert claim.late == pytest.approx(0, abs=NEAR)
        settle(ledger, claim, again=600.0)
        assert take(ledger, account) == []

    def test_nobody_is_woken_out_of_the_rest(self, ledger: Ledger) -> None:
        account = new_account()
        ledger.track(new_task(account))
        claim = take_one(ledger, account)
        settle(ledger, claim, again=600.0, rest=120.0)
        for _ in range(3):
            ledger.wake([claim.entry.number])
            assert take(ledger, account) == []
        assert wait_of(ledger, account) == pytest.approx(120, abs=NEAR)
        self.pass_time(120)
        assert len(take(ledger, account)) == 1

    def test_the_rest_before_the_first_turn_is_kept(self, ledger: Ledger) -> None:
        account = new_account()
        entry = ledger.track(new_task(account), due_in=120)
        ledger.wake([entry.number])
        assert take(ledger, account) == []
        assert wait_of(ledger, account) == pytest.approx(120, abs=NEAR)

    def test_no_turn_comes_before_the_rest_is_over(self, ledger: Ledger) -> None:
        account = new_account()
        ledger.track(new_task(account))
        settle(ledger, take_one(ledger, account), again=0.0, rest=120.0)
        assert take(ledger, account) == []
        self.pass_time(120)
        assert len(take(ledger, account)) == 1

    @pytest.mark.parametrize("rest", [0.0, 120.0])
    def test_a_turn_that_is_woken_while_it_is_held_is_followed_by_another(
        self, ledger: Ledger, beside: Ledger, rest: float
    ) -> None:
        account = new_account()
        ledger.track(new_task(account))
        claim = take_one(ledger, account)
        beside.wake([claim.entry.number])
        assert take(beside, account) == []
        settle(ledger, claim, again=600.0, rest=rest)
        assert wait_of(ledger, account) == pytest.approx(rest, abs=NEAR)
        self.pass_time(rest)
        settle(ledger, take_one(ledger, account), again=600.0)
        assert take(ledger, account) == []

    def test_waking_postpones_nothing(self, ledger: Ledger) -> None:
        account = new_account()
        early, late = (ledger.track(new_task(account), due_in=pause) for pause in (60, 120))
        self.pass_time(180)
        ledger.wake([early.number])
        assert [claim.entry.number for claim in take(ledger, account)] == [early.number, late.number]

    def test_what_has_ended_or_is_not_known_is_not_woken(self, ledger: Ledger) -> None:
        account = new_account()
        entry = ledger.track(stored(new_task(account)))
        ledger.wake([entry.number, entry.number + 10**6])
        ledger.wake([])
        assert take(ledger, account) == []
        assert wait_of(ledger, account) is None

    def test_what_succeeds_after_all_is_due_at_once(self, ledger: Ledger) -> None:
        account = new_account()
        entry = ledger.track(failed(new_task(account)))
        ledger.wake([entry.number])
        ledger.save([change_of(entry, succeeded(task_of(entry)))])
        assert take_one(ledger, account).chore is Chore.STORE
