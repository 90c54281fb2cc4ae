"""The network, over httpx or its successor httpx2. The only module that imports either of them.

Requests go straight to the library's transport, below its client: the client would log whole addresses, follow
cookies and read the environment, and none of that is wanted here. Two kinds of connections share nothing: those to an
account's own API carry its key and follow no redirect; those to links that a provider named carry no key, and every
address is judged by the guard when they connect.
"""

from __future__ import annotations

import asyncio
import importlib
import socket
import ssl
import threading
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast
from urllib.parse import urlencode, urlsplit

from msgspec import Struct

from reelway.errors import ConfigurationError
from reelway.flow.effects import Head, Open, Phase, Send, TransportError
from reelway.model.http import Headers, HttpRequest, HttpResponse, Multipart
from reelway.model.secret import Secret
from reelway.transport.guard import AddressRefused, LinkRefused, check_address, split_link

if TYPE_CHECKING:
    import httpx

API_BODY_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of an API answer, as sent and as inflated. Task objects have kilobytes."""

CHUNK: Final = 256 * 1024

USER_AGENT: Final = "reelway"

CORE_OF: Final = {"httpx": "httpcore", "httpx2": "httpcore2"}
"""The HTTP libraries and the connection layer that each is built on."""

LIMITS: Final = {"max_connections": 100, "max_keepalive_connections": 20, "keepalive_expiry": 30.0}


class HttpSettings(Struct, frozen=True, kw_only=True):
    """How the network is used.

    Attributes:
        library: ``httpx`` or ``httpx2``.
        transport: a transport of that library to use instead of the network, such as its ``MockTransport``.
        allow_private_links: whether result links may lead to loopback and private addresses.
    """

    library: str = "httpx"
    transport: Any = None
    allow_private_links: bool = False


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where an account's API is and what opens it."""

    base_url: str
    key: Secret

    def owns(self, url: str) -> bool:
        """Whether an address lies below the base URL, so that it may have the key."""
        return url.startswith(self.base_url + "/")


Address: TypeAlias = tuple[str, int]


def load_library(name: str) -> tuple[Any, Any]:
    """The HTTP library and its connection layer.

    Raises:
        ConfigurationError: it is unknown or not installed.
    """
    if name not in CORE_OF:
        raise ConfigurationError(f"There is no HTTP library {name!r}; choose from {', '.join(CORE_OF)}.")
    try:
        return importlib.import_module(name), importlib.import_module(CORE_OF[name])
    except ModuleNotFoundError as error:
        hint = f"Install it: python -m pip install 'reelway[{name}]'"
        raise ConfigurationError(f"The HTTP library {name!r} is not installed.", hint=hint) from error


def in_process(respond: Callable[[HttpRequest], HttpResponse], library: str = "httpx") -> Any:
    """A transport that answers from a function, for ``Client(transport=…)`` in tests.

    The function gets a request whose path is the URL's path, and may raise ``TransportError``.
    """
    module, _ = load_library(library)

    def handle(request: httpx.Request) -> httpx.Response:
        try:
            response = respond(_plain_request(request))
        except TransportError as error:
            broken = module.ReadError if error.phase.request_may_have_left else module.ConnectError
            raise broken(error.reason) from error
        return cast(
            "httpx.Response",
            module.Response(response.status, headers=list(response.headers), content=response.body),
        )

    return module.MockTransport(handle)


def _plain_request(request: httpx.Request) -> HttpRequest:
    return HttpRequest(
        method=request.method,
        path=request.url.path,
        query=tuple(request.url.params.multi_items()),
        headers=tuple(request.headers.multi_items()),
        body=request.read(),
    )


# --- How far an exchange got -------------------------------------------------------------------------------------

PHASE_OF_EVENT: Final = {
    "connect_tcp.started": Phase.CONNECTING,
    "connect_tcp.complete": Phase.CONNECTED,
    "start_tls.started": Phase.CONNECTING,
    "start_tls.complete": Phase.CONNECTED,
    "send_request_headers.started": Phase.SENDING,
    "receive_response_headers.complete": Phase.RECEIVING,
}
"""The transport's trace events, without their prefix, that move an exchange on."""


class _Progress:
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


class BodyRefused(Exception):
    """A body was larger than allowed, or compressed in a way that cannot be bounded."""


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


# --- Writing requests and reading bodies -------------------------------------------------------------------------


class _Wire:
    """Turns our values into the library's and back; knows the endpoint, but does no I/O."""

    def __init__(self, module: Any, endpoint: Endpoint) -> None:
        self._module = module
        self._endpoint = endpoint

    def api_request(self, request: HttpRequest, headers: Headers, extensions: dict[str, Any]) -> httpx.Request:
        query = f"?{urlencode(request.query)}" if request.query else ""
        url = f"{self._endpoint.base_url}/{request.path.lstrip('/')}{query}"
        own = (*_standard_headers(), *self._key_header(), *request.headers, *headers)
        body = _body_arguments(request.body)
        return self._build(request.method, url, own, extensions, **body)

    def link_request(self, effect: Open, extensions: dict[str, Any]) -> httpx.Request:
        if effect.url is None:
            return self.api_request(cast("HttpRequest", effect.request), effect.headers, extensions)
        url = effect.url.reveal()
        key = self._key_header() if effect.keyed else ()
        # The library would rewrite some addresses; a signature covers every byte.
        parts = split_link(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        exact = extensions | {"target": target.encode("ascii")}
        return self._build("GET", url, (*_standard_headers(), *key, *effect.headers), exact)

    def _key_header(self) -> Headers:
        return (("Authorization", f"Bearer {self._endpoint.key.reveal()}"),)

    def _build(
        self, method: str, url: str, headers: Headers, extensions: dict[str, Any], **body: Any
    ) -> httpx.Request:
        request = self._module.Request(method, url, headers=list(headers), extensions=extensions, **body)
        return cast("httpx.Request", request)


def _standard_headers() -> Headers:
    # Identity: a compressed answer could inflate to any size, and a resumed file has to be the file itself.
    return (("User-Agent", USER_AGENT), ("Accept", "*/*"), ("Accept-Encoding", "identity"))


def _body_arguments(body: bytes | Multipart | None) -> dict[str, Any]:
    if body is None:
        return {}
    if isinstance(body, bytes):
        return {"content": body}
    # Fields travel as parts without a file name, which makes the form multipart even where it has no file.
    fields = [(name, (None, value.encode())) for name, value in body.fields]
    files = [(part.field, (part.filename, part.content, part.content_type)) for part in body.files]
    return {"files": [*fields, *files]}


class _BoundedBody:
    """Collects a body within the limit, inflating it within the limit where a server compressed it unasked."""

    def __init__(self, response: httpx.Response, limit: int) -> None:
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        self._inflate = self._inflater(encoding)
        self._limit = limit
        self._parts: list[bytes] = []
        self._received = 0
        self._size = 0

    def add(self, chunk: bytes) -> None:
        self._received += len(chunk)
        if self._received > self._limit:
            raise BodyRefused(f"it is larger than {self._limit} bytes")
        if self._inflate is not None:
            chunk = self._inflated(chunk)
        self._size += len(chunk)
        if self._size > self._limit:
            raise BodyRefused(f"it inflates to more than {self._limit} bytes")
        self._parts.append(chunk)

    def whole(self) -> bytes:
        return b"".join(self._parts)

    def _inflated(self, chunk: bytes) -> bytes:
        try:
            return cast("Any", self._inflate).decompress(chunk, self._limit - self._size + 1)
        except zlib.error as error:
            raise BodyRefused("its compression is broken") from error

    @staticmethod
    def _inflater(encoding: str) -> Any:
        if encoding in {"", "identity"}:
            return None
        if encoding in {"gzip", "x-gzip", "deflate"}:
            return zlib.decompressobj(zlib.MAX_WBITS | 32)
        raise BodyRefused("it is compressed in a way that was not asked for")


def _plain_response(response: httpx.Response, body: bytes) -> HttpResponse:
    return HttpResponse(status=response.status_code, headers=_headers_of(response), body=body)


def _headers_of(response: httpx.Response) -> Headers:
    return tuple(response.headers.multi_items())


def _time_limits(seconds: float) -> dict[str, float]:
    return dict.fromkeys(("connect", "read", "write", "pool"), seconds)
