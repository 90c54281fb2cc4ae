"""Requests that a model accepts, made from what its provider says about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from msgspec.structs import replace

from reelway.model.request import Media, MediaForm, MediaKind, VideoRequest
from reelway.provider.interface import Provider
from reelway.provider.models import Catalog, ModelSpec

PROMPT: Final = "A paper boat crosses a puddle at dawn."

PNG: Final = b"\x89PNG\r\n\x1a\n contract"

PICTURES: Final = {
    MediaForm.URL: Media(url="https://media.contract.example/picture.png"),
    MediaForm.DATA: Media(url="data:image/png;base64,iVBORw0KGgo="),
    MediaForm.FILE: Media(content=PNG, filename="picture.png", content_type="image/png"),
}

CLIPS: Final = {
    MediaKind.VIDEO: ("clip.mp4", "video/mp4"),
    MediaKind.AUDIO: ("sound.mp3", "audio/mpeg"),
    MediaKind.IMAGE: ("picture.png", "image/png"),
}


def examples(catalog: Catalog) -> tuple[ModelSpec, ...]:
    """A model for each form of the catalog, the fallback's among them."""
    by_form = {spec.form: spec for spec in (catalog.fallback, *reversed(catalog.models))}
    named = (spec for spec in by_form.values() if spec is not catalog.fallback)
    return (*named, replace(catalog.fallback, name=UNKNOWN_MODEL))


UNKNOWN_MODEL: Final = "contract-model-nobody-lists"


def plain(spec: ModelSpec) -> VideoRequest:
    """A request with what the model needs, and no more."""
    frame = picture(spec) if spec.needs_image else None
    alone = frame if spec.first_frame else None
    references = (frame,) if frame and not spec.first_frame else ()
    return VideoRequest(model=spec.name, prompt=PROMPT, first_frame=alone, references=references)


def picture(spec: ModelSpec) -> Media:
    """A picture in a form in which it can travel to the model."""
    return next(media for form, media in PICTURES.items() if form in spec.media_forms)


def reference(kind: MediaKind, spec: ModelSpec) -> Media:
    """Media of a kind in a form in which they can travel to the model."""
    name, content_type = CLIPS[kind]
    if MediaForm.URL in spec.media_forms:
        return Media(url=f"https://media.contract.example/{name}")
    return Media(content=PNG, filename=name, content_type=content_type)


def single_fields(spec: ModelSpec) -> Iterator[tuple[str, Any]]:
    """Each field that the model is said to take, with each value that it is said to take there."""
    yield from (("duration", float(seconds)) for seconds in spec.durations)
    yield from (("aspect_ratio", ratio) for ratio in spec.aspect_ratios)
    yield from (("resolution", tier) for tier in spec.resolutions)
    yield from (("size", size) for size in spec.sizes)
    yield from (("seed", 7),) if spec.seed else ()
    yield from (("audio", True), ("audio", False)) if spec.audio else ()
    yield from (("callback_url", "https://callback.contract.example/hook"),) if spec.callback else ()
    yield from (("first_frame", media) for media in travelling(spec)) if spec.first_frame else ()
    yield from (("references", references) for references in _references(spec))


def _references(spec: ModelSpec) -> Iterator[tuple[Media, ...]]:
    """A reference of each kind; a sound comes with a picture where the model takes both, for some want it so."""
    taken = [kind for kind, count in spec.references.items() if count]
    for kind in taken:
        company = (MediaKind.IMAGE,) if kind is MediaKind.AUDIO and MediaKind.IMAGE in taken else ()
        yield tuple(reference(one, spec) for one in (*company, kind))


def travelling(spec: ModelSpec) -> Iterator[Media]:
    """A picture in each form in which it can travel to the model."""
    yield from (media for form, media in PICTURES.items() if form in spec.media_forms)


def wishes(provider: Provider) -> Iterator[tuple[VideoRequest, ModelSpec]]:
    """For every documented model the plain request, and one for each field and value that it takes."""
    for spec in provider.models.models:
        base = plain(spec)
        yield base, spec
        for field, value in single_fields(spec):
            yield replace(base, **{field: value}), spec
