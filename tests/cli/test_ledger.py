"""`ledger`: what is read out, forgotten and found wrong."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from reelway.cli.state import default_file
from reelway.ledger.records import Callback, Query
from reelway.ledger.sqlite import SqliteLedger
from reelway.testing.ledgers.kit import NOW, change_of, end, failed, new_attempt, new_task, succeeded, task_of
from tests.cli.command import reelway

URL = "sqlite:jobs.db"
"""In the folder of the test."""


@pytest.fixture
def link() -> str:
    """The link of a result in a ledger that holds a bit of everything."""
    with SqliteLedger("jobs.db") as ledger:
        attempt = new_attempt(label="line\nbreak \ud800", metadata={"big": 2**70}, response=b"raw answer")
        ledger.begin(attempt)
        entry = ledger.accept(attempt, succeeded(new_task()), due_in=0)
        ledger.save([change_of(entry, None, end(task_of(entry)))])
        ledger.keep([Callback(number=entry.number, received_at=NOW, body=b"callback body")])
        ledger.track(failed(new_task()))
        return task_of(entry).videos[0].url.reveal()


def test_everything_is_read_out_as_lines_of_json(link: str) -> None:
    said = reelway("ledger", "export", "--ledger", URL, "--with-links")
    assert said.code == 0
    assert [line["kind"] for line in said.records] == ["entry", "callback", "entry", "event"]
    first = said.records[0]
    assert first["submission"]["label"] == "line\nbreak \ud800"
    assert first["submission"]["metadata"] == {"big": 2**70}
    assert first["task"]["videos"][0]["url"] == link
    assert {"size", "sha256", "base64"} == first["submission"]["response"].keys() == said.records[1]["body"].keys()


def test_links_are_read_out_only_where_they_are_asked_for(link: str) -> None:
    said = reelway("ledger", "export", "--ledger", URL)
    assert said.code == 0
    assert len(said.records) == 4
    assert link not in said.out
    assert "SECRET" not in said.out
    assert "base64" not in said.out


@pytest.mark.usefixtures("link")
def test_old_jobs_with_which_nothing_is_left_to_do_are_forgotten() -> None:
    with SqliteLedger("jobs.db") as ledger:
        kept = ledger.track(replace(failed(new_task()), submitted_at=datetime.now(UTC) - timedelta(days=1)))
    said = reelway("ledger", "prune", "--ledger", URL, "--older-than", "2", "--json")
    assert (said.code, said.record) == (0, {"ledger": URL, "forgotten": 1})
    with SqliteLedger("jobs.db") as ledger:
        left = [entry.number for entry in ledger.entries(Query())]
    assert (kept.number in left, len(left)) == (True, 2)
    assert reelway("ledger", "prune", "--ledger", URL, "--older-than", "2").out == "0 jobs are forgotten.\n"


def test_what_was_never_stored_is_forgotten_on_request() -> None:
    with SqliteLedger("jobs.db") as ledger:
        ledger.track(succeeded(new_task()))
    prune = ("ledger", "prune", "--ledger", URL, "--older-than", "2", "--json")
    assert [reelway(*prune, *option).record["forgotten"] for option in ((), ("--unstored",))] == [0, 1]


@pytest.mark.parametrize("days", [[], ["--older-than", "-1"], ["--older-than", "soon"], ["--older-than", "1e9"]])
def test_nothing_is_forgotten_by_mistake(days: list[str]) -> None:
    assert reelway("ledger", "prune", "--ledger", URL, *days).code == 2


@pytest.mark.usefixtures("link")
def test_a_ledger_that_is_well_is_said_to_be_well() -> None:
    said = reelway("ledger", "check", "--ledger", URL)
    assert (said.code, said.out) == (0, f"{URL} is well.\n")
    assert reelway("ledger", "check", "--ledger", URL, "--json").record == {"ledger": URL, "problems": []}


@pytest.mark.usefixtures("link")
def test_what_is_wrong_with_a_ledger_is_told() -> None:
    with closing(sqlite3.connect("jobs.db", isolation_level=None)) as database:
        database.execute("update entries set task = x'7b' where number = 1")
    said = reelway("ledger", "check", "--ledger", URL)
    assert said.code == 10
    assert said.out.startswith("entry 1: ")
    assert "Keep a copy" in said.err
    told = reelway("ledger", "check", "--ledger", URL, "--json")
    assert (told.code, len(told.record["problems"])) == (10, 1)
    rest = reelway("ledger", "export", "--ledger", URL)
    assert rest.code == 10
    assert 1 not in [line["number"] for line in map(json.loads, rest.out.splitlines()) if line["kind"] == "entry"]
    assert "Entry 1 is passed over" in rest.err
    assert "reelway ledger check" in rest.err


@pytest.mark.parametrize("command", [["export"], ["prune", "--older-than", "1"], ["check"]])
def test_a_ledger_that_cannot_be_used_is_told_of(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("to do: buy milk\n" * 100)
    said = reelway("ledger", *command, "--ledger", "sqlite:notes.txt", "--json")
    assert said.code == 10
    assert said.error["type"] == "LedgerError"
    nowhere = reelway("ledger", *command, "--ledger", "none", "--json")
    assert (nowhere.code, nowhere.error["type"]) == (2, "ConfigurationError")
    assert "--ledger" in nowhere.error["hint"]


def test_a_ledger_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    said = reelway("ledger", "check", "--ledger", "sqlite:job.db")
    assert (said.code, said.out) == (2, "")
    assert "There is no ledger sqlite:job.db" in said.err
    assert list(tmp_path.iterdir()) == []


def test_without_a_name_it_is_the_users_own_ledger() -> None:
    said = reelway("ledger", "check")
    assert said.code == 2
    assert f"There is no ledger sqlite:{default_file()}" in said.err
    default_file().parent.mkdir(parents=True)
    SqliteLedger(default_file()).close()
    assert reelway("ledger", "check").code == 0


@pytest.mark.usefixtures("link")
def test_the_ledger_may_be_named_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELWAY_LEDGER", URL)
    assert json.loads(reelway("ledger", "check", "--json").out)["problems"] == []


@pytest.mark.parametrize("url", ["postgresql://me:CANARY@db/jobs", "postgresql://me@db/jobs?password=CANARY"])
@pytest.mark.parametrize("command", [("list",), ("ledger", "check"), ("adopt", "a", "b")])
def test_no_command_takes_a_password_of_a_ledger_as_an_option(command: tuple[str, ...], url: str) -> None:
    said = reelway(*command, "--ledger", url, "--json")
    assert said.code == 2
    assert "REELWAY_LEDGER" in said.error["hint"]
    assert "CANARY" not in said.out + said.err
