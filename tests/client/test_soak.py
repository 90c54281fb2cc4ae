"""Under chaos, nothing paid is forgotten, nothing is paid twice, and every file is whole."""

from __future__ import annotations

import hashlib
from itertools import cycle
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from reelway import Download, ReelwayError, SubmissionUnknown, TaskFailed
from reelway.model.submission import Submission
from reelway.sandbox import TaskEntry
from tests.client.both import CLIENTS, MODELS, Bench, Kind

JOBS: Final = 250
"""Of each client."""

SEED: Final = 7


class End(NamedTuple):
    """How one generation ended, as the caller and as the sandbox know it."""

    download: Download | None
    error: ReelwayError | None
    known_id: str | None
    made: list[TaskEntry]


class Soak:
    """Generates one video after the other at providers that do everything wrong by chance."""

    def __init__(self, kind: Kind, folder: Path) -> None:
        self._submissions: list[Submission] = []
        world = {"chaos": SEED, "job_seconds": 60}
        self._bench = Bench(kind, *MODELS, world=world, on_submission=self._submissions.append)
        self._folder = folder

    def run(self, jobs: int) -> list[End]:
        with self._bench.client:
            return [self._generate(number, provider) for number, provider in zip(range(jobs), cycle(MODELS))]

    def _generate(self, number: int, provider: str) -> End:
        known = {(one.provider, one.task_id) for one in self._bench.sandbox.ledger.tasks}
        self._submissions.clear()
        download, error = None, None
        fields = {"model": MODELS[provider], "account": provider, "to": self._folder / f"{number}.mp4"}
        try:
            download = self._bench.client.generate(f"Boat {number}", **fields)
        except ReelwayError as caught:
            error = caught
        refs = {one.ref.id for one in self._submissions if one.ref is not None}
        made = [one for one in self._bench.sandbox.ledger.tasks if (one.provider, one.task_id) not in known]
        return End(download, error, next(iter(refs), None), made)


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda kind: kind.__name__)
def ends(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[End]:
    return Soak(request.param, tmp_path_factory.mktemp("videos")).run(JOBS)


def test_no_job_is_paid_twice(ends: list[End]) -> None:
    assert all(len(end.made) <= 1 for end in ends)


def test_every_create_that_the_server_saw_is_known(ends: list[End]) -> None:
    for end in ends:
        for task in end.made:
            assert end.known_id == task.task_id or isinstance(end.error, SubmissionUnknown)


def test_what_is_known_is_what_the_server_made(ends: list[End]) -> None:
    known = [end for end in ends if end.known_id is not None]
    assert all(end.made[0].task_id == end.known_id for end in known)
    assert len(known) > JOBS / 4


def test_every_job_ends_in_a_file_or_in_a_typed_error_that_holds_it(ends: list[End]) -> None:
    for end in ends:
        assert (end.download is None) != (end.error is None)
        if end.error is not None and end.known_id is not None:
            assert end.error.task is not None
            assert end.error.task.id == end.known_id


def test_no_error_calls_creating_again_safe_while_a_job_may_still_become_a_video(ends: list[End]) -> None:
    for end in ends:
        if end.error is not None and end.made and not isinstance(end.error, TaskFailed):
            assert not end.error.resubmit_safe


def test_every_file_is_whole(ends: list[End]) -> None:
    held = [(end.download, end.made[0]) for end in ends if end.download is not None]
    assert len(held) > JOBS / 5
    for download, served in held:
        assert hashlib.sha256(download.path.read_bytes()).hexdigest() == download.sha256 == served.sha256


def test_no_file_is_there_beside_them(ends: list[End]) -> None:
    folder = next(end.download.path.parent for end in ends if end.download is not None)
    published = {end.download.path for end in ends if end.download is not None}
    assert {file for file in folder.iterdir() if file.suffix == ".mp4"} == published


def test_chaos_is_not_kind(ends: list[End]) -> None:
    """The run means something: many kinds of trouble ended many jobs, and many came through them."""
    errors = {type(end.error).__name__ for end in ends if end.error is not None}
    assert errors >= {"SubmissionUnknown", "SubmissionRejected", "TaskFailed"}
    assert sum(bool(task.faults) for end in ends for task in end.made) > JOBS / 4
