"""Jobs move by the clock, by the number of polls, or by hand."""

import pytest

from reelway.model.http import HttpResponse
from reelway.model.observation import Status
from reelway.provider.simulator import CancelEffect, SimulatedCall, SimulatedJob
from reelway.sandbox import Pace
from tests.sandbox.caller import Acme, AcmeSimulator, Caller


def test_by_the_clock_a_job_waits_runs_and_ends() -> None:
    caller = Caller(job_seconds=10)
    task_id = caller.made()
    seen = []
    for _ in range(12):
        observed = caller.poll(task_id)
        seen.append((observed.status, observed.progress))
        caller.clock.advance(1)
    assert [status for status, _ in seen] == [Status.QUEUED] * 2 + [Status.RUNNING] * 8 + [Status.SUCCEEDED] * 2
    progress = [number or 0 for _, number in seen]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (0, 100)


def test_the_end_time_is_when_the_job_ended_and_not_when_somebody_looked() -> None:
    caller = Caller(job_seconds=10)
    created = caller.clock.now()
    task_id = caller.made()
    caller.clock.advance(500)
    completed = caller.poll(task_id).completed_at
    assert completed is not None
    assert (completed - created).total_seconds() == 10


def test_a_job_may_take_no_time_at_all() -> None:
    caller = Caller(job_seconds=0)
    assert caller.poll(caller.made()).status is Status.SUCCEEDED


def test_by_polls_the_last_one_sees_the_end_however_long_it_takes() -> None:
    caller = Caller(pace=Pace.POLLS, job_polls=4)
    task_id = caller.made()
    caller.clock.advance(1000)
    seen = [caller.poll(task_id).status for _ in range(5)]
    assert seen == [Status.QUEUED, Status.RUNNING, Status.RUNNING, Status.SUCCEEDED, Status.SUCCEEDED]


def test_a_poll_that_a_fault_spoils_does_not_move_the_job() -> None:
    caller = Caller(pace=Pace.POLLS, job_polls=2)
    task_id = caller.made("[[server-error:3]]")
    assert [caller.retrieve(task_id).status for _ in range(3)] == [500, 500, 500]
    assert [caller.poll(task_id).status for _ in range(2)] == [Status.QUEUED, Status.SUCCEEDED]


def test_one_poll_may_be_enough() -> None:
    caller = Caller(pace=Pace.POLLS, job_polls=1)
    assert caller.poll(caller.made()).status is Status.SUCCEEDED


def test_by_hand_a_job_stays_where_it_is_put() -> None:
    caller = Caller(pace=Pace.MANUAL)
    task_id = caller.made()
    caller.clock.advance(1000)
    assert caller.poll(task_id).status is Status.QUEUED
    caller.sandbox.world.steer("acme", task_id, status=Status.RUNNING, progress=42)
    assert (caller.poll(task_id).status, caller.poll(task_id).progress) == (Status.RUNNING, 42)
    caller.sandbox.world.steer("acme", task_id, status=Status.SUCCEEDED)
    assert caller.poll(task_id).videos


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.LOST])
def test_a_job_can_be_put_at_every_status_at_any_pace(status: Status) -> None:
    caller = Caller()
    task_id = caller.made()
    caller.sandbox.world.steer("acme", task_id, status=status, reason="by hand")
    observed = caller.ended(task_id)
    assert observed.status is status
    if status is Status.FAILED:
        assert observed.failure is not None
        assert observed.failure.message == "by hand"


def test_a_job_that_is_cancelled_ends_and_one_that_has_ended_stays() -> None:
    caller = Caller()
    running, done = caller.made(), caller.made()
    assert caller.ended(done).status is Status.SUCCEEDED
    late = caller.made()
    for task_id in (running, done, late):
        caller.send("DELETE", f"/acme/v1/videos/{task_id}")
    assert caller.poll(running).status is Status.SUCCEEDED
    assert caller.poll(done).status is Status.SUCCEEDED
    assert caller.poll(late).status is Status.CANCELLED


class StrictSimulator(AcmeSimulator):
    """A service that stops what waits, refuses what runs, and forgets what has ended."""

    cancel_effects = {
        Status.QUEUED: CancelEffect.STOP,
        Status.RUNNING: CancelEffect.REFUSE,
        Status.SUCCEEDED: CancelEffect.FORGET,
    }

    def answer_cancel(self, call: SimulatedCall, job: SimulatedJob) -> HttpResponse:
        return HttpResponse(status=204)


class Strict(Acme):
    def simulator(self) -> StrictSimulator:
        return StrictSimulator()


@pytest.mark.parametrize(
    ("status", "answered", "found", "then"),
    [
        (Status.QUEUED, 204, 200, Status.CANCELLED),
        (Status.RUNNING, 400, 200, Status.RUNNING),
        (Status.SUCCEEDED, 204, 400, Status.SUCCEEDED),
        (Status.CANCELLED, 204, 200, Status.CANCELLED),
    ],
)
def test_a_cancel_does_what_its_provider_does(status: Status, answered: int, found: int, then: Status) -> None:
    caller = Caller(providers=[Strict()])
    task_id = caller.made()
    caller.sandbox.world.steer("acme", task_id, status=status)
    assert caller.send("DELETE", f"/acme/v1/videos/{task_id}").status == answered
    assert caller.retrieve(task_id).status == found
    # Whatever a provider forgets, the ledger does not.
    assert caller.sandbox.ledger.task(task_id).status is then
