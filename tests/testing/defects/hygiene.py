"""Defects of purity, and secrets that show."""

from __future__ import annotations

import logging
import os
import time
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from reelway.errors import ErrorKind, ProviderError
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.observation import Observation
from reelway.model.request import VideoRequest
from reelway.provider.interface import ErrorReading
from reelway.provider.models import ModelSpec
from tests.testing.defects.defect import Document, Misread, caught_by, inner
from tests.testing.reference.provider import Reference

logger = logging.getLogger("reference")

SEEN: dict[str, int | None] = {}


@caught_by("hygiene.keys-in-errors-stay-hidden")
class SplitKey(Reference):
    """It takes the mark of a key out of a message, so that nobody knows it for one."""

    def read_error(self, response: HttpResponse) -> ErrorReading:
        reading = super().read_error(response)
        return replace(reading, message=reading.message and reading.message.replace("sk-", "key "))


@caught_by("hygiene.keys-in-answers-stay-hidden")
class QuotesTheAnswer(Misread):
    """It quotes what it does not believe."""

    def before(self, document: Document) -> Document:
        model = inner(document).get("model")
        if isinstance(model, str) and not model.startswith(("ref", "contract")):
            raise ProviderError(f"There is no model {model}.", kind=ErrorKind.PROTOCOL)
        return document


@caught_by("hygiene.nothing-is-said")
class Talks(Misread):
    """It logs every answer that it reads."""

    def before(self, document: Document) -> Document:
        logger.info("read %s", document)
        return document


@caught_by("hygiene.same-answer-same-reading")
class NowForMissing(Misread):
    """It takes the present moment for a time that the answer does not tell."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return replace(seen, completed_at=seen.completed_at or datetime.now(UTC))


@caught_by("hygiene.order-of-calls-does-not-matter")
class RemembersProgress(Misread):
    """It keeps the highest progress of each task, and tasks of other jobs with the same id inherit it."""

    def after(self, document: Document, seen: Observation) -> Observation:
        highest = max(seen.progress or 0, SEEN.get(seen.task_id or "") or 0)
        SEEN[seen.task_id or ""] = highest
        return replace(seen, progress=highest)


@caught_by("hygiene.threads-do-not-meet")
class SharedDesk(Misread):
    """It puts the answer on its own desk, where another thread puts another one."""

    def before(self, document: Document) -> Document:
        self.desk = document
        time.sleep(0.0005)
        return self.desk


@caught_by("hygiene.tables-stay-as-they-were")
class Learns(Misread):
    """It adds the words that it meets to its own table."""

    met: dict[str, int] = {}

    def after(self, document: Document, seen: Observation) -> Observation:
        word = seen.provider_status or ""
        self.met[word] = self.met.get(word, 0) + 1
        return seen


@caught_by("hygiene.calls-touch-nothing")
class AsksTheEnvironment(Misread):
    """It looks into the environment while it reads."""

    def before(self, document: Document) -> Document:
        os.environ.get("REFERENCE_DEBUG")
        return document


@caught_by("hygiene.place-and-zone-do-not-matter")
class LocalTimes(Misread):
    """It takes times for those of the machine that it runs on."""

    def after(self, document: Document, seen: Observation) -> Observation:
        naive = seen.created_at and seen.created_at.replace(tzinfo=None)
        return replace(seen, created_at=naive and naive.astimezone(UTC))


@caught_by("hygiene.place-and-zone-do-not-matter")
class OrderOfHashes(Reference):
    """It writes what it found in a set, in the order of the day."""

    def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        tags = list({"sharp", "steady", "bright", "quiet", *map(str, request.extra)})
        extra: dict[str, Any] = dict(request.extra) | {"tags": tags}
        return super().encode_create(replace(request, extra=extra), spec)
