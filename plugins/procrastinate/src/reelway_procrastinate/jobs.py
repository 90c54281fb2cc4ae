"""The jobs: a tick for each shard, which sweeps until the next one, and one-shot work with retries."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Mapping
from typing import Any, Final

from procrastinate import BaseRetryStrategy, Blueprint, JobContext, RetryDecision
from procrastinate.jobs import Job, Status

from reelway.engines import EngineWork
from reelway.errors import ReelwayError

NAMESPACE: Final = "reelway"
SWEEPS: Final = "reelway_sweeps"
"""The queue of what follows tasks; one-shot jobs have the queue ``reelway``, and neither waits for the other."""

TICK_SECONDS: Final = 2
SWEEP_SECONDS: Final = TICK_SECONDS - 0.1
"""A little less, so that a worker has time for the next tick before the one after it."""

MOST_TRIES: Final = 10
MOST_WAIT: Final = 300
"""Seconds; the first wait is 2, and each is twice as long as the one before."""


class Again(BaseRetryStrategy):
    """Does a job again, later each time, where its error may pass; at once, where its worker was stopped."""

    def __init__(self, may_pass: Callable[[ReelwayError], bool]) -> None:
        self._may_pass = may_pass

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if isinstance(exception, CancelledError):
            return RetryDecision()
        if not isinstance(exception, ReelwayError) or not self._may_pass(exception) or job.attempts >= MOST_TRIES:
            return None
        wait = max(2 ** (job.attempts + 1), getattr(exception, "retry_after", None) or 0)
        return RetryDecision(retry_in={"seconds": int(min(wait, MOST_WAIT))})


def blueprint(work: EngineWork, *, shards: int = 1) -> Blueprint:
    """The jobs of Reelway, for ``app.add_tasks_from(blueprint(...), namespace="reelway")``.

    ``reelway:sweep`` and ``reelway:recover`` come by themselves. ``reelway:submit`` and ``reelway:store`` are
    deferred, with the arguments of the methods of :class:`EngineWork` that they are named after.

    Args:
        work: what the jobs do.
        shards: how many sweeps go on at once, on all machines together: as many as there are workers for them.
    """
    jobs = Blueprint()

    @jobs.task(name="sweep", queue=SWEEPS)
    async def sweep(timestamp: int, shard: int) -> int:
        return await work.sweep(SWEEP_SECONDS)

    @jobs.task(name="submit", queue=NAMESPACE, retry=Again(lambda error: error.retryable and error.resubmit_safe))
    async def submit(request: Mapping[str, Any], idempotency_key: str, **account: str) -> str:
        return await work.submit(request, idempotency_key, **account)

    @jobs.task(name="store", queue=NAMESPACE, retry=Again(lambda error: error.retryable))
    async def store(task: str, to: str) -> str:
        return await work.store(task, to)

    @jobs.periodic(cron="* * * * * */10")
    @jobs.task(name="recover", queue=SWEEPS, queueing_lock="reelway:recover", pass_context=True)
    async def recover(context: JobContext, timestamp: int) -> None:
        await _recover(context, {submit.name, store.name}, {sweep.name, recover.name})
        await work.remind()

    for shard in range(shards):
        every = jobs.periodic(
            cron=f"* * * * * */{TICK_SECONDS}",
            periodic_id=str(shard),
            queueing_lock=f"reelway:sweep:{shard}",
            task_kwargs={"shard": shard},
        )
        every(sweep)
    return jobs


async def _recover(context: JobContext, again: set[str], over: set[str]) -> None:
    """Do the one-shot jobs of dead workers again, and forget their ticks: others have come since."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs():
        if job.task_name in again:
            await manager.retry_job(job)
        elif job.task_name in over:
            await manager.finish_job(job, Status.FAILED, delete_job=True)
