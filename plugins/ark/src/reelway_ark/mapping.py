"""Pure functions between Ark's wire and Reelway's words: how a request is written, how an answer is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from reelway.errors import ErrorKind, Problem, ProviderError
from reelway.model.http import HttpResponse
from reelway.model.observation import Failure, FailureKind, Observation, Video
from reelway.model.request import MediaForm, MediaKind, VideoRequest
from reelway.model.secret import Secret
from reelway.provider import forms
from reelway.provider.forms import BodyStyle, Form, Value
from reelway.provider.interface import ErrorReading, kind_of_status
from reelway.provider.models import ModelSpec, refuse
from reelway.provider.readers import Json, decode_json, identifier, link, moment, pick, text, word
from reelway_ark.wire import ERROR_CODES, ERROR_MESSAGES, FAILURE_CODES, REQUEST_ID_HEADER

T = TypeVar("T")


def content(request: VideoRequest, spec: ModelSpec) -> list[dict[str, Any]]:
    """``content[]``: the text, then the media with their roles."""
    refuse(_impossible(request))
    return forms.content(request, spec)


def content_with_sight(request: VideoRequest, spec: ModelSpec) -> list[dict[str, Any]]:
    """``content[]`` for models that take a sound only together with a picture or a clip."""
    kinds = {media.kind for media in request.media}
    if kinds == {MediaKind.AUDIO}:
        message = f"{spec.name} takes a sound only together with a picture or a clip"
        refuse([Problem(field="references", message=message)])
    return content(request, spec)


def ratio_without_frame(request: VideoRequest, spec: ModelSpec) -> str | None:
    """The ratio, for models that take it from the first frame where there is one."""
    if request.first_frame and request.aspect_ratio not in {None, "adaptive"}:
        message = f"{spec.name} takes the ratio from the first frame"
        refuse([Problem(field="aspect_ratio", message=message, allowed=("adaptive",))])
    return request.aspect_ratio


def _impossible(request: VideoRequest) -> Iterable[Problem]:
    if not (request.prompt.strip() or request.media or "content" in request.extra):
        yield Problem(field="prompt", message="give a prompt, a picture or another reference")
    if any(one.kind is MediaKind.VIDEO and one.form is not MediaForm.URL for one in request.references):
        yield Problem(field="references", message="a clip travels by its address, not as a file or as data")


def _form(content: Value, ratio: Value = forms.ratio) -> Form:
    # 1520757: fields in the body are checked, while the same as commands in the text are guessed at.
    return Form(
        body=BodyStyle.JSON,
        rows=(
            ("model", forms.model),
            ("content", content),
            ("resolution", forms.resolution),
            ("ratio", ratio),
            ("duration", forms.whole_seconds),
            ("seed", forms.seed),
            ("generate_audio", forms.audio),
            ("callback_url", forms.callback_url),
        ),
    )


# 1520757
FORMS = {
    "seedance": _form(content),
    "seedance-2": _form(content_with_sight),
    "seedance-2-5": _form(content, ratio_without_frame),
}


def observation(document: Mapping[str, Json]) -> Observation:
    """Read a task object (1521309), as creates, polls and callbacks show it."""
    return Observation(
        task_id=identifier(document, ("id",)),
        provider_status=word(document.get("status")),
        model=text(document.get("model")),
        created_at=moment(document.get("created_at")),
        # The time of the last change; whether that was the end, the status says.
        completed_at=moment(document.get("updated_at")),
        videos=tuple(_videos(document)),
        failure=_failure(document),
    )


def _videos(document: Mapping[str, Json]) -> Iterable[Video]:
    for variant in ("video", "last_frame"):
        if url := link(pick(document, f"content.{variant}_url")):
            yield Video(url=Secret(url), variant=variant)


def _failure(document: Mapping[str, Json]) -> Failure | None:
    code, message = text(pick(document, "error.code")), text(pick(document, "error.message"))
    if code is None and message is None:
        return None
    kind = closest(code, FAILURE_CODES) or FailureKind.UNKNOWN
    return Failure(kind=kind, code=code, message=message)


def error_reading(response: HttpResponse) -> ErrorReading:
    """Read an error answer, ``{"error": {"code", "message", "param", "type"}}`` (1299023)."""
    document = _decoded(response)
    code, message = text(pick(document, "error.code")), text(pick(document, "error.message"))
    return ErrorReading(
        kind=_error_kind(response.status, code, message),
        code=code,
        message=message,
        request_id=response.header(REQUEST_ID_HEADER),
    )


def _error_kind(status: int, code: str | None, message: str | None) -> ErrorKind:
    by_message = (kind for start, kind in ERROR_MESSAGES.items() if (message or "").startswith(start))
    if found := next(by_message, None) or closest(code, ERROR_CODES):
        return found
    # Ark names a code with every refusal. A 404 without one is about the address, and not about a task.
    return ErrorKind.PROTOCOL if status == 404 and code is None else kind_of_status(status)


def closest(code: str | None, table: Mapping[str, T]) -> T | None:
    """The row of a code, or else of the longest beginning that has one: ``A.B.C``, ``A.B``, ``A``."""
    while code and code not in table:
        code = code.rpartition(".")[0]
    return table[code] if code else None


def _decoded(response: HttpResponse) -> Json:
    try:
        return decode_json(response.body)
    except ProviderError:
        return None
