"""When two wishes are the same: whatever was asked for counts, and how it was written does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reelway import Media, TaskRef, VideoRequest
from reelway.digesting import remix_digest, request_digest

REF = TaskRef("acme", "default", "", "task-1")


def wish(**fields: Any) -> VideoRequest:
    return VideoRequest(model="acme-1", **fields)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"duration": 5}, {"duration": 5.0}),
        ({"extra": {"a": 1, "b": [2]}}, {"extra": {"b": (2,), "a": 1}}),
        ({"callback_url": "https://example.com/a"}, {"callback_url": "https://example.com/b"}),
        ({"first_frame": Media(content=b"a")}, {"first_frame": Media(content=b"a", filename="a.png")}),
    ],
)
def test_the_same_wish_has_the_same_digest(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert request_digest(wish(**one)) == request_digest(wish(**other))


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": "A dog."},
        {"duration": 5.5},
        {"audio": True},
        {"extra": {"a": 1}},
        {"first_frame": Media(content=b"a")},
        {"first_frame": Media(path=Path("a.png"))},
        {"first_frame": Media(url="https://example.com/a.png")},
        {"last_frame": Media(content=b"a")},
        {"prompt": "half a character: \ud800"},
        {"extra": {"a": object}},
    ],
)
def test_another_wish_has_another_digest(fields: dict[str, Any]) -> None:
    assert request_digest(wish(**fields)) != request_digest(wish())
    assert request_digest(wish(**fields)) == request_digest(wish(**fields))


def test_a_remix_is_a_wish_of_its_own() -> None:
    assert remix_digest(REF, "Slower.", None) == remix_digest(REF, "Slower.", None)
    digests = {remix_digest(REF, "Slower.", None), remix_digest(REF, "Faster.", None), request_digest(wish())}
    assert len(digests | {remix_digest(REF, "Slower.", "acme-1")}) == 4
