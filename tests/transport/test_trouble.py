"""Every foreign exception becomes one of ours, with a reason of our own and the phase that was reached."""

from __future__ import annotations

import errno
import inspect
import socket
import ssl
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import httpcore
import httpcore2
import httpx
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.flow.effects import Phase, TransportError
from reelway.transport.body import BodyRefused
from reelway.transport.guard import AddressRefused, LinkRefused
from reelway.transport.trouble import Progress, reason_of

SECRET = "https://cdn.example/v.mp4?sig=SIGNATURE Bearer sk-SECRETKEY"

LIBRARIES = (httpx, httpx2, httpcore, httpcore2)


def exception_classes() -> Iterator[type[Exception]]:
    for library in LIBRARIES:
        for _, one in inspect.getmembers(library, inspect.isclass):
            if issubclass(one, Exception):
                yield one


def made(kind: type[Exception]) -> Exception:
    """An exception of that class, with as much in it as its construction allows."""
    for arguments in ((SECRET,), (), (SECRET, b""), (400, SECRET)):
        try:
            return kind(*arguments)
        except TypeError:
            continue
    request = httpx.Request("GET", "https://cdn.example/?sig=SIGNATURE")
    return kind(SECRET, request=request, response=httpx.Response(500, request=request))  # type: ignore[call-arg]


def error_of(caught: Exception, phase: Phase | None = None) -> TransportError:
    progress = Progress()
    progress.request_is_written()
    progress.phase = phase
    with pytest.raises(TransportError) as translated, progress:
        raise caught
    return translated.value


FOREIGN = sorted(set(exception_classes()), key=lambda one: (one.__module__, one.__name__))


def test_there_is_something_to_translate() -> None:
    assert len(FOREIGN) > 60


@pytest.mark.parametrize("kind", FOREIGN, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_every_exception_of_the_libraries_is_translated_with_a_reason_that_quotes_nothing(
    kind: type[Exception],
) -> None:
    error = error_of(made(kind), Phase.SENDING)
    assert error.reason
    assert not error.reason.startswith("the connection failed:")
    assert "SIGNATURE" not in repr(error) + str(error)
    assert "SECRETKEY" not in repr(error) + str(error)
    assert error.phase is Phase.SENDING


@pytest.mark.parametrize("kind", [RuntimeError, ValueError, KeyError, AssertionError, EOFError])
def test_what_nobody_foresaw_is_named_by_its_class(kind: type[Exception]) -> None:
    assert error_of(kind(SECRET)).reason == f"the connection failed: {kind.__name__}"


@pytest.mark.parametrize(
    ("caught", "reason"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, SECRET), "Connection refused"),
        (OSError(errno.EHOSTUNREACH, SECRET), "No route to host"),
        (socket.gaierror(socket.EAI_NONAME, SECRET), "the host name is not known"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"), "TLS failed"),
        (BodyRefused("it is larger than 5 bytes"), "the body was refused (it is larger than 5 bytes)"),
        (TimeoutError(), "it took too long"),
        (UnicodeEncodeError("utf-8", "\ud800", 0, 1, SECRET), "a text holds half a character"),
    ],
)
def test_the_system_s_own_word_is_told(caught: Exception, reason: str) -> None:
    assert reason in reason_of(caught)
    assert "SIGNATURE" not in reason_of(caught)


def test_the_cause_is_found_behind_the_library_s_exceptions() -> None:
    inner, outer = OSError("All connection attempts failed"), httpx.ConnectError(SECRET)
    inner.__cause__ = ConnectionRefusedError(errno.ECONNREFUSED, SECRET)
    outer.__cause__ = inner
    assert reason_of(outer) == "connecting failed (Connection refused)"


# --- phases ---

EVENTS = [
    ("connection.connect_tcp.started", Phase.CONNECTING),
    ("connection.connect_tcp.failed", Phase.CONNECTING),
    ("connection.connect_tcp.complete", Phase.CONNECTED),
    ("connection.start_tls.started", Phase.CONNECTING),
    ("connection.start_tls.failed", Phase.CONNECTING),
    ("connection.start_tls.complete", Phase.CONNECTED),
    ("http11.send_request_headers.started", Phase.SENDING),
    ("http11.send_request_body.started", Phase.SENDING),
    ("http11.receive_response_headers.started", Phase.SENDING),
    ("http11.receive_response_headers.complete", Phase.RECEIVING),
    ("http2.send_request_headers.started", Phase.SENDING),
    ("http2.send_connection_init.started", Phase.SENDING),
    ("http3.whatever_comes_next.started", Phase.SENDING),
    ("", Phase.SENDING),
]


@pytest.mark.parametrize(("event", "phase"), EVENTS)
def test_an_event_leads_to_its_phase_and_an_unknown_one_counts_as_sending(event: str, phase: Phase) -> None:
    progress = Progress()
    progress.hear(event, {})
    assert progress.phase is phase


@given(st.lists(st.sampled_from([event for event, _ in EVENTS])))
def test_once_a_byte_may_have_left_nothing_takes_it_back(events: list[str]) -> None:
    progress = Progress()
    progress.hear("http11.send_request_headers.started", {})
    reached = Phase.SENDING
    for event in events:
        progress.hear(event, {})
        assert progress.phase is not None
        assert progress.phase >= reached
        reached = progress.phase


@pytest.mark.parametrize("phase", Phase)
def test_the_phase_that_was_heard_counts_and_not_the_class(phase: Phase) -> None:
    assert error_of(httpx.ConnectError(SECRET), phase).phase is phase
    assert error_of(httpx.ReadError(SECRET), phase).phase is phase


@pytest.mark.parametrize(
    ("kind", "phase"),
    [
        (httpx.ConnectError, Phase.CONNECTING),
        (httpx.ConnectTimeout, Phase.CONNECTING),
        (httpx.PoolTimeout, Phase.CONNECTING),
        (httpx2.ConnectError, Phase.CONNECTING),
        (httpx.ReadError, Phase.SENDING),
        (httpx.WriteError, Phase.SENDING),
        (httpx.RemoteProtocolError, Phase.SENDING),
        (httpx2.ReadTimeout, Phase.SENDING),
        (RuntimeError, Phase.SENDING),
    ],
)
def test_where_nothing_was_heard_the_class_decides_and_doubt_counts_against_us(
    kind: type[Exception], phase: Phase
) -> None:
    assert error_of(made(kind)).phase is phase


# --- what was refused, and what could not be written ---


def test_a_refused_address_is_named_by_its_block_only() -> None:
    error = error_of(AddressRefused("169.254.169.254", "link-local"), Phase.SENDING)
    assert (error.phase, error.refused) == (Phase.CONNECTING, True)
    assert error.reason == "the address is not allowed (link-local)"


def test_a_refused_address_is_found_behind_other_exceptions() -> None:
    wrapped = httpx.ConnectError(SECRET)
    wrapped.__cause__ = AddressRefused("127.0.0.1", "loopback")
    assert error_of(wrapped).refused


def test_a_refused_link_says_what_is_wrong_with_it() -> None:
    error = error_of(LinkRefused("the link has no readable host"))
    assert (error.phase, error.refused, error.reason) == (Phase.CONNECTING, True, "the link has no readable host")


def test_what_cannot_be_written_down_has_not_been_sent() -> None:
    with pytest.raises(TransportError) as translated, Progress():
        raise httpx.InvalidURL(SECRET)
    assert translated.value.phase is Phase.CONNECTING
    assert translated.value.refused
    assert translated.value.reason == "the request cannot be written (the address is malformed)"


# --- what goes along ---


def _break_with_a_secret_at_hand() -> None:
    key = SECRET
    raise httpx.ReadError(f"it broke at {key}")


def test_nothing_of_the_libraries_goes_along_with_the_error() -> None:
    error: Any = None
    try:
        with Progress():
            _break_with_a_secret_at_hand()
    except TransportError:
        _, error, _ = sys.exc_info()
    report = "".join(
        traceback.TracebackException.from_exception(error, capture_locals=True, compact=False).format()
    )
    assert "SIGNATURE" not in report
    assert error.__cause__ is None
    assert error.__context__ is None


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_what_is_no_error_passes_untouched(kind: type[BaseException]) -> None:
    with pytest.raises(kind), Progress():
        raise kind


def test_a_good_end_raises_nothing() -> None:
    with Progress() as progress:
        progress.hear("connection.connect_tcp.started", {})
    assert progress.phase is Phase.CONNECTING
