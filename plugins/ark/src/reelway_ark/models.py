"""What each Ark model accepts.

Page 1520757 has the parameters, the model list 1330310 the ids: those that begin with ``doubao-`` belong to
Volcengine, the others to BytePlus. The lite models of Seedance 1.0 were switched off and are not listed.
"""

from typing import Any

from reelway.model.request import MediaForm, MediaKind
from reelway.provider.models import Catalog, ModelSpec

CREATE_PAGE = "/en/docs/ModelArk/1520757"

RATIOS = ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16", "adaptive")

# Pictures and sounds come by their address, as data or by asset id; clips by their address or asset id.
FORMS = frozenset({MediaForm.URL, MediaForm.DATA})


def _seedance(name: str, alias: str | None = None, **facts: Any) -> ModelSpec:
    common: dict[str, Any] = {
        "form": "seedance",
        "source": CREATE_PAGE,
        "aspect_ratios": RATIOS,
        "resolutions": ("480p", "720p", "1080p"),
        "callback": True,
        "first_frame": True,
        "last_frame": True,
        "last_frame_alone": False,
        # First frame, first and last frame, and references are three tasks that do not mix.
        "frame_with_references": False,
        "media_forms": FORMS,
        # With something to see or to hear, the text may be missing.
        "prompt_required": False,
    }
    return ModelSpec(name=name, aliases=(alias,) if alias else (), **common | facts)


SEEDANCE_2_5: dict[str, Any] = {
    "form": "seedance-2-5",
    "durations": tuple(range(4, 31)),
    "audio": True,
    "references": {MediaKind.IMAGE: 30, MediaKind.VIDEO: 10, MediaKind.AUDIO: 10},
}

SEEDANCE_2: dict[str, Any] = {
    "form": "seedance-2",
    "durations": tuple(range(4, 16)),
    "audio": True,
    "references": {MediaKind.IMAGE: 9, MediaKind.VIDEO: 3, MediaKind.AUDIO: 3},
}

SEEDANCE_2_4K = SEEDANCE_2 | {"resolutions": ("480p", "720p", "1080p", "4k")}

SEEDANCE_2_SMALL = SEEDANCE_2 | {"resolutions": ("480p", "720p")}

SEEDANCE_1_5: dict[str, Any] = {"durations": tuple(range(4, 13)), "seed": True, "audio": True}

SEEDANCE_1: dict[str, Any] = {"durations": tuple(range(2, 13)), "seed": True}

SEEDANCE_1_FAST = SEEDANCE_1 | {"last_frame": False}

CATALOG = Catalog(
    (
        _seedance("doubao-seedance-2-0-260128", "seedance-2", **SEEDANCE_2_4K),
        _seedance("doubao-seedance-2-0-fast-260128", "seedance-2-fast", **SEEDANCE_2_SMALL),
        _seedance("doubao-seedance-2-0-mini-260615", "seedance-2-mini", **SEEDANCE_2_SMALL),
        _seedance("doubao-seedance-2-5-260628", "seedance-2-5", **SEEDANCE_2_5),
        _seedance("doubao-seedance-1-5-pro-251215", "seedance-1-5-pro", **SEEDANCE_1_5),
        _seedance("doubao-seedance-1-0-pro-250528", "seedance-1-0-pro", **SEEDANCE_1),
        _seedance("doubao-seedance-1-0-pro-fast-251015", "seedance-1-0-pro-fast", **SEEDANCE_1_FAST),
        _seedance("dreamina-seedance-2-0-260128", **SEEDANCE_2_4K),
        _seedance("dreamina-seedance-2-0-fast-260128", **SEEDANCE_2_SMALL),
        _seedance("dreamina-seedance-2-0-mini-260615", **SEEDANCE_2_SMALL),
        _seedance("dreamina-seedance-2-5-260628", **SEEDANCE_2_5),
        _seedance("seedance-1-5-pro-251215", **SEEDANCE_1_5),
        _seedance("seedance-1-0-pro-250528", **SEEDANCE_1),
        _seedance("seedance-1-0-pro-fast-251015", **SEEDANCE_1_FAST),
    ),
    # Also an endpoint id (`ep-...`), which stands for a model of the account's.
    fallback=ModelSpec(name="*", form="seedance", media_forms=FORMS),
)
