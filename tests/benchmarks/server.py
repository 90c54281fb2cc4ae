"""The loopback server that every contender asks; the only host that a benchmark contacts.

It does as little for a request as a server in Python can, and runs in a process of its own, so that it is never
what is measured. The first part of a path is the milliseconds that an answer takes: ``/50/v1/videos/<id>``.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Final

RUNNING: Final = (
    '{"id":"%s","object":"video","model":"sora-2","status":"in_progress","progress":%d,'
    '"created_at":1773296991,"seconds":"4","size":"1280x720"}'
)
COUNTED: Final = '{"count":%d,"seconds":%.6f}'

HEAD: Final = "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n"
STRONG_TAG: Final = 'ETag: "1"\r\n'

END_OF_HEAD: Final = b"\r\n\r\n"

FILE_START: Final = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
PIECE: Final = memoryview(bytes(256 * 1024))


class Tally:
    """How many polls were answered, over all connections."""

    polls = 0


class Connection(asyncio.Protocol):
    """One kept-alive connection. Requests have no bodies and are not pipelined."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._received = b""
        self._file_left = 0
        self._paused = False
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        while END_OF_HEAD in self._received:
            head, _, self._received = self._received.partition(END_OF_HEAD)
            self._answer(head.split(b" ", 2)[1].decode())

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._send_file()

    def _answer(self, path: str) -> None:
        delay, _, rest = path[1:].partition("/")
        if rest == "count":
            self._transport.write(_json(COUNTED % (self._tally.polls, time.monotonic())))
        elif rest.endswith("/content"):
            self._start_file(int(rest.split("/")[-2]))
        else:
            self._answer_poll(rest.rpartition("/")[2], int(delay) / 1000)

    def _answer_poll(self, task_id: str, delay: float) -> None:
        self._tally.polls += 1
        answer = _json(RUNNING % (task_id, self._tally.polls % 100))
        if delay:
            asyncio.get_running_loop().call_later(delay, self._transport.write, answer)
        else:
            self._transport.write(answer)

    def _start_file(self, size: int) -> None:
        self._transport.write((HEAD % ("video/mp4", size, STRONG_TAG)).encode() + FILE_START)
        self._file_left = size - len(FILE_START)
        self._send_file()

    def _send_file(self) -> None:
        while self._file_left and not self._paused:
            piece = PIECE[: self._file_left]
            self._file_left -= len(piece)
            self._transport.write(piece)


def _json(text: str) -> bytes:
    return (HEAD % ("application/json", len(text), "") + text).encode()


async def serve() -> None:
    """Serve on a free port, which is written to stdout, until stdin ends."""
    loop = asyncio.get_running_loop()
    tally = Tally()
    server = await loop.create_server(lambda: Connection(tally), "127.0.0.1", 0, backlog=2048)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
