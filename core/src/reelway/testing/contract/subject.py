"""The provider that is examined, with everything that the checks ask of it, worked out once."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Final

from reelway.errors import PluginError
from reelway.model.observation import Observation
from reelway.provider.canonical import Call, routes_of
from reelway.provider.interface import Capability, Provider
from reelway.provider.plugin import file_of
from reelway.provider.registry import LIMIT_VARIABLE, Registry
from reelway.provider.simulator import Simulator
from reelway.testing.contract import answers, places, samples
from reelway.testing.contract.answers import Answer
from reelway.testing.contract.documents import Json, Spot, as_bytes, spots
from reelway.testing.contract.feature import Feature
from reelway.testing.contract.places import Fact
from reelway.testing.contract.samples import Sample

CAPABILITIES: Final[Mapping[Feature, Capability]] = {
    Feature.CONTENT: Capability.CONTENT,
    Feature.REMIX: Capability.REMIX,
    Feature.CANCEL: Capability.CANCEL,
    Feature.CALLBACKS: Capability.CALLBACKS,
}

EVERY_CALL: Final = frozenset(Call)

FACTS: Final[Mapping[Feature, tuple[Fact, Collection[Call]]]] = {
    Feature.IDS: (places.TASK_ID, {Call.RETRIEVE}),
    Feature.PROGRESS: (places.PROGRESS, EVERY_CALL),
    Feature.TIMES: (places.CREATED_AT, EVERY_CALL),
    Feature.LINKS: (places.LINK, EVERY_CALL),
    Feature.REASONS: (places.REASON, EVERY_CALL),
    Feature.MODELS: (places.MODEL, EVERY_CALL),
}
"""The facts that a provider's answers may lack, and the answers that have to show them."""


class Found(Exception):
    """What is wrong, where a check cannot go on; its text is the finding."""


class Missing(Found):
    """A check has nothing to look at, although nothing says that it does not concern the provider."""


class Subject:
    """A provider under examination.

    Attributes:
        provider: the provider.
        folder: where its samples are.
        stated: what it is said not to do; None where nobody said anything.
    """

    def __init__(
        self, provider: Provider, *, samples: Path | None = None, cannot: Collection[str] | None = None
    ) -> None:
        """Examine ``provider``; where ``cannot`` is None, what it cannot do is found out and believed."""
        self.provider = provider
        self.folder = samples
        self.stated = None if cannot is None else frozenset(map(Feature, cannot))
        self._places: dict[tuple[str, str], tuple[Spot, ...]] = {}

    @cached_property
    def samples(self) -> tuple[Sample, ...]:
        """The recorded answers and requests."""
        return samples.load(self.folder) if self.folder is not None else ()

    @cached_property
    def simulator(self) -> Simulator | None:
        """The provider's service from the other side."""
        return self.provider.simulator()

    @property
    def service(self) -> Simulator:
        """The simulator, for checks that need one.

        Raises:
            Missing: there is none.
        """
        if self.simulator is None:
            raise Missing(
                f"the provider has no simulator; write one, or state {Feature.SIMULATOR.value!r} in `cannot`"
            )
        return self.simulator

    def fresh(self) -> Provider:
        """Another object of the provider's class, where that can be made; else the provider again."""
        try:
            return type(self.provider)()
        except TypeError:
            return self.provider

    @cached_property
    def routes(self) -> tuple[str, ...]:
        """The read paths that its models use."""
        unlisted = self.provider.route("a-model-nobody-lists")
        return tuple(dict.fromkeys((*routes_of(self.provider), unlisted)))

    @cached_property
    def answers(self) -> tuple[Answer, ...]:
        """Good answers, recorded and simulated; of those with the same members in the same state, the first."""
        found = list(answers.recorded(self.provider, self.samples))
        if self.simulator is not None:
            found += answers.simulated(self.provider, self.simulator)
        by_shape = {(one.call, one.route, one.seen.status, *spots(one.document)): one for one in reversed(found)}
        return tuple(reversed(by_shape.values()))

    @cached_property
    def cannot(self) -> frozenset[Feature]:
        """What the provider is said, or else found, not to do."""
        return self.found_lacking if self.stated is None else self.stated

    def can(self, features: Collection[Feature]) -> bool:
        """Whether the provider has all of these."""
        return self.cannot.isdisjoint(features)

    @cached_property
    def found_lacking(self) -> frozenset[Feature]:
        """What the provider does not do, by what it declares and what its answers show."""
        return frozenset(feature for feature in Feature if not self._has(feature))

    def _has(self, feature: Feature) -> bool:
        if feature in CAPABILITIES:
            return CAPABILITIES[feature] in self.provider.info.capabilities
        if feature in FACTS:
            fact, calls = FACTS[feature]
            return any(self.spots(answer, fact) for answer in self.answers if answer.call in calls)
        return bool(_OTHERS[feature](self))

    def spots(self, answer: Answer, fact: Fact) -> tuple[Spot, ...]:
        """Where an answer keeps a fact."""
        key = (answer.name, fact.name)
        if key not in self._places:
            self._places[key] = places.places(self.provider, answer, fact)
        return self._places[key]

    def showing(
        self, fact: Fact, calls: Collection[Call] = tuple(Call)
    ) -> Iterator[tuple[Answer, tuple[Spot, ...]]]:
        """The answers that show a fact, and where.

        Raises:
            Missing: there is none.
        """
        found = False
        for answer in self.answers:
            if answer.call in calls and answer.status in fact.under and (spots := self.spots(answer, fact)):
                found = True
                yield answer, spots
        if not found:
            raise Missing(_nothing_shows(fact))

    @property
    def word(self) -> Fact:
        """The status word in this provider's answers."""
        return places.word_of(self.provider)

    def read(self, answer: Answer, document: Json) -> Observation:
        """What the provider reads where the answer has another document.

        Raises:
            ProviderError: it refuses the answer.
            Found: it breaks down over it.
        """
        return self.read_bytes(answer, as_bytes(document))

    def read_bytes(self, answer: Answer, body: bytes) -> Observation:
        """What the provider reads where the answer has another body.

        Raises:
            ProviderError: it refuses the answer.
            Found: it breaks down over it.
        """
        try:
            return answers.read(self.provider, answer.call, answer.response(body), answer.route)
        except PluginError as error:
            cause = error.__cause__ or error
            raise Found(
                f"{answer.name}: it broke down with {type(cause).__name__} ({cause!s:.80}) over {body!r:.160}"
            ) from error


def installed(name: str) -> Provider | None:
    """The provider of that name that plugins bring; most are looked for in one plugin, that of the same name."""
    for environ in ({LIMIT_VARIABLE: name}, os.environ):
        found = (one for one in Registry.installed(environ).providers if one.info.name == name)
        if provider := next(found, None):
            return provider
    return None


def _is_importable(subject: Subject) -> bool:
    # A provider that is a file may have the name of an installed one, and is not meant to be it.
    return file_of(type(subject.provider).__module__) is None


_OTHERS: Final[Mapping[Feature, Callable[[Subject], object]]] = {
    Feature.INSTALLED: lambda subject: (
        _is_importable(subject) and installed(subject.provider.info.name) is not None
    ),
    Feature.SIMULATOR: lambda subject: subject.simulator is not None,
    Feature.SAMPLES: lambda subject: subject.folder is not None,
    Feature.SIGNATURES: lambda subject: type(subject.provider).verify_callback is not Provider.verify_callback,
}


def _nothing_shows(fact: Fact) -> str:
    state = f", or state {fact.feature.value!r} in `cannot`" if fact.feature else ""
    return f"no sample and no simulated answer shows a {fact.name}; add one that does{state}"
