"""How a wait is shown: as a live view to a person at a terminal, as plain lines to a log, or not at all."""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, TypeAlias

from reelway.cli.screen import Screen, plain
from reelway.model.lifecycle import Event, ResultStored
from reelway.model.observation import Status
from reelway.model.task import Task, TaskRef
from reelway.provider.words import fold

KeyOf: TypeAlias = Callable[[TaskRef], Hashable]
"""What the rows of a view stand for: usually a task, and a provider where its task does not exist yet."""


class View:
    """Shows nothing. The base of the views that do. A context manager."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def on_change(self, task: Task, events: tuple[Event, ...]) -> None:
        """What clients call when a task has changed."""
        self.changed(task)

    def expect(self, key: Hashable, provider: str, doing: str) -> None:
        """Something is about to happen at a provider; there is no task yet."""

    def asking(self, ref: TaskRef) -> None:
        """A task is followed of which nothing is known yet."""

    def named(self, ref: TaskRef) -> None:
        """A new task has its reference, and whoever watches should have it whole."""

    def changed(self, task: Task) -> None:
        """A task has changed."""

    def received(self, ref: TaskRef, size: int, total: int | None) -> None:
        """Bytes of a result have arrived."""

    def stopped(self, ref: TaskRef, word: str, style: str) -> None:
        """Nothing more will happen to a task, for a reason that is no state of its own."""


class Lines(View):
    """One plain line for each change, on stderr or wherever ``write`` leads."""

    def __init__(self, write: Callable[[str], None] | None = None) -> None:
        self._write = write or _to_stderr
        self._last: dict[TaskRef, str] = {}

    def stored(self, event: ResultStored) -> None:
        """A result is stored, where nothing else says so."""
        self._write(f"{_clock()}  {event.ref}  stored as {plain(event.location)}, {size_shown(event.size)}")

    def changed(self, task: Task) -> None:
        said = described(task)
        if self._last.get(task.ref) != said:
            self._last[task.ref] = said
            self._write(f"{_clock()}  {task.ref}  {said}")


def view_for(screen: Screen, key_of: KeyOf = lambda ref: ref, *, saves: bool = False) -> View:
    """The view that suits whoever is looking."""
    watched = screen.console.is_terminal and not screen.console.is_dumb_terminal
    # JSON is for a program. Where it goes to a file, a person at the terminal may watch all the same.
    if screen.quiet or (screen.json and (sys.stdout.isatty() or not watched)):
        return View()
    if not watched:
        return Lines()
    from reelway.cli.live import Live

    return Live(screen.console, key_of, saves=saves)


def described(task: Task) -> str:
    """A task's state in a few words: the canonical status, the progress, the provider's own word."""
    if task.not_found_count and not task.final:
        return f"{task.status.value}, the id is not known there ({task.not_found_count})"
    progress = f"{task.progress} %" if task.progress is not None and not task.final else None
    return " ".join(filter(None, (task.status.value, progress, provider_word(task))))


def provider_word(task: Task) -> str | None:
    """The provider's own word in brackets, where it differs from ours."""
    word = task.provider_status
    if word is None or fold(word) == task.status.value:
        return None
    return f"({plain(word)})"


SHORT = 12
"""The width of an id in a table."""


def short(task_id: str) -> str:
    """An id of any length in that width: its beginning tells the kind, its end tells it from others."""
    return plain(task_id if len(task_id) <= SHORT else f"{task_id[:6]}…{task_id[-5:]}")


STYLES = {
    Status.QUEUED: "dim",
    Status.RUNNING: "cyan",
    Status.SUCCEEDED: "green",
    Status.FAILED: "red",
    Status.CANCELLED: "yellow",
    Status.EXPIRED: "yellow",
    Status.LOST: "red",
}
"""The colour of each status."""


def size_shown(size: int) -> str:
    """A number of bytes for people."""
    value = float(size)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def _clock() -> str:
    return datetime.now(UTC).astimezone().strftime("%H:%M:%S")


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
