"""What the jobs of any engine do, on one ledger in a file."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reelway import Account, Client, ConfigurationError, InvalidRequest, Status, Task
from reelway.engines import EngineWork
from reelway.ledger.records import Query
from reelway.ledger.sqlite import SqliteLedger
from reelway.provider.interface import Cadence
from reelway.sandbox import Pace, Sandbox
from reelway.tracker import Swept, Tracker
from tests.client.both import MODELS

PROVIDER, MODEL = next(iter(MODELS.items()))
REQUEST = {"prompt": "A cat", "model": MODEL}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(pace=Pace.POLLS, job_polls=2) as sandbox:
        yield sandbox


@pytest.fixture
def account(sandbox: Sandbox) -> Account:
    return Account(PROVIDER, "k", sandbox.base_url(PROVIDER), requests_per_second=500, cadence=Cadence(0, 0))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path / 'jobs.db'}"


def kept(url: str) -> list[Task]:
    with SqliteLedger(Path(url.partition(":")[2])) as ledger:
        return [entry.task for entry in ledger.entries(Query()) if entry.task]


async def swept_to_the_end(work: EngineWork, url: str) -> int:
    done = await work.sweep(0.3)
    while not all(task.final for task in await asyncio.to_thread(kept, url)):
        done += await work.sweep(0.3)
    return done


def test_what_a_job_has_submitted_is_followed_to_its_end(sandbox: Sandbox, account: Account, url: str) -> None:
    work = EngineWork(url, account)

    async def jobs() -> tuple[str, int]:
        return await work.submit(REQUEST, "order-1"), await swept_to_the_end(work, url)

    ref, done = asyncio.run(jobs())
    assert [(str(task.ref), task.status) for task in kept(url)] == [(ref, Status.SUCCEEDED)]
    assert done == sandbox.ledger.polls == 2


def test_each_look_at_the_ledger_is_told(account: Account, url: str) -> None:
    told: list[Swept] = []
    assert asyncio.run(EngineWork(url, account, on_sweep=told.append).sweep(0.1)) == 0
    assert {one.done for one in told} == {0}


def test_all_jobs_of_a_loop_share_what_is_open_until_the_loop_ends(
    account: Account, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    closing = Tracker.aclose

    async def closed(tracker: Tracker) -> None:
        await closing(tracker)
        steps.append("closed")

    monkeypatch.setattr(Tracker, "aclose", closed)
    work = EngineWork(url, account)

    async def jobs() -> None:
        await asyncio.gather(work.open(), work.sweep(0.1), work.remind(), work.submit(REQUEST, "order-2"))
        steps.append("done")

    for _ in range(2):
        asyncio.run(jobs())
    assert steps == ["done", "closed"] * 2


def test_nothing_is_left_of_a_loop_that_has_ended(account: Account, url: str) -> None:
    work = EngineWork(url, account)
    for _ in range(3):
        asyncio.run(work.open())
    assert (work._opened, work._holders) == ({}, set())


def test_what_could_not_be_opened_is_tried_again_by_the_next_job(
    account: Account, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = EngineWork(url, PROVIDER)
    monkeypatch.delenv(f"{PROVIDER.upper()}_API_KEY", raising=False)
    monkeypatch.delenv(f"{PROVIDER.upper()}_KEY", raising=False)

    async def jobs() -> int:
        with pytest.raises(ConfigurationError, match="no key"):
            await work.sweep(0.1)
        work._accounts = account
        return await work.sweep(0.1)

    assert asyncio.run(jobs()) == 0


def test_an_open_ledger_stays_open(account: Account) -> None:
    with SqliteLedger() as ledger:
        asyncio.run(EngineWork(ledger, account).sweep(0.1))
        assert ledger.check() == []


@pytest.mark.parametrize(("provider", "name"), [("nobody", "default"), (None, "other")])
def test_a_job_for_an_account_that_is_not_there_sends_nothing(
    sandbox: Sandbox, account: Account, url: str, provider: str | None, name: str
) -> None:
    submit = EngineWork(url, account).submit(REQUEST, "order-3", provider=provider, account=name)
    with pytest.raises(ConfigurationError, match=f"There is no account '{name}'.*default of {PROVIDER}"):
        asyncio.run(submit)
    assert sandbox.ledger.creates == 0


@pytest.mark.parametrize(
    "media", [{"first_frame": "/etc/passwd"}, {"references": ["https://a.example/x.png", "y.png"]}]
)
def test_a_job_sends_no_file_of_its_worker(
    sandbox: Sandbox, account: Account, url: str, media: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequest, match=f"{next(iter(media))}: a job may be done on any machine"):
        asyncio.run(EngineWork(url, account).submit(REQUEST | media, "order-5"))
    assert sandbox.ledger.creates == 0


def test_where_there_are_several_accounts_the_job_names_its_provider(sandbox: Sandbox, url: str) -> None:
    names = list(MODELS)[:2]
    accounts = [Account(name, "k", sandbox.base_url(name)) for name in names]
    with pytest.raises(ConfigurationError, match="more than one account 'default' of any provider"):
        asyncio.run(EngineWork(url, accounts).submit(REQUEST, "order-4"))
    ref = asyncio.run(EngineWork(url, accounts).submit(REQUEST, "order-4", provider=PROVIDER))
    assert ref.startswith(f"reelway1:{PROVIDER}:")


def test_a_result_is_stored_once_by_its_reference(
    sandbox: Sandbox, account: Account, url: str, tmp_path: Path
) -> None:
    work = EngineWork(url, account, allow_private_links=True)
    with Client({"default": account}) as client:
        task = client.wait(client.create("A cat", model=MODEL))
    places = [asyncio.run(work.store(str(task.ref), f"{tmp_path}/films/")) for _ in range(2)]
    assert places == [str(tmp_path / "films" / f"{task.id}.mp4")] * 2
    assert sandbox.ledger.downloads == 1
