"""A tracker brings results where they belong, over real sockets, and says what it could not."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import pytest
from msgspec.structs import replace

from reelway import Account, ConfigurationError, LedgerError, Task, TaskRef
from reelway.ledger.records import Chore, Claim, Entry
from reelway.ledger.sqlite import SqliteLedger
from reelway.model.lifecycle import ArtifactGone, ResultStored
from reelway.model.task import Artifact
from reelway.operations import Settings
from reelway.tracker.storing import AT_ONCE, FIRST_PAUSE, GONE_AFTER, LONGEST_PAUSE, Storing
from reelway.tracker.telling import TaskChanged
from reelway.tracker.tracker import Tracker
from reelway.transport.clock import SystemClock
from reelway.transport.http import HttpSettings
from reelway.transport.part_file import PartFile
from tests.client.counting import KEY, PARTIES, http
from tests.client.shelf import CLOSE, ENDLESS, VIDEO, Shelf, answer, cut, honest, says
from tests.storing.s3 import LocalS3
from tests.transport.rogue import Visit

WEBM: Final = ENDLESS + b"\x1a\x45\xdf\xa3" + bytes(1000)
"""A file of which nothing tells whether it is whole."""

PROVIDER: Final = PARTIES[0].provider


class Skipping(SystemClock):
    """The real time, of which the boring parts are skipped."""

    skipped = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.skipped


class Storehouse:
    """A ledger with tasks that have succeeded, and a tracker that stores what they made."""

    def __init__(self, shelf: Shelf, to: str | Path, ledger: SqliteLedger | None = None) -> None:
        self.clock = Skipping()
        self.ledger = ledger or SqliteLedger(monotonic=self.clock.monotonic)
        self.told: list[TaskChanged] = []
        self._shelf = shelf
        self._runner = asyncio.Runner()
        settings = Settings(
            clock=self.clock,
            draw=lambda: 0.5,
            http=HttpSettings(allow_private_links=True),
            on_change=lambda task, events: self.told.append(TaskChanged(task, events)),
        )
        account = Account(PROVIDER, api_key=KEY, base_url=shelf.api.url, requests_per_second=1000)
        self.tracker = Tracker(self.ledger, {"default": account}, download_to=to, settings=settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.run(self.tracker.aclose())
        self._runner.close()

    def run(self, story: Any) -> Any:
        return self._runner.run(story)

    def add(self, *task_ids: str) -> list[Entry]:
        made = self._shelf.task(PARTIES[0])
        refs = [TaskRef(PROVIDER, "default", "", task_id) for task_id in task_ids]
        return [self.ledger.track(replace(made, ref=ref, artifact=Artifact.AVAILABLE)) for ref in refs]

    def sweep(self, times: int = 1, skip: float = LONGEST_PAUSE) -> int:
        """Sweep, and skip what is waited for after each; tells how many turns there were."""
        done = 0
        for _ in range(times):
            done += self.run(self.tracker.sweep()).done
            self.clock.skipped += skip
        return done

    def entry(self, task_id: str = "task_1") -> Entry:
        entry = self.ledger.find(TaskRef(PROVIDER, "default", "", task_id))
        assert entry is not None
        return entry

    def task(self, task_id: str = "task_1") -> Task:
        task = self.entry(task_id).task
        assert task is not None
        return task

    @property
    def due(self) -> float | None:
        return self.ledger.next_due({(PROVIDER, "default"): 1000.0}, [Chore.STORE])


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with Shelf(honest) as shelf:
        yield shelf


def test_what_a_task_made_is_stored_and_told_and_no_longer_due(shelf: Shelf, tmp_path: Path) -> None:
    with Storehouse(shelf, tmp_path) as house:
        house.add("task_1")
        assert house.sweep() == 1
        [stored] = house.entry().results
        target = tmp_path / "task_1.mp4"
        assert (stored.location, stored.size) == (str(target), len(VIDEO))
        assert stored.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()
        assert house.task().artifact is Artifact.STORED
        assert house.told == [TaskChanged(house.task(), (ResultStored.of(house.task().ref, stored),))]
        assert house.due is None
        assert house.sweep() == 0
        assert len(house.told) == 1
        assert house.ledger.untold() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["task_1.mp4", "task_1.mp4.json"]
    shelf.assert_no_key_left()


def test_a_result_is_told_when_it_is_on_record_and_not_before(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(settlements: object) -> None:
        raise LedgerError("The disk is full.")

    with Storehouse(shelf, tmp_path) as house:
        house.add("task_1")
        with monkeypatch.context() as patch:
            patch.setattr(house.ledger, "settle", refuse)
            house.sweep()
        assert (tmp_path / "task_1.mp4").exists()
        assert house.told == []
        house.sweep()
        assert [type(event) for change in house.told for event in change.events] == [ResultStored]


def test_a_result_that_a_dead_process_told_nobody_is_told_by_the_next(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Storehouse(shelf, tmp_path) as house, Storehouse(shelf, tmp_path, house.ledger) as other:
        house.add("task_1")

        async def die(changes: object) -> None:
            """As if the process had ended here."""

        with monkeypatch.context() as patch:
            patch.setattr(house.tracker._rounds, "_tell", die)
            house.sweep()
        for _ in range(3):
            other.run(other.tracker._rounds.tell_forgotten())
        [stored] = house.entry().results
        assert house.told == []
        assert other.told == [TaskChanged(house.task(), (ResultStored.of(house.task().ref, stored),))]


def test_results_go_to_an_object_store(shelf: Shelf, s3: LocalS3) -> None:
    with Storehouse(shelf, "s3://videos/{provider}/{id}.mp4") as house:
        house.add("task_1", "task_2")
        house.sweep()
        [stored] = house.entry("task_2").results
        assert stored.location == f"s3://videos/{PROVIDER}/task_2.mp4"
        assert {name: len(body) for name, body in s3.objects.items() if name.endswith(".mp4")} == {
            f"{PROVIDER}/task_1.mp4": len(VIDEO),
            f"{PROVIDER}/task_2.mp4": len(VIDEO),
        }


def test_a_store_in_trouble_is_tried_again_and_nothing_is_fetched_for_it(
    shelf: Shelf,
    s3: LocalS3,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Storehouse(shelf, "s3://videos/{id}.mp4") as house:
        house.add("task_1")
        s3.faults["put"] = ["403"] * 3
        assert house.sweep(4) == 4
        assert house.task().artifact is Artifact.STORED
    assert len(shelf.files.requests) == 1
    assert caplog.text.count("is not stored yet") == 3


def test_without_a_place_results_stay_due(shelf: Shelf) -> None:
    with Storehouse(shelf, "{id}.mp4") as house:
        house.add("task_1")
        tracker = Tracker(house.ledger, {"default": Account(PROVIDER, api_key=KEY)}, clock=house.clock)
        assert house.run(tracker.sweep()).done == 0
        house.run(tracker.aclose())
        assert house.due == 0


def test_trouble_is_waited_out_longer_and_longer_and_the_result_stays_due(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "task_1.mp4").write_bytes(b"mine")
    pauses = []
    with Storehouse(shelf, tmp_path) as house:
        house.add("task_1")
        for _ in range(10):
            house.sweep(skip=0)
            pauses.append(house.due or 0.0)
            house.clock.skipped += LONGEST_PAUSE
        assert pauses == pytest.approx([min(FIRST_PAUSE * 2**n, LONGEST_PAUSE) for n in range(10)], abs=2)
        (tmp_path / "task_1.mp4").unlink()
        house.sweep()
        assert house.task().artifact is Artifact.STORED


def test_a_link_that_expired_is_renewed(shelf: Shelf, tmp_path: Path) -> None:
    shelf.deliver = lambda visit, request: visit.say(
        http("403 Forbidden", CLOSE) if len(shelf.files.requests) == 1 else answer(request)
    )
    with Storehouse(shelf, tmp_path) as house:
        house.add("task_1")
        house.sweep()
        assert house.task().artifact is Artifact.STORED
    assert (shelf.polls, len(shelf.files.requests)) == (1, 2)


def test_a_result_that_is_served_no_more_is_given_up_loudly(
    shelf: Shelf, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.deliver = says(http("410 Gone", CLOSE))
    with Storehouse(shelf, tmp_path) as house, caplog.at_level(logging.ERROR):
        house.add("task_1")
        house.sweep(GONE_AFTER - 1)
        assert house.task().artifact is Artifact.AVAILABLE
        assert house.told == []
        assert caplog.text == ""
        house.sweep()
        assert house.task().artifact is Artifact.GONE
        assert house.due is None
        [change] = house.told
        assert [type(event) for event in change.events] == [ArtifactGone]
        assert [type(kept.event) for kept in house.ledger.events()] == [ArtifactGone]
    assert "is gone, and was not stored" in caplog.text


def test_trouble_of_another_kind_brings_no_result_nearer_to_being_gone(shelf: Shelf, tmp_path: Path) -> None:
    with Storehouse(shelf, tmp_path) as house:
        house.add("task_1")
        shelf.deliver = says(WEBM)
        house.sweep(GONE_AFTER)
        shelf.deliver = says(http("410 Gone", CLOSE))
        house.sweep(GONE_AFTER - 1)
        assert house.task().artifact is Artifact.PARTIAL
        shelf.deliver = honest
        house.sweep()
        assert house.task().artifact is Artifact.STORED


def test_what_has_arrived_in_part_is_said(shelf: Shelf, tmp_path: Path) -> None:
    shelf.deliver = says(WEBM)
    with Storehouse(shelf, tmp_path) as house:
        house.add("task_1")
        house.sweep()
        assert house.task().artifact is Artifact.PARTIAL
        assert house.due is not None


class Gate:
    """Deliveries that wait in front of a gate, and how many there were at once."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.crowded = threading.Semaphore(0)
        self.waiting = self.most = 0
        self._lock = threading.Lock()

    def __call__(self, visit: Visit, request: bytes) -> None:
        with self._lock:
            self.waiting += 1
            self.most = max(self.most, self.waiting)
        self.crowded.release()
        assert self.open.wait(20)
        with self._lock:
            self.waiting -= 1
        honest(visit, request)


async def meanwhile(house: Storehouse, gate: Gate, story: Any) -> None:
    """Sweep until somebody waits at the gate, let something happen, then open it."""
    sweeping = asyncio.create_task(house.tracker.sweep())
    await asyncio.to_thread(gate.crowded.acquire, timeout=20)
    await story()
    gate.open.set()
    await sweeping


def test_few_results_are_fetched_at_once(shelf: Shelf, tmp_path: Path) -> None:
    gate = shelf.deliver = Gate()
    with Storehouse(shelf, tmp_path) as house:
        house.add(*(f"task_{number}" for number in range(10)))

        async def more_are_due() -> None:
            for _ in range(AT_ONCE - 1):
                await asyncio.to_thread(gate.crowded.acquire, timeout=20)
            assert (await house.tracker.sweep()).done == 0

        house.run(meanwhile(house, gate, more_are_due))
        house.sweep(2)
        assert len(list(tmp_path.glob("*.mp4"))) == 10
    assert gate.most == AT_ONCE


def test_no_other_tracker_takes_a_download_under_way_however_long_it_takes(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Storing, "lease", 0.3)
    gate = shelf.deliver = Gate()
    with Storehouse(shelf, tmp_path) as house, Storehouse(shelf, tmp_path, house.ledger) as other:
        house.add("task_1")

        async def three_leases_pass() -> None:
            for _ in range(9):
                await house.clock.sleep_async(0.1)
                assert (await other.tracker.sweep()).done == 0

        house.run(meanwhile(house, gate, three_leases_pass))
        assert house.task().artifact is Artifact.STORED
    assert len(shelf.files.requests) == 1


def test_a_renewal_that_fails_once_costs_no_download(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(Storing, "lease", 0.6)
    gate = shelf.deliver = Gate()
    with Storehouse(shelf, tmp_path) as house:
        house.add("task_1")
        renew, renewed = house.ledger.renew, asyncio.Event()

        def fails_once(claim: Claim, lease: float) -> bool:
            if "could not be renewed" not in caplog.text:
                raise LedgerError("It is locked.")
            held = renew(claim, lease)
            loop.call_soon_threadsafe(renewed.set)
            return held

        monkeypatch.setattr(house.ledger, "renew", fails_once)
        loop = house.run(_loop())
        house.run(meanwhile(house, gate, renewed.wait))
        assert house.task().artifact is Artifact.STORED
    assert caplog.text.count("could not be renewed") == 1


async def _loop() -> asyncio.AbstractEventLoop:
    return asyncio.get_running_loop()


def test_a_download_whose_claim_was_lost_is_given_up(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Storing, "lease", 0.3)
    gate = shelf.deliver = Gate()
    with Storehouse(shelf, tmp_path) as house:
        house.add("task_1")
        monkeypatch.setattr(house.ledger, "renew", lambda claim, lease: False)

        async def until_it_is_noticed() -> None:
            await house.clock.sleep_async(0.4)

        house.run(meanwhile(house, gate, until_it_is_noticed))
        assert house.task().artifact is Artifact.AVAILABLE
        assert not (tmp_path / "task_1.mp4").exists()


def test_a_tracker_that_stops_leaves_what_has_arrived_to_the_next(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reelway.tracker.rounds.STOP_SECONDS", 0.1)
    written, over = threading.Event(), threading.Event()
    append = PartFile.append

    def appended(part: PartFile, chunk: bytes) -> None:
        append(part, chunk)
        written.set()

    monkeypatch.setattr(PartFile, "append", appended)
    shelf.deliver = cut(100_000, by=lambda visit: assert_set(over))
    with Storehouse(shelf, tmp_path) as house:
        house.add("task_1")

        async def stopped() -> None:
            sweeping = asyncio.create_task(house.tracker.sweep())
            await asyncio.to_thread(written.wait, 20)
            await house.tracker.aclose()
            await sweeping

        house.run(stopped())
        over.set()
        assert house.due == 0
        shelf.deliver = honest
        with Storehouse(shelf, tmp_path, house.ledger) as following:
            following.sweep()
            assert following.task().artifact is Artifact.STORED
    first, second = shelf.ranges
    assert first is None
    assert second is not None


def assert_set(over: threading.Event) -> None:
    assert over.wait(20)


@pytest.mark.parametrize("to", ["cat.mp4", "{provider}.mp4", "s3://videos/cat.mp4"])
def test_a_place_where_results_would_overwrite_each_other_is_refused(shelf: Shelf, to: str) -> None:
    with pytest.raises(ConfigurationError, match="the same name"):
        Storehouse(shelf, to)
