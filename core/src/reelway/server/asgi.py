"""The few words of ASGI that a receiver speaks (https://asgi.readthedocs.io/en/latest/specs/www.html)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Final, NamedTuple, TypeAlias

from reelway.model.http import Headers

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


class Answer(NamedTuple):
    """A status, and headers where it needs some. The body is always empty: a provider reads none."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...] = ()


_SOON: Final = ((b"retry-after", b"5"),)

ACCEPTED: Final = Answer(202)
MALFORMED: Final = Answer(400)
FORGED: Final = Answer(403)
NOT_FOUND: Final = Answer(404)
NOT_ALLOWED: Final = Answer(405, ((b"allow", b"POST"),))
TOO_SLOW: Final = Answer(408)
TOO_LARGE: Final = Answer(413)
ENCODED: Final = Answer(415)
UNAVAILABLE: Final = Answer(503, _SOON)


class Refused(Exception):
    """A request ends with this answer, and nothing of it is kept."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class Disconnected(Exception):
    """Whoever asked is gone; nobody is left to be answered."""


def headers_of(scope: Scope) -> Headers:
    """The headers of a request, in their order."""
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])


def path_within(scope: Scope) -> str:
    """The path below the place where an application is mounted."""
    path: str = scope["path"]
    root: str = scope.get("root_path", "")
    # Servers differ in whether the path holds the mount as well; where it does, it stands in front as a whole.
    return path.removeprefix(root) if path.startswith(f"{root}/") else path


async def body_pieces(receive: Receive) -> AsyncIterator[bytes]:
    """The body of a request, as it arrives.

    Raises:
        Disconnected: it breaks off.
    """
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        more = message.get("more_body", False)
        yield message.get("body", b"")


async def respond(send: Send, answer: Answer) -> None:
    """Send an answer without a body."""
    headers = [(b"content-length", b"0"), *answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
