"""A callback is one POST to this machine; what nobody takes is posted again, and nothing leaves for elsewhere."""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from queue import Queue
from threading import Thread
from time import monotonic
from typing import Any, Self
from urllib.parse import urlsplit

import pytest

from reelway.model.observation import Status
from reelway.provider.reading import read_callback
from reelway.provider.simulator import Simulator
from reelway.sandbox import Callback, Sandbox, post
from reelway.sandbox.callbacks import Outcome
from reelway.testing import VirtualClock
from tests.sandbox.test_callbacks import Calling, CallingSimulator, Listener

PATIENCE = 10.0
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


def status_line(status: int) -> bytes:
    return b"HTTP/1.1 %d Something\r\nContent-Length: 0\r\n\r\n" % status


class Receiver:
    """Listens on a raw socket, keeps each request as it came, and answers with the bytes it was given."""

    def __init__(self, answers: Iterable[bytes] = (), host: str = "127.0.0.1") -> None:
        self.requests: Queue[bytes] = Queue()
        self._answers = iter(answers)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listening = socket.create_server((host, 0), family=family)
        self.port = self._listening.getsockname()[1]
        self._thread = Thread(target=self._serve)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?token=1"

    def next(self) -> bytes:
        return self.requests.get(timeout=PATIENCE)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # A connection that says nothing wakes the thread, which then leaves.
        with socket.create_connection(self._listening.getsockname()[:2], timeout=PATIENCE):
            pass
        self._thread.join(PATIENCE)
        self._listening.close()

    def _serve(self) -> None:
        while True:
            line, _ = self._listening.accept()
            with line:
                line.settimeout(PATIENCE)
                request = whole_request(line)
                if not request:
                    return
                self.requests.put(request)
                line.sendall(next(self._answers, ACCEPTED))


def whole_request(line: socket.socket) -> bytes:
    received = b""
    while not (length := re.search(rb"(?i)content-length: (\d+)", received)) or (
        len(received.partition(b"\r\n\r\n")[2]) < int(length[1])
    ):
        piece = line.recv(1 << 16)
        if not piece:
            return received
        received += piece
    return received


def callback_to(url: str) -> Callback:
    headers = (("Content-Type", "application/json"), ("X-Proof", "yes"))
    return Callback(provider="acme", task_id="1", url=url, headers=headers, body=b'{"id": "1"}')


def posted(url: str) -> str:
    return asyncio.run(post.post(callback_to(url)))


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        return int(taken.getsockname()[1])


# --- one attempt ---


def test_a_callback_is_posted_as_it_is() -> None:
    with Receiver() as receiver:
        assert posted(receiver.url) == "202"
        head, _, body = receiver.next().partition(b"\r\n\r\n")
    first, *headers = head.decode().lower().split("\r\n")
    assert first == "post /hook?token=1 http/1.1"
    assert {f"host: 127.0.0.1:{receiver.port}", "x-proof: yes", "content-length: 11"} <= set(headers)
    assert body == b'{"id": "1"}'


def test_localhost_is_this_machine() -> None:
    with Receiver() as receiver:
        assert posted(f"http://localhost:{receiver.port}") == "202"
        assert receiver.next().startswith(b"POST / HTTP/1.1")


def test_this_machine_has_an_address_of_six_too() -> None:
    try:
        receiving = Receiver(host="::1")
    except OSError:
        pytest.skip("This machine has no IPv6.")
    with receiving as receiver:
        assert posted(f"http://[::1]:{receiver.port}/") == "202"


ANSWERS = {
    status_line(500): "500",
    status_line(302): "302",
    b"HTTP/1.1 103 Early Hints\r\n\r\n" + ACCEPTED: "202",
    b"": Outcome.SILENT,
    b"\x00 this is no HTTP\r\n\r\n": Outcome.SILENT,
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_is_told_by_its_status(answer: bytes) -> None:
    with Receiver([answer]) as receiver:
        assert posted(receiver.url) == ANSWERS[answer]


def test_where_nobody_listens_it_is_refused() -> None:
    assert posted(f"http://127.0.0.1:{free_port()}/") == Outcome.REFUSED


def test_nobody_is_waited_for_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(post, "PATIENCE", 0.05)
    with closing(socket.create_server(("127.0.0.1", 0))) as mute:
        assert posted(f"http://127.0.0.1:{mute.getsockname()[1]}/") == Outcome.SILENT


# --- only on this machine ---

ELSEWHERE = [
    "http://example.com/hook",
    "http://10.0.0.1/hook",
    "http://169.254.169.254/",
    "http://0.0.0.0/hook",
    "http://127.0.0.1.example.com/",
    "http://localhost.example.com/",
    "http://127.0.0.1@example.com/",
    "http://[::ffff:8.8.8.8]/",
    "http://2130706433/",
    "http://127.0.0.1:99999/",
    "http://[::1/",
    "https://127.0.0.1/hook",
    "file:///etc/passwd",
    "//127.0.0.1/hook",
    "hook",
    "",
]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_no_other_machine_is_connected_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def connect(*address: Any) -> None:
        raise AssertionError(address)

    monkeypatch.setattr(asyncio, "open_connection", connect)
    assert posted(url) == Outcome.ELSEWHERE


def test_an_address_elsewhere_is_in_the_ledger_and_tried_once() -> None:
    listener = Listener(on_callback=None)
    listener.asked("[[stuck]]", "http://example.com/hook")
    world = listener.sandbox.world
    for seconds in (3, 600):
        listener.clock.advance(seconds)
        while (letter := world.next_callback()) is not None:
            world.delivered(letter, asyncio.run(post.post(world.sealed(letter))))
    assert listener.outcomes() == [(Outcome.ELSEWHERE, "")] * 2
    assert listener.sandbox.ledger.callbacks == 0


# --- from a sandbox that listens ---


class HastySimulator(CallingSimulator):
    callback_pauses = (0.0, 0.0, 0.0)


class Hasty(Calling):
    def simulator(self) -> Simulator | None:
        return HastySimulator()


def asked(sandbox: Sandbox, url: str, prompt: str = "A reel.") -> str:
    """A job whose turns are told to ``url``."""
    fields = {"model": "acme-1", "prompt": prompt, "callback_url": url}
    return str(json.loads(sent(sandbox, "POST", "/acme/v1/videos", fields))["id"])


def sent(sandbox: Sandbox, method: str, path: str, document: Any = None) -> bytes:
    line = http.client.HTTPConnection(urlsplit(sandbox.url).netloc, timeout=PATIENCE)
    headers = {"Authorization": "Bearer good-key", "Content-Type": "application/json"}
    with closing(line):
        line.request(method, path, json.dumps(document) if document else None, headers)
        return line.getresponse().read()


def outcomes(sandbox: Sandbox, number: int) -> list[str]:
    """What became of so many callbacks; the sandbox notes that a moment after the receiver has answered."""
    end = monotonic() + PATIENCE
    found: list[str] = []
    while len(found) < number and monotonic() < end:
        calls = json.loads(sent(sandbox, "GET", "/-/ledger"))["calls"]
        found = [call["outcome"] for call in calls if call["call"] == "callback"]
    return found


def status_in(request: bytes) -> Status | None:
    [said] = read_callback(Calling(), (), request.partition(b"\r\n\r\n")[2], verified=False)
    return said.status


def test_a_whole_job_is_told_over_sockets() -> None:
    with Receiver() as receiver, Sandbox([Calling()], job_seconds=0.2) as sandbox:
        asked(sandbox, receiver.url)
        assert [status_in(receiver.next()) for _ in range(3)] == [Status.QUEUED, Status.RUNNING, Status.SUCCEEDED]
        assert outcomes(sandbox, 3) == ["202"] * 3
        assert sandbox.ledger.callbacks == 3


def test_on_a_virtual_clock_nobody_waits_for_a_late_callback() -> None:
    clock = VirtualClock()
    with Receiver() as receiver, Sandbox([Calling()], clock=clock) as sandbox:
        asked(sandbox, receiver.url, "[[stuck]] [[callback-late:3600]]")
        clock.advance(3700)
        assert [status_in(receiver.next()) for _ in range(2)] == [Status.QUEUED, Status.RUNNING]


def test_what_is_not_taken_is_posted_again() -> None:
    answers = [status_line(500), b"", status_line(404), ACCEPTED]
    with Receiver(answers) as receiver, Sandbox([Hasty()], job_seconds=0) as sandbox:
        asked(sandbox, receiver.url)
        assert len({receiver.next() for _ in range(4)}) == 1
        assert outcomes(sandbox, 4) == ["500", Outcome.SILENT, "404", "202"]


def test_it_is_given_up_where_nobody_listens_and_the_sandbox_stands() -> None:
    with Sandbox([Hasty()], job_seconds=0) as sandbox:
        task_id = asked(sandbox, f"http://127.0.0.1:{free_port()}/hook")
        assert outcomes(sandbox, 4) == [Outcome.REFUSED] * 4
        assert b"succeeded" in sent(sandbox, "GET", f"/acme/v1/videos/{task_id}")


def test_a_sandbox_closes_although_a_receiver_does_not_answer() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as mute:
        with Sandbox([Calling()], job_seconds=0) as sandbox:
            asked(sandbox, f"http://127.0.0.1:{mute.getsockname()[1]}/")
            mute.settimeout(PATIENCE)
            line, _ = mute.accept()
            before = monotonic()
        line.close()
    assert monotonic() - before < post.PATIENCE


@contextmanager
def sandbox_that_hands_over(hear: Callable[[Sandbox, Callback], int | None]) -> Iterator[Sandbox]:
    with Sandbox([Hasty()], job_seconds=0, on_callback=lambda callback: hear(sandbox, callback)) as sandbox:
        yield sandbox


def test_a_function_is_given_what_would_be_posted_and_may_ask_the_server() -> None:
    heard: Queue[bytes] = Queue()

    def curious(sandbox: Sandbox, callback: Callback) -> None:
        heard.put(sent(sandbox, "GET", f"/acme/v1/videos/{callback.task_id}"))

    with sandbox_that_hands_over(curious) as sandbox:
        asked(sandbox, "http://example.com/hook")
        assert b"succeeded" in heard.get(timeout=PATIENCE)
        assert outcomes(sandbox, 1) == ["200"]


def test_a_function_that_raises_has_not_taken_it(caplog: pytest.LogCaptureFixture) -> None:
    answers: list[int | None] = [500, 204]

    def moody(sandbox: Sandbox, callback: Callback) -> int | None:
        if callback.attempt == 1:
            raise LookupError("not today")
        return answers.pop(0)

    with caplog.at_level(logging.CRITICAL), sandbox_that_hands_over(moody) as sandbox:
        asked(sandbox, "http://example.com/hook")
        assert outcomes(sandbox, 3) == ["LookupError", "500", "204"]


def test_a_simulator_that_breaks_costs_no_other_callback(caplog: pytest.LogCaptureFixture) -> None:
    class Breaking(HastySimulator):
        def sign_callback(self, callback: Any, key: bytes, now: Any) -> Any:
            if b"broken" in callback.body:
                raise LookupError("broken")
            return ()

    class Brittle(Calling):
        def simulator(self) -> Simulator | None:
            return Breaking()

    with (
        caplog.at_level(logging.CRITICAL),
        Receiver() as receiver,
        Sandbox([Brittle()], job_seconds=0) as sandbox,
    ):
        asked(sandbox, receiver.url, "[[fail:broken]]")
        task_id = asked(sandbox, receiver.url)
        assert task_id.encode() in receiver.next()
