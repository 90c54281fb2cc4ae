"""What each model takes is known before any money is spent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reelway.errors import InvalidRequest
from reelway.model.request import Media, MediaForm, VideoRequest
from reelway.provider.models import CheckedRequest, ModelSpec, OnUnsupported, check
from reelway_ark import Ark

PROVIDER = Ark()
PICTURE = Media.of("https://example.com/cat.jpg")
CLIP = Media.of("https://example.com/walk.mp4")
SOUND = Media.of("https://example.com/rain.mp3")

VOLCENGINE = "doubao-"

V2_5 = ("doubao-seedance-2-5-260628", "dreamina-seedance-2-5-260628")
V2 = ("doubao-seedance-2-0-260128", "dreamina-seedance-2-0-260128")
V2_FAST = ("doubao-seedance-2-0-fast-260128", "dreamina-seedance-2-0-fast-260128")
V2_MINI = ("doubao-seedance-2-0-mini-260615", "dreamina-seedance-2-0-mini-260615")
V1_5 = ("doubao-seedance-1-5-pro-251215", "seedance-1-5-pro-251215")
V1 = ("doubao-seedance-1-0-pro-250528", "seedance-1-0-pro-250528")
V1_FAST = ("doubao-seedance-1-0-pro-fast-251015", "seedance-1-0-pro-fast-251015")

V2_ALL = (*V2, *V2_FAST, *V2_MINI)
ALL = (*V2_5, *V2_ALL, *V1_5, *V1, *V1_FAST)

ALIASES = {
    "seedance-2": V2[0],
    "seedance-2-fast": V2_FAST[0],
    "seedance-2-mini": V2_MINI[0],
    "seedance-2-5": V2_5[0],
    "seedance-1-5-pro": V1_5[0],
    "seedance-1-0-pro": V1[0],
    "seedance-1-0-pro-fast": V1_FAST[0],
}


def checked(model: str, on_unsupported: OnUnsupported = OnUnsupported.ERROR, **fields: Any) -> CheckedRequest:
    request = VideoRequest(**{"model": model, "prompt": "a cat"} | fields)
    return check(request, PROVIDER.models, on_unsupported)


def body(request: CheckedRequest) -> dict[str, Any]:
    content = PROVIDER.encode_create(request.request, request.spec).body
    assert isinstance(content, bytes)
    document: dict[str, Any] = json.loads(content)
    return document


def problems(model: str, **fields: Any) -> list[str]:
    """What is wrong with a request, whether the table of models says it or the form."""
    try:
        body(checked(model, **fields))
    except InvalidRequest as error:
        return [str(problem) for problem in error.problems]
    return []


def test_the_documented_models_are_offered_under_both_addresses() -> None:
    assert sorted(spec.name for spec in PROVIDER.models.models) == sorted(ALL)
    theirs = [name.startswith(VOLCENGINE) for name in ALL]
    assert theirs.count(True) == theirs.count(False)


@pytest.mark.parametrize(("ours", "abroad"), [V2_5, V2, V2_FAST, V2_MINI, V1_5, V1, V1_FAST])
def test_a_model_can_do_the_same_under_both_addresses(ours: str, abroad: str) -> None:
    facts = {name: getattr(PROVIDER.models.find(ours), name) for name in ModelSpec.__struct_fields__}
    theirs = {name: getattr(PROVIDER.models.find(abroad), name) for name in ModelSpec.__struct_fields__}
    assert facts | {"name": abroad, "aliases": ()} == theirs


@pytest.mark.parametrize(("alias", "model"), ALIASES.items())
def test_a_short_name_becomes_the_model_id_of_the_default_address(alias: str, model: str) -> None:
    assert body(checked(alias))["model"] == model


ACCEPTED = [
    *((model, {"duration": seconds}) for model in V2_5 for seconds in (4, 17, 30)),
    *((model, {"duration": seconds}) for model in V2_ALL for seconds in (4, 15)),
    *((model, {"duration": seconds}) for model in V1_5 for seconds in (4, 12)),
    *((model, {"duration": seconds}) for model in (*V1, *V1_FAST) for seconds in (2, 12)),
    *((model, {"resolution": tier}) for model in ALL for tier in ("480p", "720p")),
    *((model, {"resolution": "1080p"}) for model in (*V2_5, *V2, *V1_5, *V1, *V1_FAST)),
    *((model, {"resolution": "4k"}) for model in V2),
    *((model, {"aspect_ratio": ratio}) for model in ALL for ratio in ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")),
    *((model, {"aspect_ratio": "adaptive", "first_frame": PICTURE}) for model in ALL),
    *((model, {"aspect_ratio": "16:9", "first_frame": PICTURE}) for model in (*V2_ALL, *V1_5, *V1, *V1_FAST)),
    *((model, {"first_frame": PICTURE, "prompt": ""}) for model in ALL),
    *((model, {"first_frame": PICTURE, "last_frame": PICTURE}) for model in (*V2_5, *V2_ALL, *V1_5, *V1)),
    *((model, {"references": (PICTURE,) * 30 + (CLIP,) * 10 + (SOUND,) * 10}) for model in V2_5),
    *((model, {"references": (PICTURE,) * 9 + (CLIP,) * 3 + (SOUND,) * 3}) for model in V2_ALL),
    *((model, {"references": (SOUND,), "prompt": ""}) for model in V2_5),
    *((model, {"references": (CLIP, SOUND)}) for model in V2_ALL),
    *((model, {"seed": 7}) for model in (*V1_5, *V1, *V1_FAST)),
    *((model, {"audio": False}) for model in (*V2_5, *V2_ALL, *V1_5)),
    *((model, {"callback_url": "https://example.com/hook"}) for model in ALL),
]


@pytest.mark.parametrize(("model", "fields"), ACCEPTED)
def test_what_a_page_documents_is_accepted(model: str, fields: dict[str, Any]) -> None:
    assert problems(model, **fields) == []


ALONE = "takes it together with a first_frame only"

REFUSED = [
    (V2_5[0], {"duration": 3}, "does not make 3 seconds (allowed: 4 to 30 seconds)"),
    (V2_5[0], {"resolution": "4k"}, "does not offer '4k'"),
    (V2[0], {"duration": 16}, "does not make 16 seconds (allowed: 4 to 15 seconds)"),
    (V2[0], {"duration": 4.5}, "does not make 4.5 seconds"),
    (V2[0], {"resolution": "2k"}, "does not offer '2k'"),
    (V2_FAST[0], {"resolution": "1080p"}, "does not offer '1080p' (allowed: 480p, 720p)"),
    (V2_MINI[0], {"resolution": "1080p"}, "does not offer '1080p' (allowed: 480p, 720p)"),
    (V1_5[0], {"duration": 13}, "does not make 13 seconds (allowed: 4 to 12 seconds)"),
    (V1[0], {"duration": 1}, "does not make 1 seconds (allowed: 2 to 12 seconds)"),
    (V2[0], {"aspect_ratio": "9:21"}, "does not offer '9:21'"),
    *((model, {"size": "1280x720"}, f"size: {model} does not support this field") for model in ALL),
    *((model, {"seed": 7}, f"seed: {model} does not support this field") for model in (*V2_5, *V2_ALL)),
    *((model, {"audio": True}, f"audio: {model} does not support this field") for model in (*V1, *V1_FAST)),
    (V2_5[0], {"references": (PICTURE,) * 31}, "31 image references given, but"),
    (V2[0], {"references": (PICTURE,) * 10}, "10 image references given, but"),
    (V2[0], {"references": (PICTURE, *(CLIP,) * 4)}, "4 video references given, but"),
    (
        V1_5[0],
        {"references": (PICTURE,)},
        "1 image references given, but doubao-seedance-1-5-pro-251215 takes none",
    ),
    *((model, {"last_frame": PICTURE}, ALONE) for model in (*V2_5, *V2_ALL, *V1_5, *V1)),
    (
        V1_FAST[0],
        {"last_frame": PICTURE, "first_frame": PICTURE},
        "last_frame: doubao-seedance-1-0-pro-fast-251015",
    ),
    *(
        (model, {"first_frame": PICTURE, "references": (PICTURE,)}, "a first frame or references, but not both")
        for model in (*V2_5, *V2_ALL)
    ),
    *(
        (model, {"references": (SOUND,)}, "takes a sound only together with a picture or a clip")
        for model in V2_ALL
    ),
    *(
        (model, {"first_frame": PICTURE, "aspect_ratio": "16:9"}, "takes the ratio from the first frame")
        for model in V2_5
    ),
    *((model, {"prompt": " "}, "prompt: give a prompt, a picture or another reference") for model in ALL),
    (V2[0], {"references": (Media.of(Path("walk.mp4")),)}, "references: a clip travels by its address"),
    (V2[0], {"references": (Media.of("data:video/mp4;base64,AAAA"),)}, "references: a clip travels by its address"),
    ("ep-20260101-abcde", {"references": (Media.of(Path("walk.mov")),)}, "a clip travels by its address"),
]


@pytest.mark.parametrize(("model", "fields", "expected"), REFUSED)
def test_what_the_service_would_refuse_costs_nothing(model: str, fields: dict[str, Any], expected: str) -> None:
    assert any(expected in problem for problem in problems(model, **fields))


def test_a_clip_may_be_an_asset_where_the_user_says_what_it_is() -> None:
    asset = Media(url="asset://asset-1", content_type="video/mp4")
    [_, item] = body(checked(V2[0], references=(asset,)))["content"]
    assert item == {"type": "video_url", "role": "reference_video", "video_url": {"url": "asset://asset-1"}}


def test_bytes_travel_as_a_data_uri() -> None:
    [_, item] = body(checked(V2[0], first_frame=Media.of(b"\x89PNG\r\n\x1a\n")))["content"]
    assert item["image_url"] == {"url": "data:image/png;base64,iVBORw0KGgo="}


def test_every_model_takes_pictures_by_their_address_and_as_data() -> None:
    assert {spec.media_forms for spec in PROVIDER.models.models} == {frozenset({MediaForm.URL, MediaForm.DATA})}


def test_parameters_stand_in_the_body_and_what_is_in_the_prompt_stays_there() -> None:
    document = body(checked(V1[0], prompt="A cat --ratio 1:1", aspect_ratio="16:9", duration=5))
    assert document["content"] == [{"type": "text", "text": "A cat --ratio 1:1"}]
    assert (document["ratio"], document["duration"]) == ("16:9", 5)


def test_what_only_ark_knows_is_passed_on_by_its_own_names() -> None:
    extra = {"watermark": True, "service_tier": "flex", "frames": 57, "duration": -1, "draft": True}
    assert body(checked(V1_5[0], extra=extra)).items() >= extra.items()


def test_an_unsupported_value_can_be_sent_with_a_warning() -> None:
    request = checked(V2[0], OnUnsupported.WARN, seed=7)
    assert body(request)["seed"] == 7
    assert request.warnings == ("seed: doubao-seedance-2-0-260128 does not support this field",)


def test_an_unsupported_value_can_be_left_out_with_a_warning() -> None:
    request = checked(V2[0], OnUnsupported.DROP, seed=7, duration=5)
    assert "seed" not in body(request)
    assert body(request)["duration"] == 5
    assert len(request.warnings) == 1


def test_an_endpoint_of_the_account_passes_with_a_warning() -> None:
    request = checked("ep-20260101-abcde", duration=20, resolution="4k", seed=7, audio=True)
    assert body(request) == {
        "model": "ep-20260101-abcde",
        "content": [{"type": "text", "text": "a cat"}],
        "resolution": "4k",
        "duration": 20,
        "seed": 7,
        "generate_audio": True,
    }
    assert request.warnings == ("model: 'ep-20260101-abcde' is not a documented model; it is passed on unchecked.",)


def test_a_misspelt_model_is_answered_with_those_it_may_mean() -> None:
    [warning] = checked("doubao-seedance-2-0-26012").warnings
    assert "Did you mean doubao-seedance-2-0-260128" in warning


FIELDS: dict[str, Any] = {
    "duration": 5,
    "aspect_ratio": "adaptive",
    "resolution": "720p",
    "seed": 7,
    "audio": True,
    "first_frame": PICTURE,
    "references": (PICTURE,),
    "callback_url": "https://example.com/hook",
}

EMPTY: dict[str, Any] = dict.fromkeys(FIELDS) | {"references": ()}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("model", ALL)
def test_a_field_that_a_model_accepts_reaches_the_wire(model: str, field: str) -> None:
    if not problems(model, **{field: FIELDS[field]}):
        with_it, without = (body(checked(model, **{field: value})) for value in (FIELDS[field], EMPTY[field]))
        assert with_it != without


@pytest.mark.parametrize("model", ALL)
def test_a_last_frame_reaches_the_wire_beside_the_first(model: str) -> None:
    frames: dict[str, Any] = {"first_frame": PICTURE, "last_frame": Media.of("https://example.com/end.jpg")}
    if not problems(model, **frames):
        roles = [item.get("role") for item in body(checked(model, **frames))["content"]]
        assert roles == [None, "first_frame", "last_frame"]
