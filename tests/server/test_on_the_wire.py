"""Over real sockets, under Uvicorn: whatever is sent, the answer is bounded, and so is what is read."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from itertools import repeat
from typing import Any

import pytest

from reelway.errors import ConfigurationError
from reelway.sandbox import Sandbox
from reelway.server import CallbackReceiver, Limits
from reelway.server.asgi import Message, Receive, Scope, Send
from reelway.server.serving import listen
from tests.sandbox.test_callbacks import Calling
from tests.sandbox.test_callbacks_on_the_wire import asked, outcomes
from tests.server.caller import BODY, Job, Shop, job_in
from tests.server.serving import HOST, PATIENCE, exchange, post_head, serving

pytestmark = pytest.mark.usefixtures("own_logs")

MIB = 1024 * 1024


class Watched:
    """A receiver, and how many bytes of bodies it was handed."""

    def __init__(self, receiver: CallbackReceiver) -> None:
        self._receiver = receiver
        self.bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def watched() -> Message:
            message = await receive()
            self.bytes += len(message.get("body", b""))
            return message

        await self._receiver(scope, watched, send)


@pytest.fixture
def watched(shop: Shop) -> Watched:
    return Watched(CallbackReceiver(shop.ledger, limits=Limits(seconds=0.2)))


@pytest.fixture
def port(watched: Watched) -> Iterator[int]:
    with serving(watched) as port:
        yield port


def test_a_callback_is_kept(port: int, shop: Shop, job: Job) -> None:
    assert exchange(port, post_head(job.path, f"Content-Length: {len(BODY)}"), [BODY]) == 202
    assert shop.bodies(job) == [BODY]


def chunked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield b"%x\r\n%s\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def hundred_mebibytes() -> Iterator[bytes]:
    return repeat(b"x" * MIB, 100)


def test_a_hundred_mebibytes_that_are_announced_are_not_read(port: int, watched: Watched, job: Job) -> None:
    head = post_head(job.path, f"Content-Length: {100 * MIB}")
    assert exchange(port, head, hundred_mebibytes()) == 413
    assert watched.bytes == 0


def test_a_hundred_mebibytes_that_are_not_announced_are_read_as_far_as_the_limit(
    port: int, watched: Watched, shop: Shop, job: Job
) -> None:
    head = post_head(job.path, "Transfer-Encoding: chunked")
    assert exchange(port, head, chunked(hundred_mebibytes())) == 413
    assert watched.bytes <= 4 * MIB
    assert shop.bodies(job) == []


def test_of_a_stranger_nothing_is_read(port: int, watched: Watched) -> None:
    head = post_head("/AAAAAAAAAAAAAAAAAAAAAA", "Transfer-Encoding: chunked")
    assert exchange(port, head, chunked(hundred_mebibytes())) == 404
    assert watched.bytes == 0


def test_a_bomb_is_not_inflated(port: int, shop: Shop, job: Job) -> None:
    bomb = gzip.compress(bytes(20 * MIB))
    head = post_head(job.path, "Content-Encoding: gzip", f"Content-Length: {len(bomb)}")
    assert exchange(port, head, [bomb]) == 415
    assert shop.bodies(job) == []


def test_a_dripping_body_is_given_up(port: int, shop: Shop, job: Job) -> None:
    assert exchange(port, post_head(job.path, "Content-Length: 1000"), [b"x"]) == 408
    assert shop.bodies(job) == []


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "9" * 5000, "1, 2"])
def test_a_length_that_is_none_is_refused(port: int, job: Job, length: str) -> None:
    assert exchange(port, post_head(job.path, f"Content-Length: {length}"), [b"x"]) == 400


def test_one_connection_carries_many_callbacks(port: int, shop: Shop, job: Job) -> None:
    request = post_head(job.path, "Content-Length: 1").replace("\n", "\r\n").replace("Connection: close\r\n", "")
    with socket.create_connection((HOST, port), timeout=PATIENCE) as line:
        for body in (b"1", b"2", b"3"):
            line.sendall(request.encode() + body)
            assert line.recv(65536).startswith(b"HTTP/1.1 202")
    assert shop.bodies(job) == [b"1", b"2", b"3"]


def test_a_whole_job_of_the_sandbox_is_told_over_sockets(shop: Shop) -> None:
    with serving(CallbackReceiver(shop.ledger)) as port, Sandbox([Calling()], job_seconds=0.2) as sandbox:
        job = job_in(shop.ledger)
        asked(sandbox, f"http://{HOST}:{port}{job.path}")
        assert outcomes(sandbox, 3) == ["202"] * 3
        assert [json.loads(body)["status"] for body in shop.bodies(job)] == ["queued", "running", "succeeded"]


def test_an_address_that_is_taken_is_told() -> None:
    with listen(HOST, 0) as taken, pytest.raises(ConfigurationError, match="Nobody can listen"):
        listen(HOST, taken.getsockname()[1])


def test_an_address_of_six_is_one_too() -> None:
    try:
        with listen("::1", 0) as listening:
            address: Any = listening.getsockname()
    except ConfigurationError:
        pytest.skip("This machine has no IPv6.")
    assert address[0] == "::1"
