"""Each rule of the verdict is broken by its defect: what a real world was spoilt with is seen."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Final, TypeAlias

import pytest
from msgspec.structs import replace

from reelway import Client
from reelway.ledger.records import Chore
from reelway.ledger.sqlite import SqliteLedger
from reelway.model.submission import Submission, SubmissionState
from tests.faults import world as worlds
from tests.faults.plan import Kind, Order
from tests.faults.verdict import IN_THE_END, broken
from tests.faults.worker import Worker
from tests.faults.world import PROVIDER, World

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks, and no SIGKILL")

Defect: TypeAlias = Callable[[World], None]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A world without a fault: two wishes were made, followed and stored."""
    monkeypatch.setattr(worlds, "LEASE", 0.5)
    monkeypatch.setattr(worlds, "SLACK", 0.0)
    path, folder = tmp_path / "jobs.db", tmp_path / "videos"
    folder.mkdir()
    with SqliteLedger(path) as ledger, World(ledger, f"sqlite:{path}", folder, job_polls=1) as made:
        work(made, Order(Kind.SUBMIT, wishes=(0, 1)))
        made.recover()
        yield made


def work(world: World, order: Order) -> None:
    """What a process would do, in this one."""
    ear, mouth = os.pipe()
    with open(ear) as heard:  # noqa: PTH123 - it has no path
        Worker(world.setting, order, mouth).run()
        os.close(mouth)
        world.told += [line.split() for line in heard]


def execute(world: World, statement: str) -> None:
    path = world.setting.ledger.removeprefix("sqlite:")
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(statement)


def plain(world: World) -> Client:
    """Somebody who keeps no ledger."""
    return Client(world.setting.account, allow_private_links=True)


def attempt(world: World, *states: SubmissionState) -> str:
    """An attempt that came so far, of which no process told."""
    made = Submission(id="stray", provider=PROVIDER, account="default", route="", at=datetime.now(UTC))
    world.ledger.begin(made)
    for state in states:
        assert world.ledger.note(replace(made, state=state), set(SubmissionState))
    return made.id


# --- defects ---


def lose_a_task(world: World) -> None:
    execute(world, "pragma foreign_keys = on; delete from entries where number = 1")


def lose_an_event(world: World) -> None:
    world.told.append(["event", "reelway1:nobody::x", "StatusChanged", "2026-01-01T00:00:00+00:00"])


def pay_twice(world: World) -> None:
    with plain(world) as client:
        client.create(world.setting.prompt(1), model=world.setting.model)


def doubt_what_nobody_cut(world: World) -> None:
    attempt(world, SubmissionState.SENDING)


def forget_a_cut(world: World) -> None:
    name = attempt(world, SubmissionState.SENDING, SubmissionState.REJECTED)
    world.told.append(["wrote", name, SubmissionState.SENDING])


def halve_a_file(world: World) -> None:
    video = next(world.folder.glob("*.mp4"))
    video.write_bytes(video.read_bytes()[:-1])


def leave_a_manifest_alone(world: World) -> None:
    next(world.folder.glob("*.mp4")).unlink()


def hold_a_lease(world: World) -> None:
    work(world, Order(Kind.SUBMIT, wishes=(2,)))
    execute(world, "update schedule set due = 0")
    assert world.ledger.claim(1, 60.0, {(PROVIDER, "default"): inf}, [Chore.POLL])
    world.await_leases()


def leave_a_job(world: World) -> None:
    work(world, Order(Kind.SUBMIT, wishes=(2,)))


def ask_twice_at_once(world: World) -> None:
    [first, *_] = world.evidence().known
    with plain(world) as client, ThreadPoolExecutor(2) as threads:
        list(threads.map(client.retrieve, [first, first]))


def forget_a_task(world: World) -> None:
    execute(world, "delete from schedule where number = 1")


DEFECTS: Final[tuple[tuple[Defect, set[str]], ...]] = (
    (lose_a_task, {"every_create_is_known", "what_was_told_is_there"}),
    (lose_an_event, {"what_was_told_is_there"}),
    (pay_twice, {"every_create_is_known", "no_wish_is_made_twice"}),
    (doubt_what_nobody_cut, {"what_is_in_doubt_was_cut"}),
    (forget_a_cut, {"what_was_cut_is_in_doubt"}),
    (halve_a_file, {"no_file_is_half"}),
    (leave_a_manifest_alone, {"no_file_is_half", "every_job_is_stored"}),
    (hold_a_lease, {"every_lease_runs_out", "every_job_is_stored"}),
    (leave_a_job, {"every_job_is_stored"}),
    (ask_twice_at_once, {"no_job_is_asked_about_twice_at_once"}),
    (forget_a_task, {"the_ledger_is_sound"}),
)


def test_a_world_without_a_fault_breaks_no_rule(world: World) -> None:
    seen = world.evidence()
    assert len(seen.jobs) == len(seen.files) / 2 == 2
    assert {words[0] for words in seen.told} == {"begun", "writes", "wrote", "task"}
    assert broken(seen) == {}


@pytest.mark.parametrize(("defect", "rules"), DEFECTS, ids=lambda one: getattr(one, "__name__", ""))
def test_a_defect_breaks_its_rules(world: World, defect: Defect, rules: set[str]) -> None:
    defect(world)
    assert broken(world.evidence()).keys() == rules


def test_every_rule_can_be_broken() -> None:
    assert set().union(*(rules for _, rules in DEFECTS)) == {rule.__name__ for rule in IN_THE_END}
