"""The sandbox on real sockets, well-behaved and otherwise."""

from __future__ import annotations

import http.client
import json
import logging
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any, Self
from urllib.parse import urlsplit

import pytest

from reelway.errors import ConfigurationError
from reelway.provider.simulator import SimulatedCall, SimulatedJob
from reelway.sandbox import Sandbox, SandboxServer, World, connection
from reelway.sandbox.video import video_of
from reelway.transport.clock import SystemClock
from tests.sandbox.caller import ACME, AcmeSimulator

PATIENCE = 10.0
KEYED = {"Authorization": "Bearer good-key"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox([ACME], job_seconds=0) as running:
        yield running


class Browser:
    """One connection to the sandbox; keeps it for as long as the server does."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.line = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.line.close()

    def send(
        self, method: str, target: str, body: Any = None, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        encoded = json.dumps(body) if body is not None else None
        self.line.request(method, target, encoded, {**KEYED, **headers})
        answer = self.line.getresponse()
        return answer, answer.read()

    def create(self, prompt: str = "A reel.") -> str:
        _, body = self.send("POST", "/acme/v1/videos", {"model": "acme-1", "prompt": prompt})
        return str(json.loads(body)["id"])

    def poll(self, task_id: str) -> Any:
        return json.loads(self.send("GET", f"/acme/v1/videos/{task_id}")[1])

    def target(self, task_id: str) -> str:
        """The link's path and query."""
        parts = urlsplit(self.poll(task_id)["video_url"])
        return f"{parts.path}?{parts.query}"


@pytest.fixture
def browser(sandbox: Sandbox) -> Iterator[Browser]:
    with Browser(sandbox) as one:
        yield one


def plug(sandbox: Sandbox) -> socket.socket:
    parts = urlsplit(sandbox.url)
    return socket.create_connection((str(parts.hostname), parts.port or 0), timeout=PATIENCE)


def talk(sandbox: Sandbox, data: bytes) -> bytes:
    """Say something and hear everything until the server hangs up."""
    with plug(sandbox) as line:
        line.sendall(data)
        line.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: line.recv(65536), b""))


def raw_create(prompt: str) -> bytes:
    body = json.dumps({"model": "acme-1", "prompt": prompt})
    head = "POST /acme/v1/videos HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer k\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def wait_until(reached: Callable[[], object]) -> None:
    end = monotonic() + PATIENCE
    while not reached():
        assert monotonic() < end


# --- good manners ---


def test_a_job_runs_from_create_to_file_on_one_connection(sandbox: Sandbox, browser: Browser) -> None:
    task_id = browser.create()
    before = browser.line.sock
    answer, body = browser.send("GET", browser.target(task_id))
    assert (answer.status, body) == (200, video_of("acme", task_id))
    assert browser.line.sock is before
    assert sandbox.ledger.task(task_id).downloads == 1


def test_links_and_base_urls_lead_to_the_server(sandbox: Sandbox, browser: Browser) -> None:
    assert sandbox.url.startswith("http://127.0.0.1:")
    assert sandbox.base_url("acme") == f"{sandbox.url}/acme"
    assert browser.poll(browser.create())["video_url"].startswith(f"{sandbox.url}/-/files/acme/")


def test_a_range_is_served_over_the_wire(browser: Browser) -> None:
    task_id = browser.create()
    target, content = browser.target(task_id), video_of("acme", task_id)
    whole, _ = browser.send("GET", target)
    tag = whole.headers["ETag"]
    part, body = browser.send("GET", target, **{"Range": "bytes=100-", "If-Range": tag})
    assert (part.status, body) == (206, content[100:])
    assert part.headers["Content-Range"] == f"bytes 100-{len(content) - 1}/{len(content)}"
    assert browser.send("GET", target, Range="bytes=99999999-")[0].status == 416


@pytest.mark.parametrize("place", ["link", "ledger", "acme"])
def test_head_has_no_body_and_keeps_the_connection(browser: Browser, place: str) -> None:
    targets = {"link": browser.target(browser.create()), "ledger": "/-/ledger", "acme": "/acme/v1/videos/1"}
    before = browser.line.sock
    answer, body = browser.send("HEAD", targets[place])
    assert body == b""
    assert answer.status in {200, 404}
    browser.create()
    assert browser.line.sock is before


def test_the_desk_answers_over_the_wire(sandbox: Sandbox, browser: Browser) -> None:
    _, index = browser.send("GET", "/-/")
    assert json.loads(index)["providers"] == {"acme": sandbox.base_url("acme")}
    browser.create()
    _, ledger = browser.send("GET", "/-/ledger")
    assert json.loads(ledger)["creates"] == 1


def test_chunked_bodies_and_absolute_targets_are_understood(sandbox: Sandbox) -> None:
    head = f"POST {sandbox.url}/acme/v1/videos HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer k\r\n"
    body = b'Transfer-Encoding: chunked\r\n\r\n6\r\n{"mode\r\n8\r\nl": "a"}\r\n0\r\n\r\n'
    assert b"200 OK" in talk(sandbox, head.encode() + body)
    assert sandbox.ledger.jobs == 1


def test_who_asks_before_sending_is_told_to_go_on(sandbox: Sandbox) -> None:
    head = b"POST /acme/v1/videos HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    with plug(sandbox) as line:
        line.sendall(head)
        assert b"100" in line.recv(1024)
        line.sendall(b"{}")
        assert b"401" in line.recv(1024)


def test_requests_sent_in_one_go_are_answered_in_order(sandbox: Sandbox) -> None:
    heard = talk(sandbox, b"GET /-/ledger HTTP/1.1\r\nHost: h\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: h\r\n\r\n")
    assert heard.index(b"200 OK") < heard.index(b"404 Not Found")


# --- bad manners of the client ---


@pytest.mark.parametrize(
    "noise", [b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"no request\r\n\r\n"]
)
def test_what_is_no_request_gets_400_and_a_closed_connection(sandbox: Sandbox, noise: bytes) -> None:
    assert talk(sandbox, noise).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "beginning", [b"", b"GET /-/", b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n{"]
)
def test_a_client_that_leaves_early_harms_nobody(sandbox: Sandbox, browser: Browser, beginning: bytes) -> None:
    with plug(sandbox) as line:
        line.sendall(beginning)
    assert browser.create()


def test_a_body_beyond_the_limit_is_refused(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "MAX_BODY", 10)
    head = b"POST /acme/v1/videos HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n"
    assert talk(sandbox, head + b"x" * 11).startswith(b"HTTP/1.1 413 ")


# --- bad manners of the server, on request ---


def test_reset_comes_after_the_job_was_made(sandbox: Sandbox, browser: Browser) -> None:
    with pytest.raises(ConnectionResetError):
        browser.create("[[reset]]")
    assert (sandbox.ledger.creates, sandbox.ledger.jobs) == (1, 1)


def test_refuse_looks_the_same_and_made_nothing(sandbox: Sandbox, browser: Browser) -> None:
    with pytest.raises(ConnectionResetError):
        browser.create("[[refuse]]")
    assert (sandbox.ledger.creates, sandbox.ledger.jobs, sandbox.ledger.refused) == (0, 0, 1)


def test_silence_lasts_until_the_client_has_enough(sandbox: Sandbox, browser: Browser) -> None:
    browser.line.timeout = 0.1
    with pytest.raises(TimeoutError):
        browser.create("[[silence]]")
    wait_until(lambda: sandbox.ledger.jobs)


def test_garbage_is_no_http(browser: Browser) -> None:
    with pytest.raises(http.client.BadStatusLine):
        browser.create("[[garbage]]")


def test_half_an_answer_breaks_off(sandbox: Sandbox, browser: Browser) -> None:
    with pytest.raises(http.client.IncompleteRead):
        browser.create("[[half-answer]]")
    assert sandbox.ledger.jobs == 1


def test_a_truncated_file_promises_its_whole_length_and_can_be_resumed(browser: Browser) -> None:
    task_id = browser.create("[[truncated]]")
    content, target = video_of("acme", task_id), browser.target(task_id)
    with pytest.raises(http.client.IncompleteRead) as caught:
        browser.send("GET", target)
    part = caught.value.partial
    assert caught.value.expected == len(content) - len(part)
    browser.line.close()
    _, rest = browser.send("GET", target, Range=f"bytes={len(part)}-")
    assert part + rest == content


def test_slow_answers_arrive_in_pieces_over_their_seconds(sandbox: Sandbox) -> None:
    started = monotonic()
    with plug(sandbox) as line:
        line.sendall(raw_create("[[slow:0.3]]"))
        line.shutdown(socket.SHUT_WR)
        pieces = list(iter(lambda: line.recv(65536), b""))
    assert len(pieces) > 1
    assert monotonic() - started > 0.2
    assert b"".join(pieces).startswith(b"HTTP/1.1 200 OK")


def test_a_slow_answer_keeps_the_connection(browser: Browser) -> None:
    task_id = browser.create("[[slow:0]]")
    before = browser.line.sock
    browser.poll(task_id)
    assert browser.line.sock is before


def test_a_simulator_that_fails_is_told_to_the_caller_and_the_server_stands(
    sandbox: Sandbox, browser: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(self: AcmeSimulator, call: SimulatedCall, job: SimulatedJob) -> None:
        raise KeyError("no word for this")

    task_id = browser.create()
    with monkeypatch.context() as patch, caplog.at_level(logging.CRITICAL, "reelway.sandbox.connection"):
        patch.setattr(AcmeSimulator, "answer_retrieve", fail)
        answer, body = browser.send("GET", f"/acme/v1/videos/{task_id}")
    assert (answer.status, body) == (500, b"The sandbox itself failed: KeyError: 'no word for this'\n")
    assert browser.poll(task_id)["id"] == task_id


def test_a_client_that_leaves_in_the_middle_of_an_answer_is_forgotten(sandbox: Sandbox) -> None:
    with plug(sandbox) as line:
        line.sendall(raw_create("[[create/slow:60]]"))
        assert line.recv(1)
    wait_until(lambda: not sandbox._server._connections)


# --- coming and going ---


def test_unreachable_means_that_nobody_listens_for_a_while(sandbox: Sandbox, browser: Browser) -> None:
    browser.create()
    url = sandbox.url
    with sandbox.unreachable(), pytest.raises(ConnectionRefusedError):
        plug(sandbox)
    assert sandbox.url == url
    with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
        browser.create()
    browser.line.close()
    browser.create()
    assert sandbox.ledger.creates == 2


def test_a_thousand_tasks_are_created_and_polled_at_once() -> None:
    def story(sandbox: Sandbox) -> None:
        with Browser(sandbox) as one:
            for _ in range(20):
                assert one.poll(one.create())["status"] == "succeeded"

    with Sandbox([ACME], job_seconds=0) as sandbox, ThreadPoolExecutor(50) as pool:
        for done in [pool.submit(story, sandbox) for _ in range(50)]:
            done.result()
        ledger = sandbox.ledger
    assert (ledger.creates, ledger.jobs, ledger.polls) == (1000, 1000, 1000)
    assert all(task.polls == 1 for task in ledger.tasks)


def test_many_connections_stay_open_side_by_side(sandbox: Sandbox) -> None:
    lines = [plug(sandbox) for _ in range(200)]
    try:
        for line in lines:
            line.sendall(b"GET /-/elsewhere HTTP/1.1\r\nHost: h\r\n\r\n")
        assert all(line.recv(1024).startswith(b"HTTP/1.1 200 OK") for line in lines)
    finally:
        for line in lines:
            line.close()


def test_closing_ends_open_and_silent_connections_and_frees_the_port() -> None:
    sandbox = Sandbox([ACME])
    sandbox.start()
    with plug(sandbox) as idle, plug(sandbox) as silent:
        silent.sendall(raw_create("[[silence]]"))
        wait_until(lambda: sandbox.ledger.jobs)
        sandbox.close()
        assert gone(idle)
        assert gone(silent)
    sandbox.close()
    with pytest.raises(ConnectionRefusedError):
        plug(sandbox)
    sandbox.start()
    plug(sandbox).close()
    sandbox.close()


def gone(line: socket.socket) -> bool:
    try:
        return line.recv(1024) == b""
    except ConnectionError:
        return True


def test_a_world_of_one_s_own_can_be_served() -> None:
    world = World({"acme": AcmeSimulator()}, clock=SystemClock(), public_url="http://nowhere.invalid/")
    with SandboxServer(world) as server:
        assert world.base_url("acme") == f"{server.url}/acme"


def test_a_port_that_is_taken_is_told_so(sandbox: Sandbox) -> None:
    port = urlsplit(sandbox.url).port or 0
    with pytest.raises(ConfigurationError, match="cannot listen") as caught:
        Sandbox([ACME], port=port).start()
    assert "another port" in str(caught.value)


def test_a_server_on_every_address_names_the_loopback_one() -> None:
    with Sandbox([ACME], host="0.0.0.0") as sandbox:  # noqa: S104
        assert sandbox.url.startswith("http://127.0.0.1:")
        plug(sandbox).close()


def test_ipv6_addresses_are_written_in_brackets() -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 here")
    with Sandbox([ACME], host="::1") as sandbox:
        assert sandbox.url.startswith("http://[::1]:")
        plug(sandbox).close()
