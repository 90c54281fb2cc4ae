"""From a task to its stored result: how a client and a tracker fetch alike."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from math import inf

from reelway.account import OpenAccount
from reelway.errors import DownloadError
from reelway.flow.effects import Flow
from reelway.flow.fetch import Fetched, fetch
from reelway.flow.follow import retrieve
from reelway.flow.stream import DEFAULT_LIMIT, FetchPlan
from reelway.model.observation import Status
from reelway.model.task import Task
from reelway.provider.interface import Provider
from reelway.storing.place import OpenStore

Opened = Callable[[Task], OpenStore]
"""Opens the store of a task's result."""


def fetch_plan(
    account: OpenAccount,
    *,
    draw: Callable[[], float],
    progress: Callable[[int, int | None], None] | None = None,
    variant: str = "video",
    limit: int = DEFAULT_LIMIT,
    timeout: float = inf,
    known_since: float | None = None,
) -> FetchPlan:
    """How a result of one account is fetched."""
    return FetchPlan(
        base_url=account.endpoint.base_url,
        own=account.endpoint.owns,
        draw=draw,
        progress=progress or (lambda received, total: None),
        variant=variant,
        limit=limit,
        timeout=timeout,
        known_since=known_since,
    )


def downloaded(provider: Provider, task: Task, opened: Opened, plan: FetchPlan) -> Flow[Fetched]:
    """Bring the result of a task where it belongs; asks first how the task stands, unless that is known.

    Raises:
        ConfigurationError: something else is there.
        DownloadError: it could not be fetched whole, or there is nothing to fetch.
    """
    if task.status is not Status.SUCCEEDED:
        task = yield from retrieve(provider, task, min(plan.poll_timeout, plan.timeout), plan.known_since)
    if task.status is not Status.SUCCEEDED:
        message = f"{task.ref} is {task.status}; there is nothing to download."
        hint = "It has ended, and will have no video." if task.final else "Wait until the task has succeeded."
        raise DownloadError(message, task=task, hint=hint)
    # Only now: what is known of the task may be part of its result's name.
    with closing(opened(task)) as store:
        return (yield from fetch(provider, task, store, plan))
