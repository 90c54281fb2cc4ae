"""Look-alike letters, characters that have no place in a text, and numbers of thousands of digits end nothing."""

from __future__ import annotations

import json
import string
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from itertools import product
from typing import Final

import msgspec
import pytest

from reelway.errors import ErrorKind, ProviderError, TaskFailed
from reelway.model.http import HttpResponse
from reelway.model.lifecycle import advance
from reelway.model.observation import Observation, Status
from reelway.model.task import Task, TaskRef
from reelway.provider.interface import Provider
from reelway.provider.reading import read_error
from reelway.provider.videos_api import Places
from reelway.provider.words import ASCII_BLANKS
from reelway.results import settle
from reelway.testing.clock import START
from reelway.testing.payloads import INTRUDERS, LOOK_ALIKES
from tests.provider.calls import ASKED, PROVIDERS, ends, named
from tests.provider.ways import Way, every_way, ways

# Look-alikes.

PLAIN: Final = frozenset(string.ascii_lowercase + string.digits + "_-. ")
"""What words are made of."""

BEYOND: Final = 0x20000
"""From here on Unicode has ideographs and marks, and nothing that a rule of comparison takes for a plain letter."""


@cache
def imitations() -> Mapping[str, list[str]]:
    """For each plain letter everything in Unicode that some rule of comparison takes for it."""
    found = defaultdict(list)
    for one in map(chr, range(128, BEYOND)):
        forms = {one.lower(), one.upper().lower(), one.casefold(), unicodedata.normalize("NFKC", one).lower()}
        for letter in forms & PLAIN:
            found[letter].append(one)
    for code, other in LOOK_ALIKES.items():
        found[chr(code)].append(chr(other))
    return found


def test_every_letter_of_a_word_has_look_alikes() -> None:
    letters = {letter for provider in PROVIDERS for word in provider.info.words for letter in word}
    assert letters <= PLAIN
    assert all(len(imitations()[letter]) >= 3 for letter in letters)
    assert sum(map(len, imitations().values())) > 500


@pytest.mark.parametrize("way", list(ways("retrieve", "callback")), ids=str)
def test_a_word_with_a_look_alike_letter_means_nothing(way: Way) -> None:
    for word in way.provider.info.words:
        for at_letter, letter in enumerate(word):
            for one in imitations()[letter]:
                [seen] = way.read(way.about(word=word[:at_letter] + one + word[at_letter + 1 :]))
                assert (seen.status, ends(seen)) == (None, False)


@every_way
def test_a_word_all_of_look_alikes_means_nothing(way: Way) -> None:
    for word in way.provider.info.words:
        [seen] = way.read(way.about(word=word.translate(LOOK_ALIKES)))
        assert (seen.status, ends(seen)) == (None, False)


# NUL, escape characters, and other things that have no place in a text.

STRANGE: Final = tuple(
    dict.fromkeys((*map(chr, range(32)), "\x7f", "\x85", "\xa0", "\u2028", "\u2029", "\u3000", *INTRUDERS))
)


HALF: Final = "\ud800"


@every_way
def test_a_word_with_a_strange_character_means_nothing(way: Way) -> None:
    for word in way.provider.info.words:
        for one, position in product(STRANGE, (0, 1, len(word) // 2, len(word))):
            written = word[:position] + one + word[position:]
            blank_around = written.strip(ASCII_BLANKS) == word
            known = [one.status for one in way.read(way.about(word=written)) if one.status is not None]
            assert known == [way.provider.info.words[word]] * blank_around


def hidden_in_text(one: str) -> str:
    return f"no{one}thing \x1b]0;title\x07 \x00"


@pytest.mark.parametrize("provider", PROVIDERS, ids=named)
def test_no_strange_character_reaches_whoever_reads_an_error(provider: Provider) -> None:
    for said in map(hidden_in_text, STRANGE):
        for body in ({"message": said, "code": said}, {"error": {"message": said, "code": said}}, {"error": said}):
            headers = (("Content-Type", said),)
            response = HttpResponse(status=500, headers=headers, body=json.dumps(body).encode())
            assert str(read_error(provider, response)).isprintable()


@pytest.mark.parametrize("way", list(ways("retrieve")), ids=str)
def test_no_strange_character_reaches_whoever_waits_for_a_task_that_fails(way: Way) -> None:
    for one, place in product(STRANGE, (*way.places.failure_message, *way.places.failure_code)):
        seen = way.read(way.about({place: hidden_in_text(one)}, word=way.word(Status.FAILED)))
        # Half a character makes the whole answer no text.
        assert bool(seen) == (one != HALF)
        for failed in seen:
            assert str(error_of(failed)).isprintable()


def error_of(seen: Observation) -> TaskFailed:
    """What is raised where one waits for a task that ends so."""
    task, _ = advance(Task.new(TaskRef("any", "default", "", ASKED), START), seen, START)
    with pytest.raises(TaskFailed) as caught:
        settle(task, raise_on_failure=True)
    return caught.value


HARMLESS: Final = frozenset({"'", "%2F", "/", "../"})
"""What a link may hold."""


@every_way
def test_a_link_with_a_strange_character_is_none(way: Way) -> None:
    for place in way.places.links:
        link = "https://cdn.example/1.mp4"
        assert [video.url.reveal() for seen in way.read(way.done({place: link})) for video in seen.videos] == [link]
        for one in STRANGE:
            for seen in way.read(way.done({place: f"https://cdn.example/{one}1.mp4"})):
                assert one in HARMLESS or seen.videos == ()


# Numbers of thousands of digits.

DIGITS: Final = {
    "4000 digits": "9" * 4000,
    "5000 digits": "9" * 5000,
    "5000 digits below zero": "-" + "9" * 5000,
    "5000 digits behind the point": "0." + "9" * 5000,
    "5000 digits before an exponent": "9" * 5000 + "e-4990",
    "an exponent of 5000 digits": "1e" + "9" * 5000,
    "5000 zeros": "1" + "0" * 5000,
}


@every_way
@pytest.mark.parametrize("written", ["%s", '"%s"'], ids=["number", "text"])
def test_a_number_of_5000_digits_is_read_as_nothing_or_refused(way: Way, written: str) -> None:
    for field, digits in product(msgspec.structs.fields(Places), DIGITS.values()):
        for place in getattr(way.places, field.name):
            text = json.dumps(way.about({way.places.words[0]: way.word(Status.QUEUED)} | {place: "HERE"}))
            for seen in way.read(text.replace('"HERE"', written % digits).encode()):
                moments = (seen.created_at, seen.completed_at, seen.expires_at)
                assert moments == (None, None, None) or abs(Decimal(digits)) < 10**15
                assert not ends(seen)


@pytest.mark.parametrize("provider", PROVIDERS, ids=named)
@pytest.mark.parametrize("digits", DIGITS)
def test_an_error_with_a_number_of_5000_digits_is_an_error(provider: Provider, digits: str) -> None:
    for text in ('{"code":%s}', '{"error":{"code":%s,"message":%s}}', '{"error":%s}', '{"message":"%s"}', "%s"):
        body = text.replace("%s", DIGITS[digits]).encode()
        error = read_error(provider, HttpResponse(status=500, body=body))
        assert (type(error), error.kind) == (ProviderError, ErrorKind.UNAVAILABLE)
        assert len(str(error)) < 1000
