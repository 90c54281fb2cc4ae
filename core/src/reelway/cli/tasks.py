"""`get`, `download` and `cancel`: one call for each task."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from reelway.cli.downloads import fetch, report
from reelway.cli.exit_codes import ExitCode, exit_code, first_problem
from reelway.cli.options import OpenTasks, SaveOptions, TaskOptions, Tasks, TimeoutOptions
from reelway.cli.run import Run
from reelway.cli.screen import plain
from reelway.cli.session import Session
from reelway.cli.shapes import linked_shape, task_shape
from reelway.cli.views import described, view_for
from reelway.errors import ReelwayError
from reelway.ledger.records import Chore, chore_of
from reelway.model.task import Task, TaskRef
from reelway.provider.canonical import moment_text
from reelway.results import Download


async def get(run: Run, tasks: Tasks, where: TaskOptions) -> ExitCode:
    """Ask once how tasks stand. A bad end is an answer like any other here."""
    async with Session(run, where) as session:

        async def ask(ref: TaskRef) -> None:
            task = await session.client(ref).retrieve(ref)
            run.screen.result(linked_shape(task), details(task))

        return await _one_by_one(run, session.references(tasks, where.route), ask)


async def cancel(run: Run, tasks: Tasks, where: TaskOptions) -> ExitCode:
    """Stop tasks, where the provider offers that."""
    async with Session(run, where) as session:

        async def stop(ref: TaskRef) -> None:
            task = await session.client(ref).cancel(ref)
            run.screen.result(task_shape(task), f"{task.ref} {described(task)}")

        return await _one_by_one(run, session.references(tasks, where.route), stop)


async def download(
    run: Run, tasks: OpenTasks = None, *, save: SaveOptions, where: TaskOptions, limits: TimeoutOptions
) -> ExitCode:
    """Store the results of finished tasks, and print the paths of the files.

    Without a task, those of all in the ledger that have succeeded and are not stored yet. With several tasks, --to
    names a folder. What breaks off is kept and continued when the same command runs again.
    """
    run.steps = {"download": save.arguments}
    done: list[Download] = []
    view = view_for(run.screen, saves=True)
    async with Session(run, where, on_change=view.on_change) as session:
        refs = session.references(tasks, where.route) if tasks else session.unfinished(_is_to_be_stored)
        run.started(refs)

        async def store(ref: TaskRef) -> None:
            client = session.client(ref)
            done.append(await fetch(client, ref, save, view, limits.timeout, into=len(refs) > 1))
            run.ended(ref)

        with view:
            code = await _one_by_one(run, refs, store)
    for one in done:
        report(run, one)
    return first_problem([code, *session.missed])


def _is_to_be_stored(task: Task) -> bool:
    return chore_of(task) is Chore.STORE


async def _one_by_one(run: Run, refs: Sequence[TaskRef], act: Callable[[TaskRef], Awaitable[None]]) -> ExitCode:
    """Act on each task; one that goes wrong does not stop the others."""
    codes = []
    for ref in refs:
        try:
            await act(ref)
        except ReelwayError as error:
            run.tell(error, ref)
            codes.append(exit_code(error))
    return first_problem(codes)


def details(task: Task) -> str:
    """A task for people, a fact on each line."""
    failure = task.failure
    facts = {
        "reference": str(task.ref),
        "status": described(task),
        "model": task.model,
        "created": moment_text(task.created_at),
        "completed": moment_text(task.completed_at),
        "expires": moment_text(task.expires_at),
        "video": task.videos[0].url.reveal() if task.videos else None,
        "failure": failure and ": ".join(filter(None, (failure.kind.value, failure.code, failure.message))),
    }
    return "\n".join(f"{name:<11}{plain(fact)}" for name, fact in facts.items() if fact)
