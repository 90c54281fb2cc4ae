"""One wish, one job, however many ask for it at once: threads, tasks of an event loop, and processes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from reelway import Account, AsyncClient, Client, LedgerError, Task, TaskRef
from reelway.ledger.records import Entry
from reelway.ledger.sqlite import SqliteLedger
from reelway.model.submission import Submission, SubmissionState
from reelway.sandbox import Sandbox
from tests.client.both import MODELS

PROVIDER: Final = "cometapi"
MODEL: Final = MODELS[PROVIDER]

PROCESS: Final = """
    import sys
    from reelway import Account, Client

    url, model, ledger = sys.argv[1:]
    account = Account("cometapi", api_key="sandbox", base_url=url)
    with Client(account, ledger=ledger) as client:
        sys.stdout.write("ready\\n")
        sys.stdout.flush()
        sys.stdin.readline()
        print(client.create("A cat.", model=model, idempotency_key="order 7").ref)
"""


def account(sandbox: Sandbox) -> Account:
    return Account(PROVIDER, api_key="sandbox", base_url=sandbox.base_url(PROVIDER))


def test_eight_threads_with_one_wish_make_one_job(tmp_path: Path) -> None:
    with Sandbox() as sandbox, Client(account(sandbox), ledger=f"sqlite:{tmp_path / 'jobs.db'}") as client:

        def create(_: int) -> Task:
            return client.create("A cat.", model=MODEL, idempotency_key="order 7")

        with ThreadPoolExecutor(8) as threads:
            tasks = list(threads.map(create, range(8)))
        assert sandbox.ledger.creates == 1
    assert len({task.ref for task in tasks}) == 1


def test_tasks_of_one_event_loop_with_one_wish_make_one_job(tmp_path: Path) -> None:
    async def race(client: AsyncClient) -> list[Task]:
        async with client:
            wishes = (client.create("A cat.", model=MODEL, idempotency_key="order 7") for _ in range(8))
            return await asyncio.gather(*wishes)

    with Sandbox() as sandbox:
        tasks = asyncio.run(race(AsyncClient(account(sandbox), ledger=f"sqlite:{tmp_path / 'jobs.db'}")))
        assert sandbox.ledger.creates == 1
    assert len({task.ref for task in tasks}) == 1


class LateAnswer(SqliteLedger):
    """A ledger in which an attempt that was abandoned proves to have created a task, after another has begun."""

    def begin(self, submission: Submission) -> Entry | None:
        first = replace(submission, id=f"before {submission.id}")
        if (earlier := super().begin(first)) is not None:
            return earlier
        self.note(replace(first, state=SubmissionState.ABANDONED), {SubmissionState.INTENT})
        assert super().begin(submission) is None
        task = Task.new(TaskRef(first.provider, first.account, first.route, "made before"), first.at)
        self.accept(replace(first, state=SubmissionState.ACCEPTED, ref=task.ref), task, due_in=0)
        return None


def test_a_wish_that_comes_true_before_it_is_sent_is_not_sent() -> None:
    with Sandbox() as sandbox, LateAnswer() as ledger, Client(account(sandbox), ledger=ledger) as client:
        with pytest.raises(LedgerError) as given_up:
            client.create("A cat.", model=MODEL, idempotency_key="order 7")
        assert "Nothing was sent." in given_up.value.hint
        assert client.create("A cat.", model=MODEL, idempotency_key="order 7").id == "made before"
        assert sandbox.ledger.creates == 0
        assert client.submissions_in_doubt() == []


def test_four_processes_with_one_wish_make_one_job(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        arguments = (sandbox.base_url(PROVIDER), MODEL, f"sqlite:{tmp_path / 'jobs.db'}")
        program = [sys.executable, "-c", textwrap.dedent(PROCESS), *arguments]
        racers = [
            subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)
        ]
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        said = {racer.communicate(timeout=60)[0] for racer in racers}
        assert [racer.returncode for racer in racers] == [0] * 4
        assert sandbox.ledger.creates == 1
    assert len(said) == 1
