"""The contract of ledgers: tasks, how they change, and how they are found."""

from __future__ import annotations

from functools import partial

import pytest
from msgspec.structs import replace

from reelway.ledger.interface import Ledger
from reelway.ledger.records import Chore, Entry, Query
from reelway.model.observation import Status
from reelway.model.submission import SubmissionState
from reelway.model.task import Artifact
from reelway.testing.ledgers.kit import (
    Kit,
    at_once,
    begun,
    change_of,
    end,
    entry_of,
    failed,
    further,
    held,
    last_position,
    new_account,
    new_attempt,
    new_task,
    result,
    stored,
    succeeded,
    take,
    take_one,
    task_of,
)


class Tasks(Kit):
    """A task changes from the revision that a change was made from, with its events and results, or not at all."""

    def test_a_task_that_was_created_elsewhere_is_taken_in(self, ledger: Ledger, beside: Ledger) -> None:
        account = new_account()
        task = new_task(account)
        entry = ledger.track(task, due_in=120)
        assert (entry.submission, entry.task, entry.revision) == (None, task, 1)
        assert beside.find(task.ref) == entry
        assert take(beside, account) == []
        self.pass_time(120)
        assert take_one(beside, account).entry == entry

    def test_a_task_that_is_tracked_twice_stays_as_it_is(self, ledger: Ledger) -> None:
        account = new_account()
        task = new_task(account)
        ledger.track(task, due_in=120)
        ledger.save([further(held(ledger, task))])
        known = held(ledger, task)
        assert ledger.track(task) == known
        assert take(ledger, account) == []

    def test_a_task_that_nobody_knows_is_not_found(self, ledger: Ledger) -> None:
        assert ledger.find(new_task().ref) is None

    def test_later_entries_have_higher_numbers(self, ledger: Ledger, beside: Ledger) -> None:
        numbers = [side.track(new_task()).number for side in (ledger, beside, ledger, beside)]
        assert numbers == sorted(set(numbers))

    # --- changes ---

    def test_a_change_is_written_with_its_events_and_results(self, ledger: Ledger, beside: Ledger) -> None:
        entry = ledger.track(new_task())
        mark = last_position(ledger)
        change = replace(further(entry), results=(result(),))
        assert ledger.save([change]) == [True]
        now = held(beside, change.task)
        assert (now.task, now.revision, now.results) == (change.task, entry.revision + 1, (result(),))
        assert [(one.number, one.revision, one.event) for one in beside.events(mark)] == [
            (entry.number, now.revision, event) for event in change.events
        ]

    def test_whoever_comes_second_writes_nothing(self, ledger: Ledger, beside: Ledger) -> None:
        entry = ledger.track(new_task())
        first, second = further(entry), change_of(entry, None, end(new_task()), setbacks=9)
        assert ledger.save([first]) == [True]
        before, mark = held(ledger, first.task), last_position(ledger)
        assert beside.save([replace(second, results=(result(),))]) == [False]
        assert held(ledger, first.task) == before
        assert ledger.events(mark) == []

    def test_each_change_stands_for_itself(self, ledger: Ledger) -> None:
        entries = [ledger.track(new_task()) for _ in range(3)]
        ledger.save([further(entries[1])])
        assert ledger.save([further(entry) for entry in entries]) == [True, False, True]

    def test_two_changes_of_one_task_follow_each_other(self, ledger: Ledger) -> None:
        entry = ledger.track(new_task())
        first = further(entry)
        second = replace(first, expected=first.expected + 1)
        assert ledger.save([first, second, first]) == [True, True, False]

    def test_a_change_of_nothing_known_is_not_written(self, ledger: Ledger) -> None:
        entry = ledger.track(new_task())
        mark = last_position(ledger)
        assert ledger.save([replace(further(entry), number=entry.number + 10**6)]) == [False]
        assert ledger.save([]) == []
        assert ledger.events(mark) == []

    def test_what_is_stored_of_a_variant_replaces_what_was(self, ledger: Ledger) -> None:
        entry = ledger.track(new_task())
        for results in ((result("video"), result("audio")), (result("video", size=2),)):
            ledger.save([replace(further(held(ledger, task_of(entry))), results=results)])
        assert held(ledger, task_of(entry)).results == (result("audio"), result("video", size=2))

    def test_no_change_is_lost_of_many_that_race(self, ledger: Ledger, beside: Ledger) -> None:
        task = new_task()
        ledger.track(task)

        def move(side: Ledger) -> None:
            done = 0
            while done < 10:
                done += sum(side.save([further(held(side, task))]))

        at_once([partial(move, side) for side in (ledger, beside) * 2])
        entry = held(ledger, task)
        assert (entry.revision, entry.task) == (41, replace(task, setbacks=40))

    # --- what is left to do ---

    def test_a_task_that_has_ended_is_no_longer_due(self, ledger: Ledger) -> None:
        account = new_account()
        entry = ledger.track(new_task(account))
        ledger.save([change_of(entry, failed(task_of(entry)))])
        assert take(ledger, account) == []

    def test_a_result_that_can_be_fetched_is_due_at_once(self, ledger: Ledger) -> None:
        account = new_account()
        entry = ledger.track(new_task(account), due_in=600)
        ledger.save([change_of(entry, succeeded(task_of(entry)))])
        assert take_one(ledger, account).chore is Chore.STORE

    @pytest.mark.parametrize("artifact", [Artifact.STORED, Artifact.GONE, Artifact.NONE])
    def test_a_result_that_is_stored_or_gone_is_due_no_more(self, ledger: Ledger, artifact: Artifact) -> None:
        account = new_account()
        entry = ledger.track(succeeded(new_task(account)))
        ledger.save([change_of(entry, None, artifact=artifact)])
        assert take(ledger, account) == []

    def test_a_result_that_is_there_in_part_is_still_due(self, ledger: Ledger) -> None:
        account = new_account()
        ledger.track(replace(succeeded(new_task(account)), artifact=Artifact.PARTIAL))
        assert take_one(ledger, account).chore is Chore.STORE

    def test_a_task_that_was_lost_and_is_seen_again_is_due_again(self, ledger: Ledger) -> None:
        account = new_account()
        entry = ledger.track(new_task(account, status=Status.LOST))
        assert take(ledger, account) == []
        ledger.save([change_of(entry, None, status=Status.RUNNING)])
        assert take_one(ledger, account).chore is Chore.POLL

    def test_a_change_on_the_way_moves_no_turn(self, ledger: Ledger) -> None:
        account = new_account()
        entry = ledger.track(new_task(account), due_in=120)
        ledger.save([further(entry)])
        assert take(ledger, account) == []
        self.pass_time(120)
        assert len(take(ledger, account)) == 1

    # --- finding ---

    def test_entries_are_found_by_what_is_known_of_them(self, ledger: Ledger) -> None:
        account = new_account()
        label = f"label {account[1]}"
        running = ledger.track(new_task(account, status=Status.RUNNING))
        kept = ledger.track(stored(new_task(account)))
        fetchable = ledger.track(succeeded(new_task(account)))
        failure = ledger.track(failed(new_task(account)))
        doubt = entry_of(ledger, begun(ledger, SubmissionState.AMBIGUOUS, new_attempt(account, label=label)))
        refusal = entry_of(ledger, begun(ledger, SubmissionState.REJECTED, new_attempt(account, label="%")))
        for query, found in (
            (Query(), [running, kept, fetchable, failure, doubt, refusal]),
            (Query(statuses=frozenset({Status.RUNNING})), [running]),
            (Query(statuses=frozenset({Status.RUNNING, Status.FAILED})), [running, failure]),
            (Query(states=frozenset({SubmissionState.AMBIGUOUS})), [doubt]),
            (Query(states=frozenset({SubmissionState.AMBIGUOUS, SubmissionState.REJECTED})), [doubt, refusal]),
            (Query(artifacts=frozenset({Artifact.STORED})), [kept]),
            (Query(artifacts=frozenset({Artifact.STORED, Artifact.AVAILABLE})), [kept, fetchable]),
            (Query(label=label), [doubt]),
            (Query(label=label.upper()), []),
            (Query(label="%"), [refusal]),
            (Query(provider=account[0]), [running, kept, fetchable, failure, doubt, refusal]),
            (Query(provider="nobody"), []),
            (Query(unfinished=True), [running, fetchable, doubt]),
            (Query(unfinished=True, artifacts=frozenset({Artifact.AVAILABLE})), [fetchable]),
            (Query(newest_first=True, limit=2), [refusal, doubt]),
        ):
            assert ledger.entries(replace(query, account=account[1])) == found, query

    @pytest.mark.parametrize("newest_first", [False, True])
    def test_pages_are_the_whole(self, ledger: Ledger, newest_first: bool) -> None:  # noqa: FBT001 - a parameter
        account = new_account()
        entries = [ledger.track(new_task(account)) for _ in range(7)]
        query = Query(account=account[1], newest_first=newest_first, limit=3)
        pages = list[list[Entry]]()
        while page := ledger.entries(query):
            pages.append(page)
            query = replace(query, after=page[-1].number)
        assert [len(page) for page in pages] == [3, 3, 1]
        assert [entry for page in pages for entry in page] == sorted(
            entries, key=lambda entry: entry.number, reverse=newest_first
        )

    def test_limits_are_limits_however_odd(self, ledger: Ledger) -> None:
        account = new_account()
        entries = [ledger.track(new_task(account)) for _ in range(2)]
        query = Query(account=account[1])
        assert ledger.entries(replace(query, limit=0)) == ledger.entries(replace(query, limit=-1)) == []
        assert ledger.entries(replace(query, limit=2**70)) == entries
        assert ledger.entries(replace(query, after=2**70)) == []
