"""Several videos at once on two accounts: created one after another, followed together, kept as they end.

    python many_jobs.py [--sandbox] PROMPT...

Keys are read from the environment. --sandbox lets result links lead to this machine.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from reelway import Account, AsyncClient, ReelwayError, Task, Waited

ACCOUNTS = {"main": Account("cometapi"), "spare": Account("infinityblue", requests_per_second=2)}
FOLDER = Path("videos")


async def main(prompts: list[str], *, sandbox: bool) -> int:
    """Make all videos; the number of those that did not come out."""
    async with AsyncClient(ACCOUNTS, allow_private_links=sandbox) as client:
        tasks = [task async for task in created(client, prompts)]
        kept = [await keep(client, end) async for end in client.as_completed(tasks, timeout=1800)]
    return len(prompts) - kept.count(True)


async def created(client: AsyncClient, prompts: Iterable[str]) -> AsyncIterator[Task]:
    """A task for each prompt, on the accounts in turn. One that is refused stops none of the others."""
    for prompt, account in zip(prompts, itertools.cycle(ACCOUNTS)):
        try:
            task = await client.create(prompt, account=account, model="seedance-2", duration=5)
        except ReelwayError as error:
            print(f"{prompt!r} on {account}: {error}", file=sys.stderr)
        else:
            print("created", task.ref)
            yield task


async def keep(client: AsyncClient, end: Waited) -> bool:
    """Store the video of one task that has ended, or tell why there is none."""
    if end.error is not None or end.task.status != "succeeded":
        print(f"{end.task.ref} is {end.task.status}: {end.error or end.task.failure}", file=sys.stderr)
        return False
    return await stored(client, end.task)


async def stored(client: AsyncClient, task: Task) -> bool:
    """Download one result. A paid video that cannot be had now is still there later, so its reference is shown."""
    try:
        download = await client.download(task, FOLDER / f"{task.ref.account}-{task.id}.mp4")
    except ReelwayError as error:
        print(f"{task.ref}: {error}", file=sys.stderr)
        return False
    print("stored", download.path, download.size, "bytes")
    return True


if __name__ == "__main__":
    wishes = [one for one in sys.argv[1:] if one != "--sandbox"]
    sys.exit(asyncio.run(main(wishes, sandbox="--sandbox" in sys.argv)))
