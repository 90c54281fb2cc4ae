"""The jobs as Procrastinate does them, with its jobs in memory."""

from __future__ import annotations

import asyncio
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from procrastinate import App, RetryDecision
from procrastinate.jobs import Job
from procrastinate.testing import InMemoryConnector

import reelway_procrastinate
from reelway import Account, Client, ConfigurationError, ErrorKind, LedgerError, SubmissionRejected
from reelway.engines import EngineWork
from reelway.provider.interface import Cadence
from reelway.sandbox import Sandbox
from reelway_procrastinate import blueprint, jobs_app
from reelway_procrastinate.engine import AT_ONCE, _ways
from reelway_procrastinate.jobs import MOST_TRIES, MOST_WAIT, Again

REQUEST = {"prompt": "A cat", "model": "seedance-2"}


@pytest.fixture
def ledger(tmp_path: Path) -> str:
    return f"sqlite:{tmp_path / 'jobs.db'}"


@pytest.fixture
def work(sandbox: Sandbox, ledger: str) -> EngineWork:
    account = Account("cometapi", "k", sandbox.base_url("cometapi"), cadence=Cadence(0, 0), requests_per_second=500)
    return EngineWork(ledger, account, allow_private_links=True)


@pytest.fixture
def app(work: EngineWork) -> App:
    app = App(connector=InMemoryConnector())
    app.add_tasks_from(blueprint(work, shards=3), namespace="reelway")
    return app


def jobs_after(app: App, name: str = "", **arguments: Any) -> list[dict[str, Any]]:
    """Hand a job in, and have a worker do what there is; the jobs then, but for those that come by themselves."""

    async def done() -> None:
        async with app.open_async():
            if name:
                await app.configure_task(name).defer_async(**arguments)
            await app.run_worker_async(queues=["reelway"], wait=False, install_signal_handlers=False)

    asyncio.run(done())
    assert isinstance(app.connector, InMemoryConnector)
    own = {"reelway:submit", "reelway:store"}
    return [job for job in app.connector.jobs.values() if job["task_name"] in own]


def test_a_job_is_found_by_its_name_and_its_queue(app: App) -> None:
    queues = {name: task.queue for name, task in app.tasks.items() if name.startswith("reelway:")}
    sweeps = dict.fromkeys(("reelway:sweep", "reelway:recover"), "reelway_sweeps")
    assert queues == sweeps | dict.fromkeys(("reelway:submit", "reelway:store"), "reelway")


def test_there_is_a_tick_for_each_shard_and_no_second_one_waits_behind_it(app: App) -> None:
    ticks = [one for one in app.periodic_registry.periodic_tasks.values() if one.task.name == "reelway:sweep"]
    locks = [tick.configure_kwargs["queueing_lock"] for tick in ticks]
    assert locks == ["reelway:sweep:0", "reelway:sweep:1", "reelway:sweep:2"]
    assert {tick.configure_kwargs.get("lock") for tick in ticks} == {None}


def test_a_submit_that_is_handed_in_twice_creates_once(app: App, sandbox: Sandbox) -> None:
    for _ in range(2):
        jobs = jobs_after(app, "reelway:submit", request=REQUEST, idempotency_key="order-1")
    assert [job["status"] for job in jobs] == ["succeeded", "succeeded"]
    assert (sandbox.ledger.creates, sandbox.ledger.jobs) == (1, 1)


@pytest.mark.parametrize("fault", ["reset", "create-500", "no-id", "invalid", "quota"])
def test_a_submit_in_doubt_and_one_that_was_refused_for_good_are_not_sent_again(
    app: App, sandbox: Sandbox, fault: str
) -> None:
    request = REQUEST | {"prompt": f"A cat. [[create/{fault}]]"}
    [job] = jobs_after(app, "reelway:submit", request=request, idempotency_key="order-2")
    assert (job["status"], job["attempts"], sandbox.ledger.creates) == ("failed", 1, 1)


def test_a_result_is_stored_by_the_reference_of_its_task_and_not_twice(
    app: App, sandbox: Sandbox, tmp_path: Path
) -> None:
    with Client("cometapi", api_key="k", base_url=sandbox.base_url("cometapi")) as client:
        task = client.create("A cat", model="seedance-2")
        too_early = jobs_after(app, "reelway:store", task=str(task.ref), to=str(tmp_path / "films/"))
        for _ in range(6):
            client.retrieve(task)
    for _ in range(2):
        jobs = jobs_after(app, "reelway:store", task=str(task.ref), to=str(tmp_path / "films" / "{id}.mp4"))
    assert [job["status"] for job in too_early] == ["todo"]
    assert [job["status"] for job in jobs[1:]] == ["succeeded", "succeeded"]
    assert (tmp_path / "films" / f"{task.id}.mp4").stat().st_size == sandbox.ledger.task(task.id).size
    assert sandbox.ledger.downloads == 1


def decided(error: BaseException, attempts: int = 0) -> RetryDecision | None:
    job = Job(id=1, queue="reelway", lock=None, queueing_lock=None, task_name="reelway:store", attempts=attempts)
    return Again(lambda one: one.retryable).get_retry_decision(exception=error, job=job)


def test_each_wait_is_longer_than_the_one_before_and_they_end(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[int] = []
    monkeypatch.setattr(
        "reelway_procrastinate.jobs.RetryDecision", lambda retry_in: waits.append(retry_in["seconds"])
    )
    for attempts in range(MOST_TRIES + 1):
        decided(LedgerError("away"), attempts)
    assert waits == sorted(waits)
    assert (waits[0], waits[-1], len(waits)) == (2, MOST_WAIT, MOST_TRIES)


def test_a_provider_that_names_a_pause_is_left_alone_for_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[int] = []
    monkeypatch.setattr(
        "reelway_procrastinate.jobs.RetryDecision", lambda retry_in: waits.append(retry_in["seconds"])
    )
    decided(SubmissionRejected("later", kind=ErrorKind.RATE_LIMITED, retry_after=42.0))
    assert waits == [42]


def test_what_was_cut_short_is_done_again_and_a_defect_is_not() -> None:
    assert decided(asyncio.CancelledError())
    assert decided(ZeroDivisionError()) is None


def test_jobs_are_handed_in_to_postgresql_only(work: EngineWork) -> None:
    with pytest.raises(ConfigurationError, match="in PostgreSQL") as refused:
        jobs_app(work)
    assert "postgresql://" in refused.value.hint


def test_an_application_that_only_hands_in_jobs_needs_no_key_and_no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COMETAPI_KEY", raising=False)
    app = jobs_app(EngineWork("postgresql://nobody:CANARY@127.0.0.1:1/jobs", "cometapi"))
    assert "reelway:submit" in app.tasks
    assert "CANARY" not in repr(app.connector)


def test_a_tick_that_fails_leaves_nothing_behind_and_a_job_that_fails_does(
    app: App, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "jobs.db").write_text("no ledger" * 100)

    async def worked() -> None:
        async with app.open_async():
            await app.configure_task("reelway:sweep").defer_async(timestamp=0, shard=0)
            await app.configure_task("reelway:store").defer_async(task="no reference", to="videos/")
            for queue in AT_ONCE:
                await app.run_worker_async(wait=False, **_ways(queue))

    asyncio.run(worked())
    assert isinstance(app.connector, InMemoryConnector)
    left = [job for job in app.connector.jobs.values() if job["status"] == "failed"]
    assert [job["task_name"] for job in left] == ["reelway:store"]
    assert "reelway:store (job 2): " in caplog.text


def test_the_adapter_is_thin() -> None:
    folder = Path(reelway_procrastinate.__file__).parent
    assert sum(len(set(lines_of_code(path))) for path in folder.glob("*.py")) < 150


def lines_of_code(path: Path) -> Iterator[int]:
    """The numbers of the lines that hold more than blanks, comments and docstrings."""
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    text = path.read_text(encoding="utf-8")
    at_start = True
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        docstring = token.type == tokenize.STRING and at_start
        if token.type not in silent and not docstring:
            yield from range(token.start[0], token.end[0] + 1)
        at_start = token.type in silent
