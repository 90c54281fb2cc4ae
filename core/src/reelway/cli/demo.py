"""`demo`: one job at each installed provider's simulator, from the create to the file."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Struct
from typer import Option

from reelway.account import Account
from reelway.cli.exit_codes import ExitCode, exit_code, first_problem
from reelway.cli.options import Options
from reelway.cli.plugins import installed
from reelway.cli.run import Run
from reelway.cli.sandbox import example_model, load_sandbox
from reelway.cli.shapes import Shape, download_shape, error_shape
from reelway.cli.views import View, view_for
from reelway.client import AsyncClient
from reelway.errors import DownloadError, ReelwayError
from reelway.model.task import Task
from reelway.provider.interface import Cadence, Provider
from reelway.results import Download, settle

if TYPE_CHECKING:
    from reelway.sandbox import Ledger, Sandbox

JOB_SECONDS: Final = 4.0
CADENCE: Final = Cadence(0.4, 0.8)
"""Simulated jobs are short, so they are asked about more often than any provider wants it."""

TIMEOUT: Final = 15.0
FOLDER: Final = "reelway-demo"


class DemoOptions(Options, frozen=True, kw_only=True):
    """For trying the demo itself."""

    prompt: Annotated[str, Option("--prompt", hidden=True)] = "A paper boat crosses a puddle at dawn."


class Story(Struct, kw_only=True):
    """What happened at one provider: the words it used, and the file or the error it ended with."""

    provider: Provider
    words: list[str] = []
    seconds: float = 0.0
    download: Download | None = None
    error: ReelwayError | None = None


async def demo(run: Run, options: DemoOptions) -> ExitCode:
    """Show everything in a few seconds, without a key: each installed provider, simulated on this machine.

    One job for each runs at once and is followed from the create to the stored file, in the folder
    reelway-demo. The exit code is 0 if every file is whole.
    """
    registry = installed()
    broken = [report.error for report in registry.load_all() if report.error is not None]
    providers = registry.providers
    view = view_for(run.screen, lambda ref: ref.provider, saves=True)
    with load_sandbox()(providers, job_seconds=JOB_SECONDS) as sandbox:
        playing = [one for one in providers if one.info.name in sandbox.world.providers]
        async with AsyncClient(
            {one.info.name: _account(one, sandbox) for one in playing},
            allow_private_links=True,
            registry=registry,
            on_change=view.on_change,
        ) as client:
            with view:
                stories = await asyncio.gather(*(_play(client, one, options.prompt, view) for one in playing))
        _compare(stories, sandbox.ledger)
    _report(run, stories, sandbox.ledger)
    for error in broken:
        run.tell(error)
    failed = [story.error for story in stories if story.error is not None]
    return first_problem(map(exit_code, [*failed, *broken]))


def _account(provider: Provider, sandbox: Sandbox) -> Account:
    name = provider.info.name
    return Account(name, api_key="sandbox", base_url=sandbox.base_url(name), cadence=CADENCE)


async def _play(client: AsyncClient, provider: Provider, prompt: str, view: View) -> Story:
    story = Story(provider=provider)
    name = provider.info.name
    begin = time.monotonic()
    view.expect(name, name, "creating")
    try:
        task = await client.create(prompt, account=name, model=example_model(provider))
        task = await _followed(client, task, story)
        story.download = await client.download(
            task,
            Path(FOLDER) / f"{name}.mp4",
            overwrite=True,
            progress=lambda size, total: view.received(task.ref, size, total),
        )
        view.stopped(task.ref, "saved", "green")
    except ReelwayError as error:
        story.error = error
    story.seconds = time.monotonic() - begin
    return story


async def _followed(client: AsyncClient, task: Task, story: Story) -> Task:
    seen = task
    _note(story, seen)
    async for seen in client.watch(task, timeout=TIMEOUT):
        _note(story, seen)
    return settle(seen, raise_on_failure=True)


def _note(story: Story, task: Task) -> None:
    word = task.provider_status or task.status.value
    if story.words[-1:] != [word]:
        story.words.append(word)


def _compare(stories: Sequence[Story], ledger: Ledger) -> None:
    """Hold each file against what the sandbox says it served."""
    for story in stories:
        stored = story.download
        if stored is not None and ledger.task(stored.task.id, story.provider.info.name).sha256 != stored.sha256:
            story.error = DownloadError(f"{stored.path} is not the file that was served.", task=stored.task)


def _report(run: Run, stories: Sequence[Story], ledger: Ledger) -> None:
    if run.screen.json:
        for story in stories:
            run.screen.result(_shape(story), "")
        return
    _show(run, stories)
    for story in stories:
        if story.error is not None:
            run.tell(story.error)
    jobs = "create" if ledger.creates == 1 else "creates"
    run.screen.say(f"The sandbox saw {ledger.creates} {jobs} for {len(stories)} jobs.")


def _shape(story: Story) -> Shape:
    ended = download_shape(story.download) if story.download is not None else {}
    error = error_shape(story.error) if story.error is not None else {"error": None}
    about = {"provider": story.provider.info.name, "words": story.words, "seconds": round(story.seconds, 1)}
    return ended | about | error


def _show(run: Run, stories: Sequence[Story]) -> None:
    from reelway.cli.tables import cell, table

    made = table(("provider, words seen", "time", "file, bytes, SHA-256"))
    for story in stories:
        stored = story.download
        file = (str(stored.path), f"{stored.size} bytes", stored.sha256) if stored else ("none",)
        made.add_row(
            cell(story.provider.info.title, " → ".join(story.words), style="bold"),
            cell(f"{story.seconds:.1f} s"),
            cell(*file, style="green" if stored else "red"),
        )
    run.screen.show(made)
