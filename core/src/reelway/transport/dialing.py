"""Making connections: every address is judged when it is connected to, and no step outlives the deadline.

A read timeout is no deadline: a server that drips a byte at a time never trips it. In threads the deadline
therefore bounds every read and write of the connection; in tasks the event loop cancels.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Thread
from typing import Any, Final, TypeAlias

from reelway.transport.line import BULK, GULP, PATIENCE, Line, is_readable, open_line

Judge: TypeAlias = Callable[[str], None]
"""Raises ``AddressRefused`` for an address that must not be connected to."""

PIECE: Final = 64 * 1024
"""Bytes written at a time. A large body that is taken in drips must not stretch one write beyond the deadline."""

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline_in(seconds: float) -> Iterator[None]:
    """Bound everything that this thread does on connections meanwhile."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


class SyncBackend:
    """The connection layer's backend for threads, with a judge of addresses and the deadline."""

    def __init__(self, core: Any, judge: Judge) -> None:
        self._core = core
        self._inner = core.SyncBackend()
        self._judge = judge

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> Any:
        """Connect to the first address that answers; none is tried that the judge refuses."""
        caught: Exception | None = None
        found = resolve_within(self._core, host, port, self._left(timeout))
        for address, share in shared_out(judged(found, self._judge), self._left(timeout)):
            try:
                stream = self._inner.connect_tcp(address, port, share, local_address, socket_options)
                return BoundedStream(stream, self._core)
            except (self._core.ConnectError, self._core.ConnectTimeout) as error:
                caught = error
        raise caught or self._core.ConnectError("the name has no address")

    def connect_unix_socket(self, path: str, *args: Any, **kwargs: Any) -> Any:
        """Not for us: accounts and links are addresses."""
        raise self._core.UnsupportedProtocol("unix sockets are not used")

    def sleep(self, seconds: float) -> None:
        """Wait between the library's own attempts, of which we ask for none."""
        time.sleep(seconds)

    def _left(self, timeout: float | None) -> float | None:
        return seconds_left(timeout, self._core.ConnectTimeout)


class BoundedStream:
    """A connection whose every step ends with the deadline.

    Attributes:
        bulk: a file is coming, and is wanted in few pieces, be they longer than asked for.
        heard: something was read since the last write.
    """

    def __init__(self, stream: Any, core: Any) -> None:
        self._stream = stream
        self._core = core
        self._trouble: Exception | None = None
        self.bulk = False
        self.heard = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Some bytes; none at the end."""
        if self._trouble is not None:
            raise self._trouble
        data = self._read(GULP if self.bulk else max_bytes, timeout)
        self.heard = True
        return self._gathered(data, timeout) if self.bulk and BULK <= len(data) < GULP else data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All bytes."""
        self.heard = False
        for start in range(0, len(buffer), PIECE):
            self._stream.write(buffer[start : start + PIECE], seconds_left(timeout, self._core.WriteTimeout))

    def close(self) -> None:
        """Let go."""
        self._stream.close()

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> Any:
        """Go on encrypted."""
        try:
            left = seconds_left(timeout, self._core.ConnectTimeout)
            return BoundedStream(self._stream.start_tls(ssl_context, server_hostname, left), self._core)
        except BaseException:
            self.close()
            raise

    def get_extra_info(self, info: str) -> Any:
        """What the pool asks about the connection."""
        return self._stream.get_extra_info(info)

    def _read(self, max_bytes: int, timeout: float | None) -> bytes:
        return bytes(self._stream.read(max_bytes, seconds_left(timeout, self._core.ReadTimeout)))

    def _gathered(self, data: bytes, timeout: float | None) -> bytes:
        """The bytes together with those right behind them."""
        pieces, size, raw = [data], len(data), self._stream.get_extra_info("socket")
        end = time.monotonic() + PATIENCE
        while data and size < GULP and (left := end - time.monotonic()) > 0 and is_readable(raw, left):
            try:
                data = self._read(GULP - size, timeout)
            # What has arrived counts first; whoever reads on is told.
            except Exception as error:  # noqa: BLE001
                self._trouble = error
                break
            pieces.append(data)
            size += len(data)
        return b"".join(pieces)


class AsyncBackend:
    """The connection layer's backend for tasks, with a judge of addresses."""

    def __init__(self, core: Any, judge: Judge) -> None:
        self._core = core
        self._judge = judge

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> Line:
        """Connect to the first address that answers; none is tried that the judge refuses."""
        caught: Exception | None = None
        found = await asyncio.wrap_future(looked_up(self._core, host, port))
        for address, share in shared_out(judged(found, self._judge), timeout):
            try:
                return await open_line(self._core, address, port, share)
            except (self._core.ConnectError, self._core.ConnectTimeout) as error:
                caught = error
        raise caught or self._core.ConnectError("the name has no address")

    async def connect_unix_socket(self, path: str, *args: Any, **kwargs: Any) -> Any:
        """Not for us: accounts and links are addresses."""
        raise self._core.UnsupportedProtocol("unix sockets are not used")

    async def sleep(self, seconds: float) -> None:
        """Wait between the library's own attempts, of which we ask for none."""
        await asyncio.sleep(seconds)


def judged(addresses: list[str], judge: Judge) -> list[str]:
    """The same addresses. One that is refused refuses the name: mixed answers are how rebinding is done."""
    for address in addresses:
        judge(address)
    return addresses


def shared_out(addresses: list[str], timeout: float | None) -> Iterator[tuple[str, float | None]]:
    """Each address with the seconds that it may take: a dead one must leave time for those behind it."""
    end = None if timeout is None else time.monotonic() + timeout
    for number, address in enumerate(addresses):
        left = None if end is None else max(0.0, end - time.monotonic())
        yield address, None if left is None else left / (len(addresses) - number)


def seconds_left(timeout: float | None, expired: type[Exception]) -> float | None:
    """A step's own timeout or what the deadline leaves, if that is less; raises ``expired`` where nothing is."""
    deadline = _deadline.get()
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise expired("the deadline has passed")
    return left if timeout is None else min(timeout, left)


def resolve_within(core: Any, host: str, port: int, seconds: float | None) -> list[str]:
    """The addresses of a host, or ``ConnectTimeout``."""
    try:
        return looked_up(core, host, port).result(seconds)
    except TimeoutError:
        raise core.ConnectTimeout("the host name was not found in time") from None


def looked_up(core: Any, host: str, port: int) -> Future[list[str]]:
    """The addresses of a host, as soon as they are known.

    The system's own lookup knows no deadline and cannot be stopped. Its thread is a daemon and in no pool, so one
    that hangs holds up neither other work nor the end of the program.
    """
    found: Future[list[str]] = Future()
    # Whoever gives up waiting leaves the thread something to put its answer into.
    found.set_running_or_notify_cancel()

    def look_up() -> None:
        try:
            found.set_result(resolve(core, host, port))
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            found.set_exception(error)

    Thread(target=look_up, name="reelway-resolver", daemon=True).start()
    return found


def resolve(core: Any, host: str, port: int) -> list[str]:
    """The addresses of a host, each once, in the system's order."""
    try:
        rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise core.ConnectError("the host name is not known") from error
    return list(dict.fromkeys(str(row[4][0]) for row in rows))
