"""What operations give back beyond a task: a download, the end of a wait, and the error that a bad end is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from reelway.errors import ReelwayError, TaskCancelled, TaskExpired, TaskFailed, TaskLost
from reelway.flow.fetch import Fetched
from reelway.model.observation import Status
from reelway.model.task import Task
from reelway.transport.drivers import Outcome


class Download(Struct, frozen=True, kw_only=True):
    """A result that is whole and on disk.

    Attributes:
        task: the task, its artifact ``stored``.
        path: the file.
        size: its length in bytes.
        sha256: its digest, in hexadecimal.
    """

    task: Task
    path: Path
    size: int
    sha256: str


class Waited(Struct, frozen=True, kw_only=True):
    """How one of several waits ended: with a final task, or with an error that ended the wait only."""

    task: Task
    error: ReelwayError | None = None


def download_of(fetched: Fetched, path: Path) -> Download:
    """The download that a fetch has become."""
    return Download(task=fetched.task, path=path, size=fetched.size, sha256=fetched.sha256)


def waited(held: Task, outcome: Outcome[Task]) -> Waited:
    """How a wait ended. An error that is none of ours is a defect and is raised."""
    error = outcome.error
    if outcome.value is not None:
        return Waited(task=outcome.value)
    if not isinstance(error, ReelwayError):
        raise error or RuntimeError("the wait ended without an outcome")
    return Waited(task=error.task or held, error=error)


BAD_ENDS: Final[Mapping[Status, type[TaskFailed]]] = {
    Status.FAILED: TaskFailed,
    Status.CANCELLED: TaskCancelled,
    Status.EXPIRED: TaskExpired,
    Status.LOST: TaskLost,
}


def settle(task: Task, *, raise_on_failure: bool) -> Task:
    """Hand out a final task, or raise for a bad end."""
    error = BAD_ENDS.get(task.status)
    if error is None or not raise_on_failure:
        return task
    raise error(_bad_end(task), task=task)


def _bad_end(task: Task) -> str:
    word = f" ({task.provider_status})" if task.provider_status else ""
    failure = task.failure
    if failure is None or not (failure.code or failure.message):
        return f"{task.ref} ended as {task.status}{word}; the provider gave no reason."
    reason = ": ".join(part for part in (failure.code, failure.message) if part)
    return f"{task.ref} ended as {task.status}{word}: {reason}."


UNSAFE_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]+")


def target_path(task: Task, to: str | Path | None) -> Path:
    """The file to store a result in; a folder, or nothing, gets a name made from the id."""
    name = UNSAFE_IN_NAMES.sub("_", task.id).strip(".")[:120] or "video"
    if to is None:
        return Path(f"{name}.mp4")
    path = Path(to)
    is_folder = path.is_dir() or str(to).endswith(("/", "\\"))
    return path / f"{name}.mp4" if is_folder else path
