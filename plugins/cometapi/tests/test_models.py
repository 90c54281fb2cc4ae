"""What each model accepts, and how a refusal reads."""

from __future__ import annotations

from typing import Any

import pytest

from reelway.errors import InvalidRequest
from reelway.model.request import Media, MediaForm, VideoRequest
from reelway.provider.models import CheckedRequest, ModelSpec, OnUnsupported, check
from reelway_cometapi.mapping import FORMS
from reelway_cometapi.models import CATALOG

PICTURE = Media(content=b"\x89PNG\r\n\x1a\n", filename="boat.png")
CLIP = Media(content=b"", filename="boat.mp4")

NAMES = [spec.name for spec in CATALOG.models]
SEEDANCE_1 = ("doubao-seedance-1-0-pro", "doubao-seedance-1-5-pro")
SEEDANCE_2 = ("doubao-seedance-2-0", "doubao-seedance-2-0-fast")


def checked(model: str, on_unsupported: OnUnsupported = OnUnsupported.ERROR, **fields: Any) -> CheckedRequest:
    return check(VideoRequest(model=model, prompt="A paper boat", **fields), CATALOG, on_unsupported)


def accepts(model: str, **fields: Any) -> bool:
    return not checked(model, **fields).warnings


def problems(model: str, **fields: Any) -> list[str]:
    with pytest.raises(InvalidRequest) as refused:
        checked(model, **fields)
    return [str(problem) for problem in refused.value.problems]


def found(model: str) -> ModelSpec:
    spec = CATALOG.find(model)
    assert spec is not None
    return spec


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("seedance-1-0-pro", "doubao-seedance-1-0-pro"),
        ("seedance-1-5-pro", "doubao-seedance-1-5-pro"),
        ("seedance-2", "doubao-seedance-2-0"),
        ("seedance-2-fast", "doubao-seedance-2-0-fast"),
        ("seedance-2-5", "seedance-2-5"),
    ],
)
def test_a_short_name_stands_for_the_providers_own(alias: str, name: str) -> None:
    assert checked(alias).request.model == name


@pytest.mark.parametrize(
    ("model", "shortest", "longest"),
    [
        ("doubao-seedance-2-0", 4, 15),
        ("doubao-seedance-2-0-fast", 4, 15),
        ("doubao-seedance-1-5-pro", 4, 12),
        ("doubao-seedance-1-0-pro", 2, 10),
        ("seedance-2-5", 4, 30),
        ("wan2.7", 2, 15),
        ("viduq3-turbo", 1, 16),
        ("viduq3", 1, 16),
        ("happyhorse-1.0", 3, 15),
    ],
)
def test_a_range_of_seconds_is_accepted_to_its_ends_and_no_further(model: str, shortest: int, longest: int) -> None:
    assert accepts(model, duration=shortest)
    assert accepts(model, duration=longest)
    refused = f"duration: {model} does not make {longest + 1} seconds (allowed: {shortest} to {longest} seconds)"
    assert problems(model, duration=longest + 1) == [refused]
    assert problems(model, duration=shortest - 0.5)
    assert problems(model, duration=shortest + 0.5)


@pytest.mark.parametrize(
    ("model", "seconds"), [("sora-2", (4, 8, 12)), ("sora-2-pro", (4, 8, 12)), ("wan2.6", (5, 10, 15))]
)
def test_single_lengths_are_listed_one_by_one(model: str, seconds: tuple[int, ...]) -> None:
    assert all(accepts(model, duration=one) for one in seconds)
    [refused] = problems(model, duration=6)
    assert refused.endswith("(allowed: " + ", ".join(f"{one} seconds" for one in seconds) + ")")


def test_omni_names_no_range_so_any_length_is_passed_on() -> None:
    assert accepts("omni-fast", duration=4)
    assert accepts("omni-fast", duration=9)


def test_veo_has_no_field_for_the_length() -> None:
    assert problems("veo3-fast", duration=8) == ["duration: veo3-fast does not support this field"]


@pytest.mark.parametrize(
    ("model", "tiers"),
    [
        ("doubao-seedance-2-0", ("480p", "720p", "1080p")),
        ("doubao-seedance-2-0-fast", ("480p", "720p")),
        ("doubao-seedance-1-5-pro", ("480p", "720p", "1080p")),
        ("doubao-seedance-1-0-pro", ("480p", "720p", "1080p")),
        ("seedance-2-5", ("480p", "720p")),
        ("sora-2", ("720p", "1024p")),
        ("omni-fast", ("720p",)),
        ("wan2.7", ("720p", "1080p")),
        ("wan2.6", ("720p", "1080p")),
        ("viduq3", ("360p", "540p", "720p", "1080p")),
        ("happyhorse-1.0", ("720p", "1080p")),
        ("veo3-fast", ()),
    ],
)
def test_a_model_offers_these_resolutions(model: str, tiers: tuple[str, ...]) -> None:
    assert found(model).resolutions == tiers


@pytest.mark.parametrize("model", [*SEEDANCE_1, *SEEDANCE_2])
def test_seedance_offers_the_six_ratios(model: str) -> None:
    for ratio in ("21:9", "16:9", "4:3", "1:1", "3:4", "9:16"):
        assert accepts(model, aspect_ratio=ratio)
    assert problems(model, aspect_ratio="2:1")


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("doubao-seedance-1-0-pro", "864x480"),
        ("doubao-seedance-1-0-pro", "1248x704"),
        ("doubao-seedance-1-0-pro", "1504x640"),
        ("doubao-seedance-1-0-pro", "1920x1088"),
        ("doubao-seedance-1-5-pro", "864x496"),
        ("doubao-seedance-1-5-pro", "834x1112"),
        ("doubao-seedance-1-5-pro", "1920x1080"),
        ("doubao-seedance-2-0", "1280x720"),
        ("doubao-seedance-2-0", "2206x946"),
        ("doubao-seedance-2-0-fast", "1470x630"),
        ("seedance-2-5", "854x480"),
        ("sora-2", "1024x1792"),
        ("wan2.6", "1088x832"),
        ("viduq3", "640x352"),
    ],
)
def test_an_exact_size_of_the_own_series_is_accepted(model: str, size: str) -> None:
    assert checked(model, size=size).request.size == size


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("doubao-seedance-1-0-pro", "1280x720"),
        ("doubao-seedance-1-5-pro", "1248x704"),
        ("doubao-seedance-2-0", "1920x1088"),
        ("doubao-seedance-2-0-fast", "1920x1080"),
        ("seedance-2-5", "1920x1080"),
        ("sora-2", "1920x1080"),
        ("wan2.7", "1088x832"),
        ("viduq3", "720x1280"),
        ("omni-fast", "1280x720"),
        ("veo3-fast", "1280x720"),
    ],
)
def test_an_exact_size_of_another_series_is_refused(model: str, size: str) -> None:
    [refused] = problems(model, size=size)
    assert refused.startswith(f"size: {model} does not")


@pytest.mark.parametrize("model", SEEDANCE_1)
def test_the_first_generation_takes_no_picture(model: str) -> None:
    assert problems(model, first_frame=PICTURE, references=(PICTURE, PICTURE)) == [
        f"first_frame: {model} does not support this field",
        f"references: 2 image references given, but {model} takes none",
    ]


@pytest.mark.parametrize("model", SEEDANCE_2)
def test_the_second_generation_takes_a_first_frame_and_up_to_nine_pictures(model: str) -> None:
    assert accepts(model, first_frame=PICTURE, references=(PICTURE,) * 9)
    assert problems(model, references=(PICTURE,) * 10) == [
        f"references: 10 image references given, but {model} takes at most 9"
    ]
    assert problems(model, references=(CLIP,))
    assert problems(model, last_frame=PICTURE)


@pytest.mark.parametrize("model", ["omni-fast", "wan2.7", "wan2.6", "viduq3", "viduq3-turbo", "happyhorse-1.0"])
def test_a_model_that_reads_text_only_takes_no_picture(model: str) -> None:
    assert problems(model, first_frame=PICTURE) == [f"first_frame: {model} does not support this field"]


def test_veo_takes_both_frames() -> None:
    assert accepts("veo3-fast", first_frame=PICTURE, last_frame=PICTURE)


@pytest.mark.parametrize(("field", "value"), [("aspect_ratio", "1:1"), ("resolution", "1080p")])
def test_omni_is_not_asked_for_what_it_would_render_as_something_else(field: str, value: str) -> None:
    [refused] = problems("omni-fast", **{field: value})
    assert refused.startswith(f"{field}: omni-fast does not offer {value!r}")


@pytest.mark.parametrize(("model", "resolution", "ratio"), [("wan2.7", "720p", "1:1"), ("sora-2", "1024p", "16:9")])
def test_a_resolution_and_a_ratio_that_do_not_go_together_are_refused(
    model: str, resolution: str, ratio: str
) -> None:
    [refused] = problems(model, resolution=resolution, aspect_ratio=ratio)
    assert refused.startswith(f"aspect_ratio: {model} has no {ratio} at {resolution} (allowed: ")


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidRequest) as refused:
        check(
            VideoRequest(
                model="seedance-1-5-pro",
                duration=13,
                aspect_ratio="2:1",
                resolution="2k",
                seed=1,
                audio=True,
                callback_url="https://example.com/hook",
                references=(PICTURE,),
            ),
            CATALOG,
            OnUnsupported.ERROR,
        )
    fields = [problem.field for problem in refused.value.problems]
    assert sorted(fields) == [
        "aspect_ratio",
        "audio",
        "callback_url",
        "duration",
        "prompt",
        "references",
        "resolution",
        "seed",
    ]


def test_a_dropped_field_is_warned_about_and_left_out() -> None:
    passed = checked("seedance-1-5-pro", OnUnsupported.DROP, references=(PICTURE,), duration=5)
    assert passed.request.references == ()
    assert passed.request.duration == 5
    assert len(passed.warnings) == 1


def test_an_unknown_model_is_passed_through_with_a_warning() -> None:
    passed = checked("wan3.0", duration=7)
    assert passed.request.model == "wan3.0"
    assert passed.spec is CATALOG.fallback
    assert "wan3.0" in passed.warnings[0]


def test_a_typing_error_is_met_with_a_suggestion() -> None:
    assert "Did you mean seedance-2-fast" in checked("seedance-2-fats").warnings[0]


@pytest.mark.parametrize("spec", [*CATALOG.models, CATALOG.fallback], ids=lambda spec: spec.name)
def test_every_model_has_a_form_and_takes_files_only(spec: ModelSpec) -> None:
    assert spec.form in FORMS
    assert spec.media_forms == {MediaForm.FILE}


@pytest.mark.parametrize("name", NAMES)
def test_every_model_names_the_page_of_its_facts(name: str) -> None:
    assert found(name).source


@pytest.mark.parametrize("spec", CATALOG.models, ids=lambda spec: spec.name)
def test_the_sizes_of_a_model_cover_what_it_offers(spec: ModelSpec) -> None:
    if spec.sizes:
        assert {tier for tier, _ in spec.sizes.values()} == set(spec.resolutions)
        assert {ratio for _, ratio in spec.sizes.values()} == set(spec.aspect_ratios)
        assert len(set(spec.sizes.values())) == len(spec.sizes)
        assert spec.pixels(None, None) in spec.sizes
