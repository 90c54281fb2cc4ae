"""What the sandbox answers: a response, and how the connection treats it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from reelway.model.http import Headers, HttpRequest, HttpResponse


class Behaviour(StrEnum):
    """What happens to the response on its way."""

    ANSWER = "answer"
    """It arrives."""
    DRIP = "drip"
    """It arrives in small pieces, over many seconds."""
    TRUNCATE = "truncate"
    """It promises its whole length; half of the body arrives, and the connection closes."""
    UNDERSTATE = "understate"
    """It promises half of its length; more arrives than was promised."""
    ODD_CHUNKS = "odd chunks"
    """It arrives in chunks of a few bytes."""
    BAD_CHUNKS = "bad chunks"
    """It begins in chunks, and then the size of one is no number."""
    HALF_STATUS = "half status"
    """A part of the status line arrives, and the connection closes."""
    HALF_HEADERS = "half headers"
    """The status line and a part of the headers arrive, and the connection closes."""
    GARBAGE = "garbage"
    """Bytes arrive that are no HTTP."""
    TLS = "tls"
    """The answer is a TLS alert, and the request was not acted on."""
    SILENCE = "silence"
    """Nothing arrives, and the connection stays open."""
    RESET = "reset"
    """Nothing arrives, and the connection is reset after the request was acted on."""
    REFUSE = "refuse"
    """Nothing arrives, the connection is reset, and the request was not acted on."""


NO_RESPONSE: Final = HttpResponse(status=0)
"""Stands where nothing arrives that could be read."""


class Reply(Struct, frozen=True, kw_only=True):
    """One answer of the sandbox.

    Attributes:
        response: what is sent, as far as the behaviour lets it through.
        behaviour: what happens to it on its way.
        seconds: over how long a drip is spread.
        fault: the name of the fault that is to blame; empty for an honest answer.
    """

    response: HttpResponse = NO_RESPONSE
    behaviour: Behaviour = Behaviour.ANSWER
    seconds: float = 0.0
    fault: str = ""

    @property
    def outcome(self) -> str:
        """The HTTP status, or the behaviour where nothing readable arrives."""
        return str(self.response.status or self.behaviour)

    @property
    def arriving(self) -> bytes:
        """The part of the body that arrives."""
        body = self.response.body
        return body[: len(body) // 2] if self.behaviour in _HALVED else body


_HALVED: Final = frozenset({Behaviour.TRUNCATE, Behaviour.UNDERSTATE})


def request_to(url: str, method: str = "GET", headers: Headers = (), body: bytes | None = None) -> HttpRequest:
    """The request that a URL of the sandbox stands for; ``url`` may also be a path with its query."""
    # A target that starts with two slashes is a path here, and would be a host for urlsplit.
    target = url if url.startswith("/") else _path_and_query(url)
    path, _, query = target.partition("#")[0].partition("?")
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    return HttpRequest(method=method, path=path, query=pairs, headers=headers, body=body)


def _path_and_query(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path or '/'}?{parts.query}"
