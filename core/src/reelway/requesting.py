"""From what a caller writes to a request, and back to something that can be shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypedDict

import msgspec
from msgspec import Struct

from reelway.errors import InvalidRequest, Problem
from reelway.model.http import HttpRequest, Multipart
from reelway.model.request import Media, MediaSource, VideoRequest
from reelway.transport.wire import url_of


class RequestFields(TypedDict, total=False):
    """The fields of a :class:`VideoRequest` as keyword arguments; media as paths, URLs, bytes or ``Media``."""

    model: str
    duration: float | None
    aspect_ratio: str | None
    resolution: str | None
    size: str | None
    seed: int | None
    first_frame: MediaSource | None
    last_frame: MediaSource | None
    references: Iterable[MediaSource]
    audio: bool | None
    callback_url: str | None
    extra: Mapping[str, Any]


class Preview(Struct, frozen=True, kw_only=True):
    """The request that a create would send, with nothing secret in it.

    Attributes:
        method, url: where it would go.
        fields: the form fields, or the JSON document.
        files: the file parts: field, name and type.
        warnings: what the user should know.
    """

    method: str
    url: str
    fields: Mapping[str, Any]
    files: tuple[tuple[str, str, str], ...] = ()
    warnings: tuple[str, ...] = ()


def request_of(prompt: str | VideoRequest, fields: Mapping[str, Any]) -> VideoRequest:
    """The request that a call describes.

    Raises:
        InvalidRequest: a whole request and single fields were both given, or the model is missing.
    """
    if isinstance(prompt, VideoRequest):
        if fields:
            problem = Problem(field=", ".join(fields), message="give a VideoRequest or single fields, not both")
            raise InvalidRequest([problem])
        return prompt
    if "model" not in fields:
        raise InvalidRequest([Problem(field="model", message="a model is required")])
    values = dict(fields)
    for name in ("first_frame", "last_frame"):
        if values.get(name) is not None:
            values[name] = Media.of(values[name])
    values["references"] = tuple(map(Media.of, _several(values.get("references"))))
    return VideoRequest(prompt=prompt, **values)


def _several(references: Any) -> Iterable[MediaSource]:
    """The references; one that was given alone is not taken apart into its letters."""
    if references is None:
        return ()
    return (references,) if isinstance(references, str | bytes | Path | Media) else references


def preview_of(request: HttpRequest, base_url: str, warnings: tuple[str, ...]) -> Preview:
    """Show a request without its key."""
    body = request.body
    multipart = body if isinstance(body, Multipart) else Multipart()
    return Preview(
        method=request.method,
        url=url_of(base_url, request),
        fields=_document(body) if isinstance(body, bytes) else dict(multipart.fields),
        files=tuple((part.field, part.filename, part.content_type) for part in multipart.files),
        warnings=warnings,
    )


def _document(body: bytes) -> Mapping[str, Any]:
    document = msgspec.json.decode(body)
    return document if isinstance(document, dict) else {}
