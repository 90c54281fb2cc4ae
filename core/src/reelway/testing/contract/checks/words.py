"""Status words: what is declared is understood, and nothing else ever ends a job."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from reelway.errors import ProviderError
from reelway.model.observation import Status
from reelway.provider.canonical import Call
from reelway.provider.interface import Provider
from reelway.provider.reading import BAD_ENDS
from reelway.provider.words import fold
from reelway.testing.contract.check import Group
from reelway.testing.contract.documents import put_all, without_all
from reelway.testing.contract.places import TASK_ID
from reelway.testing.contract.subject import Subject

words = Group("words")

LOOK_ALIKES: Final = (
    # Cyrillic letters.
    str.maketrans("aceiopxy", "\u0430\u0441\u0435\u0456\u043e\u0440\u0445\u0443"),
    # Those that careless comparing turns into the plain ones: the long s, the Kelvin sign, wide letters.
    str.maketrans("s", "\u017f"),
    str.maketrans("k", "\u212a"),
    str.maketrans("abcdefghijklmnopqrstuvwxyz", "".join(chr(0xFF41 + number) for number in range(26))),
)
"""Letters that look like the plain ones, or that become them."""

INVISIBLE: Final = ("{}\u200b", "\u202e{}", "\ufeff{}", "{}\u0301")
"""What shows nothing of itself."""

INVENTED: Final = ("warming_up", "moderating", "almost done", "contract-state", "unknown", "-", "✓", "0", "100%")
"""Words that no provider declares."""


@words.check()
def keys_are_folded(subject: Subject) -> Iterator[str]:
    """Words are compared in lower case with _ for blanks, so a key that is written otherwise is never found."""
    info = subject.provider.info
    for table, keys in (("words", info.words), ("failure_kinds", info.failure_kinds)):
        yield from (f"{key!r} in {table} is never found; write {fold(key)!r}" for key in keys if fold(key) != key)


@words.check()
def every_kind_of_state_has_a_word(subject: Subject) -> Iterator[str]:
    """A provider without a word for success, failure or work under way cannot be followed."""
    meant = set(subject.provider.info.words.values())
    for wanted in ({Status.QUEUED, Status.RUNNING}, {Status.SUCCEEDED}, {Status.FAILED}):
        if not meant & wanted:
            yield f"no word means {' or '.join(sorted(wanted))}"


@words.check()
def no_word_means_lost(subject: Subject) -> Iterator[str]:
    """A task is lost when nobody finds it any more, which is for Reelway to conclude and for no word to say."""
    found = (word for word, status in subject.provider.info.words.items() if status is Status.LOST)
    yield from (f"{word!r} is declared as lost" for word in found)


@words.check()
def unknown_is_no_end(subject: Subject) -> Iterator[str]:
    """Gateways write "unknown" before they have asked their own upstream; the job goes on."""
    declared = subject.provider.info.words.get("unknown")
    if declared is not None and declared.final:
        yield f"the word 'unknown' is declared as {declared}"


@words.check()
def failure_kinds_belong_to_bad_ends(subject: Subject) -> Iterator[str]:
    """The kind of a failure is looked up for bad ends alone; elsewhere the row says nothing."""
    info = subject.provider.info
    for word in info.failure_kinds:
        if info.words.get(word) not in BAD_ENDS:
            yield f"{word!r} has a kind of failure, and is not declared as a bad end"


@words.check()
def declared_word_has_its_meaning(subject: Subject) -> Iterator[str]:
    """A word that is declared and not understood keeps a finished job waiting until the deadline."""
    for word, status in subject.provider.info.words.items():
        yield from _read_otherwise(subject, word, status)


@words.check()
def case_and_blanks_do_not_matter(subject: Subject) -> Iterator[str]:
    """Gateways of one family write the same word in several ways, often in one answer."""
    for word, status in subject.provider.info.words.items():
        for spelt in (word.upper(), word.title(), f" {word}\t", word.replace("_", "-"), word.replace("_", " ")):
            yield from _read_otherwise(subject, spelt, status)


@words.check()
def word_is_kept_as_written(subject: Subject) -> Iterator[str]:
    """Whoever asks a provider's support has to quote what it wrote, and a translated word hides what is new."""
    for written in (*_spelt_oddly(subject.provider), "Warming Up", "moderating"):
        for answer, spots in subject.showing(subject.word):
            seen = subject.read(answer, put_all(answer.document, spots, written))
            if seen.provider_status != written:
                yield f"{answer.name}: {written!r} was kept as {seen.provider_status!r}"


@words.check()
def unknown_word_is_no_status(subject: Subject) -> Iterator[str]:
    """A word that nobody has seen before must not end a paid job, whatever it looks like."""
    table = subject.provider.info.words
    for word in _nearly(table):
        if fold(word) not in table:
            yield from _read_otherwise(subject, word, None)


@words.check()
def look_alike_is_unknown(subject: Subject) -> Iterator[str]:
    """Letters of other alphabets look like the plain ones; a word that is not the declared one declares nothing."""
    for word in subject.provider.info.words:
        spelt = {word.translate(table) for table in LOOK_ALIKES} | {form.format(word) for form in INVISIBLE}
        for look_alike in sorted(spelt - {word}):
            yield from _read_otherwise(subject, look_alike, None)


@words.check()
def missing_word_is_no_status(subject: Subject) -> Iterator[str]:
    """An answer without a word says nothing about the state, whatever else it holds."""
    for answer, spots in subject.showing(subject.word):
        yield from _tells_a_status(subject, answer, without_all(answer.document, spots), "without a word")


@words.check()
def null_is_no_word(subject: Subject) -> Iterator[str]:
    """Databases write null before a job has a state."""
    yield from _odd_values(subject, [None, ""])


@words.check()
def number_is_no_word(subject: Subject) -> Iterator[str]:
    """A number in the place of a word is a code of somebody else's; guessing at it ends paid jobs."""
    yield from _odd_values(subject, [0, 1, 2, 200, -1, 1.5, True, False])


@words.check()
def list_is_no_word(subject: Subject) -> Iterator[str]:
    """A word inside a list or an object is not where the provider says that it writes its word."""
    some = next(iter(subject.provider.info.words), "completed")
    yield from _odd_values(subject, [[], [some], {}, {"status": some}, [[some]]])


def _read_otherwise(subject: Subject, written: str, status: Status | None) -> Iterator[str]:
    for answer, spots in subject.showing(subject.word):
        try:
            seen = subject.read(answer, put_all(answer.document, spots, written))
        except ProviderError as error:
            yield f"{answer.name}: the word {written!r} made the answer unreadable: {error.message}"
            continue
        if seen.status is not status:
            yield f"{answer.name}: the word {written!r} was read as {_said(seen.status)}, not as {_said(status)}"


def _said(status: Status | None) -> str:
    return "no status" if status is None else status.value


def _odd_values(subject: Subject, values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        for answer, spots in subject.showing(subject.word):
            document = put_all(answer.document, spots, value)
            yield from _tells_a_status(subject, answer, document, f"{value!r} in place of the word")


def _tells_a_status(subject: Subject, answer: Any, document: Any, what: str) -> Iterator[str]:
    try:
        seen = subject.read(answer, document)
    except ProviderError as error:
        # Without a word and without an id nothing is left to be read.
        if answer.call is Call.CREATE or subject.spots(answer, TASK_ID):
            yield f"{answer.name}: {what} made the answer unreadable: {error.message}"
        return
    if seen.status is not None:
        yield f"{answer.name}: {what} was read as {seen.status}"


def _spelt_oddly(provider: Provider) -> list[str]:
    return [f" {word.upper()} " for word in provider.info.words]


def _nearly(table: Collection[str]) -> Iterator[str]:
    """Words that are not declared, among them those that begin, end or continue like one that is."""
    yield from INVENTED
    for word in table:
        yield from (f"{word}!", f"not_{word}", f"{word}_soon", f"{word}{word}", word[:-1], f"{word}\n{word}")
