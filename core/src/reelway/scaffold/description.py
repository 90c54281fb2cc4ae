"""What the author of a new provider says of its service, and the check of it: all that is wrong is told at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct

from reelway.errors import Problem
from reelway.model.observation import Status
from reelway.provider.forms import BodyStyle
from reelway.provider.readers import Place, link
from reelway.provider.words import fold


class Protocol(StrEnum):
    """What a service speaks."""

    VIDEOS = "videos"
    """The OpenAI-style ``/v1/videos``."""
    OWN = "own"
    """An API of its own."""


class TimeUnit(StrEnum):
    """How a service writes a moment."""

    SECONDS = "seconds"
    MILLISECONDS = "milliseconds"
    ISO = "iso"


WORDS: Final[Mapping[str, Status]] = {
    "queued": Status.QUEUED,
    "in_progress": Status.RUNNING,
    "completed": Status.SUCCEEDED,
    "failed": Status.FAILED,
}
"""The words of OpenAI's video object: what stands for a status where its own word is not said."""

LINK: Final = "video_url"
"""Where gateways most often keep the link."""

MEANINGS: Final = tuple(status.value for status in Status if status is not Status.LOST)
"""What a word can mean; ``lost`` is what Reelway concludes by itself."""


class Description(Struct, frozen=True, kw_only=True):
    """A service, as far as its provider has to know it to begin with.

    Attributes:
        name: what the provider is called in references and on the command line.
        protocol: what the service speaks.
        title: its name as people write it.
        base_url: where it lives.
        words: its status words and what each means.
        time_unit: how it writes a moment.
        link: the place of the video's link in an answer; empty where the content route alone has the video.
        body: how a create travels.
    """

    name: str
    protocol: Protocol = Protocol.VIDEOS
    title: str = ""
    base_url: str = ""
    words: Mapping[str, Status] = {}
    time_unit: TimeUnit = TimeUnit.SECONDS
    link: Place = LINK
    body: BodyStyle = BodyStyle.JSON

    @property
    def shown_title(self) -> str:
        """The title, or what the name suggests."""
        return self.title or self.name.replace("-", " ").title()

    @property
    def address(self) -> str:
        """The address, or one that nobody has (RFC 2606)."""
        return self.base_url or f"https://api.{self.name}.example"

    @property
    def all_words(self) -> dict[str, Status]:
        """The words, each folded, and OpenAI's for the four statuses that every job can have."""
        said = {str(fold(word)): meant for word, meant in self.words.items()}
        usual = {word: meant for word, meant in WORDS.items() if meant not in said.values()}
        return dict(sorted((said | usual).items(), key=lambda row: MEANINGS.index(row[1])))


def problems_in(description: Description) -> list[Problem]:
    """All that is wrong with a description, by itself."""
    return [problem for rule in RULES for problem in rule(description)]


NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")

NAME_LENGTH: Final = range(2, 25)
"""A longer name would not fit the lines of the source."""

TITLE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 .,&+()!-]{0,39}")

WORD: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_. -]{0,39}")

PLACE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(?:\.(?:0|[A-Za-z_][A-Za-z0-9_-]*))*")

ADDRESS_LENGTH: Final = 80
PLACE_LENGTH: Final = 60

WRITTEN: Final = frozenset({"id", "status", "progress", "model", "created_at", "completed_at", "error"})
"""The other members of the answers."""


def _name(described: Description) -> Iterator[Problem]:
    if len(described.name) not in NAME_LENGTH or not NAME.fullmatch(described.name):
        message = f"{described.name[:40]!r} is not 2 to 24 small letters, digits and single hyphens, a letter first"
        yield Problem(field="name", message=message)


def _title(described: Description) -> Iterator[Problem]:
    if described.title and not TITLE.fullmatch(described.title):
        message = "is not up to 40 plain letters, digits, blanks and signs such as . , & + ( )"
        yield Problem(field="title", message=message)


def _base_url(described: Description) -> Iterator[Problem]:
    address = described.base_url
    # Not quoted: an address may hold a password.
    if address and (link(address) is None or set(address) & set("?#@'$") or len(address) > ADDRESS_LENGTH):
        message = "is no address such as https://api.example.com, without user name, query and fragment"
        yield Problem(field="base_url", message=message)


def _words(described: Description) -> Iterator[Problem]:
    for word, meant in described.words.items():
        if not WORD.fullmatch(word):
            yield Problem(field="word", message=f"{word[:40]!r} is not of plain letters, digits and _ . -")
        if meant not in MEANINGS:
            yield Problem(field="word", message=f"{word[:40]!r} cannot mean {meant}", allowed=MEANINGS)
    folded = [fold(word) for word in described.words]
    for twice in dict.fromkeys(word for word in folded if folded.count(word) > 1):
        yield Problem(
            field="word", message=f"{twice!r} is there twice; words are compared without case and hyphens"
        )
    said = {str(fold(word)): meant for word, meant in described.words.items()}
    for word in (word for word, meant in said.items() if WORDS.get(word, meant) != meant):
        usual = WORDS[word]
        if usual not in said.values():
            yield Problem(field="word", message=f"{word!r} usually means {usual}; say what {usual} is here as well")


def _link(described: Description) -> Iterator[Problem]:
    place = described.link
    if not place and described.protocol is Protocol.OWN:
        yield Problem(field="link", message="is needed, for there is no other way to the video")
    elif place and (not PLACE.fullmatch(place) or len(place) > PLACE_LENGTH):
        message = (
            f"{place[:40]!r} is no path into JSON: keys joined by dots, 0 for a list's first, as in 'output.0'"
        )
        yield Problem(field="link", message=message)
    elif place.partition(".")[0] in WRITTEN:
        yield Problem(field="link", message=f"{place.partition('.')[0]!r} holds another fact")


RULES: Final[tuple[Callable[[Description], Iterator[Problem]], ...]] = (_name, _title, _base_url, _words, _link)
