"""Polls over pyreqwest: where they go, where they do not, and that what breaks is told as ever."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import os
import ssl
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from reelway.flow.effects import Phase, Send, TransportError
from reelway.model.http import HttpRequest, HttpResponse, json_request
from reelway.model.secret import Secret
from reelway.transport import fast
from reelway.transport import http as http_room
from reelway.transport.exchange import AsyncConnections
from reelway.transport.fast import FastConnections, is_usable
from reelway.transport.http import AsyncHttp, HttpSettings, Purpose
from reelway.transport.wire import Endpoint
from tests.reports import full_report
from tests.transport.rogue import (
    KEY,
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
    opened,
    resets_after_reading,
    resets_at_once,
    says,
)
from tests.transport.test_tls import CERTIFICATE, address, encrypted

GET: Final = HttpRequest(method="GET", path="v1/videos/task-1")
POST: Final = json_request("POST", "v1/videos", {"model": "m"})

AUTHORITY: Final = Path(__file__).with_name("authority.pem")
SIGNED: Final = Path(__file__).with_name("signed.pem")
"""A certificate for ``localhost`` that the authority vouches for, and its key."""

SHORT: Final = 0.25

PLAIN: Final = "http://127.0.0.1:9"


@contextmanager
def fast_network(url: str) -> Iterator[Network]:
    with opened("async", "fast", url) as api:
        yield api


def trouble_of(library: str, server: RogueServer, timeout: float = 5.0) -> TransportError:
    with opened("async", library, server.url) as api, pytest.raises(TransportError) as caught:
        api.send(GET, timeout=timeout)
    return caught.value


def is_fast(server: RogueServer, number: int = -1) -> bool:
    """Whether a request came from pyreqwest, which names the host behind all that it was given."""
    return server.requests[number].split(b"\r\n")[-3].startswith(b"Host: ")


# --- where it is used ---


NOTHING: Final = ()
FILE: Final = ("SSL_CERT_FILE",)
FOLDER: Final = ("SSL_CERT_DIR",)


@pytest.mark.parametrize(
    ("library", "named", "platform", "plain", "encrypted"),
    [
        ("httpx2", NOTHING, "linux", True, True),
        ("httpx2", NOTHING, "darwin", True, True),
        ("httpx2", FILE, "linux", True, True),
        ("httpx2", FILE, "darwin", True, False),
        ("httpx2", FOLDER, "linux", True, False),
        ("httpx2", FILE + FOLDER, "linux", True, False),
        ("httpx", NOTHING, "linux", False, False),
        ("httpx", FILE, "linux", False, False),
    ],
)
def test_it_is_used_where_it_trusts_whom_the_library_trusts(
    *,
    library: str,
    named: tuple[str, ...],
    platform: str,
    plain: bool,
    encrypted: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in fast.TRUST_VARIABLES:
        monkeypatch.setenv(name, str(AUTHORITY) if name in named else "")
    monkeypatch.setattr(sys, "platform", platform)
    assert is_usable(library, "http://api.acme.example") is plain
    assert is_usable(library, "https://api.acme.example") is encrypted


def test_it_is_used_only_where_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_usable("httpx2", PLAIN)
    monkeypatch.setattr(fast, "find_spec", lambda name: None)
    assert not is_usable("httpx2", PLAIN)


def test_polls_are_fast_and_nothing_else_is() -> None:
    with RogueServer(answering(OK)) as server, fast_network(server.url) as api:
        api.send(GET)
        api.send(POST, fresh=True)
        api.send(replace(GET, method="DELETE"))
        api.send(POST)
        assert [is_fast(server, number) for number in range(4)] == [True, False, False, False]


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_library_named_alone_polls_itself(library: str) -> None:
    with RogueServer(answering(OK)) as server, opened("async", library, server.url) as api:
        api.send(GET)
        assert not is_fast(server)


def test_a_transport_of_the_user_s_own_is_asked_for_polls_as_well() -> None:
    transport = http_room.in_process(lambda request: HttpResponse(status=200, body=b"[]"), "httpx2")
    settings = HttpSettings(library="httpx2", transport=transport)

    async def main() -> bytes:
        api = AsyncHttp(Endpoint(base_url=PLAIN, key=Secret(KEY)), settings)
        return (await api.send(Send(request=GET, timeout=5))).body

    assert asyncio.run(main()) == b"[]"


# --- what is written ---


def test_a_poll_is_written_as_ever() -> None:
    written = {}
    for library in ("httpx2", "fast"):
        with RogueServer(answering(OK)) as server, opened("async", library, server.url) as api:
            api.send(replace(GET, headers=(("X-Acme-Version", "2"),), query=(("id", "a/b?c#d%"),)))
            line, *headers = server.requests[0].replace(str(server.port).encode(), b"PORT").split(b"\r\n")
            written[library] = (line, sorted(headers))
    assert written["fast"] == written["httpx2"]


@pytest.mark.parametrize("path", ["v1/./videos", "v1/%2e%2E/videos", "v1/videos/a'b", "v1//videos/~!$&()*+,;=:@[]"])
def test_an_address_is_asked_byte_for_byte(path: str) -> None:
    with RogueServer(answering(OK)) as server, fast_network(server.url + "/acme") as api:
        api.send(HttpRequest(method="GET", path=path, query=(("q", "'"),) if "'" in path else ()))
        line = server.requests[0].partition(b"\r\n")[0]
    assert line.startswith(f"GET /acme/{path}".encode())


@pytest.mark.parametrize("value", ["ü", "a\r\nX-Evil: 1"])
def test_a_header_that_cannot_be_written_is_not_sent(value: str) -> None:
    with RogueServer(answering(OK)) as server, fast_network(server.url) as api:
        with pytest.raises(TransportError) as caught:
            api.send(replace(GET, headers=(("X-A", value),)))
        assert (caught.value.phase, caught.value.refused) == (Phase.CONNECTING, True)
        assert not server.visits


# --- what is read ---


def test_headers_beyond_ascii_are_left_out_and_the_others_read() -> None:
    answer = b"HTTP/1.1 200 OK\r\nX-A: gr\xfcn\r\nRetry-After: 7\r\nX-B: 1\r\nX-B: 2\r\nContent-Length: 2\r\n\r\n{}"
    with RogueServer(answering(answer)) as server, fast_network(server.url) as api:
        headers = api.send(GET).headers
    assert headers == (("retry-after", "7"), ("x-b", "1"), ("x-b", "2"), ("content-length", "2"))


HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"

BREAKING: Final[dict[str, Manner]] = {
    "reset at once": resets_at_once,
    "reset after reading": resets_after_reading,
    "gone after reading": leaves_after_reading,
    "silence": is_silent,
    "half a status line": says(b"HTTP/1."),
    "half a head": says(HEAD[:30]),
    "garbage": says(b"\x15\x03\x01 this is no HTTP\r\n\r\n"),
    "another protocol": says(b"SSH-2.0-OpenSSH_9.6\r\n"),
    "a head without end": drips(b"HTTP/1.1 200 OK\r\nX: ", b"x" * 4000),
    "a flood of headers": says(b"HTTP/1.1 200 OK\r\n" + b"X-Header: flood\r\n" * 20_000),
    "a flood of interim answers": floods(b"", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 100),
    "two lengths": says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x"),
    "half a body": says(HEAD + b"{"),
    "no body": says(HEAD),
    "a body in drips": drips(HEAD, b"x" * 4000),
    "a broken chunk": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n"),
    "a body without end": floods(b"HTTP/1.1 200 OK\r\n\r\n", bytes(65536)),
}


@pytest.mark.parametrize("manner", BREAKING.values(), ids=[name.replace(" ", "-") for name in BREAKING])
def test_a_poll_that_breaks_tells_as_much_as_ever_and_no_secret(manner: Manner) -> None:
    with RogueServer(manner) as server, bounded(3):
        told = trouble_of("fast", server, SHORT)
    with RogueServer(manner) as server:
        usual = trouble_of("httpx2", server, SHORT)
    # An answer is handed over with the beginning of its body.
    assert told.phase in {usual.phase, Phase.SENDING}
    assert told.phase.request_may_have_left
    assert not told.refused
    assert told.reason.startswith(("the ", "it took too long"))
    report = full_report(told)
    assert KEY not in report
    assert "127.0.0.1" not in report


def test_an_answer_behind_another_one_is_nobody_s() -> None:
    stray = OK.replace(b"{}", b"[]")
    with RogueServer(in_turn(answering(OK + stray), answering(OK))) as server:
        with fast_network(server.url) as api:
            assert [api.send(GET).body for _ in range(3)] == [b"{}"] * 3
        assert [len(visit.requests) for visit in server.visits] == [1, 2]


def test_nothing_is_logged_of_a_poll(caplog: pytest.LogCaptureFixture) -> None:
    answer = b"HTTP/1.1 302 Found\r\nLocation: https://cdn.example/v?sig=SIGNATURE\r\nContent-Length: 0\r\n\r\n"
    with caplog.at_level(1), RogueServer(answering(answer)) as server, fast_network(server.url) as api:
        logging.getLogger("pyreqwest").setLevel(1)
        assert api.send(GET).status == 302
        assert is_fast(server)
        importlib.import_module("pyreqwest.logging").flush_logs()
    assert not [record for record in caplog.records if not record.name.startswith("asyncio")]


# --- connections ---


def test_a_poll_that_is_cancelled_ends_when_its_time_is_up() -> None:
    asked, gone = threading.Event(), threading.Event()

    def manner(visit: Visit) -> None:
        visit.read_request()
        asked.set()
        assert visit.hear() == b""
        gone.set()

    async def main(url: str) -> None:
        api = AsyncHttp(Endpoint(base_url=url, key=Secret(KEY)), WAYS["fast"])
        poll = asyncio.ensure_future(api.send(Send(request=GET, timeout=1)))
        assert await asyncio.to_thread(asked.wait, 5)
        poll.cancel()
        with pytest.raises(asyncio.CancelledError), bounded(0.5):
            await poll
        assert await asyncio.to_thread(gone.wait, 5)
        await api.close()

    with RogueServer(manner) as server:
        asyncio.run(main(server.url))


def test_whoever_is_cancelled_stops_even_at_the_moment_of_an_answer() -> None:
    async def main(url: str) -> None:
        api = AsyncHttp(Endpoint(base_url=url, key=Secret(KEY)), WAYS["fast"])
        answered = asyncio.Semaphore(0)

        async def poll_on() -> None:
            while True:
                await api.send(Send(request=GET, timeout=5))
                answered.release()

        polls = [asyncio.create_task(poll_on()) for _ in range(20)]
        for _ in range(100):
            await answered.acquire()
        for poll in polls:
            poll.cancel()
        ended, going_on = await asyncio.wait(polls, timeout=2)
        await api.close()
        assert not going_on
        assert all(poll.cancelled() for poll in ended)

    with RogueServer(answering(OK)) as server:
        asyncio.run(main(server.url))


def test_each_event_loop_has_connections_of_its_own() -> None:
    with RogueServer(answering(OK)) as server:
        api = AsyncHttp(Endpoint(base_url=server.url, key=Secret(KEY)), WAYS["fast"])

        async def main() -> None:
            await api.send(Send(request=GET, timeout=5))
            assert isinstance(api._channel(Purpose.POLL), FastConnections)
            assert isinstance(api._channel(Purpose.API), AsyncConnections)
            await api.close()

        for _ in range(2):
            asyncio.run(main())
        assert [len(visit.requests) for visit in server.visits] == [1, 1]


FORKED: Final = """
    import asyncio, os, signal, sys, warnings
    from reelway.flow.effects import Send
    from reelway.model.http import HttpRequest
    from reelway.model.secret import Secret
    from reelway.transport.http import AsyncHttp, HttpSettings
    from reelway.transport.wire import Endpoint

    warnings.simplefilter("ignore")
    api = AsyncHttp(Endpoint(base_url=sys.argv[1], key=Secret("key")), HttpSettings(library="httpx2"))
    poll = Send(request=HttpRequest(method="GET", path="x"), timeout=5)
    asyncio.run(api.send(poll))
    child = os.fork()
    if not child:
        signal.alarm(20)
        assert asyncio.run(api.send(poll)).body == b"{}"
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert asyncio.run(api.send(poll)).body == b"{}"
    sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks")
def test_a_process_that_was_forked_polls_over_the_usual_library() -> None:
    with RogueServer(answering(OK)) as server:
        program = [sys.executable, "-c", textwrap.dedent(FORKED), server.url]
        ended = subprocess.run(program, timeout=60, check=False, capture_output=True, text=True)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert [is_fast(server, number) for number in range(3)] == [True, False, True]


ENDING: Final = """
    import asyncio, sys
    from reelway.flow.effects import Send
    from reelway.model.http import HttpRequest
    from reelway.model.secret import Secret
    from reelway.transport.http import AsyncHttp, HttpSettings
    from reelway.transport.wire import Endpoint

    async def main():
        api = AsyncHttp(Endpoint(base_url=sys.argv[1], key=Secret("key")), HttpSettings(library="httpx2"))
        await api.send(Send(request=HttpRequest(method="GET", path="x"), timeout=5))
        await api.close()

    asyncio.run(main())
"""


def test_a_process_that_ends_right_after_a_poll_ends_well() -> None:
    """A busy machine is needed to see what this is about: so several end at once."""

    def ends(_: int) -> tuple[int, str]:
        program = [sys.executable, "-c", textwrap.dedent(ENDING), server.url]
        ended = subprocess.run(program, timeout=60, check=False, capture_output=True, text=True)
        return ended.returncode, ended.stderr

    with RogueServer(answering(OK)) as server, ThreadPoolExecutor(4) as threads:
        assert set(threads.map(ends, range(12))) == {(0, "")}
        assert is_fast(server)


# --- encryption ---


@pytest.fixture
def _authority(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names an authority that both trust."""
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(AUTHORITY))
    monkeypatch.setattr(http_room, "tls_context", lambda module: ssl.create_default_context(cafile=AUTHORITY))


on_linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the system is trusted, and nothing named")


@on_linux
@pytest.mark.usefixtures("_authority")
def test_a_certificate_of_a_known_authority_is_trusted() -> None:
    with RogueServer(encrypted(answering(OK), SIGNED)) as server, fast_network(address(server)) as api:
        assert [api.send(GET).body for _ in range(2)] == [b"{}"] * 2
        assert is_fast(server)
        assert [len(visit.requests) for visit in server.visits] == [2]


@pytest.mark.parametrize(("host", "certificate"), [("127.0.0.1", SIGNED), ("localhost", CERTIFICATE)])
@on_linux
@pytest.mark.usefixtures("_authority")
def test_any_other_certificate_has_had_nothing_sent(host: str, certificate: Path) -> None:
    with RogueServer(encrypted(answering(OK), certificate)) as server, fast_network(address(server, host)) as api:
        with pytest.raises(TransportError) as caught:
            api.send(GET)
        assert server.requests == []
    assert (caught.value.phase, caught.value.reason) == (
        Phase.CONNECTING,
        "connecting failed (CERTIFICATE_VERIFY_FAILED)",
    )


@on_linux
def test_what_it_cannot_connect_to_is_polled_over_the_usual_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that vouches for itself is none to pyreqwest, even where it is trusted."""
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    monkeypatch.setattr(http_room, "tls_context", lambda module: ssl.create_default_context(cafile=CERTIFICATE))
    with RogueServer(encrypted(answering(OK))) as server, fast_network(address(server)) as api:
        assert api.send(GET).body == b"{}"
        assert not is_fast(server)
