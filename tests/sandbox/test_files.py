"""Files are served as RFC 9110 says: whole, in part, on condition, or not at all."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.model.http import HttpRequest, HttpResponse
from reelway.sandbox.files import file_answer
from reelway.sandbox.video import etag, video_of

CONTENT = video_of("acme", "task-1")
SIZE = len(CONTENT)


def ask(*headers: tuple[str, str], method: str = "GET", ranges: bool = True) -> HttpResponse:
    return file_answer(HttpRequest(method=method, path="/", headers=headers), CONTENT, ranges=ranges)


def test_the_whole_file_comes_with_its_length_and_a_strong_validator() -> None:
    answer = ask()
    assert (answer.status, answer.body) == (200, CONTENT)
    assert answer.header("content-length") == str(SIZE)
    assert answer.header("etag") == etag(CONTENT)
    assert answer.header("accept-ranges") == "bytes"
    assert answer.media_type == "video/mp4"


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [
        ("bytes=0-9", 0, 9),
        ("bytes=10-", 10, SIZE - 1),
        ("bytes=-5", SIZE - 5, SIZE - 1),
        ("bytes=0-999999999", 0, SIZE - 1),
        ("bytes=-999999999", 0, SIZE - 1),
        ("BYTES=3-3", 3, 3),
    ],
)
def test_a_range_is_served_as_such(wanted: str, first: int, last: int) -> None:
    answer = ask(("Range", wanted))
    assert (answer.status, answer.body) == (206, CONTENT[first : last + 1])
    assert answer.header("content-range") == f"bytes {first}-{last}/{SIZE}"
    assert answer.header("content-length") == str(last + 1 - first)


@pytest.mark.parametrize("wanted", [f"bytes={SIZE}-", "bytes=-0", f"bytes={SIZE}-{SIZE + 5}"])
def test_a_range_beyond_the_end_is_refused_with_the_length(wanted: str) -> None:
    answer = ask(("Range", wanted))
    assert (answer.status, answer.body) == (416, b"")
    assert answer.header("content-range") == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    "wanted", ["bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,4-5", "lines=0-1", "bytes=a-b", ""]
)
def test_what_is_no_single_range_is_ignored(wanted: str) -> None:
    assert ask(("Range", wanted)).status == 200


def test_a_range_holds_only_for_the_file_it_was_asked_of() -> None:
    assert ask(("Range", "bytes=5-"), ("If-Range", etag(CONTENT))).status == 206
    assert ask(("Range", "bytes=5-"), ("If-Range", '"another"')).status == 200
    assert ask(("Range", "bytes=5-"), ("If-Range", f"W/{etag(CONTENT)}")).status == 200


def test_head_tells_everything_but_the_bytes() -> None:
    assert ask(method="HEAD") == HttpResponse(status=200, headers=ask().headers)
    assert ask(("Range", "bytes=1-2"), method="HEAD").header("content-length") == "2"


def test_a_store_without_ranges_sends_all_and_names_no_validator() -> None:
    answer = ask(("Range", "bytes=5-"), ranges=False)
    assert (answer.status, answer.body, answer.header("etag")) == (200, CONTENT, None)


@given(st.lists(st.integers(min_value=0, max_value=SIZE), max_size=8))
def test_ranges_at_any_offsets_make_up_the_file(offsets: list[int]) -> None:
    cuts = sorted({0, SIZE, *offsets})
    spans = [f"bytes={start}-{end - 1}" for start, end in pairwise(cuts)]
    assert b"".join(ask(("Range", span)).body for span in spans) == CONTENT


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_headers_get_an_answer(wanted: str, condition: str) -> None:
    answer = ask(("Range", wanted), ("If-Range", condition))
    assert answer.status in {200, 206, 416}
    assert re.fullmatch("[0-9]+", answer.header("content-length") or "")
