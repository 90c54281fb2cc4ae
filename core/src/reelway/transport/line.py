"""A connection of an event loop, as the connection layer of the HTTP library reads and writes it.

The library would put two more layers between itself and the loop. Here is none: the loop receives into a buffer of
the connection, which grows when the reader is slower than the network. A file is given in few pieces: all that is
in the buffer at once, and where many bytes come, a read waits for a moment for more of them. Anything else is given
in the pieces that were asked for, since the limits of an answer's head are only as good as those are small.
"""

from __future__ import annotations

import asyncio
import select
from typing import Any, Final

SMALLEST: Final = 16 * 1024
"""Bytes that a buffer begins with: an answer of an API has fewer."""

LARGEST: Final = 1024 * 1024
"""Bytes that may wait for their reader; beyond that the other side has to wait."""

BULK: Final = 16 * 1024
"""From so many bytes of a file on, more are taken to be right behind them."""

GULP: Final = 512 * 1024
"""Bytes of a file to read at once: what is done with a piece costs the same however long it is."""

PATIENCE: Final = 0.01
"""Seconds that may be spent on waiting for them."""


class Line(asyncio.BufferedProtocol):
    """One connection, used by one exchange at a time.

    Its reads and writes know no timeouts: whoever waits for them is cancelled when the time is up.

    Attributes:
        bulk: a file is coming, and is wanted in few pieces, be they longer than asked for.
        heard: something was read since the last write.
    """

    def __init__(self, core: Any) -> None:
        self._core = core
        self._transport: Any = None
        self._buffer = bytearray(SMALLEST)
        self._filled = 0
        self._enough = 1
        self._ended = False
        self._broken_by: Exception | None = None
        self._congested = False
        self._news: asyncio.Future[None] | None = None
        self.bulk = False
        self.heard = False

    # --- what the connection layer calls ---

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Some bytes; none at the end."""
        while not (self._filled or self._ended):
            await self._wait_for_news()
        if self.bulk and BULK <= self._filled < GULP and not self._ended:
            await self._gather()
        if self._broken_by is not None and not self._filled:
            raise self._core.ReadError from self._broken_by
        if not self.bulk and self._filled > max_bytes:
            # Whoever floods a reader must not keep the loop from telling it that its time is up.
            await asyncio.sleep(0)
        self.heard = True
        return self._take(self._filled if self.bulk else min(max_bytes, self._filled))

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All bytes."""
        self.heard = False
        if buffer and not self._ended:
            self._transport.write(buffer)
        while self._congested and not self._ended:
            await self._wait_for_news()
        if self._ended:
            raise self._core.WriteError from self._broken_by

    async def start_tls(
        self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None
    ) -> Line:
        """Go on encrypted. What came before that is nobody's word, and no server speaks first."""
        start = asyncio.get_running_loop().start_tls
        try:
            async with asyncio.timeout(timeout):
                self._transport = await start(self._transport, self, ssl_context, server_hostname=server_hostname)
        except TimeoutError as error:
            raise self._core.ConnectTimeout from error
        except OSError as error:
            raise self._core.ConnectError from error
        if self._filled:
            raise self._core.ConnectError("the server spoke before it was asked")
        return self

    async def aclose(self) -> None:
        """Let go at once."""
        self._transport.abort()
        # The loop closes the socket in its next round.
        await asyncio.sleep(0)

    def get_extra_info(self, info: str) -> Any:
        """What is asked about the connection: above all, whether one that is idle has been closed by the server."""
        if info == "is_readable":
            return bool(self._ended or self._filled or is_readable(self._transport.get_extra_info("socket")))
        return self._transport.get_extra_info(info)

    # --- what the event loop calls ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It stands."""
        self._transport = transport

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go."""
        return memoryview(self._buffer)[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came."""
        self._filled += nbytes
        if self._filled == len(self._buffer):
            self._make_room()
        if self._filled >= self._enough:
            self._tell_news()

    def eof_received(self) -> None:
        """No more bytes will come."""
        self._ended = True
        self._tell_news()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone, orderly or not."""
        self._ended, self._broken_by = True, exc
        self._tell_news()

    def pause_writing(self) -> None:
        """The other side takes no more bytes for now."""
        self._congested = True

    def resume_writing(self) -> None:
        """The other side takes bytes again."""
        self._congested = False
        self._tell_news()

    # --- between the two ---

    def _take(self, size: int) -> bytes:
        data = bytes(memoryview(self._buffer)[:size])
        full, left = self._filled == len(self._buffer), self._filled - size
        self._buffer[:left] = self._buffer[size : self._filled]
        self._filled = left
        if full and size:
            self._transport.resume_reading()
        return data

    def _make_room(self) -> None:
        if len(self._buffer) == LARGEST:
            self._transport.pause_reading()
        else:
            # In place it cannot grow while the loop still looks into it.
            larger = bytearray(min(4 * len(self._buffer), LARGEST))
            larger[: self._filled] = self._buffer
            self._buffer = larger

    async def _gather(self) -> None:
        """Wait for the bytes right behind those that are there."""
        self._enough = GULP
        time_is_up = asyncio.get_running_loop().call_later(PATIENCE, self._tell_news)
        try:
            await self._wait_for_news()
        finally:
            time_is_up.cancel()
            self._enough = 1

    async def _wait_for_news(self) -> None:
        self._news = asyncio.get_running_loop().create_future()
        await self._news

    def _tell_news(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)


async def open_line(core: Any, address: str, port: int, timeout: float | None) -> Line:
    """Connect to an address.

    Raises:
        ConnectError, ConnectTimeout: those of the connection layer.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            _, line = await loop.create_connection(lambda: Line(core), address, port)
    except TimeoutError as error:
        raise core.ConnectTimeout from error
    except OSError as error:
        raise core.ConnectError from error
    return line


def is_readable(socket: Any, seconds: float = 0.0) -> bool:
    """Whether a read would not have to wait, at once or within so many seconds: there are bytes, or the end."""
    if not hasattr(select, "poll"):
        return bool(select.select([socket], [], [], seconds)[0])
    poll = select.poll()
    poll.register(socket.fileno(), select.POLLIN)
    return bool(poll.poll(seconds * 1000))
