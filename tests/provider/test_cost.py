"""No body, however it is made, costs more to read than it may: 50 milliseconds of work, and 32 MiB of memory."""

from __future__ import annotations

import json
from functools import cache, partial
from itertools import cycle, product
from typing import Final, NamedTuple

import pytest

from reelway.errors import ErrorKind, ProviderError
from reelway.model.http import HttpResponse
from reelway.model.observation import Status
from reelway.provider.interface import Provider
from reelway.provider.reading import read_error
from reelway.provider.soundness import MOST_VALUES, READABLE, excess
from reelway.transport.http import API_BODY_LIMIT
from tests.provider.calls import CALLED_BACK, PROVIDERS, READS, Outcome, named, outcome
from tests.provider.cost import MEBIBYTES, SECONDS, mebibytes_of, seconds_of
from tests.provider.ways import EVERY_WAY, Way

EMOJI: Final = "\N{CLAPPER BOARD}".encode()


class Extreme(NamedTuple):
    """A final answer that holds one thing as often as fits into it, in the place of a fact or elsewhere."""

    unit: bytes
    before: bytes = b'"x":['
    after: bytes = b"0]"
    fact: str = ""

    def body(self, way: Way, size: int, values: int) -> bytes:
        """The longest such body within so many bytes and values, for whoever reads this way."""
        start, end = self._around(way)
        room = size - len(start) - len(end)
        times = room // len(self.unit)
        if each := _marks(self.unit):
            times = min(times, (values - 1 - _marks(start + end)) // each)
        return start + self.unit * times + end

    def _around(self, way: Way) -> tuple[bytes, bytes]:
        if not self.fact:
            return json.dumps(way.done())[:-1].encode() + b"," + self.before, self.after + b"}"
        [place, *_] = getattr(way.places, self.fact) or ("x",)
        end = Status.FAILED if self.fact == "failure_message" else Status.SUCCEEDED
        start, rest = json.dumps(way.about({way.places.words[0]: way.word(end)} | {place: "HERE"})).split('"HERE"')
        return start.encode() + self.before, self.after + rest.encode()


def _marks(text: bytes) -> int:
    return sum(map(text.count, (b",", b"[", b"{")))


def _texts(unit: bytes, first: bytes = b"") -> Extreme:
    return Extreme(unit, before=b'"x":"' + first, after=b'"')


def _told(fact: str, unit: bytes, first: bytes = b'"', last: bytes = b'"') -> Extreme:
    return Extreme(unit, before=first, after=last, fact=fact)


EXTREMES: Final = {
    # Deep nesting
    "nested lists": Extreme(b"[", after=b""),
    "nested objects": Extreme(b'{"a":', before=b'"x":', after=b""),
    "lists of nested lists": Extreme(b"[" * 30 + b"]" * 30 + b","),
    "lists of nested objects": Extreme(b'{"":' * 30 + b"0" + b"}" * 30 + b","),
    # Numbers of many digits
    "a number of all digits": _told("progress", b"9", b"", b""),
    "numbers of 5000 digits": Extreme(b"9" * 5000 + b","),
    "numbers of 4300 digits": Extreme(b"9" * 4300 + b","),
    "a fraction of all digits": _told("progress", b"9", b"0.", b""),
    "long fractions": Extreme(b"0." + b"9" * 800 + b","),
    "zeros": Extreme(b"0,"),
    # Long texts
    "a long text": _texts(b"a"),
    "a long text with one wide letter": _texts(b"a", first=EMOJI),
    "a long text of wide letters": _texts(EMOJI),
    "a long text of escapes": _texts(b"\\u0041"),
    "a long text of quotes": _texts(b'\\"'),
    "a long word": _told("words", b"a"),
    "a long word with one wide letter": _told("words", b"a", b'"' + EMOJI),
    "a word behind blanks": _told("words", b" ", b'"', b'completed"'),
    "a long id": _told("ids", b"a"),
    "a long link": _told("links", b"a", b'"https://cdn.example/'),
    "a long link of escapes": _told("links", b"%20", b'"https://cdn.example:1/'),
    "a long number as text": _told("progress", b"9"),
    "a long time": _told("created_at", b"0", b'"2026-01-01T00:00:00.'),
    "a long reason": _told("failure_message", b"Bearer "),
    "a long reason of short runs": _told("failure_message", b"a" * 39 + b" "),
    "a long reason in words": _told("failure_message", b"no "),
    # Many values
    "empty objects": Extreme(b"{},"),
    "small objects": Extreme(b'{"":0},'),
    "empty lists": Extreme(b"[],"),
    "one member again and again": Extreme(b'"a":0,', before=b"", after=b'"a":0'),
    "contradictions": Extreme(b'{"a":0,"a":1},'),
    "outputs": Extreme(b'"https://cdn.example/1.mp4",', before=b'"output":[', after=b'""]'),
    # No JSON at all
    "blanks": Extreme(b" ", before=b'"x":', after=b""),
    "a page": Extreme(b"<br>", before=b"<html>"),
    "a page of short runs": Extreme(b"a" * 39 + b" ", before=b"<html>"),
    "a page of links": Extreme(b"http://a ", before=b"<html>"),
    "a page of keys": Extreme(b"Bearer  ", before=b"<html>"),
    "NUL bytes": Extreme(b"\x00", before=b""),
    "bytes that are no text": Extreme(b"\xff", before=b'"x":"'),
}

MEMBERS: Final = 100_000
"""Of one object, with keys that differ, as no unit can."""


def read(call: str, provider: Provider, body: bytes) -> Outcome:
    return outcome(call, provider, HttpResponse(status=500 if call == "error" else 200, body=body))


@cache
def way_of(provider: Provider) -> Way:
    return next(way for way in EVERY_WAY if way.provider is provider and way.call == "retrieve")


@pytest.mark.parametrize("name", EXTREMES)
@pytest.mark.parametrize("provider", PROVIDERS, ids=named)
def test_no_body_costs_more_work_than_it_may(provider: Provider, name: str) -> None:
    for size in READABLE:
        body = EXTREMES[name].body(way_of(provider), *size)
        for call in READS:
            assert seconds_of(partial(read, call, provider, body)) <= SECONDS


TURNS: Final = list(zip(EXTREMES, cycle(product(PROVIDERS, READS)), strict=False))
"""Each extreme with a provider and a call, so that each of these has its turn."""

in_turn = pytest.mark.parametrize(("name", "turn"), TURNS, ids=[name for name, _ in TURNS])


@in_turn
def test_the_largest_body_that_can_arrive_costs_no_more(name: str, turn: tuple[Provider, str]) -> None:
    provider, call = turn
    body = EXTREMES[name].body(way_of(provider), API_BODY_LIMIT, API_BODY_LIMIT)
    assert seconds_of(partial(read, call, provider, body)) <= SECONDS
    assert mebibytes_of(partial(read, call, provider, body)) <= MEBIBYTES


@in_turn
def test_no_body_costs_more_memory_than_it_may(name: str, turn: tuple[Provider, str]) -> None:
    provider, call = turn
    for size in READABLE:
        body = EXTREMES[name].body(way_of(provider), *size)
        # A create does the most of all calls: it reads every body twice, and keeps what it read.
        for one in {call, "create"}:
            assert mebibytes_of(partial(read, one, provider, body)) <= MEBIBYTES


def test_every_provider_and_call_has_its_turn() -> None:
    assert {turn for _, turn in TURNS} == set(product(PROVIDERS, READS))


@cache
def with_members(way: Way, count: int) -> bytes:
    return json.dumps(way.done() | {f"key {number}": number for number in range(count)}).encode()


@pytest.mark.parametrize("call", READS)
@pytest.mark.parametrize("provider", PROVIDERS, ids=named)
def test_an_object_of_many_members_costs_no_more(provider: Provider, call: str) -> None:
    for members in (MOST_VALUES - 3, MEMBERS):
        body = with_members(way_of(provider), members)
        assert seconds_of(partial(read, call, provider, body)) <= SECONDS
        assert mebibytes_of(partial(read, call, provider, body)) <= MEBIBYTES


# What a task may have, and what is more.


@pytest.mark.parametrize("size", READABLE)
@pytest.mark.parametrize("name", EXTREMES)
def test_the_extremes_are_as_large_as_anything_that_is_read(name: str, size: tuple[int, int]) -> None:
    body = EXTREMES[name].body(way_of(PROVIDERS[0]), *size)
    assert excess(body) is None
    assert max(len(body) / size[0], _marks(body) / size[1]) > 0.9


@pytest.mark.parametrize("provider", PROVIDERS, ids=named)
def test_a_task_may_hand_back_a_picture(provider: Provider) -> None:
    picture = "data:image/png;base64," + "A" * 1_900_000
    way = way_of(provider)
    [seen] = way.read(way.done() | {"image": picture})
    assert seen.status is Status.SUCCEEDED


TOO_MUCH: Final = {
    "values": b'{"id":"job-1","status":"completed","x":[' + b"0," * MOST_VALUES + b"0]}",
    "values beside a long text": b'{"id":"job-1","status":"completed","x":['
    + b"0," * 100
    + b'"%s"]}' % (b"a" * 2**19),
    "bytes": b'{"id":"job-1","status":"completed","x":"' + b"a" * 2**21 + b'"}',
}


@pytest.mark.parametrize("call", ["create", "retrieve", "callback"])
@pytest.mark.parametrize("provider", CALLED_BACK, ids=named)
@pytest.mark.parametrize("much", TOO_MUCH)
def test_what_is_more_than_a_task_has_is_refused(provider: Provider, much: str, call: str) -> None:
    refused = read(call, provider, TOO_MUCH[much])
    assert isinstance(refused, ProviderError)
    assert refused.kind is ErrorKind.PROTOCOL
    assert "more than a task has" in refused.message


@pytest.mark.parametrize("provider", PROVIDERS, ids=named)
@pytest.mark.parametrize("much", TOO_MUCH)
def test_of_an_error_with_more_than_that_the_status_alone_counts(provider: Provider, much: str) -> None:
    body = TOO_MUCH[much].replace(b'"id"', b'"code":"task_not_exist","id"')
    assert read_error(provider, HttpResponse(status=400, body=body)).kind is ErrorKind.INVALID_REQUEST
    assert read_error(provider, HttpResponse(status=429, body=body)).kind is ErrorKind.RATE_LIMITED
