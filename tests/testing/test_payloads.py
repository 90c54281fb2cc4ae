"""The mutations reach what goes wrong in the world, stay within their size, and can be made again."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Final

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from reelway.testing.payloads import MAX_BYTES, TAPE_LENGTH, Tape, mutate, mutated

SAMPLE: Final = b'{"id": "job-1", "status": "completed", "output": ["https://cdn.example/1.mp4"], "progress": 100}'


def is_json(body: bytes) -> bool:
    try:
        json.loads(body, parse_int=str)
    except (ValueError, RecursionError):
        return False
    return True


def names_twice(body: bytes) -> bool:
    return is_json(body) and body.count(b'"status":') == 2


REACHED: Final[dict[str, Callable[[bytes], bool]]] = {
    "the sample itself": lambda body: body == SAMPLE,
    "a dropped member": lambda body: is_json(body) and b'"status"' not in body,
    "a member that stands twice": names_twice,
    "a value in another place": lambda body: is_json(body) and body.count(b'"completed"') == 2,
    "a number of hundreds of digits": lambda body: b"9" * 400 in body,
    "a number of thousands of digits": lambda body: b"9" * 5000 in body,
    "deep nesting": lambda body: b"[" * 5000 in body,
    "another id": lambda body: b'"task_of_somebody_else"' in body,
    "a control character": lambda body: b"\\u0000" in body,
    "an escape character": lambda body: b"\\u001b" in body,
    "half a character": lambda body: b"\\ud800" in body,
    "a look-alike letter": lambda body: b"\\u04" in body,
    "broken JSON": lambda body: not is_json(body),
    "bytes that are no text": lambda body: b"\xff" in body,
    "another encoding": lambda body: body.startswith(b"\xff\xfe"),
    "a web page": lambda body: body.startswith(b"<!doctype html>"),
    "no body": lambda body: body == b"",
}


@pytest.mark.parametrize("kind", REACHED)
def test_the_mutations_reach(kind: str) -> None:
    find(
        mutated(SAMPLE),
        REACHED[kind],
        random=Random(kind),
        settings=settings(max_examples=5_000, database=None, phases=[Phase.generate]),
    )


@pytest.mark.parametrize("kind", ["a member that stands twice", "another id", "a look-alike letter", "broken JSON"])
def test_what_leads_to_a_failure_is_made_simple(kind: str) -> None:
    found = find(
        st.binary(min_size=TAPE_LENGTH, max_size=TAPE_LENGTH),
        lambda tape: REACHED[kind](mutate(SAMPLE, Tape(tape))),
        random=Random(kind),
        settings=settings(max_examples=5_000, database=None),
    )
    # What is left are small numbers, and in most of the tape the first choice.
    assert len(found.rstrip(b"\x00")) <= TAPE_LENGTH // 2
    assert sum(map(bool, found)) <= 10


@given(tape=st.binary(max_size=TAPE_LENGTH), sample=st.sampled_from([SAMPLE, b"no JSON at all", b"", b"[]", b"1"]))
def test_a_tape_makes_the_same_body_again_and_none_that_is_too_long(tape: bytes, sample: bytes) -> None:
    body = mutate(sample, Tape(tape))
    assert body == mutate(sample, Tape(tape))
    assert len(body) <= MAX_BYTES


def test_without_decisions_the_sample_stays_whole() -> None:
    assert mutate(SAMPLE, Tape(b"")) == SAMPLE


def test_where_a_tape_ends_every_decision_is_the_first_choice() -> None:
    tape = Tape(b"\x02")
    assert [tape.pick("abc"), tape.pick("abc"), tape.pick("xyz")] == ["c", "a", "x"]
    assert (tape.number(10**6), tape.bytes(3)) == (0, b"")


@given(most=st.integers(0, 2**80), decisions=st.binary(max_size=12))
def test_a_number_is_within_its_bounds(most: int, decisions: bytes) -> None:
    assert 0 <= Tape(decisions).number(most) <= most


@pytest.mark.parametrize("size", [1, 2, 7, 256, 257])
def test_every_choice_can_be_made(size: int) -> None:
    chosen = {Tape(number.to_bytes(2, "big")).number(size - 1) for number in range(1 << 16)}
    assert chosen == set(range(size))
