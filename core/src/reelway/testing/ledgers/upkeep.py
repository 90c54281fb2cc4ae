"""The contract of ledgers: the history, deliveries, and looking after the store."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from math import inf
from typing import Any, Final

import pytest
from msgspec.structs import replace

from reelway.errors import LedgerError
from reelway.ledger.interface import Ledger
from reelway.ledger.quota import MOST_BYTES, MOST_DELIVERIES, Kept
from reelway.ledger.records import Callback, Claim, Query, Settlement
from reelway.model.observation import Status
from reelway.model.submission import SubmissionState
from reelway.testing.ledgers.kit import (
    CHORES,
    LEASE,
    NOW,
    Kit,
    begun,
    brought,
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
    progress,
    result,
    stored,
    succeeded,
    take_one,
    task_of,
)

DAY: Final = timedelta(days=1)

UNRESOLVED: Final = (SubmissionState.INTENT, SubmissionState.SENDING, SubmissionState.AMBIGUOUS)
"""States of an attempt of which something is still to be found out."""


class History(Kit):
    """What happened is kept in the order in which it happened, and each end of a job waits until it was told."""

    def test_the_history_goes_on_where_it_was_left(self, ledger: Ledger, beside: Ledger) -> None:
        mark = last_position(ledger)
        task = new_task()
        ledger.track(task)
        for side in (ledger, beside, ledger):
            side.save([further(held(side, task))])
        whole = ledger.events(mark)
        assert [one.revision for one in whole] == [2, 3, 4]
        assert [one.position for one in whole] == sorted({one.position for one in whole})
        assert beside.events(mark, 2) + beside.events(whole[1].position) == whole
        assert ledger.events(whole[-1].position) == []

    def test_limits_of_the_history_are_limits_however_odd(self, ledger: Ledger) -> None:
        mark = last_position(ledger)
        entry = ledger.track(new_task())
        ledger.save([further(entry)])
        assert ledger.events(mark, 0) == ledger.events(mark, -1) == ledger.events(2**70) == []
        assert len(ledger.events(mark, 2**70)) == 1

    def test_an_end_waits_until_it_was_told(self, ledger: Ledger, beside: Ledger) -> None:
        tasks = [new_task() for _ in range(3)]
        for task in tasks:
            entry = ledger.track(task)
            ledger.save([change_of(entry, failed(task), progress(task), end(task, Status.FAILED))])
        untold = [one for one in beside.untold(10**6) if one.event in [end(task, Status.FAILED) for task in tasks]]
        assert [one.event.ref for one in untold] == [task.ref for task in tasks]
        first, *others = [one.position for one in untold]
        ledger.told([first, first])
        assert [one.position for one in beside.untold(10**6) if one in untold] == others
        ledger.told([])
        beside.told(others)
        assert [one for one in ledger.untold(10**6) if one in untold] == []
        assert [one for one in ledger.events(first - 1) if one in untold] == untold

    def test_every_end_and_every_result_is_to_be_told_and_nothing_else(self, ledger: Ledger) -> None:
        for status in Status:
            task = new_task()
            entry = ledger.track(task)
            ledger.save([change_of(entry, task, progress(task), end(task, status))])
            untold = [one.event for one in ledger.untold(10**6) if one.event.ref == task.ref]
            assert untold == ([end(task, status)] if status.final else [])
        entry = ledger.track(made := new_task())
        ledger.save([change_of(entry, stored(made), progress(made), brought(made))])
        assert [one.event for one in ledger.untold(10**6) if one.event.ref == made.ref] == [brought(made)]

    def test_an_end_is_told_of_in_its_order_and_as_far_as_asked(self, ledger: Ledger) -> None:
        for _ in range(3):
            task = new_task()
            ledger.save([change_of(ledger.track(task), failed(task), end(task, Status.FAILED))])
        untold = ledger.untold(10**6)
        assert ledger.untold(2) == untold[:2]
        assert ledger.untold(0) == []


class Deliveries(Kit):
    """A delivery is kept as it came, once, with the entry whose address it came to."""

    def test_the_owner_of_an_address_is_found_by_the_digest_of_its_token(
        self, ledger: Ledger, beside: Ledger
    ) -> None:
        digest = hashlib.sha256(new_attempt().id.encode()).digest()
        attempt = new_attempt(callback_digest=digest.hex())
        assert ledger.owner(digest) is None
        ledger.begin(attempt)
        assert beside.owner(digest) == entry_of(ledger, attempt)
        task = new_task()
        entry = ledger.accept(attempt, task, due_in=0)
        assert beside.owner(digest) == entry
        assert beside.owner(digest[:-1]) is None
        assert beside.owner(b"") is None

    def test_a_delivery_is_kept_once(self, ledger: Ledger, beside: Ledger) -> None:
        number, other = ledger.track(new_task()).number, ledger.track(new_task()).number
        first = Callback(number=number, received_at=NOW, headers=(("a", "1"), ("a", "2")), body=b'{"a": 1}')
        second = replace(first, body=b'{"a":1}', headers=())
        again = replace(first, received_at=NOW + DAY)
        elsewhere = replace(first, number=other)
        assert ledger.keep([first, again, second]) == [Kept.NEW, Kept.KNOWN, Kept.NEW]
        assert beside.keep([second, elsewhere]) == [Kept.KNOWN, Kept.NEW]
        assert beside.callbacks(number) == [first, second]
        assert ledger.callbacks(other) == [elsewhere]
        assert ledger.keep([]) == []

    def test_of_one_entry_only_so_many_deliveries_are_kept(self, ledger: Ledger, beside: Ledger) -> None:
        number, other = ledger.track(new_task()).number, ledger.track(new_task()).number
        flood = [
            Callback(number=number, received_at=NOW, body=b"%d" % place) for place in range(2 * MOST_DELIVERIES)
        ]
        part = MOST_DELIVERIES - 1
        assert ledger.keep(flood[:part]) == [Kept.NEW] * part
        assert beside.keep(flood[part:]) == [Kept.NEW] + [Kept.BEYOND] * MOST_DELIVERIES
        assert ledger.keep(flood[:1]) == [Kept.KNOWN]
        assert ledger.callbacks(number) == flood[:MOST_DELIVERIES]
        assert ledger.keep([replace(flood[-1], number=other)]) == [Kept.NEW]

    def test_of_one_entry_only_so_many_bytes_are_kept(self, ledger: Ledger, beside: Ledger) -> None:
        number = ledger.track(new_task()).number
        half = Callback(number=number, received_at=NOW, body=bytes(MOST_BYTES // 2))
        headers = (("webhook-id", "a" * (MOST_BYTES // 2)),)
        small = Callback(number=number, received_at=NOW, body=b"small")
        assert ledger.keep([half, Callback(number=number, received_at=NOW, headers=headers), small]) == [
            Kept.NEW,
            Kept.BEYOND,
            Kept.NEW,
        ]
        assert beside.keep([replace(half, body=half.body[1:])]) == [Kept.BEYOND]
        assert ledger.callbacks(number) == [half, small]

    def test_an_attempt_has_deliveries_before_its_task_is_known(self, ledger: Ledger) -> None:
        attempt = new_attempt()
        ledger.begin(attempt)
        delivery = Callback(number=entry_of(ledger, attempt).number, received_at=NOW, body=b"early")
        assert ledger.keep([delivery]) == [Kept.NEW]
        entry = ledger.accept(attempt, new_task(), due_in=0)
        assert ledger.callbacks(entry.number) == [delivery]

    def test_a_delivery_for_nobody_is_refused_and_so_are_those_with_it(self, ledger: Ledger) -> None:
        number = ledger.track(new_task()).number
        good = Callback(number=number, received_at=NOW, body=b"good")
        with pytest.raises(LedgerError):
            ledger.keep([good, replace(good, number=number + 10**6)])
        assert ledger.callbacks(number) == []
        assert ledger.callbacks(number + 10**6) == []


class Upkeep(Kit):
    """A ledger can be read out, cleared and examined, and one that was closed says so."""

    def test_everything_can_be_read_out(self, ledger: Ledger) -> None:
        attempt = begun(ledger, SubmissionState.AMBIGUOUS, new_attempt(response=b"\xffraw"))
        task = new_task()
        ledger.accept(attempt, succeeded(task), (end(task),), due_in=0)
        entry = held(ledger, task)
        ledger.save([replace(change_of(entry), results=(result(),))])
        delivery = Callback(number=entry.number, received_at=NOW, headers=(("x-a", "1"),), body=b"\x00body")
        ledger.keep([delivery])
        lines = [json.loads(json.dumps(line)) for line in ledger.export(links=True)]
        [told] = of_kind(lines, "entry", entry.number)
        assert told["submission"]["id"] == attempt.id
        assert base64.b64decode(told["submission"]["response"]["base64"]) == b"\xffraw"
        assert told["task"]["videos"][0]["url"] == task_of(entry).videos[0].url.reveal()
        assert [one["variant"] for one in told["results"]] == ["video"]
        [kept] = of_kind(lines, "callback", entry.number)
        assert (base64.b64decode(kept["body"]["base64"]), kept["headers"]) == (delivery.body, [["x-a", "1"]])
        assert [one["event"]["after"] for one in of_kind(lines, "event", entry.number)] == ["succeeded"]

    def test_no_link_is_read_out_unless_it_is_asked_for(self, ledger: Ledger) -> None:
        task = succeeded(new_task())
        link = task.videos[0].url.reveal()
        attempt = new_attempt(response=link.encode())
        ledger.begin(attempt)
        entry = ledger.accept(attempt, task, due_in=0)
        ledger.keep([Callback(number=entry.number, received_at=NOW, body=link.encode())])
        told = json.dumps(list(ledger.export()))
        assert task.id in told
        assert [
            secret for secret in (link, "SECRET", base64.b64encode(link.encode()).decode()) if secret in told
        ] == []
        assert link in json.dumps(list(ledger.export(links=True)))

    def test_every_entry_is_read_out_once(self, ledger: Ledger) -> None:
        numbers = [ledger.track(new_task()).number for _ in range(220)]
        told = [line["number"] for line in ledger.export() if line["kind"] == "entry"]
        assert sorted(set(told)) == told
        assert set(numbers) <= set(told)

    def test_only_what_is_done_with_is_forgotten(self, ledger: Ledger) -> None:
        account = new_account()
        attempts = {
            state: entry_of(ledger, begun(ledger, state, new_attempt(account))) for state in SubmissionState
        }
        done = {
            *(ledger.track(one(new_task(account))).number for one in (stored, failed)),
            *(attempts[state].number for state in (SubmissionState.REJECTED, SubmissionState.ABANDONED)),
        }
        undone = {
            *(ledger.track(one(new_task(account))).number for one in (succeeded, replace)),
            *(attempts[state].number for state in UNRESOLVED),
        }
        ledger.prune(NOW)
        assert done | undone <= numbers_of(ledger, account)
        assert ledger.prune(NOW + DAY) >= len(done)
        assert undone <= numbers_of(ledger, account)
        assert not done & numbers_of(ledger, account)

    def test_what_succeeded_and_was_never_stored_is_forgotten_on_request(self, ledger: Ledger) -> None:
        account = new_account()
        unstored, open_ = (ledger.track(one(new_task(account))).number for one in (succeeded, replace))
        ledger.prune(NOW + DAY)
        assert numbers_of(ledger, account) == {unstored, open_}
        assert ledger.prune(NOW + DAY, unstored=True) >= 1
        assert numbers_of(ledger, account) == {open_}
        assert ledger.check() == []

    def test_what_is_forgotten_leaves_nothing_behind(self, ledger: Ledger) -> None:
        task = new_task()
        entry = ledger.track(task)
        ledger.save([replace(change_of(entry, failed(task), end(task, Status.FAILED)), results=(result(),))])
        ledger.keep([Callback(number=entry.number, received_at=NOW, body=b"body")])
        ledger.prune(NOW + DAY)
        assert (ledger.find(task.ref), ledger.callbacks(entry.number)) == (None, [])
        assert [one for one in ledger.events(limit=10**6) if one.number == entry.number] == []
        assert [one for one in ledger.untold(10**6) if one.number == entry.number] == []
        assert ledger.check() == []

    def test_a_number_is_never_given_twice(self, ledger: Ledger) -> None:
        last = ledger.track(failed(new_task())).number
        ledger.prune(NOW + DAY)
        assert ledger.track(new_task()).number > last

    def test_a_store_that_is_well_says_nothing(self, ledger: Ledger) -> None:
        attempt = new_attempt()
        ledger.begin(attempt)
        ledger.accept(attempt, new_task(), due_in=0)
        assert ledger.check() == []

    def test_a_ledger_that_was_closed_says_so(self) -> None:
        ledger, account = self.open(), new_account()
        task = new_task(account)
        ledger.track(task)
        claim = take_one(ledger, account)
        ledger.close()
        ledger.close()
        for name, call in calls(ledger, claim).items():
            with pytest.raises(LedgerError) as refused:
                call()
            assert refused.value.hint, name
            assert ledger.name in refused.value.message, name
        with self.open() as again:
            assert (again.find(task.ref) is not None) is self.shared

    def test_its_name_is_that_of_the_store(self, ledger: Ledger, beside: Ledger) -> None:
        assert ledger.name
        assert ledger.name == beside.name


def numbers_of(ledger: Ledger, account: tuple[str, str]) -> set[int]:
    """What is held of an account."""
    return {entry.number for entry in ledger.entries(Query(account=account[1]))}


def of_kind(lines: list[dict[str, Any]], kind: str, number: int) -> list[dict[str, Any]]:
    """The lines of one kind about one entry."""
    return [line for line in lines if line["kind"] == kind and line["number"] == number]


def calls(ledger: Ledger, claim: Claim) -> dict[str, Callable[[], object]]:
    """A call of every method that needs the store."""
    attempt, task, paces = new_attempt(), new_task(), {("acme", "default"): inf}
    return {
        "begin": lambda: ledger.begin(attempt),
        "note": lambda: ledger.note(attempt, ()),
        "accept": lambda: ledger.accept(attempt, task, due_in=0),
        "submission": lambda: ledger.submission(attempt.id),
        "track": lambda: ledger.track(task),
        "find": lambda: ledger.find(task.ref),
        "entries": lambda: ledger.entries(Query()),
        "save": lambda: ledger.save([further(claim.entry)]),
        "claim": lambda: ledger.claim(1, LEASE, paces, CHORES),
        "settle": lambda: ledger.settle([Settlement(claim=claim, again=0)]),
        "renew": lambda: ledger.renew(claim, LEASE),
        "wake": lambda: ledger.wake([1]),
        "hold_off": lambda: ledger.hold_off(("acme", "default"), 1),
        "next_due": lambda: ledger.next_due(paces, CHORES),
        "backlog": lambda: ledger.backlog(CHORES),
        "events": ledger.events,
        "untold": ledger.untold,
        "told": lambda: ledger.told([1]),
        "owner": lambda: ledger.owner(b"digest"),
        "keep": lambda: ledger.keep([Callback(number=1, received_at=NOW)]),
        "callbacks": lambda: ledger.callbacks(1),
        "export": lambda: list(ledger.export()),
        "prune": lambda: ledger.prune(NOW),
        "check": ledger.check,
    }
