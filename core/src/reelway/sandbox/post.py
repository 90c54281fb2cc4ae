"""How a callback is delivered: one POST over loopback, and to nowhere else."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeAlias
from urllib.parse import urlsplit

import h11

from reelway.sandbox.callbacks import Callback, Outcome

Courier: TypeAlias = Callable[[Callback], Awaitable[str]]
"""Delivers a callback, and tells the HTTP status or the :class:`Outcome`."""

PATIENCE: Final = 5.0
"""Seconds for a whole attempt."""

READ_SIZE: Final = 64 * 1024

LOCALHOST: Final = "127.0.0.1"
"""What ``localhost`` stands for here; nobody is asked."""


async def post(callback: Callback) -> str:
    """Deliver a callback, where its address is one of this machine."""
    address = local_address(callback.url)
    if address is None:
        return Outcome.ELSEWHERE
    try:
        async with asyncio.timeout(PATIENCE):
            return str(await _exchange(address, callback))
    except ConnectionRefusedError:
        return Outcome.REFUSED
    except (OSError, TimeoutError, h11.ProtocolError):
        return Outcome.SILENT


def local_address(url: str) -> tuple[str, int] | None:
    """Where to connect for a URL, if it is plain HTTP to an address that cannot leave this machine."""
    try:
        parts = urlsplit(url)
        host = LOCALHOST if parts.hostname == "localhost" else parts.hostname or ""
        inside = parts.scheme == "http" and ipaddress.ip_address(host).is_loopback
        return (host, parts.port or 80) if inside else None
    except ValueError:
        return None


async def _exchange(address: tuple[str, int], callback: Callback) -> int:
    """The status of the answer; its body is of no interest."""
    parts = urlsplit(callback.url)
    http = h11.Connection(h11.CLIENT)
    framing = (("Host", parts.netloc.rpartition("@")[2]), ("Content-Length", str(len(callback.body))))
    request = h11.Request(
        method="POST",
        target=f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}",
        headers=[*framing, ("Connection", "close"), *callback.headers],
    )
    events = (request, h11.Data(data=callback.body), h11.EndOfMessage())
    written = b"".join(http.send(event) or b"" for event in events)
    reader, writer = await asyncio.open_connection(*address)
    try:
        writer.write(written)
        while not isinstance(event := http.next_event(), h11.Response):
            if isinstance(event, h11.ConnectionClosed):
                raise ConnectionResetError("No answer came.")
            if event is h11.NEED_DATA:
                http.receive_data(await reader.read(READ_SIZE))
        return event.status_code
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
