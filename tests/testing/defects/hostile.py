"""Defects that only hostile answers bring to light."""

from __future__ import annotations

import json
import re
from typing import Any

from reelway.errors import ErrorKind, ProviderError
from reelway.model.http import Headers, HttpResponse
from reelway.model.observation import Observation
from reelway.provider.interface import ErrorReading
from tests.testing.defects.defect import Document, Misread, caught_by, inner
from tests.testing.reference.provider import Reference

BACKTRACKS = re.compile(r"(?:[a-z ]+)+\.")

KEPT: list[object] = []


def known(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members of an object, each of which has to be there once."""
    if len(dict(pairs)) < len(pairs):
        raise KeyError("twice")
    return dict(pairs)


def depth(value: Any) -> int:
    """How deep a document is."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, inside), default=0)


@caught_by("hostile.mutated-poll-is-read-or-refused")
class NeedsProgress(Misread):
    """It breaks down where one of its fields is missing."""

    def before(self, document: Document) -> Document:
        if "created_at" in document:
            assert "progress" in document
        return document


@caught_by("hostile.mutated-create-is-read-or-refused")
class NeedsAStatus(Reference):
    """It breaks down where the answer to a create has an id and no word."""

    def decode_create(self, response: HttpResponse, route: str) -> Observation:
        seen = super().decode_create(response, route)
        assert seen.task_id is None or seen.provider_status is not None
        return seen


@caught_by("hostile.mutated-callback-is-read-or-refused")
class OutputIsAList(Reference):
    """It takes the results in a callback for a list without looking."""

    def read_callback(self, headers: Headers, body: bytes) -> list[Observation]:
        said = super().read_callback(headers, body)
        assert all(isinstance(one, str) for one in json.loads(body).get("output", []))
        return said


@caught_by("hostile.mutated-error-is-an-error")
class CodeIsAText(Reference):
    """It takes the status in an error answer for a text without looking."""

    def read_error(self, response: HttpResponse) -> ErrorReading:
        reading = super().read_error(response)
        try:
            document = json.loads(response.body)
        except (ValueError, RecursionError):
            return reading
        if isinstance(document, dict):
            assert document.get("status", "").lower() is not None
        return reading


@caught_by("hostile.any-json-is-read-or-refused")
class TrustsTheObject(Misread):
    """It takes every value inside an answer for an object."""

    def before(self, document: Document) -> Document:
        data: Any = document.get("data") or {}
        data.get("id")
        return document


@caught_by("hostile.deep-nesting-is-read-or-refused")
class Descends(Misread):
    """It descends into an answer by calling itself."""

    def before(self, document: Document) -> Document:
        depth(document)
        return document


@caught_by("hostile.extreme-number-is-read-or-refused")
class DividesNumbers(Misread):
    """It divides a number, which Python refuses for hundreds of digits."""

    def before(self, document: Document) -> Document:
        progress = inner(document).get("progress")
        if isinstance(progress, int):
            assert abs(progress / 2) <= abs(progress)
        return document


@caught_by("hostile.foreign-encoding-is-read-or-refused")
class Utf8Only(Reference):
    """It takes the bytes of an answer for UTF-8."""

    def decode_retrieve(self, response: HttpResponse, route: str) -> Observation:
        response.body.decode()
        return super().decode_retrieve(response, route)


@caught_by("hostile.two-words-for-one-key-end-nothing")
class StumblesOverTwice(Reference):
    """It breaks down where one key stands twice."""

    def decode_retrieve(self, response: HttpResponse, route: str) -> Observation:
        try:
            json.loads(response.body, object_pairs_hook=known)
        except (ValueError, RecursionError) as error:
            raise ProviderError("The answer is no JSON.", kind=ErrorKind.PROTOCOL) from error
        return super().decode_retrieve(response, route)


@caught_by("hostile.reading-takes-no-time")
class Backtracks(Misread):
    """It looks for a sentence with a pattern that backtracks."""

    def before(self, document: Document) -> Document:
        BACKTRACKS.match(str(inner(document).get("model")))
        return document


@caught_by("hostile.reading-takes-no-time")
class ComparesAll(Misread):
    """It compares each sign of a field with each other."""

    def before(self, document: Document) -> Document:
        text = str(inner(document).get("model"))
        assert sum(one == other for one in text for other in text) >= 0
        return document


@caught_by("hostile.reading-takes-no-memory")
class CopiesAll(Reference):
    """It cuts an answer into all its endings."""

    def decode_retrieve(self, response: HttpResponse, route: str) -> Observation:
        endings = [response.body[start:] for start in range(0, len(response.body), 256)]
        assert endings
        return super().decode_retrieve(response, route)
