"""`create`, `generate` and `remix`: the commands that cost money."""

from __future__ import annotations

from typing import Annotated

from typer import Argument

from reelway.cli.downloads import fetch, free_target, report
from reelway.cli.options import (
    AccountOptions,
    CallbackOptions,
    ModelOptions,
    NoteOptions,
    OneTask,
    Prompt,
    RequestOptions,
    SaveOptions,
    TaskOptions,
    WaitOptions,
)
from reelway.cli.run import Run
from reelway.cli.session import Session
from reelway.cli.shapes import task_shape
from reelway.cli.views import view_for
from reelway.limits import check_number
from reelway.model.task import Task


async def create(
    run: Run,
    prompt: Prompt,
    request: RequestOptions,
    *,
    note: NoteOptions,
    callback: CallbackOptions,
    account: AccountOptions,
) -> None:
    """Create a task and print its reference.

    At most one create is sent, for it costs money. The reference, alone on stdout, finds the task from anywhere;
    `reelway list` shows it as well.
    """
    run.steps = {"wait": []}
    async with Session(run, account, on_unsupported=request.on_unsupported, callbacks=callback.base()) as session:
        client = session.client(session.provider_name())
        task = await client.create(prompt, **request.fields(), **note.note())
    _created(run, task)


async def remix(
    run: Run,
    task: OneTask,
    prompt: Annotated[str, Argument(help="What to change.")],
    *,
    wanted: ModelOptions,
    note: NoteOptions,
    where: TaskOptions,
) -> None:
    """Make a new task from a finished one, and print its reference. It is billed like any other."""
    run.steps = {"wait": []}
    async with Session(run, where) as session:
        [ref] = session.references([task], where.route)
        made = await session.client(ref).remix(ref, prompt, model=wanted.model, **note.note())
    _created(run, made)


async def generate(
    run: Run,
    prompt: Prompt,
    request: RequestOptions,
    *,
    note: NoteOptions,
    callback: CallbackOptions,
    save: SaveOptions,
    account: AccountOptions,
    waiting: WaitOptions,
) -> None:
    """Create a task, follow it to its end, and store the video.

    Prints the path of the file. Whatever goes wrong after the create, the reference is printed and nothing is lost.
    """
    free_target(save)
    check_number("--timeout", waiting.timeout)
    run.steps = {"wait": waiting.arguments, "download": save.arguments}
    view = view_for(run.screen, lambda ref: ref.provider, saves=True)
    async with Session(
        run,
        account,
        on_change=view.on_change,
        on_unsupported=request.on_unsupported,
        callbacks=callback.base(),
        poll_every=waiting.poll_every,
        follows=True,
    ) as session:
        provider = session.provider_name()
        client = session.client(provider)
        with view:
            view.expect(provider, provider, "creating")
            task = await client.create(prompt, **request.fields(), **note.note())
            view.named(task.ref)
            task = await client.wait(task, timeout=waiting.timeout)
            run.steps.pop("wait")
            download = await fetch(client, task, save, view, waiting.timeout)
            run.ended(task.ref)
    report(run, download)


def _created(run: Run, task: Task) -> None:
    run.screen.result(task_shape(task), str(task.ref))
    run.screen.say(f"Follow it with: {run.go_on([task.ref])}")
