"""How the tests post to a receiver: in process, as a server would hand a request over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from reelway.addresses import new_address
from reelway.ledger.interface import Ledger
from reelway.ledger.records import AccountKey
from reelway.ledger.sqlite import SqliteLedger
from reelway.model.submission import Submission, SubmissionState
from reelway.model.task import Task, TaskRef
from reelway.server.asgi import Message
from reelway.testing import VirtualClock

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)

ACME: Final[AccountKey] = ("acme", "default")

BODY: Final = b'{"id": "1", "status": "SUCCESS"}'


class Reply(NamedTuple):
    """What a receiver answered."""

    status: int
    headers: dict[str, str]
    body: bytes


class Job(NamedTuple):
    """A job whose callbacks are expected."""

    number: int
    token: str
    path: str


class Shop:
    """A ledger in memory, on a clock of its own, with jobs that providers may call back about."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.ledger = SqliteLedger(monotonic=self.clock.monotonic)

    def job(self, name: str = "1", account: AccountKey = ACME, **options: Any) -> Job:
        return job_in(self.ledger, name, account, **options)

    def bodies(self, job: Job) -> list[bytes]:
        return [kept.body for kept in self.ledger.callbacks(job.number)]


def job_in(
    ledger: Ledger, name: str = "1", account: AccountKey = ACME, *, due_in: float = 0.0, accepted: bool = True
) -> Job:
    """A job that was created with a callback address, or whose create is still under way."""
    address = new_address("https://app.example/callbacks")
    submission = Submission(
        id=f"submission-{name}",
        provider=account[0],
        account=account[1],
        route="",
        at=NOW,
        state=SubmissionState.SENDING,
        callback_digest=address.digest,
    )
    assert ledger.begin(submission) is None
    if accepted:
        ref = TaskRef(*account, "", name)
        taken = replace(submission, state=SubmissionState.ACCEPTED, ref=ref)
        ledger.accept(taken, Task.new(ref, NOW), due_in=due_in)
    owner = ledger.owner(bytes.fromhex(address.digest))
    assert owner
    token = address.url.reveal().rpartition("/")[2]
    return Job(owner.number, token, f"/{token}")


def scope_of(path: str, method: str = "POST", headers: Mapping[str, str] | None = None, **more: Any) -> Message:
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()]
    known = {"type": "http", "method": method, "path": path, "root_path": "", "headers": raw, "query_string": b""}
    return known | more


class Line:
    """One request's connection: what arrives, and what was answered."""

    def __init__(self, pieces: Iterable[bytes] = (BODY,), *, breaks_off: bool = False, hangs: bool = False) -> None:
        self._pieces = list(pieces)
        self._breaks_off = breaks_off
        self._hangs = hangs
        self.sent: list[Message] = []
        self.taken = 0

    async def receive(self) -> Message:
        if self._pieces:
            piece = self._pieces.pop(0)
            self.taken += len(piece)
            more = bool(self._pieces) or self._breaks_off or self._hangs
            return {"type": "http.request", "body": piece, "more_body": more}
        if not self._breaks_off:
            # Whoever has asked stays for the answer.
            await asyncio.get_running_loop().create_future()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    @property
    def reply(self) -> Reply:
        start, *bodies = self.sent
        headers = {name.decode(): value.decode() for name, value in start["headers"]}
        return Reply(start["status"], headers, b"".join(one["body"] for one in bodies))


async def call(app: Any, scope: Message, line: Line | None = None) -> Reply:
    line = line or Line()
    await app(scope, line.receive, line.send)
    return line.reply


def post(app: Any, path: str, body: bytes = BODY, headers: Mapping[str, str] | None = None, **more: Any) -> Reply:
    """One POST, on an event loop of its own."""
    return asyncio.run(call(app, scope_of(path, headers=headers, **more), Line([body])))
