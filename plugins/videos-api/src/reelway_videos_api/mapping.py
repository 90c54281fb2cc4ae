"""How a canonical request is written: which field of it goes to which place of the body."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reelway.model.request import Media, MediaForm, VideoRequest
from reelway.provider import forms
from reelway.provider.forms import BodyStyle, Form, Value
from reelway.provider.models import ModelSpec


def last_frame_link(request: VideoRequest, spec: ModelSpec) -> str | None:
    """The last frame as a URL or a data URI."""
    return forms.as_link(request.last_frame) if request.last_frame else None


def reference_files(request: VideoRequest, spec: ModelSpec) -> tuple[Media, ...] | None:
    """The references as repeated file parts."""
    return request.references or None


FIELDS: Final[Mapping[str, Value]] = {
    "model": forms.model,
    "prompt": forms.prompt,
    "duration": forms.whole_seconds,
    "duration_text": forms.seconds_text,
    "aspect_ratio": forms.ratio,
    "resolution": forms.resolution,
    "size": forms.exact_size,
    "seed": forms.seed,
    "audio": forms.audio,
    "callback_url": forms.callback_url,
}
"""The fields of a request that every body writes alike; ``duration_text`` is the duration as a text, ``"5"``."""

MEDIA_FIELDS: Final[Mapping[BodyStyle, Mapping[str, Value]]] = {
    BodyStyle.JSON: {
        "first_frame": forms.first_frame_link,
        "last_frame": last_frame_link,
        "references": forms.reference_links,
    },
    BodyStyle.MULTIPART: {
        "first_frame": forms.first_frame_file,
        "last_frame": forms.last_frame_file,
        "references": reference_files,
    },
}
"""Pictures, clips and sounds: links in a document, files in a form."""

MEDIA_FORMS: Final = {
    BodyStyle.JSON: frozenset({MediaForm.URL, MediaForm.DATA}),
    BodyStyle.MULTIPART: frozenset({MediaForm.FILE}),
}

NAMES: Final = (*FIELDS, *MEDIA_FIELDS[BodyStyle.JSON])
"""What a field may be called."""

OPENAI: Final[Mapping[str, str]] = {
    # SDK, types/video_create_params.py
    "model": "model",
    "prompt": "prompt",
    "duration_text": "seconds",
    "size": "size",
}

OPENAI_PICTURE: Final = {
    # SDK, types/video_create_params.py and types/image_input_reference_param.py
    BodyStyle.JSON: "input_reference.image_url",
    BodyStyle.MULTIPART: "input_reference",
}

DURATIONS: Final = frozenset({"duration", "duration_text"})
SHAPES: Final = frozenset({"aspect_ratio", "resolution"})


def places_of(body: BodyStyle, given: Mapping[str, str]) -> dict[str, str]:
    """Where each field goes: OpenAI's places, and over them those that were given."""
    usual = {**OPENAI, "first_frame": OPENAI_PICTURE[body]}
    if DURATIONS & given.keys():
        usual.pop("duration_text")
    return {**usual, **given}


def speaks_pixels(given: Mapping[str, str]) -> bool:
    """Whether a shape can only be said as exact pixels, as at OpenAI."""
    return not SHAPES & given.keys()


def form_of(body: BodyStyle, given: Mapping[str, str]) -> Form:
    """The form of a create."""
    values = {**FIELDS, **MEDIA_FIELDS[body]}
    if speaks_pixels(given):
        values["size"] = forms.pixels
    rows = ((place, values[field]) for field, place in places_of(body, given).items())
    return Form(body=body, rows=tuple(rows))
