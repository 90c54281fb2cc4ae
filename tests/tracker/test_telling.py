"""Who is told what happened: readers, listeners, and of each end somebody, whoever dies on the way."""

from __future__ import annotations

import asyncio
import logging

import pytest
from msgspec.structs import replace

from reelway import Status, TaskRef
from reelway.errors import ConfigurationError, InvalidRequest, LedgerError
from reelway.ledger.records import Change, Chore, Entry
from reelway.model.lifecycle import StatusChanged
from reelway.tracker import telling
from reelway.tracker.telling import Changes, TaskChanged
from tests.acme import said
from tests.tracker.desk import Desk, new_task, running


def test_each_change_is_told_once_and_in_order() -> None:
    with Desk() as desk:
        desk.open("task-1")
        desk.answers["task-1"] = [said("queued"), *running(2, progress=40), said("succeeded")]
        desk.follow(100)
    assert [change.task.status for change in desk.told] == [Status.QUEUED, Status.RUNNING, Status.SUCCEEDED]
    assert all(change.events for change in desk.told)


def test_an_end_that_was_told_is_marked_so() -> None:
    with Desk() as desk:
        desk.open("task-1", "task-2")
        desk.answers["task-2"] = running(9, "task-2")
        desk.sweep()
        assert [change.ends for change in desk.told] == [True, False]
        assert desk.ledger.untold() == []


def test_the_end_that_a_dead_process_told_nobody_is_told_with_the_second_look() -> None:
    with Desk() as desk:
        [entry] = desk.open("task-1")
        assert entry.task is not None
        ended = replace(entry.task, status=Status.FAILED)
        end = StatusChanged(ref=ended.ref, at=desk.clock.now(), before=None, after=Status.FAILED, word="failed")
        desk.ledger.save([Change(number=entry.number, expected=entry.revision, task=ended, events=(end,))])
        desk.run(desk.tracker._rounds.tell_forgotten())
        assert desk.told == []
        desk.run(desk.tracker._rounds.tell_forgotten())
        assert desk.told == [TaskChanged(ended, (end,))]
        desk.run(desk.tracker._rounds.tell_forgotten())
        assert (len(desk.told), desk.ledger.untold()) == (1, [])


def test_what_could_not_be_marked_is_marked_later_and_not_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(positions: object) -> None:
        raise LedgerError("The disk is full.")

    with Desk() as desk:
        desk.open("task-1")
        with monkeypatch.context() as patch:
            patch.setattr(desk.ledger, "told", refuse)
            desk.sweep()
        assert len(desk.ledger.untold()) == 1
        for _ in range(3):
            desk.run(desk.tracker._rounds.tell_forgotten())
        assert (len(desk.told), desk.ledger.untold()) == (1, [])


def test_readers_have_every_change_until_the_tracker_stops() -> None:
    async def story(desk: Desk) -> list[Status]:
        reader = desk.tracker.events()
        stop = asyncio.Event()
        running = asyncio.create_task(desk.tracker.run(stop, on_sweep=lambda _: stop.set() if desk.told else None))
        statuses = [change.task.status async for change in reader]
        await running
        return statuses

    with Desk() as desk:
        desk.open("task-1")
        assert desk.run(story(desk)) == [Status.SUCCEEDED]


def test_a_slow_reader_loses_changes_which_is_said_and_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(telling, "WAITING", 2)
    with Desk() as desk:
        reader = desk.tracker.events()
        desk.open(*(f"task-{number}" for number in range(5)))
        desk.sweep()
        desk.run(desk.tracker.aclose())
        assert len(desk.run(listed(reader))) == 2
        assert reader.dropped == 3
    assert caplog.messages[-1] == "A reader of events was too slow: 3 changes were dropped."


async def listed(reader: Changes) -> list[TaskChanged]:
    return [change async for change in reader]


def test_a_listener_that_fails_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def fall(*_: object) -> None:
        raise LookupError("a defect")

    with Desk(on_change=fall) as desk:
        desk.open("task-1")
        desk.follow(100)
        assert desk.status("task-1") is Status.SUCCEEDED
    assert "on_change failed" in caplog.text


def test_a_task_from_elsewhere_is_followed() -> None:
    with Desk() as desk:
        entry = desk.run(desk.tracker.track("reelway1:acme:default::task-1"))
        assert entry.task is not None
        assert desk.run(desk.tracker.track(entry.task)) == entry
        desk.sweep()
        assert desk.status("task-1") is Status.SUCCEEDED


def test_a_task_of_nobody_s_account_is_refused() -> None:
    with Desk() as desk:
        with pytest.raises(ConfigurationError, match="belongs to the account 'work'") as caught:
            desk.run(desk.tracker.track(TaskRef("acme", "work", "", "task-1")))
        assert caught.value.hint
        with pytest.raises(InvalidRequest):
            desk.run(desk.tracker.track("task-1"))


def test_a_refresh_asks_as_soon_as_the_provider_allows_and_once_however_often_it_is_wished() -> None:
    with Desk() as desk:
        [entry] = desk.open("task-1")
        assert entry.task is not None
        desk.answers["task-1"] = running(20)
        desk.follow(130)
        before = len(desk.asked["task-1"])
        last = desk.asked["task-1"][-1]
        for _ in range(10):
            desk.run(desk.tracker.refresh([entry.task]))
        desk.sweep()
        desk.follow(12)
        assert desk.asked["task-1"][before:] == [pytest.approx(max(last + 10, 130))]


def test_a_refresh_of_what_the_ledger_does_not_know_is_refused() -> None:
    with Desk() as desk, pytest.raises(InvalidRequest, match="unknown is not in"):
        desk.run(desk.tracker.refresh(["reelway1:acme:default::unknown"]))


def test_tasks_of_accounts_that_nobody_here_has_are_named_once_and_stay(caplog: pytest.LogCaptureFixture) -> None:
    with Desk() as desk:
        desk.ledger.track(new_task("task-1", desk.clock, "work"))
        desk.open("task-2")
        desk.answers["task-2"] = running(50, "task-2")
        desk.follow(200)
        assert desk.entry("task-1", "work").revision == 1
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert caplog.messages == [
        "1 open tasks of the account 'work' of 'acme' stay: this tracker has no such account."
    ]


def test_somebody_who_was_quicker_is_not_overwritten_and_what_was_seen_is_applied_to_theirs() -> None:
    with Desk() as desk:
        [entry] = desk.open("task-1")

        def answer_after_somebody_else() -> None:
            assert entry.task is not None
            theirs = replace(entry.task, status=Status.RUNNING, confirmed=True, progress=70, model="theirs")
            desk.ledger.save([Change(number=entry.number, expected=entry.revision, task=theirs)])

        desk.before_answer = answer_after_somebody_else
        desk.usual = lambda name: said("running", name, progress=80)
        desk.sweep()
        held = desk.entry("task-1")
        assert held.task is not None
        assert (held.task.progress, held.task.model, held.revision) == (80, "theirs", 3)
        assert [change.task for change in desk.told] == [held.task]


def test_what_comes_late_is_dropped() -> None:
    with Desk() as desk:
        desk.open("task-1")
        desk.before_answer = lambda: take_away(desk)
        desk.sweep()
        assert (desk.told, desk.status("task-1")) == ([], Status.QUEUED)


def take_away(desk: Desk) -> None:
    """The process was held up until its lease had run out, and another one has taken the task."""
    desk.clock.advance(31)
    [_] = desk.ledger.claim(1, 30, {("acme", "default"): 10}, [Chore.POLL])


def test_who_asks_for_changes_after_the_end_has_none() -> None:
    with Desk() as desk:
        desk.run(desk.tracker.aclose())
        assert desk.run(listed(desk.tracker.events())) == []


def test_what_was_told_and_cannot_be_marked_is_written_all_the_same(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise LedgerError("The disk is full.")

    with Desk() as desk:
        monkeypatch.setattr(desk.ledger, "told", full)
        desk.open("task-1")
        desk.sweep()
        assert desk.status("task-1") is Status.SUCCEEDED
        assert len(desk.told) == 1
    assert "may be told once more" in caplog.text
    assert "could not be written" not in caplog.text


def test_one_task_that_cannot_be_written_anew_keeps_nobody_else_s_change(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise LedgerError("The disk is full.")

    with Desk() as desk:
        first, _ = desk.open("task-1", "task-2")
        desk.before_answer = lambda: taken_over(desk, first)
        monkeypatch.setattr(desk.tracker._rounds._keeper, "observe", full)
        desk.sweep()
        assert [change.task.id for change in desk.told] == ["task-2"]
    assert "What was seen of reelway1:acme:default::task-1 could not be written" in caplog.text


def taken_over(desk: Desk, entry: Entry) -> None:
    """Somebody else changes a task, once."""
    assert entry.task is not None
    desk.ledger.save([Change(number=entry.number, expected=1, task=replace(entry.task, setbacks=1))])
