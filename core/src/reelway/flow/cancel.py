"""Cancelling a task, where the provider offers it; what became of it, the provider then says itself."""

from __future__ import annotations

from reelway.errors import Billed, ErrorKind, NotSupported, ProviderError
from reelway.flow.effects import Flow, Send, TransportError, perform
from reelway.flow.follow import retrieve
from reelway.model.task import Task
from reelway.provider.interface import Provider
from reelway.provider.reading import error_of
from reelway.provider.writing import written


def cancel(provider: Provider, task: Task, timeout: float, known_since: float | None = None) -> Flow[Task]:
    """Ask how a task stands, have the provider stop it where that can still be, and ask again.

    ``known_since`` is as in :class:`reelway.flow.follow.FollowPlan`.

    The call is never made for a task that has ended: a provider may take it for the wish to have the task
    forgotten, and with it the result that was paid for.

    Raises:
        NotSupported: the provider has no such call, or none for a task that stands there; nothing was stopped.
        ProviderError: it refused, or could not be reached.
    """
    request = written(provider, lambda: provider.encode_cancel(task.id, task.ref.route))
    held = yield from retrieve(provider, task, timeout, known_since)
    if held.final:
        return held
    if held.status not in provider.info.cancellable:
        raise _too_late(provider, held)
    try:
        response = yield from perform(Send(request=request, timeout=timeout))
    except TransportError as error:
        message = f"{provider.info.title} could not be asked to cancel {held.ref}: {error.reason}."
        raise ProviderError(message, kind=ErrorKind.UNAVAILABLE, task=held) from error
    if not response.ok:
        refusal = error_of(provider, response)
        refusal.hold(held)
        raise refusal
    return (yield from retrieve(provider, held, timeout, known_since))


def _too_late(provider: Provider, task: Task) -> NotSupported:
    stoppable = " or ".join(sorted(provider.info.cancellable))
    message = f"{provider.info.title} stops a task only while it is {stoppable}; {task.ref} is {task.status}."
    error = NotSupported(message, hint="It goes on and is paid for; wait for it.", task=task)
    error.resubmit_safe, error.billed = False, Billed.YES
    return error
