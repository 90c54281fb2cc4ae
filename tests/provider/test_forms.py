"""A form says where each field goes, and nothing is written that the user did not mean."""

import json
from pathlib import Path
from typing import Any

import pytest

from reelway.errors import InvalidRequest
from reelway.model.http import FilePart, HttpRequest, Multipart
from reelway.model.request import Media, VideoRequest
from reelway.provider import forms
from reelway.provider.forms import BodyStyle, Form, Row
from reelway.provider.models import ModelSpec

SPEC = ModelSpec(
    name="acme-1",
    form="plain",
    sizes={"1280x720": ("720p", "16:9"), "720x1280": ("720p", "9:16"), "1920x1080": ("1080p", "16:9")},
    default_resolution="720p",
    default_ratio="16:9",
)
PICTURE = Media(url="https://example.com/cat.jpg")
CLIP = Media(url="https://example.com/walk.mp4")
PNG = Media(content=b"\x89PNG\r\n\x1a\n", filename="cat.png")
PNG_URI = "data:image/png;base64,iVBORw0KGgo="


def request(**fields: Any) -> VideoRequest:
    return VideoRequest(**{"model": "acme-1", "prompt": "a cat"} | fields)


def write(*rows: Row, body: BodyStyle = BodyStyle.JSON, **fields: Any) -> HttpRequest:
    return Form(body=body, rows=rows).write("v1/videos", request(**fields), SPEC)


def document(*rows: Row, **fields: Any) -> Any:
    body = write(*rows, **fields).body
    assert isinstance(body, bytes)
    return json.loads(body)


def parts(*rows: Row, **fields: Any) -> Multipart:
    body = write(*rows, body=BodyStyle.MULTIPART, **fields).body
    assert isinstance(body, Multipart)
    return body


VALUES: list[tuple[forms.Value, dict[str, Any], Any]] = [
    (forms.model, {}, "acme-1"),
    (forms.prompt, {}, "a cat"),
    (forms.prompt, {"prompt": ""}, None),
    (forms.whole_seconds, {"duration": 5.0}, 5),
    (forms.whole_seconds, {"duration": 4.5}, 4.5),
    (forms.whole_seconds, {}, None),
    (forms.seconds_text, {"duration": 5.0}, "5"),
    (forms.seconds_text, {"duration": 4.5}, "4.5"),
    (forms.seconds_text, {}, None),
    (forms.ratio, {"aspect_ratio": "16:9"}, "16:9"),
    (forms.resolution, {"resolution": "720p"}, "720p"),
    (forms.exact_size, {"size": "100x100"}, "100x100"),
    (forms.exact_size, {"aspect_ratio": "16:9"}, None),
    (forms.pixels, {}, None),
    (forms.pixels, {"size": "100x100"}, "100x100"),
    (forms.pixels, {"aspect_ratio": "9:16"}, "720x1280"),
    (forms.pixels, {"resolution": "1080p"}, "1920x1080"),
    (forms.pixels, {"resolution": "1080p", "aspect_ratio": "9:16"}, None),
    (forms.seed, {"seed": 0}, 0),
    (forms.audio, {"audio": False}, False),
    (forms.callback_url, {"callback_url": "https://example.com/hook"}, "https://example.com/hook"),
    (forms.first_frame_link, {"first_frame": PICTURE}, PICTURE.url),
    (forms.first_frame_link, {"first_frame": PNG}, PNG_URI),
    (forms.first_frame_link, {}, None),
    (forms.reference_links, {"references": (PICTURE, PNG)}, [PICTURE.url, PNG_URI]),
    (forms.reference_links, {}, None),
    (forms.first_frame_file, {"first_frame": PNG}, (PNG,)),
    (forms.first_frame_file, {}, None),
    (forms.last_frame_file, {"last_frame": PNG}, (PNG,)),
    (forms.last_frame_file, {}, None),
    (forms.media_files, {"references": (CLIP,), "first_frame": PNG}, (PNG, CLIP)),
    (forms.media_files, {}, None),
    (forms.content_items, {}, None),
]


@pytest.mark.parametrize(("value", "fields", "expected"), VALUES)
def test_a_value_is_what_the_user_gave_or_nothing(
    value: forms.Value, fields: dict[str, Any], expected: Any
) -> None:
    assert value(request(**fields), SPEC) == expected


def test_content_items_name_the_role_of_each_piece_of_media() -> None:
    items = forms.content_items(
        request(first_frame=PICTURE, last_frame=PNG, references=(CLIP, PICTURE)),
        SPEC,
    )
    assert items == [
        {"type": "image_url", "role": "first_frame", "image_url": {"url": PICTURE.url}},
        {"type": "image_url", "role": "last_frame", "image_url": {"url": PNG_URI}},
        {"type": "video_url", "role": "reference_video", "video_url": {"url": CLIP.url}},
        {"type": "image_url", "role": "reference_image", "image_url": {"url": PICTURE.url}},
    ]


def test_a_json_create_is_a_post_of_the_given_fields_alone() -> None:
    written = write(("model", forms.model), ("seconds", forms.seconds_text), ("seed", forms.seed), duration=5)
    assert (written.method, written.path) == ("POST", "v1/videos")
    assert written.header("content-type") == "application/json"
    assert written.body == b'{"model":"acme-1","seconds":"5"}'


def test_false_and_zero_are_sent_and_nothing_is_not() -> None:
    rows = (("audio", forms.audio), ("seed", forms.seed), ("ratio", forms.ratio))
    assert document(*rows, audio=False, seed=0) == {"audio": False, "seed": 0}


def test_dots_reach_into_objects() -> None:
    rows = (("metadata.seed", forms.seed), ("metadata.video.ratio", forms.ratio))
    assert document(*rows, seed=7, aspect_ratio="16:9") == {"metadata": {"seed": 7, "video": {"ratio": "16:9"}}}


def test_extra_fields_come_last_and_win() -> None:
    extra = {"prompt": "a dog", "metadata.watermark": False, "seed": None}
    rows = (("prompt", forms.prompt), ("seed", forms.seed))
    assert document(*rows, seed=7, extra=extra) == {"prompt": "a dog", "metadata": {"watermark": False}}


def test_an_extra_field_cannot_reach_into_what_is_no_object() -> None:
    with pytest.raises(InvalidRequest, match=r"extra: 'prompt\.style' reaches into 'prompt', which is no object"):
        write(("prompt", forms.prompt), extra={"prompt.style": "noir"})


def test_a_form_post_writes_texts_and_files() -> None:
    form = parts(
        ("prompt", forms.prompt),
        ("seconds", forms.whole_seconds),
        ("audio", forms.audio),
        ("input_reference", forms.media_files),
        duration=5,
        audio=True,
        first_frame=PNG,
        references=(Media(content=b"ID3", content_type="audio/mpeg"),),
    )
    assert form.fields == (("prompt", "a cat"), ("seconds", "5"), ("audio", "true"))
    assert form.files == (
        FilePart(field="input_reference", filename="cat.png", content_type="image/png", content=PNG.content or b""),
        FilePart(field="input_reference", filename="input", content_type="audio/mpeg", content=b"ID3"),
    )


def test_a_form_post_needs_no_files() -> None:
    assert parts(("model", forms.model)) == Multipart(fields=(("model", "acme-1"),))


@pytest.mark.parametrize("media", [PICTURE, Media(path=Path("cat.png"))])
def test_a_file_that_was_not_read_is_refused_by_name(media: Media) -> None:
    with pytest.raises(InvalidRequest, match=f"{media.name}: .*the file was not read"):
        parts(("image", forms.first_frame_file), first_frame=media)


def test_a_local_file_has_to_be_read_before_it_becomes_a_link() -> None:
    with pytest.raises(InvalidRequest, match=r"cat\.png"):
        document(("image", forms.first_frame_link), first_frame=Media(path=Path("cat.png")))
