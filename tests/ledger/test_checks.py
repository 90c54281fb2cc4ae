"""What a user may have kept with a job is checked before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.errors import InvalidRequest
from reelway.ledger.checks import (
    DEEPEST_METADATA,
    LARGEST_METADATA,
    LONGEST_KEY,
    LONGEST_LABEL,
    checked_key,
    checked_label,
    checked_metadata,
)
from reelway.ledger.codec import dump, load
from reelway.testing.ledgers.values import JSON


def problem_of(check: Any, value: object) -> str:
    """What is said of a value that is refused."""
    with pytest.raises(InvalidRequest) as refused:
        check(value)
    [problem] = refused.value.problems
    return str(problem)


def nested(levels: int) -> Mapping[str, Any]:
    value: Any = 1
    for _ in range(levels):
        value = {"in": value}
    return dict(value)


@pytest.mark.parametrize("label", [None, "", "a boat", "視頻 🏳️‍🌈", "می‌خواهم", "x" * LONGEST_LABEL])
def test_a_label_that_can_be_shown_is_kept_as_it_is(label: str | None) -> None:
    assert checked_label(label) == label


@pytest.mark.parametrize("key", [None, "k", " ", "order-7/α", "x" * LONGEST_KEY])
def test_a_key_that_can_be_shown_is_kept_as_it_is(key: str | None) -> None:
    assert checked_key(key) == key


@pytest.mark.parametrize(
    ("label", "problem"),
    [
        (7, "label: a text is wanted, not int"),
        (b"boat", "label: a text is wanted, not bytes"),
        ("x" * 201, "label: 0 to 200 characters are wanted, not 201"),
        ("two\nlines", r"label: '\n' cannot be printed"),
        ("\ud800", r"label: '\ud800' cannot be printed"),
        ("\u202egnp.exe", r"label: '\u202e' cannot be printed"),
        ("\0", r"label: '\x00' cannot be printed"),
    ],
)
def test_a_label_that_cannot_be_shown_is_refused(label: object, problem: str) -> None:
    assert problem_of(checked_label, label) == problem


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("", "idempotency_key: 1 to 255 characters are wanted, not 0"),
        ("x" * 256, "idempotency_key: 1 to 255 characters are wanted, not 256"),
        (7, "idempotency_key: a text is wanted, not int"),
        ("\x7f", r"idempotency_key: '\x7f' cannot be printed"),
    ],
)
def test_a_key_that_names_nothing_is_refused(key: object, problem: str) -> None:
    assert problem_of(checked_key, key) == problem


@given(st.dictionaries(st.text(), JSON, max_size=3))
def test_metadata_comes_back_as_it_was(metadata: dict[str, Any]) -> None:
    kept = checked_metadata(metadata)
    assert kept == metadata
    assert load(dump(kept), dict[str, Any]) == metadata


def test_metadata_is_kept_as_json_gives_it_back() -> None:
    given = MappingProxyType({"sizes": (1, 2), "inner": MappingProxyType({"a": None})})
    assert checked_metadata(given) == {"sizes": [1, 2], "inner": {"a": None}}
    assert checked_metadata(None) == {}


def test_metadata_that_is_changed_later_is_kept_as_it_was_given() -> None:
    given = {"sizes": [1]}
    kept = checked_metadata(given)
    given["sizes"].append(2)
    assert kept == {"sizes": [1]}


def test_metadata_may_be_as_large_and_as_deep_as_is_said() -> None:
    around = len('{"a": ""}')
    assert checked_metadata({"a": "x" * (LARGEST_METADATA - around)})
    assert checked_metadata(nested(DEEPEST_METADATA)) == nested(DEEPEST_METADATA)


CIRCLE: dict[str, Any] = {}
CIRCLE["in"] = CIRCLE


@pytest.mark.parametrize(
    ("metadata", "problem"),
    [
        ([("a", 1)], "metadata: a mapping is wanted, not list"),
        ("{}", "metadata: a mapping is wanted, not str"),
        ({"a": datetime(2026, 1, 1, tzinfo=UTC)}, "JSON cannot hold it: Object of type datetime"),
        ({"a": {b"b"}}, "JSON cannot hold it: Object of type set"),
        ({"a": float("nan")}, "JSON cannot hold it: Out of range float"),
        ({"a": float("inf")}, "JSON cannot hold it: Out of range float"),
        ({"a": [{7: "seven"}]}, "JSON cannot hold it: the key 7 is no text"),
        (nested(DEEPEST_METADATA + 1), "JSON cannot hold it: it is more than 32 levels deep"),
        (CIRCLE, "JSON cannot hold it: it is more than 32 levels deep"),
        ({"a": "ß" * LARGEST_METADATA}, f"{2 * LARGEST_METADATA + 9} bytes as JSON are too many; at most 65536"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_metadata_that_json_cannot_hold_is_refused(metadata: object, problem: str) -> None:
    assert problem in problem_of(checked_metadata, metadata)
