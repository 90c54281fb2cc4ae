"""What each CometAPI model accepts, from the provider's pages."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from reelway.model.request import MediaForm, MediaKind
from reelway.provider.models import Catalog, ModelSpec

SEEDANCE_PAGE = "/api/video/seedance/create"
SORA_PAGE = "/api/video/sora-2/official/create-video"
VEO_PAGE = "/api/video/veo3/self-developed/veo3-async-generation"
OMNI_PAGE = "/api/video/omni/create"
WAN_PAGE = "/api/video/wan/create"
VIDU_PAGE = "/api/video/vidu/create"
HAPPYHORSE_PAGE = "/api/video/happyhorse/create"

# Pictures travel as file parts; no page has a field for a URL.
FILES = frozenset({MediaForm.FILE})

Sizes = Mapping[str, tuple[str, str]]

SEEDANCE_RATIOS = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9")

# The page's table of exact sizes; the columns are the ratios above.
SEEDANCE_1_0 = {
    "480p": ("864x480", "736x544", "640x640", "544x736", "480x864", "960x416"),
    "720p": ("1248x704", "1120x832", "960x960", "832x1120", "704x1248", "1504x640"),
    "1080p": ("1920x1088", "1664x1248", "1440x1440", "1248x1664", "1088x1920", "2176x928"),
}
SEEDANCE_LATER = {
    "480p": ("864x496", "752x560", "640x640", "560x752", "496x864", "992x432"),
    "720p": ("1280x720", "1112x834", "960x960", "834x1112", "720x1280", "1470x630"),
    "1080p": ("1920x1080", "1664x1248", "1440x1440", "1248x1664", "1080x1920", "2206x946"),
}
# "Seedance 2.0 Fast is not listed" in the 1080p rows.
SEEDANCE_FAST = {tier: SEEDANCE_LATER[tier] for tier in ("480p", "720p")}

# "Repeatable" without a number; nine pictures are the upstream's limit for Seedance 2.0.
SEEDANCE_REFERENCES = {MediaKind.IMAGE: 9}

# The wide sizes are 7:4, so they stand for no ratio that 720p has.
SORA_SIZES = {
    "720x1280": ("720p", "9:16"),
    "1280x720": ("720p", "16:9"),
    "1024x1792": ("1024p", "4:7"),
    "1792x1024": ("1024p", "7:4"),
}

WAN_2_7_SIZES = {
    "1280x720": ("720p", "16:9"),
    "720x1280": ("720p", "9:16"),
    "1920x1080": ("1080p", "16:9"),
    "1080x1920": ("1080p", "9:16"),
    "1440x1440": ("1080p", "1:1"),
}
WAN_2_6_SIZES = WAN_2_7_SIZES | {
    "1088x832": ("720p", "4:3"),
    "832x1088": ("720p", "3:4"),
    "1632x1248": ("1080p", "4:3"),
    "1248x1632": ("1080p", "3:4"),
}

HAPPYHORSE_SIZES = WAN_2_7_SIZES

VIDU_SIZES = {
    "640x352": ("360p", "16:9"),
    "960x528": ("540p", "16:9"),
    "1280x720": ("720p", "16:9"),
    "1920x1080": ("1080p", "16:9"),
}


def _seedance(name: str, alias: str, table: Mapping[str, tuple[str, ...]], seconds: range) -> ModelSpec:
    """A model that makes videos from text alone: 1.0 Pro and 1.5 Pro answer a picture with HTTP 400."""
    cells = {tier: zip(SEEDANCE_RATIOS, row, strict=True) for tier, row in table.items()}
    return ModelSpec(
        name=name,
        form="seedance-1",
        aliases=(alias,),
        source=SEEDANCE_PAGE,
        durations=tuple(seconds),
        aspect_ratios=SEEDANCE_RATIOS,
        resolutions=tuple(table),
        sizes={size: (tier, ratio) for tier, row in cells.items() for ratio, size in row},
        default_resolution="720p",
        default_ratio="16:9",
        media_forms=FILES,
    )


def _seedance_2(name: str, alias: str, table: Mapping[str, tuple[str, ...]]) -> ModelSpec:
    """A model that takes pictures as well: the one field serves image-to-video and references."""
    text_only = _seedance(name, alias, table, range(4, 16))
    return replace(text_only, form="seedance-2", first_frame=True, references=SEEDANCE_REFERENCES)


def _sized(name: str, source: str, seconds: range | tuple[int, ...], sizes: Sizes, default: str) -> ModelSpec:
    """A model whose ``size`` is exact pixels; ``default`` is what it makes when none are given."""
    resolution, ratio = sizes[default]
    return ModelSpec(
        name=name,
        form="pixels",
        source=source,
        durations=tuple(seconds),
        aspect_ratios=tuple(dict.fromkeys(ratio for _, ratio in sizes.values())),
        resolutions=tuple(dict.fromkeys(tier for tier, _ in sizes.values())),
        sizes=sizes,
        default_resolution=resolution,
        default_ratio=ratio,
        media_forms=FILES,
    )


def _sora(name: str) -> ModelSpec:
    # The page lists the four sizes without saying for which model; the default is what its example answers.
    text_only = _sized(name, SORA_PAGE, (4, 8, 12), SORA_SIZES, "1280x720")
    return replace(text_only, form="sora", first_frame=True)


SEEDANCE_2_5 = ModelSpec(
    # The provider's blog, August 2026; no page of the reference has it yet, and no ratio but 16:9 is named.
    name="seedance-2-5",
    form="seedance-2-5",
    source="the provider's blog",
    durations=tuple(range(4, 31)),
    aspect_ratios=("16:9",),
    resolutions=("480p", "720p"),
    sizes={"854x480": ("480p", "16:9"), "1280x720": ("720p", "16:9")},
    default_resolution="720p",
    default_ratio="16:9",
    first_frame=True,
    media_forms=FILES,
)

VEO = ModelSpec(
    name="veo3-fast",
    form="veo",
    source=VEO_PAGE,
    aspect_ratios=("16:9", "9:16"),
    first_frame=True,
    last_frame=True,
    last_frame_alone=False,
    media_forms=FILES,
)

OMNI = ModelSpec(
    name="omni-fast",
    form="omni",
    source=OMNI_PAGE,
    # "Start with 4" is all that the page says.
    durations=(4,),
    any_duration=True,
    # The page accepts 1:1 and 1080p too and renders both as 1280x720: nobody should pay for what they did not ask.
    aspect_ratios=("16:9", "9:16"),
    resolutions=("720p",),
    media_forms=FILES,
)

CATALOG = Catalog(
    (
        _seedance_2("doubao-seedance-2-0", "seedance-2", SEEDANCE_LATER),
        _seedance_2("doubao-seedance-2-0-fast", "seedance-2-fast", SEEDANCE_FAST),
        _seedance("doubao-seedance-1-5-pro", "seedance-1-5-pro", SEEDANCE_LATER, range(4, 13)),
        _seedance("doubao-seedance-1-0-pro", "seedance-1-0-pro", SEEDANCE_1_0, range(2, 11)),
        SEEDANCE_2_5,
        _sora("sora-2"),
        _sora("sora-2-pro"),
        VEO,
        OMNI,
        _sized("wan2.7", WAN_PAGE, range(2, 16), WAN_2_7_SIZES, "1920x1080"),
        _sized("wan2.6", WAN_PAGE, (5, 10, 15), WAN_2_6_SIZES, "1920x1080"),
        _sized("viduq3-turbo", VIDU_PAGE, range(1, 17), VIDU_SIZES, "1280x720"),
        _sized("viduq3", VIDU_PAGE, range(1, 17), VIDU_SIZES, "1280x720"),
        _sized("happyhorse-1.0", HAPPYHORSE_PAGE, range(3, 16), HAPPYHORSE_SIZES, "1920x1080"),
    ),
    # All of them share one path, and the Seedance page's form has a place for every field.
    fallback=ModelSpec(name="*", form="seedance-1", media_forms=FILES),
)
