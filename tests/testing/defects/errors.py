"""Defects of how a provider reads error answers."""

from __future__ import annotations

import json
from typing import ClassVar

from msgspec.structs import replace

from reelway.errors import ErrorKind
from reelway.model.http import HttpResponse
from reelway.provider.interface import ErrorReading
from tests.testing.defects.defect import caught_by
from tests.testing.reference.provider import Reference


class Misjudges(Reference):
    """The reference provider with wrong kinds for some statuses."""

    kinds: ClassVar[dict[int, ErrorKind]] = {}

    def read_error(self, response: HttpResponse) -> ErrorReading:
        reading = super().read_error(response)
        return replace(reading, kind=self.kinds.get(response.status, reading.kind))


@caught_by("errors.every-status-with-json-is-an-error")
class TrustsTheEnvelope(Reference):
    """It breaks down where an error answer is not in the documented envelope."""

    def read_error(self, response: HttpResponse) -> ErrorReading:
        reading = super().read_error(response)
        if response.body.startswith(b"{"):
            assert isinstance(json.loads(response.body)["error"]["message"], str)
        return reading


@caught_by("errors.every-status-with-a-web-page-is-an-error")
class ExpectsJson(Reference):
    """It breaks down where an error answer is a web page."""

    def read_error(self, response: HttpResponse) -> ErrorReading:
        if response.body:
            json.loads(response.body)
        return super().read_error(response)


@caught_by("errors.every-status-with-nothing-is-an-error")
class ExpectsABody(Reference):
    """It breaks down where an error answer is empty."""

    def read_error(self, response: HttpResponse) -> ErrorReading:
        assert response.body[0] >= 0
        return super().read_error(response)


@caught_by("errors.refused-key-is-no-trouble-on-the-way")
class RefusedKeyPasses(Misjudges):
    """It takes a refused key for trouble that passes."""

    kinds = {401: ErrorKind.UNAVAILABLE}


@caught_by("errors.refused-key-is-no-trouble-on-the-way")
class RefusedKeyHidesTheTask(Misjudges):
    """It takes a refused key for an unknown task."""

    kinds = {403: ErrorKind.NOT_FOUND}


@caught_by("errors.too-many-requests-mean-slow-down")
class TooManyMeansNoMoney(Misjudges):
    """It takes too many requests for an empty account."""

    kinds = {429: ErrorKind.QUOTA}


@caught_by("errors.trouble-on-the-way-passes")
class TroubleStays(Misjudges):
    """It takes an error of the server for a mistake in the request, and a wait ends."""

    kinds = {500: ErrorKind.INVALID_REQUEST}


@caught_by("errors.trouble-on-the-way-passes")
class ProxyTroubleHidesTheTask(Misjudges):
    """It takes a proxy that does not reach the service for an unknown task."""

    kinds = {521: ErrorKind.NOT_FOUND}


@caught_by("errors.callers-mistake-does-not-pass")
class MistakesPass(Misjudges):
    """It tries a malformed request again and again."""

    kinds = {422: ErrorKind.UNAVAILABLE}


@caught_by("errors.redirect-is-no-answer")
class RedirectPasses(Misjudges):
    """It waits until a redirect goes away."""

    kinds = {302: ErrorKind.UNAVAILABLE}


@caught_by("errors.web-page-with-404-is-no-unknown-task")
class PageIsAnUnknownTask(Misjudges):
    """It takes a web server's own page for an unknown task."""

    kinds = {404: ErrorKind.NOT_FOUND}


@caught_by("errors.unknown-task-is-an-observation")
class UnknownTaskIsAMistake(Misjudges):
    """It takes an unknown task for a mistake in the request, although a fresh one is always unknown for a while."""

    kinds = {400: ErrorKind.INVALID_REQUEST}


@caught_by("errors.simulated-errors-keep-their-kind")
class NoMoneyIsARefusedKey(Misjudges):
    """It takes an empty account for a refused key."""

    kinds = {403: ErrorKind.AUTH}


@caught_by("errors.reason-of-an-error-is-told")
class SilentErrors(Reference):
    """It passes over what an error answer says."""

    def read_error(self, response: HttpResponse) -> ErrorReading:
        return replace(super().read_error(response), message=None)
