"""`explain`: one raw answer of a provider, and what Reelway reads in it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, TypeAlias

from typer import Argument, Option

from reelway.cli.accounts import chosen_provider
from reelway.cli.options import Options, ProviderOptions
from reelway.cli.run import Run
from reelway.cli.shapes import Shape, moment_shape
from reelway.errors import ConfigurationError, ErrorKind, InvalidRequest, Problem, ProviderError
from reelway.model.http import Headers, HttpResponse, find_header
from reelway.model.observation import Failure, Observation, Status
from reelway.provider.interface import Provider
from reelway.provider.reading import error_reading, read_answer, read_callback, read_create, read_error
from reelway.provider.registry import Registry


class Call(StrEnum):
    """Which call was answered."""

    CREATE = "create"
    RETRIEVE = "retrieve"
    CALLBACK = "callback"


class AnswerOptions(Options, frozen=True, kw_only=True):
    """What is known of the answer beside its body."""

    call: Annotated[Call, Option("--call", help="Which call was answered.")] = Call.RETRIEVE
    http_status: Annotated[
        int, Option("--http-status", metavar="NUMBER", min=100, max=599, help="The HTTP status.")
    ] = 200
    header: Annotated[
        list[str],
        Option("--header", metavar="NAME:VALUE", help="An HTTP header. Repeatable.", show_default=False),
    ] = []
    route: Annotated[
        str | None,
        Option("--route", metavar="NAME", help="Which of the provider's read paths; by default the one that fits."),
    ] = None


def explain(
    run: Run,
    file: Annotated[str, Argument(metavar="FILE|-", help="The body of the answer.")],
    which: ProviderOptions,
    answer: AnswerOptions,
) -> None:
    """Read one raw answer and print the canonical reading as JSON.

    The status is "unknown" where the answer gives no known word, and "not_found" where the provider does not know
    the task. An answer that cannot be read has an error of the kind "protocol". Nothing is sent anywhere.
    """
    provider = chosen_provider(which.provider, Registry.installed())
    body = _body(file)
    headers = _with_type(tuple(map(_header, answer.header)), body)
    response = HttpResponse(status=answer.http_status, headers=headers, body=body)
    for reading in readings(provider, answer.call, response, answer.route):
        run.screen.document(reading)


def readings(provider: Provider, call: Call, response: HttpResponse, route: str | None) -> list[Shape]:
    """What one answer says; a callback may speak of several tasks.

    Raises:
        ConfigurationError: the provider has no such route.
        NotSupported: the provider has no callbacks.
    """
    if call is Call.CALLBACK:
        return _callback(provider, response)
    if not response.ok:
        return [_refused(provider, call, response)]
    routes = routes_of(provider)
    if route is not None and route not in routes:
        have = ", ".join(filter(None, routes)) or "only the main one"
        raise ConfigurationError(f"{provider.info.title} has no route {route!r}; it has: {have}.")
    tried = [_answered(provider, call, response, one) for one in (routes if route is None else [route])]
    return [next((one for one in tried if one["task_id"] and one["status"] != UNKNOWN), tried[0])]


def routes_of(provider: Provider) -> list[str]:
    """The provider's read paths, as its models use them; the main one first."""
    return list(dict.fromkeys(["", *(provider.route(spec.name) for spec in provider.models.models)]))


UNKNOWN: Final = "unknown"

NOT_FOUND: Final = "not_found"

Read: TypeAlias = Callable[[Provider, HttpResponse, str], Observation]

READERS: Final[Mapping[Call, Read]] = {Call.CREATE: read_create, Call.RETRIEVE: read_answer}


def _answered(provider: Provider, call: Call, response: HttpResponse, route: str) -> Shape:
    try:
        return _reading(READERS[call](provider, response, route))
    except ProviderError as error:
        return _unread(error)


def _callback(provider: Provider, response: HttpResponse) -> list[Shape]:
    try:
        said = read_callback(provider, response.headers, response.body, verified=False)
    except ProviderError as error:
        return [_unread(error)]
    nothing = ProviderError("The callback speaks of no task.", kind=ErrorKind.PROTOCOL)
    return [_reading(one) for one in said] or [_unread(nothing)]


def _refused(provider: Provider, call: Call, response: HttpResponse) -> Shape:
    said = error_reading(provider, response)
    error = read_error(provider, response)
    unknown_task = call is Call.RETRIEVE and said.kind is ErrorKind.NOT_FOUND
    about = _error(said.kind, said.code, said.message or error.message, retryable=error.retryable)
    return EMPTY | {"status": NOT_FOUND if unknown_task else UNKNOWN, "error": about}


EMPTY: Final[Shape] = {
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


def _reading(said: Observation) -> Shape:
    ended = said.status is not None and said.status.final
    # Gateways fill in the end time and the link early; only the status makes them true.
    link = said.videos[0].url.reveal() if said.videos and said.status is Status.SUCCEEDED else None
    return EMPTY | {
        "status": UNKNOWN if said.status is None else said.status.value,
        "provider_status": said.provider_status,
        "terminal": ended,
        "progress": said.progress,
        "created_at": moment_shape(said.created_at),
        "completed_at": moment_shape(said.completed_at) if ended else None,
        "expires_at": moment_shape(said.expires_at),
        "video_url": link,
        "task_id": said.task_id,
        "model": said.model,
        "error": said.failure and _failure(said.failure),
    }


def _unread(error: ProviderError) -> Shape:
    return EMPTY | {"error": _error(error.kind, error.code, error.message, retryable=error.retryable)}


def _failure(failure: Failure) -> Shape:
    # A job that ended badly stays so: asking again cannot help.
    return _error(failure.kind, failure.code, failure.message, retryable=False)


def _error(kind: StrEnum, code: str | None, message: str | None, *, retryable: bool) -> Shape:
    return {"kind": kind.value, "code": code, "message": message, "retryable": retryable}


def _body(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from error


def _header(written: str) -> tuple[str, str]:
    name, colon, value = written.partition(":")
    if not (name.strip() and colon):
        raise InvalidRequest([Problem(field="header", message=f"{written!r} is not of the form NAME:VALUE")])
    return name.strip(), value.strip()


def _with_type(headers: Headers, body: bytes) -> Headers:
    """The headers, with the type that the body shows where none was given: a web page is no answer of an API."""
    if find_header(headers, "content-type") is not None:
        return headers
    shown = "text/html" if body.lstrip()[:1] == b"<" else "application/json"
    return (*headers, ("Content-Type", shown))
