"""Following a task to its end: polling is the truth, and no trouble on the way changes what a task is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from reelway.errors import (
    ErrorKind,
    ProviderError,
    ProviderUnreachable,
    ReelwayError,
    WaitTimeout,
)
from reelway.flow.effects import Flow, Instant, Now, Observe, Send, Sighting, Sleep, TransportError, perform
from reelway.flow.schedule import asked_pause, grown, jittered, pause_after_trouble
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.lifecycle import advance
from reelway.model.observation import Observation
from reelway.model.task import Task
from reelway.provider.interface import Cadence, Provider
from reelway.provider.reading import needs_result, one_line, read_result, read_retrieve, retry_after
from reelway.provider.writing import written

E = TypeVar("E", bound=ReelwayError)

FAILURE_LIMIT: Final = 10
"""Failed polls in a row that end the wait; the task itself is untouched."""

LAST_POLL_SECONDS: Final = 5.0
"""The least that a poll gets, so that the one at the deadline can be answered at all."""


class FollowPlan(Struct, frozen=True, kw_only=True):
    """How one task is followed.

    Attributes:
        timeout: seconds for the whole wait.
        poll_timeout: seconds for one exchange, and never many more than are left of the wait.
        first_delay: seconds before the first poll.
        cadence: how often to poll, in place of what the provider asks for.
        known_since: the monotonic time from which the task has been known; without it, the wall clock tells once,
            when the wait begins.
        slot: gives the seconds to wait for the account's next request slot, from the present monotonic time.
        draw: gives numbers from 0 to 1 for jitter.
    """

    draw: Callable[[], float]
    slot: Callable[[float], float]
    timeout: float = 1800.0
    poll_timeout: float = 30.0
    first_delay: float = 0.0
    cadence: Cadence | None = None
    known_since: float | None = None


class Answer(Struct, frozen=True, gc=False):
    """An answer, what was read in it, and when it came."""

    response: HttpResponse
    observation: Observation
    at: Instant


class Trouble(Struct, frozen=True):
    """A poll that gave no observation.

    Attributes:
        error: why.
        retry_after: the seconds for which the provider asked to be left alone.
        hopeless: asking again cannot help: the key was refused, or our own guard refused the address.
    """

    error: ReelwayError
    retry_after: float | None = None
    hopeless: bool = False


def retrieve(provider: Provider, task: Task, timeout: float, known_since: float | None = None) -> Flow[Task]:
    """Ask once how a task stands; ``known_since`` as in :class:`FollowPlan`.

    Raises:
        ProviderError: the answer is an error or unreadable; for an unknown id of which nothing else is known,
            kind ``not_found``.
    """
    now = yield from perform(Now())
    outcome = yield from _poll(provider, task, timeout, now.monotonic, known_since)
    if isinstance(outcome, Trouble):
        outcome.error.hold(task)
        raise outcome.error
    if outcome.not_found_count and not outcome.confirmed:
        message = f"{provider.info.title} does not know the task {task.id!r}."
        raise ProviderError(message, kind=ErrorKind.NOT_FOUND, task=outcome)
    return outcome


def follow(provider: Provider, task: Task, plan: FollowPlan) -> Flow[Task]:
    """Poll until the task is final, and return it. Every change is told through ``Observe``.

    Raises:
        WaitTimeout: the time is up, after one last poll; holds the task.
        ProviderUnreachable: ten polls failed in a row, or the key was refused; holds the task.
    """
    start = yield from perform(Now())
    deadline = start.monotonic + plan.timeout
    if plan.known_since is None:
        plan = replace(plan, known_since=since_when(task, start))
    cadence = plan.cadence or provider.info.cadence
    interval, failures, delay = cadence.minimum, 0, plan.first_delay
    while True:
        last = yield from _pause(delay, deadline, plan)
        outcome, late = yield from _poll_in_time(provider, task, deadline, plan)
        if isinstance(outcome, Task):
            task, failures = outcome, 0
            if task.final:
                return task
            delay = jittered(interval, plan.draw())
            interval = grown(interval, cadence)
        else:
            failures += 1
            _give_up_if_hopeless(task, outcome, failures)
            pause = jittered(pause_after_trouble(interval, failures, cadence), plan.draw())
            delay = asked_pause(outcome.retry_after, pause)
        if last or late:
            raise _timed_out(provider, task, plan)


def _pause(delay: float, deadline: float, plan: FollowPlan) -> Flow[bool]:
    """Wait for the next poll and for the account's slot, but not past the deadline; tells if it was reached."""
    now = yield from perform(Now())
    if (yield from _sleep(delay, deadline - now.monotonic)):
        return True
    # The slot is taken only now: one taken ahead of time would hold up everybody who wants to ask before.
    now = yield from perform(Now())
    return (yield from _sleep(plan.slot(now.monotonic), deadline - now.monotonic))


def _sleep(seconds: float, left: float) -> Flow[bool]:
    """Wait, but no longer than what is left; tells if nothing is left then."""
    wait = max(0.0, min(seconds, left))
    if wait > 0:
        yield from perform(Sleep(wait))
    return seconds >= left


def _poll_in_time(
    provider: Provider, task: Task, deadline: float, plan: FollowPlan
) -> Flow[tuple[Task | Trouble, bool]]:
    """Poll with the time that is left; tells as well if it is used up, for then this was the last poll."""
    now = yield from perform(Now())
    left = max(deadline - now.monotonic, LAST_POLL_SECONDS)
    timeout = min(plan.poll_timeout, left)
    outcome = yield from _poll(provider, task, timeout, now.monotonic, plan.known_since)
    now = yield from perform(Now())
    return outcome, now.monotonic >= deadline


def since_when(task: Task, now: Instant) -> float:
    """The monotonic time from which a task has been known, as far as the wall clock tells."""
    return now.monotonic - max(0.0, (now.wall - task.submitted_at).total_seconds())


def _poll(
    provider: Provider, task: Task, timeout: float, began: float, known_since: float | None
) -> Flow[Task | Trouble]:
    answer = yield from look(provider, task, timeout, began)
    if isinstance(answer, Trouble):
        return answer
    age = None if known_since is None else answer.at.monotonic - known_since
    after, events = advance(task, answer.observation, answer.at.wall, age)
    if events or after is not task:
        seen = Sighting(answer.observation, answer.at.wall, age)
        after = yield from perform(Observe(task=after, events=events, seen=seen))
    return after


def look(provider: Provider, task: Task, timeout: float, began: float) -> Flow[Answer | Trouble]:
    """What one poll shows; where that is no more than that the task has ended, what the result request shows.

    Whatever goes wrong on the way is a :class:`Trouble`, and says nothing about the task. From ``began``, the
    monotonic time by now, both requests together take no more than ``timeout`` and ``LAST_POLL_SECONDS``.
    """
    route = task.ref.route
    request = written(provider, lambda: provider.encode_retrieve(task.id, route))
    poll = yield from _ask(
        provider, request, timeout, lambda response: read_retrieve(provider, response, route, task.id)
    )
    if isinstance(poll, Trouble) or not needs_result(provider, poll.observation):
        return poll
    left = max(began + timeout - poll.at.monotonic, LAST_POLL_SECONDS)
    request = written(provider, lambda: provider.encode_result(task.id, route))
    return (
        yield from _ask(
            provider,
            request,
            min(timeout, left),
            lambda response: read_result(provider, poll.response, response, route, task.id),
        )
    )


def _ask(
    provider: Provider, request: HttpRequest, timeout: float, read: Callable[[HttpResponse], Observation]
) -> Flow[Answer | Trouble]:
    """One exchange: what was read in the answer, or why there is nothing to read."""
    try:
        response = yield from perform(Send(request=request, timeout=timeout))
    except TransportError as error:
        return Trouble(_unreachable_now(provider, error), hopeless=error.refused)
    now: Instant = yield from perform(Now())
    try:
        return Answer(response, read(response), now)
    except ProviderError as error:
        error.retry_after = retry_after(response, now.wall)
        return Trouble(_without_frames(error), error.retry_after, hopeless=error.kind is ErrorKind.AUTH)
    except ReelwayError as error:
        # Whatever a plugin raises over an answer: the task was asked for, so it is there.
        return Trouble(_without_frames(error))


def _without_frames(error: E) -> E:
    """The error alone. The frames in which an answer was read hold its signed links, and reports print frames."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def _give_up_if_hopeless(task: Task, trouble: Trouble, failures: int) -> None:
    if not trouble.hopeless and failures < FAILURE_LIMIT:
        return
    polls = "The last poll" if failures == 1 else f"The last {failures} polls"
    message = f"{polls} of {task.ref} failed: {trouble.error.message}"
    hint = f"{trouble.error.hint} {ProviderUnreachable.default_hint}"
    raise ProviderUnreachable(message, task=task, hint=hint) from trouble.error


def _unreachable_now(provider: Provider, error: TransportError) -> ProviderError:
    message = f"{provider.info.title} could not be asked: {error.reason}."
    return ProviderError(message, kind=ErrorKind.UNAVAILABLE)


def _timed_out(provider: Provider, task: Task, plan: FollowPlan) -> WaitTimeout:
    if task.not_found_count and not task.confirmed:
        message = (
            f"{provider.info.title} does not know {task.ref}: {task.not_found_count} polls in "
            f"{plan.timeout:g} seconds did not find it."
        )
        hint = "Right after a create that may be; otherwise check the id, the account and the base URL."
        return WaitTimeout(message, task=task, hint=hint)
    word = one_line(task.provider_status or "nothing yet", 80)
    message = (
        f"{task.ref} is still {task.status} after {plan.timeout:g} seconds; "
        f"{provider.info.title} last said {word!r}."
    )
    return WaitTimeout(message, task=task)
