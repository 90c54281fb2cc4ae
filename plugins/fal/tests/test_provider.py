"""What goes to fal: the model as the path, the app as the route, the input as the body."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from reelway.errors import InvalidRequest
from reelway.model.http import HttpRequest
from reelway.model.request import Media, VideoRequest
from reelway.provider.models import CheckedRequest, OnUnsupported, check
from reelway_fal import Fal, reelway_providers

PROVIDER = Fal()
PICTURE = Media(url="https://example.com/a.png")
LAST = Media(url="https://example.com/z.png")
KLING = "fal-ai/kling-video/v2.5-turbo/pro"


def checked(**fields: Any) -> CheckedRequest:
    return check(VideoRequest(**{"prompt": "A cat.", **fields}), PROVIDER.models, OnUnsupported.ERROR)


def created(**fields: Any) -> HttpRequest:
    ready = checked(**fields)
    return PROVIDER.encode_create(ready.request, ready.spec)


def body(**fields: Any) -> dict[str, Any]:
    written = created(**fields).body
    assert isinstance(written, bytes)
    document: dict[str, Any] = msgspec.json.decode(written)
    return document


@pytest.mark.parametrize(
    ("model", "route"),
    [
        ("fal-ai/veo3.1", "fal-ai/veo3.1"),
        ("veo-3.1", "fal-ai/veo3.1"),
        (f"{KLING}/text-to-video", "fal-ai/kling-video"),
        ("bytedance/seedance-2.0/text-to-video", "bytedance/seedance-2.0"),
        ("workflows/me/mine/draft", "workflows/me/mine"),
        ("comfy/me/mine", "comfy/me/mine"),
        ("new", "new"),
    ],
)
def test_the_route_is_the_app(model: str, route: str) -> None:
    assert PROVIDER.route(model) == route


def test_requests_are_found_below_the_app() -> None:
    route, task = PROVIDER.route(f"{KLING}/text-to-video"), "a/b"
    assert PROVIDER.encode_retrieve(task, route).path == "fal-ai/kling-video/requests/a%2Fb/status"
    assert PROVIDER.encode_result(task, route).path == "fal-ai/kling-video/requests/a%2Fb"
    cancel = PROVIDER.encode_cancel(task, route)
    assert (cancel.method, cancel.path) == ("PUT", "fal-ai/kling-video/requests/a%2Fb/cancel")


@pytest.mark.parametrize("route", ["", "fal-ai/", "/veo", "fal-ai/..", "../veo", "fal-ai/\n"])
def test_a_reference_without_a_usable_app_is_refused(route: str) -> None:
    with pytest.raises(InvalidRequest, match="whole reference"):
        PROVIDER.encode_retrieve("task-1", route)


@pytest.mark.parametrize("model", ["fal-ai//x", "../x", "fal-ai/./x", "fal-ai/\x00"])
def test_a_model_that_would_leave_its_place_is_refused(model: str) -> None:
    with pytest.raises(InvalidRequest, match="model"):
        created(model=model)


def test_a_model_id_is_the_path_and_is_quoted() -> None:
    assert created(model=f"{KLING}/text-to-video").path == f"{KLING}/text-to-video"
    assert created(model="me/mine?x=1#y").path == "me/mine%3Fx%3D1%23y"


def test_a_callback_goes_into_the_query() -> None:
    request = created(model="veo-3.1", callback_url="https://example.com/hook?token=1")
    assert request.query == (("fal_webhook", "https://example.com/hook?token=1"),)
    assert created(model="veo-3.1").query == ()


INPUTS = [
    (
        {"model": "veo-3.1", "duration": 8, "aspect_ratio": "9:16", "resolution": "4k", "seed": 7, "audio": False},
        {"duration": "8s", "aspect_ratio": "9:16", "resolution": "4k", "seed": 7, "generate_audio": False},
    ),
    (
        {"model": "fal-ai/veo3.1/image-to-video", "first_frame": PICTURE, "aspect_ratio": "auto"},
        {"image_url": "https://example.com/a.png", "aspect_ratio": "auto"},
    ),
    (
        {"model": "kling-2.5-turbo-pro", "duration": 10, "aspect_ratio": "1:1"},
        {"duration": "10", "aspect_ratio": "1:1"},
    ),
    (
        {"model": f"{KLING}/image-to-video", "first_frame": PICTURE, "last_frame": LAST},
        {"image_url": "https://example.com/a.png", "tail_image_url": "https://example.com/z.png"},
    ),
    (
        {"model": "seedance-1-pro", "duration": 2, "resolution": "1080p", "extra": {"camera_fixed": True}},
        {"duration": "2", "resolution": "1080p", "camera_fixed": True},
    ),
    ({"model": "seedance-1.5-pro", "audio": True}, {"generate_audio": True}),
    ({"model": "hailuo-02", "duration": 6}, {"duration": "6"}),
    (
        {
            "model": "fal-ai/minimax/hailuo-02/standard/image-to-video",
            "first_frame": Media(content=b"\x89PNG\r\n\x1a\n"),
            "last_frame": LAST,
            "resolution": "512p",
        },
        {
            "image_url": "data:image/png;base64,iVBORw0KGgo=",
            "end_image_url": "https://example.com/z.png",
            "resolution": "512P",
        },
    ),
    ({"model": "me/new", "duration": 5, "extra": {"duration": 5}}, {"duration": 5}),
    ({"model": "me/new", "duration": 2.5, "first_frame": PICTURE}, {"duration": "2.5", "image_url": PICTURE.url}),
]


@pytest.mark.parametrize(("wish", "written"), INPUTS, ids=lambda value: value.get("model", ""))
def test_an_input_is_written_in_the_model_s_own_names(wish: dict[str, Any], written: dict[str, Any]) -> None:
    assert body(**wish) == {"prompt": "A cat.", **written}


REFUSED = [
    ({"model": "veo-3.1", "duration": 5}, "duration"),
    ({"model": "veo-3.1", "first_frame": PICTURE}, "first_frame"),
    ({"model": "fal-ai/veo3.1/image-to-video"}, "first_frame"),
    ({"model": "kling-2.5-turbo-pro", "seed": 1}, "seed"),
    ({"model": "kling-2.5-turbo-pro", "resolution": "720p"}, "resolution"),
    ({"model": "hailuo-02", "aspect_ratio": "16:9"}, "aspect_ratio"),
    ({"model": "seedance-1-pro", "audio": True}, "audio"),
    (
        {
            "model": "fal-ai/bytedance/seedance/v1/pro/image-to-video",
            "first_frame": PICTURE,
            "last_frame": LAST,
        },
        "last_frame",
    ),
]


@pytest.mark.parametrize(("wish", "field"), REFUSED)
def test_what_a_model_does_not_take_is_refused_before_it_costs(wish: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        checked(**wish)
    assert [problem.field for problem in caught.value.problems] == [field]


def test_a_model_that_is_not_listed_is_passed_through_with_a_warning() -> None:
    ready = checked(model="fal-ai/wan/v2.2-5b/text-to-video")
    assert "passed on unchecked" in ready.warnings[0]


def test_every_model_names_its_own_page() -> None:
    assert [spec.name for spec in PROVIDER.models.models if spec.name not in spec.source] == []


def test_the_plugin_brings_one_provider() -> None:
    assert [type(one) for one in reelway_providers()] == [Fal]
