"""What each fault makes of an answer; the catalogue is in :mod:`reelway.sandbox.faults`."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from reelway.errors import ErrorKind
from reelway.model.http import Headers, HttpResponse
from reelway.provider.interface import kind_of_status
from reelway.sandbox.plan import ArmedFault
from reelway.sandbox.reply import Behaviour, Reply


class Struck(Struct, frozen=True, kw_only=True):
    """A call that a fault strikes.

    Attributes:
        honest: makes the answer that the call would have got; there is none where no job was made.
        error: the provider's answer for an error kind.
        elsewhere: where a redirect leads.
        task_id: the task it is about; empty where none was made.
    """

    honest: Callable[[], HttpResponse]
    error: Callable[[ErrorKind], HttpResponse]
    elsewhere: str
    task_id: str = ""


Spoil: TypeAlias = Callable[[Struck, ArmedFault], Reply]

SWOLLEN: Final = 16 << 20
"""Bytes."""

RETRY_AFTER: Headers = (("Retry-After", "1"),)

PAGE: Final = b"<!doctype html><html><head><title>Just a moment</title></head><body>Please wait.</body></html>\n"
"""What a proxy or a web site says in place of an answer."""


def spoil(armed: ArmedFault | None, struck: Struck) -> Reply:
    """The reply to a call, honest where no fault strikes it."""
    if armed is None:
        return Reply(response=struck.honest())
    return replace(SPOILERS[armed.fault.name](struck, armed), fault=armed.fault.name)


def breaks(behaviour: Behaviour) -> Spoil:
    """Nothing readable arrives."""
    return lambda struck, armed: Reply(behaviour=behaviour)


def truncates(struck: Struck, armed: ArmedFault) -> Reply:
    """The honest answer, half of it."""
    return Reply(response=struck.honest(), behaviour=Behaviour.TRUNCATE)


def drips(struck: Struck, armed: ArmedFault) -> Reply:
    """The honest answer, slowly."""
    return Reply(response=struck.honest(), behaviour=Behaviour.DRIP, seconds=armed.seconds)


def mangles(behaviour: Behaviour) -> Spoil:
    """The honest answer, written in an odd way."""
    return lambda struck, armed: Reply(response=struck.honest(), behaviour=behaviour)


def errs(kind: ErrorKind, *, status: int | None = None, headers: Headers = ()) -> Spoil:
    """The provider's own error answer, under another status where one is given."""

    def answer(struck: Struck, armed: ArmedFault) -> Reply:
        error = struck.error(kind)
        return Reply(response=replace(error, status=status or error.status, headers=(*error.headers, *headers)))

    return answer


def says(response: HttpResponse) -> Spoil:
    """A fixed answer."""
    return lambda struck, armed: Reply(response=response)


def errs_as_asked(struck: Struck, armed: ArmedFault) -> Reply:
    """The provider's own error answer under the status that was asked for."""
    status = int(armed.argument)
    return errs(kind_of_status(status), status=status)(struck, armed)


def limits_as_asked(struck: Struck, armed: ArmedFault) -> Reply:
    """Too many requests, with a Retry-After of the caller's own words."""
    return errs(ErrorKind.RATE_LIMITED, headers=(("Retry-After", armed.argument),))(struck, armed)


def inflates(struck: Struck, armed: ArmedFault) -> Reply:
    """The honest answer's type and a body that is a bomb."""
    headers = (("Content-Type", "application/json"), ("Content-Encoding", "gzip"))
    return Reply(response=HttpResponse(status=struck.honest().status, headers=headers, body=bomb()))


def swells(struck: Struck, armed: ArmedFault) -> Reply:
    """The honest answer, and very many blanks after it."""
    response = struck.honest()
    return Reply(response=replace(response, body=response.body + b" " * SWOLLEN))


@cache
def bomb() -> bytes:
    """64 MiB of blanks, compressed."""
    squeeze = zlib.compressobj(wbits=31)
    block = b" " * (1 << 20)
    return b"".join([*(squeeze.compress(block) for _ in range(64)), squeeze.flush()])


def names_two(struck: Struck, armed: ArmedFault) -> Reply:
    """The honest answer with another id in front of the right one, under the same name."""
    response = struck.honest()
    body = response.body
    quoted = msgspec.json.encode(struck.task_id)
    place = body.find(b":" + quoted)
    name = body[body.rfind(b",", 0, place) + 1 : place].lstrip(b"{")
    other = msgspec.json.encode(f"{struck.task_id}0")
    doubled = body[:1] + name + b":" + other + b"," + body[1:] if place > 0 else body
    return Reply(response=replace(response, body=doubled))


def misplaces(struck: Struck, armed: ArmedFault) -> Reply:
    """A part of the file, said to begin one byte further on."""
    response = struck.honest()
    return Reply(response=replace(response, headers=tuple(map(_moved_on, response.headers))))


def becomes_another(struck: Struck, armed: ArmedFault) -> Reply:
    """The file under another tag."""
    response = struck.honest()
    tagged = ((name, '"another"' if name == "ETag" else value) for name, value in response.headers)
    return Reply(response=replace(response, headers=tuple(tagged)))


def _moved_on(header: tuple[str, str]) -> tuple[str, str]:
    name, value = header
    if name != "Content-Range":
        return header
    span, _, size = value.removeprefix("bytes ").partition("/")
    first, _, last = span.partition("-")
    return name, f"bytes {int(first) + 1}-{int(last) + 1}/{int(size) + 1}"


def moves(struck: Struck, armed: ArmedFault) -> Reply:
    """A redirect."""
    hop = f"{struck.elsewhere}{'&' if '?' in struck.elsewhere else '?'}hop={armed.left:g}"
    return Reply(response=HttpResponse(status=301, headers=(("Location", hop),)))


def forgets_id(struck: Struck, armed: ArmedFault) -> Reply:
    """The honest answer without its id."""
    return _rewritten(struck, None)


def names_another(struck: Struck, armed: ArmedFault) -> Reply:
    """The honest answer under another id."""
    return _rewritten(struck, f"{struck.task_id}0")


SPOILERS: Final[Mapping[str, Spoil]] = {
    "refuse": breaks(Behaviour.REFUSE),
    "reset": breaks(Behaviour.RESET),
    "silence": breaks(Behaviour.SILENCE),
    "garbage": breaks(Behaviour.GARBAGE),
    "tls": breaks(Behaviour.TLS),
    "half-status": breaks(Behaviour.HALF_STATUS),
    "half-headers": mangles(Behaviour.HALF_HEADERS),
    "short-length": mangles(Behaviour.UNDERSTATE),
    "odd-chunks": mangles(Behaviour.ODD_CHUNKS),
    "bad-chunks": mangles(Behaviour.BAD_CHUNKS),
    "slow": drips,
    "half-answer": truncates,
    "truncated": truncates,
    "unauthorized": errs(ErrorKind.AUTH),
    "quota": errs(ErrorKind.QUOTA),
    "invalid": errs(ErrorKind.INVALID_REQUEST),
    "rate-limit": errs(ErrorKind.RATE_LIMITED, headers=RETRY_AFTER),
    "saturated": says(HttpResponse(status=429)),
    "unavailable": errs(ErrorKind.UNAVAILABLE, status=503, headers=RETRY_AFTER),
    "server-error": errs(ErrorKind.UNAVAILABLE, status=500),
    "http": errs_as_asked,
    "retry-after": limits_as_asked,
    "empty": says(HttpResponse(status=200)),
    "bomb": inflates,
    "oversized": swells,
    "create-500": errs(ErrorKind.UNAVAILABLE, status=500),
    "upstream": errs(ErrorKind.UPSTREAM, status=502),
    "missing": errs(ErrorKind.NOT_FOUND),
    "html": says(HttpResponse(status=200, headers=(("Content-Type", "text/html"),), body=PAGE)),
    "error-page-video": says(HttpResponse(status=200, headers=(("Content-Type", "video/mp4"),), body=PAGE)),
    "redirect": moves,
    "no-id": forgets_id,
    "foreign-id": names_another,
    "two-ids": names_two,
    "wrong-range": misplaces,
    "changed-file": becomes_another,
}
"""The faults that spoil one answer. Those that shape a job are in :mod:`reelway.sandbox.jobs`."""


def _rewritten(struck: Struck, task_id: str | None) -> Reply:
    response = struck.honest()
    return Reply(response=replace(response, body=renamed(response.body, struck.task_id, task_id)))


def renamed(body: bytes, old: str, new: str | None) -> bytes:
    """A JSON body that speaks of another task, or of none."""
    return msgspec.json.encode(_renamed(msgspec.json.decode(body), old, new))


def _renamed(value: Any, old: str, new: str | None) -> Any:
    """The document with one text replaced wherever it stands alone; fields are left out where ``new`` is None."""
    if isinstance(value, dict):
        others = {key: _renamed(one, old, new) for key, one in value.items()}
        return {key: one for key, one in others.items() if one is not None or value[key] is None}
    if isinstance(value, list):
        return [_renamed(one, old, new) for one in value]
    return new if value == old else value
