"""No body grows beyond its limit, neither as sent nor as inflated."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.transport.body import PIECE, BodyRefused, BoundedBody
from reelway.transport.http import API_BODY_LIMIT

MEBIBYTE = 1 << 20

COMPRESSORS: dict[str, Any] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    " GZIP ": gzip.compress,
}


def collected(encoding: str, body: bytes, *, limit: int = 1000, piece: int = 7) -> bytes:
    bounded = BoundedBody(encoding, limit)
    for start in range(0, len(body), piece):
        bounded.add(body[start : start + piece])
    return bounded.whole()


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_a_plain_body_arrives_as_it_was_sent(encoding: str) -> None:
    assert collected(encoding, b'{"id": "1"}' * 9) == b'{"id": "1"}' * 9


@pytest.mark.parametrize("encoding", COMPRESSORS)
def test_a_body_that_was_compressed_unasked_is_inflated(encoding: str) -> None:
    assert collected(encoding, COMPRESSORS[encoding](b'{"id": "1"}' * 9)) == b'{"id": "1"}' * 9


@pytest.mark.parametrize("encoding", ["br", "zstd", "compress", "gzip, gzip", "gzip,deflate", "*"])
def test_a_compression_that_nobody_asked_for_is_refused(encoding: str) -> None:
    with pytest.raises(BodyRefused, match="not asked for"):
        BoundedBody(encoding, 1000)


@pytest.mark.parametrize("encoding", COMPRESSORS)
def test_a_broken_compression_is_refused(encoding: str) -> None:
    with pytest.raises(BodyRefused, match="broken"):
        collected(encoding, b"this is plain text and no compressed one")


@pytest.mark.parametrize("size", [0, 999, 1000])
def test_a_body_up_to_the_limit_is_taken(size: int) -> None:
    assert len(collected("", bytes(size))) == size
    assert len(collected("gzip", gzip.compress(bytes(size)))) == size


@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 2 * PIECE, 2 * PIECE + 100, 5 * PIECE])
@pytest.mark.parametrize("piece", [1, 100_000])
def test_no_byte_is_lost_where_pieces_meet(size: int, piece: int) -> None:
    for body in (bytes(size), bytes(range(251)) * (size // 251 + 1)):
        assert collected("gzip", gzip.compress(body), limit=10 * PIECE, piece=piece) == body


def test_a_body_beyond_the_limit_is_refused() -> None:
    with pytest.raises(BodyRefused, match="larger than 1000 bytes"):
        collected("", bytes(1001))


@pytest.mark.parametrize("size", [1001, 100_000])
def test_a_body_that_inflates_beyond_the_limit_is_refused(size: int) -> None:
    with pytest.raises(BodyRefused, match="inflates to more than 1000 bytes"):
        collected("gzip", gzip.compress(bytes(size)))


def test_a_compressed_body_is_bounded_as_sent_as_well() -> None:
    with pytest.raises(BodyRefused, match="larger than 1000 bytes"):
        collected("gzip", gzip.compress(b"", 0) + bytes(2000))


@given(
    body=st.binary(max_size=3000),
    encoding=st.sampled_from(["", "gzip", "deflate", "br"]),
    limit=st.integers(1, 900),
)
def test_any_bytes_lead_to_a_bounded_body_or_to_a_refusal(body: bytes, encoding: str, limit: int) -> None:
    with suppress(BodyRefused):
        assert len(collected(encoding, body, limit=limit)) <= limit


@pytest.fixture(scope="module")
def bomb() -> bytes:
    return gzip.compress(bytes(64 * MEBIBYTE), 9)


@pytest.mark.parametrize("piece", [4096, 65536, 1 << 24])
def test_a_bomb_costs_little_memory(bomb: bytes, piece: int) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(BodyRefused):
            collected("gzip", bomb, limit=API_BODY_LIMIT, piece=piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * MEBIBYTE


def test_a_body_in_crumbs_costs_no_more_memory_than_it_has_bytes() -> None:
    crumbs = 100_000
    bounded = BoundedBody("", API_BODY_LIMIT)
    tracemalloc.start()
    try:
        for number in range(crumbs):
            bounded.add(b"%02d" % (number % 100))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(bounded.whole()) == 2 * crumbs
    assert peak < MEBIBYTE
