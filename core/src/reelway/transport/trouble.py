"""What went wrong on the way, and how far the exchange had got: foreign exceptions become ours in one table."""

from __future__ import annotations

import socket
import ssl
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, Self

from reelway.flow.effects import Phase, TransportError
from reelway.transport.body import BodyRefused
from reelway.transport.guard import AddressRefused, LinkRefused

PHASE_OF_EVENT: Final = {
    "connect_tcp.started": Phase.CONNECTING,
    "connect_tcp.complete": Phase.CONNECTED,
    "start_tls.started": Phase.CONNECTING,
    "start_tls.complete": Phase.CONNECTED,
    "send_request_headers.started": Phase.SENDING,
    "receive_response_headers.complete": Phase.RECEIVING,
}
"""The transport's trace events, without their prefix, that move an exchange on."""


class Progress:
    """Listens to the trace events of one exchange and remembers how far it got."""

    def __init__(self) -> None:
        self.phase: Phase | None = None

    def hear(self, event: str, info: Any) -> None:
        self.phase = PHASE_OF_EVENT.get(event.partition(".")[2], self.phase)

    async def hear_async(self, event: str, info: Any) -> None:
        self.hear(event, info)

    def error(self, caught: Exception) -> TransportError:
        """Translate a foreign exception; without any event, its class decides, in doubt against us."""
        refused = _find_cause(caught, AddressRefused)
        if refused is not None:
            reason = f"the address is not allowed ({refused.reason})"
            return TransportError(Phase.CONNECTING, reason, refused=True)
        if isinstance(caught, LinkRefused):
            return TransportError(Phase.CONNECTING, str(caught), refused=True)
        by_class = Phase.CONNECTING if _is_connect_error(caught) else Phase.SENDING
        return TransportError(self.phase or by_class, reason_of(caught))


REASONS: Final[tuple[tuple[str, str], ...]] = (
    # Class names in both libraries and their connection layers, and what we say. The first match counts.
    ("ConnectTimeout", "connecting took too long"),
    ("ConnectError", "connecting failed"),
    ("PoolTimeout", "no connection became free in time"),
    ("ReadTimeout", "the answer took too long"),
    ("WriteTimeout", "sending took too long"),
    ("TimeoutError", "it took too long"),
    ("RemoteProtocolError", "the answer broke off or broke the rules of HTTP"),
    ("LocalProtocolError", "the request broke the rules of HTTP"),
    ("ReadError", "the connection broke while the answer was awaited"),
    ("WriteError", "the connection broke while the request was sent"),
    ("CloseError", "the connection broke"),
    ("UnsupportedProtocol", "the address is no http or https address"),
    ("InvalidURL", "the address is malformed"),
    ("BodyRefused", "the body was refused"),
)


def reason_of(caught: BaseException) -> str:
    """What happened, in our words: those of the libraries may quote addresses and headers."""
    names = {cls.__name__ for cls in type(caught).__mro__}
    reason = next((text for name, text in REASONS if name in names), "the connection failed")
    detail = _detail(caught)
    return f"{reason} ({detail})" if detail else reason


def _detail(caught: BaseException) -> str:
    """The system's own word on it, where that can hold no secret."""
    if isinstance(caught, BodyRefused):
        return str(caught)
    cause = _find_cause(caught, OSError)
    if isinstance(cause, ssl.SSLError):
        return cause.reason or "TLS failed"
    if isinstance(cause, socket.gaierror):
        return "the host name is not known"
    return (cause.strerror or "") if cause is not None else ""


def _find_cause(caught: BaseException | None, kind: type[Any]) -> Any:
    while caught is not None:
        if isinstance(caught, kind):
            return caught
        caught = caught.__cause__ or caught.__context__
    return None


def _is_connect_error(caught: BaseException) -> bool:
    names = {cls.__name__ for cls in type(caught).__mro__}
    return bool(names & {"ConnectError", "ConnectTimeout", "PoolTimeout", "UnsupportedProtocol", "InvalidURL"})
