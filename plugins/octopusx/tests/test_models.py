"""What each model takes is known before any money is spent, and each model has one dialect."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reelway.errors import InvalidRequest
from reelway.model.http import HttpRequest, Multipart
from reelway.model.request import Media, MediaForm, VideoRequest
from reelway.provider.models import CheckedRequest, ModelSpec, OnUnsupported, check
from reelway_octopusx import OctopusX

PROVIDER = OctopusX()

LINK = Media.of("https://example.com/cat.jpg")
CLIP = Media.of("https://example.com/walk.mp4")
SOUND = Media.of("https://example.com/rain.mp3")
ASSET = Media.of("asset://asset-xxx")
FILE = Media(content=b"\x89PNG\r\n\x1a\n", filename="cat.png")

MAIN, GENERATIONS, UNIFIED = "", "generations", "unified"
CREATE_PATHS = {MAIN: "v1/videos", GENERATIONS: "v1/video/generations", UNIFIED: "v1/video/create"}

FAMILIES = ("doubao-seedance-1-0-pro", "doubao-seedance-1-5-pro")
TIERS = ("480p", "720p", "1080p")
WHOLE_IDS = tuple(f"{family}_{tier}" for family in FAMILIES for tier in TIERS)
SEEDANCE = ("doubao-seedance-2-0-260128", "doubao-seedance-2-0-fast-260128")
JIMENG = ("jimeng-video-3.0", "jimeng-video-2.0")
VIDU = ("viduq3-pro", "viduq2-pro", "viduq2-turbo")
VEO = ("veo_3_1", "veo_3_1-fast")
KLING = ("Kling-3.0-Omni", "Kling-2.6", "Kling-2.5")
OMNI = ("omni-fast", "omni-fast-v2v")
GROK_FIXED = ("grok-video-3-pro", "grok-video-3-max")

ROUTES = {
    **dict.fromkeys((*FAMILIES, *WHOLE_IDS, *JIMENG, *VIDU, "sora-2", *VEO, *KLING, *OMNI, *GROK_FIXED), MAIN),
    **dict.fromkeys((*SEEDANCE, "kling-v1"), GENERATIONS),
    **dict.fromkeys(("grok-video-3", "veo3.1-fast-components"), UNIFIED),
}

MULTIPART = {*FAMILIES, *WHOLE_IDS, *JIMENG, *VIDU, *GROK_FIXED}

ALIASES = {
    "seedance-1-0-pro": "doubao-seedance-1-0-pro_720p",
    "seedance-1-5-pro": "doubao-seedance-1-5-pro_720p",
    "seedance-2": "doubao-seedance-2-0-260128",
    "seedance-2-fast": "doubao-seedance-2-0-fast-260128",
    "kling-3.0-omni": "Kling-3.0-Omni",
    "kling-2.6": "Kling-2.6",
    "kling-2.5": "Kling-2.5",
}


def checked(model: str, on_unsupported: OnUnsupported = OnUnsupported.ERROR, **fields: Any) -> CheckedRequest:
    request = VideoRequest(**{"model": model, "prompt": "a cat"} | fields)
    return check(request, PROVIDER.models, on_unsupported)


def problems(model: str, **fields: Any) -> list[str]:
    try:
        written(checked(model, **fields))
    except InvalidRequest as error:
        return [str(problem) for problem in error.problems]
    return []


def written(request: CheckedRequest) -> HttpRequest:
    return PROVIDER.encode_create(request.request, request.spec)


def body(model: str, **fields: Any) -> dict[str, Any]:
    """The JSON document, or the form's fields with its files as ``name: file name``."""
    content = written(checked(model, **fields)).body
    if isinstance(content, Multipart):
        return dict(content.fields) | {part.field: part.filename for part in content.files}
    assert isinstance(content, bytes)
    document: dict[str, Any] = json.loads(content)
    return document


def picture_for(model: str) -> Media:
    spec = PROVIDER.models.find(model)
    return FILE if spec and spec.media_forms == {MediaForm.FILE} else LINK


def test_every_model_of_the_catalog_is_in_one_dialect() -> None:
    assert {spec.name: PROVIDER.route(spec.name) for spec in PROVIDER.models.models} == ROUTES


@pytest.mark.parametrize("model", ROUTES)
def test_a_create_goes_to_the_path_of_the_models_dialect(model: str) -> None:
    request = written(checked(model))
    assert (request.method, request.path) == ("POST", CREATE_PATHS[ROUTES[model]])


@pytest.mark.parametrize("model", ROUTES)
def test_a_create_travels_as_its_page_says(model: str) -> None:
    assert isinstance(written(checked(model)).body, Multipart) is (model in MULTIPART)


@pytest.mark.parametrize(("alias", "model"), ALIASES.items())
def test_a_short_name_becomes_the_model_id(alias: str, model: str) -> None:
    assert body(alias)["model"] == model


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("tier", TIERS)
def test_the_resolution_goes_into_the_model_id(family: str, tier: str) -> None:
    assert body(family, resolution=tier)["model"] == f"{family}_{tier}"


@pytest.mark.parametrize("family", FAMILIES)
def test_without_a_resolution_720p_is_asked_for(family: str) -> None:
    assert body(family)["model"] == f"{family}_720p"


@pytest.mark.parametrize("model", WHOLE_IDS)
def test_a_whole_id_stays_as_it_is(model: str) -> None:
    tier = model.partition("_")[2]
    assert body(model)["model"] == body(model, resolution=tier)["model"] == model


@pytest.mark.parametrize("model", WHOLE_IDS)
def test_a_whole_id_and_another_resolution_contradict_each_other(model: str) -> None:
    tier = model.partition("_")[2]
    other = next(one for one in TIERS if one != tier)
    assert problems(model, resolution=other) == [f"resolution: {model} does not offer {other!r} (allowed: {tier})"]


def test_one_request_serves_seedance_1_5() -> None:
    assert body("seedance-1-5-pro", duration=5, aspect_ratio="16:9", resolution="720p") == {
        "model": "doubao-seedance-1-5-pro_720p",
        "prompt": "a cat",
        "size": "16:9",
        "seconds": "5",
    }


def test_one_request_serves_seedance_2() -> None:
    assert body("seedance-2", duration=5, aspect_ratio="16:9", resolution="720p") == {
        "model": "doubao-seedance-2-0-260128",
        "content": [{"type": "text", "text": "a cat"}],
        "metadata": {"duration": 5, "resolution": "720p", "ratio": "16:9"},
    }


BODIES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "seedance-1-0-pro",
        {"first_frame": FILE, "last_frame": FILE, "aspect_ratio": "keep_ratio", "resolution": "480p"},
        {
            "model": "doubao-seedance-1-0-pro_480p",
            "size": "keep_ratio",
            "first_frame_image": "cat.png",
            "last_frame_image": "cat.png",
        },
    ),
    (
        "jimeng-video-3.0",
        {"duration": 10, "aspect_ratio": "9:16", "first_frame": FILE},
        {"seconds": "10", "size": "720x1280", "input_reference": "cat.png"},
    ),
    (
        "viduq2-turbo",
        {"duration": 5, "aspect_ratio": "3:4", "resolution": "540p", "seed": 7, "audio": True, "first_frame": FILE},
        {
            "duration": "5",
            "aspect_ratio": "3:4",
            "resolution": "540p",
            "seed": "7",
            "audio": "true",
            "images": "cat.png",
        },
    ),
    (
        "sora-2",
        {"duration": 10, "size": "720x1280", "first_frame": FILE},
        {"seconds": "10", "size": "720x1280", "input_reference": "data:image/png;base64,iVBORw0KGgo="},
    ),
    (
        "veo_3_1-fast",
        {"duration": 8, "aspect_ratio": "9:16", "extra": {"enable_upsample": True}},
        {"seconds": "8", "size": "720x1280", "enable_upsample": True},
    ),
    (
        "Kling-2.6",
        {
            "duration": 5,
            "resolution": "720p",
            "aspect_ratio": "16:9",
            "first_frame": LINK,
            "last_frame": LINK,
            "extra": {"metadata.scene_type": "motion"},
        },
        {
            "seconds": "5",
            "image": LINK.url,
            "metadata": {
                "output_config": {"resolution": "720P", "aspect_ratio": "16:9"},
                "last_frame_url": LINK.url,
                "scene_type": "motion",
            },
        },
    ),
    (
        "kling-v1",
        {"duration": 5, "size": "1280x720", "first_frame": LINK, "extra": {"metadata.style": "cinematic"}},
        {"duration": 5, "size": "1280x720", "image": LINK.url, "metadata": {"style": "cinematic"}},
    ),
    (
        "omni-fast-v2v",
        {"duration": 8, "aspect_ratio": "16:9", "resolution": "720p", "references": (LINK, CLIP)},
        {
            "seconds": "8",
            "aspect_ratio": "16:9",
            "resolution": "720p",
            "video": CLIP.url,
            "images": [LINK.url],
        },
    ),
    (
        "omni-fast",
        {"first_frame": LINK, "last_frame": LINK, "resolution": "2k"},
        {"first_image_url": LINK.url, "last_image_url": LINK.url, "resolution": "2k"},
    ),
    (
        "grok-video-3",
        {"duration": 10, "aspect_ratio": "3:2", "resolution": "1080p"},
        {"images": [], "aspect_ratio": "3:2", "size": "1080P", "duration": 10},
    ),
    ("grok-video-3", {"first_frame": LINK, "last_frame": CLIP}, {"images": [LINK.url, CLIP.url]}),
    (
        "grok-video-3-max",
        {"duration": 15, "aspect_ratio": "2:3", "resolution": "720p", "references": (FILE,)},
        {"seconds": "15", "aspect_ratio": "2:3", "size": "720P", "input_reference": "cat.png"},
    ),
    (
        "veo3.1-fast-components",
        {"duration": 8, "aspect_ratio": "16:9", "references": (LINK, LINK)},
        {"images": [LINK.url, LINK.url], "aspect_ratio": "16:9", "size": "1280x720", "duration": 8},
    ),
    (
        "seedance-2-fast",
        {
            "first_frame": ASSET,
            "last_frame": LINK,
            "references": (LINK, CLIP, SOUND),
            "seed": 7,
            "audio": False,
            "callback_url": "https://example.com/hook",
        },
        {
            "model": "doubao-seedance-2-0-fast-260128",
            "content": [
                {"type": "text", "text": "a cat"},
                {"type": "image_url", "role": "first_frame", "image_url": {"url": "asset://asset-xxx"}},
                {"type": "image_url", "role": "last_frame", "image_url": {"url": LINK.url}},
                {"type": "image_url", "role": "reference_image", "image_url": {"url": LINK.url}},
                {"type": "video_url", "role": "reference_video", "video_url": {"url": CLIP.url}},
                {"type": "audio_url", "role": "reference_audio", "audio_url": {"url": SOUND.url}},
            ],
            "metadata": {"seed": 7, "generate_audio": False, "callback_url": "https://example.com/hook"},
        },
    ),
]


@pytest.mark.parametrize(("model", "fields", "expected"), BODIES)
def test_a_request_is_written_as_its_page_says(
    model: str, fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    prompt = {} if "content" in expected else {"prompt": "a cat"}
    assert body(model, **fields) == {"model": model} | prompt | expected


def test_a_video_without_a_text_has_no_text_item() -> None:
    spec = PROVIDER.models.find("seedance-2")
    assert spec is not None
    request = PROVIDER.encode_create(VideoRequest(model=spec.name, first_frame=LINK), spec)
    assert isinstance(request.body, bytes)
    assert [item["type"] for item in json.loads(request.body)["content"]] == ["image_url"]


ACCEPTED = [
    *((model, {"duration": seconds}) for model in (*FAMILIES, *WHOLE_IDS) for seconds in (4, 11)),
    *((model, {"aspect_ratio": ratio}) for model in FAMILIES for ratio in ("21:9", "keep_ratio", "adaptive")),
    *((model, {"duration": seconds}) for model in SEEDANCE for seconds in (4, 15)),
    *((model, {"resolution": tier}) for model in SEEDANCE for tier in TIERS),
    *((model, {"references": (LINK,) * 9 + (CLIP,) * 3 + (SOUND,) * 3}) for model in SEEDANCE),
    *((model, {"duration": seconds}) for model in JIMENG for seconds in (5, 10, 15)),
    *((model, {"size": size}) for model in (*JIMENG, "sora-2", *VEO) for size in ("720x1280", "1280x720")),
    ("viduq3-pro", {"duration": 16}),
    *((model, {"duration": seconds}) for model in OMNI for seconds in (4, 30)),
    *(("grok-video-3", {"duration": seconds}) for seconds in (6, 10, 15)),
    ("grok-video-3", {"references": (LINK,) * 6}),
]


@pytest.mark.parametrize(("model", "fields"), ACCEPTED)
def test_what_a_page_documents_is_accepted(model: str, fields: dict[str, Any]) -> None:
    assert problems(model, **fields) == []


REFUSED = [
    *((model, {"duration": 3}, "does not make 3 seconds (allowed: 4 to 11 seconds)") for model in FAMILIES),
    *((model, {"duration": 12}, "does not make 12 seconds (allowed: 4 to 11 seconds)") for model in FAMILIES),
    (FAMILIES[0], {"size": "1280x720"}, "size: doubao-seedance-1-0-pro does not support this field"),
    (FAMILIES[0], {"resolution": "4k"}, "does not offer '4k'"),
    (FAMILIES[0], {"references": (FILE,)}, "takes none"),
    (FAMILIES[0], {"seed": 7}, "seed: doubao-seedance-1-0-pro does not support this field"),
    (FAMILIES[0], {"last_frame": FILE}, "last_frame: doubao-seedance-1-0-pro takes it together with a first_frame"),
    (SEEDANCE[0], {"duration": 16}, "does not make 16 seconds (allowed: 4 to 15 seconds)"),
    (SEEDANCE[0], {"references": (LINK,) * 10}, "10 image references given"),
    (SEEDANCE[0], {"references": (CLIP,) * 4}, "4 video references given"),
    (SEEDANCE[0], {"references": (SOUND,) * 4}, "4 audio references given"),
    ("sora-2", {"size": "1792x1024"}, "size: sora-2 does not offer '1792x1024'"),
    ("sora-2", {"callback_url": "https://example.com/hook"}, "callback_url: sora-2 does not support this field"),
    ("viduq2-pro", {"duration": 11}, "does not make 11 seconds (allowed: 1 to 10 seconds)"),
    ("omni-fast", {"references": (CLIP,)}, "1 video references given, but omni-fast takes none"),
    ("omni-fast-v2v", {"references": (CLIP, CLIP)}, "2 video references given"),
    ("omni-fast", {"last_frame": LINK}, "last_frame: omni-fast takes it together with a first_frame only"),
    ("Kling-2.5", {"last_frame": LINK}, "last_frame: Kling-2.5 takes it together with a first_frame only"),
    ("grok-video-3", {"last_frame": LINK}, "last_frame: grok-video-3 takes it together with a first_frame only"),
    ("grok-video-3", {"first_frame": LINK, "references": (LINK,)}, "a first frame or references, but not both"),
    ("grok-video-3-pro", {"duration": 6}, "does not make 6 seconds (allowed: 10 seconds)"),
    ("veo3.1-fast-components", {"first_frame": LINK}, "does not support this field"),
    ("veo3.1-fast-components", {"references": (LINK,) * 4}, "4 image references given"),
    *((model, {"prompt": " "}, f"prompt: {model} needs a prompt") for model in ROUTES),
]


@pytest.mark.parametrize(("model", "fields", "expected"), REFUSED)
def test_what_the_service_would_refuse_costs_nothing(model: str, fields: dict[str, Any], expected: str) -> None:
    assert any(expected in problem for problem in problems(model, **fields))


def test_an_unknown_model_goes_to_the_first_dialect_with_a_warning() -> None:
    request = checked("hailuo-9", duration=6, aspect_ratio="9:16", first_frame=LINK)
    assert PROVIDER.route("hailuo-9") == MAIN
    assert written(request).path == "v1/videos"
    assert body("hailuo-9", duration=6, aspect_ratio="9:16", first_frame=LINK) == {
        "model": "hailuo-9",
        "prompt": "a cat",
        "seconds": "6",
        "size": "720x1280",
        "input_reference": LINK.url,
    }
    assert request.warnings == ("model: 'hailuo-9' is not a documented model; it is passed on unchecked.",)


FIELDS: dict[str, Any] = {
    "aspect_ratio": "16:9",
    "resolution": "720p",
    "size": "1280x720",
    "seed": 7,
    "audio": True,
    "callback_url": "https://example.com/hook",
}


@pytest.mark.parametrize("spec", PROVIDER.models.models, ids=lambda spec: spec.name)
@pytest.mark.parametrize("field", ["duration", *FIELDS, "first_frame", "last_frame", "references"])
def test_a_field_that_a_model_accepts_reaches_the_wire(spec: ModelSpec, field: str) -> None:
    picture = picture_for(spec.name)
    values = FIELDS | {
        "duration": spec.durations[0],
        "first_frame": picture,
        "last_frame": picture,
        "references": (picture,),
    }
    # 720p is what a family without a resolution asks for anyway.
    values |= {"resolution": "1080p"} if "1080p" in spec.resolutions else {}
    least = {"first_frame": picture} if field == "last_frame" and spec.first_frame else {}
    given = least | {field: values[field]}
    in_the_name = field == "resolution" and spec.resolutions == (spec.name.partition("_")[2],)
    if not in_the_name and not problems(spec.name, **given):
        assert body(spec.name, **given) != body(spec.name, **least)


@pytest.mark.parametrize("spec", PROVIDER.models.models, ids=lambda spec: spec.name)
def test_every_model_names_the_page_its_facts_come_from(spec: ModelSpec) -> None:
    assert "/en/videos/" in spec.source


@pytest.mark.parametrize(("model", "frame"), [("seedance-1-5-pro", FILE), ("Kling-2.5", LINK), ("omni-fast", LINK)])
def test_a_lone_last_frame_is_not_written_down_even_where_the_user_insists(model: str, frame: Media) -> None:
    request = VideoRequest(model=model, prompt="p", last_frame=frame)
    checked = check(request, PROVIDER.models, OnUnsupported.WARN)
    with pytest.raises(InvalidRequest, match="together with a first_frame only"):
        PROVIDER.encode_create(checked.request, checked.spec)
