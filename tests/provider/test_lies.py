"""A lie is not believed: each kind by name, at every provider, on every route and in every call that reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import permutations, product
from typing import Any, Final

import pytest

from reelway.errors import ErrorKind, ProviderError
from reelway.model.http import HttpResponse, json_response
from reelway.model.lifecycle import advance
from reelway.model.observation import Observation, Status
from reelway.model.task import Task, TaskRef
from reelway.provider.interface import Provider, kind_of_status
from reelway.provider.readers import Place
from reelway.provider.reading import read_callback, read_error
from reelway.provider.simulator import CallKind, SimulatedCall
from reelway.testing.clock import START
from tests.provider.calls import ASKED, CALLED_BACK, PROVIDERS, ends, named, outcome, readings
from tests.provider.ways import EVERY_WAY, FAMILY, Way, at, document, every_way, ways


def done_about(way: Way, place: Place, task_id: Any) -> dict[str, Any]:
    """An end of the task that is named at a place."""
    return way.answer({way.places.words[0]: way.word(Status.SUCCEEDED), place: task_id})


def test_it_is_known_where_every_answer_keeps_its_facts() -> None:
    assert all(way.places.ids and way.places.words for way in EVERY_WAY)
    linked = {way.provider.info.name for way in EVERY_WAY if way.places.links}
    assert linked == {provider.info.name for provider in PROVIDERS}


# An answer with another id than the one that was asked for.

OTHER_IDS: Final = (
    *("job-2", "job-10", "job", "JOB-1", " job-1", "job-1 ", "job-1\n", "job-1\x00", "job-1/", "job_1", "job%2D1"),
    *("j\u043eb-1", "job\u20101", "job-1\u200b", "job-\uff11", "0" * 5000),
)


@pytest.mark.parametrize("way", list(ways("retrieve")), ids=str)
def test_an_answer_about_another_id_is_refused(way: Way) -> None:
    for place, other in product(way.places.ids, OTHER_IDS):
        assert way.read(done_about(way, place, ASKED))
        refused = outcome(way.call, way.provider, json_response(done_about(way, place, other)), way.route)
        assert isinstance(refused, ProviderError)
        assert refused.kind is ErrorKind.PROTOCOL
        assert "another task than the one asked for" in refused.message


@pytest.mark.parametrize("way", list(ways("callback")), ids=str)
def test_a_callback_about_another_id_says_so(way: Way) -> None:
    for place, other in product(way.places.ids, OTHER_IDS):
        [seen] = way.read(done_about(way, place, other))
        assert seen.task_id == other


@pytest.mark.parametrize("way", list(ways("create")), ids=str)
@pytest.mark.parametrize(
    "unsafe",
    ["", ".", "..", "job\x00", "job\n", "\x1b[2J", "job\u202e", "job\ud800", "x" * 513, 7, True, ["job"], None],
)
def test_a_create_without_a_usable_id_is_refused(way: Way, unsafe: Any) -> None:
    for place in way.places.ids:
        assert way.read(done_about(way, place, "job-2"))
        assert way.read(done_about(way, place, unsafe)) == []


@pytest.mark.parametrize("way", list(ways("retrieve")), ids=str)
@pytest.mark.parametrize("other", OTHER_IDS, ids=ascii)
def test_an_error_is_never_about_another_id(way: Way, other: str) -> None:
    simulator = way.provider.simulator()
    assert simulator is not None
    call = SimulatedCall(kind=CallKind.RETRIEVE, route=way.route, task_id=ASKED)
    answer = simulator.answer_error(call, ErrorKind.NOT_FOUND)
    told = json.loads(answer.body) | document(dict.fromkeys(way.places.ids, other))
    response = HttpResponse(status=answer.status, headers=answer.headers, body=json.dumps(told).encode())
    [seen] = readings("retrieve", way.provider, response, way.route)
    assert seen == Observation(task_id=ASKED, not_found=True)


# One key twice, with values that disagree.

TWICE: Final = {
    "side by side": '{DONE,"KEY":ONE,"KEY":TWO}',
    "far apart": '{"KEY":ONE,DONE,"x":[{"y":{}}],"KEY":TWO}',
    "within": '{DONE,"x":{"KEY":ONE,"KEY":TWO}}',
    "deep within": '{DONE,"x":{"y":[[{"KEY":ONE,"KEY":TWO}]]}}',
    "spelt differently": '{DONE,"KEY":ONE,"\\u004bEY":TWO}',
}
"""Final answers in which one key stands twice."""

DISAGREEING: Final = {
    "texts": ('"a"', '"b"'),
    "a text and nothing": ('"a"', "null"),
    "a text and a list of it": ('"a"', '["a"]'),
    "numbers": ("1", "2"),
    "numbers of 4000 digits": ("9" * 4000, "9" * 3999 + "8"),
    "objects": ('{"a":1}', '{"a":2}'),
    "lists": ("[1,2]", "[2,1]"),
    "cases": ('"a"', '"A"'),
    "look-alikes": ('"a"', '"\u0430"'),
    "a NUL": ('"a"', '"a\\u0000"'),
}


@every_way
@pytest.mark.parametrize("form", TWICE)
def test_an_end_that_names_a_key_twice_with_different_values_is_refused(way: Way, form: str) -> None:
    told = TWICE[form].replace("DONE", json.dumps(way.done())[1:-1])
    for first, second in DISAGREEING.values():
        text = told.replace("ONE", first)
        assert way.read(text.replace("TWO", first).encode())
        assert way.read(text.replace("TWO", second).encode()) == []
        assert way.read(told.replace("ONE", second).replace("TWO", first).encode()) == []


def twice(told: dict[str, Any], place: Place, first: str, second: str) -> bytes:
    """An answer in which two values stand at one place, where it has a text."""
    key, mark = place.rpartition(".")[2], f'"{place.rpartition(".")[2]}": "HERE"'
    text = json.dumps(told)
    assert text.count(mark) == 1
    return text.replace(mark, f'"{key}": "{first}", "{key}": "{second}"').encode()


@every_way
def test_of_words_that_disagree_none_ends_a_task(way: Way) -> None:
    done = way.word(Status.SUCCEEDED)
    words = [done, way.word(Status.FAILED), way.word(Status.QUEUED), "meditating", done.swapcase()]
    for place in way.places.words:
        for first, second in permutations(words, 2):
            assert not any(map(ends, way.read(twice(way.about({place: "HERE"}), place, first, second))))


@every_way
def test_of_ids_that_disagree_none_is_believed(way: Way) -> None:
    for place in way.places.ids:
        for first, second in permutations([ASKED, "job-2"]):
            assert way.read(twice(way.done({place: "HERE"}), place, first, second)) == []


@every_way
def test_of_links_that_disagree_none_is_fetched(way: Way) -> None:
    # What stands in a list has no key.
    for place in (place for place in way.places.links if not place.endswith(".0")):
        told = way.done({place: "HERE"})
        assert way.read(twice(told, place, "https://cdn.example/1.mp4", "https://cdn.example/2.mp4")) == []


@pytest.mark.parametrize("provider", FAMILY, ids=named)
@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_of_an_error_whose_codes_disagree_the_status_alone_counts(provider: Any, status: int) -> None:
    telling = [token for _, token in provider.info.nothing_created]
    for place in provider.errors.codes:
        for first, second in permutations(["task_not_exist", "insufficient_user_quota", "other", *telling], 2):
            body = twice(at(place, "HERE"), place, first, second)
            error = read_error(provider, HttpResponse(status=status, body=body))
            assert (error.kind, error.code) == (kind_of_status(status), None)


@pytest.mark.parametrize("provider", PROVIDERS, ids=named)
@pytest.mark.parametrize("kind", [ErrorKind.AUTH, ErrorKind.QUOTA, ErrorKind.NOT_FOUND, ErrorKind.UNAVAILABLE])
def test_of_an_error_that_contradicts_itself_the_status_alone_counts(provider: Provider, kind: ErrorKind) -> None:
    simulator = provider.simulator()
    assert simulator is not None
    answer = simulator.answer_error(SimulatedCall(kind=CallKind.CREATE), kind)
    body = b'{"x":1,"x":2,' + answer.body.strip()[1:]
    assert json.loads(body)
    error = read_error(provider, HttpResponse(status=answer.status, headers=answer.headers, body=body))
    silent = read_error(provider, HttpResponse(status=answer.status, headers=answer.headers, body=b""))
    assert (error.kind, error.code) == (silent.kind, None)


# Words of somebody else.

ELSEWHERE: Final = {
    *("starting", "canceled", "aborted"),  # Replicate
    *("in_queue", "throttled", "dreaming"),  # fal, Runway, Luma
    *("preparing", "queueing", "fail", "created"),  # MiniMax, Vidu
    *("ready", "request_moderated", "content_moderated", "task_not_found"),  # Black Forest Labs
    *("task_status_queued", "task_status_processing", "task_status_succeed", "task_status_failed"),  # Novita
    *("finished", "complete", "generated", "unknown"),
}
"""Words of services that may or may not be installed, and what one might think of."""


def foreign_words(provider: Provider) -> list[str]:
    """What other providers declare, installed ones or not, and this one does not."""
    declared = {word for other in PROVIDERS for word in other.info.words}
    return sorted((declared | ELSEWHERE) - provider.info.words.keys())


def test_the_providers_do_not_all_speak_alike() -> None:
    assert sum(len(set(foreign_words(provider)) - ELSEWHERE) for provider in PROVIDERS) >= 5
    assert all(len(foreign_words(provider)) >= 20 for provider in PROVIDERS)


def spellings(word: str) -> list[str]:
    return [word, word.upper(), word.title(), word.replace("_", "-"), word.replace("_", " "), f" {word}\n"]


def said_everywhere(way: Way, word: str) -> Iterator[tuple[str, Observation]]:
    """The word in each spelling, and what is read where it stands in each of its places."""
    for written, place in product(spellings(word), way.places.words):
        [seen] = way.read(way.about({place: written}))
        yield written, seen


ONLY_CALLED_BACK: Final[Mapping[str, Mapping[str, Status]]] = {
    "fal": {"ok": Status.SUCCEEDED, "error": Status.FAILED},
}
"""Words that a provider has in its callbacks and nowhere else."""


@pytest.mark.parametrize("way", [way for way in EVERY_WAY if way.provider.info.name in ONLY_CALLED_BACK], ids=str)
def test_a_word_of_callbacks_means_something_in_them_alone(way: Way) -> None:
    for word, status in ONLY_CALLED_BACK[way.provider.info.name].items():
        for _, seen in said_everywhere(way, word):
            assert seen.status is (status if way.call == "callback" else None)


@every_way
def test_another_gateway_s_word_means_nothing_here(way: Way) -> None:
    own = ONLY_CALLED_BACK.get(way.provider.info.name, {}) if way.call == "callback" else {}
    for word in set(foreign_words(way.provider)) - own.keys():
        for written, seen in said_everywhere(way, word):
            assert (seen.provider_status, seen.status, ends(seen)) == (written, None, False)


@every_way
def test_a_provider_s_own_word_means_what_its_table_says(way: Way) -> None:
    for word, status in way.provider.info.words.items():
        for written, seen in said_everywhere(way, word):
            assert (seen.provider_status, seen.status, ends(seen)) == (written, status, status.final)


@pytest.mark.parametrize("provider", CALLED_BACK, ids=named)
def test_a_callback_that_nobody_signed_ends_nothing(provider: Provider) -> None:
    way, fresh = Way(provider, "callback", ""), Task.new(TaskRef("any", "default", "", ASKED), START)
    for word in provider.info.words:
        body = json.dumps(way.about(word=word)).encode()
        [seen] = read_callback(provider, (), body, verified=False)
        assert seen.provider_status == word
        assert advance(fresh, seen, START) == (fresh, ())


@every_way
@pytest.mark.parametrize(
    "value", [None, True, 1, 1.0, "", [], {}, ["completed"], {"completed": True}, {"status": "completed"}], ids=repr
)
def test_what_is_no_text_is_no_word(way: Way, value: Any) -> None:
    for place in way.places.words:
        [seen] = way.read(way.about({place: value}))
        assert (seen.status, ends(seen)) == (None, False)
