"""Defects of how a provider reads the facts beside the status."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from msgspec.structs import replace

from reelway.errors import ErrorKind, ProviderError
from reelway.model.observation import Failure, Observation, Video
from reelway.model.secret import Secret
from tests.testing.defects.defect import Document, Misread, caught_by, inner, with_word


def with_link(seen: Observation, url: str) -> Observation:
    """The reading with another link."""
    return replace(seen, videos=(Video(url=Secret(url), expires_at=seen.expires_at),))


def link_of(seen: Observation) -> str:
    """The link that was read."""
    return seen.videos[0].url.reveal() if seen.videos else ""


@caught_by("fields.progress-is-read-in-every-form")
class WholeNumbersOnly(Misread):
    """It reads progress where it is a whole number, and nowhere else."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return seen if isinstance(inner(document).get("progress"), int) else replace(seen, progress=None)


@caught_by("fields.progress-stays-within-bounds")
class TrustsProgress(Misread):
    """It breaks down over a progress that is no number."""

    def after(self, document: Document, seen: Observation) -> Observation:
        written = inner(document).get("progress")
        return replace(seen, progress=int(written.strip(" %"))) if isinstance(written, str) else seen


@caught_by("fields.progress-is-kept-as-written")
class ForgetsWhatWasWritten(Misread):
    """It does not keep the progress as the provider wrote it."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return replace(seen, provider_progress=None)


@caught_by("fields.times-are-told-by-their-magnitude")
class AlwaysSeconds(Misread):
    """It takes milliseconds for seconds, which lie beyond every calendar."""

    def after(self, document: Document, seen: Observation) -> Observation:
        written = inner(document).get("created_at")
        far = isinstance(written, int) and written > 10**11
        return replace(seen, created_at=None) if far else seen


@caught_by("fields.times-are-told-by-their-magnitude")
class ForgetsTheZone(Misread):
    """It takes the hour of a time in China for one in UTC."""

    def after(self, document: Document, seen: Observation) -> Observation:
        written = inner(document).get("created_at")
        text = written if isinstance(written, str) and "+08:00" in written else None
        return replace(seen, created_at=datetime.fromisoformat(text).replace(tzinfo=UTC)) if text else seen


@caught_by("fields.odd-times-are-absent")
class ZeroIsATime(Misread):
    """It takes zero for the first second of 1970."""

    def after(self, document: Document, seen: Observation) -> Observation:
        zero = inner(document).get("expires_at") == 0
        return replace(seen, expires_at=datetime.fromtimestamp(0, UTC)) if zero else seen


@caught_by("fields.link-is-kept-byte-for-byte")
class UnquotedLink(Misread):
    """It unquotes the link, which breaks its signature."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return with_link(seen, unquote(link_of(seen))) if seen.videos else seen


@caught_by("fields.what-is-no-link-is-absent")
class AnyTextIsALink(Misread):
    """It takes every text in the place of the link for one."""

    def after(self, document: Document, seen: Observation) -> Observation:
        output = inner(document).get("output")
        text = output[0] if isinstance(output, list) and output else None
        return with_link(seen, text) if isinstance(text, str) and text else seen


@caught_by("fields.id-is-kept-as-written")
class ShortId(Misread):
    """It takes the part of an id before its colon."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return replace(seen, task_id=seen.task_id and seen.task_id.partition(":")[0])


@caught_by("fields.answer-about-another-task-is-refused")
class NamesNoTask(Misread):
    """It passes over the id in the answer to a poll, so that every task's answer fits."""

    def decode_retrieve(self, response: Any, route: str) -> Observation:
        return replace(super().decode_retrieve(response, route), task_id=None)

    def decode_create(self, response: Any, route: str) -> Observation:
        return super().decode_retrieve(response, route)


@caught_by("fields.side-fields-end-nothing")
class HundredPercentIsDone(Misread):
    """It takes a job at 100 % for a finished one."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return with_word(seen, "completed") if document.get("progress") == 100 else seen


@caught_by("fields.side-fields-end-nothing")
class CompletionTimeIsDone(Misread):
    """It takes a job with a time of completion for a finished one."""

    def after(self, document: Document, seen: Observation) -> Observation:
        running = seen.provider_status == "in_progress"
        return with_word(seen, "completed") if running and seen.completed_at else seen


@caught_by("fields.side-fields-spoil-no-success")
class ErrorObjectIsFailure(Misread):
    """It takes a job with an error object for a failed one, even where that says "no error"."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return with_word(seen, "failed") if isinstance(inner(document).get("error"), dict) else seen


@caught_by("fields.one-odd-field-costs-no-reading")
class StrictTypes(Misread):
    """It refuses a whole answer for one field of another type."""

    def before(self, document: Document) -> Document:
        if not isinstance(inner(document).get("model", ""), str):
            raise ProviderError("The model is no text.", kind=ErrorKind.PROTOCOL)
        return document


@caught_by("fields.one-odd-field-costs-no-reading")
class NoModelNoState(Misread):
    """It passes over the word where the model is missing."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return with_word(seen, None) if "model" in inner(document) and not seen.model else seen


@caught_by("fields.one-odd-field-costs-no-reading")
class FirstOfNothing(Misread):
    """It takes the first of the results, even where there is none."""

    def before(self, document: Document) -> Document:
        if "output" in inner(document):
            assert inner(document)["output"][0] is not document
        return document


@caught_by("fields.new-members-change-nothing")
class KnownMembersOnly(Misread):
    """It refuses an answer that has a member which it does not know."""

    def before(self, document: Document) -> Document:
        if len(document) > 10:
            raise ProviderError("The answer has more members than documented.", kind=ErrorKind.PROTOCOL)
        return document


@caught_by("fields.order-of-members-does-not-matter")
class FirstLinkAnywhere(Misread):
    """It takes whatever link comes first, which may be that of the poster."""

    def after(self, document: Document, seen: Observation) -> Observation:
        links = [one for value in document.values() for one in (value if isinstance(value, list) else [value])]
        found = (one["url"] if isinstance(one, dict) and "url" in one else one for one in links)
        first = next((one for one in found if isinstance(one, str) and one.startswith("https://")), None)
        return with_link(seen, first) if first else seen


@caught_by("fields.reason-of-a-bad-end-is-told")
class CutReason(Misread):
    """It keeps the first sentence of a reason only where that is in ASCII."""

    def after(self, document: Document, seen: Observation) -> Observation:
        failure = seen.failure
        if failure is None or (failure.message or "").isascii():
            return seen
        return replace(seen, failure=replace(failure, message=None))


@caught_by("fields.bad-end-needs-no-reason")
class InventedReason(Misread):
    """It makes a reason up where the provider gives none."""

    def after(self, document: Document, seen: Observation) -> Observation:
        failed = seen.provider_status == "failed" and seen.failure is None
        return replace(seen, failure=Failure(message="Something went wrong.")) if failed else seen


@caught_by("fields.bad-end-needs-no-reason")
class NeedsAReason(Misread):
    """It breaks down where a failed job has no reason."""

    def before(self, document: Document) -> Document:
        if inner(document).get("status") == "failed":
            assert isinstance(inner(document)["error"], dict)
        return document


@caught_by("fields.model-is-told")
class FoldedModel(Misread):
    """It writes the name of the model in small letters."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return replace(seen, model=seen.model and seen.model.lower())
