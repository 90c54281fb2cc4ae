from __future__ import annotations

import io
import os
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace
from rich.console import Console

from reelway.cli.live import Live
from reelway.cli.screen import Screen
from reelway.cli.views import Lines, View, described, short, size_shown, view_for
from reelway.model.observation import Status
from reelway.model.task import Task, TaskRef
from tests.cli.command import at_a_terminal
from tests.cli.test_tasks import created

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REF = TaskRef("acme", "default", "", "video_0123456789abcdef")


def task(status: Status = Status.RUNNING, word: str | None = "busy", **facts: Any) -> Task:
    return replace(Task.new(REF, NOW), status=status, provider_status=word, **facts)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (task(progress=40), "running 40 % (busy)"),
        (task(word="RUNNING"), "running"),
        (task(word=None), "running"),
        (task(Status.SUCCEEDED, "ok", progress=100), "succeeded (ok)"),
        (task(Status.QUEUED, None, not_found_count=2), "queued, the id is not known there (2)"),
        (task(Status.LOST, None, not_found_count=3), "lost"),
        (task(word="\x1b[2Jbusy"), "running (\N{REPLACEMENT CHARACTER}[2Jbusy)"),
    ],
)
def test_a_state_is_described_in_both_vocabularies(given: Task, words: str) -> None:
    assert described(given) == words


@pytest.mark.parametrize(
    ("size", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (31_547, "31.5 kB"), (2_100_000, "2.1 MB"), (3_000_000_000, "3.0 GB")],
)
def test_sizes_are_shown_for_people(size: int, shown: str) -> None:
    assert size_shown(size) == shown


def test_a_long_id_keeps_both_of_its_ends() -> None:
    assert short("task_1") == "task_1"
    assert short(REF.id) == "video_…bcdef"


def test_lines_say_nothing_twice() -> None:
    said: list[str] = []
    with Lines(said.append) as view:
        view.changed(task(progress=1))
        view.changed(task(progress=1, setbacks=1))
        view.changed(task(progress=2))
    assert [line.partition(f"{REF}  ")[2] for line in said] == ["running 1 % (busy)", "running 2 % (busy)"]


class Terminal(io.StringIO):
    """A stream that takes itself for a terminal."""

    def isatty(self) -> bool:
        return True


def live(*, saves: bool = False, width: int = 80) -> tuple[Live, Terminal]:
    terminal = Terminal()
    console = Console(file=terminal, force_terminal=True, width=width, height=20, color_system=None)
    return Live(console, lambda ref: ref, saves=saves), terminal


CONTROL = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")


def last_frame(terminal: Terminal) -> str:
    return CONTROL.sub("", terminal.getvalue().split("\r")[-1])


def test_the_live_view_shows_progress_state_word_and_time() -> None:
    view, terminal = live()
    with view:
        view.asking(REF)
        view.changed(task(progress=40))
    shown = last_frame(terminal)
    for part in ("acme", "video_…bcdef", "40 %", "running (busy)", "0:00"):
        assert part in shown


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_live_view_keeps_to_one_line_for_each_task(width: int) -> None:
    view, terminal = live(width=width)
    with view:
        view.changed(task(progress=40, word="a_very_long_word_that_nobody_needs"))
        view.changed(replace(task(Status.FAILED, None), ref=replace_id("other")))
    lines = [line for line in last_frame(terminal).splitlines() if line.strip()]
    assert all(len(line) <= width for line in lines)


def replace_id(task_id: str) -> TaskRef:
    return TaskRef(REF.provider, REF.account, REF.route, task_id)


def test_the_live_view_goes_on_with_the_file() -> None:
    view, terminal = live(saves=True)
    with view:
        view.expect(REF, "acme", "creating")
        view.named(REF)
        view.changed(task(Status.SUCCEEDED, "ok", progress=100))
        view.received(REF, 50, 200)
        view.received(REF, 60, None)
        view.stopped(REF, "saved", "green")
    assert str(REF) in terminal.getvalue()
    assert "saved" in last_frame(terminal)


def test_a_link_in_a_word_is_no_markup() -> None:
    view, terminal = live()
    with view:
        view.changed(task(word="[bold]busy[/bold]"))
    assert "[bold]busy" in last_frame(terminal)


class Piped(io.StringIO):
    """A stream that leads to a file or to another program."""


KINDS = {
    # stdout, stderr, json, quiet
    "a person": (Terminal, Terminal, False, False, Live),
    "a log": (Piped, Piped, False, False, Lines),
    "a person who stores the result": (Piped, Terminal, False, False, Live),
    "a program": (Piped, Piped, True, False, View),
    "a person who looks at JSON": (Terminal, Terminal, True, False, View),
    "a person who stores the JSON": (Piped, Terminal, True, False, Live),
    "a person who wants it quiet": (Terminal, Terminal, False, True, View),
}


@pytest.mark.parametrize("case", KINDS.values(), ids=KINDS)
def test_the_view_suits_whoever_looks(
    monkeypatch: pytest.MonkeyPatch, case: tuple[type[io.StringIO], type[io.StringIO], bool, bool, type[View]]
) -> None:
    out, err, json, quiet, kind = case
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setattr("sys.stdout", out())
    monkeypatch.setattr("sys.stderr", err())
    assert type(view_for(Screen(json=json, quiet=quiet))) is kind


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr("sys.stderr", Terminal())
    assert isinstance(view_for(Screen()), Lines)


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals there")
@pytest.mark.usefixtures("keys")
def test_at_a_terminal_the_command_shows_bars() -> None:
    ref = created()
    shown = at_a_terminal("wait", ref, "--poll-every", "0.1")
    assert "━" in shown
    assert "succeeded (completed)" in shown
    assert shown.rstrip().endswith(f"{ref} succeeded (completed)")
