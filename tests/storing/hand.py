"""Results and stores as tests hold them: filled by hand, without a provider."""

from __future__ import annotations

from typing import Any, Final

from reelway.flow.stream import ResumePoint
from reelway.model.observation import Status
from reelway.model.task import StoredResult
from reelway.sandbox.video import reel
from reelway.storing.place import OpenStore, place_of
from reelway.storing.template import Result
from reelway.testing.clock import START
from tests.acme import task

SMALL: Final = reel()


def result(task_id: str = "task-1", variant: str = "video", label: str | None = None, **facts: Any) -> Result:
    """A result of a task that has succeeded."""
    return Result(task=task(task_id, status=Status.SUCCEEDED, model="m-1", **facts), variant=variant, label=label)


def opened(to: str, whose: Result | None = None, *, overwrite: bool = False) -> OpenStore:
    """The store of a result."""
    return place_of(to).open(whose or result(), overwrite=overwrite, now=lambda: START)


def fill(store: OpenStore, content: bytes = SMALL) -> str:
    """Bring a result where it belongs, as a download would; its digest."""
    store.start(ResumePoint())
    store.append(content)
    store.suspend()
    return store.publish()


def store(to: str, whose: Result | None = None, content: bytes = SMALL, *, overwrite: bool = False) -> StoredResult:
    """Bring a result where it belongs, unless it is there already."""
    one = opened(to, whose, overwrite=overwrite)
    try:
        kept = one.kept()
        if kept is None:
            fill(one, content)
            kept = one.kept()
        assert kept is not None
        return kept
    finally:
        one.close()
