"""The live view: one bar for each task, its progress, its state and how long it takes."""

from __future__ import annotations

from collections.abc import Hashable
from types import TracebackType
from typing import Final, Self

from rich.console import Console
from rich.progress import Progress, ProgressColumn, TaskID
from rich.progress import Task as Row
from rich.progress_bar import ProgressBar
from rich.table import Column
from rich.text import Text

from reelway.cli.views import SHORT, STYLES, KeyOf, View, provider_word, short, size_shown
from reelway.model.observation import Status
from reelway.model.task import Task, TaskRef

REFRESHES: Final = 8
"""Per second; more flickers over slow lines and tells nothing new."""

NARROWEST, WIDEST = 8, 30
"""Of the bars."""

BESIDE_THE_BAR: Final = 62
"""Columns of the terminal that the rest takes. They are fixed, so that nothing jumps when a word changes."""


class Live(View):
    """Bars on a terminal, left there when the view ends.

    Where results are saved as well, a row goes on after its job's success.
    """

    def __init__(self, console: Console, key_of: KeyOf, *, saves: bool) -> None:
        self._key_of = key_of
        self._saves = saves
        self._rows: dict[Hashable, TaskID] = {}
        self._progress = Progress(
            _Field("provider", Column(no_wrap=True, overflow="ellipsis")),
            _Field("id", Column(no_wrap=True, overflow="ellipsis", min_width=SHORT)),
            _Bar(min(max(console.width - BESIDE_THE_BAR, NARROWEST), WIDEST)),
            _Field("share", Column(no_wrap=True, justify="right", min_width=5)),
            _Field("state", Column(no_wrap=True, overflow="ellipsis", min_width=22)),
            _Elapsed(Column(no_wrap=True, justify="right", min_width=5)),
            console=console,
            refresh_per_second=REFRESHES,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def expect(self, key: Hashable, provider: str, doing: str) -> None:
        self._rows[key] = self._progress.add_task(
            "",
            provider=Text(provider, style="bold"),
            id=Text(),
            share=Text(),
            state=Text(doing, style="dim"),
            style="cyan",
        )

    def asking(self, ref: TaskRef) -> None:
        self._progress.update(self._row(ref), id=_id(ref))

    def named(self, ref: TaskRef) -> None:
        self._progress.console.print(Text(str(ref)))

    def changed(self, task: Task) -> None:
        row = self._row(task.ref)
        word = "not known there" if task.not_found_count else provider_word(task)
        style = STYLES[task.status]
        self._progress.update(
            row,
            completed=task.progress or 0,
            id=_id(task.ref),
            share=_share(task.progress),
            state=Text.assemble((task.status.value, style), (f" {word}" if word else "", "dim")),
            style=style if task.final else "cyan",
        )
        if task.final and not (self._saves and task.status is Status.SUCCEEDED):
            self._progress.stop_task(row)

    def received(self, ref: TaskRef, size: int, total: int | None) -> None:
        share = size * 100 // total if total else None
        self._progress.update(
            self._row(ref),
            completed=share,
            share=_share(share),
            state=Text(f"saving {size_shown(total or size)}", style="cyan"),
            style="cyan",
        )

    def stopped(self, ref: TaskRef, word: str, style: str) -> None:
        row = self._row(ref)
        self._progress.update(row, state=Text(word, style=style), style=style)
        self._progress.stop_task(row)

    def _row(self, ref: TaskRef) -> TaskID:
        key = self._key_of(ref)
        if key not in self._rows:
            self.expect(key, ref.provider, "asking")
        return self._rows[key]


class _Field(ProgressColumn):
    """A column that shows one field of its row."""

    def __init__(self, name: str, column: Column) -> None:
        super().__init__(column)
        self._name = name

    def render(self, task: Row) -> Text:
        shown: Text = task.fields[self._name]
        return shown


class _Bar(ProgressColumn):
    """A bar in the colour of its row. One without a number stays empty: a bar that moves promises progress."""

    def __init__(self, width: int) -> None:
        super().__init__(Column(no_wrap=True))
        self._width = width

    def render(self, task: Row) -> ProgressBar:
        style = task.fields["style"]
        return ProgressBar(
            total=100, completed=task.completed, width=self._width, complete_style=style, finished_style=style
        )


class _Elapsed(ProgressColumn):
    """How long it takes, or took."""

    def render(self, task: Row) -> Text:
        minutes, seconds = divmod(int(task.elapsed or 0), 60)
        return Text(f"{minutes}:{seconds:02}", style="dim")


def _id(ref: TaskRef) -> Text:
    return Text(short(ref.id), style="dim")


def _share(percent: int | None) -> Text:
    return Text("" if percent is None else f"{percent} %")
