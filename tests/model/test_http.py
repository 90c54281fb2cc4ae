"""Requests and answers are values; an id never leaves its place in an address."""

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.model.http import (
    FilePart,
    HttpRequest,
    HttpResponse,
    is_safe_id,
    json_request,
    json_response,
    segment,
)

anything = st.text(st.characters(exclude_categories=[]), max_size=40)


@given(task_id=anything)
def test_an_id_is_exactly_one_segment_or_refused(task_id: str) -> None:
    if not is_safe_id(task_id):
        with pytest.raises(ValueError, match="A task id must be"):
            segment(task_id)
        return
    path = urlsplit(f"https://api.example/v1/videos/{segment(task_id)}/content").path
    assert unquote(path.split("/")[3]) == task_id
    assert path.count("/") == 4


@pytest.mark.parametrize("task_id", ["", ".", "..", "a\nb", "a\x00", "\x7f", "\u2028", "\ud800", "x" * 513])
def test_an_id_that_could_escape_its_place_is_refused(task_id: str) -> None:
    assert not is_safe_id(task_id)


@pytest.mark.parametrize(
    ("task_id", "quoted"),
    [
        ("video_abc-1.2~3", "video_abc-1.2~3"),
        ("../../admin", "..%2F..%2Fadmin"),
        ("a?b#c", "a%3Fb%23c"),
        ("a%2Fb", "a%252Fb"),
        ("...", "..."),
    ],
)
def test_an_id_is_quoted_once(task_id: str, quoted: str) -> None:
    assert segment(task_id) == quoted


def test_headers_are_found_whatever_their_case() -> None:
    headers = (("X-Request-ID", "1"), ("x-request-id", "2"))
    assert HttpResponse(status=200, headers=headers).header("x-REQUEST-id") == "1"
    assert HttpRequest(method="GET", path="v1", headers=headers).header("Retry-After") is None


@pytest.mark.parametrize(
    ("written", "media_type"),
    [("application/json; charset=utf-8", "application/json"), (" Text/HTML ", "text/html"), ("", "")],
)
def test_the_media_type_is_compared_without_parameters_and_case(written: str, media_type: str) -> None:
    assert HttpResponse(status=200, headers=(("Content-Type", written),)).media_type == media_type


def test_an_answer_without_a_content_type_has_no_media_type() -> None:
    assert HttpResponse(status=200).media_type == ""


@pytest.mark.parametrize(
    ("status", "ok"), [(199, False), (200, True), (204, True), (299, True), (300, False), (404, False)]
)
def test_only_a_2xx_is_ok(status: int, ok: bool) -> None:
    assert HttpResponse(status=status).ok is ok


def test_the_same_document_always_gives_the_same_bytes() -> None:
    request = json_request("POST", "v1/videos", {"model": "acme-1", "seed": 7})
    assert request.body == b'{"model":"acme-1","seed":7}'
    assert request.header("content-type") == "application/json"


def test_an_answer_can_carry_more_headers() -> None:
    answer = json_response({}, 429, (("Retry-After", "3"),))
    assert (answer.status, answer.header("retry-after"), answer.media_type) == (429, "3", "application/json")


def test_a_file_shows_its_length_and_not_its_bytes() -> None:
    part = FilePart(field="image", filename="cat.png", content_type="image/png", content=b"\x89PNG" * 1000)
    assert repr(part) == "FilePart('image', 'cat.png', 'image/png', 4000 bytes)"
