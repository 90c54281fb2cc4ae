"""From what a caller writes to a request, and back to something that can be shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypedDict, cast

import msgspec
from msgspec import Struct

from reelway.errors import InvalidRequest, Problem
from reelway.model.http import HttpRequest, Multipart
from reelway.model.request import Media, MediaSource, VideoRequest
from reelway.provider.reading import redact
from reelway.transport.wire import url_of


class RequestFields(TypedDict, total=False):
    """The fields of a :class:`VideoRequest` as keyword arguments; media as paths, URLs, bytes or ``Media``."""

    prompt: str
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


class Note(TypedDict, total=False):
    """What is kept with a job as keyword arguments; no provider sees it.

    ``label`` and ``metadata`` are for you to find the job by. ``idempotency_key`` names the wish: as long as its
    attempt may have made a task, another create with this key gives that task and makes none. ``replaces`` is the
    id of a submission in doubt, which is abandoned for this one. The last two need a ledger.
    """

    label: str | None
    metadata: Mapping[str, Any] | None
    idempotency_key: str | None
    replaces: str | None


class CreateFields(RequestFields, Note, total=False):
    """All keyword arguments of a create: the fields of the request, and what is kept with the job."""


def note_of(fields: CreateFields) -> Note:
    """What is to be kept with a job, taken out of the fields of its request."""
    values = cast("dict[str, Any]", fields)
    return cast("Note", {name: values.pop(name) for name in Note.__annotations__ if name in values})


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

    def __repr__(self) -> str:
        return f"Preview({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # The address for callbacks holds a token, and that of a picture may be signed.
        shown = {"method": self.method, "url": self.url, "fields": _tamed(self.fields)}
        return [*shown.items(), ("files", self.files), ("warnings", self.warnings)]


def _tamed(value: Any) -> Any:
    """A document without the addresses in it."""
    if isinstance(value, Mapping):
        return {key: _tamed(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_tamed(one) for one in value]
    return redact(value) if isinstance(value, str) else value


class _Given(dict[str, Any]):
    """The fields of a call; shows their names only."""

    def __repr__(self) -> str:
        return f"({', '.join(self)})"


def request_of(prompt: str | VideoRequest, fields: RequestFields) -> VideoRequest:
    """The request that a call describes.

    The fields are taken out of ``fields``. That is a local of the caller, and reports print the locals of every
    frame that an error passes: the address for callbacks holds a token, that of a picture may be signed.

    Raises:
        InvalidRequest: a whole request and single fields were both given, the prompt was given twice, or the model
            is missing.
    """
    values = _Given(fields)
    cast("dict[str, Any]", fields).clear()
    if isinstance(prompt, VideoRequest):
        if values:
            problem = Problem(field=", ".join(values), message="give a VideoRequest or single fields, not both")
            raise InvalidRequest([problem])
        return prompt
    if prompt and "prompt" in values:
        raise InvalidRequest([Problem(field="prompt", message="give it once, first or by its name")])
    values.setdefault("prompt", prompt)
    if "model" not in values:
        raise InvalidRequest([Problem(field="model", message="a model is required")])
    for name in ("first_frame", "last_frame"):
        if values.get(name) is not None:
            [values[name]] = _media(name, [values[name]])
    values["references"] = _media("references", _several(values.get("references")))
    return VideoRequest(**values)


def _media(field: str, sources: Iterable[MediaSource]) -> tuple[Media, ...]:
    try:
        return tuple(map(Media.of, sources))
    except TypeError as error:
        raise InvalidRequest([Problem(field=field, message=str(error))]) from error


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
