"""How a canonical request is written for InfinityBlue: one form per kind of model, as tables."""

from __future__ import annotations

from typing import Any

from reelway.model.request import VideoRequest
from reelway.provider import forms
from reelway.provider.forms import BodyStyle, Form
from reelway.provider.models import ModelSpec
from reelway_infinityblue.wire import GENERATIONS_ROUTE


def lone_image(request: VideoRequest, spec: ModelSpec) -> str | None:
    """The field ``image``: a first frame that stands alone. With a last frame both go into ``content[]``."""
    return None if _needs_content(request) else forms.first_frame_link(request, spec)


def content(request: VideoRequest, spec: ModelSpec) -> list[dict[str, Any]] | None:
    """``metadata.content[]``: frames and references with their roles, where ``image`` cannot say it."""
    return forms.content_items(request, spec) if _needs_content(request) else None


def width(request: VideoRequest, spec: ModelSpec) -> int | None:
    """The pixels across."""
    return _side(request, spec, 0)


def height(request: VideoRequest, spec: ModelSpec) -> int | None:
    """The pixels down."""
    return _side(request, spec, 1)


def _side(request: VideoRequest, spec: ModelSpec, index: int) -> int | None:
    size = forms.pixels(request, spec)
    return int(size.split("x")[index]) if size else None


def _needs_content(request: VideoRequest) -> bool:
    return request.last_frame is not None or bool(request.references)


FORMS = {
    # /en-videos/seedance-20/create-seedance-video-task
    "seedance": Form(
        body=BodyStyle.JSON,
        rows=(
            ("model", forms.model),
            ("prompt", forms.prompt),
            ("seconds", forms.seconds_text),
            ("resolution", forms.resolution),
            ("ratio", forms.ratio),
            ("size", forms.exact_size),
            ("image", lone_image),
            ("metadata.content", content),
            ("generate_audio", forms.audio),
            ("seed", forms.seed),
        ),
    ),
    # The provider's openapi/grok-video.en.yaml: the resolution is in the model id, size tells the ratio only.
    "grok": Form(
        body=BodyStyle.JSON,
        rows=(
            ("model", forms.model),
            ("prompt", forms.prompt),
            ("seconds", forms.seconds_text),
            ("size", forms.pixels),
            ("image", forms.first_frame_link),
            ("images", forms.reference_links),
        ),
    ),
    "grok-preview": Form(
        body=BodyStyle.JSON,
        rows=(
            ("model", forms.model),
            ("prompt", forms.prompt),
            ("seconds", forms.seconds_text),
            ("size", forms.pixels),
            ("input_reference", forms.first_frame_link),
        ),
    ),
    # /en-videos/videos/create-video-generation-task
    "generation": Form(
        body=BodyStyle.JSON,
        route=GENERATIONS_ROUTE,
        rows=(
            ("model", forms.model),
            ("prompt", forms.prompt),
            ("image", forms.first_frame_link),
            ("duration", forms.whole_seconds),
            ("width", width),
            ("height", height),
            ("seed", forms.seed),
        ),
    ),
}
