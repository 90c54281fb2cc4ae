"""A server that runs for a test, and requests written to its socket byte for byte."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from typing import Any, Final

from reelway.server.serving import listen, server_of

PATIENCE: Final = 10.0

HOST: Final = "127.0.0.1"


@contextmanager
def serving(app: Any) -> Iterator[int]:
    """The port at which Uvicorn serves an application meanwhile."""
    server = server_of(app)
    with listen(HOST, 0) as listening:
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(PATIENCE)


def exchange(port: int, head: str, pieces: Iterable[bytes] = ()) -> int:
    """The status that a request gets. What the server no longer reads is not sent."""
    with socket.create_connection((HOST, port), timeout=PATIENCE) as line:
        line.sendall(head.replace("\n", "\r\n").encode())
        # A server that has answered closes, while its answer may wait here.
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                line.sendall(piece)
        return int(line.recv(65536).split(b" ", 2)[1])


def post_head(path: str, *headers: str) -> str:
    return "\n".join((f"POST {path} HTTP/1.1", f"Host: {HOST}", "Connection: close", *headers, "", ""))
