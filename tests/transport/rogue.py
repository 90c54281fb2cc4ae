"""Servers that speak HTTP badly, over real loopback sockets, and both colors of our network to meet them."""

from __future__ import annotations

import asyncio
import gc
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any, Final, Protocol, Self

from msgspec.structs import replace

from reelway.flow.effects import Head, Open, Send
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.secret import Secret
from reelway.transport.http import AsyncHttp, AsyncStream, HttpSettings, SyncHttp, SyncStream
from reelway.transport.wire import Endpoint

KEY: Final = "sk-SECRETKEY"

Manner = Callable[["Visit"], None]
"""How a server treats one connection."""

OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Visit:
    """One connection, from the server's side."""

    def __init__(self, line: socket.socket, over: threading.Event) -> None:
        self.line = line
        self.over = over
        self.heard = b""
        self.requests: list[bytes] = []
        self._left = b""

    def hear(self) -> bytes:
        """Whatever comes next; empty where the client has gone."""
        data = self.line.recv(65536)
        self.heard += data
        return data

    def read_request(self) -> bytes:
        """One request, head and body; empty where the client has gone."""
        data = self._left
        while b"\r\n\r\n" not in data:
            more = self.hear()
            if not more:
                return b""
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        while len(body) < length and (more := self.hear()):
            body += more
        self._left = body[length:]
        request = head + b"\r\n\r\n" + body[:length]
        self.requests.append(request)
        return request

    def say(self, data: bytes) -> None:
        self.line.sendall(data)

    def drip(self, data: bytes) -> None:
        """A byte every few milliseconds, for as long as the test lasts."""
        for number in range(len(data)):
            if self.over.wait(0.005):
                return
            self.say(data[number : number + 1])

    def wait(self) -> None:
        """Do nothing for as long as the test lasts."""
        self.over.wait(10)

    def reset(self) -> None:
        self.line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class RogueServer:
    """A loopback server that treats every connection in the same manner.

    With ``deaf``, connections are refused until it is told to listen.
    """

    def __init__(self, manner: Manner, *, deaf: bool = False) -> None:
        self._manner = manner
        self._deaf = deaf
        self._listening = socket.socket()
        self._listening.bind(("127.0.0.1", 0))
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self.visits: list[Visit] = []
        self.port: int = self._listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def requests(self) -> list[bytes]:
        return [request for visit in self.visits for request in visit.requests]

    @property
    def creates(self) -> int:
        """How many requests that cost money began to arrive, whole or not."""
        return sum(visit.heard.count(b"POST /") for visit in self.visits)

    def __enter__(self) -> Self:
        if not self._deaf:
            self.listen()
        return self

    def listen(self) -> None:
        self._listening.listen()
        self._start(self._accept)

    def __exit__(self, *_: object) -> None:
        self._over.set()
        # Closing alone does not wake a thread that waits in accept().
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join()

    def _start(self, work: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._listening.accept()
                visit = Visit(line, self._over)
                self.visits.append(visit)
                self._start(self._serve, visit)

    def _serve(self, visit: Visit) -> None:
        visit.line.settimeout(10)
        with visit.line, suppress(OSError):
            self._manner(visit)


def answering(*answers: bytes) -> Manner:
    """Each request gets the next answer, the last one again and again; connections are kept alive."""
    waiting = list(answers)

    def manner(visit: Visit) -> None:
        while visit.read_request():
            visit.say(waiting.pop(0) if len(waiting) > 1 else waiting[0])

    return manner


def in_turn(*manners: Manner) -> Manner:
    """Each connection is treated in the next manner, the last one again and again."""
    waiting = list(manners)
    lock = threading.Lock()

    def manner(visit: Visit) -> None:
        with lock:
            mine = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        mine(visit)

    return manner


def resets_at_once(visit: Visit) -> None:
    visit.reset()


def resets_after_reading(visit: Visit) -> None:
    visit.read_request()
    visit.reset()


def leaves_after_reading(visit: Visit) -> None:
    visit.read_request()


def is_silent(visit: Visit) -> None:
    visit.read_request()
    visit.wait()


def never_reads(visit: Visit) -> None:
    visit.wait()


def says(data: bytes) -> Manner:
    def manner(visit: Visit) -> None:
        visit.read_request()
        visit.say(data)

    return manner


def says_and_waits(data: bytes) -> Manner:
    def manner(visit: Visit) -> None:
        visit.read_request()
        visit.say(data)
        visit.wait()

    return manner


def drips(start: bytes, rest: bytes) -> Manner:
    def manner(visit: Visit) -> None:
        visit.read_request()
        visit.say(start)
        visit.drip(rest)

    return manner


def floods(head: bytes, piece: bytes) -> Manner:
    def manner(visit: Visit) -> None:
        visit.read_request()
        visit.say(head)
        while not visit.over.is_set():
            visit.say(piece)

    return manner


class Network(Protocol):
    """One color of the network, spoken to from a plain function."""

    def send(self, request: HttpRequest, *, timeout: float = 5.0, fresh: bool = False) -> HttpResponse: ...

    def fetch(self, effect: Open, *, timeout: float = 5.0) -> tuple[Head, bytes]: ...

    def close(self) -> None: ...


class SyncNetwork:
    def __init__(self, endpoint: Endpoint, settings: HttpSettings) -> None:
        self._http = SyncHttp(endpoint, settings)

    def send(self, request: HttpRequest, *, timeout: float = 5.0, fresh: bool = False) -> HttpResponse:
        return self._http.send(Send(request=request, timeout=timeout, fresh=fresh))

    def fetch(self, effect: Open, *, timeout: float = 5.0) -> tuple[Head, bytes]:
        stream = self._http.open(effect)
        try:
            return stream.head, self._all(stream, time.monotonic() + timeout)
        finally:
            stream.close()

    def _all(self, stream: SyncStream, deadline: float) -> bytes:
        body = b""
        while chunk := stream.read(max(0.001, deadline - time.monotonic())):
            body += chunk
        return body

    def close(self) -> None:
        self._http.close()


class AsyncNetwork:
    def __init__(self, endpoint: Endpoint, settings: HttpSettings) -> None:
        self._runner = asyncio.Runner()
        self._http = AsyncHttp(endpoint, settings)

    def send(self, request: HttpRequest, *, timeout: float = 5.0, fresh: bool = False) -> HttpResponse:
        return self._runner.run(self._http.send(Send(request=request, timeout=timeout, fresh=fresh)))

    def fetch(self, effect: Open, *, timeout: float = 5.0) -> tuple[Head, bytes]:
        return self._runner.run(self._fetch(effect, timeout))

    async def _fetch(self, effect: Open, timeout: float) -> tuple[Head, bytes]:
        stream = await self._http.open(effect)
        try:
            return stream.head, await self._all(stream, time.monotonic() + timeout)
        finally:
            await stream.close()

    async def _all(self, stream: AsyncStream, deadline: float) -> bytes:
        body = b""
        while chunk := await stream.read(max(0.001, deadline - time.monotonic())):
            body += chunk
        return body

    def close(self) -> None:
        self._runner.run(self._http.close())
        self._runner.close()


WAYS: Final[dict[str, HttpSettings]] = {
    "httpx": HttpSettings(fast=False),
    "httpx2": HttpSettings(library="httpx2", fast=False),
    "fast": HttpSettings(library="httpx2", fast=True),
}
"""What a network goes over, and how that is said."""

COLORS: Final[dict[str, type[SyncNetwork | AsyncNetwork]]] = {"sync": SyncNetwork, "async": AsyncNetwork}

NETWORKS: Final = (
    ("sync", "httpx"),
    ("sync", "httpx2"),
    ("async", "httpx"),
    ("async", "httpx2"),
    ("async", "fast"),
)
"""Both colors over each library that they use."""


@contextmanager
def opened(color: str, library: str, base_url: str, *, private: bool = True) -> Iterator[Network]:
    """A network of that color, over that library; whatever it leaves open is noticed."""
    settings = replace(WAYS[library], allow_private_links=private)
    network = COLORS[color](Endpoint(base_url=base_url, key=Secret(KEY)), settings)
    try:
        yield network
    finally:
        network.close()
        # A socket that nobody closed is told of when it is collected.
        gc.collect()


TICK: Final = 0.01


@contextmanager
def bounded(seconds: float) -> Iterator[None]:
    """What happens in here takes no longer than that, but for moments in which others have the processor.

    Who waits for something waits as long as a thread that counts ticks, and both are held up by a busy machine.
    """
    over, ticks = threading.Event(), count()

    def tick() -> None:
        while not over.wait(TICK):
            next(ticks)

    counting = threading.Thread(target=tick)
    counting.start()
    try:
        yield
    finally:
        over.set()
        counting.join()
    assert next(ticks) * TICK < seconds
