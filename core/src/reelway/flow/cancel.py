"""Cancelling a task, where the provider offers it; what became of it, the provider then says itself."""

from __future__ import annotations

from reelway.errors import ErrorKind, ProviderError
from reelway.flow.effects import Flow, Send, TransportError, perform
from reelway.flow.follow import retrieve
from reelway.model.task import Task
from reelway.provider.interface import Provider
from reelway.provider.reading import read_error
from reelway.provider.writing import written


def cancel(provider: Provider, task: Task, timeout: float) -> Flow[Task]:
    """Ask the provider to stop a task, then ask how it stands.

    Raises:
        NotSupported: the provider has no such call; nothing was sent.
        ProviderError: it refused, or could not be reached.
    """
    request = written(provider, lambda: provider.encode_cancel(task.id, task.ref.route))
    try:
        response = yield from perform(Send(request=request, timeout=timeout))
    except TransportError as error:
        message = f"{provider.info.title} could not be asked to cancel {task.ref}: {error.reason}."
        raise ProviderError(message, kind=ErrorKind.UNAVAILABLE, task=task) from error
    if not response.ok:
        refusal = read_error(provider, response)
        refusal.task = task
        raise refusal
    return (yield from retrieve(provider, task, timeout))
