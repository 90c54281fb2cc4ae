"""How a canonical request is written for CometAPI: one multipart form per family of models, as tables."""

from __future__ import annotations

from collections.abc import Collection

from reelway.errors import Problem
from reelway.model.request import Media, VideoRequest
from reelway.provider import forms
from reelway.provider.forms import BodyStyle, Form, Row, Value
from reelway.provider.models import ModelSpec, refuse


def ratio_or_size(request: VideoRequest, spec: ModelSpec) -> str | None:
    """``size`` as the Seedance page has it: exact pixels where given, else a ratio such as ``16:9``."""
    return request.size or request.aspect_ratio


def ratio_with_x(request: VideoRequest, spec: ModelSpec) -> str | None:
    """``size`` as the Veo page has it: ``16x9``."""
    return request.size or (request.aspect_ratio or "").replace(":", "x") or None


def ordered_frames(request: VideoRequest, spec: ModelSpec) -> tuple[Media, ...] | None:
    """First and last frame as repeated file parts; only their order tells them apart."""
    if request.last_frame and not request.first_frame:
        message = f"{spec.name} takes it together with a first_frame only"
        refuse([Problem(field="last_frame", message=message)])
    return tuple(frame for frame in (request.first_frame, request.last_frame) if frame) or None


def _form(*rows: Row) -> Form:
    head: tuple[Row, ...] = (("model", forms.model), ("prompt", forms.prompt), ("seconds", forms.seconds_text))
    return Form(body=BodyStyle.MULTIPART, rows=(*head, *rows))


def _seedance(tiers: Collection[str]) -> Form:
    """The form of one Seedance generation; ``tiers`` are those that its field ``resolution`` is documented for."""
    return _form(
        ("size", _seedance_size(tiers)),
        ("resolution", _seedance_resolution(tiers)),
        ("input_reference", forms.media_files),
    )


def _seedance_size(tiers: Collection[str]) -> Value:
    def size(request: VideoRequest, spec: ModelSpec) -> str | None:
        return _pixels_beyond(tiers, request, spec) or ratio_or_size(request, spec)

    return size


def _seedance_resolution(tiers: Collection[str]) -> Value:
    def resolution(request: VideoRequest, spec: ModelSpec) -> str | None:
        return None if _pixels_beyond(tiers, request, spec) else request.resolution

    return resolution


def _pixels_beyond(tiers: Collection[str], request: VideoRequest, spec: ModelSpec) -> str | None:
    """The exact size of a tier that the field ``resolution`` does not name; None where the field says it."""
    if request.resolution is None or request.resolution in tiers:
        return None
    return spec.pixels(request.resolution, request.aspect_ratio)


FORMS = {
    # /api/video/seedance/create. Its versions disagree: the older has the field `resolution`, with 1080p for 1.x
    # only; the newer has no such field, lists 1080p for 2.0 as well, and wants exact pixels for it.
    "seedance-1": _seedance(("480p", "720p", "1080p")),
    "seedance-2": _seedance(("480p", "720p")),
    # The provider's blog names pixels only.
    "seedance-2-5": _seedance(()),
    # /api/video/sora-2/official/create-video
    "sora": _form(("size", forms.pixels), ("input_reference", forms.first_frame_file)),
    # /api/video/veo3/self-developed/veo3-async-generation
    "veo": _form(("size", ratio_with_x), ("input_reference", ordered_frames)),
    # /api/video/omni/create
    "omni": _form(("aspect_ratio", forms.ratio), ("resolution", forms.resolution)),
    # /api/video/wan/create, /api/video/vidu/create, /api/video/happyhorse/create
    "pixels": _form(("size", forms.pixels)),
}
