"""Request forms: tables that say where each field of a canonical request goes on a provider's wire.

A form is a list of rows ``(place, value)``. The value is a function of the request and its model; what it returns
as None is left out. Plugins combine the functions of this module and add their own for what is theirs alone.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from reelway.errors import InvalidRequest, Problem
from reelway.model.http import FilePart, HttpRequest, Multipart, json_request
from reelway.model.request import Media, VideoRequest
from reelway.provider.models import ModelSpec

Value: TypeAlias = Callable[[VideoRequest, ModelSpec], Any]
Row: TypeAlias = tuple[str, Value]


class BodyStyle(StrEnum):
    """How a create travels."""

    JSON = "json"
    MULTIPART = "multipart"


class Form(Struct, frozen=True, kw_only=True):
    """One way to write a create: the body style, the rows, and the route of the dialect it belongs to."""

    body: BodyStyle
    rows: tuple[Row, ...]
    route: str = ""

    def write(self, path: str, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        """The request that creates ``request`` at ``path``; ``extra`` fields come last and win."""
        values = {place: value(request, spec) for place, value in self.rows}
        given = {place: value for place, value in (values | dict(request.extra)).items() if value is not None}
        return _WRITERS[self.body](path, given)


def model(request: VideoRequest, spec: ModelSpec) -> str:
    """The model id as it stands."""
    return request.model


def prompt(request: VideoRequest, spec: ModelSpec) -> str | None:
    """The prompt; an empty one is left out."""
    return request.prompt or None


def whole_seconds(request: VideoRequest, spec: ModelSpec) -> int | float | None:
    """The duration as a number, without a fraction where it has none."""
    duration = request.duration
    return int(duration) if duration is not None and duration == int(duration) else duration


def seconds_text(request: VideoRequest, spec: ModelSpec) -> str | None:
    """The duration as a text such as ``"5"``."""
    seconds = whole_seconds(request, spec)
    return None if seconds is None else str(seconds)


def ratio(request: VideoRequest, spec: ModelSpec) -> str | None:
    """The aspect ratio as it stands."""
    return request.aspect_ratio


def resolution(request: VideoRequest, spec: ModelSpec) -> str | None:
    """The resolution tier as it stands."""
    return request.resolution


def exact_size(request: VideoRequest, spec: ModelSpec) -> str | None:
    """Exact pixels, only where the user gave them."""
    return request.size


def pixels(request: VideoRequest, spec: ModelSpec) -> str | None:
    """Exact pixels, worked out from resolution and ratio where the user gave those."""
    if request.size or not (request.resolution or request.aspect_ratio):
        return request.size
    return spec.pixels(request.resolution, request.aspect_ratio)


def seed(request: VideoRequest, spec: ModelSpec) -> int | None:
    """The seed."""
    return request.seed


def audio(request: VideoRequest, spec: ModelSpec) -> bool | None:
    """Whether to make a sound track."""
    return request.audio


def callback_url(request: VideoRequest, spec: ModelSpec) -> str | None:
    """Where changes should be posted."""
    return request.callback_url


def media_files(request: VideoRequest, spec: ModelSpec) -> tuple[Media, ...] | None:
    """All media in order, as repeated file parts: first frame, last frame, references."""
    return request.media or None


def first_frame_file(request: VideoRequest, spec: ModelSpec) -> tuple[Media, ...] | None:
    """The first frame as a file part."""
    return (request.first_frame,) if request.first_frame else None


def last_frame_file(request: VideoRequest, spec: ModelSpec) -> tuple[Media, ...] | None:
    """The last frame as a file part."""
    return (request.last_frame,) if request.last_frame else None


def first_frame_link(request: VideoRequest, spec: ModelSpec) -> str | None:
    """The first frame as a URL or a data URI."""
    return as_link(request.first_frame) if request.first_frame else None


def reference_links(request: VideoRequest, spec: ModelSpec) -> list[str] | None:
    """The references as URLs or data URIs."""
    return [as_link(media) for media in request.references] or None


def content(request: VideoRequest, spec: ModelSpec) -> list[dict[str, Any]]:
    """The prompt and the media as items of ``content[]``: the text first, where there is one."""
    text = [{"type": "text", "text": request.prompt}] if request.prompt else []
    return text + (content_items(request, spec) or [])


def content_items(request: VideoRequest, spec: ModelSpec) -> list[dict[str, Any]] | None:
    """Frames and references as items of ``content[]``: a type, a role and the object named by the type."""
    frames = (("first_frame", request.first_frame), ("last_frame", request.last_frame))
    items = [_content_item(role, media) for role, media in frames if media]
    items += [_content_item(f"reference_{media.kind}", media) for media in request.references]
    return items or None


def as_link(media: Media) -> str:
    """A URL as given, or the bytes as a data URI.

    Raises:
        InvalidRequest: the media is still a path; the client reads local files before a request is written.
    """
    if media.url is not None:
        return media.url
    return f"data:{media.type};base64,{base64.b64encode(content_of(media)).decode('ascii')}"


def content_of(media: Media) -> bytes:
    """The bytes of a media that was given as bytes or read from a file.

    Raises:
        InvalidRequest: there are no bytes, only an address.
    """
    if media.content is None:
        message = "this provider takes files here, and the file was not read"
        raise InvalidRequest([Problem(field=media.name, message=message)])
    return media.content


def _content_item(role: str, media: Media) -> dict[str, Any]:
    kind = f"{media.kind}_url"
    return {"type": kind, "role": role, kind: {"url": as_link(media)}}


def _write_json(path: str, values: Mapping[str, Any]) -> HttpRequest:
    document: dict[str, Any] = {}
    for place, value in values.items():
        _put(document, place.split("."), value)
    return json_request("POST", path, document)


def _put(document: dict[str, Any], keys: list[str], value: Any) -> None:
    for key in keys[:-1]:
        inner = document.setdefault(key, {})
        if not isinstance(inner, dict):
            message = f"{'.'.join(keys)!r} reaches into {key!r}, which is no object"
            raise InvalidRequest([Problem(field="extra", message=message)])
        document = inner
    document[keys[-1]] = value


def _write_multipart(path: str, values: Mapping[str, Any]) -> HttpRequest:
    files = [part for place, value in values.items() if _is_media(value) for part in _file_parts(place, value)]
    fields = [(place, _form_text(value)) for place, value in values.items() if not _is_media(value)]
    return HttpRequest(method="POST", path=path, body=Multipart(fields=tuple(fields), files=tuple(files)))


_WRITERS: Mapping[BodyStyle, Callable[[str, Mapping[str, Any]], HttpRequest]] = {
    BodyStyle.JSON: _write_json,
    BodyStyle.MULTIPART: _write_multipart,
}


def _is_media(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(one, Media) for one in value)


def _file_parts(field: str, media: Iterable[Media]) -> Iterable[FilePart]:
    for one in media:
        yield FilePart(field=field, filename=one.name, content_type=one.type, content=content_of(one))


def _form_text(value: Any) -> str:
    if isinstance(value, bool | Mapping | list):
        return msgspec.json.encode(value).decode()
    return str(value)
