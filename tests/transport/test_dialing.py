"""Every address is judged before it is connected to, and no step of a connection outlives the deadline."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from types import SimpleNamespace
from typing import Any
from unittest import mock

import httpcore
import httpcore2
import pytest

from reelway.transport import dialing
from reelway.transport.dialing import (
    PIECE,
    AsyncBackend,
    BoundedStream,
    SyncBackend,
    deadline_in,
    judged,
    resolve,
    resolve_within,
    seconds_left,
    shared_out,
)
from reelway.transport.guard import AddressRefused, check_address
from reelway.transport.line import BULK, GULP, PATIENCE
from tests.transport.rogue import bounded


class FakeStream:
    """A connection that notes what is asked of it."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self._error = error

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.calls.append(("read", timeout))
        return b"x"

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.calls.append(("write", len(buffer), timeout))

    def close(self) -> None:
        self.calls.append(("close",))

    def start_tls(self, context: Any, host: str | None = None, timeout: float | None = None) -> FakeStream:
        self.calls.append(("start_tls", host, timeout))
        if self._error:
            raise self._error
        return self

    def get_extra_info(self, info: str) -> str:
        return info


class Dialer:
    """Stands in for the connection layer; addresses that are `dead` refuse."""

    ConnectError = httpcore.ConnectError
    ConnectTimeout = httpcore.ConnectTimeout
    ReadTimeout = httpcore.ReadTimeout
    WriteTimeout = httpcore.WriteTimeout
    UnsupportedProtocol = httpcore.UnsupportedProtocol

    def __init__(self, *dead: str) -> None:
        self.dead = dead
        self.dialled: list[tuple[str, int, float | None]] = []

    def SyncBackend(self) -> Dialer:  # noqa: N802 - the library's name
        return self

    def connect_tcp(self, host: str, port: int, timeout: float | None, *_: Any) -> FakeStream:
        self.dialled.append((host, port, timeout))
        if host in self.dead:
            raise httpcore.ConnectError
        return FakeStream()

    async def open_line(self, core: Any, host: str, port: int, timeout: float | None) -> FakeStream:
        return self.connect_tcp(host, port, timeout)


def dial(color: str, dialer: Dialer, judge: Any = check_address, timeout: float | None = 8.0) -> Any:
    if color == "sync":
        return SyncBackend(dialer, judge).connect_tcp("many.example", 443, timeout)
    with mock.patch.object(dialing, "open_line", dialer.open_line):
        return asyncio.run(AsyncBackend(dialer, judge).connect_tcp("many.example", 443, timeout))


def leads_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)


colors = pytest.mark.parametrize("color", ["sync", "async"])


@colors
def test_no_address_is_dialled_where_one_of_them_is_refused(color: str, monkeypatch: pytest.MonkeyPatch) -> None:
    leads_to(monkeypatch, "93.184.215.14", "10.0.0.1")
    dialer = Dialer()
    with pytest.raises(AddressRefused, match="private network"):
        dial(color, dialer)
    assert not dialer.dialled


@colors
def test_addresses_are_tried_in_order_until_one_answers(color: str, monkeypatch: pytest.MonkeyPatch) -> None:
    leads_to(monkeypatch, "93.184.215.14", "93.184.215.15", "93.184.215.15", "93.184.215.16")
    dialer = Dialer("93.184.215.14")
    dial(color, dialer)
    assert [host for host, _, _ in dialer.dialled] == ["93.184.215.14", "93.184.215.15"]


@colors
def test_where_none_answers_the_last_error_is_told(color: str, monkeypatch: pytest.MonkeyPatch) -> None:
    leads_to(monkeypatch, "93.184.215.14", "93.184.215.15")
    with pytest.raises(httpcore.ConnectError):
        dial(color, Dialer("93.184.215.14", "93.184.215.15"))


@colors
def test_a_name_without_an_address_cannot_be_connected_to(color: str, monkeypatch: pytest.MonkeyPatch) -> None:
    leads_to(monkeypatch)
    with pytest.raises(httpcore.ConnectError, match="no address"):
        dial(color, Dialer())


@colors
def test_each_address_gets_its_share_of_the_time(color: str, monkeypatch: pytest.MonkeyPatch) -> None:
    leads_to(monkeypatch, "93.184.215.14", "93.184.215.15")
    dialer = Dialer("93.184.215.14")
    dial(color, dialer, timeout=8)
    shares = [share for _, _, share in dialer.dialled]
    assert shares == pytest.approx([4, 8], abs=0.5)


@colors
def test_without_a_timeout_nobody_is_hurried(color: str, monkeypatch: pytest.MonkeyPatch) -> None:
    leads_to(monkeypatch, "93.184.215.14")
    dialer = Dialer()
    dial(color, dialer, timeout=None)
    assert dialer.dialled == [("93.184.215.14", 443, None)]


@colors
def test_unix_sockets_are_not_for_us(color: str) -> None:
    backend: Any = (
        SyncBackend(Dialer(), check_address) if color == "sync" else AsyncBackend(Dialer(), check_address)
    )
    with pytest.raises(httpcore.UnsupportedProtocol):
        _finish(backend.connect_unix_socket("/run/x"))


@colors
def test_the_library_may_wait_between_its_own_attempts(color: str) -> None:
    backend: Any = (
        SyncBackend(Dialer(), check_address) if color == "sync" else AsyncBackend(Dialer(), check_address)
    )
    _finish(backend.sleep(0))


def _finish(result: Any) -> None:
    if asyncio.iscoroutine(result):
        asyncio.run(result)


def test_judging_keeps_the_addresses_as_they_are() -> None:
    assert judged(["93.184.215.14"], check_address) == ["93.184.215.14"]


# --- the deadline ---


def test_without_a_deadline_a_step_has_its_own_time() -> None:
    assert seconds_left(7, TimeoutError) == 7
    assert seconds_left(None, TimeoutError) is None


def test_a_step_has_no_more_time_than_the_deadline_leaves() -> None:
    with deadline_in(5):
        assert seconds_left(2, TimeoutError) == 2
        for own in (60, None):
            left = seconds_left(own, TimeoutError)
            assert left is not None
            assert 4 < left <= 5


def test_a_step_after_the_deadline_is_not_taken() -> None:
    with deadline_in(0), pytest.raises(httpcore.ReadTimeout):
        seconds_left(60, httpcore.ReadTimeout)


def test_a_deadline_ends_with_its_block_and_is_the_thread_s_own() -> None:
    seen: list[float | None] = []
    with deadline_in(0):
        other = threading.Thread(target=lambda: seen.append(seconds_left(9, TimeoutError)))
        other.start()
        other.join()
    assert seen == [9]
    assert seconds_left(9, TimeoutError) == 9


def test_every_step_of_a_connection_ends_with_the_deadline() -> None:
    fake = FakeStream()
    stream = BoundedStream(fake, httpcore)
    with deadline_in(5):
        stream.read(1, 60)
        stream.write(b"x", 60)
        stream.start_tls(None, "host", 60)
    assert all(call[-1] <= 5 for call in fake.calls)
    with deadline_in(0):
        for step, error in (
            (lambda: stream.read(1), httpcore.ReadTimeout),
            (lambda: stream.write(b"x"), httpcore.WriteTimeout),
            (lambda: stream.start_tls(None), httpcore.ConnectTimeout),
        ):
            with pytest.raises(error):
                step()
    assert fake.calls[-1] == ("close",)
    assert stream.get_extra_info("socket") == "socket"


def test_a_large_body_is_written_piece_by_piece_each_with_the_time_that_is_left() -> None:
    fake = FakeStream()
    BoundedStream(fake, httpcore).write(bytes(2 * PIECE + 5))
    assert [size for _, size, _ in fake.calls] == [PIECE, PIECE, 5]


# --- pieces ---


class Received(FakeStream):
    """A connection that gives these pieces one after the other, an error where one is; all of them have arrived."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        super().__init__()
        self.pieces = list(pieces)
        self.asked: list[int] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.asked.append(max_bytes)
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, Exception):
            raise piece
        return piece


def a_file(received: Received) -> BoundedStream:
    """A connection over which a file is coming."""
    stream = BoundedStream(received, httpcore)
    stream.bulk = True
    return stream


@pytest.fixture
def arrived(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Whatever is asked for has arrived; the seconds that would have been waited for it."""
    waits: list[float] = []

    def is_readable(_: Any, seconds: float) -> bool:
        waits.append(seconds)
        return True

    monkeypatch.setattr(dialing, "is_readable", is_readable)
    return waits


def test_the_pieces_of_a_download_are_gathered(arrived: list[float]) -> None:
    pieces = [bytes([number]) * BULK for number in range(100)]
    stream = a_file(Received(*pieces))
    first, second = stream.read(PIECE), stream.read(PIECE)
    assert len(first) == len(second) == GULP
    assert first + second == b"".join(pieces)[: 2 * GULP]
    assert max(arrived) <= PATIENCE


def test_a_small_answer_is_waited_for_no_longer_than_it_takes(arrived: list[float]) -> None:
    stream = a_file(Received(bytes(BULK - 1), b"more"))
    assert stream.read(PIECE) == bytes(BULK - 1)
    assert arrived == []


def test_pieces_are_waited_for_together_no_longer_than_patience_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(number * PATIENCE / 4 for number in range(100))
    monkeypatch.setattr(dialing, "time", SimpleNamespace(monotonic=lambda: next(now)))
    monkeypatch.setattr(dialing, "is_readable", lambda _, seconds: True)
    stream = a_file(Received(bytes(BULK), *[b"x"] * 50))
    assert len(stream.read(PIECE)) <= BULK + 4


def test_what_has_not_arrived_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialing, "is_readable", lambda _, seconds: False)
    stream = a_file(Received(bytes(BULK), b"more"))
    assert stream.read(PIECE) == bytes(BULK)


def test_what_arrived_before_the_end_comes_first(arrived: list[float]) -> None:
    stream = a_file(Received(bytes(BULK)))
    assert [stream.read(PIECE), stream.read(PIECE)] == [bytes(BULK), b""]


def test_what_arrived_before_a_break_comes_first_and_the_break_is_told(arrived: list[float]) -> None:
    broken = httpcore.ReadError()
    stream = a_file(Received(bytes(BULK), b"last", broken))
    assert stream.read(PIECE) == bytes(BULK) + b"last"
    for _ in range(2):
        with pytest.raises(httpcore.ReadError) as caught:
            stream.read(PIECE)
        assert caught.value is broken


def test_only_a_file_is_read_in_longer_pieces_than_were_asked_for(arrived: list[float]) -> None:
    received = Received(bytes(PIECE), bytes(GULP), bytes(PIECE))
    stream = BoundedStream(received, httpcore)
    for stream.bulk in (False, True, False):
        stream.read(PIECE)
    assert received.asked == [PIECE, GULP, PIECE]
    assert arrived == []


def test_a_connection_that_fails_on_its_way_to_encryption_is_closed() -> None:
    fake = FakeStream(httpcore.ConnectError())
    with pytest.raises(httpcore.ConnectError):
        BoundedStream(fake, httpcore).start_tls(None, "host")
    assert fake.calls[-1] == ("close",)


def test_the_shares_of_the_time_carry_over_what_is_not_used() -> None:
    shares = [share for _, share in shared_out(["a", "b", "c"], 9)]
    assert shares == pytest.approx([3, 4.5, 9], abs=0.1)
    assert [share for _, share in shared_out(["a"], None)] == [None]
    assert [share for _, share in shared_out(["a"], 0)] == [0]


# --- lookups ---


@pytest.mark.parametrize("core", [httpcore, httpcore2])
@pytest.mark.parametrize(
    "error", [socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")]
)
def test_a_name_that_cannot_be_looked_up_is_a_failed_connection(
    core: Any, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(core.ConnectError) as caught:
        resolve(core, "x.example", 80)
    assert caught.value.__cause__ is error
    with pytest.raises(core.ConnectError):
        resolve_within(core, "x.example", 80, 5)


def test_a_lookup_is_waited_for_as_long_as_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(dialing, "resolve", lambda *_: ["found"] if let_go.wait(5) else [])
    start = time.monotonic()
    with pytest.raises(httpcore.ConnectTimeout):
        resolve_within(httpcore, "slow.example", 80, 0.05)
    assert time.monotonic() - start < 2
    let_go.set()
    assert resolve_within(httpcore, "slow.example", 80, 5) == ["found"]


def test_lookups_that_hang_hold_up_neither_other_work_nor_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = threading.Event()
    monkeypatch.setattr(dialing, "resolve", lambda *_: ["127.0.0.1"] if let_go.wait(5) else [])
    backend = AsyncBackend(httpcore, check_address)

    async def main() -> None:
        # More than the event loop has threads.
        lookups = [asyncio.ensure_future(backend.connect_tcp("slow.example", 80)) for _ in range(40)]
        await asyncio.sleep(0)
        await asyncio.to_thread(lambda: None)
        for lookup in lookups:
            lookup.cancel()
        await asyncio.gather(*lookups, return_exceptions=True)

    try:
        with bounded(4):
            asyncio.run(main())
    finally:
        let_go.set()
