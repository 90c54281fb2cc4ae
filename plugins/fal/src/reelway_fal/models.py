"""What well-known video models at fal accept.

fal has hundreds, each with an input of its own. The facts are those of a model's page, which the types of fal's own
client have too (@fal-ai/client, ``endpoints.ts``).
"""

from typing import Any

from reelway.model.request import MediaForm
from reelway.provider.models import Catalog, ModelSpec

# documentation/model-apis/fal-cdn: by their address, or as data.
MEDIA = frozenset({MediaForm.URL, MediaForm.DATA})


def _model(name: str, form: str, alias: str | None = None, **facts: Any) -> ModelSpec:
    return ModelSpec(
        name=name,
        form=form,
        aliases=(alias,) if alias else (),
        source=f"https://fal.ai/models/{name}/api",
        callback=True,
        media_forms=MEDIA,
        last_frame_alone=False,
        **facts,
    )


PICTURE: dict[str, Any] = {"first_frame": True, "needs_image": True}

FRAMES: dict[str, Any] = PICTURE | {"last_frame": True}

VEO: dict[str, Any] = {
    "durations": (4, 6, 8),
    "aspect_ratios": ("16:9", "9:16"),
    "resolutions": ("720p", "1080p", "4k"),
    "seed": True,
    "audio": True,
}

VEO_PICTURE = VEO | PICTURE | {"aspect_ratios": ("auto", "16:9", "9:16")}

KLING: dict[str, Any] = {"durations": (5, 10), "aspect_ratios": ("16:9", "9:16", "1:1")}

KLING_FRAMES: dict[str, Any] = {"durations": (5, 10)} | FRAMES

RATIOS = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16")

SEEDANCE_1: dict[str, Any] = {
    "durations": tuple(range(2, 13)),
    "aspect_ratios": RATIOS,
    "resolutions": ("480p", "720p", "1080p"),
    "seed": True,
}

# Its page: a last frame is accepted and ignored, so it is not offered here.
SEEDANCE_1_PICTURE = SEEDANCE_1 | PICTURE | {"aspect_ratios": (*RATIOS, "auto")}

SEEDANCE_1_5 = SEEDANCE_1 | {
    "durations": tuple(range(4, 13)),
    "aspect_ratios": (*RATIOS, "auto"),
    "audio": True,
}

HAILUO: dict[str, Any] = {"durations": (6, 10)}

HAILUO_FRAMES = HAILUO | FRAMES | {"resolutions": ("512p", "768p")}

CATALOG = Catalog(
    (
        _model("fal-ai/veo3.1", "veo", "veo-3.1", **VEO),
        _model("fal-ai/veo3.1/image-to-video", "veo", **VEO_PICTURE),
        _model("fal-ai/kling-video/v2.5-turbo/pro/text-to-video", "kling", "kling-2.5-turbo-pro", **KLING),
        _model("fal-ai/kling-video/v2.5-turbo/pro/image-to-video", "kling", **KLING_FRAMES),
        _model("fal-ai/bytedance/seedance/v1.5/pro/text-to-video", "seedance", "seedance-1.5-pro", **SEEDANCE_1_5),
        _model("fal-ai/bytedance/seedance/v1/pro/text-to-video", "seedance", "seedance-1-pro", **SEEDANCE_1),
        _model("fal-ai/bytedance/seedance/v1/pro/image-to-video", "seedance", **SEEDANCE_1_PICTURE),
        _model("fal-ai/minimax/hailuo-02/standard/text-to-video", "hailuo", "hailuo-02", **HAILUO),
        _model("fal-ai/minimax/hailuo-02/standard/image-to-video", "hailuo", **HAILUO_FRAMES),
    ),
    # The names that most models have; what a model calls otherwise goes into `extra`.
    fallback=ModelSpec(name="*", form="seedance", media_forms=MEDIA),
)
