"""Both ways of an exchange say the same to a server, and give the same kind of answer."""

from __future__ import annotations

import gzip
from typing import Any

import pytest

from reelway.flow.effects import Send
from reelway.model.http import HttpRequest
from reelway.model.secret import Secret
from reelway.transport.async_driver import IN_FLIGHT
from reelway.transport.exchange import AsyncConnections, SyncConnections, SyncStandIn, head_of
from reelway.transport.http import KEPT, HttpSettings, Purpose, SyncHttp, load_library
from reelway.transport.wire import Endpoint, Written

LIBRARIES = pytest.mark.parametrize("library", ["httpx", "httpx2"])


def written(url: str, target: bytes = b"/v1?sig=%2f") -> Written:
    return Written(method="GET", url=url, target=target, headers=(("Accept", "*/*"), ("X-A", "1")))


@LIBRARIES
@pytest.mark.parametrize("kind", [SyncConnections, AsyncConnections])
@pytest.mark.parametrize(
    ("url", "origin", "header"),
    [
        ("https://cdn.example/v1", (b"https", b"cdn.example", 443), b"cdn.example"),
        ("http://cdn.example:80/v1", (b"http", b"cdn.example", 80), b"cdn.example"),
        ("HTTPS://CDN.Example:8443?x", (b"https", b"cdn.example", 8443), b"cdn.example:8443"),
        ("http://[::1]:8080#f", (b"http", b"::1", 8080), b"[::1]:8080"),
        ("https://bücher.example/v1", (b"https", b"xn--bcher-kva.example", 443), b"xn--bcher-kva.example"),
    ],
)
def test_the_host_is_named_as_it_is_connected_to(
    library: str, kind: Any, url: str, origin: tuple[bytes, bytes, int], header: bytes
) -> None:
    loaded = load_library(library)
    request = kind(loaded, None, 0).request(written(url), {})
    assert request.url.origin == loaded.core.Origin(*origin)
    assert request.headers == [(b"Host", header), (b"Accept", b"*/*"), (b"X-A", b"1")]


@LIBRARIES
def test_the_target_is_written_byte_for_byte_both_ways(library: str) -> None:
    loaded = load_library(library)
    one = written("https://cdn.example/v1?sig=%2f", b"/v1?sig=%2f")
    assert SyncConnections(loaded, lambda _: None, 0).request(one, {}).url.target == b"/v1?sig=%2f"
    assert SyncStandIn(loaded, None).request(one, {}).extensions["target"] == b"/v1?sig=%2f"


def test_headers_keep_their_order_and_lose_their_case() -> None:
    raw = [(b"X-B", b"1"), (b"x-a", b"2"), (b"X-B", "ü".encode()), (b"Old", b"\xfc")]
    head = head_of(206, raw)
    assert (head.status, head.headers) == (206, (("x-b", "1"), ("x-a", "2"), ("x-b", "ü"), ("old", "ü")))


def test_no_answer_shows_the_headers_of_its_head() -> None:
    library = load_library("httpx")
    redirect = library.client.Response(302, headers={"Location": "https://cdn.example/?sig=SIGNATURE"})
    transport = library.client.MockTransport(lambda request: redirect)
    way = SyncStandIn(library, transport)
    answer = way.ask(way.request(written("https://cdn.example/"), {}))
    assert ("location", "https://cdn.example/?sig=SIGNATURE") in answer.head.headers
    assert "SIGNATURE" not in repr(answer)


@LIBRARIES
def test_what_a_stand_in_compressed_is_inflated_as_that_of_a_server(library: str) -> None:
    module = load_library(library).client
    packed = gzip.compress(b'{"id": "1"}')
    transport = module.MockTransport(
        lambda request: module.Response(200, headers={"Content-Encoding": "gzip"}, content=packed)
    )
    endpoint = Endpoint(base_url="https://api.acme.example", key=Secret("key"))
    http = SyncHttp(endpoint, HttpSettings(library=library, transport=transport))
    assert http.send(Send(request=HttpRequest(method="GET", path="x"), timeout=5)).body == b'{"id": "1"}'


def test_every_poll_that_may_be_under_way_finds_its_connection_again() -> None:
    assert KEPT[Purpose.API] >= IN_FLIGHT
    assert KEPT[Purpose.CREATE] == 0
