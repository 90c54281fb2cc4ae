"""One exchange: a request goes out, and an answer begins to come in.

There are two ways to have one: over connections of our own, or through a transport that the user put in place of
the network. Both are asked alike and give the same kind of answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any, Final, NamedTuple

from msgspec import Struct

from reelway.flow.effects import Head
from reelway.transport.pool import Pool
from reelway.transport.wire import Written, host_of

Extensions = dict[str, Any]
"""What goes along with a request and not on the wire: timeouts, and who is told of its progress."""

PLACES: Final = 128
"""Hosts whose addresses are remembered in parts."""


class Library(NamedTuple):
    """An HTTP library and the connection layer that it is built on, as modules."""

    client: Any
    core: Any


class Answer(Struct, frozen=True):
    """An answer that has begun; whoever has it reads the stream, and calls ``close`` in any case, once.

    Attributes:
        head: the status and the headers.
        stream: gives the bytes of the body as they come.
        close: lets go of the connection.
        line: the connection, if it is one of our own.
    """

    head: Head
    stream: Any
    close: Callable[[], Any]
    line: Any = None

    def in_bulk(self, *, wanted: bool) -> None:
        """Have the body in few long pieces, or no longer: the connection is kept, and the next head is no file."""
        if self.line is not None:
            self.line.bulk = wanted


class _Place(Struct, frozen=True):
    """An address up to its port, in parts as the connection layer takes them, and the header that names it."""

    scheme: bytes
    host: bytes
    port: int | None
    header: bytes


class _Connections:
    """What both colors of connections share."""

    def __init__(self, library: Library, make: Callable[[Any], Any], keep: int) -> None:
        self._library = library
        self._pool = Pool[Any](make, keep)

    def request(self, written: Written, extensions: Extensions) -> Any:
        """The request as it is asked with; nothing is sent yet."""
        place = _place(self._library, host_of(written.url))
        core = self._library.core
        return core.Request(
            written.method,
            core.URL(scheme=place.scheme, host=place.host, port=place.port, target=b"/"),
            headers=[("Host", place.header), *written.headers],
            content=written.body or None,
            extensions={**extensions, "target": written.target},
        )

    def _line(self, response: Any) -> Any:
        """The connection of an answer, if it is one of our own.

        Raises:
            RemoteProtocolError: that of the connection layer; the answer was there before its request, which is
                another one's rest.
        """
        line = response.extensions.get("network_stream")
        if not getattr(line, "heard", True):
            raise self._library.core.RemoteProtocolError("an answer came before it was asked for")
        return line


class SyncConnections(_Connections):
    """Connections for threads."""

    def ask(self, request: Any) -> Answer:
        """Send a request, and give its answer once that has begun."""
        connection, stale = self._pool.take(request.url.origin)
        try:
            self._close(stale)
            response = connection.handle_request(request)
            line = self._line(response)
        except BaseException:
            self._close(self._pool.drop(connection))
            raise
        head = head_of(response.status, response.headers)
        return Answer(head, response.stream, partial(self._let_go, connection, response), line)

    def close(self) -> None:
        """Close all, those in use as well."""
        self._close(self._pool.empty())

    def _let_go(self, connection: Any, response: Any) -> None:
        try:
            response.close()
        finally:
            self._close(self._pool.give_back(connection))

    def _close(self, connections: Iterable[Any]) -> None:
        for connection in connections:
            connection.close()


class AsyncConnections(_Connections):
    """Connections for tasks of an event loop."""

    async def ask(self, request: Any) -> Answer:
        """Send a request, and give its answer once that has begun."""
        connection, stale = self._pool.take(request.url.origin)
        try:
            await self._close(stale)
            response = await connection.handle_async_request(request)
            line = self._line(response)
        except BaseException:
            await self._close(self._pool.drop(connection))
            raise
        head = head_of(response.status, response.headers)
        return Answer(head, response.stream, partial(self._let_go, connection, response), line)

    async def close(self) -> None:
        """Close all, those in use as well."""
        await self._close(self._pool.empty())

    async def _let_go(self, connection: Any, response: Any) -> None:
        try:
            await response.aclose()
        finally:
            await self._close(self._pool.give_back(connection))

    async def _close(self, connections: Iterable[Any]) -> None:
        for connection in connections:
            await connection.aclose()


class _StandIn:
    """What both colors of a user's own transport share."""

    def __init__(self, library: Library, transport: Any) -> None:
        self._library = library
        self._transport = transport

    def request(self, written: Written, extensions: Extensions) -> Any:
        """The request as it is asked with; nothing is sent yet."""
        return self._library.client.Request(
            written.method,
            written.url,
            headers=list(written.headers),
            content=written.body or None,
            # The library would rewrite some addresses, and a signature covers every byte.
            extensions={**extensions, "target": written.target},
        )


class SyncStandIn(_StandIn):
    """A transport of the HTTP library, for threads."""

    def ask(self, request: Any) -> Answer:
        """Send a request, and give its answer once that has begun."""
        response = self._transport.handle_request(request)
        head = head_of(response.status_code, response.headers.raw)
        return Answer(head, response.stream, response.close)

    def close(self) -> None:
        """Close it."""
        self._transport.close()


class AsyncStandIn(_StandIn):
    """A transport of the HTTP library, for tasks of an event loop."""

    async def ask(self, request: Any) -> Answer:
        """Send a request, and give its answer once that has begun."""
        response = await self._transport.handle_async_request(request)
        head = head_of(response.status_code, response.headers.raw)
        return Answer(head, response.stream, response.aclose)

    async def close(self) -> None:
        """Close it."""
        await self._transport.aclose()


def head_of(status: int, raw: Iterable[tuple[bytes, bytes]]) -> Head:
    """The head of an answer: headers in their order and as texts, their names in lower case."""
    return Head(status=status, headers=tuple((_text(name).lower(), _text(value)) for name, value in raw))


def _text(value: bytes) -> str:
    # Of what is beyond ASCII nothing is known (RFC 9110, 5.5); today it is mostly UTF-8, and it was ISO 8859-1.
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


@lru_cache(PLACES)
def _place(library: Library, address: str) -> _Place:
    url = library.client.URL(address)
    return _Place(url.raw_scheme, url.raw_host, url.port, url.netloc)
