"""What operations give back beyond a task: a download, the end of a wait, and the error that a bad end is."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

from reelway.errors import Billed, ReelwayError, TaskCancelled, TaskExpired, TaskFailed, TaskLost
from reelway.flow.fetch import Fetched
from reelway.model.observation import Failure, Status
from reelway.model.task import Task
from reelway.provider.reading import one_line
from reelway.storing.place import is_url
from reelway.transport.stepping import Outcome

logger: Final = logging.getLogger("reelway")


class Download(Struct, frozen=True, kw_only=True):
    """A result that is whole and where it belongs.

    Attributes:
        task: the task, its artifact ``stored``.
        location: the file's path, as it was named, or the object's URL.
        size: its length in bytes.
        sha256: its digest, in hexadecimal.
    """

    task: Task
    location: str
    size: int
    sha256: str

    @property
    def path(self) -> Path:
        """The file.

        Raises:
            ValueError: the result is no file but an object; ``location`` tells where.
        """
        if is_url(self.location):
            raise ValueError(f"The result is no file; it is stored at {self.location}.")
        return Path(self.location)


class Waited(Struct, frozen=True, kw_only=True):
    """How one of several waits ended: with a final task, or with an error that ended the wait only."""

    task: Task
    error: ReelwayError | None = None


def download_of(fetched: Fetched) -> Download:
    """The download that a fetch has become."""
    result, path = fetched.result, fetched.path
    location = result.location if path is None else str(path)
    return Download(task=fetched.task, location=location, size=result.size, sha256=result.sha256)


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


WORD_LENGTH: Final = 80
REASON_LENGTH: Final = 500
"""How much of what a provider wrote an error shows; ``task.failure`` holds it all."""


@contextmanager
def holding(task: Task) -> Iterator[None]:
    """See that a paid task is not lost with what ends the work on it: an error, Ctrl-C or a cancellation."""
    try:
        yield
    except BaseException as error:
        if isinstance(error, ReelwayError):
            _hold(error, task)
        # A job that has ended badly does not go on; its error says what to do.
        if not isinstance(error, TaskFailed):
            where_to_go_on = f"{task.ref} goes on at the provider; wait again with this reference."
            error.add_note(where_to_go_on)
            logger.warning("%s", where_to_go_on)
        raise


def _hold(error: ReelwayError, task: Task) -> None:
    """Give the task to an error that has none, and let nobody who trusts the error pay a second time."""
    # What an error of a bad end says about money is about this very task, so it stays.
    if error.task is None or not isinstance(error, TaskFailed):
        error.resubmit_safe = False
    if not isinstance(error, TaskFailed):
        error.billed = Billed.YES
    error.task = error.task or task


def settle(task: Task, *, raise_on_failure: bool) -> Task:
    """Hand out a final task, or raise for a bad end."""
    error = BAD_ENDS.get(task.status)
    if error is None or not raise_on_failure:
        return task
    raise error(_bad_end(task), task=task)


def _bad_end(task: Task) -> str:
    if task.status is Status.LOST:
        return f"{task.ref} is lost: its provider does not know it."
    word = f" ({one_line(task.provider_status, WORD_LENGTH)})" if task.provider_status else ""
    failure = task.failure or Failure()
    reason = ": ".join(one_line(part, REASON_LENGTH) for part in (failure.code, failure.message) if part)
    if not reason:
        return f"{task.ref} ended as {task.status}{word}; the provider gave no reason."
    return f"{task.ref} ended as {task.status}{word}: {reason.rstrip('.')}."
