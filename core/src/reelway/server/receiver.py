"""The application that providers post callbacks to."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from hmac import compare_digest
from typing import Final, NamedTuple

from reelway.addresses import token_digest
from reelway.errors import CallbackRefused, LedgerError
from reelway.ledger.interface import Ledger
from reelway.ledger.quota import Kept
from reelway.ledger.records import AccountKey, Callback, Entry
from reelway.model.http import Headers
from reelway.provider.registry import Registry
from reelway.server.asgi import (
    ACCEPTED,
    FORGED,
    NOT_ALLOWED,
    NOT_FOUND,
    UNAVAILABLE,
    Disconnected,
    Receive,
    Refused,
    Scope,
    Send,
    headers_of,
    path_within,
    respond,
)
from reelway.server.body import Limits, Room, read_body
from reelway.server.groups import Full, Groups
from reelway.server.signatures import Signatures, SigningSecrets
from reelway.transport.clock import Clock, SystemClock

logger: Final = logging.getLogger("reelway")

KEPT_HEADERS: Final = re.compile(
    r"(?!.*(secret|token|key|auth|cookie))"
    r"(content-type|user-agent|.*(webhook|signature|timestamp|request-id|event|delivery).*)",
    re.IGNORECASE,
)
"""What a verifier or a reader may need, and no credentials."""


class CallbackReceiver:
    """An ASGI application that stores callbacks and has their tasks polled; mount it anywhere.

    ``POST <mount>/<token>`` is answered with 202 when the bytes are safe in the ledger, and then the task's next
    poll is brought forward: to now, or to where the provider's shortest interval since the last one ends. A
    callback never sets a state, verified or not, and no address in it is fetched: polling is the truth.

    What is not known here, token or path, gets the same 404 in the same time; nothing of it is read. Where the
    ledger cannot be written, or too much is waiting, the answer is 503, so that the provider sends again.

    Of each task so many callbacks are kept, and so many bytes of them. What comes beyond is answered alike, wakes a
    poll, and is counted in the log alone.
    """

    def __init__(
        self,
        ledger: Ledger,
        *,
        path: str = "",
        secrets: SigningSecrets | None = None,
        registry: Registry | None = None,
        clock: Clock | None = None,
        limits: Limits | None = None,
    ) -> None:
        """Receive for the tasks of a ledger, which stays open when the receiver ends.

        Args:
            ledger: where the clients keep their tasks.
            path: where the receiver stands, if nothing mounts it there, such as ``/callbacks``.
            secrets: what signatures are verified with, by provider or by provider and account. For these, what is
                not signed is refused with 403.
            registry: where the providers that sign are looked up; by default all installed ones.
            clock: tells when a callback came, and the age of a signature.
            limits: the bounds, in place of the usual ones.

        Raises:
            ConfigurationError: a provider in ``secrets`` is not installed.
        """
        self._path = f"/{path.strip('/')}/" if path.strip("/") else "/"
        self._limits = limits or Limits()
        self._clock = clock or SystemClock()
        self._signatures = Signatures(secrets or {}, registry, self._clock)
        self._room = Room(self._limits.memory)
        most = self._limits.waiting
        self._owners = Groups[bytes, Entry | None](lambda digests: list(map(ledger.owner, digests)), most)
        self._kept = Groups[Callback, Kept](ledger.keep, most)
        self._overflow = Overflow()
        self._woken = Groups[int, None](lambda numbers: _woken(ledger, numbers), most)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, as a server hands it over."""
        kinds = {"http": self._http, "lifespan": _lifespan, "websocket": _decline}
        await kinds[scope["type"]](scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            number = await self._received(scope, receive)
        except Refused as refused:
            await respond(send, refused.answer)
        except (LedgerError, Full) as error:
            logger.warning("A callback could not be kept, and was refused for now: %s", error)
            await respond(send, UNAVAILABLE)
        except Disconnected:
            return
        else:
            await respond(send, ACCEPTED)
            await self._wake(number)

    async def _received(self, scope: Scope, receive: Receive) -> int:
        """Keep a callback, and give the number of the entry that it is for.

        Raises:
            Refused: it is none, or not a good one.
            LedgerError, Full: it cannot be kept now.
            Disconnected: nobody is left to be answered.
        """
        owner = await self._owner(scope)
        if scope["method"] != "POST":
            raise Refused(NOT_ALLOWED)
        headers = headers_of(scope)
        with self._room.share() as take:
            body = await read_body(headers, receive, self._limits, take)
            await self._check_signature(owner.account, headers, body)
            kept = tuple((name, value) for name, value in headers if KEPT_HEADERS.fullmatch(name))
            callback = Callback(number=owner.number, received_at=self._clock.now(), headers=kept, body=body)
            if await self._kept.do(callback) is Kept.BEYOND:
                self._overflow.count(owner)
        return owner.number

    async def _owner(self, scope: Scope) -> Owner:
        """Whose address was called. Whatever stands in the path is looked up, and nothing tells why in vain."""
        path = path_within(scope)
        digest = token_digest(path.removeprefix(self._path) if path.startswith(self._path) else "")
        entry = await self._owners.do(digest)
        submission = entry.submission if entry else None
        known = submission.callback_digest if submission else None
        if entry is None or submission is None or not compare_digest(known or "", digest.hex()):
            raise Refused(NOT_FOUND)
        return Owner(entry.number, (submission.provider, submission.account), submission.id)

    async def _check_signature(self, account: AccountKey, headers: Headers, body: bytes) -> None:
        if not self._signatures.are_wanted(account):
            return
        try:
            await asyncio.to_thread(self._signatures.check, account, headers, body)
        except CallbackRefused as error:
            logger.warning("%s", error)
            raise Refused(FORGED) from error
        # A plugin or a function of the user's may raise anything, and the provider may send again.
        except Exception as error:
            logger.error("A callback of %s could not be verified: %s", account[0], type(error).__name__)  # noqa: TRY400 - what it says may be secret
            raise Refused(UNAVAILABLE) from error

    async def _wake(self, number: int) -> None:
        try:
            await self._woken.do(number)
        except (LedgerError, Full) as error:
            # The poll comes in its own time.
            logger.warning("A callback could not bring a poll forward: %s", error)


class Owner(NamedTuple):
    """Whose callback address it is."""

    number: int
    account: AccountKey
    submission_id: str


class Overflow:
    """Counts the callbacks that came beyond what is kept of one task, and says so of every tenfold."""

    def __init__(self) -> None:
        self._counts = Counter[int]()

    def count(self, owner: Owner) -> None:
        """One more for this owner."""
        self._counts[owner.number] += 1
        count = self._counts[owner.number]
        if str(count).strip("0") == "1":
            message = "The task of submission %s at %s has as many callbacks as are kept; %d came beyond that."
            logger.warning(message, owner.submission_id, owner.account[0], count)


def _woken(ledger: Ledger, numbers: list[int]) -> list[None]:
    ledger.wake(sorted(set(numbers)))
    return [None] * len(numbers)


async def _lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    """Say yes to a server that starts and stops; a callback under way belongs to its request."""
    for kind in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{kind}.complete"})


async def _decline(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close"})
