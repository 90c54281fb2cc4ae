"""What each OctopusX model accepts, from the provider's pages, and which of the three dialects it goes to.

A page states some ranges and leaves out others. Where it leaves one out, the upstream model's own stands here and
the comment says so.
"""

from __future__ import annotations

from reelway.model.request import MediaForm, MediaKind
from reelway.provider.models import Catalog, ModelSpec

DOUBAO_PAGE = "/en/videos/jimeng/doubao-generation"
SEEDANCE_PAGE = "/en/videos/seedance-2/generation"
JIMENG_PAGE = "/en/videos/jimeng/generation"
VIDU_PAGE = "/en/videos/vidu/vidu-generation"
SORA_PAGE = "/en/videos/sora/generation"
VEO_PAGE = "/en/videos/veo/generation"
VEO_UNIFIED_PAGE = "/en/videos/veo/unified-generation"
GROK_PAGE = "/en/videos/grok/generation"
GROK_UNIFIED_PAGE = "/en/videos/grok/unified-generation"
KLING_PAGE = "/en/videos/kling/generation"
OMNI_PAGE = "second host, /en/videos/omni/overview"
GENERATIONS_PAGE = "second host, /en/videos/video-generations"

FILES = frozenset({MediaForm.FILE})
URLS = frozenset({MediaForm.URL})
LINKS = frozenset({MediaForm.URL, MediaForm.DATA})

TIERS = ("480p", "720p", "1080p")

DOUBAO_RATIOS = ("16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "keep_ratio", "adaptive")

# The page states no ratios; these are the upstream's.
SEEDANCE_RATIOS = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16", "adaptive")

# The page states no numbers; these are the upstream's.
SEEDANCE_REFERENCES = {MediaKind.IMAGE: 9, MediaKind.VIDEO: 3, MediaKind.AUDIO: 3}

GROK_RATIOS = ("16:9", "9:16", "2:3", "3:2", "1:1")

GATEWAY_SIZES = {"720x1280": ("720p", "9:16"), "1280x720": ("720p", "16:9")}

GENERIC_SIZES = GATEWAY_SIZES | {"1920x1080": ("1080p", "16:9"), "1080x1920": ("1080p", "9:16")}


def _doubao(name: str, alias: str | None = None, tiers: tuple[str, ...] = TIERS) -> ModelSpec:
    """A family without a resolution in its name, or one whole id that has one; 720p is the upstream's default."""
    return ModelSpec(
        name=name,
        form="doubao",
        aliases=(alias,) if alias else (),
        source=DOUBAO_PAGE,
        # "Valid range: >= 4 and < 12".
        durations=tuple(range(4, 12)),
        aspect_ratios=DOUBAO_RATIOS,
        resolutions=tiers,
        default_resolution="720p",
        first_frame=True,
        last_frame=True,
        last_frame_alone=False,
        media_forms=FILES,
    )


def _doubao_family(name: str, alias: str) -> tuple[ModelSpec, ...]:
    return (_doubao(name, alias), *(_doubao(f"{name}_{tier}", tiers=(tier,)) for tier in TIERS))


def _seedance(name: str, alias: str) -> ModelSpec:
    return ModelSpec(
        name=name,
        form="seedance",
        aliases=(alias,),
        source=SEEDANCE_PAGE,
        # The page states no range; this is the upstream's.
        durations=tuple(range(4, 16)),
        aspect_ratios=SEEDANCE_RATIOS,
        resolutions=TIERS,
        seed=True,
        audio=True,
        callback=True,
        first_frame=True,
        last_frame=True,
        references=SEEDANCE_REFERENCES,
        media_forms=LINKS,
    )


def _sized(name: str, form: str, source: str, durations: tuple[int, ...]) -> ModelSpec:
    """A model whose ``size`` is exact pixels, of which the gateway takes two, and which starts from a picture."""
    return ModelSpec(
        name=name,
        form=form,
        source=source,
        durations=durations,
        aspect_ratios=("16:9", "9:16"),
        resolutions=("720p",),
        sizes=GATEWAY_SIZES,
        default_resolution="720p",
        default_ratio="16:9",
        first_frame=True,
        media_forms=FILES if form == "jimeng" else LINKS,
    )


def _vidu(name: str, longest: int) -> ModelSpec:
    return ModelSpec(
        name=name,
        form="vidu",
        source=VIDU_PAGE,
        durations=tuple(range(1, longest + 1)),
        aspect_ratios=("16:9", "9:16", "3:4", "4:3", "1:1"),
        # The page names the field without its values; these are the upstream's.
        resolutions=("540p", "720p", "1080p"),
        seed=True,
        audio=True,
        first_frame=True,
        media_forms=FILES,
    )


def _omni(name: str, clips: int) -> ModelSpec:
    return ModelSpec(
        name=name,
        form="omni",
        source=OMNI_PAGE,
        durations=tuple(range(4, 31)),
        aspect_ratios=("16:9", "9:16"),
        resolutions=("720p", "1080p", "2k", "4k"),
        first_frame=True,
        last_frame=True,
        last_frame_alone=False,
        references={MediaKind.IMAGE: 5, MediaKind.VIDEO: clips},
        media_forms=LINKS,
    )


def _kling(name: str, durations: tuple[int, ...]) -> ModelSpec:
    # The page states no ranges; these are what the upstream models make.
    return ModelSpec(
        name=name,
        form="kling",
        aliases=(name.lower(),),
        source=KLING_PAGE,
        durations=durations,
        aspect_ratios=("16:9", "9:16", "1:1"),
        resolutions=("720p", "1080p"),
        first_frame=True,
        last_frame=True,
        last_frame_alone=False,
        media_forms=LINKS,
    )


def _fixed_grok(name: str, seconds: int) -> ModelSpec:
    """A Grok model of one length; it is documented for the first dialect only."""
    return ModelSpec(
        name=name,
        form="grok",
        source=GROK_PAGE,
        durations=(seconds,),
        aspect_ratios=GROK_RATIOS,
        resolutions=("720p", "1080p"),
        first_frame=True,
        references={MediaKind.IMAGE: 6},
        frame_with_references=False,
        media_forms=FILES,
    )


GROK = ModelSpec(
    name="grok-video-3",
    form="unified-grok",
    source=GROK_UNIFIED_PAGE,
    durations=(6, 10, 15),
    aspect_ratios=GROK_RATIOS,
    resolutions=("720p", "1080p"),
    first_frame=True,
    last_frame=True,
    last_frame_alone=False,
    references={MediaKind.IMAGE: 6},
    # Two pictures are a first and a last frame, several are references.
    frame_with_references=False,
    media_forms=LINKS,
)

VEO_COMPONENTS = ModelSpec(
    name="veo3.1-fast-components",
    form="unified-veo",
    source=VEO_UNIFIED_PAGE,
    durations=(8,),
    aspect_ratios=("16:9", "9:16"),
    resolutions=("720p",),
    sizes=GATEWAY_SIZES,
    default_resolution="720p",
    default_ratio="16:9",
    # The page states no number; three is the upstream's.
    references={MediaKind.IMAGE: 3},
    media_forms=URLS,
)

KLING_V1 = ModelSpec(
    name="kling-v1",
    form="generation",
    source=GENERATIONS_PAGE,
    # The page's example and the upstream's other length.
    durations=(5, 10),
    aspect_ratios=("16:9", "9:16"),
    resolutions=("720p", "1080p"),
    sizes=GENERIC_SIZES,
    any_size=True,
    default_resolution="720p",
    default_ratio="16:9",
    first_frame=True,
    media_forms=LINKS,
)

CATALOG = Catalog(
    (
        *_doubao_family("doubao-seedance-1-0-pro", "seedance-1-0-pro"),
        *_doubao_family("doubao-seedance-1-5-pro", "seedance-1-5-pro"),
        _seedance("doubao-seedance-2-0-260128", "seedance-2"),
        _seedance("doubao-seedance-2-0-fast-260128", "seedance-2-fast"),
        _sized("jimeng-video-3.0", "jimeng", JIMENG_PAGE, (5, 10, 15)),
        _sized("jimeng-video-2.0", "jimeng", JIMENG_PAGE, (5, 10, 15)),
        # /en/videos/vidu/overview: 1 to 10 seconds for q2; "depends on the model" for q3, so the upstream's own.
        _vidu("viduq3-pro", 16),
        _vidu("viduq2-pro", 10),
        _vidu("viduq2-turbo", 10),
        # The pages state no lengths: the upstream's own, and those of the pages' examples.
        _sized("sora-2", "video", SORA_PAGE, (4, 5, 8, 10, 12)),
        _sized("veo_3_1", "video", VEO_PAGE, (4, 6, 8)),
        _sized("veo_3_1-fast", "video", VEO_PAGE, (4, 6, 8)),
        VEO_COMPONENTS,
        _kling("Kling-3.0-Omni", tuple(range(3, 16))),
        _kling("Kling-2.6", (5, 10)),
        _kling("Kling-2.5", (5, 10)),
        KLING_V1,
        _omni("omni-fast", 0),
        _omni("omni-fast-v2v", 1),
        GROK,
        _fixed_grok("grok-video-3-pro", 10),
        _fixed_grok("grok-video-3-max", 15),
    ),
    # The generic page of the second host, /en/videos/openai-videos.
    fallback=ModelSpec(
        name="*",
        form="video",
        sizes=GENERIC_SIZES,
        default_resolution="720p",
        default_ratio="16:9",
        media_forms=LINKS,
    ),
)
