"""Getting input media ready: each in a form in which the model takes it, before any money is spent."""

from __future__ import annotations

import base64
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes

from msgspec.structs import replace

from reelway.errors import InvalidRequest, Problem
from reelway.flow.effects import Close, Flow, Now, Open, Read, TransportError, Work, perform
from reelway.model.http import find_header
from reelway.model.request import Media, MediaForm, VideoRequest
from reelway.model.secret import Secret
from reelway.provider.models import ModelSpec, refuse
from reelway.provider.readers import link

MEDIA_LIMIT: Final = 64 * 1024 * 1024
"""Bytes of one input; providers refuse far less."""

USABLE_TYPES: Final = ("image/", "video/", "audio/", "application/octet-stream")
"""What an input can be; the last stands for bytes of which nobody knows what they are."""

MEDIA_SECONDS: Final = 120.0
"""For fetching one input, all of it."""


def with_media(request: VideoRequest, spec: ModelSpec) -> Flow[VideoRequest]:
    """The same request with every input read from disk, or fetched where the model takes files only.

    Raises:
        InvalidRequest: an input cannot be read; nothing was sent to the provider.
    """
    problems: list[Problem] = []
    first = yield from _collect("first_frame", request.first_frame, spec, problems)
    last = yield from _collect("last_frame", request.last_frame, spec, problems)
    references = []
    for reference in request.references:
        ready = yield from _collect("references", reference, spec, problems)
        references.append(ready or reference)
    refuse(problems)
    return replace(request, first_frame=first, last_frame=last, references=tuple(references))


def _collect(field: str, media: Media | None, spec: ModelSpec, problems: list[Problem]) -> Flow[Media | None]:
    """One input, ready; what is wrong with it joins the problems of the others."""
    try:
        return (yield from _ready(field, media, spec))
    except InvalidRequest as error:
        problems += error.problems
        return media


def without_bytes(request: VideoRequest, spec: ModelSpec) -> VideoRequest:
    """The same request with empty inputs in place of files and of addresses to fetch; needs no I/O."""

    def blank(media: Media) -> Media:
        if media.url is not None and not _has_to_be_fetched(media, spec):
            return media
        return replace(media, url=None, path=None, content=b"", filename=media.name, content_type=media.type)

    return replace(
        request,
        first_frame=request.first_frame and blank(request.first_frame),
        last_frame=request.last_frame and blank(request.last_frame),
        references=tuple(map(blank, request.references)),
    )


def _has_to_be_fetched(media: Media, spec: ModelSpec) -> bool:
    return media.form not in spec.media_forms and MediaForm.FILE in spec.media_forms


def _ready(field: str, media: Media | None, spec: ModelSpec) -> Flow[Media | None]:
    ready = yield from _loaded(field, media, spec)
    if ready is not None and ready.content is not None and not ready.type.startswith(USABLE_TYPES):
        raise _unusable(field, f"{ready.name} is no picture, clip or sound ({ready.type})")
    return ready


def _loaded(field: str, media: Media | None, spec: ModelSpec) -> Flow[Media | None]:
    if media is None or media.content is not None:
        return media
    if media.path is not None:
        return (yield from _read_file(field, media, media.path))
    if not _has_to_be_fetched(media, spec):
        return media
    return _decoded(field, media) if media.form is MediaForm.DATA else (yield from _fetch(field, media))


def _read_file(field: str, media: Media, path: Path) -> Flow[Media]:
    try:
        content = yield from perform(Work(partial(_read_bounded, path)))
    except OSError as error:
        raise _unusable(field, f"{path} cannot be read ({error.strerror or type(error).__name__})") from error
    except ValueError as error:
        raise _unusable(field, "the path holds characters that no path may hold") from error
    if not content or len(content) > MEDIA_LIMIT:
        raise _unusable(field, f"{path} is empty or larger than {MEDIA_LIMIT} bytes")
    return replace(media, path=None, content=content, filename=media.name)


def _read_bounded(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MEDIA_LIMIT + 1)


def _decoded(field: str, media: Media) -> Media:
    """The bytes that a data URI holds (RFC 2397), for a model that takes files only."""
    head, _, data = (media.url or "").partition(",")
    try:
        content = unquote_to_bytes(data)
        content = base64.b64decode(content, validate=True) if head.endswith(";base64") else content
    except ValueError as error:
        raise _unusable(field, "the data URI is malformed") from error
    if not content:
        raise _unusable(field, "the data URI is empty")
    told = media.content_type or head.removeprefix("data:").partition(";")[0] or None
    return replace(media, url=None, content=content, content_type=told)


def _fetch(field: str, media: Media) -> Flow[Media]:
    """Fetch an input whose address the provider would not take. Redirects are not followed."""
    if link(media.url) is None:
        raise _unusable(field, "the model takes files here, and this address cannot be fetched")
    start = yield from perform(Now())
    try:
        head = yield from perform(Open(url=Secret(media.url or ""), timeout=MEDIA_SECONDS))
        if head.status != 200:
            raise _unusable(field, f"its address answered HTTP {head.status}")
        content = yield from _read_all(field, start.monotonic + MEDIA_SECONDS)
    except TransportError as error:
        raise _unusable(field, f"its address could not be fetched: {error.reason}") from error
    yield from perform(Close())
    told = (find_header(head.headers, "content-type") or "").partition(";")[0].strip().lower()
    # Object stores call everything an octet stream; the name or the first bytes know better.
    told = "" if told.endswith("/octet-stream") else told
    name = media.filename or _name_in(media.url or "") or media.name
    return replace(media, url=None, content=content, content_type=media.content_type or told, filename=name)


def _name_in(url: str) -> str:
    return Path(url.partition("?")[0].partition("#")[0].partition("://")[2].partition("/")[2]).name


def _read_all(field: str, deadline: float) -> Flow[bytes]:
    content = bytearray()
    while chunk := (yield from _next_chunk(field, deadline)):
        content += chunk
        if len(content) > MEDIA_LIMIT:
            raise _unusable(field, f"it is larger than {MEDIA_LIMIT} bytes")
    if not content:
        raise _unusable(field, "its address serves nothing")
    return bytes(content)


def _next_chunk(field: str, deadline: float) -> Flow[bytes]:
    now = yield from perform(Now())
    left = deadline - now.monotonic
    if left <= 0:
        raise _unusable(field, f"its address did not serve it within {MEDIA_SECONDS:g} seconds")
    return (yield from perform(Read(left)))


def _unusable(field: str, message: str) -> InvalidRequest:
    return InvalidRequest([Problem(field=field, message=message)])
