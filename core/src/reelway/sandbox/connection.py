"""How one connection of the sandbox's server is spoken, well or badly (HTTP/1.1, by h11)."""

from __future__ import annotations

import asyncio
import logging
import math
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from itertools import cycle
from typing import ClassVar, Final

import h11
from msgspec.structs import replace

from reelway.model.http import Headers, HttpRequest, HttpResponse
from reelway.sandbox.reply import Behaviour, Reply, request_to

logger = logging.getLogger(__name__)

MAX_BODY = 64 * 1024 * 1024
READ_SIZE = 64 * 1024
DRIP_PAUSE = 0.05
GARBAGE: Final = b"\x00\xff\x16 this is no HTTP\r\n\r\n"
TLS_ALERT: Final = b"\x15\x03\x03\x00\x02\x02\x16"
"""A fatal record_overflow, which TLS stacks send to a peer that speaks plain HTTP (RFC 8446, section 6)."""

ODD_SIZES: Final = (1, 7, 2, 31)
"""Of chunks, in turn."""

LINGER_FORMAT = "hh" if os.name == "nt" else "ii"

Answer = Callable[[HttpRequest], Reply]


class Connection:
    """One client's connection, kept alive until one side has enough."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer) -> None:
        self._reader = reader
        self._writer = writer
        self._answer = answer
        self._http = h11.Connection(h11.SERVER)

    async def run(self) -> None:
        """Answer requests until the connection ends."""
        try:
            while (request := await self._read_request()) is not None:
                await self._reply_to(request)
                if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
                    break
                self._http.start_next_cycle()
        except h11.RemoteProtocolError as error:
            await self._refuse(error)
        # A client that goes away is no failure of the sandbox.
        except OSError:
            pass
        except asyncio.CancelledError:
            self._writer.transport.abort()
            raise
        finally:
            await self._close()

    async def _read_request(self) -> HttpRequest | None:
        head = await self._next_event()
        if not isinstance(head, h11.Request):
            return None
        body = bytearray()
        while isinstance(piece := await self._next_event(), h11.Data):
            body += piece.data
            if len(body) > MAX_BODY:
                raise h11.RemoteProtocolError("The body is too long.", error_status_hint=413)
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers)
        return request_to(head.target.decode("latin-1"), head.method.decode("ascii"), headers, bytes(body))

    async def _next_event(self) -> object:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            if self._http.they_are_waiting_for_100_continue:
                go_on = h11.InformationalResponse(status_code=100, headers=[])
                self._writer.write(self._http.send(go_on) or b"")
            self._http.receive_data(await self._reader.read(READ_SIZE))
        return event

    async def _reply_to(self, request: HttpRequest) -> None:
        try:
            reply = self._answer(request)
        # A broken simulator must show up in its caller's hands, and leave the server standing.
        except Exception as error:
            logger.exception("The sandbox failed at %s %s", request.method, request.path)
            reply = Reply(response=_crash(error))
        if request.method == "HEAD":
            reply = replace(reply, response=_without_body(reply.response))
        await self._behaviours[reply.behaviour](self, reply)

    async def _send(self, reply: Reply) -> None:
        await self._write(b"".join(self._encoded(reply)))

    async def _drip(self, reply: Reply) -> None:
        data = b"".join(self._encoded(reply))
        size = max(1, math.ceil(len(data) * DRIP_PAUSE / max(reply.seconds, DRIP_PAUSE)))
        for start in range(0, len(data), size):
            await asyncio.sleep(DRIP_PAUSE)
            await self._write(data[start : start + size])

    async def _truncate(self, reply: Reply) -> None:
        head, _ = self._encoded(reply)
        await self._write(head + reply.arriving)
        self._http.send_failed()

    async def _understate(self, reply: Reply) -> None:
        # h11 would not write a body that is longer than its promise.
        await self._say(_head(reply.response, ("Content-Length", str(len(reply.arriving)))) + reply.response.body)

    async def _chunk(self, reply: Reply) -> None:
        await self._say(_chunked(reply.response) + b"0\r\n\r\n")

    async def _chunk_badly(self, reply: Reply) -> None:
        await self._say(_chunked(reply.response) + b"many\r\nbytes\r\n")

    async def _break_off_status(self, reply: Reply) -> None:
        await self._say(b"HTTP/1.1 2")

    async def _break_off_headers(self, reply: Reply) -> None:
        head = _head(reply.response, ("Content-Length", "1"))
        await self._say(head[: len(head) // 2])

    async def _garbage(self, reply: Reply) -> None:
        await self._say(GARBAGE)

    async def _alert(self, reply: Reply) -> None:
        await self._say(TLS_ALERT)

    async def _say(self, data: bytes) -> None:
        await self._write(data)
        self._http.send_failed()

    async def _silence(self, reply: Reply) -> None:
        while await self._reader.read(READ_SIZE):
            pass
        self._http.send_failed()

    async def _reset(self, reply: Reply) -> None:
        # Without lingering, closing sends a reset in place of the usual goodbye.
        linger = struct.pack(LINGER_FORMAT, 1, 0)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._writer.transport.abort()
        self._http.send_failed()

    _behaviours: ClassVar[Mapping[Behaviour, Callable[[Connection, Reply], Awaitable[None]]]] = {
        Behaviour.ANSWER: _send,
        Behaviour.DRIP: _drip,
        Behaviour.TRUNCATE: _truncate,
        Behaviour.UNDERSTATE: _understate,
        Behaviour.ODD_CHUNKS: _chunk,
        Behaviour.BAD_CHUNKS: _chunk_badly,
        Behaviour.HALF_STATUS: _break_off_status,
        Behaviour.HALF_HEADERS: _break_off_headers,
        Behaviour.GARBAGE: _garbage,
        Behaviour.TLS: _alert,
        Behaviour.SILENCE: _silence,
        Behaviour.RESET: _reset,
        Behaviour.REFUSE: _reset,
    }

    def _encoded(self, reply: Reply) -> tuple[bytes, bytes]:
        """The head and the rest of a whole response."""
        response = reply.response
        head = h11.Response(
            status_code=response.status, headers=_wire_headers(response), reason=_reason(response.status)
        )
        sent = self._http.send(head) or b""
        body = self._http.send(h11.Data(data=response.body)) if response.body else b""
        end = self._http.send(h11.EndOfMessage())
        return sent, (body or b"") + (end or b"")

    async def _refuse(self, error: h11.RemoteProtocolError) -> None:
        response = HttpResponse(status=error.error_status_hint, headers=(("Connection", "close"),))
        with suppress(OSError, h11.LocalProtocolError):
            await self._send(Reply(response=response))

    async def _write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def _close(self) -> None:
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()


def _head(response: HttpResponse, framing: tuple[str, str]) -> bytes:
    """A head by hand, for answers that h11 is too honest to write."""
    given = (header for header in response.headers if header[0].lower() != "content-length")
    lines = (f"{name}: {value}" for name, value in (*given, framing))
    return "\r\n".join((f"HTTP/1.1 {response.status} {_reason(response.status)}", *lines, "", "")).encode("latin-1")


def _chunked(response: HttpResponse) -> bytes:
    """A response in small chunks, without its end."""
    pieces, start, sizes = [_head(response, ("Transfer-Encoding", "chunked"))], 0, cycle(ODD_SIZES)
    while start < len(response.body):
        piece = response.body[start : start + next(sizes)]
        pieces.append(b"%x\r\n%b\r\n" % (len(piece), piece))
        start += len(piece)
    return b"".join(pieces)


def _wire_headers(response: HttpResponse) -> list[tuple[str, str]]:
    """The headers with a length, which keeps the connection usable."""
    given: Headers = response.headers
    if response.header("content-length") is None:
        given = (*given, ("Content-Length", str(len(response.body))))
    return [("Server", "reelway-sandbox"), *given]


def _without_body(response: HttpResponse) -> HttpResponse:
    return HttpResponse(status=response.status, headers=tuple(_wire_headers(response)[1:]))


def _reason(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else ""


def _crash(error: Exception) -> HttpResponse:
    body = f"The sandbox itself failed: {type(error).__name__}: {error}\n".encode()
    return HttpResponse(status=500, headers=(("Content-Type", "text/plain; charset=utf-8"),), body=body)
