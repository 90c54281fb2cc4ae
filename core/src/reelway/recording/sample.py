"""The file that one exchange is kept in."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Self

import msgspec
from msgspec import Struct

from reelway.errors import ConfigurationError
from reelway.model.http import HttpResponse
from reelway.provider.canonical import Call

READING: Final = ".reading.json"
"""How a file ends that says what the sample beside it means."""


_ANSWERED: Final = {"create": Call.CREATE, "remix": Call.CREATE, "result": Call.RESULT}
"""How the answers to calls are read; all others as the answer to a poll."""


class Sample(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One exchange with nothing private in it.

    Attributes:
        provider: whose API it was.
        call: which call it was, such as ``create`` or ``retrieve``.
        request: method, path, query, headers and body.
        response: status, headers and body.
    """

    provider: str
    call: str
    request: dict[str, Any]
    response: dict[str, Any]

    @property
    def answer(self) -> HttpResponse:
        """The answer of the exchange."""
        headers = tuple((name, value) for name, value in self.response["headers"])
        return HttpResponse(status=self.response["status"], headers=headers, body=_bytes(self.response["body"]))

    @property
    def answered(self) -> Call:
        """How the answer is read."""
        return _ANSWERED.get(self.call, Call.RETRIEVE)

    @classmethod
    def of(cls, content: bytes) -> Self | None:
        """The sample that a file holds; None where it holds something else, such as the body of an answer alone."""
        try:
            return msgspec.json.decode(content, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None


def write_sample(sample: Sample, file: Path) -> None:
    """Write a sample for people to read; the same sample always gives the same bytes."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(sample), indent=2) + b"\n")


def read_samples(folder: Path) -> list[Sample]:
    """The samples of a folder, in the order in which they were recorded.

    Raises:
        ConfigurationError: a file is no sample, or there is none.
    """
    files = sorted(file for file in folder.glob("*.json") if not file.name.endswith(READING))
    if not files:
        raise ConfigurationError(f"There is no recording in {folder}.")
    return [_read(file) for file in files]


def _read(file: Path) -> Sample:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Sample)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigurationError(f"{file} is no sample of a recording: {error}.") from error


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else msgspec.json.encode(body)
