"""The network, over httpx or its successor httpx2. The only module that imports either of them.

Requests go straight to the library's connections, below its client and its pool. The client would log whole
addresses, keep cookies and read the environment, and none of that is wanted here. Two kinds of connections share
nothing: those to an account's own API carry its key and follow no redirect; those to links that a provider named
carry no key, and every address is judged when it is connected to.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from collections.abc import AsyncIterator, Callable, Iterator
from enum import StrEnum
from functools import cache, partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

from msgspec import Struct

from reelway.errors import ConfigurationError
from reelway.flow.effects import Open, Send, TransportError
from reelway.locks import ForkSafeLock
from reelway.model.http import HttpRequest, HttpResponse, find_header
from reelway.provider.soundness import MOST_BYTES
from reelway.transport.body import BoundedBody
from reelway.transport.dialing import AsyncBackend, Judge, SyncBackend, deadline_in
from reelway.transport.exchange import (
    Answer,
    AsyncConnections,
    AsyncStandIn,
    Extensions,
    Library,
    SyncConnections,
    SyncStandIn,
)
from reelway.transport.fast import FastConnections, is_usable
from reelway.transport.guard import check_address
from reelway.transport.quiet import keep_values_out_of_logs, quietly
from reelway.transport.trouble import Progress
from reelway.transport.wire import Endpoint, Written, write_api, write_link

if TYPE_CHECKING:
    import httpx

API_BODY_LIMIT: Final = MOST_BYTES
"""Bytes of an API answer, as sent and as inflated."""

CORE_OF: Final = {"httpx": "httpcore", "httpx2": "httpcore2"}
"""The HTTP libraries and the connection layer that each is built on."""

KEEPALIVE_SECONDS: Final = 30.0


class HttpSettings(Struct, frozen=True, kw_only=True):
    """How the network is used.

    Attributes:
        library: ``httpx`` or ``httpx2``.
        transport: a transport of that library to use instead of the network, such as its ``MockTransport``.
        allow_private_links: whether result links may lead to loopback and private addresses.
        fast: whether polls may go over pyreqwest, where it is installed and trusts whom the library trusts.
    """

    library: str = "httpx"
    transport: Any = None
    allow_private_links: bool = False
    fast: bool = True


def load_library(name: str) -> Library:
    """The HTTP library and its connection layer.

    Raises:
        ConfigurationError: it is unknown or not installed.
    """
    if name not in CORE_OF:
        raise ConfigurationError(f"There is no HTTP library {name!r}; choose from {', '.join(CORE_OF)}.")
    try:
        return Library(importlib.import_module(name), importlib.import_module(CORE_OF[name]))
    except ModuleNotFoundError as error:
        hint = f"Install it: python -m pip install 'reelway[{name}]'"
        raise ConfigurationError(f"The HTTP library {name!r} is not installed.", hint=hint) from error


def in_process(respond: Callable[[HttpRequest], HttpResponse], library: str = "httpx") -> Any:
    """A transport that answers from a function, for ``Client(transport=…)`` in tests.

    The function gets a request whose path is that of the URL, and may raise ``TransportError``.
    """
    module = load_library(library).client

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
    POLL = "poll"
    """Of its own only where polls go over another library."""
    CREATE = "create"
    """A fresh connection each time: a stale one would blur whether the request left."""
    LINK = "link"


KEPT: Final = {Purpose.API: 64, Purpose.POLL: 64, Purpose.CREATE: 0, Purpose.LINK: 20}
"""Connections of an account that are kept while nobody uses them; of its API as many as there are polls at once."""


class _Http:
    """What both colors share: the library, the endpoint, and a channel for each purpose."""

    stand_in_class: ClassVar[type[Any]]
    connections_class: ClassVar[type[Any]]
    connection_class: ClassVar[str]
    backend_class: ClassVar[type[Any]]

    def __init__(self, endpoint: Endpoint, settings: HttpSettings) -> None:
        self._library = load_library(settings.library)
        keep_values_out_of_logs(self._library.core.__name__)
        self._endpoint = endpoint
        self._settings = settings
        self._open: dict[Purpose, Any] = {}
        self._owner: object = None
        self._lock = ForkSafeLock()

    def _channel(self, purpose: Purpose) -> Any:
        """What exchanges for a purpose go through, made when it is first needed."""
        # Several threads may need the first one at the same moment.
        with self._lock:
            if self._owner != (owner := self._present_owner()):
                self._open, self._owner = {}, owner
            if purpose not in self._open:
                self._open[purpose] = self._new_channel(purpose)
            return self._open[purpose]

    def _new_channel(self, purpose: Purpose) -> Any:
        if self._settings.transport is not None:
            return self.stand_in_class(self._library, self._settings.transport)
        make = partial(
            getattr(self._library.core, self.connection_class),
            ssl_context=tls_context(self._library.client),
            keepalive_expiry=KEEPALIVE_SECONDS,
            # The library offers no other way to judge an address between its resolution and the connection.
            network_backend=self.backend_class(self._library.core, self._judge(purpose)),
        )
        return self.connections_class(self._library, make, KEPT[purpose])

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


def _allow_all(address: str) -> None:
    """The user named the account's address; it may be anywhere."""


def _purpose(effect: Open) -> Purpose:
    return Purpose.API if effect.request or effect.keyed else Purpose.LINK


def _extensions(purpose: Purpose, trace: Any, seconds: float) -> Extensions:
    limits: Extensions = {"timeout": dict.fromkeys(("connect", "read", "write", "pool"), seconds)}
    # Only of a create it matters how far it got, and telling costs a call for each of a dozen events.
    return {**limits, "trace": trace} if purpose is Purpose.CREATE else limits


class SyncStream:
    """An open answer, read piece by piece in this thread."""

    def __init__(self, answer: Answer, progress: Progress) -> None:
        self._answer = answer
        self._progress = progress
        self._chunks: Iterator[bytes] = iter(answer.stream)
        self.head = answer.head
        answer.in_bulk(wanted=True)

    def read(self, timeout: float) -> bytes:
        """The next bytes, none at the end.

        Raises:
            TransportError: the connection broke, or nothing came in time.
        """
        with self._progress, quietly(), deadline_in(timeout):
            return next(self._chunks, b"")

    def close(self) -> None:
        """Let go of the connection."""
        self._answer.in_bulk(wanted=False)
        self._answer.close()


class SyncHttp(_Http):
    """One account's network, for threads."""

    stand_in_class = SyncStandIn
    connections_class = SyncConnections
    connection_class = "HTTPConnection"
    backend_class = SyncBackend

    def send(self, effect: Send) -> HttpResponse:
        """One exchange with the API.

        Raises:
            TransportError: it broke; the phase tells how far it got.
        """
        purpose = Purpose.CREATE if effect.fresh else Purpose.API
        with Progress() as progress, quietly(), deadline_in(effect.timeout):
            written = write_api(self._endpoint, effect.request)
            answer = self._ask(purpose, written, progress, effect.timeout)
            return self._endpoint.clean(_whole(answer))

    def open(self, effect: Open) -> SyncStream:
        """Start streaming a result.

        Raises:
            TransportError: no answer began.
        """
        with Progress() as progress, quietly(), deadline_in(effect.timeout):
            written = write_link(self._endpoint, effect)
            return SyncStream(self._ask(_purpose(effect), written, progress, effect.timeout), progress)

    def close(self) -> None:
        """Close all connections."""
        for channel in self._closing():
            channel.close()

    def _ask(self, purpose: Purpose, written: Written, progress: Progress, seconds: float) -> Answer:
        channel = self._channel(purpose)
        request = channel.request(written, _extensions(purpose, progress.hear, seconds))
        progress.request_is_written()
        answer: Answer = channel.ask(request)
        progress.answer_began()
        return answer


class AsyncStream:
    """An open answer, read piece by piece in this task."""

    def __init__(self, answer: Answer, progress: Progress) -> None:
        self._answer = answer
        self._progress = progress
        self._chunks: AsyncIterator[bytes] = aiter(answer.stream)
        self.head = answer.head
        answer.in_bulk(wanted=True)

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
        self._answer.in_bulk(wanted=False)
        await self._answer.close()


class AsyncHttp(_Http):
    """One account's network, for tasks of an event loop."""

    stand_in_class = AsyncStandIn
    connections_class = AsyncConnections
    connection_class = "AsyncHTTPConnection"
    backend_class = AsyncBackend

    def __init__(self, endpoint: Endpoint, settings: HttpSettings) -> None:
        super().__init__(endpoint, settings)
        fast = settings.fast and settings.transport is None and is_usable(settings.library, endpoint.base_url)
        self._polls = Purpose.POLL if fast else Purpose.API

    def _new_channel(self, purpose: Purpose) -> Any:
        if purpose is not Purpose.POLL:
            return super()._new_channel(purpose)
        usual = self._open.setdefault(Purpose.API, super()._new_channel(Purpose.API))
        return FastConnections(self._library, usual, KEPT[purpose], KEEPALIVE_SECONDS)

    def _present_owner(self) -> object:
        # Connections outlive no event loop: a program may call asyncio.run() several times with one client.
        return os.getpid(), asyncio.get_running_loop()

    async def send(self, effect: Send) -> HttpResponse:
        """One exchange with the API.

        Raises:
            TransportError: it broke; the phase tells how far it got.
        """
        purpose = Purpose.CREATE if effect.fresh else self._polls
        with Progress() as progress, quietly():
            written = write_api(self._endpoint, effect.request)
            async with asyncio.timeout(effect.timeout):
                answer = await self._ask(purpose, written, progress, effect.timeout)
                return self._endpoint.clean(await _whole_async(answer))

    async def open(self, effect: Open) -> AsyncStream:
        """Start streaming a result.

        Raises:
            TransportError: no answer began.
        """
        with Progress() as progress, quietly():
            written = write_link(self._endpoint, effect)
            async with asyncio.timeout(effect.timeout):
                return AsyncStream(await self._ask(_purpose(effect), written, progress, effect.timeout), progress)

    async def close(self) -> None:
        """Close all connections."""
        for channel in self._closing():
            await channel.close()

    async def _ask(self, purpose: Purpose, written: Written, progress: Progress, seconds: float) -> Answer:
        channel = self._channel(purpose)
        request = channel.request(written, _extensions(purpose, progress.hear_async, seconds))
        progress.request_is_written()
        answer: Answer = await channel.ask(request)
        progress.answer_began()
        return answer


def _whole(answer: Answer) -> HttpResponse:
    try:
        body = _bounded(answer)
        for chunk in answer.stream:
            body.add(chunk)
    finally:
        answer.close()
    return HttpResponse(status=answer.head.status, headers=answer.head.headers, body=body.whole())


async def _whole_async(answer: Answer) -> HttpResponse:
    try:
        body = _bounded(answer)
        async for chunk in answer.stream:
            body.add(chunk)
    finally:
        await answer.close()
    return HttpResponse(status=answer.head.status, headers=answer.head.headers, body=body.whole())


def _bounded(answer: Answer) -> BoundedBody:
    return BoundedBody(find_header(answer.head.headers, "content-encoding") or "", API_BODY_LIMIT)
