"""Answers that are written badly, jobs that contradict themselves, links that lie; and all of it by chance."""

from __future__ import annotations

import gzip
import json
import re
import socket
from urllib.parse import urlsplit

import pytest

from reelway.errors import ConfigurationError
from reelway.model.observation import Status
from reelway.provider.simulator import CallKind, SimulatedCall
from reelway.sandbox import CATALOG, Sandbox
from reelway.sandbox.chaos import MOST_FAULTS, Chaos
from reelway.sandbox.plan import ArmedFault
from tests.sandbox.caller import ACME, Caller

# --- how an answer can be written badly ---


def raw_answer(mark: str) -> bytes:
    """All bytes that a create is answered with over a socket."""
    body = json.dumps({"model": "acme-1", "prompt": f"A reel. {mark}"}).encode()
    lines = (
        *("POST /acme/v1/videos HTTP/1.1", "Host: h", "Authorization: Bearer k", "Connection: close"),
        *("Content-Type: application/json", f"Content-Length: {len(body)}", "", ""),
    )
    with Sandbox([ACME]) as sandbox, socket.create_connection(address_of(sandbox), timeout=10) as connection:
        connection.sendall("\r\n".join(lines).encode() + body)
        return b"".join(iter(lambda: connection.recv(1 << 16), b""))


def address_of(sandbox: Sandbox) -> tuple[str, int]:
    parts = urlsplit(sandbox.url)
    return str(parts.hostname), int(parts.port or 0)


WRITTEN = {
    "tls": rb"\x15\x03\x03\x00\x02\x02\x16",
    "half-status": rb"HTTP/1\.1 2",
    "half-headers": rb"HTTP/1\.1 200 OK\r\nContent[^\n]*",
    "bad-chunks": rb"HTTP/1\.1 200 OK\r\n.*chunked\r\n\r\n1\r\n\{\r\n7\r\n.*\r\nmany\r\nbytes\r\n",
    "odd-chunks": rb"HTTP/1\.1 200 OK\r\n.*chunked\r\n\r\n1\r\n\{\r\n7\r\n.*\r\n0\r\n\r\n",
    "empty": rb"HTTP/1\.1 200 OK\r\n.*Content-Length: 0\r\n.*\r\n",
    "http:418": rb"HTTP/1\.1 418 .*",
    "retry-after:soon": rb"HTTP/1\.1 429 .*Retry-After: soon\r\n.*",
}


@pytest.mark.parametrize("fault", WRITTEN)
def test_a_badly_written_answer_is_what_its_name_says(fault: str) -> None:
    assert re.fullmatch(WRITTEN[fault], raw_answer(f"[[{fault}]]"), re.DOTALL)


def test_short_length_promises_half_of_what_comes() -> None:
    head, _, body = raw_answer("[[short-length]]").partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body) // 2}".encode() in head


def test_a_bomb_is_small_and_grows() -> None:
    body = Caller().create("[[bomb]]").body
    assert len(body) < 1 << 17
    assert len(gzip.decompress(body)) == 64 << 20


def test_oversized_is_the_answer_with_blanks_behind_it() -> None:
    body = Caller().create("[[oversized]]").body
    assert len(body) > 16 << 20
    assert json.loads(body)["id"]


@pytest.mark.parametrize("place", ["create", "retrieve"])
def test_two_ids_stand_under_one_name(place: str) -> None:
    caller = Caller()
    created = caller.create(f"[[{place}/two-ids]]")
    [task] = caller.sandbox.ledger.tasks
    body = created.body if place == "create" else caller.retrieve(task.task_id).body
    assert len(set(re.findall(rb'"id":"([^"]*)"', body))) == 2


# --- jobs that contradict themselves ---

GOOD, BAD = Status.SUCCEEDED, Status.FAILED

COURSES = {
    "[[flip:2]]": [GOOD, BAD, BAD, GOOD],
    "[[fail]] [[flip]]": [BAD, GOOD, BAD, BAD],
    "[[relapse]]": [GOOD, Status.RUNNING, GOOD, GOOD],
    "[[requeue]] [[relapse]]": [Status.RUNNING, Status.QUEUED, GOOD, Status.RUNNING],
}


@pytest.mark.parametrize("marks", COURSES)
def test_a_job_contradicts_its_end_after_it_was_seen(marks: str) -> None:
    caller = Caller()
    task_id = caller.made(marks)
    caller.clock.advance(3.0)
    assert [caller.poll(task_id).status for _ in range(4)] == COURSES[marks]


def test_a_skewed_clock_shows_in_every_time() -> None:
    caller = Caller()
    right, wrong = (caller.poll(caller.made(mark)).created_at for mark in ("", "[[clock-skew:-3600]]"))
    assert right is not None
    assert wrong is not None
    assert (right - wrong).total_seconds() == 3600


# --- links ---


def test_a_wrong_range_is_told_one_byte_further_on() -> None:
    caller = Caller()
    url = caller.url(caller.made("[[wrong-range]]"))
    wrong, right = (caller.fetch(url, ("Range", "bytes=100-")) for _ in range(2))
    assert wrong.body == right.body
    assert str(wrong.header("content-range")).startswith("bytes 101-")
    assert str(right.header("content-range")).startswith("bytes 100-")


def test_a_changed_file_has_another_tag() -> None:
    caller = Caller()
    url = caller.url(caller.made("[[changed-file]]"))
    wrong, right = (caller.fetch(url) for _ in range(2))
    assert wrong.body == right.body
    assert wrong.header("etag") == '"another"' != right.header("etag")


# --- which call ---


def test_a_fault_can_begin_with_a_later_call() -> None:
    caller = Caller()
    task_id = caller.made("[[retrieve/http@3:504]]")
    assert [caller.retrieve(task_id).status for _ in range(4)] == [200, 200, 504, 200]


@pytest.mark.parametrize(
    "text", ["reset@0", "reset@-1", "reset@x", "reset@", "fail@2", "http:200", "retry-after:a\nb"]
)
def test_a_call_or_an_argument_that_means_nothing_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError):
        ArmedFault.parse(text)


# --- by chance ---

CALLS = [SimulatedCall(kind=CallKind.CREATE, fields={"prompt": f"Boat {number}"}) for number in range(300)]


def drawn(chaos: Chaos, calls: list[SimulatedCall]) -> dict[str, str]:
    return {call.fields["prompt"]: repr(chaos.draw("acme", call)) for call in calls}


def test_the_same_seed_spoils_the_same_requests_in_whatever_order_they_come() -> None:
    assert drawn(Chaos(7), CALLS) == drawn(Chaos(7), CALLS[::-1])


def test_another_seed_and_the_same_request_again_are_spoilt_otherwise() -> None:
    chaos = Chaos(7)
    first = drawn(chaos, CALLS)
    assert first != drawn(chaos, CALLS)
    assert first != drawn(Chaos(8), CALLS)


def test_chance_reaches_every_fault_and_leaves_some_tasks_alone() -> None:
    chaos = Chaos(7)
    lots = [chaos.draw("acme", call) for _ in range(5) for call in CALLS]
    assert {armed.fault.name for lot in lots for armed in lot} == {fault.name for fault in CATALOG}
    assert {len(lot) for lot in lots} == set(range(MOST_FAULTS + 1))


def test_the_same_seed_gives_the_same_traffic() -> None:
    def traffic() -> list[bytes]:
        caller = Caller(chaos=3, seed=1)
        replies = [caller.reply(caller.create_request(f"Boat {number}")) for number in range(40)]
        tasks = caller.sandbox.ledger.tasks
        replies += [caller.reply(caller.retrieval(task.task_id)) for task in tasks for _ in range(3)]
        return [reply.response.body for reply in replies]

    assert traffic() == traffic()


def test_a_reset_sandbox_draws_from_the_beginning() -> None:
    caller = Caller(chaos=3)
    outcomes = []
    for _ in range(2):
        replies = [caller.reply(caller.create_request(f"Boat {number}")) for number in range(20)]
        outcomes.append([reply.outcome for reply in replies])
        caller.sandbox.world.reset()
    assert outcomes[0] == outcomes[1]
    assert len(set(outcomes[0])) > 1
