"""Defects of how a provider reads the status word."""

from __future__ import annotations

import unicodedata
from typing import Any

from msgspec.structs import replace

from reelway.model.observation import FailureKind, Observation, Status
from tests.testing.defects.defect import Document, Misread, caught_by, inner, with_word
from tests.testing.reference.provider import INFO, Reference
from tests.testing.reference.wire import WORDS


def written(document: Document) -> Any:
    """What stands in the place of the word."""
    return inner(document).get("status")


@caught_by("words.keys-are-folded")
class CapitalKeys(Reference):
    """It declares a word as the provider writes it, so that nobody finds it."""

    info = replace(INFO, words=WORDS | {"In-Progress": Status.RUNNING})


@caught_by("words.every-kind-of-state-has-a-word")
class NoFailure(Reference):
    """It has no word for a job that failed."""

    info = replace(INFO, words={word: status for word, status in WORDS.items() if status is not Status.FAILED})


@caught_by("words.no-word-means-lost")
class DeclaredLost(Reference):
    """It calls a task lost by a word."""

    info = replace(INFO, words=WORDS | {"gone": Status.LOST})


@caught_by("words.unknown-is-no-end")
class UnknownFails(Reference):
    """It takes the word "unknown" for a failure."""

    info = replace(INFO, words=WORDS | {"unknown": Status.FAILED})


@caught_by("words.failure-kinds-belong-to-bad-ends")
class KindOfASuccess(Reference):
    """It tells the kind of failure of a success."""

    info = replace(INFO, failure_kinds={"completed": FailureKind.INTERNAL})


@caught_by("words.declared-word-has-its-meaning")
class ForgottenWord(Misread):
    """It declares "cancelled" and passes over it."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return with_word(seen, None) if seen.provider_status == "cancelled" else seen


@caught_by("words.case-and-blanks-do-not-matter")
class ExactWords(Misread):
    """It hands on only words that are spelt exactly as declared."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return seen if seen.provider_status in WORDS else with_word(seen, None)


@caught_by("words.word-is-kept-as-written")
class SmallLetters(Misread):
    """It hands the word on in small letters and without blanks."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return with_word(seen, seen.provider_status and seen.provider_status.strip().lower())


@caught_by("words.unknown-word-is-no-status")
class WordsByTheirBeginning(Misread):
    """It takes "completed_soon" for "completed"."""

    def after(self, document: Document, seen: Observation) -> Observation:
        known = (word for word in WORDS if (seen.provider_status or "").startswith(word))
        return with_word(seen, next(known, seen.provider_status))


@caught_by("words.unknown-word-is-no-status")
class UnknownIsFailure(Misread):
    """It takes every word that it does not know for a failure."""

    def after(self, document: Document, seen: Observation) -> Observation:
        word = (seen.provider_status or "").strip().lower().replace("-", "_").replace(" ", "_")
        return seen if word in WORDS or not seen.provider_status else with_word(seen, "failed")


@caught_by("words.look-alike-is-unknown")
class CompatibleLetters(Misread):
    """It normalizes the word, which makes plain letters of look-alikes."""

    def after(self, document: Document, seen: Observation) -> Observation:
        word = seen.provider_status
        return with_word(seen, word and unicodedata.normalize("NFKC", word).casefold())


@caught_by("words.look-alike-is-unknown")
class InvisibleLetters(Misread):
    """It drops what is not ASCII from the word."""

    def after(self, document: Document, seen: Observation) -> Observation:
        word = seen.provider_status
        return with_word(seen, word and (word.encode("ascii", "ignore").decode() or None))


@caught_by("words.missing-word-is-no-status")
class LinkMeansDone(Misread):
    """It takes an answer without a word for a success where it has a link."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return with_word(seen, "completed") if "status" not in inner(document) and seen.videos else seen


@caught_by("words.missing-word-is-no-status")
class NeedsAWord(Misread):
    """It breaks down where an answer has no word."""

    def before(self, document: Document) -> Document:
        assert "status" in inner(document)
        return document


@caught_by("words.null-is-no-word")
class NullMeansQueued(Misread):
    """It takes null for a job that is queued."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return with_word(seen, "queued") if written(document) is None else seen


@caught_by("words.number-is-no-word")
class NumbersAreCodes(Misread):
    """It takes 2 for the code of a success."""

    def after(self, document: Document, seen: Observation) -> Observation:
        return with_word(seen, "completed") if written(document) == 2 else seen


@caught_by("words.list-is-no-word")
class FirstOfAList(Misread):
    """It takes the first item of a list for the word."""

    def after(self, document: Document, seen: Observation) -> Observation:
        some = written(document)
        return with_word(seen, some[0]) if isinstance(some, list) and some and isinstance(some[0], str) else seen
