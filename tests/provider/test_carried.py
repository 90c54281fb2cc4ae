from __future__ import annotations

import pytest

from reelway.model.http import HttpRequest, json_request
from reelway.model.request import Media, VideoRequest
from reelway.provider.carried import lost_fields

PICTURE = Media(content=b"\x89PNG\r\n\x1a\n")

GIVEN = {
    "duration": 5,
    "aspect_ratio": "16:9",
    "resolution": "720p",
    "size": "1280x720",
    "seed": 7,
    "audio": True,
    "callback_url": "https://example.com/hook",
    "first_frame": PICTURE,
    "last_frame": PICTURE,
    "references": (PICTURE,),
}


def deaf(request: VideoRequest) -> HttpRequest:
    return json_request("POST", "v1/videos", {"model": request.model, "prompt": request.prompt})


def attentive(request: VideoRequest) -> HttpRequest:
    read = {name: repr(getattr(request, name)) for name in GIVEN}
    return json_request("POST", "v1/videos", read)


def with_a_default(request: VideoRequest) -> HttpRequest:
    return json_request("POST", "v1/videos", {"resolution": request.resolution or "720p"})


@pytest.mark.parametrize("field", GIVEN)
def test_a_field_that_no_row_of_the_form_reads_is_a_problem(field: str) -> None:
    request = VideoRequest(model="m", prompt="p", **{field: GIVEN[field]})  # type: ignore[arg-type]
    assert [problem.field for problem in lost_fields(request, deaf)] == [field]


@pytest.mark.parametrize("field", GIVEN)
def test_a_field_that_is_read_is_none(field: str) -> None:
    request = VideoRequest(model="m", prompt="p", **{field: GIVEN[field]})  # type: ignore[arg-type]
    assert list(lost_fields(request, attentive)) == []


def test_a_field_that_equals_the_default_of_the_form_is_not_lost() -> None:
    assert list(lost_fields(VideoRequest(model="m", resolution="720p"), with_a_default)) == []


def test_a_request_without_optional_fields_loses_none() -> None:
    assert list(lost_fields(VideoRequest(model="m", prompt="p"), deaf)) == []
