"""A tracker in a process of its own, with short leases: ``python -m tests.tracker.child LEDGER PROVIDER URL``.

It writes a line for each change that it has made.
"""

from __future__ import annotations

import asyncio
import sys

from reelway import Account, Task
from reelway.ledger.sqlite import SqliteLedger
from reelway.model.lifecycle import Event
from reelway.provider.interface import Cadence
from reelway.tracker import Tracker, polling

LEASE = 2.5


def told(task: Task, events: tuple[Event, ...]) -> None:
    sys.stdout.write(f"{task.ref}\n")
    sys.stdout.flush()


async def main(path: str, provider: str, base_url: str) -> None:
    account = Account(provider, api_key="k", base_url=base_url, requests_per_second=200, cadence=Cadence(0.2, 0.2))
    with SqliteLedger(path) as ledger:
        async with Tracker(ledger, account, on_change=told) as tracker:
            await tracker.run()


if __name__ == "__main__":
    polling.POLL_SECONDS = LEASE - 0.5  # type: ignore[misc] # a second request is not made here
    polling.Polling.lease = LEASE
    asyncio.run(main(*sys.argv[1:]))
