"""The network, over httpx or its successor httpx2. The only module that imports either of them.

Requests go straight to the library's transport, below its client: that would log whole addresses, keep cookies and
read the environment, and none of that is wanted here. Two kinds of connections share nothing: those to an
account's own API carry its key and follow no redirect; those to links that a provider named carry no key, and every
address is judged when it is connected to.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from enum import StrEnum
from functools import cache, partial
from threading import Lock
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from msgspec import Struct

from reelway.errors import ConfigurationError
from reelway.flow.effects import Head, Open, Send, TransportError
from reelway.model.http import Headers, HttpRequest, HttpResponse
from reelway.transport.body import BoundedBody
from reelway.transport.dialing import AsyncBackend, Judge, SyncBackend, deadline_in
from reelway.transport.guard import check_address
from reelway.transport.quiet import keep_values_out_of_logs, quietly
from reelway.transport.trouble import Progress
from reelway.transport.wire import Endpoint, Written, write_api, write_link

if TYPE_CHECKING:
    import httpx

API_BODY_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of an API answer, as sent and as inflated. Task objects have kilobytes."""

CORE_OF: Final = {"httpx": "httpcore", "httpx2": "httpcore2"}
"""The HTTP libraries and the connection layer that each is built on."""

KEEPALIVE_CONNECTIONS: Final = 20
"""Idle ones, to one account."""

KEEPALIVE_SECONDS: Final = 30.0


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

    The function gets a request whose path is that of the URL, and may raise ``TransportError``.
    """
    module, _ = load_library(library)

    def handle(request: httpx.Request) -> httpx.Response:
        try:
            response = respond(_plain_request(request))
        except TransportError as error:
            broken = module.ReadError if error.phase.request_may_have_left else module.ConnectError
            raise broken(error.reason) from error
        answer = module.Response(response.status, headers=list(response.headers), content=response.body)
        return cast("httpx.Response", answer)

    return module.MockTransport(handle)


def _plain_request(request: httpx.Request) -> HttpRequest:
    return HttpRequest(
        method=request.method,
        # The decoded path would join ids that hold a quoted slash to their neighbours.
        path=request.url.raw_path.partition(b"?")[0].decode("ascii"),
        query=tuple(request.url.params.multi_items()),
        headers=tuple(request.headers.multi_items()),
        body=request.read(),
    )


@cache
def tls_context(module: Any) -> Any:
    """How a library encrypts. Making this reads all certificates of the system, so everybody shares one."""
    return module.create_ssl_context()


class Purpose(StrEnum):
    """What a connection is for; each purpose has connections of its own."""

    API = "api"
    CREATE = "create"
    """A fresh connection each time: a stale one would blur whether the request left."""
    LINK = "link"


class _Http:
    """What both colors share: the library, the endpoint, and how connections are made and requests written."""

    transport_class: ClassVar[str]
    pool_class: ClassVar[str]
    backend_class: ClassVar[type[Any]]

    def __init__(self, endpoint: Endpoint, settings: HttpSettings) -> None:
        self._module, self._core = load_library(settings.library)
        keep_values_out_of_logs(self._core.__name__)
        self._endpoint = endpoint
        self._settings = settings
        self._open: dict[Purpose, Any] = {}
        self._owner: object = None
        self._lock = Lock()

    def _transport(self, purpose: Purpose) -> Any:
        """The connections for a purpose, made when they are first needed."""
        # Several threads may need the first one at the same moment.
        with self._lock:
            if self._owner != (owner := self._present_owner()):
                self._open, self._owner = {}, owner
            if purpose not in self._open:
                self._open[purpose] = self._settings.transport or self._network(purpose)
            return self._open[purpose]

    def _network(self, purpose: Purpose) -> Any:
        # No bound on connections: the drivers bound what is sent at once, and downloads must not wait in a queue.
        tls = tls_context(self._module)
        transport = getattr(self._module, self.transport_class)(verify=tls)
        transport._pool = getattr(self._core, self.pool_class)(  # noqa: SLF001
            ssl_context=tls,
            max_connections=None,
            max_keepalive_connections=0 if purpose is Purpose.CREATE else KEEPALIVE_CONNECTIONS,
            keepalive_expiry=KEEPALIVE_SECONDS,
            # The library offers no other way to judge an address between its resolution and the connection.
            network_backend=self.backend_class(self._core, self._judge(purpose)),
        )
        return transport

    def _judge(self, purpose: Purpose) -> Judge:
        if purpose is Purpose.LINK:
            return partial(check_address, allow_private=self._settings.allow_private_links)
        return _allow_all

    def _closing(self) -> list[Any]:
        """What is to be closed. A create under way is paid for, and its connection ends with its answer anyway."""
        with self._lock:
            opened = self._open if self._owner == self._present_owner() else {}
            self._open = {}
            return [
                one for purpose, one in opened.items() if purpose is not Purpose.CREATE or self._settings.transport
            ]

    def _present_owner(self) -> object:
        """Whose connections these are: a fork would share them with its parent, and read answers to the other."""
        return os.getpid()

    def _request(self, written: Written, progress: Progress, trace: Any, seconds: float) -> httpx.Request:
        limits = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        extensions = {**written.extensions, "trace": trace, "timeout": limits}
        request = self._module.Request(
            written.method, written.url, headers=list(written.headers), extensions=extensions, **written.body
        )
        progress.request_is_written()
        return cast("httpx.Request", request)


def _allow_all(address: str) -> None:
    """The user named the account's address; it may be anywhere."""


def _purpose(effect: Open) -> Purpose:
    return Purpose.API if effect.request or effect.keyed else Purpose.LINK


class SyncStream:
    """An open answer, read piece by piece in this thread."""

    def __init__(self, response: httpx.Response, progress: Progress) -> None:
        self._response = response
        self._progress = progress
        self._chunks: Iterator[bytes] = _sync_chunks(response)
        self.head = _head_of(response)

    def read(self, timeout: float) -> bytes:
        """The next bytes, none at the end.

        Raises:
            TransportError: the connection broke, or nothing came in time.
        """
        with self._progress, quietly(), deadline_in(timeout):
            return next(self._chunks, b"")

    def close(self) -> None:
        """Let go of the connection."""
        self._response.close()


class SyncHttp(_Http):
    """One account's network, for threads."""

    transport_class = "HTTPTransport"
    pool_class = "ConnectionPool"
    backend_class = SyncBackend

    def send(self, effect: Send) -> HttpResponse:
        """One exchange with the API.

        Raises:
            TransportError: it broke; the phase tells how far it got.
        """
        purpose = Purpose.CREATE if effect.fresh else Purpose.API
        with Progress() as progress, quietly(), deadline_in(effect.timeout):
            written = write_api(self._endpoint, effect.request)
            return self._endpoint.clean(_whole(self._answer(purpose, written, progress, effect.timeout)))

    def open(self, effect: Open) -> SyncStream:
        """Start streaming a result.

        Raises:
            TransportError: no answer began.
        """
        with Progress() as progress, quietly(), deadline_in(effect.timeout):
            written = write_link(self._endpoint, effect)
            return SyncStream(self._answer(_purpose(effect), written, progress, effect.timeout), progress)

    def close(self) -> None:
        """Close all connections."""
        for transport in self._closing():
            transport.close()

    def _answer(self, purpose: Purpose, written: Written, progress: Progress, seconds: float) -> httpx.Response:
        request = self._request(written, progress, progress.hear, seconds)
        return cast("httpx.Response", self._transport(purpose).handle_request(request))


class AsyncStream:
    """An open answer, read piece by piece in this task."""

    def __init__(self, response: httpx.Response, progress: Progress) -> None:
        self._response = response
        self._progress = progress
        self._chunks: AsyncIterator[bytes] = _async_chunks(response)
        self.head = _head_of(response)

    async def read(self, timeout: float) -> bytes:
        """The next bytes, none at the end.

        Raises:
            TransportError: the connection broke, or nothing came in time.
        """
        with self._progress, quietly():
            async with asyncio.timeout(timeout):
                return await anext(self._chunks, b"")

    async def close(self) -> None:
        """Let go of the connection."""
        await self._response.aclose()


class AsyncHttp(_Http):
    """One account's network, for tasks of an event loop."""

    transport_class = "AsyncHTTPTransport"
    pool_class = "AsyncConnectionPool"
    backend_class = AsyncBackend

    def _present_owner(self) -> object:
        # Connections outlive no event loop: a program may call asyncio.run() several times with one client.
        return os.getpid(), asyncio.get_running_loop()

    async def send(self, effect: Send) -> HttpResponse:
        """One exchange with the API.

        Raises:
            TransportError: it broke; the phase tells how far it got.
        """
        purpose = Purpose.CREATE if effect.fresh else Purpose.API
        with Progress() as progress, quietly():
            written = write_api(self._endpoint, effect.request)
            async with asyncio.timeout(effect.timeout):
                answer = await self._answer(purpose, written, progress, effect.timeout)
                return self._endpoint.clean(await _whole_async(answer))

    async def open(self, effect: Open) -> AsyncStream:
        """Start streaming a result.

        Raises:
            TransportError: no answer began.
        """
        with Progress() as progress, quietly():
            written = write_link(self._endpoint, effect)
            async with asyncio.timeout(effect.timeout):
                return AsyncStream(
                    await self._answer(_purpose(effect), written, progress, effect.timeout), progress
                )

    async def close(self) -> None:
        """Close all connections."""
        for transport in self._closing():
            await transport.aclose()

    async def _answer(
        self, purpose: Purpose, written: Written, progress: Progress, seconds: float
    ) -> httpx.Response:
        request = self._request(written, progress, progress.hear_async, seconds)
        return cast("httpx.Response", await self._transport(purpose).handle_async_request(request))


def _head_of(response: httpx.Response) -> Head:
    return Head(status=response.status_code, headers=_headers_of(response))


def _headers_of(response: httpx.Response) -> Headers:
    return tuple(response.headers.multi_items())


def _bounded(response: httpx.Response) -> BoundedBody:
    # A response that was made whole, as mocks make them, is decoded already.
    encoding = "" if response.is_stream_consumed else response.headers.get("content-encoding", "")
    return BoundedBody(encoding, API_BODY_LIMIT)


def _whole(response: httpx.Response) -> HttpResponse:
    try:
        body = _bounded(response)
        for chunk in _sync_chunks(response):
            body.add(chunk)
    finally:
        response.close()
    return HttpResponse(status=response.status_code, headers=_headers_of(response), body=body.whole())


async def _whole_async(response: httpx.Response) -> HttpResponse:
    try:
        body = _bounded(response)
        async for chunk in _async_chunks(response):
            body.add(chunk)
    finally:
        await response.aclose()
    return HttpResponse(status=response.status_code, headers=_headers_of(response), body=body.whole())


def _sync_chunks(response: httpx.Response) -> Iterator[bytes]:
    return iter((response.content,)) if response.is_stream_consumed else response.iter_raw()


async def _async_chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    if response.is_stream_consumed:
        yield response.content
        return
    async for chunk in response.aiter_raw():
        yield chunk
