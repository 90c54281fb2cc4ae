"""What went wrong on the way, and how far the exchange had got: foreign exceptions become ours in one table."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Final, Self

from reelway.flow.effects import Phase, TransportError
from reelway.transport.body import BodyRefused
from reelway.transport.guard import AddressRefused, LinkRefused

PHASE_OF_EVENT: Final = {
    "connect_tcp.started": Phase.CONNECTING,
    "connect_tcp.failed": Phase.CONNECTING,
    "connect_tcp.complete": Phase.CONNECTED,
    "start_tls.started": Phase.CONNECTING,
    "start_tls.failed": Phase.CONNECTING,
    "start_tls.complete": Phase.CONNECTED,
    "receive_response_headers.complete": Phase.RECEIVING,
}
"""The transport's trace events, without their prefix, and the phase that each leads to.

Every other event counts as sending at least: a new release may name its events anew, and must not make us believe
that nothing was sent.
"""


class Progress:
    """Listens to one exchange, remembers how far it got, and translates what breaks it. A context manager."""

    def __init__(self) -> None:
        self.phase: Phase | None = None
        self._written = False

    def request_is_written(self) -> None:
        """From now on bytes may leave."""
        self._written = True

    def answer_began(self) -> None:
        """The head of the answer is there."""
        self.phase = Phase.RECEIVING

    def hear(self, event: str, info: Any) -> None:
        """Take note of a trace event."""
        reached = self.phase or Phase.CONNECTING
        heard = PHASE_OF_EVENT.get(event.partition(".")[2], Phase.SENDING)
        # A transport of the user's own may connect anew, and that calls back no byte of the attempt before.
        self.phase = max(reached, heard) if reached.request_may_have_left else heard

    async def hear_async(self, event: str, info: Any) -> None:
        """Take note of a trace event."""
        self.hear(event, info)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, caught: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(caught, Exception):
            return
        trouble = self.error(caught)
        # The frames of the libraries hold the key and signed links. A chained exception keeps its frames, and
        # reports print them; so nothing of it goes along.
        del caught, trace
        try:
            raise trouble
        finally:
            trouble.__context__ = None

    def error(self, caught: Exception) -> TransportError:
        """Translate a foreign exception; without any event, its class decides, in doubt against us."""
        refused = next((cause for cause in _causes(caught) if isinstance(cause, AddressRefused)), None)
        if refused is not None:
            reason = f"the address is not allowed ({refused.reason})"
            return TransportError(Phase.CONNECTING, reason, refused=True)
        if isinstance(caught, LinkRefused):
            return TransportError(Phase.CONNECTING, str(caught), refused=True)
        if not self._written:
            reason = f"the request cannot be written ({reason_of(caught)})"
            return TransportError(Phase.CONNECTING, reason, refused=True)
        by_class = Phase.CONNECTING if _is_connect_error(caught) else Phase.SENDING
        return TransportError(self.phase or by_class, reason_of(caught))


REASONS: Final[tuple[tuple[str, str], ...]] = (
    # Class names in both libraries and their connection layers, and what we say. The first match counts.
    ("ConnectTimeout", "connecting took too long"),
    ("ConnectError", "connecting failed"),
    ("PoolTimeout", "no connection became free in time"),
    ("ReadTimeout", "the answer took too long"),
    ("WriteTimeout", "sending took too long"),
    ("TimeoutException", "it took too long"),
    ("TimeoutError", "it took too long"),
    ("RemoteProtocolError", "the answer broke off or broke the rules of HTTP"),
    ("LocalProtocolError", "the request broke the rules of HTTP"),
    ("ReadError", "the connection broke while the answer was awaited"),
    ("WriteError", "the connection broke while the request was sent"),
    ("CloseError", "the connection broke"),
    ("NetworkError", "the connection broke"),
    ("ProxyError", "the proxy refused"),
    ("UnsupportedProtocol", "the address is no http or https address"),
    ("ProtocolError", "the rules of HTTP were broken"),
    ("InvalidURL", "the address is malformed"),
    ("ConnectionNotAvailable", "the connection was busy"),
    ("DecodingError", "the compression is broken"),
    ("TooManyRedirects", "there were too many redirects"),
    ("StreamError", "the answer was read in the wrong order"),
    ("BodyRefused", "the body was refused"),
    ("UnicodeError", "a text holds half a character"),
    ("HTTPError", "the exchange failed"),
    ("CookieConflict", "the exchange failed"),
)


def reason_of(caught: BaseException) -> str:
    """What happened, in our words: those of the libraries may quote addresses and headers."""
    names = {cls.__name__ for cls in type(caught).__mro__}
    unforeseen = f"the connection failed: {type(caught).__name__}"
    reason = next((text for name, text in REASONS if name in names), unforeseen)
    detail = _detail(caught)
    return f"{reason} ({detail})" if detail else reason


def _detail(caught: BaseException) -> str:
    """The system's own word on it, where that can hold no secret."""
    if isinstance(caught, BodyRefused):
        return str(caught)
    for cause in _causes(caught):
        if isinstance(cause, ssl.SSLError):
            return str(getattr(cause, "reason", None) or "TLS failed")
        if isinstance(cause, socket.gaierror):
            return "the host name is not known"
        if isinstance(cause, OSError) and cause.errno is not None:
            return os.strerror(cause.errno)
    return ""


def _causes(caught: BaseException | None) -> Iterator[BaseException]:
    while caught is not None:
        yield caught
        caught = caught.__cause__ or caught.__context__


def _is_connect_error(caught: BaseException) -> bool:
    names = {cls.__name__ for cls in type(caught).__mro__}
    return bool(names & {"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "InvalidURL"})
