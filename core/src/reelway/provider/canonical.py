"""What one answer says, as the JSON that ``reelway explain`` prints and that recorded samples are kept with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

from reelway.errors import ConfigurationError, ErrorKind, NotSupported, ProviderError
from reelway.model.http import Headers, HttpResponse, find_header
from reelway.model.observation import Failure, Observation, Status
from reelway.provider.interface import Provider
from reelway.provider.reading import (
    error_reading,
    read_answer,
    read_callback,
    read_create,
    read_error,
    read_result_answer,
)

Reading: TypeAlias = dict[str, Any]


class Call(StrEnum):
    """Which call was answered."""

    CREATE = "create"
    RETRIEVE = "retrieve"
    RESULT = "result"
    CALLBACK = "callback"


UNKNOWN: Final = "unknown"

NOT_FOUND: Final = "not_found"

EMPTY: Final[Reading] = {
    "status": UNKNOWN,
    "provider_status": None,
    "terminal": False,
    "progress": None,
    "created_at": None,
    "completed_at": None,
    "expires_at": None,
    "video_url": None,
    "task_id": None,
    "model": None,
    "error": None,
}
"""The reading of an answer that says nothing."""


def kept_answer(body: bytes, status: int = 200, headers: Headers = ()) -> HttpResponse:
    """An answer of which little but the body was kept: a web page is no answer of an API, so it gets its type."""
    if find_header(headers, "content-type") is None:
        shown = "text/html" if body.lstrip()[:1] == b"<" else "application/json"
        headers = (*headers, ("Content-Type", shown))
    return HttpResponse(status=status, headers=headers, body=body)


def readings(provider: Provider, call: Call, response: HttpResponse, route: str | None) -> list[Reading]:
    """What one answer says; a callback may speak of several tasks.

    Args:
        provider: who answered.
        call: which call was answered.
        response: the answer.
        route: which of the provider's read paths; None for the one that fits.

    Raises:
        ConfigurationError: the provider has no such route.
        NotSupported: the provider has no such call.
    """
    if call is Call.CALLBACK:
        return _callback(provider, response)
    if call is Call.RESULT and not provider.info.ended:
        raise NotSupported(f"A poll of {provider.info.title} tells the end.", hint="Read it as a retrieve.")
    routes = routes_of(provider)
    if route is not None and route not in routes:
        have = ", ".join(filter(None, routes)) or "only the main one"
        raise ConfigurationError(f"{provider.info.title} has no route {route!r}; it has: {have}.")
    tried = [_answered(provider, call, response, one) for one in (routes if route is None else [route])]
    return [next((one for one in tried if one["task_id"] and one["status"] != UNKNOWN), tried[0])]


def routes_of(provider: Provider) -> list[str]:
    """The provider's read paths, as its models use them; the main one first, where there is one."""
    used = dict.fromkeys(provider.route(spec.name) for spec in provider.models.models)
    return sorted(used, key=bool) or [""]


Read: TypeAlias = Callable[[Provider, HttpResponse, str], Observation]

READERS: Final[Mapping[Call, Read]] = {
    Call.CREATE: read_create,
    Call.RETRIEVE: read_answer,
    Call.RESULT: read_result_answer,
}


def _answered(provider: Provider, call: Call, response: HttpResponse, route: str) -> Reading:
    try:
        return canonical(READERS[call](provider, response, route))
    except ProviderError as error:
        return _unread(error) if response.ok else _refused(provider, call, response)


def _callback(provider: Provider, response: HttpResponse) -> list[Reading]:
    try:
        said = read_callback(provider, response.headers, response.body, verified=False)
    except ProviderError as error:
        return [_unread(error)]
    nothing = ProviderError("The callback speaks of no task.", kind=ErrorKind.PROTOCOL)
    return [canonical(one) for one in said] or [_unread(nothing)]


def _refused(provider: Provider, call: Call, response: HttpResponse) -> Reading:
    said = error_reading(provider, response)
    error = read_error(provider, response)
    unknown_task = call is Call.RETRIEVE and said.kind is ErrorKind.NOT_FOUND
    about = _error(said.kind, said.code, said.message or error.message, retryable=error.retryable)
    return EMPTY | {"status": NOT_FOUND if unknown_task else UNKNOWN, "error": about}


def canonical(said: Observation) -> Reading:
    """An observation, with what only its status makes true."""
    ended = said.status is not None and said.status.final
    # Gateways fill in the end time and the link early; only the status makes them true.
    link = said.videos[0].url.reveal() if said.videos and said.status is Status.SUCCEEDED else None
    return EMPTY | {
        "status": UNKNOWN if said.status is None else said.status.value,
        "provider_status": said.provider_status,
        "terminal": ended,
        "progress": said.progress,
        "created_at": moment_text(said.created_at),
        "completed_at": moment_text(said.completed_at) if ended else None,
        "expires_at": moment_text(said.expires_at),
        "video_url": link,
        "task_id": said.task_id,
        "model": said.model,
        "error": said.failure and _failure(said.failure),
    }


def moment_text(moment: datetime | None) -> str | None:
    """A point in time as ISO 8601, in UTC."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _unread(error: ProviderError) -> Reading:
    return EMPTY | {"error": _error(error.kind, error.code, error.message, retryable=error.retryable)}


def _failure(failure: Failure) -> Reading:
    # A job that ended badly stays so: asking again cannot help.
    return _error(failure.kind, failure.code, failure.message, retryable=False)


def _error(kind: StrEnum, code: str | None, message: str | None, *, retryable: bool) -> Reading:
    return {"kind": kind.value, "code": code, "message": message, "retryable": retryable}
