"""The file that one exchange is kept in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from reelway.errors import ConfigurationError


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


def write_sample(sample: Sample, file: Path) -> None:
    """Write a sample for people to read; the same sample always gives the same bytes."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(sample), indent=2) + b"\n")


def read_samples(folder: Path) -> list[Sample]:
    """The samples of a folder, in the order in which they were recorded.

    Raises:
        ConfigurationError: a file is no sample, or there is none.
    """
    files = sorted(folder.glob("*.json"))
    if not files:
        raise ConfigurationError(f"There is no recording in {folder}.")
    return [_read(file) for file in files]


def _read(file: Path) -> Sample:
    try:
        return msgspec.json.decode(file.read_bytes(), type=Sample)
    except (OSError, msgspec.DecodeError) as error:
        raise ConfigurationError(f"{file} is no sample of a recording: {error}.") from error
