"""One submit, at most one create on the wire: counted by raw servers, for every trouble on the way there and back.

After its trouble each server would accept a create, so whoever sends a second one has paid twice and is found out.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any, Final

import pytest

from reelway import (
    Billed,
    ErrorKind,
    Fault,
    ProviderError,
    Submission,
    SubmissionRejected,
    SubmissionUnknown,
    Task,
)
from reelway.testing import VirtualClock
from tests.client.both import Healing
from tests.client.counting import (
    BROKEN,
    CUT,
    CUT_LATE,
    ERROR,
    HEAD,
    ID,
    MADE,
    MALFORMED,
    PAGE,
    TOO_LATE,
    Doubt,
    Ended,
    Party,
    accepts,
    create,
    http,
    json_says,
    states,
    unclear,
)
from tests.transport.rogue import (
    Manner,
    RogueServer,
    Visit,
    bounded,
    drips,
    in_turn,
    is_silent,
    leaves_after_reading,
    never_reads,
    resets_after_reading,
    resets_at_once,
    says,
    says_and_waits,
)

# --- nothing was sent: it is sent again ---


def lookup(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], str]) -> str:
    """A host name that leads where ``answer`` says."""
    real = socket.getaddrinfo

    def look_up(host: str, *arguments: Any, **options: Any) -> Any:
        return real(answer() if host == "api.example" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return "api.example"


def unknown_name() -> str:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def test_a_create_whose_connection_was_refused_is_sent_once_there_is_a_server(
    party: Party, steps: list[Submission]
) -> None:
    clock = Healing()
    with RogueServer(accepts, deaf=True) as server:
        clock.wound.callback(server.listen)
        end = create(party, server.url, steps, clock=clock)
    assert isinstance(end, Task)
    assert (end.id, server.creates) == (ID, 1)
    assert states(steps) == ["intent", "sending", "intent", "sending", "accepted"]


def test_a_create_whose_host_was_not_found_is_sent_once_it_is(
    party: Party, steps: list[Submission], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, known = Healing(), threading.Event()
    clock.wound.callback(known.set)
    host = lookup(monkeypatch, lambda: "127.0.0.1" if known.is_set() else unknown_name())
    with RogueServer(accepts) as server:
        end = create(party, f"http://{host}:{server.port}", steps, clock=clock)
    assert isinstance(end, Task)
    assert (end.id, server.creates) == (ID, 1)
    assert states(steps) == ["intent", "sending", "intent", "sending", "accepted"]


def tls(side: int) -> ssl.SSLContext:
    """Encryption that needs no certificate: both sides stay anonymous."""
    context = ssl.SSLContext(side)
    context.check_hostname = False
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("aNULL:@SECLEVEL=0")
    context.verify_mode = ssl.CERT_NONE
    return context


def encrypted(manner: Manner) -> Manner:
    def encrypts(visit: Visit) -> None:
        with tls(ssl.PROTOCOL_TLS_SERVER).wrap_socket(visit.line, server_side=True) as visit.line:
            manner(visit)

    return encrypts


def hears_then(act: Manner) -> Manner:
    """Take the beginning of a handshake, and then act."""

    def manner(visit: Visit) -> None:
        visit.hear()
        act(visit)

    return manner


TLS_TROUBLE: Final[dict[str, Manner]] = {
    "reset on accept": resets_at_once,
    "gone after the hello": hears_then(lambda visit: None),
    "reset after the hello": hears_then(resets_at_once),
    "an alert": hears_then(lambda visit: visit.say(b"\x15\x03\x03\x00\x02\x02\x28")),
    "no TLS": hears_then(lambda visit: visit.say(http("400 Bad Request"))),
    "half a record": hears_then(lambda visit: visit.say(b"\x16\x03\x03\x00\x50\x02")),
    "silence": never_reads,
}


@pytest.mark.parametrize("trouble", TLS_TROUBLE)
def test_a_create_whose_handshake_failed_is_sent_once_one_succeeds(
    party: Party,
    steps: list[Submission],
    trouble: str,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setattr("reelway.transport.http.tls_context", lambda _: tls(ssl.PROTOCOL_TLS_CLIENT))
    if TLS_TROUBLE[trouble] is never_reads:
        request.getfixturevalue("impatient")
    with RogueServer(in_turn(TLS_TROUBLE[trouble], encrypted(accepts))) as server:
        end = create(party, f"https://127.0.0.1:{server.port}", steps)
    assert isinstance(end, Task)
    assert (end.id, server.creates, len(server.visits)) == (ID, 1, 2)
    assert states(steps) == ["intent", "sending", "intent", "sending", "accepted"]


def assert_given_up_unsent(end: Ended, steps: list[Submission], clock: VirtualClock) -> None:
    """Tried several times within the budget, and then told as what it is: nothing was sent."""
    assert type(end) is ProviderError
    assert (end.kind, end.fault) == (ErrorKind.UNAVAILABLE, Fault.PROVIDER)
    assert (end.retryable, end.resubmit_safe, end.billed, end.task) == (True, True, Billed.NO, None)
    assert "No byte of the request was sent" in str(end)
    assert states(steps).count("sending") > 3
    assert states(steps)[-1] == "rejected"
    assert 24 < clock.monotonic() <= 60


def test_a_create_that_is_refused_for_ever_is_given_up_unsent(party: Party, steps: list[Submission]) -> None:
    clock = VirtualClock()
    with RogueServer(accepts, deaf=True) as server:
        end = create(party, server.url, steps, clock=clock)
    assert_given_up_unsent(end, steps, clock)
    assert "connecting failed (Connection refused)" in str(end)


def test_a_create_to_a_host_that_does_not_exist_is_given_up_unsent(
    party: Party, steps: list[Submission], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = VirtualClock()
    end = create(party, f"http://{lookup(monkeypatch, unknown_name)}", steps, clock=clock)
    assert_given_up_unsent(end, steps, clock)
    assert "the host name is not known" in str(end)


@pytest.mark.parametrize("trouble", [name for name in TLS_TROUBLE if name != "silence"])
def test_a_create_whose_handshake_fails_for_ever_is_given_up_unsent(
    party: Party, steps: list[Submission], trouble: str
) -> None:
    clock = VirtualClock()
    with RogueServer(TLS_TROUBLE[trouble]) as server:
        end = create(party, f"https://127.0.0.1:{server.port}", steps, clock=clock)
    assert_given_up_unsent(end, steps, clock)
    assert len(server.visits) == states(steps).count("sending")


# --- something may have been sent: it is not sent again ---


IN_DOUBT: Final[dict[str, tuple[Manner, Doubt]]] = {
    "reset after reading": (resets_after_reading, BROKEN),
    "gone after reading": (leaves_after_reading, MALFORMED),
    "half a status line": (says(b"HTTP/1."), MALFORMED),
    "half the headers": (says(HEAD[:30]), MALFORMED),
    "no body": (says(HEAD), CUT),
    "half a body": (says(HEAD + MADE), CUT),
    "garbage": (says(b"\x15\x03\x01\x00\x02\x02\x16 this is no HTTP\r\n\r\n"), MALFORMED),
    "another protocol": (says(b"220 mail.example ESMTP\r\n"), MALFORMED),
    "HTML with 200": (says(http("200 OK", "Content-Type: text/html", body=PAGE)), unclear(200)),
    "HTML as JSON with 200": (says(json_says(PAGE)), unclear(200)),
    "an empty 200": (says(http("200 OK")), unclear(200)),
    "204": (says(b"HTTP/1.1 204 No Content\r\n\r\n"), unclear(204)),
    "303 to elsewhere": (says(http("303 See Other", "Location: /v1/videos/elsewhere")), unclear(303)),
    "200 without id": (says(json_says(b'{"status":"queued"}')), unclear(200)),
    "200 with an error": (says(json_says(ERROR)), unclear(200)),
    **{
        f"{status} {'with' if wait else 'without'} Retry-After": (
            says(json_says(ERROR, f"{status} Trouble", *wait)),
            unclear(status),
        )
        for status in (408, 409, 425, 500, 502, 503, 504, 524)
        for wait in ((), ("Retry-After: 1",))
        if not (status == 503 and wait)
    },
    **{
        f"{status} as a page": (
            says(http(f"{status} Trouble", "Content-Type: text/html", body=PAGE)),
            unclear(status),
        )
        for status in (500, 502, 503, 504, 524)
    },
}

HANGING: Final[dict[str, tuple[Manner, Doubt]]] = {
    "silence": (is_silent, TOO_LATE),
    "half a status line, then silence": (says_and_waits(b"HTTP/1."), TOO_LATE),
    "half the headers, then silence": (says_and_waits(HEAD[:30]), TOO_LATE),
    "headers in drips": (drips(HEAD[:-2], b"X: y\r\n" * 1000), TOO_LATE),
    "half a body, then silence": (says_and_waits(HEAD + MADE), CUT_LATE),
    "a body in drips": (drips(HEAD, b" " * 500), CUT_LATE),
}


@pytest.mark.parametrize("trouble", IN_DOUBT)
def test_a_create_in_doubt_is_seen_once_and_told_as_unknown(
    party: Party, steps: list[Submission], trouble: str
) -> None:
    manner, doubt = IN_DOUBT[trouble]
    with RogueServer(in_turn(manner, accepts)) as server:
        end = create(party, server.url, steps)
    doubt.assert_holds(end, steps)
    assert (server.creates, len(server.visits)) == (1, 1)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("trouble", HANGING)
def test_a_create_that_hangs_is_seen_once_and_given_up_in_time(
    party: Party, steps: list[Submission], trouble: str
) -> None:
    manner, doubt = HANGING[trouble]
    with RogueServer(in_turn(manner, accepts)) as server, bounded(3):
        end = create(party, server.url, steps)
    doubt.assert_holds(end, steps)
    assert (server.creates, len(server.visits)) == (1, 1)


@pytest.mark.parametrize("leaves", [resets_at_once, lambda visit: None], ids=["reset", "closed"])
def test_a_connection_that_ends_on_accept_is_in_doubt_or_was_proven_unsent(
    party: Party, steps: list[Submission], leaves: Manner
) -> None:
    with RogueServer(in_turn(leaves, accepts)) as server:
        end = create(party, server.url, steps)
    if isinstance(end, SubmissionUnknown):
        Doubt("SENDING", "may or may not have created a task").assert_holds(end, steps)
        assert (server.creates, len(server.visits)) == (0, 1)
    else:
        assert isinstance(end, Task)
        assert (server.creates, len(server.visits)) == (1, 2)
        assert states(steps) == ["intent", "sending", "intent", "sending", "accepted"]


# --- the provider said that it created nothing ---

TURNED_AWAY: Final = {
    "429 without Retry-After": (json_says(ERROR, "429 Slow Down"), ErrorKind.RATE_LIMITED),
    "429 with Retry-After": (json_says(ERROR, "429 Slow Down", "Retry-After: 7"), ErrorKind.RATE_LIMITED),
    "429 without a body": (http("429 Slow Down"), ErrorKind.RATE_LIMITED),
    "503 with Retry-After": (json_says(ERROR, "503 Busy", "Retry-After: 7"), ErrorKind.UNAVAILABLE),
}
"""The two answers with which a provider asks for patience before it has created anything."""


@pytest.mark.parametrize("trouble", TURNED_AWAY)
def test_a_create_that_was_turned_away_is_sent_again_and_made_once(
    party: Party, steps: list[Submission], trouble: str
) -> None:
    clock = VirtualClock()
    answer, _ = TURNED_AWAY[trouble]
    with RogueServer(in_turn(says(answer), accepts)) as server:
        end = create(party, server.url, steps, clock=clock)
    assert isinstance(end, Task)
    assert (end.id, server.creates, len(server.visits)) == (ID, 2, 2)
    assert states(steps) == ["intent", "sending", "intent", "sending", "accepted"]
    assert clock.monotonic() >= (7 if b"Retry-After" in answer else 0.5)


@pytest.mark.parametrize("trouble", TURNED_AWAY)
def test_a_create_that_is_turned_away_for_ever_is_given_up_within_the_budget(
    party: Party, steps: list[Submission], trouble: str
) -> None:
    clock = VirtualClock()
    answer, kind = TURNED_AWAY[trouble]
    with RogueServer(says(answer)) as server:
        end = create(party, server.url, steps, clock=clock)
    assert isinstance(end, SubmissionRejected)
    assert (end.kind, end.retryable, end.resubmit_safe, end.billed) == (kind, True, True, Billed.NO)
    assert "Nothing was created." in str(end)
    assert states(steps)[-1] == "rejected"
    assert 3 < server.creates == states(steps).count("sending") < 10
    assert 24 < clock.monotonic() <= 60


REFUSED: Final = {
    **{
        f"{status}": json_says(ERROR, f"{status} No")
        for status in (400, 401, 402, 403, 404, 405, 413, 415, 422, 451)
    },
    "429 about money": json_says(b'{"error":{"code":"insufficient_user_quota","message":"."}}', "429 No"),
    "503 about money": json_says(
        b'{"error":{"code":"insufficient_user_quota","message":"."}}', "503 No", "Retry-After: 1"
    ),
    **{
        f"{status} to elsewhere": http(f"{status} Moved", "Location: /v1/videos/elsewhere")
        for status in (301, 302, 307, 308)
    },
}


@pytest.mark.parametrize("trouble", REFUSED)
def test_a_create_that_was_refused_is_seen_once_and_told_as_unpaid(
    party: Party, steps: list[Submission], trouble: str
) -> None:
    with RogueServer(in_turn(says(REFUSED[trouble]), accepts)) as server:
        end = create(party, server.url, steps)
    assert isinstance(end, SubmissionRejected)
    assert (end.resubmit_safe, end.billed, end.task) == (True, Billed.NO, None)
    assert "Nothing was created." in str(end)
    assert states(steps) == ["intent", "sending", "rejected"]
    assert (server.creates, len(server.visits)) == (1, 1)
