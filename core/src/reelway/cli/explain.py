"""`explain`: one raw answer of a provider, and what Reelway reads in it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from reelway.cli.accounts import chosen_provider
from reelway.cli.options import Options, ProviderOptions
from reelway.cli.plugins import installed
from reelway.cli.run import Run
from reelway.errors import ConfigurationError, InvalidRequest, Problem
from reelway.model.http import HttpResponse
from reelway.provider.canonical import Call, Reading, kept_answer, readings
from reelway.recording.sample import Sample


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
    for_sample: Annotated[
        bool,
        Option("--for-sample", help="Print how the answer came as well, as the reading of a sample says it."),
    ] = False


def explain(
    run: Run,
    file: Annotated[str, Argument(metavar="FILE|-", help="The body of the answer, or a recorded exchange.")],
    which: ProviderOptions,
    answer: AnswerOptions,
) -> None:
    """Read one raw answer and print the canonical reading as JSON.

    The status is "unknown" where the answer gives no known word, and "not_found" where the provider does not know
    the task. An answer that cannot be read has an error of the kind "protocol". Nothing is sent anywhere.
    """
    provider = chosen_provider(which.provider, installed())
    call, response = _as_it_came(_body(file), answer)
    circumstances = _circumstances(answer) if answer.for_sample else {}
    for reading in readings(provider, call, response, answer.route):
        run.screen.document(circumstances | reading)


def _as_it_came(content: bytes, answer: AnswerOptions) -> tuple[Call, HttpResponse]:
    """The answer in a file: a recorded exchange says how it came, and options say it better."""
    usual, exchange = AnswerOptions(), Sample.of(content)
    headers = tuple(map(_header, answer.header))
    if exchange is None:
        return answer.call, kept_answer(content, answer.http_status, headers)
    came = exchange.answer
    call = exchange.answered if answer.call is usual.call else answer.call
    status = came.status if answer.http_status == usual.http_status else answer.http_status
    return call, kept_answer(came.body, status, headers or came.headers)


def _circumstances(answer: AnswerOptions) -> Reading:
    """How the answer came, in the words of a reading file; what is usual is left out."""
    usual = AnswerOptions()
    given = {"call": answer.call.value, "http_status": answer.http_status, "route": answer.route}
    headers = {"headers": dict(map(_header, answer.header))} if answer.header else {}
    return {name: value for name, value in given.items() if value != getattr(usual, name)} | headers


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
