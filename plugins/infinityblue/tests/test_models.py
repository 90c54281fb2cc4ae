"""What each model takes is known before any money is spent."""

import json
from typing import Any

import pytest

from reelway.errors import InvalidRequest
from reelway.model.http import HttpRequest
from reelway.model.request import Media, VideoRequest
from reelway.provider.models import CheckedRequest, ModelSpec, OnUnsupported, check
from reelway_infinityblue import InfinityBlue

PROVIDER = InfinityBlue()
PICTURE = Media.of("https://example.com/cat.jpg")
CLIP = Media.of("https://example.com/walk.mp4")
SOUND = Media.of("https://example.com/rain.mp3")

SEEDANCE = ("doubao-seedance-2-0-260128", "doubao-seedance-2-0-fast-260128")
GROK = ("grok-imagine-video-480p", "grok-imagine-video-720p")
PREVIEW = ("grok-imagine-video-1.5-preview-480p", "grok-imagine-video-1.5-preview-720p")
GENERIC = ("kling-v2-5-turbo", "kling-v2-1-master", "veo_3_1", "veo_3_1-fast")


def checked(model: str, on_unsupported: OnUnsupported = OnUnsupported.ERROR, **fields: Any) -> CheckedRequest:
    request = VideoRequest(**{"model": model, "prompt": "a cat"} | fields)
    return check(request, PROVIDER.models, on_unsupported)


def problems(model: str, **fields: Any) -> list[str]:
    try:
        checked(model, **fields)
    except InvalidRequest as error:
        return [str(problem) for problem in error.problems]
    return []


def written(request: CheckedRequest) -> HttpRequest:
    return PROVIDER.encode_create(request.request, request.spec)


def body(request: CheckedRequest) -> dict[str, Any]:
    content = written(request).body
    assert isinstance(content, bytes)
    document: dict[str, Any] = json.loads(content)
    return document


def test_the_documented_models_are_offered_and_those_of_drafts_are_not() -> None:
    assert {spec.name for spec in PROVIDER.models.models} == {*SEEDANCE, *GROK, *PREVIEW, *GENERIC}


ACCEPTED = [
    *((model, {"duration": seconds}) for model in SEEDANCE for seconds in (4, 9, 15)),
    *((model, {"duration": seconds}) for model in GROK for seconds in (1, 15)),
    *((model, {"duration": seconds, "first_frame": PICTURE}) for model in PREVIEW for seconds in (1, 15)),
    *(
        (model, {"aspect_ratio": ratio})
        for model in SEEDANCE
        for ratio in ("adaptive", "auto", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16")
    ),
    *((model, {"resolution": tier}) for model in SEEDANCE for tier in ("480p", "720p", "1080p")),
    *((model, {"size": "1280x720"}) for model in (*SEEDANCE, *GROK, *GENERIC)),
    *((model, {"size": "1920x1080"}) for model in GROK),
    *((model, {"first_frame": PICTURE}) for model in (*SEEDANCE, *GROK, *PREVIEW, *GENERIC)),
    *((model, {"first_frame": PICTURE, "last_frame": PICTURE}) for model in SEEDANCE),
    *((model, {"references": (PICTURE, CLIP, SOUND)}) for model in SEEDANCE),
    *((model, {"references": (PICTURE, PICTURE)}) for model in GROK),
    *((model, {"seed": 7}) for model in (*SEEDANCE, *GENERIC)),
    *((model, {"audio": True}) for model in SEEDANCE),
]


@pytest.mark.parametrize(("model", "fields"), ACCEPTED)
def test_what_a_page_documents_is_accepted(model: str, fields: dict[str, Any]) -> None:
    assert problems(model, **fields) == []


REFUSED = [
    (SEEDANCE[0], {"duration": 3}, "does not make 3 seconds (allowed: 4 to 15 seconds)"),
    (SEEDANCE[0], {"duration": 4.5}, "does not make 4.5 seconds (allowed: 4 to 15 seconds)"),
    (SEEDANCE[0], {"duration": 16}, "does not make 16 seconds"),
    (GROK[0], {"duration": 16}, "does not make 16 seconds (allowed: 1 to 15 seconds)"),
    (SEEDANCE[0], {"aspect_ratio": "2:1"}, "aspect_ratio: doubao-seedance-2-0-260128 does not offer '2:1'"),
    (SEEDANCE[0], {"resolution": "4k"}, "resolution: doubao-seedance-2-0-260128 does not offer '4k'"),
    (SEEDANCE[0], {"references": (PICTURE,) * 10}, "10 image references given, but"),
    (SEEDANCE[0], {"references": (CLIP,) * 4}, "4 video references given, but"),
    (SEEDANCE[0], {"callback_url": "https://example.com/hook"}, "callback_url:"),
    (GROK[0], {"size": "1792x1024"}, "size: grok-imagine-video-480p refuses 1792x1024"),
    (GROK[1], {"size": "1024x1792"}, "size: grok-imagine-video-720p refuses 1024x1792"),
    (PREVIEW[0], {"size": "1792x1024", "first_frame": PICTURE}, "refuses 1792x1024"),
    (GROK[0], {"resolution": "720p"}, "resolution: grok-imagine-video-480p does not support this field"),
    (GROK[0], {"audio": True}, "audio: grok-imagine-video-480p does not support this field"),
    (GROK[0], {"last_frame": PICTURE}, "last_frame: grok-imagine-video-480p does not support this field"),
    (GROK[0], {"references": (CLIP,)}, "1 video references given, but grok-imagine-video-480p takes none"),
    (GROK[0], {"first_frame": PICTURE, "references": (PICTURE,)}, "a first frame or references, but not both"),
    (PREVIEW[0], {}, "first_frame: grok-imagine-video-1.5-preview-480p needs an input picture"),
    (PREVIEW[1], {"references": (PICTURE,)}, "needs an input picture"),
    (PREVIEW[0], {"first_frame": PICTURE, "references": (PICTURE,)}, "takes none"),
    (GENERIC[0], {"last_frame": PICTURE}, "last_frame: kling-v2-5-turbo does not support this field"),
    (GENERIC[2], {"references": (PICTURE,)}, "1 image references given, but veo_3_1 takes none"),
    *((model, {"prompt": " "}, f"prompt: {model} needs a prompt") for model in (*SEEDANCE, *GROK, *GENERIC)),
]


@pytest.mark.parametrize(("model", "fields", "expected"), REFUSED)
def test_what_the_service_would_refuse_costs_nothing(model: str, fields: dict[str, Any], expected: str) -> None:
    assert any(expected in problem for problem in problems(model, **fields))


@pytest.mark.parametrize("on_unsupported", OnUnsupported)
def test_a_missing_picture_is_refused_whatever_is_done_about_unsupported_fields(
    on_unsupported: OnUnsupported,
) -> None:
    with pytest.raises(InvalidRequest, match="needs an input picture"):
        checked(PREVIEW[0], on_unsupported, references=(PICTURE,))


@pytest.mark.parametrize(("alias", "model"), [("seedance-2", SEEDANCE[0]), ("seedance-2-fast", SEEDANCE[1])])
def test_a_short_name_becomes_the_model_id(alias: str, model: str) -> None:
    assert body(checked(alias))["model"] == model


def test_an_unsupported_field_is_refused_by_default() -> None:
    assert problems(GROK[0], seed=7) == ["seed: grok-imagine-video-480p does not support this field"]


def test_an_unsupported_value_can_be_sent_with_a_warning() -> None:
    request = checked(SEEDANCE[0], OnUnsupported.WARN, duration=20)
    assert body(request)["seconds"] == "20"
    assert request.warnings == (
        "duration: doubao-seedance-2-0-260128 does not make 20 seconds (allowed: 4 to 15 seconds)",
    )


def test_an_unsupported_value_can_be_left_out_with_a_warning() -> None:
    request = checked(SEEDANCE[0], OnUnsupported.DROP, duration=20, resolution="720p")
    assert "seconds" not in body(request)
    assert body(request)["resolution"] == "720p"
    assert len(request.warnings) == 1


def test_references_beside_a_first_frame_can_be_left_out() -> None:
    request = checked(GROK[0], OnUnsupported.DROP, first_frame=PICTURE, references=(PICTURE,))
    assert body(request)["image"] == PICTURE.url
    assert "images" not in body(request)


def test_an_unknown_model_passes_with_a_warning_and_goes_to_the_generic_dialect() -> None:
    request = checked("hailuo-9", duration=6, size="1280x720")
    assert written(request).path == "v1/video/generations"
    assert PROVIDER.route("hailuo-9") == "generations"
    assert body(request) == {
        "model": "hailuo-9",
        "prompt": "a cat",
        "duration": 6,
        "width": 1280,
        "height": 720,
    }
    assert request.warnings == ("model: 'hailuo-9' is not a documented model; it is passed on unchecked.",)


def test_a_misspelt_model_is_answered_with_those_it_may_mean() -> None:
    [warning] = checked("doubao-seedance-2-0-26012").warnings
    assert warning.endswith("Did you mean doubao-seedance-2-0-260128 or doubao-seedance-2-0-fast-260128?")


@pytest.mark.parametrize(
    ("fields", "pixels"),
    [
        ({"aspect_ratio": "9:16"}, (720, 1280)),
        ({"resolution": "1080p"}, (1920, 1080)),
        ({"resolution": "1080p", "aspect_ratio": "9:16"}, (1080, 1920)),
        ({"size": "1024x576"}, (1024, 576)),
    ],
)
@pytest.mark.parametrize("model", [GENERIC[0], "hailuo-9"])
def test_the_generic_dialect_writes_shapes_as_pixels(
    model: str, fields: dict[str, Any], pixels: tuple[int, int]
) -> None:
    document = body(checked(model, **fields))
    assert (document["width"], document["height"]) == pixels


@pytest.mark.parametrize("fields", [{"aspect_ratio": "4:3"}, {"resolution": "480p"}])
def test_a_shape_that_the_generic_dialect_cannot_say_is_not_lost_in_silence(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match="give exact pixels"):
        checked("hailuo-9", **fields)


@pytest.mark.parametrize("model", GROK)
@pytest.mark.parametrize(("ratio", "size"), [("16:9", "1280x720"), ("9:16", "720x1280"), ("1:1", "720x720")])
def test_grok_is_told_the_ratio_as_pixels(model: str, ratio: str, size: str) -> None:
    assert body(checked(model, aspect_ratio=ratio))["size"] == size


def test_a_lone_first_frame_is_the_image_and_company_makes_it_a_content_item() -> None:
    alone = body(checked(SEEDANCE[0], first_frame=PICTURE))
    together = body(checked(SEEDANCE[0], first_frame=PICTURE, references=(SOUND,)))
    assert alone["image"] == PICTURE.url
    assert "image" not in together
    assert together["metadata"]["content"] == [
        {"type": "image_url", "role": "first_frame", "image_url": {"url": PICTURE.url}},
        {"type": "audio_url", "role": "reference_audio", "audio_url": {"url": SOUND.url}},
    ]


def test_bytes_travel_as_a_data_uri() -> None:
    picture = Media.of(b"\x89PNG\r\n\x1a\n")
    assert body(checked(SEEDANCE[0], first_frame=picture))["image"] == "data:image/png;base64,iVBORw0KGgo="


FIELDS: dict[str, Any] = {
    "duration": 5,
    "aspect_ratio": "16:9",
    "resolution": "720p",
    "size": "1280x720",
    "seed": 7,
    "audio": True,
    "first_frame": PICTURE,
    "last_frame": PICTURE,
    "references": (PICTURE,),
}

EMPTY: dict[str, Any] = dict.fromkeys(FIELDS) | {"references": ()}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("spec", PROVIDER.models.models, ids=lambda spec: spec.name)
def test_a_field_that_a_model_accepts_reaches_the_wire(spec: ModelSpec, field: str) -> None:
    least: dict[str, Any] = {"first_frame": PICTURE} if spec.needs_image else {}
    value = {field: next(iter(spec.durations), 5) if field == "duration" else FIELDS[field]}
    if not problems(spec.name, **least | value):
        without = VideoRequest(model=spec.name, prompt="a cat", **{**least, field: EMPTY[field]})
        bare = CheckedRequest(request=without, spec=spec)
        assert body(checked(spec.name, **least | value)) != body(bare)
