"""``reelway track --engine procrastinate``."""

from __future__ import annotations

import os
from pathlib import Path

import psycopg
import pytest
from procrastinate.schema import SchemaManager

from reelway import Client
from reelway.ledger.records import Query
from reelway.model.task import Artifact
from reelway.sandbox import Sandbox
from reelway_postgres import PostgresLedger
from tests.cli.command import finished, reelway, started, until
from tests.postgres_server import Server
from tests.repository.source import ROOT

pytestmark = pytest.mark.skipif(os.name == "nt", reason="a process cannot be asked to end there")

ENGINE = ("--engine", "procrastinate")


@pytest.fixture(autouse=True)
def _elsewhere(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMETAPI_KEY", "sandbox")
    monkeypatch.setenv("COMETAPI_BASE_URL", sandbox.base_url("cometapi"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def test_jobs_are_followed_and_stored_until_it_is_asked_to_stop(url: str, tmp_path: Path) -> None:
    with Client("cometapi") as client, PostgresLedger(url) as ledger:
        task = client.create("A cat", model="seedance-2")
        ledger.track(task)
        options = ("--provider", "cometapi", "--poll-every", "0.1", "--to", "films/", "--allow-private-links")
        process = started("track", *ENGINE, "--ledger", url, *options, "--alive", "alive", "--json")
        until(lambda: [entry.task.artifact for entry in ledger.entries(Query()) if entry.task] == [Artifact.STORED])
        alive = (tmp_path / "alive").stat().st_mtime_ns
        until(lambda: (tmp_path / "alive").stat().st_mtime_ns > alive)
        process.terminate()
        ended = finished(process)
    assert (ended.code, ended.err) == (0, "")
    assert {record["ref"] for record in ended.records} == {str(task.ref)}
    assert (tmp_path / "films" / f"{task.id}.mp4").exists()


def test_the_tables_of_the_engine_are_made_once_however_often_it_starts(url: str) -> None:
    both = [started("track", *ENGINE, "--ledger", url, "-p", "cometapi", "--alive", f"alive-{n}") for n in range(2)]
    for number in range(2):
        alive = Path(f"alive-{number}")
        until(alive.exists)
        before = alive.stat().st_mtime_ns
        until(lambda alive=alive, before=before: alive.stat().st_mtime_ns > before)
    for process in both:
        process.terminate()
        ended = finished(process)
        assert ended.code == 0
        assert "as jobs of procrastinate until Ctrl-C" in ended.err


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ((), "--ledger"),
        (("--ledger", "sqlite:jobs.db"), "postgresql://"),
        (("--ledger", "postgresql://127.0.0.1:1/jobs", "--once"), "--once"),
        (("--ledger", "postgresql://127.0.0.1:1/jobs", "--engine", "celeri"), "plugins"),
    ],
)
def test_what_an_engine_cannot_work_with_is_told_at_once(options: tuple[str, ...], says: str) -> None:
    said = reelway("track", *ENGINE, *options, "-p", "cometapi", "--json")
    assert said.code == 2
    assert says in said.error["hint"]


def test_a_place_for_one_result_only_is_told_at_once(url: str) -> None:
    said = reelway("track", *ENGINE, "--ledger", url, "-p", "cometapi", "--to", "boat.mp4")
    assert said.code == 2
    assert "{id}" in said.err


def test_a_server_that_is_not_there_is_told_and_its_password_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELWAY_LEDGER", "postgresql://me:CANARY@127.0.0.1:1/jobs")
    said = reelway("track", *ENGINE, "-p", "cometapi")
    assert said.code != 0
    assert "cannot be reached" in said.err
    assert "CANARY" not in said.err + said.out


def test_shards_without_an_engine_are_a_mistake() -> None:
    said = reelway("track", "--shards", "3", "-p", "cometapi", "--json")
    assert (said.code, "--engine" in said.error["hint"]) == (2, True)


def test_jobs_that_failed_are_found_and_taken_away_as_the_page_says(server: Server) -> None:
    page = (ROOT / "docs" / "engines.md").read_text(encoding="utf-8")
    first, look, take_away = page.partition("```sql\n")[2].partition("```")[0].splitlines()
    schema = first.removeprefix("set search_path = ").rstrip(";")
    with psycopg.connect(server.url(), autocommit=True) as database:
        database.execute(f"create schema {schema}".encode())
        database.execute(first.encode())
        database.execute(SchemaManager.get_schema().encode())
        for name in ("reelway:submit", "shop:mail"):
            database.execute(
                "insert into procrastinate_jobs (queue_name, task_name, status, args, priority)"
                " values ('any', %s, 'failed', '{}', 0)",
                [name],
            )
        assert len(database.execute(look.encode()).fetchall()) == 2
        database.execute(take_away.encode())
        assert [row[1] for row in database.execute(look.encode())] == ["shop:mail"]
        database.execute(f"drop schema {schema} cascade".encode())
