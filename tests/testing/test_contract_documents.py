"""Documents are taken apart and put together again without loss."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.testing.contract.documents import (
    as_bytes,
    holders,
    put,
    put_all,
    reversed_members,
    shown,
    spots,
    value_at,
    verbatim,
    without,
    without_all,
)

scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
)

NESTED = {"id": "t", "data": {"output": ["a", {"b": []}], "none": {}}}


def test_places_are_where_values_stand() -> None:
    assert [shown(spot) for spot in spots(NESTED)] == ["id", "data.output.0", "data.output.1.b", "data.none"]
    assert [shown(spot) for spot in holders(NESTED)] == ["data", "data.output", "data.output.1"]
    assert shown(()) == "the document itself"


@given(document=documents)
def test_a_value_that_is_put_stands_there_and_nowhere_else(document: Any) -> None:
    before = repr(document)
    for spot in spots(document):
        changed = put(document, spot, "put")
        assert value_at(changed, spot) == "put"
        assert put(changed, spot, value_at(document, spot)) == document
    assert repr(document) == before


@given(document=documents)
def test_a_document_is_written_as_what_it_is(document: Any) -> None:
    assert json.loads(as_bytes(document)) == document


@given(document=documents)
def test_members_turned_around_twice_stand_as_before(document: Any) -> None:
    assert reversed_members(reversed_members(document)) == document
    assert as_bytes(reversed_members(reversed_members(document))) == as_bytes(document)


def test_members_are_taken_out_and_items_become_null() -> None:
    assert without(NESTED, ("data", "output", 0)) == {"id": "t", "data": {"output": [None, {"b": []}], "none": {}}}
    assert without_all(NESTED, [("id",), ("data", "none")]) == {"data": {"output": ["a", {"b": []}]}}
    assert put_all(NESTED, [("id",), ("data", "none")], 1)["data"]["none"] == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (verbatim("1e400"), b"[1e400]"),
        (10**30, b"[1000000000000000000000000000000]"),
        ("\ud800", b'["\xed\xa0\x80"]'),
        ([10**30, verbatim("01")], b"[[1000000000000000000000000000000,01]]"),
    ],
)
def test_what_no_careful_writer_lets_out_is_written(value: Any, text: bytes) -> None:
    assert as_bytes([value]) == text
