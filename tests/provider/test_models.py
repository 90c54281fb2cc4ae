"""A request is held against its model before any money is spent, and the answer is in the user's terms."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.errors import InvalidRequest
from reelway.model.request import Media, MediaForm, MediaKind, VideoRequest
from reelway.provider.models import Catalog, CheckedRequest, ModelSpec, OnUnsupported, check

PICTURE = Media(url="https://example.com/cat.jpg")
CLIP = Media(url="https://example.com/walk.mp4")
SOUND = Media(url="https://example.com/rain.mp3")

DATA_URI = Media(url="data:image/png;base64,AAAA")
FILE = Media(content=b"\x89PNG\r\n\x1a\n")

FULL = ModelSpec(
    name="acme-1",
    form="plain",
    aliases=("acme",),
    durations=(4, 8, 12),
    aspect_ratios=("16:9", "9:16", "adaptive"),
    resolutions=("720p", "1080p"),
    sizes={"1280x720": ("720p", "16:9"), "720x1280": ("720p", "9:16"), "1920x1080": ("1080p", "16:9")},
    default_resolution="720p",
    default_ratio="16:9",
    seed=True,
    audio=True,
    callback=True,
    first_frame=True,
    last_frame=True,
    references={MediaKind.IMAGE: 2, MediaKind.VIDEO: 1},
)
BARE = ModelSpec(name="acme-bare", form="plain", prompt_required=False)
ANY_SIZE = ModelSpec(name="acme-any", form="plain", any_size=True, refused_sizes=("1792x1024",))
PICKY = ModelSpec(
    name="acme-picky",
    form="plain",
    first_frame=True,
    needs_image=True,
    references={MediaKind.IMAGE: 1},
    frame_with_references=False,
)
LINKS = ModelSpec(
    name="acme-links",
    form="plain",
    first_frame=True,
    last_frame=True,
    references={MediaKind.IMAGE: 2},
    media_forms=frozenset({MediaForm.URL}),
)
DATA = ModelSpec(name="acme-data", form="plain", first_frame=True, media_forms=frozenset({MediaForm.DATA}))
FILES = ModelSpec(name="acme-files", form="plain", first_frame=True, media_forms=frozenset({MediaForm.FILE}))
CATALOG = Catalog((FULL, BARE, ANY_SIZE, PICKY, LINKS, DATA, FILES), fallback=ModelSpec(name="*", form="plain"))


def checked(on_unsupported: OnUnsupported = OnUnsupported.ERROR, **fields: Any) -> CheckedRequest:
    return check(VideoRequest(**{"model": "acme-1", "prompt": "a cat"} | fields), CATALOG, on_unsupported)


def problems(**fields: Any) -> list[str]:
    try:
        checked(**fields)
    except InvalidRequest as error:
        return [str(problem) for problem in error.problems]
    return []


ACCEPTED: list[dict[str, Any]] = [
    {},
    {"model": "acme"},
    {"duration": 8},
    {"duration": 8.0},
    {"aspect_ratio": "9:16"},
    {"aspect_ratio": "adaptive", "resolution": "1080p"},
    {"resolution": "1080p", "aspect_ratio": "16:9"},
    {"size": "1280x720"},
    {"seed": 0, "audio": False, "callback_url": "https://example.com/hook"},
    {"first_frame": PICTURE, "last_frame": PICTURE},
    {"references": (PICTURE, CLIP, PICTURE)},
    {"extra": {"whatever": [1, {"deep": None}]}},
    {"model": "acme-bare", "prompt": ""},
    {"model": "acme-any", "size": "123x456"},
    {"model": "acme-picky", "first_frame": PICTURE},
    {"model": "acme-picky", "references": (PICTURE,)},
    {"model": "acme-links", "first_frame": PICTURE, "references": (PICTURE,)},
    {"model": "acme-data", "first_frame": DATA_URI},
    {"model": "acme-data", "first_frame": FILE},
    *({"model": "acme-files", "first_frame": media} for media in (FILE, DATA_URI, PICTURE)),
]


@pytest.mark.parametrize("fields", ACCEPTED)
@pytest.mark.parametrize("on_unsupported", OnUnsupported)
def test_what_a_model_documents_passes_without_a_word(
    fields: dict[str, Any], on_unsupported: OnUnsupported
) -> None:
    request = checked(on_unsupported, **fields)
    assert request.warnings == ()
    assert request.request.model == request.spec.name


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"duration": 5}, "duration: acme-1 does not make 5 seconds (allowed: 4 seconds, 8 seconds, 12 seconds)"),
    ({"aspect_ratio": "1:1"}, "aspect_ratio: acme-1 does not offer '1:1' (allowed: 16:9, 9:16, adaptive)"),
    ({"resolution": "4k"}, "resolution: acme-1 does not offer '4k' (allowed: 720p, 1080p)"),
    (
        {"size": "640x480"},
        "size: acme-1 does not offer '640x480' (allowed: 1280x720, 720x1280, 1920x1080)",
    ),
    (
        {"resolution": "1080p", "aspect_ratio": "9:16"},
        "aspect_ratio: acme-1 has no 9:16 at 1080p (allowed: 1280x720, 720x1280, 1920x1080)",
    ),
    ({"references": (CLIP, CLIP)}, "references: 2 video references given, but acme-1 takes at most 1"),
    ({"references": (SOUND,)}, "references: 1 audio references given, but acme-1 takes none"),
    ({"model": "acme-bare", "duration": 5}, "duration: acme-bare does not support this field"),
    ({"model": "acme-bare", "resolution": "720p"}, "resolution: acme-bare does not support this field"),
    ({"model": "acme-bare", "size": "1280x720"}, "size: acme-bare does not support this field"),
    ({"model": "acme-bare", "seed": 0}, "seed: acme-bare does not support this field"),
    ({"model": "acme-bare", "audio": False}, "audio: acme-bare does not support this field"),
    ({"model": "acme-bare", "callback_url": "https://x"}, "callback_url: acme-bare does not support this field"),
    ({"model": "acme-bare", "first_frame": PICTURE}, "first_frame: acme-bare does not support this field"),
    ({"model": "acme-bare", "last_frame": PICTURE}, "last_frame: acme-bare does not support this field"),
    ({"model": "acme-any", "size": "1792x1024"}, "size: acme-any refuses 1792x1024"),
    (
        {"model": "acme-picky", "first_frame": PICTURE, "references": (PICTURE,)},
        "references: acme-picky takes a first frame or references, but not both",
    ),
    (
        {"model": "acme-links", "first_frame": DATA_URI},
        "first_frame: a data cannot travel to acme-links (allowed: url)",
    ),
    (
        {"model": "acme-links", "last_frame": FILE},
        "last_frame: a file cannot travel to acme-links (allowed: url)",
    ),
    (
        {"model": "acme-links", "references": (PICTURE, FILE)},
        "references: a file cannot travel to acme-links (allowed: url)",
    ),
    (
        {"model": "acme-data", "first_frame": PICTURE},
        "first_frame: a url cannot travel to acme-data (allowed: data)",
    ),
]


@pytest.mark.parametrize(("fields", "problem"), REFUSED)
def test_what_a_model_does_not_do_is_said_in_the_users_terms(fields: dict[str, Any], problem: str) -> None:
    assert problems(**fields) == [problem]


@pytest.mark.parametrize(("fields", "problem"), REFUSED)
def test_it_can_be_sent_with_a_warning(fields: dict[str, Any], problem: str) -> None:
    request = checked(OnUnsupported.WARN, **fields)
    assert request.warnings == (problem,)
    assert all(getattr(request.request, name) == value for name, value in fields.items())


@pytest.mark.parametrize(("fields", "problem"), REFUSED)
def test_it_can_be_left_out_with_a_warning(fields: dict[str, Any], problem: str) -> None:
    request = checked(OnUnsupported.DROP, **fields)
    assert request.warnings == (problem,)
    dropped = problem.partition(":")[0]
    assert getattr(request.request, dropped) == getattr(VideoRequest(model=""), dropped)
    assert check(request.request, CATALOG, OnUnsupported.ERROR).warnings == ()


IMPOSSIBLE: list[tuple[dict[str, Any], str]] = [
    ({"model": " "}, "model: a model is required"),
    ({"prompt": " \n"}, "prompt: acme-1 needs a prompt"),
    ({"model": "acme-picky"}, "first_frame: acme-picky needs an input picture"),
    ({"model": "acme-picky", "references": (CLIP,)}, "first_frame: acme-picky needs an input picture"),
    ({"model": "acme-picky", "last_frame": PICTURE}, "first_frame: acme-picky needs an input picture"),
    (
        {"size": "1280x720", "resolution": "720p"},
        "size: give exact pixels, or a resolution and an aspect ratio, but not both",
    ),
    ({"duration": 0}, "duration: must be a positive number of seconds"),
    ({"duration": -1}, "duration: must be a positive number of seconds"),
    ({"duration": float("nan")}, "duration: must be a positive number of seconds"),
    ({"duration": float("inf")}, "duration: must be a positive number of seconds"),
    ({"aspect_ratio": "16x9"}, "aspect_ratio: '16x9' is not of the form '16:9'"),
    ({"aspect_ratio": ""}, "aspect_ratio: '' is not of the form '16:9'"),
    ({"resolution": "HD"}, "resolution: 'HD' is not of the form '720p'"),
    ({"resolution": "720p\n"}, "resolution: '720p\\n' is not of the form '720p'"),
    ({"size": "16:9"}, "size: '16:9' is not of the form '1280x720'"),
    ({"size": "１２８０x７２０"}, "size: '１２８０x７２０' is not of the form '1280x720'"),
]


@pytest.mark.parametrize(("fields", "problem"), IMPOSSIBLE)
@pytest.mark.parametrize("on_unsupported", OnUnsupported)
def test_what_nobody_could_make_sense_of_is_refused_in_any_case(
    fields: dict[str, Any], problem: str, on_unsupported: OnUnsupported
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        checked(on_unsupported, **fields)
    assert problem in map(str, caught.value.problems)


def test_all_problems_are_told_at_once() -> None:
    found = problems(prompt="", duration=5, aspect_ratio="2:1", seed=1, references=(SOUND,), size="1x1")
    assert [problem.partition(":")[0] for problem in found] == [
        "size",
        "size",
        "prompt",
        "duration",
        "aspect_ratio",
        "size",
        "references",
    ]


def test_the_error_reads_as_a_list_and_says_that_nothing_was_sent() -> None:
    with pytest.raises(InvalidRequest) as caught:
        checked(duration=5, resolution="4k")
    assert str(caught.value).splitlines() == [
        "The request is not valid.",
        "  - duration: acme-1 does not make 5 seconds (allowed: 4 seconds, 8 seconds, 12 seconds)",
        "  - resolution: acme-1 does not offer '4k' (allowed: 720p, 1080p)",
        "Nothing was sent.",
    ]


@pytest.mark.parametrize(
    ("durations", "allowed"),
    [
        ((4, 5, 6, 7), "4 to 7 seconds"),
        ((5, 10), "5 seconds, 10 seconds"),
        ((5, 6), "5 seconds, 6 seconds"),
        ((5,), "5 seconds"),
    ],
)
def test_a_run_of_durations_is_said_briefly(durations: tuple[int, ...], allowed: str) -> None:
    catalog = Catalog((ModelSpec(name="m", form="plain", durations=durations),), fallback=FULL)
    with pytest.raises(InvalidRequest, match=rf"\(allowed: {allowed}\)"):
        check(VideoRequest(model="m", prompt="a cat", duration=99), catalog, OnUnsupported.ERROR)


@pytest.mark.parametrize("on_unsupported", OnUnsupported)
def test_an_unknown_model_passes_unchecked_with_a_warning(on_unsupported: OnUnsupported) -> None:
    request = checked(on_unsupported, model="zeta-9", duration=77, seed=1, references=(SOUND,))
    assert request.spec is CATALOG.fallback
    assert (request.request.model, request.request.duration) == ("zeta-9", 77)
    assert request.warnings == ("model: 'zeta-9' is not a documented model; it is passed on unchecked.",)


def test_a_misspelt_model_is_answered_with_a_guess() -> None:
    [warning] = checked(model="acme-pick").warnings
    assert "passed on unchecked. Did you mean acme-picky" in warning


def test_an_alias_is_a_name_and_no_guess() -> None:
    assert CATALOG.find("acme") is FULL
    assert CATALOG.find("ACME") is None


@pytest.mark.parametrize(
    ("resolution", "ratio", "size"),
    [
        ("1080p", "16:9", "1920x1080"),
        ("1080p", None, "1920x1080"),
        (None, "9:16", "720x1280"),
        (None, None, "1280x720"),
        ("1080p", "9:16", None),
    ],
)
def test_half_a_shape_is_completed_by_the_models_defaults(
    resolution: str | None, ratio: str | None, size: str | None
) -> None:
    assert FULL.pixels(resolution, ratio) == size


def test_a_picture_that_the_model_needs_is_not_dropped_in_silence() -> None:
    with pytest.raises(InvalidRequest, match="first_frame: acme-picky needs an input picture"):
        checked(OnUnsupported.DROP, model="acme-picky", references=(PICTURE, PICTURE))


ANY_REQUEST = st.builds(
    VideoRequest,
    model=st.sampled_from(["acme-1", "acme-bare", "acme-any", "acme-picky", "zeta-9", ""]),
    prompt=st.sampled_from(["", "a cat"]),
    duration=st.none() | st.floats() | st.integers(-1, 20),
    aspect_ratio=st.none() | st.sampled_from(["16:9", "1:1", "adaptive"]) | st.text(max_size=5),
    resolution=st.none() | st.sampled_from(["720p", "4k"]) | st.text(max_size=5),
    size=st.none() | st.sampled_from(["1280x720", "1x1", "1792x1024"]) | st.text(max_size=5),
    seed=st.none() | st.integers(),
    first_frame=st.none() | st.just(PICTURE),
    references=st.lists(st.sampled_from([PICTURE, CLIP, SOUND]), max_size=4).map(tuple),
)


@given(request=ANY_REQUEST)
def test_what_is_dropped_leaves_a_request_that_passes(request: VideoRequest) -> None:
    try:
        left = check(request, CATALOG, OnUnsupported.DROP)
    except InvalidRequest as error:
        problems = error.problems
    else:
        assert check(left.request, CATALOG, OnUnsupported.ERROR).request == left.request
        return
    assert problems


def test_a_lone_last_frame_is_one_problem_among_the_others() -> None:
    spec = ModelSpec(name="m", form="f", first_frame=True, last_frame=True, last_frame_alone=False, durations=(5,))
    catalog = Catalog((spec,), fallback=ModelSpec(name="*", form="f"))
    request = VideoRequest(model="m", prompt="p", duration=9, last_frame=Media(content=b"\x89PNG\r\n\x1a\n"))
    with pytest.raises(InvalidRequest) as caught:
        check(request, catalog, OnUnsupported.ERROR)
    assert {problem.field for problem in caught.value.problems} == {"duration", "last_frame"}
