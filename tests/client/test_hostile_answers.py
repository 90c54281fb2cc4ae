"""Answers that no honest server gives: each is a task or a typed error, and none leads to a second create."""

from __future__ import annotations

import gzip
import tracemalloc
from typing import Any, Final

import pytest

from reelway import Submission, SubmissionRejected, SubmissionUnknown, Task
from tests.client.counting import (
    CUT,
    CUT_LATE,
    ID,
    MADE,
    MALFORMED,
    TOO_LATE,
    Doubt,
    Party,
    accepts,
    create,
    ended,
    http,
    json_says,
    states,
    unclear,
)
from tests.transport.rogue import Manner, RogueServer, Visit, bounded, floods, in_turn, never_reads, says

MEBIBYTE: Final = 1 << 20

JSON: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED: Final = JSON + b"Transfer-Encoding: chunked\r\n\r\n"
CHUNK: Final = b"%x\r\n%s\r\n" % (len(MADE), MADE)


def speaks_first(data: bytes) -> Manner:
    """An answer that is there before the request is."""

    def manner(visit: Visit) -> None:
        visit.say(data)
        visit.read_request()

    return manner


def says_id(task_id: str) -> Manner:
    return says(json_says(b'{"id":%s,"status":"queued"}' % task_id.encode()))


# --- odd, and yet the task is there ---

UNDERSTOOD: Final[dict[str, Manner]] = {
    "201": says(json_says(MADE, "201 Created")),
    "202": says(json_says(MADE, "202 Accepted")),
    "no reason in the status line": says(json_says(MADE, "200")),
    "HTTP/1.0 with a length": says(http("200 OK", body=MADE, version="HTTP/1.0")),
    "HTTP/1.0 that ends with the connection": says(b"HTTP/1.0 200 OK\r\n\r\n" + MADE),
    "100 before it": says(b"HTTP/1.1 100 Continue\r\n\r\n" + json_says(MADE)),
    "103 before it": says(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + json_says(MADE)),
    "fifty times 100 before it": says(b"HTTP/1.1 100 Continue\r\n\r\n" * 50 + json_says(MADE)),
    "before the request": speaks_first(json_says(MADE)),
    "an error behind it": says(json_says(MADE) + http("500 Oops")),
    "in chunks": says(CHUNKED + CHUNK + b"0\r\n\r\n"),
    "in chunks with extensions and a trailer": says(
        CHUNKED + CHUNK.replace(b"\r", b";a=b\r", 1) + b"0\r\nX: y\r\n\r\n"
    ),
    "compressed": says(json_says(gzip.compress(MADE), "200 OK", "Content-Encoding: gzip")),
    "a thousand headers": says(json_says(MADE, "200 OK", *["X-Header: value"] * 1000)),
    "a folded header": says(json_says(MADE, "200 OK", "X-Header: a", "  b")),
    "a header beyond ASCII": says(json_says(MADE, "200 OK", "X-Header: \xff\xfe")),
    "bare line feeds": says(json_says(MADE).replace(b"\r\n", b"\n")),
    "a cookie": says(json_says(MADE, "200 OK", "Set-Cookie: session=1; Domain=.example")),
    "another type": says(http("200 OK", "Content-Type: text/html", body=MADE)),
}


@pytest.mark.parametrize("trouble", UNDERSTOOD)
def test_an_odd_answer_with_an_id_is_the_task(party: Party, steps: list[Submission], trouble: str) -> None:
    with RogueServer(in_turn(UNDERSTOOD[trouble], accepts)) as server:
        end = create(party, server.url, steps)
    assert isinstance(end, Task)
    assert (end.id, server.creates, len(server.visits)) == (ID, 1, 1)
    assert states(steps) == ["intent", "sending", "accepted"]


# --- nobody can tell ---

IN_DOUBT: Final[dict[str, tuple[Manner, Doubt]]] = {
    # What is said of the task.
    "the id in capitals": (says(json_says(MADE.replace(b"id", b"ID"))), unclear(200)),
    "the id capitalized": (says(json_says(MADE.replace(b"id", b"Id"))), unclear(200)),
    "a number for an id": (says_id("7"), unclear(200)),
    "null for an id": (says_id("null"), unclear(200)),
    "an empty id": (says_id('""'), unclear(200)),
    "a list of ids": (says_id('["task_1"]'), unclear(200)),
    "an id that leaves its place": (says_id('".."'), unclear(200)),
    "an id with a NUL": (says_id(r'"task\u0000"'), unclear(200)),
    "an id with a line break": (says_id(r'"task\r\nX: y"'), unclear(200)),
    "an id with half a character": (says_id(r'"task\ud800"'), unclear(200)),
    "an id without end": (says_id(f'"{"9" * 100_000}"'), unclear(200)),
    "two ids": (says(json_says(b'{"id":"task_1","id":"task_2"}')), unclear(200)),
    "two documents": (says(json_says(MADE + MADE)), unclear(200)),
    "two documents on two lines": (says(json_says(MADE + b"\n" + MADE)), unclear(200)),
    "a document in a list": (says(json_says(b"[" + MADE + b"]")), unclear(200)),
    "a document in a text": (says(json_says(b'"' + MADE.replace(b'"', rb"\"") + b'"')), unclear(200)),
    "a document nested without end": (says(json_says(b'{"a":' * 100_000)), unclear(200)),
    "half a document": (says(json_says(MADE[:-1])), unclear(200)),
    "not UTF-8": (says(json_says(MADE.decode().encode("utf-16"))), unclear(200)),
    # How it is framed.
    "cut, and no length": (says(b"HTTP/1.0 200 OK\r\n\r\n" + MADE[:-2]), unclear(200)),
    "a length that is too short": (says(JSON + b"Content-Length: 9\r\n\r\n" + MADE), unclear(200)),
    "a compression that is cut": (
        says(json_says(gzip.compress(MADE)[:-12], "200 OK", "Content-Encoding: gzip")),
        unclear(200),
    ),
    "a compression that is none": (
        says(json_says(MADE, "200 OK", "Content-Encoding: gzip")),
        Doubt("RECEIVING", "its compression is broken"),
    ),
    "a compression that nobody asked for": (
        says(json_says(MADE, "200 OK", "Content-Encoding: br")),
        Doubt("RECEIVING", "not asked for"),
    ),
    "chunks and a length": (says(json_says(MADE, "200 OK", "Transfer-Encoding: chunked")), CUT),
    "two lengths": (says(json_says(MADE, "200 OK", "Content-Length: 5")), MALFORMED),
    "a negative length": (says(JSON + b"Content-Length: -1\r\n\r\n" + MADE), MALFORMED),
    "a length without end": (says(JSON + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n" + MADE), MALFORMED),
    "a chunk of 2**68 bytes": (says(CHUNKED + b"f" * 17 + b"\r\n" + MADE), CUT),
    "a chunk size without end": (floods(CHUNKED, b"f" * 65536), CUT),
    "a chunk extension without end": (floods(CHUNKED + b"1;", b"x" * 65536), CUT),
    "a chunk that is cut": (says(CHUNKED + b"7fffffffffffffff\r\n" + MADE), CUT),
    "trailers without end": (floods(CHUNKED + CHUNK + b"0\r\n", b"X: y\r\n" * 1000), CUT),
    "a hundred thousand headers": (says(JSON + b"X-A: b\r\n" * 100_000 + b"\r\n"), MALFORMED),
    "headers without end": (floods(JSON, b"X-A: b\r\n" * 1000), MALFORMED),
    "a header without end": (floods(JSON + b"X-A: ", b"a" * 65536), MALFORMED),
    "a NUL in a header": (says(json_says(MADE, "200 OK", "X-A: a\0b")), MALFORMED),
    "a NUL in a header's name": (says(json_says(MADE, "200 OK", "X\0A: b")), MALFORMED),
    "a carriage return in a header": (says(json_says(MADE, "200 OK", "X-A: a\rb")), MALFORMED),
    # What the status line says.
    "100 and nothing more": (says(b"HTTP/1.1 100 Continue\r\n\r\n"), MALFORMED),
    "another protocol, switched to": (
        says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n" + MADE),
        MALFORMED,
    ),
    "HTTP/2 as text": (says(http("200", body=MADE, version="HTTP/2")), MALFORMED),
    "status 99999": (says(json_says(MADE, "99999 X")), MALFORMED),
    "status 999": (says(json_says(MADE, "999 X")), unclear(999)),
    # Too much of it.
    "a body without end": (
        floods(JSON + b"\r\n", b" " * 65536),
        Doubt("RECEIVING", "it is larger than 2097152 bytes"),
    ),
}

HANGING: Final[dict[str, tuple[Manner, Doubt]]] = {
    "100 without end": (floods(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), TOO_LATE),
    "small chunks without end": (floods(CHUNKED, (b"14\r\n" + b" " * 20 + b"\r\n") * 100), CUT_LATE),
}


@pytest.mark.parametrize("trouble", IN_DOUBT)
def test_an_answer_in_doubt_leads_to_no_second_create(party: Party, steps: list[Submission], trouble: str) -> None:
    manner, doubt = IN_DOUBT[trouble]
    with RogueServer(in_turn(manner, accepts)) as server:
        end = create(party, server.url, steps)
    doubt.assert_holds(end, steps)
    assert (server.creates, len(server.visits)) == (1, 1)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("trouble", HANGING)
def test_an_answer_that_never_ends_is_given_up_in_time(party: Party, steps: list[Submission], trouble: str) -> None:
    manner, doubt = HANGING[trouble]
    with RogueServer(in_turn(manner, accepts)) as server, bounded(3):
        end = create(party, server.url, steps)
    doubt.assert_holds(end, steps)
    assert (server.creates, len(server.visits)) == (1, 1)


@pytest.fixture(scope="module")
def bomb() -> bytes:
    return gzip.compress(bytes(128 * MEBIBYTE), 9)


def test_a_compressed_bomb_in_answer_to_a_create_costs_no_memory(
    party: Party, steps: list[Submission], bomb: bytes
) -> None:
    with RogueServer(in_turn(says(json_says(bomb, "200 OK", "Content-Encoding: gzip")), accepts)) as server:
        tracemalloc.start()
        try:
            end = create(party, server.url, steps)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    Doubt("RECEIVING", "it inflates to more than 2097152 bytes").assert_holds(end, steps)
    assert (server.creates, len(server.visits)) == (1, 1)
    assert peak < 16 * MEBIBYTE


# --- redirects ---


@pytest.mark.parametrize(
    "target", ["http://user:password@127.0.0.1:{}/", "//127.0.0.1:{}/", "/v1/videos", "\xff", "javascript:0", ""]
)
def test_no_redirect_of_a_create_is_followed_wherever_it_leads(
    party: Party, steps: list[Submission], target: str
) -> None:
    with RogueServer(accepts) as elsewhere:
        answer = http("307 Temporary Redirect", f"Location: {target.format(elsewhere.port)}")
        with RogueServer(in_turn(says(answer), accepts)) as server:
            end = create(party, server.url, steps)
    assert isinstance(end, SubmissionRejected)
    assert "password" not in str(end)
    assert (server.creates, len(server.visits), len(elsewhere.visits)) == (1, 1, 0)


# --- answers to a request that is still being sent ---

LARGE: Final = "cat " * (2 * MEBIBYTE)
"""A prompt that no buffer between the two sides can hold."""

EARLY: Final = {
    "413 and goodbye": (http("413 Too Large"), SubmissionRejected),
    "401 and goodbye": (http("401 Unauthorized"), SubmissionRejected),
    "an id and goodbye": (json_says(MADE), Task),
    "500 and goodbye": (http("500 Oops"), SubmissionUnknown),
}


def answers_early(data: bytes) -> Manner:
    """Answer after the first bytes, and read no further."""

    def manner(visit: Visit) -> None:
        visit.hear()
        visit.say(data)

    return manner


def upload(party: Party, url: str, steps: list[Submission]) -> Any:
    with party.at(url, on_submission=steps.append) as client:
        return ended(lambda: client.create(LARGE, model=party.model))


@pytest.mark.parametrize("trouble", EARLY)
def test_an_answer_that_comes_before_the_request_is_sent_is_read_or_in_doubt(
    party: Party, steps: list[Submission], trouble: str
) -> None:
    answer, expected = EARLY[trouble]
    with RogueServer(in_turn(answers_early(answer), accepts)) as server:
        end = upload(party, server.url, steps)
    # The goodbye of a server that has not read everything may overtake its answer.
    assert isinstance(end, expected | SubmissionUnknown)
    assert states(steps)[-1] in {"rejected", "accepted", "ambiguous"}
    assert (server.creates, len(server.visits)) == (1, 1)


def takes_the_beginning(visit: Visit) -> None:
    visit.hear()
    visit.wait()


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("manner", [answers_early(b""), takes_the_beginning, never_reads])
def test_a_request_that_is_not_taken_whole_is_in_doubt(
    party: Party, steps: list[Submission], manner: Manner
) -> None:
    with RogueServer(in_turn(manner, accepts)) as server, bounded(3):
        end = upload(party, server.url, steps)
    Doubt("SENDING", "may or may not have created a task").assert_holds(end, steps)
    assert len(server.visits) == 1
