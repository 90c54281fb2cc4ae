"""The whole programs that the manual shows run as programs, and what they promise is counted at the sandbox."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reelway.sandbox import Sandbox
from tests.docs.pages import DOCS
from tests.docs.reader import environment, run_program

EXAMPLES = DOCS / "examples"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(job_seconds=0.2) as served:
        yield served


def notes(folder: Path) -> list[dict[str, Any]]:
    jobs: list[dict[str, Any]] = json.loads((folder / "jobs.json").read_text())
    return jobs


@pytest.mark.parametrize("program", sorted(EXAMPLES.glob("*.py")), ids=lambda program: program.name)
def test_each_program_is_shown_on_a_page(program: Path) -> None:
    assert any(program.read_text() in page.read_text() for page in DOCS.glob("*.md"))


def test_many_jobs_keeps_what_comes_out_and_counts_the_rest(sandbox: Sandbox, tmp_path: Path) -> None:
    wishes = ["A boat", "A kitten", "A lighthouse [[fail]]", "Rain [[reset]]"]
    variables = environment(sandbox)
    run = run_program(EXAMPLES / "many_jobs.py", "--sandbox", *wishes, folder=tmp_path, variables=variables)
    assert run.returncode == 2, run.stderr
    assert len(list((tmp_path / "videos").glob("*.mp4"))) == 2
    assert sandbox.ledger.creates == len(wishes)
    assert set(re.findall(r"reelway1:\w+:(\w+):", run.stdout)) == {"main", "spare"}


def test_resume_later_finishes_in_another_process_what_one_has_created(sandbox: Sandbox, tmp_path: Path) -> None:
    program, variables = EXAMPLES / "resume_later.py", environment(sandbox)
    wishes = ["A boat", "Rain [[reset]]", "A lighthouse [[fail]]", "Nothing [[invalid]]"]
    first = run_program(program, "create", *wishes, folder=tmp_path, variables=variables)
    assert first.returncode == 0, first.stderr
    assert [job["state"] for job in notes(tmp_path)] == ["created", "unknown", "created", "refused"]

    for _ in range(2):
        later = run_program(program, "finish", "--sandbox", folder=tmp_path, variables=variables)
        assert later.returncode == 0, later.stderr
        assert [job["state"] for job in notes(tmp_path)] == ["stored", "unknown", "failed", "refused"]
        assert "look into the provider's list of tasks" in later.stdout
    assert Path(tmp_path, notes(tmp_path)[0]["file"]).exists()
    assert sandbox.ledger.creates == len(wishes)
    assert sandbox.ledger.downloads == 1
