"""A worker in a process of its own, with short leases: ``python worker.py LEDGER PROVIDER URL SHARDS [--dies]``.

It writes a line for each change that it has made. One that dies does so when it has created a task, before
Procrastinate learns that the job is done.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import Any

from procrastinate.manager import JobManager

from reelway import Account, Task
from reelway.engines import EngineWork
from reelway.model.lifecycle import Event
from reelway.provider.interface import Cadence
from reelway.tracker import polling
from reelway_procrastinate import reelway_engine

LEASE = 2.5
CADENCE = 0.2


def told(task: Task, events: tuple[Event, ...]) -> None:
    sys.stdout.write(f"{task.ref}\n")
    sys.stdout.flush()


def work_at(url: str, provider: str, base_url: str) -> EngineWork:
    cadence = Cadence(CADENCE, CADENCE)
    account = Account(provider, api_key="k", base_url=base_url, requests_per_second=200, cadence=cadence)
    return EngineWork(url, account, on_change=told)


async def die(manager: JobManager, job: Any, **_: Any) -> None:
    if job.task_name == "reelway:submit":
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    [_, url, provider, base_url, shards, *dies] = sys.argv
    polling.POLL_SECONDS = LEASE - 0.5  # type: ignore[misc] # a second request is not made here
    polling.Polling.lease = LEASE
    if dies:
        JobManager.finish_job = die  # type: ignore[method-assign,assignment]
    asyncio.run(reelway_engine(work_at(url, provider, base_url), int(shards), asyncio.Event()))
