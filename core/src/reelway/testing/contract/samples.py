"""Recorded answers and requests of a service, each with its reading written out beside it.

``get-done.json`` is what the service sent, and ``get-done.reading.json`` is what it means, as ``reelway explain
--for-sample`` prints it. A reading file holds one object, or a list where one answer was recorded for several
statuses or speaks of several tasks. There are three kinds:

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

ENDING: Final = ".reading.json"


class RequestCall(StrEnum):
    """Which call a recorded request makes."""

    CREATE = "create"
    REMIX = "remix"


class AnswerReading(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a recorded answer means, and how it came."""

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
    call: Call = Call.RETRIEVE
    http_status: int = 200
    route: str | None = None
    headers: dict[str, str] = {}
    note: str | None = None

    @property
    def reading(self) -> Reading:
        """The reading as ``explain`` prints it."""
        return {name: getattr(self, name) for name in EMPTY}

    @property
    def circumstances(self) -> tuple[Call, int, str | None, tuple[tuple[str, str], ...]]:
        """How the answer came; several readings of the same are about several tasks."""
        return (self.call, self.http_status, self.route, tuple(self.headers.items()))

    def answer(self, body: bytes) -> HttpResponse:
        """The answer as it came."""
        return kept_answer(body, self.http_status, tuple(self.headers.items()))


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


class Sample(Struct, frozen=True, kw_only=True):
    """One recorded file and what is written down about it.

    Attributes:
        name: the file's name below the folder of samples.
        body: what was recorded.
        entries: its readings; empty where there is no reading file, or one that cannot be read.
        problem: what is wrong with the reading file.
    """

    name: str
    body: bytes
    entries: tuple[Entry, ...] = ()
    problem: str | None = None

    @classmethod
    def load(cls, folder: Path, file: Path) -> Self:
        """Read a sample, and its reading where there is one."""
        name = file.relative_to(folder).as_posix()
        written = reading_file(file)
        if not written.exists():
            return cls(name=name, body=file.read_bytes())
        try:
            return cls(name=name, body=file.read_bytes(), entries=tuple(_entries(written.read_bytes())))
        except (msgspec.MsgspecError, UnicodeError) as error:
            return cls(name=name, body=file.read_bytes(), problem=f"{written.name}: {error}")

    def answers(self) -> Iterator[AnswerReading]:
        """Its readings as an answer, one for each way in which it came."""
        seen = set()
        for entry in self.entries:
            if isinstance(entry, AnswerReading) and entry.circumstances not in seen:
                seen.add(entry.circumstances)
                yield entry


def load(folder: Path) -> tuple[Sample, ...]:
    """All samples of a folder, and of the folders in it, by name."""
    return tuple(Sample.load(folder, file) for file in _files(folder) if not file.name.endswith(ENDING))


def orphans(folder: Path) -> tuple[str, ...]:
    """Reading files without a sample."""
    samples = {reading_file(file) for file in _files(folder) if not file.name.endswith(ENDING)}
    return tuple(file.name for file in _files(folder) if file.name.endswith(ENDING) and file not in samples)


def reading_file(sample: Path) -> Path:
    """Where the reading of a sample stands: beside it, and named like it."""
    named = sample.stem if sample.suffix == ".json" else sample.name
    return sample.with_name(named + ENDING)


def _files(folder: Path) -> list[Path]:
    found = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return [file for file in found if not file.name.lower().startswith(("readme", "."))]


def _entries(written: bytes) -> Iterator[Entry]:
    document = msgspec.json.decode(written)
    for one in document if isinstance(document, list) else [document]:
        keys = one if isinstance(one, dict) else {}
        kind = next((kind for key, kind in KINDS.items() if key in keys), AnswerReading)
        yield msgspec.convert(one, kind)


MEDIA: Final = frozenset({"first_frame", "last_frame"})


def _value(name: str, value: Any) -> Any:
    if name == "references":
        return tuple(map(Media.of, value))
    return Media.of(value) if name in MEDIA else value
