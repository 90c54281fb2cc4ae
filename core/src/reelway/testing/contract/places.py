"""Where in an answer a provider finds a fact: told by changing one value at a time and reading again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

from reelway.errors import ProviderError
from reelway.model.observation import Observation
from reelway.provider.interface import Provider
from reelway.testing.contract.answers import Answer, read
from reelway.testing.contract.documents import Json, Spot, as_bytes, put, spots
from reelway.testing.contract.feature import Feature


class Fact(Struct, frozen=True, kw_only=True):
    """One fact of an observation.

    Attributes:
        name: what it is, for people.
        marks: values for an answer, and what the fact is where one of them was read; the first that differs from
            what the answer says anyway is used.
        of: the fact in an observation.
        feature: what a provider without the fact has to be said not to do; None where it has to have it.
        under: the HTTP statuses under which it alone counts; under others the status itself says something too.
    """

    name: str
    marks: tuple[tuple[Json, Any], ...]
    of: Callable[[Observation], Any]
    feature: Feature | None = None
    under: range = range(100, 600)


STAMP: Final = 1_700_000_321
"""A moment in seconds."""

MOMENT: Final = datetime.fromtimestamp(STAMP, UTC)

MARK_LINK: Final = "https://mark.contract.example/found.mp4"


def link_of(seen: Observation) -> str | None:
    """The main link."""
    return seen.videos[0].url.reveal() if seen.videos else None


TASK_ID: Final = Fact(name="task id", marks=(("contract-7", "contract-7"),), of=lambda seen: seen.task_id)

PROGRESS: Final = Fact(
    name="progress", marks=((37, 37), (73, 73)), of=lambda seen: seen.progress, feature=Feature.PROGRESS
)

CREATED_AT: Final = Fact(
    name="time of creation", marks=((STAMP, MOMENT),), of=lambda seen: seen.created_at, feature=Feature.TIMES
)
COMPLETED_AT: Final = Fact(name="time of completion", marks=((STAMP, MOMENT),), of=lambda seen: seen.completed_at)

EXPIRES_AT: Final = Fact(name="time of expiry", marks=((STAMP, MOMENT),), of=lambda seen: seen.expires_at)

MOMENTS: Final = (CREATED_AT, COMPLETED_AT, EXPIRES_AT)

LINK: Final = Fact(name="link", marks=((MARK_LINK, MARK_LINK),), of=link_of, feature=Feature.LINKS)

REASON: Final = Fact(
    name="reason",
    marks=(("Contract found.", "Contract found."),),
    of=lambda seen: seen.failure and seen.failure.message,
    feature=Feature.REASONS,
)
MODEL: Final = Fact(
    name="model", marks=(("contract-m1", "contract-m1"),), of=lambda seen: seen.model, feature=Feature.MODELS
)


def word_of(provider: Provider) -> Fact:
    """The status word. Only a declared one is found at every place, so the marks are two of these."""
    declared = [*sorted(provider.info.words, key=len, reverse=True), "unknown", "queued"]
    return Fact(
        name="status word", marks=tuple((one, one) for one in declared[:2]), of=_word, under=range(200, 300)
    )


def _word(seen: Observation) -> str | None:
    return seen.provider_status


def places(provider: Provider, answer: Answer, fact: Fact) -> tuple[Spot, ...]:
    """Where the answer keeps the fact, in the order in which the provider looks."""
    return tuple(_places(provider, answer, fact))


def _places(provider: Provider, answer: Answer, fact: Fact) -> Iterator[Spot]:
    document: Json = answer.document
    left = list(spots(document))
    mark, marked = next(pair for pair in fact.marks if pair[1] != fact.of(answer.seen))

    def shows(spot: Spot) -> bool:
        try:
            body = as_bytes(put(document, spot, mark))
            return bool(fact.of(read(provider, answer.call, answer.response(body), answer.route)) == marked)
        except ProviderError:
            return False

    while (found := next(filter(shows, left), None)) is not None:
        yield found
        # The places that come after it speak only where it says nothing.
        document = put(document, found, None)
        left.remove(found)
