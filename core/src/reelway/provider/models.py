"""What a model can do, as data, and the check of a request against it before any money is spent."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from reelway.errors import InvalidRequest, Problem
from reelway.model.request import Media, MediaForm, MediaKind, VideoRequest
from reelway.provider.field_types import mistyped

ALL_FORMS = frozenset(MediaForm)


class OnUnsupported(StrEnum):
    """What to do with a field that the model does not document."""

    ERROR = "error"
    """Refuse the request and list every problem."""
    WARN = "warn"
    """Send it as it is, where the wire has a place for it, and warn."""
    DROP = "drop"
    """Leave the field out and warn."""


class ModelSpec(Struct, frozen=True, kw_only=True):
    """What one model accepts. An empty collection means that the field is not supported.

    Attributes:
        name: the model id in the user's hands.
        aliases: other names for the same model.
        form: which of the provider's request forms describes it on the wire.
        source: the provider's page these facts come from.
        durations: allowed whole seconds.
        any_duration: other durations are accepted as well, because the provider names no range.
        aspect_ratios: allowed ratios.
        resolutions: allowed resolution tiers.
        sizes: exact pixels and the (resolution, ratio) they stand for.
        any_size: other exact pixels are accepted as well.
        refused_sizes: exact pixels that are documented to be refused, where others are accepted.
        default_resolution, default_ratio: what completes a half-given pair when pixels have to be sent.
        seed, audio, callback: whether these fields are supported.
        first_frame, last_frame: whether these inputs are supported.
        last_frame_alone: whether a last frame may come without a first one.
        needs_image: an input picture is required.
        references: how many references of each kind are accepted.
        frame_with_references: whether a first frame and references go together.
        media_forms: how pictures and clips may travel to this provider.
        prompt_required: whether the prompt may be left out.
    """

    name: str
    form: str
    aliases: tuple[str, ...] = ()
    source: str = ""
    durations: tuple[int, ...] = ()
    any_duration: bool = False
    aspect_ratios: tuple[str, ...] = ()
    resolutions: tuple[str, ...] = ()
    sizes: Mapping[str, tuple[str, str]] = {}
    any_size: bool = False
    refused_sizes: tuple[str, ...] = ()
    default_resolution: str | None = None
    default_ratio: str | None = None
    seed: bool = False
    audio: bool = False
    callback: bool = False
    first_frame: bool = False
    last_frame: bool = False
    last_frame_alone: bool = True
    needs_image: bool = False
    references: Mapping[MediaKind, int] = {}
    frame_with_references: bool = True
    media_forms: frozenset[MediaForm] = ALL_FORMS
    prompt_required: bool = True

    def pixels(self, resolution: str | None, ratio: str | None) -> str | None:
        """The exact size that stands for a resolution and a ratio, completed by the defaults."""
        wanted = (resolution or self.default_resolution, ratio or self.default_ratio)
        return next((size for size, pair in self.sizes.items() if pair == wanted), None)


class Catalog:
    """The models of one provider, found by name or alias."""

    def __init__(self, models: Iterable[ModelSpec], *, fallback: ModelSpec) -> None:
        """Hold the documented models, and the form in which an unknown one is passed through."""
        self.models = tuple(models)
        self.fallback = fallback
        self._by_name = {name: spec for spec in self.models for name in (*spec.aliases, spec.name)}

    def find(self, name: str) -> ModelSpec | None:
        """The documented model of that name, or None."""
        return self._by_name.get(name)

    def similar(self, name: str) -> tuple[str, ...]:
        """Names that a typing error may have meant."""
        return tuple(difflib.get_close_matches(name, list(self._by_name), n=3, cutoff=0.6))


class CheckedRequest(Struct, frozen=True, kw_only=True):
    """A request that may be sent, the model it goes to, and what the user should know."""

    request: VideoRequest
    spec: ModelSpec
    warnings: tuple[str, ...] = ()


def check(request: VideoRequest, catalog: Catalog, on_unsupported: OnUnsupported) -> CheckedRequest:
    """Hold a request against its model.

    Raises:
        InvalidRequest: with every problem, where ``on_unsupported`` is ``error``; with a value of a wrong type, a
            missing prompt or a contradiction always, for no provider could make sense of it.
    """
    # Nothing else can be asked of a field that holds no value of its type.
    refuse(mistyped(request))
    fatal = _contradictions(request)
    spec = catalog.find(request.model)
    if spec is None:
        return _pass_through(request, catalog, [*fatal, *_check_pixels(request, catalog.fallback)])
    unsupported = [problem for rule in RULES for problem in rule(request, spec)]
    dropping = on_unsupported is OnUnsupported.DROP
    kept = _without(request, unsupported) if dropping else request
    # What is dropped may be the very thing that the model needs.
    missing = [problem for rule in REQUIREMENTS for problem in rule(kept, spec)]
    strict = on_unsupported is OnUnsupported.ERROR
    refuse([*fatal, *missing, *(unsupported if strict else ())])
    named = replace(kept, model=spec.name)
    return CheckedRequest(request=named, spec=spec, warnings=tuple(map(str, unsupported)))


def refuse(problems: Iterable[Problem]) -> None:
    """Raise ``InvalidRequest`` if there is any problem."""
    if found := tuple(problems):
        raise InvalidRequest(found)


def _pass_through(request: VideoRequest, catalog: Catalog, fatal: list[Problem]) -> CheckedRequest:
    refuse(fatal)
    similar = catalog.similar(request.model)
    hint = f" Did you mean {' or '.join(similar)}?" if similar else ""
    warning = f"model: {request.model!r} is not a documented model; it is passed on unchecked.{hint}"
    return CheckedRequest(request=request, spec=catalog.fallback, warnings=(warning,))


Rule = Callable[[VideoRequest, ModelSpec], Iterable[Problem]]


def _contradictions(request: VideoRequest) -> list[Problem]:
    problems = []
    if not request.model.strip():
        problems.append(Problem(field="model", message="a model is required"))
    if request.size and (request.resolution or request.aspect_ratio):
        message = "give exact pixels, or a resolution and an aspect ratio, but not both"
        problems.append(Problem(field="size", message=message))
    if request.duration is not None and not 0 < request.duration < float("inf"):
        problems.append(Problem(field="duration", message="must be a positive number of seconds"))
    problems += [_malformed(name, getattr(request, name)) for name in _PATTERNS if _is_malformed(request, name)]
    return problems


_PATTERNS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "aspect_ratio": (re.compile(r"[0-9]{1,3}:[0-9]{1,3}\Z|[a-z_]{1,20}\Z"), "16:9"),
    "resolution": (re.compile(r"[0-9]{3,4}p\Z|[0-9]{1,2}[kK]\Z"), "720p"),
    "size": (re.compile(r"[0-9]{2,5}x[0-9]{2,5}\Z"), "1280x720"),
}
"""The shape of each geometry field and an example of it."""


def _is_malformed(request: VideoRequest, name: str) -> bool:
    value = getattr(request, name)
    return value is not None and not _PATTERNS[name][0].match(value)


def _malformed(name: str, value: str) -> Problem:
    return Problem(field=name, message=f"{value!r} is not of the form {_PATTERNS[name][1]!r}")


def _check_prompt(request: VideoRequest, spec: ModelSpec) -> Iterable[Problem]:
    if spec.prompt_required and not request.prompt.strip():
        yield Problem(field="prompt", message=f"{spec.name} needs a prompt")


def _check_image(request: VideoRequest, spec: ModelSpec) -> Iterable[Problem]:
    frames = ((spec.first_frame, request.first_frame), (spec.last_frame, request.last_frame))
    given = [media for supported, media in frames if supported and media]
    if spec.references.get(MediaKind.IMAGE):
        given += request.references
    if spec.needs_image and not any(media.kind is MediaKind.IMAGE for media in given):
        yield Problem(field="first_frame", message=f"{spec.name} needs an input picture")


def _check_duration(request: VideoRequest, spec: ModelSpec) -> Iterable[Problem]:
    if request.duration is None or spec.any_duration or request.duration in spec.durations:
        return
    if not spec.durations:
        yield _unsupported("duration", spec)
    else:
        message = f"{spec.name} does not make {request.duration:g} seconds"
        yield Problem(field="duration", message=message, allowed=_spans(spec.durations))


def _check_ratio(request: VideoRequest, spec: ModelSpec) -> Iterable[Problem]:
    yield from _one_of("aspect_ratio", request.aspect_ratio, spec.aspect_ratios, spec)


def _check_resolution(request: VideoRequest, spec: ModelSpec) -> Iterable[Problem]:
    yield from _one_of("resolution", request.resolution, spec.resolutions, spec)


def _check_size(request: VideoRequest, spec: ModelSpec) -> Iterable[Problem]:
    if request.size in spec.refused_sizes:
        message = f"{spec.name} refuses {request.size}"
        yield Problem(field="size", message=message, allowed=tuple(spec.sizes))
    elif not spec.any_size:
        yield from _one_of("size", request.size, tuple(spec.sizes), spec)


def _check_pair(request: VideoRequest, spec: ModelSpec) -> Iterable[Problem]:
    """A resolution and a ratio may each be fine and yet not go together."""
    ratio, resolution = request.aspect_ratio, request.resolution
    if not spec.sizes or ratio not in spec.aspect_ratios or resolution not in spec.resolutions:
        return
    # Words such as "adaptive" stand for no shape, so there is nothing to combine.
    if ":" in ratio and spec.pixels(resolution, ratio) is None:
        message = f"{spec.name} has no {ratio} at {resolution}"
        yield Problem(field="aspect_ratio", message=message, allowed=tuple(spec.sizes))


def _check_pixels(request: VideoRequest, spec: ModelSpec) -> Iterable[Problem]:
    """An unknown model whose form speaks in pixels only: what stands for none of them could not be sent."""
    shaped = bool(spec.sizes) and bool(request.resolution or request.aspect_ratio)
    if shaped and spec.pixels(request.resolution, request.aspect_ratio) is None:
        message = "for a model that is not documented, give exact pixels"
        yield Problem(field="size", message=message, allowed=tuple(spec.sizes))


def _check_flags(request: VideoRequest, spec: ModelSpec) -> Iterable[Problem]:
    given = {
        "seed": request.seed is not None and not spec.seed,
        "audio": request.audio is not None and not spec.audio,
        "callback_url": request.callback_url is not None and not spec.callback,
        "first_frame": request.first_frame is not None and not spec.first_frame,
        "last_frame": request.last_frame is not None and not spec.last_frame,
    }
    return [_unsupported(field, spec) for field, unsupported in given.items() if unsupported]


def _check_references(request: VideoRequest, spec: ModelSpec) -> Iterable[Problem]:
    for kind in MediaKind:
        count = sum(media.kind is kind for media in request.references)
        limit = spec.references.get(kind, 0)
        if count > limit:
            allowed = f"at most {limit}" if limit else "none"
            message = f"{count} {kind} references given, but {spec.name} takes {allowed}"
            yield Problem(field="references", message=message)


def _check_lone_last_frame(request: VideoRequest, spec: ModelSpec) -> Iterable[Problem]:
    alone = request.last_frame is not None and request.first_frame is None
    if alone and spec.last_frame and not spec.last_frame_alone:
        yield Problem(field="last_frame", message=f"{spec.name} takes it together with a first_frame only")


def _check_mix(request: VideoRequest, spec: ModelSpec) -> Iterable[Problem]:
    if request.references and request.first_frame and not spec.frame_with_references:
        message = f"{spec.name} takes a first frame or references, but not both"
        yield Problem(field="references", message=message)


def _check_forms(request: VideoRequest, spec: ModelSpec) -> Iterable[Problem]:
    frames = (("first_frame", request.first_frame), ("last_frame", request.last_frame))
    given = (*frames, *(("references", media) for media in request.references))
    for field, media in given:
        if media is not None and not _can_travel(media, spec.media_forms):
            allowed = tuple(sorted(spec.media_forms))
            yield Problem(field=field, message=f"a {media.form} cannot travel to {spec.name}", allowed=allowed)


def _can_travel(media: Media, forms: frozenset[MediaForm]) -> bool:
    """Whether media can be sent in one of these forms. A file can become data, and everything a file."""
    as_data = media.form is MediaForm.FILE and MediaForm.DATA in forms
    return as_data or media.form in forms or MediaForm.FILE in forms


REQUIREMENTS: tuple[Rule, ...] = (_check_prompt, _check_image)
"""What has to be there."""

RULES: tuple[Rule, ...] = (
    _check_duration,
    _check_ratio,
    _check_resolution,
    _check_size,
    _check_pair,
    _check_flags,
    _check_references,
    _check_lone_last_frame,
    _check_mix,
    _check_forms,
)
"""What has to be supported; ``on_unsupported`` decides about these."""

_EMPTY: VideoRequest = VideoRequest(model="")


def _without(request: VideoRequest, problems: Iterable[Problem]) -> VideoRequest:
    return replace(request, **{problem.field: getattr(_EMPTY, problem.field) for problem in problems})


def _one_of(field: str, value: str | None, allowed: tuple[str, ...], spec: ModelSpec) -> Iterable[Problem]:
    if value is None or value in allowed:
        return
    if not allowed:
        yield _unsupported(field, spec)
    else:
        message = f"{spec.name} does not offer {value!r}"
        yield Problem(field=field, message=message, allowed=allowed)


def _unsupported(field: str, spec: ModelSpec) -> Problem:
    return Problem(field=field, message=f"{spec.name} does not support this field")


def _spans(numbers: tuple[int, ...]) -> tuple[str, ...]:
    """Whole seconds as text, runs of them shortened: ``4 to 15 seconds``."""
    first, last = numbers[0], numbers[-1]
    if len(numbers) > 2 and numbers == tuple(range(first, last + 1)):
        return (f"{first} to {last} seconds",)
    return tuple(f"{number} seconds" for number in numbers)
