"""How a canonical request is written for OctopusX: one form per page of the documentation, as tables."""

from __future__ import annotations

from reelway.errors import Problem
from reelway.model.request import Media, MediaKind, VideoRequest
from reelway.provider import forms
from reelway.provider.forms import BodyStyle, Form, Row
from reelway.provider.models import ModelSpec, refuse
from reelway_octopusx.wire import GENERATIONS_ROUTE, UNIFIED_ROUTE


def tiered_model(request: VideoRequest, spec: ModelSpec) -> str:
    """The model id with the resolution in it; an id that was given whole keeps its own, and takes no other."""
    family, _, tier = spec.name.partition("_")
    if tier and request.resolution not in {None, tier}:
        refuse([Problem(field="resolution", message=f"{spec.name} makes {tier} alone")])
    return f"{family}_{tier or request.resolution or spec.default_resolution}"


def upper_resolution(request: VideoRequest, spec: ModelSpec) -> str | None:
    """The resolution tier as ``720P``."""
    return request.resolution.upper() if request.resolution else None


def last_frame_file(request: VideoRequest, spec: ModelSpec) -> tuple[Media, ...] | None:
    """The last frame as a file part."""
    frame = _paired_last_frame(request, spec)
    return (frame,) if frame else None


def last_frame_link(request: VideoRequest, spec: ModelSpec) -> str | None:
    """The last frame as a URL or a data URI."""
    frame = _paired_last_frame(request, spec)
    return forms.as_link(frame) if frame else None


def clip_link(request: VideoRequest, spec: ModelSpec) -> str | None:
    """The reference clip as a URL or a data URI."""
    return next(map(forms.as_link, _references(request, MediaKind.VIDEO)), None)


def picture_links(request: VideoRequest, spec: ModelSpec) -> list[str] | None:
    """The reference pictures as URLs or data URIs."""
    return [forms.as_link(media) for media in _references(request, MediaKind.IMAGE)] or None


def ordered_links(request: VideoRequest, spec: ModelSpec) -> list[str]:
    """All media as URLs or data URIs, told apart by their order; an empty list where there are none."""
    _paired_last_frame(request, spec)
    return [forms.as_link(media) for media in request.media]


def _paired_last_frame(request: VideoRequest, spec: ModelSpec) -> Media | None:
    """The last frame, which every page that has one describes together with a first frame only."""
    if request.last_frame and not request.first_frame:
        message = f"{spec.name} takes it together with a first_frame only"
        refuse([Problem(field="last_frame", message=message)])
    return request.last_frame


def _references(request: VideoRequest, kind: MediaKind) -> list[Media]:
    return [media for media in request.references if media.kind is kind]


def _json(*rows: Row, route: str = "") -> Form:
    return Form(body=BodyStyle.JSON, rows=(("model", forms.model), ("prompt", forms.prompt), *rows), route=route)


def _multipart(*rows: Row) -> Form:
    return Form(body=BodyStyle.MULTIPART, rows=(("model", forms.model), ("prompt", forms.prompt), *rows))


FORMS = {
    # /en/videos/sora/generation, /en/videos/veo/generation; second host, /en/videos/openai-videos
    "video": _json(
        ("seconds", forms.seconds_text),
        ("size", forms.pixels),
        ("input_reference", forms.first_frame_link),
    ),
    # /en/videos/kling/generation
    "kling": _json(
        ("seconds", forms.seconds_text),
        ("image", forms.first_frame_link),
        ("metadata.output_config.resolution", upper_resolution),
        ("metadata.output_config.aspect_ratio", forms.ratio),
        ("metadata.last_frame_url", last_frame_link),
    ),
    # Second host, /en/videos/omni/omni-fast and /en/videos/omni/omni-fast-v2v
    "omni": _json(
        ("video", clip_link),
        ("first_image_url", forms.first_frame_link),
        ("last_image_url", last_frame_link),
        ("images", picture_links),
        ("seconds", forms.seconds_text),
        ("aspect_ratio", forms.ratio),
        ("resolution", forms.resolution),
    ),
    # /en/videos/jimeng/doubao-generation: `size` is an aspect ratio.
    "doubao": Form(
        body=BodyStyle.MULTIPART,
        rows=(
            ("model", tiered_model),
            ("prompt", forms.prompt),
            ("size", forms.ratio),
            ("seconds", forms.seconds_text),
            ("first_frame_image", forms.first_frame_file),
            ("last_frame_image", last_frame_file),
        ),
    ),
    # /en/videos/jimeng/generation
    "jimeng": _multipart(
        ("seconds", forms.seconds_text),
        ("size", forms.pixels),
        ("input_reference", forms.first_frame_file),
    ),
    # /en/videos/vidu/vidu-generation
    "vidu": _multipart(
        ("aspect_ratio", forms.ratio),
        ("resolution", forms.resolution),
        ("duration", forms.whole_seconds),
        ("seed", forms.seed),
        ("audio", forms.audio),
        ("images", forms.first_frame_file),
    ),
    # /en/videos/grok/generation: `size` is a resolution.
    "grok": _multipart(
        ("aspect_ratio", forms.ratio),
        ("seconds", forms.seconds_text),
        ("size", upper_resolution),
        ("input_reference", forms.media_files),
    ),
    # /en/videos/seedance-2/generation
    "seedance": Form(
        body=BodyStyle.JSON,
        route=GENERATIONS_ROUTE,
        rows=(
            ("model", forms.model),
            ("content", forms.content),
            ("metadata.duration", forms.whole_seconds),
            ("metadata.resolution", forms.resolution),
            ("metadata.ratio", forms.ratio),
            ("metadata.seed", forms.seed),
            ("metadata.generate_audio", forms.audio),
            ("metadata.callback_url", forms.callback_url),
        ),
    ),
    # Second host, /en/videos/video-generations
    "generation": _json(
        ("image", forms.first_frame_link),
        ("duration", forms.whole_seconds),
        ("size", forms.pixels),
        route=GENERATIONS_ROUTE,
    ),
    # /en/videos/grok/unified-generation: `size` is a resolution.
    "unified-grok": _json(
        ("images", ordered_links),
        ("aspect_ratio", forms.ratio),
        ("size", upper_resolution),
        ("duration", forms.whole_seconds),
        route=UNIFIED_ROUTE,
    ),
    # /en/videos/veo/unified-generation
    "unified-veo": _json(
        ("images", ordered_links),
        ("aspect_ratio", forms.ratio),
        ("size", forms.pixels),
        ("duration", forms.whole_seconds),
        route=UNIFIED_ROUTE,
    ),
}
