"""The network as it is: real loopback sockets, servers that break every rule, both colors, both libraries."""

from __future__ import annotations

import asyncio
import gc
import gzip
import logging
import socket
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from email.parser import BytesParser
from functools import partial
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from reelway.errors import ConfigurationError
from reelway.flow.effects import Open, Phase, Send, TransportError
from reelway.model.http import FilePart, HttpRequest, HttpResponse, Multipart, json_request
from reelway.model.secret import Secret
from reelway.testing import in_process
from reelway.transport import http as http_room
from reelway.transport.http import API_BODY_LIMIT, AsyncHttp, load_library
from reelway.transport.wire import Endpoint
from tests.reports import full_report
from tests.transport.rogue import (
    KEY,
    NETWORKS,
    OK,
    WAYS,
    Manner,
    Network,
    RogueServer,
    Visit,
    answering,
    bounded,
    drips,
    floods,
    in_turn,
    is_silent,
    leaves_after_reading,
    never_reads,
    opened,
    resets_after_reading,
    resets_at_once,
    says,
)

GET = HttpRequest(method="GET", path="v1/videos/task-1")
POST = json_request("POST", "v1/videos", {"model": "m"})

LIBRARIES = ("httpx", "httpx2")
MEBIBYTE = 1 << 20

SHORT = 0.25
"""Seconds; long enough to connect on a busy machine."""

SIGNED = "/v.mp4?sig=SIGNATURE"

Opener = Callable[..., Any]


@pytest.fixture(scope="module", autouse=True)
def _warmed_up() -> Iterator[None]:
    """Certificates are read before time is short, and collecting garbage looks at the objects of one test only."""
    for library in LIBRARIES:
        http_room.tls_context(load_library(library)[0])
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(params=NETWORKS, ids="-".join)
def network(request: pytest.FixtureRequest) -> Opener:
    """Opens a network of each color over each library."""
    color, library = request.param
    return partial(opened, color, library)


def link(url: str, *, keyed: bool = False, timeout: float = 5.0) -> Open:
    return Open(url=Secret(url), keyed=keyed, timeout=timeout)


def trouble_of(call: Callable[[], object]) -> TransportError:
    with pytest.raises(TransportError) as caught:
        call()
    return caught.value


# --- how far it got ---


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"

AFTER_SENDING: list[tuple[str, Manner, Phase]] = [
    ("reset after reading", resets_after_reading, Phase.SENDING),
    ("gone after reading", leaves_after_reading, Phase.SENDING),
    ("silence", is_silent, Phase.SENDING),
    ("half a status line", says(b"HTTP/1."), Phase.SENDING),
    ("half a head", says(HEAD[:30]), Phase.SENDING),
    ("garbage", says(b"\x15\x03\x01 this is no HTTP\r\n\r\n"), Phase.SENDING),
    ("another protocol", says(b"SSH-2.0-OpenSSH_9.6\r\n"), Phase.SENDING),
    ("a head without end", drips(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 4000), Phase.SENDING),
    ("a flood of headers", says(b"HTTP/1.1 200 OK\r\n" + b"X-Header: flood\r\n" * 20_000), Phase.SENDING),
    ("half a body", says(HEAD + b"{"), Phase.RECEIVING),
    ("no body", says(HEAD), Phase.RECEIVING),
    ("a body in drips", drips(HEAD, b"x" * 4000), Phase.RECEIVING),
    ("a broken chunk", says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"), Phase.RECEIVING),
]


@pytest.mark.parametrize(
    ("manner", "phase"), [row[1:] for row in AFTER_SENDING], ids=[row[0].replace(" ", "-") for row in AFTER_SENDING]
)
def test_a_create_that_broke_after_its_first_byte_tells_so(network: Opener, manner: Manner, phase: Phase) -> None:
    with RogueServer(manner) as server, network(server.url) as api, bounded(3):
        error = trouble_of(lambda: api.send(POST, timeout=SHORT, fresh=True))
        assert error.phase is phase
        assert not error.refused
        assert len(server.visits) == 1


def test_a_connection_that_is_reset_at_once_may_be_noticed_before_or_after_the_first_byte(network: Opener) -> None:
    with RogueServer(resets_at_once) as server, network(server.url) as api:
        error = trouble_of(lambda: api.send(POST, timeout=5, fresh=True))
        assert error.phase is not Phase.RECEIVING
        assert not server.requests


def test_a_refused_connection_has_sent_nothing(network: Opener) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with network(f"http://127.0.0.1:{port}") as api:
        error = trouble_of(lambda: api.send(POST, timeout=5, fresh=True))
    assert error.phase is Phase.CONNECTING
    assert error.reason == "connecting failed (Connection refused)"


def test_a_name_that_is_not_known_has_sent_nothing(network: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _unknown)
    with network("http://nowhere.example") as api:
        error = trouble_of(lambda: api.send(POST, timeout=5, fresh=True))
    assert error.phase is Phase.CONNECTING
    assert "the host name is not known" in error.reason


def _unknown(*_: Any, **__: Any) -> Any:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_a_lookup_that_hangs_does_not_outlive_the_deadline(
    network: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def slow(*arguments: Any, **options: Any) -> Any:
        time.sleep(0.6)
        return real(*arguments, **options)

    with RogueServer(answering(OK)) as server, network(server.url) as api:
        monkeypatch.setattr(socket, "getaddrinfo", slow)
        start = time.monotonic()
        error = trouble_of(lambda: api.send(POST, timeout=SHORT, fresh=True))
        assert time.monotonic() - start < 0.55
    assert error.phase is Phase.CONNECTING


@pytest.mark.parametrize(
    "manner", [says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), leaves_after_reading, resets_at_once, never_reads]
)
def test_a_failed_handshake_has_sent_nothing(network: Opener, manner: Manner) -> None:
    def without_http(visit: Visit) -> None:
        if manner in {resets_at_once, never_reads}:
            return manner(visit)
        visit.line.recv(100)
        return visit.say(b"HTTP/1.1 400 Bad Request\r\n\r\n") if manner is not leaves_after_reading else None

    with RogueServer(without_http) as server, network(f"https://127.0.0.1:{server.port}") as api, bounded(3):
        error = trouble_of(lambda: api.send(POST, timeout=SHORT, fresh=True))
    assert error.phase is Phase.CONNECTING


@pytest.mark.parametrize("reading", [False, True])
def test_a_server_that_takes_no_large_body_is_given_up_in_time(network: Opener, reading: bool) -> None:
    def manner(visit: Visit) -> None:
        while reading and not visit.over.wait(0.05):
            visit.line.recv(4096)
        visit.wait()

    large = HttpRequest(method="POST", path="v1/videos", body=bytes(32 * MEBIBYTE))
    with RogueServer(manner) as server, network(server.url) as api, bounded(3):
        error = trouble_of(lambda: api.send(large, timeout=SHORT, fresh=True))
    assert error.phase is Phase.SENDING


# --- answers ---


def test_an_answer_arrives_whole(network: Opener) -> None:
    answer = b"HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\nX-A: 1\r\nX-A: 2\r\nContent-Length: 5\r\n\r\nwait!"
    with RogueServer(answering(answer)) as server, network(server.url) as api:
        response = api.send(GET)
    assert (response.status, response.body, response.header("retry-after")) == (429, b"wait!", "7")
    assert [value for name, value in response.headers if name == "x-a"] == ["1", "2"]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 22\r\n\r\n" + gzip.compress(b"{}", mtime=0),
    ],
)
def test_an_answer_may_be_written_in_several_ways(network: Opener, answer: bytes) -> None:
    with RogueServer(answering(answer)) as server, network(server.url) as api:
        assert api.send(GET).body == b"{}"


def test_an_answer_without_a_length_ends_with_the_connection(network: Opener) -> None:
    with RogueServer(says(b"HTTP/1.0 200 OK\r\n\r\n{}")) as server, network(server.url) as api:
        assert api.send(GET).body == b"{}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_of_the_api_is_followed(network: Opener, status: int) -> None:
    answer = b"HTTP/1.1 %d Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n" % status
    with RogueServer(answering(answer)) as server, network(server.url) as api:
        assert api.send(GET).status == status
        assert len(server.requests) == 1


def test_no_cookie_is_kept(network: Opener) -> None:
    answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: who=1\r\nContent-Length: 0\r\n\r\n"
    with RogueServer(answering(answer)) as server, network(server.url) as api:
        api.send(GET)
        api.send(GET)
        assert not [request for request in server.requests if b"ookie" in request]


ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def bomb() -> bytes:
    return gzip.compress(bytes(128 * MEBIBYTE), 9)


@pytest.mark.parametrize("kind", ["plain", "bomb"])
def test_no_answer_grows_beyond_its_limit_nor_costs_much_memory(network: Opener, kind: str, bomb: bytes) -> None:
    head = ENDLESS + (b"Content-Encoding: gzip\r\n\r\n" if kind == "bomb" else b"\r\n")
    manner = floods(head, bomb if kind == "bomb" else bytes(65536))
    with RogueServer(manner) as server, network(server.url) as api:
        tracemalloc.start()
        try:
            error = trouble_of(lambda: api.send(GET, timeout=10))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert error.phase is Phase.RECEIVING
    assert f"more than {API_BODY_LIMIT}" in error.reason or f"larger than {API_BODY_LIMIT}" in error.reason
    assert peak < 16 * MEBIBYTE


def test_a_compression_that_nobody_asked_for_is_refused(network: Opener) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 2\r\n\r\n{}"
    with RogueServer(answering(answer)) as server, network(server.url) as api:
        assert "not asked for" in trouble_of(lambda: api.send(GET)).reason


# --- connections ---


def test_polls_keep_their_connection_and_creates_have_each_their_own(network: Opener) -> None:
    with RogueServer(answering(OK)) as server, network(server.url) as api:
        for _ in range(3):
            api.send(GET)
        assert len(server.visits) == 1
        for _ in range(3):
            api.send(POST, fresh=True)
        assert len(server.visits) == 4
        assert [len(visit.requests) for visit in server.visits] == [3, 1, 1, 1]


def test_links_and_the_api_share_no_connection(network: Opener) -> None:
    with RogueServer(answering(OK)) as server, network(server.url) as api:
        api.send(GET)
        api.fetch(link(server.url + SIGNED))
        api.fetch(link(server.url + SIGNED))
        assert [len(visit.requests) for visit in server.visits] == [1, 2]


def test_a_connection_that_the_server_let_go_is_replaced(network: Opener) -> None:
    def once(visit: Visit) -> None:
        visit.read_request()
        visit.say(OK)

    with RogueServer(once) as server, network(server.url) as api:
        for _ in range(3):
            assert api.send(GET).body == b"{}"
            time.sleep(0.02)  # so that the goodbye arrives first
        assert len(server.visits) == 3


def test_a_network_that_was_closed_opens_anew_when_it_is_used(network: Opener) -> None:
    with RogueServer(answering(OK)) as server, network(server.url) as api:
        api.send(GET)
        api.send(GET)
    assert len(server.visits) == 1


def at_once(server: RogueServer, library: str, *waves: int) -> list[HttpResponse]:
    """Wave after wave of polls that are all under way at the same time."""

    async def main() -> list[HttpResponse]:
        api = AsyncHttp(Endpoint(base_url=server.url, key=Secret(KEY)), WAYS[library])
        poll = Send(request=GET, timeout=5)
        answers = [await asyncio.gather(*(api.send(poll) for _ in range(wave))) for wave in waves]
        await api.close()
        return [answer for wave in answers for answer in wave]

    return asyncio.run(main())


@pytest.mark.parametrize("library", WAYS)
def test_polls_at_the_same_time_have_a_connection_each_and_those_behind_them_reuse_it(library: str) -> None:
    everybody = threading.Barrier(20)

    def manner(visit: Visit) -> None:
        visit.read_request()
        everybody.wait(5)
        visit.say(OK)
        while visit.read_request():
            visit.say(OK)

    with RogueServer(manner) as server:
        answers = at_once(server, library, 20, 20, 7)
        assert [answer.body for answer in answers] == [b"{}"] * 47
        assert len(server.visits) == 20


@pytest.mark.parametrize("library", WAYS)
def test_closing_breaks_off_what_is_under_way(library: str) -> None:
    asked = threading.Event()

    def manner(visit: Visit) -> None:
        visit.read_request()
        asked.set()
        visit.wait()

    async def main(url: str) -> None:
        api = AsyncHttp(Endpoint(base_url=url, key=Secret(KEY)), WAYS[library])
        poll = asyncio.ensure_future(api.send(Send(request=GET, timeout=5)))
        await asyncio.to_thread(asked.wait, 5)
        await api.close()
        with pytest.raises(TransportError):
            await poll

    with RogueServer(manner) as server, bounded(3):
        asyncio.run(main(server.url))


# --- the key ---


def test_the_key_goes_to_the_api_and_to_its_own_addresses_only(network: Opener) -> None:
    with RogueServer(answering(OK)) as server, network(server.url) as api:
        api.send(GET)
        api.send(POST, fresh=True)
        api.fetch(Open(request=GET, timeout=5))
        api.fetch(link(server.url + "/own", keyed=True))
        api.fetch(link(server.url + SIGNED))
        with_key = [f"Authorization: Bearer {KEY}".encode() in request for request in server.requests]
    assert sorted(with_key) == [False, True, True, True, True]
    assert [SIGNED.encode() in request for request in server.requests] == [not key for key in with_key]


def test_a_link_gets_no_credentials_of_the_environment(network: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://user:password@127.0.0.1:9")
    with RogueServer(answering(OK)) as server, network(server.url) as api:
        api.send(GET)
        api.fetch(link(server.url + SIGNED))
        assert len(server.requests) == 2


# --- where links may lead ---

DISGUISES = ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "127.1", "[::ffff:127.0.0.1]", "0"]


@pytest.mark.parametrize("host", DISGUISES)
def test_a_link_to_this_machine_is_refused_in_every_disguise(network: Opener, host: str) -> None:
    with RogueServer(answering(OK)) as server, network(server.url, private=False) as api:
        error = trouble_of(lambda: api.fetch(link(f"http://{host}:{server.port}/")))
        assert (error.refused, error.phase) == (True, Phase.CONNECTING)
        assert not server.visits


def test_a_link_to_this_machine_is_followed_where_that_was_asked_for(network: Opener) -> None:
    with RogueServer(answering(OK)) as server, network(server.url, private=True) as api:
        head, body = api.fetch(link(f"http://localhost:{server.port}/"))
    assert (head.status, body) == (200, b"{}")


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("host", ["169.254.169.254", "[fd00:ec2::254]", "168.63.129.16", "[::ffff:a9fe:a9fe]"])
def test_what_hands_out_credentials_is_never_asked(network: Opener, host: str, private: bool) -> None:
    with network("http://127.0.0.1:9", private=private) as api, bounded(2):
        assert trouble_of(lambda: api.fetch(link(f"http://{host}/latest/meta-data/"))).refused


def answers_of(monkeypatch: pytest.MonkeyPatch, *lookups: list[str]) -> None:
    """Have each lookup of a name give the next list of addresses."""
    waiting, real = iter(lookups), socket.getaddrinfo

    def look_up(host: str, port: int, *arguments: Any, **options: Any) -> Any:
        if not host.endswith(".example"):
            return real(host, port, *arguments, **options)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in next(waiting)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def test_a_name_is_judged_by_where_it_leads_now(network: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    once = OK.replace(b"Content-Type", b"Connection: close\r\nContent-Type")
    with RogueServer(says(once)) as server, network(server.url, private=True) as api:
        answers_of(monkeypatch, ["127.0.0.1"], ["169.254.169.254"])
        url = f"http://rebinding.example:{server.port}/"
        assert api.fetch(link(url))[0].status == 200
        assert trouble_of(lambda: api.fetch(link(url))).refused


def test_a_name_with_one_bad_address_is_refused_altogether(
    network: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RogueServer(answering(OK)) as server, network(server.url, private=True) as api:
        answers_of(monkeypatch, ["127.0.0.1", "169.254.169.254"])
        assert trouble_of(lambda: api.fetch(link(f"http://mixed.example:{server.port}/"))).refused
        assert not server.visits


def test_the_next_address_is_tried_where_one_is_dead(network: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    with RogueServer(answering(OK)) as server, network(f"http://many.example:{server.port}") as api:
        answers_of(monkeypatch, ["127.0.0.2", "127.0.0.1"])
        assert api.send(GET).body == b"{}"


@pytest.mark.parametrize("url", ["ftp://h/x", "https://u:p@h/x", "http://h:0/", "http://h/ü", "http://h/a\nb", "x"])
def test_what_is_no_link_is_refused(network: Opener, url: str) -> None:
    with network("http://127.0.0.1:9") as api:
        error = trouble_of(lambda: api.fetch(link(url)))
    assert (error.refused, error.phase) == (True, Phase.CONNECTING)


# --- what is written ---


@pytest.mark.parametrize(
    "target",
    [
        "/a%2Fb%2fc//d/./../e",
        "/%7e%zz%",
        "/a?",
        "/a;b=c?d=e+f%20g&h=://x/y?z",
        "/a?X-Amz-Signature=a/b+c==&e='(!)*",
        '/[1]{2}|3^4`5~"',
    ],
)
def test_a_link_is_asked_byte_for_byte(network: Opener, target: str) -> None:
    with RogueServer(answering(OK)) as server, network(server.url) as api:
        api.fetch(link(server.url + target + "#fragment"))
        assert server.requests[0].split(b"\r\n")[0] == f"GET {target} HTTP/1.1".encode()


def test_an_id_stays_one_segment_on_the_wire(network: Opener) -> None:
    with RogueServer(answering(OK)) as server, network(server.url + "/acme") as api:
        api.send(HttpRequest(method="GET", path="v1/videos/a%2Fb%3Fc%23d%25", query=(("id", "a/b?c#d%"),)))
        line = server.requests[0].split(b"\r\n")[0]
    assert line == b"GET /acme/v1/videos/a%2Fb%3Fc%23d%25?id=a%2Fb%3Fc%23d%25 HTTP/1.1"


def test_a_json_body_arrives_as_it_was_written(network: Opener) -> None:
    with RogueServer(answering(OK)) as server, network(server.url) as api:
        api.send(json_request("POST", "v1/videos", {"prompt": "ü" * 100_000}), fresh=True)
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert body == b'{"prompt":"' + "ü".encode() * 100_000 + b'"}'
    assert b"Content-Type: application/json" in head


def test_a_form_reads_back_as_it_was_meant(network: Opener) -> None:
    files = (
        FilePart(field="image", filename="a.png", content_type="image/png", content=bytes(range(256)) * 400),
        FilePart(field="image", filename='quo"te\r\nX-Evil: 1.png', content_type="image/png", content=b"--x\r\n"),
    )
    form = Multipart(fields=(("prompt", "Grüße\r\n--x"), ("model", "m"), ("empty", "")), files=files)
    with RogueServer(answering(OK)) as server, network(server.url) as api:
        api.send(HttpRequest(method="POST", path="v1/videos", body=form), fresh=True)
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
    parts = read_form(head, body)
    assert [(name, content) for name, filename, content in parts if filename is None] == [
        ("prompt", "Grüße\r\n--x".encode()),
        ("model", b"m"),
        ("empty", b""),
    ]
    assert [(name, content) for name, filename, content in parts if filename is not None] == [
        ("image", bytes(range(256)) * 400),
        ("image", b"--x\r\n"),
    ]
    assert b"\r\nX-Evil" not in body


def read_form(head: bytes, body: bytes) -> list[tuple[Any, str | None, bytes]]:
    kind = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-type:"))
    boundary = kind.partition(b"boundary=")[2]
    parts = []
    for raw in body.split(b"--" + boundary)[1:-1]:
        part_head, _, content = raw.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        part = BytesParser().parsebytes(part_head + b"\r\n\r\n")
        name = part.get_param("name", header="content-disposition")
        parts.append((name, part.get_filename(), content.removesuffix(b"\r\n")))
    return parts


@pytest.mark.parametrize(
    "request_", [HttpRequest(method="POST", path="x", body=Multipart(fields=(("prompt", "\ud800"),)))]
)
def test_what_cannot_be_written_is_not_sent(network: Opener, request_: HttpRequest) -> None:
    with RogueServer(answering(OK)) as server, network(server.url) as api:
        error = trouble_of(lambda: api.send(request_, fresh=True))
        assert (error.phase, error.refused) == (Phase.CONNECTING, True)
        assert not server.visits


# --- streams ---


def test_a_stream_gives_the_head_and_the_bytes(network: Opener) -> None:
    body = bytes(range(256)) * 4096
    answer = b'HTTP/1.1 206 Part\r\nETag: "x"\r\nContent-Length: %d\r\n\r\n' % len(body) + body
    with RogueServer(answering(answer)) as server, network(server.url) as api:
        head, got = api.fetch(Open(url=Secret(server.url + "/"), headers=(("Range", "bytes=1-"),), timeout=5))
        assert b"Range: bytes=1-" in server.requests[0]
    assert head.status == 206
    assert ("etag", '"x"') in head.headers
    assert got == body


def test_a_stream_is_not_inflated(network: Opener) -> None:
    packed = gzip.compress(b"video")
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
    with RogueServer(answering(answer)) as server, network(server.url) as api:
        assert api.fetch(link(server.url + "/"))[1] == packed


@pytest.mark.parametrize(
    "manner",
    [says(HEAD + b"x" * 10), drips(HEAD, b"x" * 4000), is_silent, drips(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 4000)],
)
def test_a_stream_that_breaks_or_drips_ends_in_time(network: Opener, manner: Manner) -> None:
    with RogueServer(manner) as server, network(server.url) as api, bounded(3):
        error = trouble_of(lambda: api.fetch(link(server.url + SIGNED, timeout=SHORT), timeout=SHORT))
        assert error.phase.request_may_have_left


# --- nothing leaks ---

REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: https://cdn.example/v?sig=SIGNATURE\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture
def everything_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.LogCaptureFixture]:
    # Whoever set up logging in this process before may have silenced what was there.
    monkeypatch.setattr(logging.root.manager, "disable", logging.NOTSET)
    with caplog.at_level(logging.DEBUG):
        for name in list(logging.root.manager.loggerDict):
            if name.split(".")[0] in {"httpx", "httpx2", "httpcore", "httpcore2", "reelway", "asyncio"}:
                caplog.set_level(logging.DEBUG, logger=name)
                monkeypatch.setattr(logging.getLogger(name), "disabled", False)
                monkeypatch.setattr(logging.getLogger(name), "propagate", True)
        yield caplog


def test_no_log_holds_the_key_or_a_signed_link(
    network: Opener, everything_logged: pytest.LogCaptureFixture
) -> None:
    with RogueServer(answering(REDIRECT)) as server, network(server.url) as api:
        api.send(GET)
        api.send(POST, fresh=True)
        api.fetch(link(server.url + SIGNED))
    with RogueServer(resets_after_reading) as server, network(server.url) as api:
        trouble_of(lambda: api.fetch(link(server.url + SIGNED)))
    shown = everything_logged.text + repr([vars(record) for record in everything_logged.records])
    assert "SIGNATURE" not in shown
    assert KEY not in shown
    assert "receive_response_headers.complete" in shown


def test_the_exchanges_of_others_are_logged_as_ever(
    network: Opener, everything_logged: pytest.LogCaptureFixture
) -> None:
    with RogueServer(answering(REDIRECT)) as server:
        with network(server.url) as api:
            api.send(GET)
        assert "Location" not in everything_logged.text
        with httpx.Client() as other:
            other.get(server.url)
    assert "Location" in everything_logged.text


@pytest.mark.parametrize(
    "manner",
    [resets_after_reading, says(b"garbage\r\n\r\n"), says(HEAD + b"x"), is_silent, says(HEAD[:30])],
    ids=["reset", "garbage", "half", "silence", "half-head"],
)
@pytest.mark.parametrize("call", ["send", "fetch"])
def test_no_report_of_a_failure_holds_the_key_or_a_signed_link(network: Opener, manner: Manner, call: str) -> None:
    with RogueServer(manner) as server, network(server.url) as api:
        report = full_report(trouble_of(lambda: _call(api, call, server)))
    assert "SIGNATURE" not in report
    assert KEY not in report


def _call(api: Network, call: str, server: RogueServer) -> None:
    if call == "send":
        api.send(GET, timeout=SHORT)
    else:
        api.fetch(link(server.url + SIGNED, keyed=True, timeout=SHORT), timeout=SHORT)


# --- the library ---


def test_an_unknown_library_is_told_so() -> None:
    with pytest.raises(ConfigurationError, match="no HTTP library 'requests'"):
        load_library("requests")


def test_a_library_that_is_not_installed_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(ConfigurationError, match="not installed") as caught:
        load_library("httpx2")
    assert "reelway[httpx2]" in caught.value.hint


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("color", ["sync", "async"])
def test_a_function_can_stand_in_for_the_network(library: str, color: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[HttpRequest] = []

    def respond(request: HttpRequest) -> HttpResponse:
        seen.append(request)
        return HttpResponse(status=201, headers=(("X-A", "1"),), body=b"{}")

    transport = in_process(respond, library)
    monkeypatch.setitem(WAYS, library, replace(WAYS[library], transport=transport))
    with opened(color, library, "https://api.acme.example/base") as api:
        asked = HttpRequest(method="POST", path="v1/a%2Fb", query=(("q", "1 2"),), body=b"x")
        response = api.send(asked)
        head, body = api.fetch(link("https://cdn.example/a%2Fb?sig=%2f"))
    assert (response.status, response.body, response.header("x-a")) == (201, b"{}", "1")
    assert (head.status, body) == (201, b"{}")
    assert (seen[0].method, seen[0].path, seen[0].query, seen[0].body) == (
        "POST",
        "/base/v1/a%2Fb",
        (("q", "1 2"),),
        b"x",
    )
    assert seen[0].header("authorization") == f"Bearer {KEY}"
    assert (seen[1].path, seen[1].header("authorization")) == ("/a%2Fb", None)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("phase", Phase)
def test_a_function_can_break_like_the_network(library: str, phase: Phase, monkeypatch: pytest.MonkeyPatch) -> None:
    def respond(request: HttpRequest) -> HttpResponse:
        raise TransportError(phase, "it broke")

    transport = in_process(respond, library)
    monkeypatch.setitem(WAYS, library, replace(WAYS[library], transport=transport))
    with opened("sync", library, "https://api.acme.example") as api:
        error = trouble_of(lambda: api.send(GET))
    assert error.phase.request_may_have_left is phase.request_may_have_left


def test_the_room_names_each_library_with_its_layer() -> None:
    assert set(http_room.CORE_OF) == set(LIBRARIES)


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("color", ["sync", "async"])
def test_an_answer_behind_another_one_is_nobody_s(color: str, library: str) -> None:
    stray = OK.replace(b"{}", b"[]")
    with RogueServer(in_turn(answering(OK + stray), answering(OK))) as server:
        with opened(color, library, server.url) as api:
            assert api.send(GET).body == b"{}"
            with pytest.raises(TransportError, match="broke the rules of HTTP"):
                api.send(GET)
            assert api.send(GET).body == b"{}"
        assert [len(visit.requests) for visit in server.visits] == [2, 1]
