"""What each InfinityBlue model accepts, from the provider's pages."""

from reelway.model.request import MediaForm, MediaKind
from reelway.provider.models import Catalog, ModelSpec

SEEDANCE_PAGE = "/en-videos/seedance-20/create-seedance-video-task"
GROK_PAGE = "openapi/grok-video.en.yaml"
GENERIC_PAGE = "/en-videos/videos/create-video-generation-task"

LINKS = frozenset({MediaForm.URL, MediaForm.DATA})

SEEDANCE_RATIOS = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16", "adaptive", "auto")

# References: nine pictures, three clips, three sounds are the upstream's limits for Seedance 2.0.
SEEDANCE_REFERENCES = {MediaKind.IMAGE: 9, MediaKind.VIDEO: 3, MediaKind.AUDIO: 3}

# They name the ratio only; other pixels are taken as well, but for the two that the page says are rejected.
GROK_SIZES = {"1280x720": ("720p", "16:9"), "720x1280": ("720p", "9:16"), "720x720": ("720p", "1:1")}

GROK_REFUSED = ("1792x1024", "1024x1792")

GENERIC_SIZES = {
    "1280x720": ("720p", "16:9"),
    "720x1280": ("720p", "9:16"),
    "1920x1080": ("1080p", "16:9"),
    "1080x1920": ("1080p", "9:16"),
}


def _seedance(name: str, alias: str) -> ModelSpec:
    return ModelSpec(
        name=name,
        form="seedance",
        aliases=(alias,),
        source=SEEDANCE_PAGE,
        durations=tuple(range(4, 16)),
        aspect_ratios=SEEDANCE_RATIOS,
        resolutions=("480p", "720p", "1080p"),
        any_size=True,
        seed=True,
        audio=True,
        first_frame=True,
        last_frame=True,
        references=SEEDANCE_REFERENCES,
        media_forms=LINKS,
    )


def _grok(tier: str) -> ModelSpec:
    return ModelSpec(
        name=f"grok-imagine-video-{tier}",
        form="grok",
        source=GROK_PAGE,
        durations=tuple(range(1, 16)),
        aspect_ratios=("16:9", "9:16", "1:1"),
        sizes=GROK_SIZES,
        any_size=True,
        refused_sizes=GROK_REFUSED,
        default_resolution="720p",
        first_frame=True,
        references={MediaKind.IMAGE: 9},
        frame_with_references=False,
        media_forms=LINKS,
    )


def _grok_preview(tier: str) -> ModelSpec:
    return ModelSpec(
        name=f"grok-imagine-video-1.5-preview-{tier}",
        form="grok-preview",
        source=GROK_PAGE,
        durations=tuple(range(1, 16)),
        aspect_ratios=("16:9", "9:16", "1:1"),
        sizes=GROK_SIZES,
        any_size=True,
        refused_sizes=GROK_REFUSED,
        default_resolution="720p",
        first_frame=True,
        needs_image=True,
        media_forms=LINKS,
    )


def _generic(name: str) -> ModelSpec:
    # The page states no durations, so none is refused.
    return ModelSpec(
        name=name,
        form="generation",
        source=GENERIC_PAGE,
        any_duration=True,
        aspect_ratios=("16:9", "9:16"),
        resolutions=("720p", "1080p"),
        sizes=GENERIC_SIZES,
        any_size=True,
        default_resolution="720p",
        default_ratio="16:9",
        seed=True,
        first_frame=True,
        media_forms=LINKS,
    )


CATALOG = Catalog(
    (
        _seedance("doubao-seedance-2-0-260128", "seedance-2"),
        _seedance("doubao-seedance-2-0-fast-260128", "seedance-2-fast"),
        _grok("480p"),
        _grok("720p"),
        _grok_preview("480p"),
        _grok_preview("720p"),
        *map(_generic, ("kling-v2-5-turbo", "kling-v2-1-master", "veo_3_1", "veo_3_1-fast")),
    ),
    # "Kling, Veo and others" go to the generic pair, so an unknown model does too.
    fallback=ModelSpec(
        name="*",
        form="generation",
        sizes=GENERIC_SIZES,
        default_resolution="720p",
        default_ratio="16:9",
        media_forms=LINKS,
    ),
)
