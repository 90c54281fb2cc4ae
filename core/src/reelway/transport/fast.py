"""Polls over pyreqwest, an HTTP client written in Rust: in event loops, beside httpx2.

Polls are many and cost nothing, so it is here that less work for each is worth a second library. Whatever else is
sent or fetched goes over the usual connections, where each step can be seen and each address judged; and so does
a poll that pyreqwest would write otherwise, or whose server it cannot connect to. What it is not used for:

* In threads. Its own deadline may be passed by seconds where a server floods it with interim answers; in an event
  loop whoever waits is cancelled instead.
* Beside httpx, which trusts a list of its own. Both httpx2 and pyreqwest trust whom the machine trusts.
* In a process that was forked after it began: its threads stay behind, and it says so.

A process that has used it waits a moment before it ends. A thread of pyreqwest that has just handed over an answer
may not have let go of the interpreter yet, and an interpreter that ends meanwhile aborts its process
(open as https://github.com/PyO3/pyo3-async-runtimes/issues/40; one process in four, on a busy machine). The wait
makes that unlikely, and no more.

Two things are less than usual: a poll that is cancelled keeps its connection until its own time is up, and one that
breaks within the beginning of a body counts as if no answer had begun.
"""

from __future__ import annotations

import asyncio
import atexit
import importlib
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from functools import cache, partial
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, cast

from msgspec import Struct

from reelway.flow.effects import Head
from reelway.transport.exchange import Answer, AsyncConnections, Extensions, Library
from reelway.transport.wire import Written, host_of

if TYPE_CHECKING:
    from pyreqwest.client import Client
    from pyreqwest.http import HeaderMap, Url
    from pyreqwest.response import Response

PIECE: Final = 64 * 1024
"""Bytes of a body to read at a time; what it reads ahead is no more."""

UNCONNECTED: Final = "client error (Connect)"
"""What stands among the causes of an error if no connection was made; the error's class does not tell."""

TRUST_VARIABLES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""What names other certificates than the machine's."""

LEAVING_SECONDS: Final = 0.05
"""For threads of pyreqwest to let go of the interpreter before it ends; they need less than a millisecond."""

CONNECT_SECONDS: Final = 10
"""Shared by all addresses of a host; what is left of a poll's time is for the usual connections then."""


def is_usable(library: str, base_url: str) -> bool:
    """Whether polls of an account may go over pyreqwest: it is installed, and trusts whom the library trusts."""
    if library != "httpx2" or find_spec("pyreqwest") is None:
        return False
    named = [name for name in TRUST_VARIABLES if os.environ.get(name)]
    # Where there are both, httpx2 takes the file and pyreqwest both; only on Linux does pyreqwest ask for them.
    return (
        not base_url.startswith("https:") or not named or (named == ["SSL_CERT_FILE"] and sys.platform == "linux")
    )


class _Poll(Struct, frozen=True):
    """A poll, written for pyreqwest, and as it would be written otherwise."""

    request: Any
    written: Written
    extensions: Extensions

    def __repr__(self) -> str:
        # What pyreqwest has sent cannot be shown any more, and reports of errors show whatever they meet.
        return f"_Poll({self.written!r})"


class FastConnections:
    """Connections of an event loop for polls, and the usual ones for those that it does not take."""

    def __init__(self, library: Library, usual: AsyncConnections, keep: int, seconds: float) -> None:
        """``keep`` is how many connections are kept that nobody uses, and ``seconds`` for how long."""
        self._core = library.core
        self._usual = usual
        self._foreign: Any = importlib.import_module("pyreqwest.exceptions")
        self._parse: Any = importlib.import_module("pyreqwest.http").Url
        self._client = _open_client(keep, seconds)

    def request(self, written: Written, extensions: Extensions) -> Any:
        """The request as it is asked with; nothing is sent yet."""
        address = self._address_of(written)
        if self._client is None or address is None:
            return self._usual.request(written, extensions)
        # Whoever waits is cancelled earlier or at the same moment; but only this ends what goes on behind that.
        patience = timedelta(seconds=extensions["timeout"]["read"])
        request = self._client.get(address).headers(written.headers).timeout(patience).build_streamed()
        return _Poll(request, written, extensions)

    async def ask(self, request: Any) -> Answer:
        """Send a request, and give its answer once that has begun."""
        if not isinstance(request, _Poll):
            return await self._usual.ask(request)
        try:
            with self._border:
                response = await request.request.__aenter__()
        except self._core.ConnectError:
            # Nothing was sent. The usual ones may know more addresses and certificates, and tell what is wrong.
            return await self._usual.ask(self._usual.request(request.written, request.extensions))
        head = Head(status=response.status, headers=_headers(response.headers))
        return Answer(head, self._pieces(response), partial(self._let_go, request))

    async def close(self) -> None:
        """Close all, those in use as well."""
        if self._client is not None:
            await self._client.close()

    def _address_of(self, written: Written) -> Url | None:
        """The address, if pyreqwest would write the request as it stands: it resolves dots, and sends any bytes."""
        if written.method != "GET" or not all(value.isascii() for _, value in written.headers):
            return None
        wanted = host_of(written.url) + written.target.decode("ascii")
        address: Url = self._parse(wanted)
        return address if str(address) == wanted else None

    async def _pieces(self, response: Response) -> AsyncIterator[bytes]:
        read = response.body_reader.read
        while True:
            with self._border:
                piece = await read(PIECE)
            if piece is None:
                return
            yield piece.to_bytes()

    async def _let_go(self, poll: _Poll) -> None:
        with self._border:
            await poll.request.__aexit__(None, None, None)

    @property
    def _border(self) -> _Border:
        return _Border(self._core, self._foreign)


class _Border:
    """Around each step that is waited for: a cancellation holds, and what breaks is told in the usual words."""

    def __init__(self, core: Any, foreign: Any) -> None:
        self._core = core
        self._foreign = foreign
        self._task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._cancelled = self._task.cancelling()

    def __enter__(self) -> None:
        return

    def __exit__(
        self, kind: type[BaseException] | None, caught: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task.cancelling() > self._cancelled:
            # An answer that came at the same moment would be given all the same, and nobody would ever stop.
            raise asyncio.CancelledError
        if isinstance(caught, self._foreign.RequestError):
            # One table at the border of this room knows the words of the connection layer.
            raise self._translated(caught) from caught

    def _translated(self, caught: Any) -> Exception:
        name = "ReadError"
        if isinstance(caught, self._foreign.DecodeError):
            name = "RemoteProtocolError"
        elif any(cause["message"] == UNCONNECTED for cause in caught.details["causes"] or ()):
            name = "ConnectError"
        elif isinstance(caught, self._foreign.RequestTimeoutError):
            name = "ReadTimeout"
        error: Exception = getattr(self._core, name)()
        return error


def _open_client(keep: int, seconds: float) -> Client | None:
    builder = importlib.import_module("pyreqwest.client").ClientBuilder()
    builder = builder.http1_only().follow_redirects(enable=False).referer(enable=False).no_proxy()
    for inflate in (builder.gzip, builder.brotli, builder.zstd, builder.deflate):
        builder = inflate(enable=False)
    builder = builder.pool_max_idle_per_host(keep).pool_idle_timeout(timedelta(seconds=seconds))
    builder = builder.connect_timeout(timedelta(seconds=CONNECT_SECONDS))
    try:
        client: Client = builder.build()
    except RuntimeError:
        # This process was forked from one that polled.
        return None
    _leave_slowly()
    return client


@cache
def _leave_slowly() -> None:
    """Have the process wait, once, before it ends."""
    atexit.register(time.sleep, LEAVING_SECONDS)


def _headers(headers: HeaderMap) -> tuple[tuple[str, str], ...]:
    """The headers in their order, without those that pyreqwest does not give: values beyond ASCII."""
    try:
        return tuple(headers.items())
    except ValueError:
        return tuple(_readable(headers))


def _readable(headers: HeaderMap) -> Iterator[tuple[str, str]]:
    for name in dict.fromkeys(headers):
        try:
            values = headers.getall(name)
        except ValueError:
            continue
        yield from ((name, value) for value in values)
