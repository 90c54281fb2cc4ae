"""The network, over httpx or its successor httpx2. The only module that imports either of them.

Requests go straight to the library's transport, below its client: that would log whole addresses, keep cookies and
read the environment, and none of that is wanted here. Two kinds of connections share nothing: those to an
account's own API carry its key and follow no redirect; those to links that a provider named carry no key, and every
address is judged when it is connected to.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable, Iterator
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import Struct

from reelway.errors import ConfigurationError
from reelway.flow.effects import Head, Open, Send, TransportError
from reelway.model.http import Headers, HttpRequest, HttpResponse
from reelway.transport.body import BoundedBody
from reelway.transport.dialing import AsyncBackend, Judge, SyncBackend, deadline_in
from reelway.transport.guard import check_address
from reelway.transport.trouble import Progress
from reelway.transport.wire import Endpoint, Written, write_api, write_link

if TYPE_CHECKING:
    import httpx

API_BODY_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of an API answer, as sent and as inflated. Task objects have kilobytes."""

CORE_OF: Final = {"httpx": "httpcore", "httpx2": "httpcore2"}
"""The HTTP libraries and the connection layer that each is built on."""

MAX_CONNECTIONS: Final = 20
"""To one account at once; drivers bound what enters the pool, because a crowded pool is slow."""

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


class _Http:
    """What both colors share: the library, the endpoint, and how an exchange is written and judged."""

    def __init__(self, endpoint: Endpoint, settings: HttpSettings) -> None:
        self._module, self._core = load_library(settings.library)
        self._endpoint = endpoint
        self._settings = settings

    def _request(self, written: Written, trace: Any, seconds: float) -> httpx.Request:
        limits = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
        extensions = {**written.extensions, "trace": trace, "timeout": limits}
        request = self._module.Request(
            written.method, written.url, headers=list(written.headers), extensions=extensions, **written.body
        )
        return cast("httpx.Request", request)

    @property
    def _link_judge(self) -> Judge:
        return partial(check_address, allow_private=self._settings.allow_private_links)

    @cached_property
    def _tls(self) -> Any:
        # Making one reads the certificates, so all connections of an account share it.
        return self._module.create_ssl_context()

    def _pool(self, kind: str, backend: Any, *, keepalive: int) -> Any:
        return getattr(self._core, kind)(
            ssl_context=self._tls,
            max_connections=MAX_CONNECTIONS,
            max_keepalive_connections=keepalive,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=backend,
        )


def _allow_all(address: str) -> None:
    """The user named the account's address; it may be anywhere."""


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
        try:
            with deadline_in(timeout):
                return next(self._chunks, b"")
        except Exception as error:
            raise self._progress.error(error) from error

    def close(self) -> None:
        """Let go of the connection."""
        self._response.close()


class SyncHttp(_Http):
    """One account's network, for threads."""

    def send(self, effect: Send) -> HttpResponse:
        """One exchange with the API.

        Raises:
            TransportError: it broke; the phase tells how far it got.
        """
        progress = Progress()
        written = write_api(self._endpoint, effect.request)
        try:
            with deadline_in(effect.timeout):
                transport = self._fresh if effect.fresh else self._api
                response = transport.handle_request(self._request(written, progress.hear, effect.timeout))
                return _whole(response)
        except Exception as error:
            raise progress.error(error) from error

    def open(self, effect: Open) -> SyncStream:
        """Start streaming a result.

        Raises:
            TransportError: no answer began.
        """
        progress = Progress()
        transport = self._api if effect.request or effect.keyed else self._links
        try:
            with deadline_in(effect.timeout):
                written = write_link(self._endpoint, effect)
                response = transport.handle_request(self._request(written, progress.hear, effect.timeout))
                return SyncStream(response, progress)
        except Exception as error:
            raise progress.error(error) from error

    def close(self) -> None:
        """Close all connections."""
        for name in ("_api", "_fresh", "_links"):
            if name in self.__dict__:
                self.__dict__.pop(name).close()

    @cached_property
    def _api(self) -> httpx.BaseTransport:
        return self._transport(_allow_all, MAX_CONNECTIONS)

    @cached_property
    def _fresh(self) -> httpx.BaseTransport:
        return self._transport(_allow_all, 0)

    @cached_property
    def _links(self) -> httpx.BaseTransport:
        return self._transport(self._link_judge, MAX_CONNECTIONS)

    def _transport(self, judge: Judge, keepalive: int) -> httpx.BaseTransport:
        if self._settings.transport is not None:
            return cast("httpx.BaseTransport", self._settings.transport)
        transport = self._module.HTTPTransport(verify=self._tls)
        # The library offers no other way to judge an address between its resolution and the connection.
        backend = SyncBackend(self._core, judge)
        transport._pool = self._pool("ConnectionPool", backend, keepalive=keepalive)  # noqa: SLF001
        return cast("httpx.BaseTransport", transport)


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
        try:
            async with asyncio.timeout(timeout):
                return await anext(self._chunks, b"")
        except Exception as error:
            raise self._progress.error(error) from error

    async def close(self) -> None:
        """Let go of the connection."""
        await self._response.aclose()


class AsyncHttp(_Http):
    """One account's network, for tasks of an event loop."""

    async def send(self, effect: Send) -> HttpResponse:
        """One exchange with the API.

        Raises:
            TransportError: it broke; the phase tells how far it got.
        """
        progress = Progress()
        written = write_api(self._endpoint, effect.request)
        try:
            async with asyncio.timeout(effect.timeout):
                transport = self._fresh if effect.fresh else self._api
                request = self._request(written, progress.hear_async, effect.timeout)
                return await _whole_async(await transport.handle_async_request(request))
        except Exception as error:
            raise progress.error(error) from error

    async def open(self, effect: Open) -> AsyncStream:
        """Start streaming a result.

        Raises:
            TransportError: no answer began.
        """
        progress = Progress()
        transport = self._api if effect.request or effect.keyed else self._links
        try:
            async with asyncio.timeout(effect.timeout):
                written = write_link(self._endpoint, effect)
                request = self._request(written, progress.hear_async, effect.timeout)
                return AsyncStream(await transport.handle_async_request(request), progress)
        except Exception as error:
            raise progress.error(error) from error

    async def close(self) -> None:
        """Close all connections."""
        for name in ("_api", "_fresh", "_links"):
            if name in self.__dict__:
                await self.__dict__.pop(name).aclose()

    @cached_property
    def _api(self) -> httpx.AsyncBaseTransport:
        return self._transport(_allow_all, MAX_CONNECTIONS)

    @cached_property
    def _fresh(self) -> httpx.AsyncBaseTransport:
        return self._transport(_allow_all, 0)

    @cached_property
    def _links(self) -> httpx.AsyncBaseTransport:
        return self._transport(self._link_judge, MAX_CONNECTIONS)

    def _transport(self, judge: Judge, keepalive: int) -> httpx.AsyncBaseTransport:
        if self._settings.transport is not None:
            return cast("httpx.AsyncBaseTransport", self._settings.transport)
        transport = self._module.AsyncHTTPTransport(verify=self._tls)
        # The library offers no other way to judge an address between its resolution and the connection.
        backend = AsyncBackend(self._core, judge)
        transport._pool = self._pool("AsyncConnectionPool", backend, keepalive=keepalive)  # noqa: SLF001
        return cast("httpx.AsyncBaseTransport", transport)


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
