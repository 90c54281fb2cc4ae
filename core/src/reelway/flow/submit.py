"""Creating a task: at most one create on the wire.

A generation costs money and no gateway of the family takes an idempotency key. So a create is sent again only when
it is proven that no byte of it was sent, or when the provider itself turned it away before creating anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import asdict, replace

from reelway.errors import (
    ErrorKind,
    LedgerError,
    ProviderError,
    ReelwayError,
    SubmissionRejected,
    SubmissionUnknown,
)
from reelway.flow.effects import Flow, Instant, Now, Observe, Record, Send, Sleep, TransportError, perform
from reelway.flow.repeat import begin
from reelway.flow.schedule import backoff
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.lifecycle import Event, advance
from reelway.model.observation import Observation
from reelway.model.submission import Submission, SubmissionState
from reelway.model.task import Task, TaskRef
from reelway.provider.interface import Provider
from reelway.provider.reading import error_of, read_create, retry_after

E = TypeVar("E", bound=ReelwayError)


class Verdict(StrEnum):
    """What an answer to a create means for the submission."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    AMBIGUOUS = "ambiguous"
    TURNED_AWAY = "turned away"
    """Nothing was created and the provider asks for patience."""


PASSING_TROUBLE: Final = frozenset({408, 409, 425})
"""Client-error statuses that do not prove that nothing was created."""

SEE_OTHER: Final = 303
"""The redirect that proves nothing: it leads from a POST that was done to what it made (RFC 9110, 15.4.4)."""

PLAIN_REFUSALS: Final = frozenset({400, 401, 402, 403, 404, 405, 413, 414, 415, 422})
"""Statuses that refuse a request whatever the body says; servers in front of a gateway send them as pages."""


class Keepsake(Struct, frozen=True, kw_only=True):
    """What is kept with a submission; each field is as in :class:`Submission`."""

    label: str | None = None
    metadata: Mapping[str, Any] = {}
    idempotency_key: str | None = None
    request_digest: str | None = None
    callback_digest: str | None = None
    replaces: str | None = None


BUDGET_SECONDS: Final = 60.0
"""Within which a create that was proven unsent, or turned away, is tried again."""


class SubmitPlan(Struct, frozen=True, kw_only=True):
    """How one submission is made.

    Attributes:
        submission_id: Reelway's own id of the attempt.
        account: the name of the account.
        timeout: seconds for one exchange.
        budget: seconds within which a create that was proven unsent or turned away is tried again.
        kept: what is kept with it.
        recorded: whether a ledger remembers it.
        first_poll: seconds after which the task is to be polled.
        draw: gives numbers from 0 to 1 for jitter.
    """

    submission_id: str
    account: str
    draw: Callable[[], float]
    timeout: float = 60.0
    budget: float = BUDGET_SECONDS
    kept: Keepsake = Keepsake()
    recorded: bool = False
    first_poll: float = 0.0


def submit(provider: Provider, request: HttpRequest, route: str, plan: SubmitPlan) -> Flow[Task]:
    """Create a task and return its first snapshot; or the task of the attempt that has its idempotency key.

    Raises:
        SubmissionRejected: the provider refused; nothing was created.
        SubmissionUnknown: the request left and nobody knows what became of it.
        ProviderError: kind ``unavailable``; it was never sent, and the budget is used up.
        InvalidRequest: the idempotency key stands for another wish.
        LedgerError: the attempt could not be put on record, and nothing was sent; or what it made could not be, and
            the error holds the task.
    """
    start = yield from perform(Now())
    submission = Submission(
        id=plan.submission_id,
        provider=provider.info.name,
        account=plan.account,
        route=route,
        at=start.wall,
        **asdict(plan.kept),
    )
    made_before = yield from begin(submission, plan.budget)
    return made_before or (yield from _send(provider, request, submission, plan))


def _send(provider: Provider, request: HttpRequest, submission: Submission, plan: SubmitPlan) -> Flow[Task]:
    """Send until it is accepted, refused or in doubt, or until the budget is used up."""
    start = yield from perform(Now())
    attempt = 0
    while True:
        outcome = yield from _attempt(provider, request, submission, plan)
        if isinstance(outcome, Task):
            return outcome
        pause = backoff(attempt, outcome.retry_after, plan.draw())
        now = yield from perform(Now())
        if now.monotonic + pause - start.monotonic > plan.budget:
            detail = "gave up before anything was created"
            raise (yield from _concluded(outcome, submission, SubmissionState.REJECTED, detail))
        yield from perform(Sleep(pause))
        attempt += 1


def _attempt(
    provider: Provider, request: HttpRequest, submission: Submission, plan: SubmitPlan
) -> Flow[Task | ProviderError]:
    """One exchange: the task, or an error after which trying again cannot pay twice."""
    sent = yield from _note(submission, SubmissionState.SENDING)
    try:
        response = yield from perform(Send(request=request, timeout=plan.timeout, fresh=True))
    except TransportError as error:
        return (yield from _act_on_break(provider, error, submission, sent, plan))
    try:
        return (yield from _act_on(provider, response, submission, sent, plan))
    # The trouble of a ledger says nothing against the answer.
    except (SubmissionRejected, SubmissionUnknown, LedgerError):
        raise
    except ReelwayError as error:
        reason = f"it was answered (HTTP {response.status}), but {error.message.rstrip('.')}"
    # Outside the handler, because the frames of the other error may hold what the answer said.
    raise (yield from _doubt(submission, sent, reason, response, plan))


def _act_on_break(
    provider: Provider, error: TransportError, submission: Submission, sent: Instant, plan: SubmitPlan
) -> Flow[ProviderError]:
    """Draw the conclusion from an exchange that broke; what is given back proves that nothing left."""
    if error.phase.request_may_have_left:
        phase = error.phase.name
        unknown = _unknown(submission, sent, phase, error.reason, plan)
        raise (yield from _concluded(unknown, submission, SubmissionState.AMBIGUOUS, phase)) from error
    unsent = _unsent(provider, error)
    if error.refused:
        raise (yield from _concluded(unsent, submission, SubmissionState.REJECTED, error.reason)) from error
    yield from _note(submission, SubmissionState.INTENT, detail=error.reason)
    return unsent


def _act_on(
    provider: Provider, response: HttpResponse, submission: Submission, sent: Instant, plan: SubmitPlan
) -> Flow[Task | ProviderError]:
    """Draw the conclusion from an answer: the task, or an error after which trying again cannot pay twice."""
    if (made := _created(provider, response, submission.route)) is not None:
        return (yield from _accept(made, submission, plan))
    match verdict_of(provider, response, submission.route):
        case Verdict.TURNED_AWAY:
            yield from _note(submission, SubmissionState.INTENT, detail=f"HTTP {response.status}")
            return _rejection(provider, response, retry_after(response, sent.wall))
        case Verdict.REJECTED:
            refused, detail = _rejection(provider, response), f"HTTP {response.status}"
            raise (yield from _concluded(refused, submission, SubmissionState.REJECTED, detail))
        case _:
            reason = f"the answer (HTTP {response.status}) does not tell whether a task was created"
            raise (yield from _doubt(submission, sent, reason, response, plan))


def verdict_of(provider: Provider, response: HttpResponse, route: str) -> Verdict:
    """Judge the answer to a create, by the table in the design: status first, then what the body says."""
    if response.ok:
        return Verdict.ACCEPTED if _created(provider, response, route) is not None else Verdict.AMBIGUOUS
    if 300 <= response.status < 400:
        return Verdict.AMBIGUOUS if response.status == SEE_OTHER else Verdict.REJECTED
    error = error_of(provider, response)
    if _documented_as_nothing_created(provider, error):
        return Verdict.REJECTED
    if response.status == 429 or (response.status == 503 and response.header("retry-after")):
        return Verdict.REJECTED if error.kind is ErrorKind.QUOTA else Verdict.TURNED_AWAY
    if 400 <= response.status < 500 and response.status not in PASSING_TROUBLE:
        readable = error.code is not None or response.status in PLAIN_REFUSALS
        return Verdict.REJECTED if readable else Verdict.AMBIGUOUS
    return Verdict.AMBIGUOUS


def _created(provider: Provider, response: HttpResponse, route: str) -> Observation | None:
    """The task that an answer names. Whatever a plugin raises over it, an answered create was sent."""
    try:
        return read_create(provider, response, route)
    except ReelwayError:
        return None


def _documented_as_nothing_created(provider: Provider, error: ProviderError) -> bool:
    return (error.status, (error.code or "").lower()) in provider.info.nothing_created


def _accept(observation: Observation, submission: Submission, plan: SubmitPlan) -> Flow[Task]:
    now = yield from perform(Now())
    task, events = first_snapshot(observation, submission, now)
    accepted = replace(submission, state=SubmissionState.ACCEPTED, at=now.wall, ref=task.ref)
    yield from perform(Record(submission=accepted, task=task, events=events, due_in=plan.first_poll))
    yield from perform(Observe(task=task, events=events))
    return task


def first_snapshot(
    observation: Observation, submission: Submission, now: Instant
) -> tuple[Task, tuple[Event, ...]]:
    """The task as the answer to its create describes it."""
    ref = TaskRef(submission.provider, submission.account, submission.route, observation.task_id or "")
    task = Task.new(ref, now.wall)
    # Some creates answer with the id alone; the absence of a word is no unknown word.
    return (task, ()) if observation.provider_status is None else advance(task, observation, now.wall)


def _doubt(
    submission: Submission, sent: Instant, reason: str, response: HttpResponse, plan: SubmitPlan
) -> Flow[SubmissionUnknown]:
    unknown = _unknown(submission, sent, "RECEIVING", reason, plan, response=response.body)
    answered = replace(submission, response=response.body)
    return (yield from _concluded(unknown, answered, SubmissionState.AMBIGUOUS, f"HTTP {response.status}"))


def _concluded(error: E, submission: Submission, state: SubmissionState, detail: str) -> Flow[E]:
    """Put on record how an attempt ended. The caller learns it in any case, and if need be that it is not there."""
    try:
        yield from _note(submission, state, detail=detail)
    except LedgerError as trouble:
        error.add_note(f"That submission {submission.id} is {state} is not on record: {trouble.message}")
    return error


def _note(submission: Submission, state: SubmissionState, *, detail: str | None = None) -> Flow[Instant]:
    now = yield from perform(Now())
    yield from perform(Record(submission=replace(submission, state=state, at=now.wall, detail=detail)))
    return now


def _rejection(provider: Provider, response: HttpResponse, wait: float | None = None) -> SubmissionRejected:
    error = error_of(provider, response)
    return SubmissionRejected(
        error.message,
        kind=error.kind,
        status=error.status,
        code=error.code,
        request_id=error.request_id,
        retry_after=wait,
        hint=f"Nothing was created. {error.hint}",
    )


def _unsent(provider: Provider, error: TransportError) -> ProviderError:
    return ProviderError(
        f"{provider.info.title} could not be reached: {error.reason}.",
        kind=ErrorKind.UNAVAILABLE,
        hint="No byte of the request was sent, so it is safe to try again. Check the base URL and the network.",
    )


def _unknown(
    submission: Submission,
    sent: Instant,
    phase: str,
    reason: str,
    plan: SubmitPlan,
    *,
    response: bytes | None = None,
) -> SubmissionUnknown:
    return SubmissionUnknown(
        f"Submission {submission.id} to {submission.provider} may or may not have created a task: {reason}.",
        submission_id=submission.id,
        sent_at=sent.wall,
        phase=phase,
        response=response,
        recorded=plan.recorded,
    )
