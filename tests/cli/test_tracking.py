from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from reelway import Status, TaskRef
from reelway.ledger.records import Entry, Query
from reelway.ledger.sqlite import SqliteLedger
from reelway.model.task import Artifact, Task
from reelway.sandbox import Sandbox
from reelway.testing.clock import START
from reelway.tracker.rounds import STOP_SECONDS
from tests.cli.command import finished, reelway, started, until
from tests.cli.conftest import PROVIDERS
from tests.cli.test_tasks import created

pytestmark = [
    pytest.mark.usefixtures("keys"),
    pytest.mark.skipif(os.name == "nt", reason="a process cannot be asked to end there"),
]

LEDGER = ("--ledger", "sqlite:jobs.db")
QUICK = ("--poll-every", "0.1")


def remembered(*refs: str) -> None:
    with SqliteLedger("jobs.db") as ledger:
        for ref in refs:
            ledger.track(Task.new(TaskRef.parse(ref), START))


def statuses() -> list[Status]:
    with SqliteLedger("jobs.db") as ledger:
        return [entry.task.status for entry in ledger.entries(Query()) if entry.task]


@pytest.mark.parametrize("ends_it", [signal.SIGTERM, signal.SIGINT])
def test_tasks_are_followed_to_their_ends_until_it_is_asked_to_stop(ends_it: signal.Signals) -> None:
    refs = [created(), created("A dog", "--provider", "infinityblue", "--model", "seedance-2")]
    remembered(*refs)
    process = started("track", *LEDGER, *QUICK)
    until(lambda: statuses() == [Status.SUCCEEDED] * 2)
    process.send_signal(ends_it)
    ended = finished(process)
    assert ended.code == 0
    last = {line.split()[1]: line for line in ended.out.splitlines()}
    assert {ref: "succeeded" in line for ref, line in last.items()} == dict.fromkeys(refs, True)
    assert "Following the open tasks of" in ended.err


def test_events_as_json_are_a_line_each() -> None:
    ref = created()
    remembered(ref)
    process = started("track", *LEDGER, *QUICK, "--json")
    until(lambda: statuses() == [Status.SUCCEEDED])
    process.terminate()
    ended = finished(process)
    assert (ended.code, ended.err) == (0, "")
    assert {record["ref"] for record in ended.records} == {ref}
    changes = [record["event"] for record in ended.records if record["event"]["type"] == "StatusChanged"]
    assert changes[-1]["after"] == "succeeded"
    assert ended.records[-1]["terminal"]
    assert "sig" not in ended.out


def test_once_asks_about_each_task_that_is_due_and_stops(sandbox: Sandbox) -> None:
    refs = [created("[[stuck]]"), created("[[stuck]]")]
    remembered(*refs)
    said = reelway("track", *LEDGER, "--once")
    assert (said.code, len(said.out.splitlines())) == (0, 2)
    assert "Tasks that had their turn: 2. The next one can have it in" in said.err
    assert [task.polls for task in sandbox.ledger.tasks] == [1, 1]
    assert "had their turn: 0." in reelway("track", *LEDGER, "--once").err
    assert (
        reelway("track", "--ledger", "sqlite:new.db", "--once").err
        == "Tasks that had their turn: 0. No other waits.\n"
    )


def test_only_the_providers_that_were_named_are_asked(sandbox: Sandbox) -> None:
    refs = [created(), created("A dog", "--provider", "infinityblue", "--model", "seedance-2")]
    remembered(*refs)
    said = reelway("track", *LEDGER, "--once", "--provider", "infinityblue")
    assert said.code == 0
    assert [(task.provider, task.polls) for task in sandbox.ledger.tasks] == [("cometapi", 0), ("infinityblue", 1)]
    assert "warning: 1 open tasks of the account 'default' of 'cometapi' stay" in said.err


def test_a_sign_of_life_is_given_with_each_look_at_the_ledger(tmp_path: Path) -> None:
    file = tmp_path / "alive"
    process = started("track", *LEDGER, "--alive", str(file))
    until(file.exists)
    before = file.stat().st_mtime_ns
    until(lambda: file.stat().st_mtime_ns > before)
    process.terminate()
    assert finished(process).code == 0


def test_a_sign_of_life_that_cannot_be_given_is_told_at_once(tmp_path: Path) -> None:
    said = reelway("track", *LEDGER, "--alive", str(tmp_path / "nowhere" / "alive"))
    assert said.code == 2
    assert "cannot be touched" in said.err


def test_without_a_ledger_there_is_nothing_to_follow() -> None:
    said = reelway("track", "--ledger", "none", "--json")
    assert said.code == 2
    assert "--ledger none" in said.error["hint"]


def test_the_ledger_may_be_named_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    remembered(created())
    monkeypatch.setenv("REELWAY_LEDGER", "sqlite:jobs.db")
    assert len(reelway("track", "--once").out.splitlines()) == 1


def test_without_a_key_there_is_nobody_to_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in PROVIDERS:
        monkeypatch.delenv(provider.info.key_variable)
    said = reelway("track", *LEDGER, "--once", "--json")
    assert said.code == 2
    assert "COMETAPI_KEY" in said.error["hint"]


def test_results_are_stored_where_to_says(tmp_path: Path) -> None:
    refs = [created(), created("A dog", "--provider", "infinityblue", "--model", "seedance-2")]
    remembered(*refs)
    process = started("track", *LEDGER, *QUICK, "--to", "films/{provider}.{id}.mp4", "--allow-private-links")
    until(lambda: [entry.task.artifact for entry in entries() if entry.task] == [Artifact.STORED] * 2)
    process.terminate()
    assert finished(process).code == 0
    stored = [result for entry in entries() for result in entry.results]
    assert [Path(one.location).stat().st_size for one in stored] == [one.size for one in stored]
    assert len(list((tmp_path / "films").glob("*.mp4.json"))) == 2


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_what_is_stored_is_a_line(options: tuple[str, ...], tmp_path: Path) -> None:
    ref = created()
    remembered(ref)
    place = ("--to", "films/{id}.mp4", "--allow-private-links")
    process = started("track", *LEDGER, *QUICK, *place, *options)
    until(lambda: [entry.task.artifact for entry in entries() if entry.task] == [Artifact.STORED])
    process.terminate()
    ended = finished(process)
    [[stored]] = [entry.results for entry in entries()]
    if options:
        [told] = [record for record in ended.records if record["event"]["type"] == "ResultStored"]
        assert (told["ref"], told["artifact"]) == (ref, "stored")
        facts = ("variant", "location", "size", "sha256")
        assert [told["event"][name] for name in facts] == [getattr(stored, name) for name in facts]
    else:
        assert f"{ref}  stored as {stored.location}, " in ended.out


def entries() -> list[Entry]:
    with SqliteLedger("jobs.db") as ledger:
        return ledger.entries(Query())


def test_a_place_for_one_result_only_is_no_place_to_track_to() -> None:
    said = reelway("track", *LEDGER, "--to", "boat.mp4")
    assert said.code == 2
    assert "{id}" in said.err


def test_an_account_is_polled_no_faster_than_it_is_said() -> None:
    remembered(*(created() for _ in range(3)))
    once = ("track", *LEDGER, *QUICK, "--once")
    assert len(reelway(*once, "--requests-per-second", "0.01").out.splitlines()) == 1
    assert reelway(*once, "--requests-per-second", "0").code == 2


def test_once_stops_as_soon_as_it_is_asked_to(sandbox: Sandbox) -> None:
    remembered(created("A cat. [[retrieve/silence]]"))
    process = started("track", *LEDGER, *QUICK, "--once")
    until(lambda: sandbox.ledger.polls > 0)
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert finished(process).code == 0
    assert time.monotonic() - begun < STOP_SECONDS + 5


def test_a_sign_of_life_that_can_no_longer_be_given_ends_nothing(tmp_path: Path) -> None:
    alive = tmp_path / "signs" / "alive"
    alive.parent.mkdir()
    ref = created()
    remembered(ref)
    process = started("track", *LEDGER, *QUICK, "--alive", str(alive))
    until(alive.exists)
    shutil.rmtree(alive.parent)
    until(lambda: statuses() == [Status.SUCCEEDED])
    process.terminate()
    ended = finished(process)
    assert ended.code == 0
    assert ended.err.count("cannot be touched any more") == 1
