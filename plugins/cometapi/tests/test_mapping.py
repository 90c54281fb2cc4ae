"""How requests are written: each family's own form, field by field."""

from __future__ import annotations

from typing import Any

import pytest

from reelway.errors import InvalidRequest
from reelway.model.http import FilePart, Multipart
from reelway.model.request import Media, VideoRequest
from reelway.provider.models import OnUnsupported, check
from reelway_cometapi import CometApi

COMET = CometApi()
PNG = b"\x89PNG\r\n\x1a\n"
FIRST = Media(content=PNG + b"first", filename="first.png")
LAST = Media(content=PNG + b"last", filename="last.png")
THIRD = Media(content=PNG + b"third", filename="third.png")


def form(model: str, on_unsupported: OnUnsupported = OnUnsupported.ERROR, **fields: Any) -> Multipart:
    request = VideoRequest(model=model, prompt="A paper boat", **fields)
    checked = check(request, COMET.models, on_unsupported)
    wire = COMET.encode_create(checked.request, checked.spec)
    assert (wire.method, wire.path) == ("POST", "v1/videos")
    assert isinstance(wire.body, Multipart)
    return wire.body


def part(media: Media) -> FilePart:
    content = media.content or b""
    return FilePart(field="input_reference", filename=media.name, content_type="image/png", content=content)


def written(model: str, **fields: str) -> dict[str, str]:
    return {"model": model, "prompt": "A paper boat", **fields}


FIELDS = [
    (
        {"model": "seedance-2", "duration": 5, "aspect_ratio": "16:9", "resolution": "720p"},
        written("doubao-seedance-2-0", seconds="5", size="16:9", resolution="720p"),
    ),
    # The field `resolution` has no 1080p for 2.0; the newer page gives the pixels.
    (
        {"model": "seedance-2", "aspect_ratio": "21:9", "resolution": "1080p"},
        written("doubao-seedance-2-0", size="2206x946"),
    ),
    ({"model": "seedance-2", "resolution": "1080p"}, written("doubao-seedance-2-0", size="1920x1080")),
    ({"model": "seedance-2", "resolution": "480p"}, written("doubao-seedance-2-0", resolution="480p")),
    ({"model": "seedance-2", "size": "834x1112"}, written("doubao-seedance-2-0", size="834x1112")),
    ({"model": "seedance-2"}, written("doubao-seedance-2-0")),
    (
        {"model": "seedance-1-5-pro", "duration": 12, "aspect_ratio": "9:16", "resolution": "1080p"},
        written("doubao-seedance-1-5-pro", seconds="12", size="9:16", resolution="1080p"),
    ),
    (
        {"model": "seedance-1-0-pro", "duration": 2.0, "size": "1248x704"},
        written("doubao-seedance-1-0-pro", seconds="2", size="1248x704"),
    ),
    (
        {"model": "seedance-2-5", "duration": 30, "aspect_ratio": "16:9", "resolution": "480p"},
        written("seedance-2-5", seconds="30", size="854x480"),
    ),
    ({"model": "seedance-2-5", "aspect_ratio": "16:9"}, written("seedance-2-5", size="16:9")),
    (
        {"model": "sora-2", "duration": 8, "aspect_ratio": "9:16", "resolution": "720p"},
        written("sora-2", seconds="8", size="720x1280"),
    ),
    ({"model": "sora-2-pro", "size": "1792x1024"}, written("sora-2-pro", size="1792x1024")),
    ({"model": "sora-2", "resolution": "720p"}, written("sora-2", size="1280x720")),
    ({"model": "sora-2"}, written("sora-2")),
    ({"model": "veo3-fast", "aspect_ratio": "9:16"}, written("veo3-fast", size="9x16")),
    ({"model": "veo3-fast"}, written("veo3-fast")),
    (
        {"model": "omni-fast", "duration": 4, "aspect_ratio": "9:16", "resolution": "720p"},
        written("omni-fast", seconds="4", aspect_ratio="9:16", resolution="720p"),
    ),
    (
        {"model": "wan2.6", "duration": 10, "aspect_ratio": "4:3", "resolution": "720p"},
        written("wan2.6", seconds="10", size="1088x832"),
    ),
    ({"model": "wan2.7", "aspect_ratio": "1:1"}, written("wan2.7", size="1440x1440")),
    (
        {"model": "viduq3-turbo", "duration": 1, "resolution": "540p"},
        written("viduq3-turbo", seconds="1", size="960x528"),
    ),
    ({"model": "happyhorse-1.0", "aspect_ratio": "9:16"}, written("happyhorse-1.0", size="1080x1920")),
    (
        {"model": "wan3.0", "duration": 5, "size": "1280x720", "extra": {"watermark": False, "shot": {"n": 1}}},
        written("wan3.0", seconds="5", size="1280x720", watermark="false", shot='{"n":1}'),
    ),
]


@pytest.mark.parametrize(("fields", "expected"), FIELDS)
def test_a_request_becomes_exactly_these_fields(fields: dict[str, Any], expected: dict[str, str]) -> None:
    body = form(**fields)
    assert dict(body.fields) == expected
    assert len(body.fields) == len(expected)
    assert body.files == ()


@pytest.mark.parametrize("model", ["seedance-2", "seedance-2-fast"])
def test_seedance_numbers_its_pictures_in_the_order_of_the_parts(model: str) -> None:
    body = form(model, first_frame=FIRST, references=(LAST, THIRD))
    assert body.files == (part(FIRST), part(LAST), part(THIRD))


@pytest.mark.parametrize("model", ["sora-2", "veo3-fast", "seedance-2-5"])
def test_a_first_frame_travels_as_a_file(model: str) -> None:
    assert form(model, first_frame=FIRST).files == (part(FIRST),)


def test_veo_is_given_the_first_frame_before_the_last() -> None:
    assert form("veo3-fast", last_frame=LAST, first_frame=FIRST).files == (part(FIRST), part(LAST))


@pytest.mark.parametrize("policy", [OnUnsupported.ERROR, OnUnsupported.WARN])
def test_veo_would_take_a_lone_last_frame_for_the_first_so_it_is_always_refused(policy: OnUnsupported) -> None:
    with pytest.raises(InvalidRequest, match="together with a first_frame only"):
        form("veo3-fast", policy, last_frame=LAST)


def test_a_resolution_that_the_model_lacks_is_sent_as_it_is_when_the_user_insists() -> None:
    body = form("seedance-2-fast", OnUnsupported.WARN, aspect_ratio="16:9", resolution="1080p")
    assert dict(body.fields) == written("doubao-seedance-2-0-fast", size="16:9", resolution="1080p")


def test_a_size_that_veo_lacks_is_sent_as_it_is_when_the_user_insists() -> None:
    body = form("veo3-fast", OnUnsupported.WARN, size="1280x720")
    assert dict(body.fields) == written("veo3-fast", size="1280x720")


def test_a_picture_that_was_not_read_is_not_sent() -> None:
    with pytest.raises(InvalidRequest, match="the file was not read"):
        form("seedance-2", references=(Media(url="https://example.com/boat.png"),))
