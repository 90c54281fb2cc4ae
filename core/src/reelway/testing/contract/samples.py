"""Recorded answers and requests of a service, each with its reading written out beside it.

``get-done.json`` is what the service sent: the body of an answer or of a request alone, or a whole exchange as a
recording keeps it. ``get-done.reading.json`` is what it means, as ``reelway explain --for-sample`` prints it. A
reading file holds one object, or a list where one answer was recorded for several statuses or speaks of several
tasks. There are three kinds:

- the reading of an answer: the fields of ``explain``, and where they are not the usual ones ``call``,
  ``http_status``, ``route`` and ``headers``; what is left out, the answer does not say;
- ``{"request": {...}}``: the request in the user's terms that is written as the sample, with ``call`` (``create``
  or ``remix``) and ``path``;
- ``{"declined": "..."}``: the provider does not read it, and why.

Each may have a ``note``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

import msgspec
from msgspec import Struct

from reelway.model.http import HttpResponse
from reelway.model.request import Media, VideoRequest
from reelway.provider.canonical import EMPTY, Call, Reading, kept_answer
from reelway.recording.sample import READING
from reelway.recording.sample import Sample as Exchange


class RequestCall(StrEnum):
    """Which call a recorded request makes."""

    CREATE = "create"
    REMIX = "remix"


class AnswerReading(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a recorded answer means, and how it came where the sample itself does not say."""

    status: str
    provider_status: str | None = None
    terminal: bool = False
    progress: int | None = None
    created_at: str | None = None
    completed_at: str | None = None
    expires_at: str | None = None
    video_url: str | None = None
    task_id: str | None = None
    model: str | None = None
    error: dict[str, Any] | None = None
    call: Call | None = None
    http_status: int | None = None
    route: str | None = None
    headers: dict[str, str] | None = None
    note: str | None = None

    @property
    def reading(self) -> Reading:
        """The reading as ``explain`` prints it."""
        return {name: getattr(self, name) for name in EMPTY}


class RequestReading(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request in the user's terms that is written as a recorded one."""

    request: dict[str, Any]
    call: RequestCall = RequestCall.CREATE
    path: str | None = None
    note: str | None = None

    @property
    def wish(self) -> VideoRequest:
        """The request of a create.

        Raises:
            TypeError: it has a field that no request has, or media that are none.
        """
        return VideoRequest(**{name: _value(name, value) for name, value in self.request.items()})


class Declined(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why the provider does not read a sample."""

    declined: str
    note: str | None = None


Entry: TypeAlias = AnswerReading | RequestReading | Declined

KINDS: Final[Mapping[str, type[Entry]]] = {"request": RequestReading, "declined": Declined}
"""The key that tells an entry's kind; without any of them it is the reading of an answer."""


class Told(Struct, frozen=True, kw_only=True):
    """An answer as it came, and all that it is said to mean: several readings where it speaks of several tasks."""

    call: Call
    response: HttpResponse
    route: str | None
    readings: tuple[AnswerReading, ...]


class Sample(Struct, frozen=True, kw_only=True):
    """One recorded file and what is written down about it.

    Attributes:
        name: the file's name below the folder of samples.
        content: what is in it.
        entries: its readings; empty where there is no reading file, or one that cannot be read.
        problem: what is wrong with the reading file.
    """

    name: str
    content: bytes
    entries: tuple[Entry, ...] = ()
    problem: str | None = None

    @classmethod
    def load(cls, folder: Path, file: Path) -> Self:
        """Read a sample, and its reading where there is one."""
        bare = cls(name=file.relative_to(folder).as_posix(), content=file.read_bytes())
        written = reading_file(file)
        if not written.exists():
            return bare
        try:
            return msgspec.structs.replace(bare, entries=tuple(_entries(written.read_bytes())))
        except (msgspec.MsgspecError, UnicodeError) as error:
            return msgspec.structs.replace(bare, problem=f"{written.name}: {error}")

    def told(self) -> Iterator[Told]:
        """The sample as an answer, once for each way in which it came."""
        answers = [entry for entry in self.entries if isinstance(entry, AnswerReading)]
        for way in dict.fromkeys(map(_way, answers)):
            same = tuple(entry for entry in answers if _way(entry) == way)
            yield self._told(same)

    def _told(self, readings: tuple[AnswerReading, ...]) -> Told:
        first, exchange = readings[0], Exchange.of(self.content)
        came = HttpResponse(status=200, body=self.content) if exchange is None else exchange.answer
        headers = came.headers if first.headers is None else tuple(first.headers.items())
        response = kept_answer(came.body, first.http_status or came.status, headers)
        usual = Call.RETRIEVE if exchange is None else exchange.answered
        return Told(call=first.call or usual, response=response, route=first.route, readings=readings)

    @property
    def written(self) -> Any:
        """The sample as a request: the JSON document, or the fields of a form."""
        exchange = Exchange.of(self.content)
        if exchange is None:
            return msgspec.json.decode(self.content)
        body = exchange.request["body"]
        is_form = isinstance(body, dict) and body.keys() == {"fields", "files"}
        return dict(body["fields"]) if is_form else body


def load(folder: Path) -> tuple[Sample, ...]:
    """All samples of a folder, and of the folders in it, by name."""
    return tuple(Sample.load(folder, file) for file in _files(folder) if not file.name.endswith(READING))


def orphans(folder: Path) -> tuple[str, ...]:
    """Reading files without a sample."""
    samples = {reading_file(file) for file in _files(folder) if not file.name.endswith(READING)}
    return tuple(file.name for file in _files(folder) if file.name.endswith(READING) and file not in samples)


def reading_file(sample: Path) -> Path:
    """Where the reading of a sample stands: beside it, and named like it."""
    named = sample.stem if sample.suffix == ".json" else sample.name
    return sample.with_name(named + READING)


def _files(folder: Path) -> list[Path]:
    found = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return [file for file in found if not file.name.lower().startswith(("readme", "."))]


def _entries(written: bytes) -> Iterator[Entry]:
    document = msgspec.json.decode(written)
    for one in document if isinstance(document, list) else [document]:
        keys = one if isinstance(one, dict) else {}
        kind = next((kind for key, kind in KINDS.items() if key in keys), AnswerReading)
        yield msgspec.convert(one, kind)


def _way(entry: AnswerReading) -> tuple[object, ...]:
    """How an answer came."""
    return (entry.call, entry.http_status, entry.route, tuple((entry.headers or {}).items()))


MEDIA: Final = frozenset({"first_frame", "last_frame"})


def _value(name: str, value: Any) -> Any:
    if name == "references":
        return tuple(map(Media.of, value))
    return Media.of(value) if name in MEDIA else value
