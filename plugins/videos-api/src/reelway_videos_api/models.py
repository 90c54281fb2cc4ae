"""What OpenAI's models accept, and how any other model is passed through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from reelway.provider.forms import BodyStyle
from reelway.provider.models import Catalog, ModelSpec
from reelway_videos_api.mapping import MEDIA_FORMS, speaks_pixels

GUIDE: Final = "developers.openai.com/api/docs/guides/video-generation"

FORM: Final = "create"
"""There is one form; its name is never seen."""

Sizes = Mapping[str, tuple[str, str]]

SORA_SIZES: Final[Sizes] = {
    # SDK, types/video_create_params.py: the first is the default.
    "720x1280": ("720p", "9:16"),
    "1280x720": ("720p", "16:9"),
}

SORA_PRO_SIZES: Final[Sizes] = {
    **SORA_SIZES,
    # The wide sizes are 7:4, so they stand for no ratio that 720p has.
    "1024x1792": ("1024p", "4:7"),
    "1792x1024": ("1024p", "7:4"),
    # Guide: 1080p is for the larger model only.
    "1080x1920": ("1080p", "9:16"),
    "1920x1080": ("1080p", "16:9"),
}

COMMON_SIZES: Final[Sizes] = {
    "1280x720": ("720p", "16:9"),
    "720x1280": ("720p", "9:16"),
    "1920x1080": ("1080p", "16:9"),
    "1080x1920": ("1080p", "9:16"),
}
"""What a resolution and a ratio say together, whatever the model; one of them alone says no size."""


def _sora(name: str, sizes: Sizes) -> ModelSpec:
    return ModelSpec(
        name=name,
        form=FORM,
        source=GUIDE,
        # SDK, types/video_seconds.py; the Guide adds 16 and 20 for both models.
        durations=(4, 8, 12, 16, 20),
        aspect_ratios=tuple(dict.fromkeys(ratio for _, ratio in sizes.values())),
        resolutions=tuple(dict.fromkeys(tier for tier, _ in sizes.values())),
        sizes=sizes,
        default_resolution="720p",
        default_ratio="9:16",
        first_frame=True,
        media_forms=MEDIA_FORMS[BodyStyle.MULTIPART],
    )


def any_model(body: BodyStyle, fields: Mapping[str, str]) -> ModelSpec:
    """How a model that nobody has described is passed through."""
    sizes = COMMON_SIZES if speaks_pixels(fields) else {}
    return ModelSpec(name="*", form=FORM, sizes=sizes, media_forms=MEDIA_FORMS[body])


CATALOG: Final = Catalog(
    (
        # SDK, types/video_model_param.py
        *(_sora(name, SORA_SIZES) for name in ("sora-2", "sora-2-2025-10-06", "sora-2-2025-12-08")),
        *(_sora(name, SORA_PRO_SIZES) for name in ("sora-2-pro", "sora-2-pro-2025-10-06")),
    ),
    fallback=any_model(BodyStyle.MULTIPART, {}),
)
