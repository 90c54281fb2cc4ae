"""`watch` and `wait`: following tasks to their end, however many at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reelway.cli.exit_codes import ExitCode, exit_code, first_problem
from reelway.cli.options import OpenTasks, TaskOptions, Tasks, WaitOptions
from reelway.cli.run import Run
from reelway.cli.session import Session
from reelway.cli.shapes import linked_shape, task_shape
from reelway.cli.views import Lines, View, described, view_for
from reelway.errors import ReelwayError, TaskFailed
from reelway.model.task import Task, TaskRef
from reelway.results import Waited, settle


async def watch(run: Run, tasks: Tasks, where: TaskOptions, waiting: WaitOptions) -> ExitCode:
    """Print each change of tasks, until they have ended."""
    run.steps = {"watch": waiting.arguments}
    view = _Records(run) if run.screen.json else Lines(run.screen.write)
    async with Session(
        run, where, on_change=view.on_change, poll_every=waiting.poll_every, follows=True
    ) as session:
        refs = session.references(tasks, where.route)
        ends = await _follow(run, session, refs, view=view, timeout=waiting.timeout)
    return first_problem(map(_code, ends))


async def wait(run: Run, tasks: OpenTasks = None, *, where: TaskOptions, waiting: WaitOptions) -> ExitCode:
    """Follow tasks to their end, however many at once, and print how each ended.

    Without a task, go on with all in the ledger that has not ended, as a shell's own `wait` does. The exit code is
    that of the first task, in the given order, that did not succeed.
    """
    run.steps = {"wait": waiting.arguments}
    view = view_for(run.screen)
    async with Session(
        run, where, on_change=view.on_change, poll_every=waiting.poll_every, follows=True
    ) as session:
        refs = session.references(tasks, where.route) if tasks else session.unfinished(lambda task: not task.final)
        ends = await _follow(run, session, refs, view=view, timeout=waiting.timeout, finished=_record)
    for one in ends:
        if one.error is None and not run.screen.json:
            run.screen.write(f"{one.task.ref} {described(one.task)}")
    return first_problem([*map(_code, ends), *session.missed])


async def _follow(
    run: Run,
    session: Session,
    refs: Sequence[TaskRef],
    *,
    view: View,
    timeout: float,
    finished: Callable[[Run, Task], None] = lambda run, task: None,
) -> list[Waited]:
    """Follow tasks and tell of each as its wait ends; all of them, in the order in which they were named."""
    ends: dict[TaskRef, Waited] = {}

    def ended(one: Waited) -> None:
        ends[one.task.ref] = one
        run.ended(one.task.ref)
        if one.error is None:
            finished(run, one.task)
        else:
            view.stopped(one.task.ref, "wait ended", "yellow")
        if (error := problem_of(one)) is not None and not (run.screen.json and one.error is None):
            run.tell(error)

    run.started(refs)
    with view:
        for ref in refs:
            view.asking(ref)
        await session.follow(refs, timeout, ended)
    return [ends[ref] for ref in refs]


def _record(run: Run, task: Task) -> None:
    """A line of JSON at once; people are told when the view has ended."""
    if run.screen.json:
        run.screen.result(linked_shape(task), "")


def problem_of(one: Waited) -> ReelwayError | None:
    """The error that the end of a wait is: that of the wait, or that of a job that ended badly."""
    try:
        settle(one.task, raise_on_failure=one.error is None)
    except TaskFailed as error:
        return error
    return one.error


def _code(one: Waited) -> ExitCode:
    error = problem_of(one)
    return ExitCode.OK if error is None else exit_code(error)


class _Records(View):
    """Each change as a line of JSON on stdout."""

    def __init__(self, run: Run) -> None:
        self._screen = run.screen

    def changed(self, task: Task) -> None:
        self._screen.result(task_shape(task), "")
