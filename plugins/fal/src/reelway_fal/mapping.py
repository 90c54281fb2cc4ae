"""Pure functions between fal's wire and Reelway's words: how a request is written, how an answer is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from reelway.errors import ErrorKind, Problem, ProviderError
from reelway.model.http import HttpRequest, HttpResponse, is_safe_id, segment
from reelway.model.observation import Failure, FailureKind, Observation, Video
from reelway.model.request import VideoRequest
from reelway.model.secret import Secret
from reelway.provider import forms
from reelway.provider.forms import BodyStyle, Form, Row
from reelway.provider.interface import ErrorReading, kind_of_status
from reelway.provider.models import ModelSpec, refuse
from reelway.provider.readers import Json, decode_json, decode_object, first_link, identifier, pick, text, word
from reelway.provider.words import meaning
from reelway_fal.wire import (
    CANCELLED,
    ERROR_CODES,
    ERROR_MESSAGES,
    ERROR_TYPE_HEADER,
    FAILED,
    FAILURE_KINDS,
    NAMESPACES,
    NO_RESULT,
    QUEUE_MEMBERS,
    REQUEST_ERRORS,
    REQUEST_ID_HEADER,
    SUCCEEDED,
)

VIDEO_LINKS = ("video.url", "videos.0.url", "video_url.url")
"""Where the outputs of fal's models have a video; nearly all in the first place (types of @fal-ai/client)."""


def app_of(model: str) -> str:
    """The owner and the app of a model id: below these its requests live, without the rest of its path."""
    parts = model.split("/")
    return "/".join(parts[: 3 if parts[0] in NAMESPACES else 2])


def path_of(model: str) -> str:
    """A model id as a path.

    Raises:
        InvalidRequest: it would leave its place in the address.
    """
    return _path(model, Problem(field="model", message="a model id of fal looks like fal-ai/veo3.1"))


def request_path(task_id: str, route: str, *below: str) -> str:
    """Where a request of an app is asked about.

    Raises:
        InvalidRequest: the reference names no app.
    """
    message = "fal finds a task below its model only; give the whole reference, and not the id alone"
    return "/".join((_path(route, Problem(field="task", message=message)), "requests", segment(task_id), *below))


def _path(name: str, problem: Problem) -> str:
    parts = name.split("/")
    refuse([] if all(map(is_safe_id, parts)) else [problem])
    return "/".join(map(segment, parts))


def seconds_with_unit(request: VideoRequest, spec: ModelSpec) -> str | None:
    """The duration as a text such as ``"8s"``."""
    seconds = forms.seconds_text(request, spec)
    return f"{seconds}s" if seconds else None


def capital_resolution(request: VideoRequest, spec: ModelSpec) -> str | None:
    """The resolution as ``"768P"``."""
    return request.resolution.upper() if request.resolution else None


def last_frame_link(request: VideoRequest, spec: ModelSpec) -> str | None:
    """The last frame as a URL or a data URI."""
    return forms.as_link(request.last_frame) if request.last_frame else None


def _form(*rows: Row) -> Form:
    return Form(body=BodyStyle.JSON, rows=(("prompt", forms.prompt), *rows))


_SHAPE: tuple[Row, ...] = (("aspect_ratio", forms.ratio), ("resolution", forms.resolution))
_SEED: Row = ("seed", forms.seed)
_AUDIO: Row = ("generate_audio", forms.audio)
_TEXT_SECONDS: Row = ("duration", forms.seconds_text)
_PICTURE: Row = ("image_url", forms.first_frame_link)

FORMS = {
    "veo": _form(*_SHAPE, ("duration", seconds_with_unit), _SEED, _AUDIO, _PICTURE),
    "kling": _form(("aspect_ratio", forms.ratio), _TEXT_SECONDS, _PICTURE, ("tail_image_url", last_frame_link)),
    "seedance": _form(*_SHAPE, _TEXT_SECONDS, _SEED, _AUDIO, _PICTURE, ("end_image_url", last_frame_link)),
    "hailuo": _form(
        ("resolution", capital_resolution), _TEXT_SECONDS, _PICTURE, ("end_image_url", last_frame_link)
    ),
}


def create(request: VideoRequest, spec: ModelSpec) -> HttpRequest:
    """The create: the model's input as the body, and where to call back in the query."""
    written = FORMS[spec.form].write(path_of(request.model), request, spec)
    query = (("fal_webhook", request.callback_url),) if request.callback_url else ()
    return replace(written, query=query)


def created_observation(response: HttpResponse) -> Observation:
    """Read the answer to a create; one that is not the queue's has at most an id of the call itself."""
    seen = queue_observation(response)
    return seen if QUEUE_MEMBERS & decode_object(response.body).keys() else replace(seen, task_id=None)


def queue_observation(response: HttpResponse) -> Observation:
    """Read what the queue says of a request."""
    document = decode_object(response.body)
    return Observation(task_id=identifier(document, ("request_id",)), provider_status=word(document.get("status")))


def result_observation(poll: HttpResponse, result: HttpResponse) -> Observation | None:
    """Read a result, or the error in its place; None for what is neither the model's nor the job's own."""
    if result.status == 200:
        return _succeeded(decode_object(result.body))
    if result.ok:
        return None
    said = _object(result)
    queue = _object(poll)
    code = _type(said) or text(result.header(ERROR_TYPE_HEADER))
    known_to_fail = any(queue.get(name) for name in ("error", "error_type"))
    its_own = known_to_fail or result.status == 422 or _listed(said) or code in REQUEST_ERRORS
    if "detail" not in said or not its_own:
        return None
    return _failed(code or _type(queue), _message(said) or text(queue.get("error")), listed=bool(_listed(said)))


def callback_observation(body: bytes) -> Observation:
    """Read a webhook: the word, and the result or the error as its payload."""
    document = decode_object(body)
    payload = pick(document, "payload")
    payload = payload if isinstance(payload, dict) else {}
    message = _message(payload) or text(document.get("error"))
    ended_badly = _failed(_type(payload) or _type(document), message, listed=bool(_listed(payload)))
    # documentation/model-apis/inference/webhooks. Each of them is told here in the word that a result would bring.
    ends = {"ok": SUCCEEDED, "error": ended_badly.provider_status}
    said = word(document.get("status"))
    return replace(
        ended_badly,
        task_id=identifier(document, ("request_id",)),
        provider_status=meaning(said, ends) or said,
        videos=_videos(payload),
    )


def _succeeded(document: Mapping[str, Json]) -> Observation | None:
    videos = _videos(document)
    # A model may make something else than a video, or have it in a place of its own: its output is the end all the
    # same, and the next poll would bring no other. What says nothing, or speaks as the queue does, is none; the id
    # alone says nothing, and beside other members it may be an output's own.
    if not videos and (document.keys() <= {"request_id"} or NO_RESULT & document.keys()):
        return None
    return Observation(provider_status=SUCCEEDED, videos=videos)


def _videos(document: Mapping[str, Json]) -> tuple[Video, ...]:
    url = first_link(document, VIDEO_LINKS)
    return (Video(url=Secret(url)),) if url else ()


def _failed(code: str | None, message: str | None, *, listed: bool) -> Observation:
    # What is not in the table is a mistake in the input, where it comes as such a list.
    otherwise = FailureKind.REJECTED if listed else FailureKind.UNKNOWN
    failure = Failure(kind=FAILURE_KINDS.get(code or "", otherwise), code=code, message=message)
    cancelled = code == CANCELLED and not listed
    return Observation(provider_status=CANCELLED if cancelled else FAILED, failure=failure)


def error_reading(response: HttpResponse) -> ErrorReading:
    """Read an error answer, in either of its two forms, or as the queue's refusal of a call."""
    document = _object(response)
    code = _type(document) or text(response.header(ERROR_TYPE_HEADER)) or text(document.get("status"))
    message = _message(document)
    by_message = (kind for start, kind in ERROR_MESSAGES.items() if (message or "").startswith(start))
    kind = next(by_message, None) or ERROR_CODES.get(code or "") or _kind(response, document)
    return ErrorReading(kind=kind, code=code, message=message, request_id=response.header(REQUEST_ID_HEADER))


def _kind(response: HttpResponse, document: Mapping[str, Any]) -> ErrorKind:
    # The queue says in JSON that it does not know a request. A 404 without that is about the address.
    return ErrorKind.PROTOCOL if response.status == 404 and not document else kind_of_status(response.status)


def _type(document: Mapping[str, Any]) -> str | None:
    """The type of an error: of the request, or the first that the model lists."""
    return text(document.get("error_type")) or next((text(one.get("type")) for one in _listed(document)), None)


def _message(document: Mapping[str, Any]) -> str | None:
    """What an error says: its text, or what the model lists, with the fields that it is about."""
    listed = "; ".join(filter(None, map(_complaint, _listed(document))))
    return text(document.get("detail")) or text(listed)


def _complaint(one: Mapping[str, Any]) -> str | None:
    where = one.get("loc")
    field = ".".join(filter(None, map(text, where))) if isinstance(where, list) else ""
    message = text(one.get("msg"))
    return f"{field}: {message}" if field and message else message


def _listed(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The errors that a model lists (documentation/model-apis/errors)."""
    detail = document.get("detail")
    return [one for one in detail if isinstance(one, dict)] if isinstance(detail, list) else []


def _object(response: HttpResponse) -> Mapping[str, Any]:
    """The object in a body; an empty one where there is none."""
    try:
        document = decode_json(response.body)
    except ProviderError:
        return {}
    return document if isinstance(document, dict) else {}
