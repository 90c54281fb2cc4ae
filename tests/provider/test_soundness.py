"""Whether a body contradicts itself: by a proof where there is one, and else by reading it member by member."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, example, given

from reelway.provider.soundness import contradicts_itself
from reelway.testing.payloads import mutated

SAMPLE = (
    b'{"id": "job-1", "status": "done", "data": {"status": "done", "url": "https://a.example/?b=1&c=2"}, "x": [1]}'
)

DEEP = (b"[" * 900, b'{"a":' * 900)
"""How deep a body may be nested is not the same for both."""


class Twice(Exception):
    pass


def told_member_by_member(body: bytes) -> bool:
    """The same, the slow way."""

    def consistent(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for key, value in pairs:
            if key in kept and kept[key] != value:
                raise Twice
            kept[key] = value
        return kept

    try:
        json.loads(body, object_pairs_hook=consistent, parse_int=str)
    except Twice:
        return True
    return False


def unless_unreadable(call: Callable[[], bool]) -> bool | None:
    try:
        return call()
    except (ValueError, RecursionError):
        return None


@given(body=mutated(SAMPLE))
@example(SAMPLE)
def test_the_proof_and_the_slow_way_agree(body: bytes) -> None:
    assume(not any(start in body for start in DEEP))
    told = unless_unreadable(lambda: contradicts_itself(body, strictly=True))
    assert told == unless_unreadable(lambda: told_member_by_member(body))


SLY = {
    "a quotation mark in disguise makes up for one that is lost": r'{"a": 1, "a": 2, "x": "\u0022\u0022"}',
    "in the key": r'{"a": 1, "a": 2, "\u0022\u0022": 0}',
    "in the value that is lost": r'{"a": "\u0022\u0022", "a": ""}',
    "beside plain ones": r'{"a": "\"", "a": "\u0022\u0022\""}',
    "behind a backslash": r'{"a": "\\u0022", "a": "\\\u0022"}',
    "a key in another spelling": r'{"a": 1, "\u0061": 2}',
    "an empty key": '{"": 1, "": 2}',
    "numbers in another spelling": '{"a": 1.0, "a": 1.5, "b": 1e2}',
    "blanks between all": '{ "a" : 1 ,\n\t"a" : 2 }',
    "deep within": '{"x": [[{"y": {"a": "b", "a": "c"}}]]}',
}


@pytest.mark.parametrize("name", SLY)
def test_no_way_of_writing_hides_a_contradiction(name: str) -> None:
    assert contradicts_itself(SLY[name].encode())


SOUND = {
    "as gateways in Go write it": r'{"url": "https://a.example/?b=1\u0026c=2", "x": "\u003c\u003e"}',
    "quotation marks inside of texts": r'{"a": "\"", "b": "say \"no\"", "\"": "\\"}',
    "quotation marks in disguise": r'{"a": "\u0022"}',
    "said twice alike": '{"a": 1, "a": 1}',
    "one key in several objects": '{"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 2}]}',
    "numbers that no machine holds": '{"a": ' + "9" * 400 + "}",
}


@pytest.mark.parametrize("name", SOUND)
def test_what_says_one_thing_is_sound(name: str) -> None:
    assert not contradicts_itself(SOUND[name].encode(), strictly=True)
