"""Clients at servers that count: raw loopback sockets, and every way in which a client can be made."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, TypeAlias

import pytest

from reelway import Account, Billed, Download, Fault, ReelwayError, Submission, SubmissionUnknown, Task
from reelway.testing import VirtualClock
from tests.client.both import CLIENTS, MODELS, Both, Kind
from tests.transport.rogue import answering

KEY: Final = "sk-CANARYKEY0123456789"

LIBRARIES: Final = ("httpx", "httpx2")

PROVIDERS: Final = ("infinityblue", "cometapi")
"""One writes its creates as JSON, the other as a form."""

PATIENCE: Final = 0.5
"""Real seconds for an exchange that hangs; enough to connect and send on a busy machine."""

ID: Final = "task_1"
MADE: Final = b'{"id":"%s","status":"queued"}' % ID.encode()
"""The answer to a create, as all providers of the family write it."""


class Party(NamedTuple):
    """One way to be a client: for threads or for tasks, over one library, at one provider."""

    kind: Kind
    library: str
    provider: str

    def __str__(self) -> str:
        return f"{self.kind.__name__}-{self.library}-{self.provider}"

    @property
    def model(self) -> str:
        return MODELS[self.provider]

    def at(self, url: str, **options: Any) -> Both:
        """A client whose account is at an address."""
        account = Account(self.provider, api_key=KEY, base_url=url, requests_per_second=1000)
        standard = {"http": self.library, "clock": VirtualClock(), "allow_private_links": True}
        return Both(self.kind, account, **(standard | options))


PARTIES: Final = [
    Party(kind, library, PROVIDERS[(row + column) % 2])
    for row, kind in enumerate(CLIENTS)
    for column, library in enumerate(LIBRARIES)
]
"""Each client over each library; each of the two providers meets both clients and both libraries."""


def dealt(cases: Iterable[Any]) -> list[Any]:
    """Each case with a party, in turn: for what parties do not differ in."""
    pairs = zip(cases, itertools.cycle(PARTIES), strict=False)
    return [pytest.param(case, party, id=f"{party}-{case}") for case, party in pairs]


Ended: TypeAlias = Task | Download | ReelwayError


def ended(act: Callable[[], Task | Download]) -> Ended:
    """How something ended: well, or with an error of ours. Anything else is a defect."""
    try:
        return act()
    except ReelwayError as error:
        return error


def states(steps: list[Submission]) -> list[str]:
    """How far a submission got, step by step."""
    return [step.state.value for step in steps]


def create(party: Party, url: str, steps: list[Submission], **options: Any) -> Ended:
    """How a create at that address ends; ``steps`` gets what is told of the submission."""
    with party.at(url, on_submission=steps.append, **options) as client:
        return ended(lambda: client.create("A cat.", model=party.model))


def http(status: str, *headers: str, body: bytes = b"", version: str = "HTTP/1.1") -> bytes:
    """A whole answer, with its length."""
    lines = (f"{version} {status}", *headers, f"Content-Length: {len(body)}", "", "")
    return "\r\n".join(lines).encode("latin-1") + body


def json_says(body: bytes, status: str = "200 OK", *headers: str) -> bytes:
    """A whole answer in JSON."""
    return http(status, "Content-Type: application/json", *headers, body=body)


accepts: Final = answering(json_says(MADE))

HEAD: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n"
PAGE: Final = b"<!doctype html><title>Just a moment</title>"
ERROR: Final = b'{"error":{"code":"oops","message":"Something is wrong."}}'


class Doubt(NamedTuple):
    """What is told of a create of which nobody knows what became of it."""

    phase: str
    says: str

    def assert_holds(self, end: Ended, steps: list[Submission]) -> None:
        assert isinstance(end, SubmissionUnknown)
        assert (end.phase, end.submission_id, end.sent_at) == (self.phase, steps[-1].id, steps[-1].at)
        assert self.says in str(end)
        assert (end.retryable, end.resubmit_safe, end.billed, end.task) == (False, False, Billed.UNKNOWN, None)
        assert end.fault is Fault.NETWORK
        assert "dashboard" in end.hint
        assert (end.response is not None) == ("(HTTP " in end.message)
        assert states(steps) == ["intent", "sending", "ambiguous"]
        assert steps[-1].response == end.response


BROKEN: Final = Doubt("SENDING", "the connection broke")
MALFORMED: Final = Doubt("SENDING", "the answer broke off or broke the rules of HTTP")
TOO_LATE: Final = Doubt("SENDING", "took too long")
CUT: Final = Doubt("RECEIVING", "the answer broke off or broke the rules of HTTP")
CUT_LATE: Final = Doubt("RECEIVING", "took too long")


def unclear(status: int) -> Doubt:
    """An answer that was read, and whose meaning is open."""
    return Doubt("RECEIVING", f"the answer (HTTP {status}) does not tell whether a task was created")
