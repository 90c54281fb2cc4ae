"""A connection of an event loop gives every byte once and in order, holds senders back, and knows its end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from unittest import mock

import httpcore
import httpcore2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.transport.line import BULK, GULP, LARGEST, SMALLEST, Line, open_line

CORES = pytest.mark.parametrize("core", [httpcore, httpcore2])


class FakeTransport:
    """What the event loop gives a connection to write to; notes what is asked of it."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self.calls.append((name, *arguments))

    @property
    def reads(self) -> bool:
        """Whether the loop may receive."""
        return self.asked[-1:] != ["pause_reading"]

    @property
    def asked(self) -> list[str]:
        return [name for name, *_ in self.calls]


PIECE = 64 * 1024
"""As many bytes as the connection layer asks for."""


def a_line(core: Any = httpcore) -> tuple[Line, FakeTransport]:
    line, transport = Line(core), FakeTransport()
    line.connection_made(transport)  # type: ignore[arg-type]
    return line, transport


def receive(line: Line, data: bytes) -> int:
    """Have the loop receive as much as fits; tells how much that was."""
    room = line.get_buffer(-1)
    size = min(len(room), len(data))
    room[:size] = data[:size]
    line.buffer_updated(size)
    return size


def receive_all(line: Line, data: bytes) -> None:
    while data:
        data = data[receive(line, data) :]


def read_now(line: Line, most: int = PIECE) -> bytes:
    """Read what is there; nobody waits, though the loop may have its turn first."""
    reading = line.read(most)
    try:
        for _ in range(2):
            reading.send(None)
    except StopIteration as end:
        data: bytes = end.value
        return data
    raise AssertionError("there was nothing to read")


# --- reading ---


@given(st.lists(st.binary(min_size=1, max_size=70)), st.lists(st.booleans()), st.booleans(), st.integers(1, 40))
def test_every_byte_arrives_once_and_in_order(
    pieces: list[bytes], reads: list[bool], bulk: bool, most: int
) -> None:
    """The loop receives whenever it may, and the reader reads now and then, and at the end."""
    with mock.patch.multiple("reelway.transport.line", SMALLEST=4, LARGEST=32):
        line, transport = a_line()
        line.bulk = bulk
        got, turns = b"", iter(reads)
        for piece in pieces:
            while piece:
                if transport.reads:
                    piece = piece[receive(line, piece) :]  # noqa: PLW2901 - what has not been received
                if not transport.reads or (line._filled and next(turns, False)):
                    got += read_now(line, most)
        while line._filled:
            got += read_now(line, most)
    assert got == b"".join(pieces)
    assert transport.reads


@pytest.mark.parametrize(("bulk", "first"), [(False, b"abcd"), (True, b"abcdef")])
def test_a_read_gives_no_more_than_was_asked_for_unless_it_is_of_a_file(bulk: bool, first: bytes) -> None:
    line, _ = a_line()
    line.bulk = bulk
    for piece in (b"ab", b"c", b"def"):
        receive(line, piece)
    assert read_now(line, 4) == first


def test_a_head_that_came_at_once_is_given_in_pieces() -> None:
    line, transport = a_line()
    receive_all(line, bytes(SMALLEST - 1) + bytes(LARGEST - SMALLEST + 1))
    sizes = []
    while line._filled:
        sizes.append(len(read_now(line)))
    assert sizes == [PIECE] * (LARGEST // PIECE)
    assert transport.asked == ["pause_reading", "resume_reading"]


def test_a_reader_that_is_flooded_still_ends_with_its_time() -> None:
    async def story() -> int:
        line, _ = a_line()
        reads = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0):
                while True:
                    receive_all(line, bytes(2 * PIECE - line._filled))
                    await line.read(PIECE)
                    reads += 1
        return reads

    assert asyncio.run(story()) < 10


def test_the_buffer_grows_for_a_reader_that_falls_behind_and_then_the_sender_waits() -> None:
    line, transport = a_line()
    flood, received = bytes(2 * LARGEST), 0
    while "pause_reading" not in transport.asked:
        received += receive(line, flood)
    assert received == LARGEST
    assert len(read_now(line, LARGEST)) == LARGEST
    assert transport.asked == ["pause_reading", "resume_reading"]


def test_the_buffer_stays_small_for_small_answers() -> None:
    line, transport = a_line()
    for _ in range(100):
        receive(line, bytes(SMALLEST - 1))
        read_now(line)
    assert len(line.get_buffer(-1)) == SMALLEST
    assert transport.calls == []


def test_a_read_waits_for_bytes() -> None:
    async def story() -> None:
        line, _ = a_line()
        reading = asyncio.ensure_future(line.read(PIECE))
        await asyncio.sleep(0)
        assert not reading.done()
        receive(line, b"late")
        assert await reading == b"late"

    asyncio.run(story())


def test_a_read_that_was_cancelled_takes_nothing() -> None:
    async def story() -> None:
        line, _ = a_line()
        reading = asyncio.ensure_future(line.read(PIECE))
        await asyncio.sleep(0)
        reading.cancel()
        receive(line, b"kept")
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await line.read(PIECE) == b"kept"

    asyncio.run(story())


@pytest.mark.parametrize("goodbye", [Line.eof_received, lambda line: line.connection_lost(None)])
def test_what_came_before_the_end_is_read_first(goodbye: Callable[[Line], None]) -> None:
    line, _ = a_line()
    receive(line, b"last words")
    goodbye(line)
    assert [read_now(line), read_now(line), read_now(line)] == [b"last words", b"", b""]


@CORES
def test_a_connection_that_broke_is_a_read_error_of_the_layer(core: Any) -> None:
    line, _ = a_line(core)
    reset = ConnectionResetError()
    receive(line, b"last words")
    line.connection_lost(reset)
    assert read_now(line) == b"last words"
    with pytest.raises(core.ReadError) as caught:
        read_now(line)
    assert caught.value.__cause__ is reset


def test_an_end_wakes_who_waits_for_it() -> None:
    async def story() -> None:
        line, _ = a_line()
        reading = asyncio.ensure_future(line.read(PIECE))
        await asyncio.sleep(0)
        line.eof_received()
        assert await reading == b""

    asyncio.run(story())


def test_the_pieces_of_a_download_are_gathered() -> None:
    async def story() -> None:
        line, _ = a_line()
        line.bulk = True
        receive_all(line, bytes(BULK))
        reading = asyncio.ensure_future(line.read(PIECE))
        for _ in range(3):
            receive_all(line, bytes(BULK))
            await asyncio.sleep(0)
            assert not reading.done()
        receive_all(line, bytes(GULP))
        assert len(await reading) == 4 * BULK + GULP
        # A small answer behind a long one is handed on at once.
        receive_all(line, b"small")
        assert await line.read(PIECE) == b"small"

    asyncio.run(story())


def test_pieces_that_do_not_come_are_not_waited_for_long() -> None:
    async def story() -> None:
        line, _ = a_line()
        line.bulk = True
        receive_all(line, bytes(BULK))
        with mock.patch("reelway.transport.line.PATIENCE", 0):
            assert len(await line.read(PIECE)) == BULK

    asyncio.run(story())


@pytest.mark.parametrize("goodbye", [Line.eof_received, lambda line: line.connection_lost(OSError())])
def test_nobody_waits_for_pieces_behind_the_end(goodbye: Callable[[Line], None]) -> None:
    async def story() -> None:
        line, _ = a_line()
        line.bulk = True
        receive_all(line, bytes(BULK))
        with mock.patch("reelway.transport.line.PATIENCE", 60):
            reading = asyncio.ensure_future(line.read(PIECE))
            await asyncio.sleep(0)
            goodbye(line)
            assert len(await asyncio.wait_for(reading, 5)) == BULK

    asyncio.run(story())


def test_a_read_that_is_cancelled_while_it_gathers_takes_nothing() -> None:
    async def story() -> None:
        line, _ = a_line()
        line.bulk = True
        receive_all(line, bytes(BULK))
        reading = asyncio.ensure_future(line.read(PIECE))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        receive_all(line, bytes(GULP))
        assert len(await line.read(PIECE)) == BULK + GULP
        receive_all(line, b"small")
        assert await line.read(PIECE) == b"small"

    asyncio.run(story())


# --- encryption ---


@CORES
def test_nothing_that_came_before_the_handshake_is_believed(core: Any) -> None:
    async def story() -> None:
        line, _ = a_line(core)
        receive(line, b"HTTP/1.1 200 OK\r\n\r\n")
        handshake = mock.AsyncMock(return_value=FakeTransport())
        with (
            mock.patch.object(asyncio.get_running_loop(), "start_tls", handshake),
            pytest.raises(core.ConnectError),
        ):
            await line.start_tls(None)
        handshake.assert_awaited_once()

    asyncio.run(story())


# --- writing ---


def test_what_is_written_goes_out_at_once() -> None:
    line, transport = a_line()
    asyncio.run(line.write(b"abc"))
    asyncio.run(line.write(b""))
    assert transport.calls == [("write", b"abc")]


def test_a_writer_waits_while_the_other_side_takes_nothing() -> None:
    async def story() -> None:
        line, _ = a_line()
        line.pause_writing()
        writing = asyncio.ensure_future(line.write(b"abc"))
        await asyncio.sleep(0)
        # An answer may begin before the request is through.
        receive(line, b"100")
        await asyncio.sleep(0)
        assert not writing.done()
        line.resume_writing()
        await writing

    asyncio.run(story())


@CORES
@pytest.mark.parametrize("lost_by", [None, BrokenPipeError()])
def test_what_cannot_be_written_any_more_is_a_write_error_of_the_layer(core: Any, lost_by: Any) -> None:
    async def story() -> None:
        line, transport = a_line(core)
        line.pause_writing()
        writing = asyncio.ensure_future(line.write(b"abc"))
        await asyncio.sleep(0)
        line.connection_lost(lost_by)
        for attempt in (writing, line.write(b"def")):
            with pytest.raises(core.WriteError) as caught:
                await attempt
            assert caught.value.__cause__ is lost_by
        assert transport.calls == [("write", b"abc")]

    asyncio.run(story())


# --- over a socket ---


@asynccontextmanager
async def connected(core: Any = httpcore) -> AsyncIterator[tuple[Line, socket.socket]]:
    """A connection and its other end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = await open_line(core, "127.0.0.1", server.getsockname()[1], 5)
        other, _ = server.accept()
        with other:
            yield line, other
            await line.aclose()


def over_a_socket(story: Callable[[Line, socket.socket], Awaitable[None]]) -> None:
    async def main() -> None:
        async with connected() as (line, other):
            await story(line, other)

    asyncio.run(main())


def test_bytes_go_there_and_back() -> None:
    async def story(line: Line, other: socket.socket) -> None:
        await line.write(b"ping")
        assert other.recv(10) == b"ping"
        other.sendall(b"pong")
        assert await line.read(PIECE) == b"pong"

    over_a_socket(story)


def test_an_idle_connection_tells_of_a_goodbye_before_the_loop_has_seen_it() -> None:
    async def story(line: Line, other: socket.socket) -> None:
        assert not line.get_extra_info("is_readable")
        other.close()
        give_up = time.monotonic() + 5
        while not line.get_extra_info("is_readable"):
            assert time.monotonic() < give_up
        assert await line.read(PIECE) == b""
        assert line.get_extra_info("is_readable")

    over_a_socket(story)


def test_a_connection_that_is_closed_is_gone_on_both_sides() -> None:
    async def story(line: Line, other: socket.socket) -> None:
        own = line.get_extra_info("socket")
        await line.aclose()
        assert own.fileno() == -1
        assert other.recv(10) == b""

    over_a_socket(story)


def test_a_sender_that_floods_is_held_back_and_nothing_is_lost() -> None:
    flood = bytes(range(256)) * (8 * LARGEST // 256)

    async def story(line: Line, other: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        other.setblocking(False)
        sending = asyncio.ensure_future(loop.sock_sendall(other, flood))
        got = b""
        while len(got) < len(flood):
            piece = await line.read(PIECE)
            assert len(piece) <= LARGEST
            got += piece
        await sending
        assert got == flood

    over_a_socket(story)


@CORES
def test_an_address_that_refuses_is_a_connect_error_of_the_layer(core: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(core.ConnectError) as caught:
        asyncio.run(open_line(core, "127.0.0.1", port, 5))
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


@CORES
def test_an_address_that_takes_too_long_is_a_connect_timeout_of_the_layer(core: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, pytest.raises(core.ConnectTimeout):
        asyncio.run(open_line(core, "127.0.0.1", server.getsockname()[1], 0))
