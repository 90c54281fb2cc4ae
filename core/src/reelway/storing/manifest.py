"""The manifest beside a video: what it is, and how to tell that it is whole. It holds no link and no prompt."""

from __future__ import annotations

from datetime import datetime
from typing import Self

import msgspec
from msgspec import Struct

from reelway.flow.container import SNIFF_LENGTH, container_of, content_type_of
from reelway.model.task import StoredResult
from reelway.storing.template import Result

LONGEST = 64 * 1024
"""Bytes; what is longer was written by somebody else."""


class Manifest(Struct, frozen=True, kw_only=True):
    """What a stored result is. It is written last, so where there is one, the video is whole.

    Attributes:
        reference: the task's.
        provider, model, status: as the task has them.
        variant: which rendition.
        created_at, completed_at: the provider's times, as far as it told them.
        stored_at: when the video was whole.
        content_type: told from the video's own first bytes.
        size: its length in bytes.
        sha256: its digest, in hexadecimal.
    """

    reference: str
    provider: str
    model: str | None
    status: str
    variant: str
    created_at: datetime | None
    completed_at: datetime | None
    stored_at: datetime
    content_type: str
    size: int
    sha256: str

    @classmethod
    def of(cls, result: Result, *, start: bytes, size: int, sha256: str, stored_at: datetime) -> Self:
        """The manifest of a result whose file begins with ``start``."""
        task = result.task
        return cls(
            reference=str(task.ref),
            provider=task.ref.provider,
            model=task.model,
            status=task.status,
            variant=result.variant,
            created_at=task.created_at,
            completed_at=task.completed_at,
            stored_at=stored_at,
            content_type=content_type_of(container_of(start[:SNIFF_LENGTH], result.variant)),
            size=size,
            sha256=sha256,
        )

    @classmethod
    def read(cls, data: bytes | None) -> Self | None:
        """A manifest from its text; None where it is none."""
        try:
            return None if data is None else msgspec.json.decode(data, type=cls)
        except msgspec.MsgspecError:
            return None

    def written(self) -> bytes:
        """The manifest as text, for programs and for people."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"

    def is_of(self, result: Result) -> bool:
        """Whether it tells of this very result."""
        return (self.reference, self.variant) == (str(result.task.ref), result.variant)

    def stored(self, location: str) -> StoredResult:
        """The result that it tells of."""
        return StoredResult(
            variant=self.variant,
            location=location,
            size=self.size,
            sha256=self.sha256,
            stored_at=self.stored_at,
        )
