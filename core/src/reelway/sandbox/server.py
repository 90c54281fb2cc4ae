"""The sandbox on real sockets: a loopback server in a thread of its own."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

from reelway.errors import ConfigurationError
from reelway.sandbox.connection import Connection
from reelway.sandbox.post import Courier, post
from reelway.sandbox.world import World

logger = logging.getLogger(__name__)

BACKLOG = 1024

LOOK_EVERY = 0.02
"""Seconds between two looks for callbacks whose time has come."""


class SandboxServer:
    """Serves a world over HTTP/1.1 until it is closed. A context manager.

    It listens on loopback unless told otherwise, for it checks no key.
    """

    def __init__(self, world: World, *, host: str = "127.0.0.1", port: int = 0, courier: Courier = post) -> None:
        """Prepare a server; port 0 takes one that is free. Callbacks leave by ``courier``."""
        self.world = world
        self._courier = courier
        self._host = host
        self._port = port
        self._thread: Thread | None = None
        self._ready = Event()
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """How the server is reached from this machine, once it was started."""
        address = ipaddress.ip_address(self._address)
        host = _LOOPBACK[address.version] if address.is_unspecified else self._address
        return f"http://[{host}]:{self._port}" if address.version == 6 else f"http://{host}:{self._port}"

    def start(self) -> None:
        """Listen.

        Raises:
            ConfigurationError: the address cannot be had.
        """
        listening = self._bind()
        self.world.public_url = self.url
        self._thread = Thread(target=self._run_loop, args=(listening,), name="sandbox", daemon=True)
        self._thread.start()
        self._ready.wait()

    def close(self) -> None:
        """Drop every connection and stop listening. Closing twice is fine."""
        if self._thread is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
            self._thread = None
            self._ready.clear()

    @contextmanager
    def unreachable(self) -> Iterator[None]:
        """For a while, nobody listens: every connection is dropped, and new ones are refused."""
        self._run(self._hang_up())
        try:
            yield
        finally:
            self._run(self._listen(self._bind()))

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            listening = socket.create_server((self._host, self._port), family=family, backlog=BACKLOG)
        except OSError as error:
            message = f"The sandbox cannot listen on {self._host} port {self._port}: {error.strerror or error}."
            raise ConfigurationError(message, hint="Choose another port, or 0 for any.") from error
        listening.setblocking(False)
        self._address, self._port = listening.getsockname()[:2]
        return listening

    def _run_loop(self, listening: socket.socket) -> None:
        # Of the two kinds of loops, only this one can watch a listening socket on every platform.
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            runner.run(self._serve(listening))

    async def _serve(self, listening: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        await self._listen(listening)
        delivering = self._loop.create_task(self._deliver())
        self._ready.set()
        await self._stopping.wait()
        delivering.cancel()
        await asyncio.gather(delivering, return_exceptions=True)
        await self._hang_up()

    async def _deliver(self) -> None:
        """Send each callback when its time has come, one after the other."""
        while True:
            try:
                while (letter := self.world.next_callback()) is not None:
                    self.world.delivered(letter, await self._courier(self.world.sealed(letter)))
            # One callback of a broken simulator must not cost the others.
            except Exception:
                logger.exception("The sandbox failed at a callback")
            # The clock may be a virtual one, which wakes nobody.
            await asyncio.sleep(LOOK_EVERY)

    async def _listen(self, listening: socket.socket) -> None:
        # Accepted by hand: asyncio's own server loses a connection that it takes in while it is being closed.
        self._listening = listening
        self._loop.add_reader(listening, self._accept)

    def _accept(self) -> None:
        try:
            line, _ = self._listening.accept()
        # Whoever knocked has gone again.
        except OSError:
            return
        line.setblocking(False)
        task = self._loop.create_task(self._converse(line))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _converse(self, line: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=line)
        await Connection(reader, writer, self.world.answer).run()

    async def _hang_up(self) -> None:
        self._loop.remove_reader(self._listening)
        self._listening.close()
        # A task that is cancelled before its first turn would leave its socket open.
        await asyncio.sleep(0)
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()


_LOOPBACK = {4: "127.0.0.1", 6: "::1"}
