"""The tasks that a benchmark follows. They run already, so no answer says anything new that is not meant to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from reelway.model.http import HttpResponse
from reelway.model.lifecycle import advance
from reelway.model.task import Task, TaskRef
from reelway.provider.reading import read_retrieve
from reelway.provider.registry import Registry
from tests.benchmarks.contenders import a_provider
from tests.benchmarks.server import RUNNING

PROGRESS: Final = 5


def running(task_id: str, progress: int = PROGRESS) -> HttpResponse:
    """What a poll of it is answered."""
    return HttpResponse(status=200, body=(RUNNING % (task_id, progress)).encode())


def running_task(task_id: str) -> Task:
    """A task that has been polled once."""
    now, provider = datetime.now(UTC), Registry.installed().get(a_provider())
    created = Task.new(TaskRef(provider.info.name, "default", "", task_id), now)
    return advance(created, read_retrieve(provider, running(task_id), "", task_id), now, 1.0)[0]
