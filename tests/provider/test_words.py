"""A word means what its provider's table says, and nothing that only looks like it means anything."""

import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.model.observation import Status
from reelway.provider.interface import Provider
from reelway.provider.registry import Registry
from reelway.provider.words import LONGEST, fold, meaning
from reelway.testing.payloads import INTRUDERS

WORDS = {
    "queued": Status.QUEUED,
    "in_progress": Status.RUNNING,
    "succeeded": Status.SUCCEEDED,
    "ok": Status.SUCCEEDED,
}


@pytest.mark.parametrize(
    "word", ["in_progress", "IN_PROGRESS", "In-Progress", "in progress", " in_progress\r\n", "\tIN PROGRESS "]
)
def test_case_blanks_and_dashes_make_no_other_word(word: str) -> None:
    assert meaning(word, WORDS) is Status.RUNNING


@pytest.mark.parametrize(
    "word",
    [
        None,
        "",
        " ",
        "unknown",
        "inprogress",
        "in__progress",
        "in\tprogress",
        "succeeded!",
        "suc\u0441eeded",  # Cyrillic es
        "\u017fucceeded",  # long s
        "o\u212a",  # Kelvin sign
        "succ\u0435\u0435ded",  # Cyrillic ie
        "\uff33ucceeded",  # wide S
        "queue\u0301d",
        "queued\xa0",
        "in\xa0progress",
        "queued\x00",
        "queued\u200b",
        "queued\x0b",
        "\ufeffqueued",
        "queued\x7f",
        "queued\ud800",
    ],
)
def test_what_only_looks_like_a_word_stays_unknown(word: str | None) -> None:
    assert meaning(word, WORDS) is None


@pytest.mark.parametrize("blanks", [0, LONGEST - len("ok"), LONGEST, 10**6])
def test_a_word_with_more_blanks_than_any_page_shows_is_none(blanks: int) -> None:
    known = blanks <= LONGEST - len("ok")
    assert (meaning("ok" + " " * blanks, WORDS) is not None) == known
    assert (meaning(" " * blanks + "ok", WORDS) is not None) == known


@given(word=st.sampled_from(sorted(WORDS)), at=st.integers(0, 10), intruder=st.sampled_from(INTRUDERS))
def test_an_intruder_makes_a_word_unknown_unless_it_is_a_blank_at_its_end(
    word: str, at: int, intruder: str
) -> None:
    written = word[:at] + intruder + word[at:]
    known = intruder in {"\n", "\r\n"} and written.strip() == word
    assert (meaning(written, WORDS) is not None) == known


@pytest.mark.parametrize("blank", [" ", "\t", "\r", "\n", " \r\n"])
def test_blanks_around_a_word_are_no_part_of_it(blank: str) -> None:
    assert fold(f"{blank}queued{blank}") == "queued"


@pytest.mark.parametrize("mark", sorted(set(string.printable) - set(string.whitespace)))
def test_whatever_else_stands_at_an_end_makes_another_word(mark: str) -> None:
    assert meaning(f"{mark}queued", WORDS) is None
    assert meaning(f"queued{mark}", WORDS) is None


@given(word=st.text(st.characters(exclude_categories=[]), max_size=20))
def test_every_known_word_is_made_of_plain_letters(word: str) -> None:
    if meaning(word, WORDS) is not None:
        assert unicodedata.normalize("NFKC", word) == word
        assert word.isascii()


@given(word=st.text(st.characters(exclude_categories=[]), max_size=20))
def test_folding_twice_changes_nothing(word: str) -> None:
    folded = fold(word)
    assert folded is None or fold(folded) == folded


@pytest.mark.parametrize("provider", Registry.installed({}).providers, ids=lambda provider: provider.info.name)
def test_the_tables_of_installed_providers_can_be_reached(provider: Provider) -> None:
    info = provider.info
    assert [word for word in (*info.words, *info.failure_kinds) if fold(word) != word] == []
    assert "unknown" not in info.words
    assert Status.LOST not in info.words.values()


def test_a_word_has_a_hundred_characters_at_most() -> None:
    assert fold("a" * 100) == "a" * 100
    assert fold("a" * 101) is None
