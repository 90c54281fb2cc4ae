from __future__ import annotations

import io
import json
import sys

import pytest

from reelway.cli.entry import carry_out
from reelway.cli.exit_codes import ExitCode
from reelway.cli.run import Run
from reelway.cli.screen import Screen, forgive_encodings, plain
from reelway.cli.shapes import as_json
from reelway.errors import ConfigurationError
from reelway.model.task import TaskRef
from reelway.operations import logger

REF = TaskRef("acme", "default", "", "t1")


@pytest.mark.parametrize("text", ["plain", "中文", "\U0001f4a1", "\x1b[31m", "\x9b", "a\nb", '"', "\ud800"])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
def test_json_survives_every_terminal(text: str, encoding: str) -> None:
    written = as_json({"text": text}, encoding)
    assert json.loads(written.encode(encoding).decode(encoding)) == {"text": text}
    assert written.isprintable()


def test_a_text_cannot_steer_the_terminal() -> None:
    assert plain("a\x1b[2J\u202eb") == "a\ufffd[2J\ufffdb"


def test_warnings_of_the_library_are_told_while_a_command_runs(capsys: pytest.CaptureFixture[str]) -> None:
    with Screen():
        logger.warning("careful")
        logger.error("very careful")
    assert capsys.readouterr().err == "warning: careful\nerror: very careful\n"
    assert logger.handlers == []


def test_a_quiet_command_tells_only_what_costs_money(capsys: pytest.CaptureFixture[str]) -> None:
    with Screen(quiet=True):
        logger.warning("careful")
        logger.error("very careful")
    assert capsys.readouterr().err == "error: very careful\n"


def test_markup_in_an_error_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().error(ConfigurationError("[bold]x[/bold]"))
    assert "[bold]x[/bold]" in capsys.readouterr().err


def broken(run: Run) -> None:
    run.steps = {"wait": []}
    run.started([REF])
    raise KeyError("inside")


def test_a_defect_names_the_task_that_was_paid_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError):
        carry_out(broken, Run(Screen()), {})
    said = capsys.readouterr().err
    assert f"Go on with: reelway wait {REF}" in said


def test_a_defect_is_json_where_json_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError):
        carry_out(broken, Run(Screen(json=True)), {})
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["type"], error["ref"], error["billed"]) == ("KeyError", str(REF), "unknown")


def test_a_command_may_be_interrupted_before_anything_was_sent(capsys: pytest.CaptureFixture[str]) -> None:
    def stop(run: Run) -> None:
        raise KeyboardInterrupt

    assert carry_out(stop, Run(Screen()), {}) is ExitCode.INTERRUPTED
    assert capsys.readouterr().err == "Interrupted.\n"


def test_a_narrow_terminal_costs_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    forgive_encodings()
    Screen().write("→")
    assert raw.getvalue().strip() == b"?"
