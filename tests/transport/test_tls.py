"""Encrypted connections: real handshakes on loopback, both colors, both libraries."""

from __future__ import annotations

import ssl
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from reelway.flow.effects import Open, Phase, TransportError
from reelway.model.http import HttpRequest, json_request
from reelway.model.secret import Secret
from reelway.transport import http as http_room
from reelway.transport.line import LARGEST
from tests.transport.rogue import OK, Manner, Network, RogueServer, Visit, answering, bounded, opened

CERTIFICATE = Path(__file__).with_name("localhost.pem")

GET = HttpRequest(method="GET", path="v1/videos/task-1")
POST = json_request("POST", "v1/videos", {"model": "m"})


@pytest.fixture(params=[(color, library) for color in ("sync", "async") for library in ("httpx", "httpx2")])
def network(request: pytest.FixtureRequest) -> Any:
    color, library = request.param
    return partial(opened, color, library)


@pytest.fixture
def _trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate of the tests is one that we trust."""
    context = ssl.create_default_context(cafile=CERTIFICATE)
    monkeypatch.setattr(http_room, "tls_context", lambda module: context)


def encrypted(manner: Manner, certificate: Path = CERTIFICATE) -> Manner:
    """The same manner, behind a handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def wrapped(visit: Visit) -> None:
        with context.wrap_socket(visit.line, server_side=True) as visit.line:
            manner(visit)

    return wrapped


def says(data: bytes) -> Manner:
    def manner(visit: Visit) -> None:
        visit.read_request()
        visit.say(data)

    return manner


def address(server: RogueServer, host: str = "localhost") -> str:
    return f"https://{host}:{server.port}"


def trouble_of(api: Network, request: HttpRequest, timeout: float = 5.0) -> TransportError:
    with pytest.raises(TransportError) as caught:
        api.send(request, timeout=timeout, fresh=True)
    return caught.value


@pytest.mark.usefixtures("_trusted")
def test_polls_keep_their_connection_and_creates_have_each_their_own(network: Any) -> None:
    with RogueServer(encrypted(answering(OK))) as server, network(address(server)) as api:
        for request, fresh in ((GET, False), (GET, False), (POST, True), (GET, False)):
            assert api.send(request, fresh=fresh).body == b"{}"
        assert [len(visit.requests) for visit in server.visits] == [3, 1]


@pytest.mark.usefixtures("_trusted")
def test_a_long_file_arrives_byte_for_byte(network: Any) -> None:
    body = bytes(range(256)) * (3 * LARGEST // 256)
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with RogueServer(encrypted(says(answer))) as server, network(address(server)) as api:
        assert api.fetch(Open(url=Secret(address(server) + "/v.mp4"), timeout=5))[1] == body


@pytest.mark.usefixtures("_trusted")
def test_a_long_request_arrives_byte_for_byte(network: Any) -> None:
    body = bytes(range(256)) * (3 * LARGEST // 256)
    with RogueServer(encrypted(answering(OK))) as server, network(address(server)) as api:
        api.send(HttpRequest(method="POST", path="v1/videos", body=body), fresh=True)
        assert server.requests[0].partition(b"\r\n\r\n")[2] == body


@pytest.mark.usefixtures("_trusted")
def test_a_body_that_breaks_off_is_told(network: Any) -> None:
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"
    with RogueServer(encrypted(says(half))) as server, network(address(server)) as api:
        caught = trouble_of(api, POST)
    assert caught.phase is Phase.RECEIVING


@pytest.mark.usefixtures("_trusted")
def test_an_answer_that_does_not_come_is_given_up_in_time(network: Any) -> None:
    def silent(visit: Visit) -> None:
        visit.read_request()
        visit.wait()

    with RogueServer(encrypted(silent)) as server, network(address(server)) as api, bounded(3):
        caught = trouble_of(api, POST, timeout=0.5)
    assert caught.phase is Phase.SENDING


@pytest.mark.usefixtures("_trusted")
def test_a_certificate_for_another_host_has_had_nothing_sent(network: Any) -> None:
    with RogueServer(encrypted(answering(OK))) as server, network(address(server, "127.0.0.1")) as api:
        caught = trouble_of(api, POST)
        assert server.requests == []
    assert (caught.phase, caught.reason) == (
        Phase.CONNECTING,
        "connecting failed (CERTIFICATE_VERIFY_FAILED)",
    )


def test_a_certificate_that_nobody_vouches_for_has_had_nothing_sent(network: Any) -> None:
    with RogueServer(encrypted(answering(OK))) as server, network(address(server)) as api:
        caught = trouble_of(api, POST)
        assert server.requests == []
    assert caught.phase is Phase.CONNECTING
