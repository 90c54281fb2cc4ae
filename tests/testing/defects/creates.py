"""Defects that cost money: creates whose outcome is read wrong."""

from __future__ import annotations

import re

from msgspec.structs import replace

from reelway.errors import ProviderError
from reelway.model.http import HttpResponse
from reelway.model.observation import Observation
from reelway.provider.interface import ErrorReading
from reelway.provider.readers import decode_object
from tests.testing.defects.defect import Document, Misread, caught_by, inner
from tests.testing.reference.provider import INFO, Reference


@caught_by("creates.answer-without-an-id-is-no-task")
class MadeUpId(Misread):
    """It makes an id up where the answer has none."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return replace(seen, task_id=seen.task_id or f"{len(document)}-unknown")


@caught_by("creates.answer-without-an-id-is-no-task")
class IdInAList(Misread):
    """It takes the first of several ids."""

    def after(self, document: Document, seen: Observation) -> Observation:
        some = inner(document).get("id")
        return replace(seen, task_id=str(some[0])) if isinstance(some, list) and some else seen


@caught_by("creates.refusal-with-200-is-no-task")
class CallIsATask(Misread):
    """It takes the id of the HTTP call for a task where the answer names none."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return replace(seen, task_id=seen.task_id or str(document.get("request_id") or "") or None)


@caught_by("creates.unreadable-answer-is-no-task")
class FindsIdsAnywhere(Reference):
    """It finds an id in half an answer."""

    def decode_create(self, response: HttpResponse, route: str) -> Observation:
        try:
            return super().decode_create(response, route)
        except ProviderError:
            found = re.search(rb"task_\w+", response.body)
            return Observation(task_id=found[0].decode() if found else None)


@caught_by("creates.dangerous-id-is-no-task")
class CleanedId(Misread):
    """It takes what is dangerous out of an id, and with it the task."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return replace(seen, task_id="".join(filter(str.isprintable, seen.task_id or "")) or None)


@caught_by("creates.trouble-leaves-it-open")
class TroubleCreatesNothing(Reference):
    """It declares that no error of the server creates anything."""

    info = replace(INFO, nothing_created=frozenset({(500, "server_error"), (502, "server_error")}))

    def read_error(self, response: HttpResponse) -> ErrorReading:
        return replace(super().read_error(response), code="server_error")


@caught_by("creates.nothing-created-is-said-exactly")
class EveryErrorCreatesNothing(Reference):
    """It declares that a 500 without any code creates nothing."""

    info = replace(INFO, nothing_created=frozenset({(500, "")}))


@caught_by("creates.nothing-created-is-said-exactly")
class CodeInCapitals(Reference):
    """It declares a code as the provider writes it, so that nobody finds it."""

    info = replace(INFO, nothing_created=frozenset({(503, "No_Capacity")}))


@caught_by("creates.nothing-created-is-recognised")
class CodeIsNotRead(Reference):
    """It declares a code and does not read it."""

    def read_error(self, response: HttpResponse) -> ErrorReading:
        return replace(super().read_error(response), code=str(decode_type(response)))


def decode_type(response: HttpResponse) -> object:
    """The type of an error, which is no code."""
    try:
        return decode_object(response.body).get("type")
    except ProviderError:
        return None
