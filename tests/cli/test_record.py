"""`reelway record` runs another command as it would run alone, and writes down what was said."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelway.recording.sample import read_samples
from reelway.sandbox import Sandbox
from tests.cli.command import reelway

pytestmark = pytest.mark.usefixtures("keys")

CREATE = ("create", "A very secret cat", "--model", "sora-2")


@pytest.mark.parametrize("words", [CREATE, ("reelway", *CREATE)])
def test_a_command_is_recorded_and_says_what_it_always_says(
    sandbox: Sandbox, tmp_path: Path, words: tuple[str, ...]
) -> None:
    said = reelway("record", "--provider", "cometapi", "--to", "boat", "--", *words)
    assert said.code == 0
    assert said.out.startswith("reelway1:cometapi:")
    assert "1 exchanges are in boat" in said.err
    [sample] = read_samples(tmp_path / "boat")
    assert (sample.provider, sample.call, sample.response["body"]["id"]) == ("cometapi", "create", "task-1")
    assert "secret" not in (tmp_path / "boat" / "0001-create.json").read_text()
    assert sandbox.ledger.jobs == 1


def test_the_exit_code_is_that_of_the_command(sandbox: Sandbox) -> None:
    said = reelway(
        "record", "-p", "cometapi", "--to", "boat", "--", "create", "A cat [[quota]]", "--model", "sora-2"
    )
    assert said.code == 3
    assert sandbox.ledger.jobs == 0


def test_a_folder_that_holds_something_is_refused_before_anything_is_sent(sandbox: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "boat").mkdir()
    (tmp_path / "boat" / "mine.txt").write_text("")
    said = reelway("record", "-p", "cometapi", "--to", "boat", "--", *CREATE)
    assert (said.code, sandbox.ledger.creates) == (2, 0)
    assert "holds files already" in said.err


@pytest.mark.parametrize("words", [("reelway",), ("record", "--", "create")])
def test_what_is_no_other_command_is_refused(words: tuple[str, ...]) -> None:
    assert reelway("record", "-p", "cometapi", "--to", "boat", "--", *words).code == 2
