"""How a simulated job moves: by the clock, by the number of polls, or by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from msgspec import Struct

from reelway.model.observation import Failure, FailureKind, Status
from reelway.provider.simulator import SimulatedCall
from reelway.sandbox.faults import STANDARD_REASON
from reelway.sandbox.links import Link
from reelway.sandbox.plan import Plan


class Pace(StrEnum):
    """What moves the jobs."""

    CLOCK = "clock"
    POLLS = "polls"
    MANUAL = "manual"


class Timing(Struct, frozen=True, kw_only=True):
    """How long a job takes: in seconds by the clock, in answered polls by their number."""

    pace: Pace = Pace.CLOCK
    job_seconds: float = 3.0
    job_polls: int = 4


class Stage(NamedTuple):
    """Where a job stands."""

    status: Status
    progress: int


@dataclass(kw_only=True)
class Job:
    """A simulated job.

    Attributes:
        call: the create or remix that made it.
        plan: the faults that it was made with.
        polls: how many polls were answered.
        by_hand: where it was put by hand; it stays there.
        reason: why it failed, if it fails.
        ended_at: when it was first seen to have ended.
        has_run: a poll has seen it run.
        has_ended: a poll has seen its end.
        shown: where the last poll saw it.
        forgotten: its record was removed; what was counted stays counted.
        link: the link that was given out last.
        callback_url: where its callbacks go, if anywhere.
        told: the status of the last turn that callbacks were written about.
    """

    provider: str
    task_id: str
    call: SimulatedCall
    plan: Plan
    created_at: datetime
    polls: int = 0
    by_hand: Stage | None = None
    reason: str | None = None
    ended_at: datetime | None = None
    has_run: bool = False
    has_ended: bool = False
    shown: Stage | None = None
    forgotten: bool = False
    link: Link | None = None
    callback_url: str | None = None
    told: Status | None = None


QUEUED: Final = Stage(Status.QUEUED, 0)
QUEUED_UNTIL = 0.2
STUCK_AT = 0.6
"""Fractions of a job's way."""

FAILURE_CODE: Final = "generation_failed"

ENDS: Final[Mapping[str, Status]] = {
    "fail": Status.FAILED,
    "fail-internal": Status.FAILED,
    "fail-silent": Status.FAILED,
    "cancelled": Status.CANCELLED,
    "expired": Status.EXPIRED,
}
"""The faults that give a job another end."""

PROGRESS: Final[Mapping[Status, int]] = {Status.QUEUED: 0, Status.RUNNING: 50, Status.SUCCEEDED: 100}
"""What a job shows that was put somewhere by hand, or has ended badly (50 there)."""


def stage_of(job: Job, timing: Timing, now: datetime) -> Stage:
    """Where a job stands; asking changes nothing."""
    if job.by_hand is not None:
        return job.by_hand
    done = PACES[timing.pace](job, timing, now)
    if job.plan.has("stuck"):
        done = min(done, STUCK_AT)
    return _stage_at(done, end_of(job))


def shown_to_poll(job: Job, stage: Stage) -> Stage:
    """Where a poll sees the job, which a job that goes back or contradicts its end makes different."""
    if stage.status is not Status.QUEUED and job.plan.has("requeue"):
        return _gone_back(job)
    return _after_the_end(job, stage) if stage.status.final else stage


def _gone_back(job: Job) -> Stage:
    if not job.has_run:
        job.has_run = True
        return placed(Status.RUNNING)
    job.plan.take("requeue")
    return QUEUED


def _after_the_end(job: Job, stage: Stage) -> Stage:
    if not job.has_ended:
        job.has_ended = True
        return stage
    if job.plan.take("flip"):
        return opposite(stage)
    return placed(Status.RUNNING) if job.plan.take("relapse") else stage


def opposite(stage: Stage) -> Stage:
    """The end that contradicts a stage."""
    return placed(Status.FAILED if stage.status is Status.SUCCEEDED else Status.SUCCEEDED)


def placed(status: Status, progress: int | None = None) -> Stage:
    """The stage of a status, with the progress that is usual there."""
    return Stage(status, PROGRESS.get(status, 50) if progress is None else progress)


def end_of(job: Job) -> Status:
    """How the job ends."""
    return next((end for fault, end in ENDS.items() if job.plan.has(fault)), Status.SUCCEEDED)


def end_time(job: Job, timing: Timing, now: datetime) -> datetime:
    """When a job that has ended did so; by the clock that may have been some time ago."""
    if job.ended_at is None:
        on_time = timing.pace is Pace.CLOCK and job.by_hand is None
        job.ended_at = job.created_at + timedelta(seconds=timing.job_seconds) if on_time else now
    return job.ended_at


def failure_of(job: Job, stage: Stage) -> Failure | None:
    """The reason of a bad end, where the job tells it."""
    if stage.status is not Status.FAILED or job.plan.has("fail-silent"):
        return None
    asked = job.plan.find("fail") or job.plan.find("fail-internal")
    reason = job.reason or (asked.argument if asked else STANDARD_REASON)
    kind = FailureKind.INTERNAL if job.plan.has("fail-internal") else FailureKind.UNKNOWN
    return Failure(kind=kind, code=FAILURE_CODE, message=reason)


def turning_points(job: Job, timing: Timing) -> Iterator[datetime]:
    """When a job's status may change by itself; what polls or hands move changes when they do."""
    shares = (0.0, QUEUED_UNTIL, 1.0) if timing.pace is Pace.CLOCK else (0.0,)
    return (job.created_at + timedelta(seconds=share * timing.job_seconds) for share in shares)


def skew_of(job: Job) -> timedelta:
    """How far the times in answers are off."""
    asked = job.plan.find("clock-skew")
    return timedelta(seconds=asked.seconds if asked else 0)


def _by_clock(job: Job, timing: Timing, now: datetime) -> float:
    passed = (now - job.created_at).total_seconds()
    return passed / timing.job_seconds if timing.job_seconds > 0 else 1.0


def _by_polls(job: Job, timing: Timing, now: datetime) -> float:
    """The first poll sees the queue, the last one the end."""
    return max(0, job.polls - 1) / (timing.job_polls - 1) if timing.job_polls > 1 else 1.0


def _by_hand(job: Job, timing: Timing, now: datetime) -> float:
    return 0.0


PACES: Final[Mapping[Pace, Callable[[Job, Timing, datetime], float]]] = {
    Pace.CLOCK: _by_clock,
    Pace.POLLS: _by_polls,
    Pace.MANUAL: _by_hand,
}
"""How far a job has come, as a fraction of its way."""


def _stage_at(done: float, end: Status) -> Stage:
    if done >= 1:
        return placed(end)
    if done < QUEUED_UNTIL:
        return QUEUED
    return Stage(Status.RUNNING, 1 + int(98 * (done - QUEUED_UNTIL) / (1 - QUEUED_UNTIL)))
