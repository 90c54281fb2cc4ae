"""How a tracker stops: it takes nothing more, what is under way ends soon, and nothing stays claimed."""

from __future__ import annotations

import asyncio
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from reelway import Account, Status
from reelway.errors import ConfigurationError, LedgerError
from reelway.ledger.records import Chore, Claim
from reelway.ledger.sqlite import SqliteLedger
from reelway.provider.interface import Cadence
from reelway.sandbox import Pace, Sandbox
from reelway.storing.place import collection_of
from reelway.testing import VirtualClock
from reelway.tracker import rounds
from reelway.tracker.lanes import Lanes
from reelway.tracker.storing import Storing
from reelway.tracker.tracker import Swept, Tracker
from tests.acme import ACME, said
from tests.tracker.desk import Desk, new_task
from tests.tracker.test_processes import PROVIDER, created, ended, has_seen, until


def test_a_poll_under_way_is_written_when_a_tracker_stops(tmp_path: Path) -> None:
    async def story(sandbox: Sandbox, ledger: SqliteLedger) -> None:
        stop = asyncio.Event()
        async with tracker_at(sandbox, ledger) as tracker:
            running = asyncio.create_task(tracker.run(stop))
            await asyncio.to_thread(until, partial(has_seen, sandbox, 3))
            stop.set()
            await running

    path = tmp_path / "jobs.db"
    with Sandbox(pace=Pace.POLLS, job_polls=1) as sandbox, SqliteLedger(path) as ledger:
        created(sandbox, path, 3)
        asyncio.run(story(sandbox, ledger))
        assert ended(ledger) == 3


@pytest.mark.parametrize("cancelled", [False, True])
def test_what_does_not_end_in_time_is_let_go_of_and_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cancelled: bool
) -> None:
    async def story(sandbox: Sandbox, ledger: SqliteLedger) -> None:
        stop = asyncio.Event()
        async with tracker_at(sandbox, ledger) as tracker:
            running = asyncio.create_task(tracker.run(stop))
            await asyncio.to_thread(until, partial(has_seen, sandbox, 3))
            if cancelled:
                running.cancel()
            stop.set()
            await asyncio.gather(running, return_exceptions=True)
            assert running.cancelled() is cancelled

    monkeypatch.setattr(rounds, "STOP_SECONDS", 0.2)
    path = tmp_path / "jobs.db"
    with Sandbox(pace=Pace.POLLS, job_polls=1) as sandbox, SqliteLedger(path) as ledger:
        created(sandbox, path, 3, "A cat. [[retrieve/silence]]")
        asyncio.run(story(sandbox, ledger))
        assert ended(ledger) == 0
        # The provider's pause is kept, and nothing else.
        wait = ledger.next_due({(PROVIDER, "default"): 100}, [Chore.POLL])
        assert wait is not None
        assert wait <= 0.2


def test_a_slow_poll_keeps_no_other_from_being_written(tmp_path: Path) -> None:
    async def story(sandbox: Sandbox, ledger: SqliteLedger) -> Swept:
        async with tracker_at(sandbox, ledger) as tracker:
            swept = await tracker.sweep(deadline=2.0)
            assert ended(ledger) == 2
        return swept

    path = tmp_path / "jobs.db"
    with Sandbox(pace=Pace.POLLS, job_polls=1) as sandbox, SqliteLedger(path) as ledger:
        created(sandbox, path, 1, "A cat. [[retrieve/slow:3]]")
        created(sandbox, path, 2, "A cat.")
        assert asyncio.run(story(sandbox, ledger)).done == 3
        assert ended(ledger) == 3


def test_a_ledger_that_cannot_be_used_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(desk: Desk) -> None:
        stop = asyncio.Event()
        await desk.tracker.run(stop, on_sweep=lambda _: stop.set() if desk.told else None)

    with Desk() as desk:
        desk.open("task-1")
        claim, failures = desk.ledger.claim, [LedgerError("The disk is full.", hint="Make room.")] * 3

        def unsure(*arguments: Any) -> list[Claim]:
            if failures:
                raise failures.pop()
            return claim(*arguments)

        monkeypatch.setattr(desk.ledger, "claim", unsure)
        desk.run(story(desk))
        assert desk.status("task-1") is Status.SUCCEEDED
    assert caplog.messages == ["The disk is full. It is tried again in 5 seconds. Make room."] * 3


def test_what_could_not_be_written_is_asked_again_when_the_lease_has_run_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(settlements: object) -> None:
        raise LedgerError("The disk is full.", hint="Make room.")

    with Desk() as desk:
        desk.open("task-1")
        with monkeypatch.context() as patch:
            patch.setattr(desk.ledger, "settle", refuse)
            desk.sweep()
        assert caplog.messages == ["1 turns could not be written: The disk is full. Make room."]
        desk.follow(100)
        assert desk.status("task-1") is Status.SUCCEEDED
    assert desk.asked["task-1"] == [0, 30]


def test_what_was_claimed_has_its_turn_whatever_becomes_of_other_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Desk() as desk:
        desk.open("task-1")
        claim = desk.ledger.claim

        def claim_polls(*given: Any) -> list[Claim]:
            if Chore.STORE in given[-1]:
                raise LedgerError("The disk is full.")
            return claim(*given)

        monkeypatch.setattr(desk.ledger, "claim", claim_polls)
        lanes = desk.tracker._rounds._lanes
        place = collection_of(tmp_path)
        storing = Storing(desk.ledger, desk.tracker._accounts, place, desk.clock, lambda: 0.5)
        monkeypatch.setattr(desk.tracker._rounds, "_lanes", [*lanes, Lanes(storing)])
        with pytest.raises(LedgerError):
            desk.sweep()
        desk.run(desk.tracker.aclose())
        assert desk.status("task-1") is Status.SUCCEEDED


def test_a_run_that_is_cancelled_leaves_no_task_of_its_own() -> None:
    async def story(desk: Desk) -> set[asyncio.Task[Any]]:
        before = asyncio.all_tasks()
        running = asyncio.create_task(desk.tracker.run())
        for _ in range(20):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await asyncio.sleep(0)
        return asyncio.all_tasks() - before

    with Desk(clock=Still()) as desk:
        assert desk.run(story(desk)) == set()


def test_what_is_being_claimed_when_a_tracker_is_closed_still_has_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    with Desk() as desk:
        desk.open("task-1")
        claiming, go_on, claim = threading.Event(), threading.Event(), desk.ledger.claim

        def claim_slowly(*given: Any) -> list[Claim]:
            claiming.set()
            assert go_on.wait(10)
            return claim(*given)

        async def story() -> None:
            sweeping = asyncio.create_task(desk.tracker.sweep())
            await asyncio.to_thread(claiming.wait, 10)
            asyncio.get_running_loop().call_later(0.05, go_on.set)
            await desk.tracker.aclose()
            assert desk.status("task-1") is Status.SUCCEEDED
            await sweeping

        monkeypatch.setattr(desk.ledger, "claim", claim_slowly)
        desk.run(story())


class Still(VirtualClock):
    """A clock that stands still, so that whoever waits for it waits without end."""

    async def sleep_async(self, seconds: float) -> None:
        await asyncio.Event().wait()


def test_catching_up_polls_what_is_due_once_and_no_more() -> None:
    with Desk(pace=2, cadence=Cadence(0.5, 0.5)) as desk:
        desk.open(*(f"task-{number}" for number in range(7)))
        desk.usual = lambda name: said("running", name)
        desk.ledger.track(new_task("later", desk.clock), due_in=600)
        swept = desk.run(desk.tracker.catch_up())
        assert swept.done == 7
        assert {len(times) for times in desk.asked.values()} == {1}


def test_a_tracker_needs_an_account() -> None:
    with SqliteLedger() as ledger, pytest.raises(ConfigurationError, match="at least one account") as caught:
        Tracker(ledger, {})
    assert caught.value.hint


def test_one_account_is_not_followed_twice() -> None:
    accounts = [Account(ACME, api_key="k"), Account(ACME, api_key="other")]
    with SqliteLedger() as ledger, pytest.raises(ConfigurationError, match="named twice"):
        Tracker(ledger, accounts)


def tracker_at(sandbox: Sandbox, ledger: SqliteLedger) -> Tracker:
    url = sandbox.base_url(PROVIDER)
    account = Account(PROVIDER, api_key="k", base_url=url, requests_per_second=200, cadence=Cadence(0.2, 0.2))
    return Tracker(ledger, account)
