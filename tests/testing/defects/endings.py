"""Defects of how a provider reads the end of a task behind a second request."""

from __future__ import annotations

import json

from msgspec.structs import replace

from reelway.errors import ErrorKind, ProviderError
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.observation import Failure, Observation
from tests.testing.defects.defect import caught_by
from tests.testing.reference.provider import INFO, Reference
from tests.testing.reference.split import Split


@caught_by("endings.ended-word-is-no-end")
class OverMeansDone(Split):
    """It declares the word that leaves the end open as a success."""

    info = replace(Split.info, words={**INFO.words, "over": INFO.words["completed"]})


@caught_by("endings.second-request-is-there")
class NoSecondRequest(Reference):
    """It has a word that asks for a second request, and no such request."""

    info = Split.info


@caught_by("endings.second-request-is-there")
class SecondRequestForNothing(Split):
    """It has a second request, and no word that asks for it."""

    info = INFO


@caught_by("endings.failing-result-ends-nothing")
class EveryErrorIsTheEnd(Split):
    """It takes any error in the place of a result for the job's own."""

    def decode_result(self, poll: HttpResponse, result: HttpResponse, route: str) -> Observation | None:
        if result.ok:
            return super().decode_result(poll, result, route)
        return Observation(provider_status="failed", failure=Failure())


@caught_by("endings.unreadable-result-ends-nothing")
class EveryAnswerIsASuccess(Split):
    """It looks at the status of a result alone."""

    def decode_result(self, poll: HttpResponse, result: HttpResponse, route: str) -> Observation | None:
        return Observation(provider_status="completed") if result.ok else None


@caught_by("endings.result-of-another-task-is-refused")
class ResultOfAnybody(Split):
    """It passes over the id in a result."""

    def decode_result(self, poll: HttpResponse, result: HttpResponse, route: str) -> Observation | None:
        seen = super().decode_result(poll, result, route)
        return seen and replace(seen, task_id=None)


@caught_by("hostile.mutated-result-is-read-or-refused")
class TrustsTheResult(Split):
    """It breaks down over a result without a link."""

    def decode_result(self, poll: HttpResponse, result: HttpResponse, route: str) -> Observation | None:
        seen = super().decode_result(poll, result, route)
        if seen is not None and seen.provider_status == "completed":
            assert json.loads(result.body)["output"]
        return seen


@caught_by("hygiene.keys-in-answers-stay-hidden")
class QuotesTheResult(Split):
    """It quotes what a result says of a failure that it does not know."""

    def decode_result(self, poll: HttpResponse, result: HttpResponse, route: str) -> Observation | None:
        seen = super().decode_result(poll, result, route)
        if seen and seen.failure and seen.failure.code != "contract_code":
            raise ProviderError(f"Nobody knows {seen.failure.code}.", kind=ErrorKind.PROTOCOL, status=result.status)
        return seen


@caught_by("requests.id-is-one-segment")
class UnquotedResult(Split):
    """It writes the id into the address of the result as it stands."""

    def encode_result(self, task_id: str, route: str) -> HttpRequest:
        return HttpRequest(method="GET", path=f"v1/videos/{task_id}/result")
