"""The shared base of the ``/v1/videos`` family: data in, provider out.

The gateways of this family descend from one another. They share paths, envelopes and habits, and differ in words,
field names and the place of the link. A plugin writes these differences down as tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import Final
from urllib.parse import parse_qsl

from msgspec import Struct

from reelway.errors import ErrorKind, ProviderError
from reelway.model.http import Headers, HttpRequest, HttpResponse, json_request, segment
from reelway.model.observation import Failure, FailureKind, Observation, Video
from reelway.model.request import VideoRequest
from reelway.model.secret import Secret
from reelway.provider.forms import Form
from reelway.provider.interface import Capability, ErrorReading, Provider, kind_of_status
from reelway.provider.models import ModelSpec
from reelway.provider.readers import (
    Json,
    Place,
    decode_json,
    decode_object,
    first,
    first_text,
    link,
    moment,
    percent,
    shown,
    text,
    word,
)
from reelway.provider.search import Read, Search
from reelway.provider.words import meaning


def _as_written(value: Json) -> Json:
    return value


def _reason(value: Json) -> str | None:
    # The family puts reasons and links into the same columns, and a link is signed.
    said = text(value)
    return said if said and not link(said) else None


READERS: Final[Mapping[str, Read]] = {
    "ids": word,
    "words": word,
    "progress": _as_written,
    "model": text,
    "created_at": moment,
    "completed_at": moment,
    "expires_at": moment,
    "links": link,
    "failure_code": text,
    "failure_message": _reason,
}
"""What reads the values in the places of each fact."""


class Places(Struct, frozen=True, kw_only=True, dict=True):
    """Where an answer keeps its facts; for each fact the places in order of trust, the first usable one counts.

    ``ids`` and ``words`` are texts. Where nobody knows the first word, a known one that tells of no end stands in
    for it, and otherwise the first is kept as it is: a stage that was added around a task would else end it, with
    the word of the stage before.
    """

    ids: tuple[Place, ...] = ("id", "task_id")
    words: tuple[Place, ...] = ("status",)
    progress: tuple[Place, ...] = ("progress",)
    model: tuple[Place, ...] = ("model",)
    created_at: tuple[Place, ...] = ("created_at",)
    completed_at: tuple[Place, ...] = ("completed_at",)
    expires_at: tuple[Place, ...] = ("expires_at",)
    links: tuple[Place, ...] = ("video_url", "metadata.url", "url")
    failure_code: tuple[Place, ...] = ("error.code",)
    failure_message: tuple[Place, ...] = ("error.message", "error")

    @cached_property
    def search(self) -> Search:
        """The search for all these facts, in the order in which they stand here."""
        return Search([(getattr(self, fact), read) for fact, read in READERS.items()])


class Dialect(Struct, frozen=True, kw_only=True):
    """One set of paths with the answers found there. ``{id}`` stands for the task id, quoted as one segment.

    Attributes:
        create, read, content, remix: path templates; a part after ``?`` is the query. None where there is none.
        places: where the answers keep their facts.
    """

    create: str = "v1/videos"
    read: str = "v1/videos/{id}"
    content: str | None = "v1/videos/{id}/content"
    remix: str | None = None
    places: Places = Places()


class ErrorTable(Struct, frozen=True, kw_only=True):
    """What error answers mean: the (status, token) pair decides first, then the token, then the status.

    A token is an error code, or a message that consists of one word, in lower case and without the request id that
    the family appends.
    """

    pairs: Mapping[tuple[int, str], ErrorKind] = {}
    tokens: Mapping[str, ErrorKind] = {}
    phrases: Mapping[str, ErrorKind] = {}
    codes: tuple[Place, ...] = ("error.code", "code")
    messages: tuple[Place, ...] = ("error.message", "message", "error")


FAMILY_TOKENS: Final[Mapping[str, ErrorKind]] = {
    # The gateway software behind the family; see docs/providers for the evidence of each row.
    "task_not_exist": ErrorKind.NOT_FOUND,
    "task_origin_not_exist": ErrorKind.NOT_FOUND,
    "insufficient_user_quota": ErrorKind.QUOTA,
    "insufficient_quota": ErrorKind.QUOTA,
    "pre_consume_token_quota_failed": ErrorKind.QUOTA,
    "model_not_found": ErrorKind.UNSUPPORTED,
    "invalid_api_key": ErrorKind.AUTH,
    "invalid_request": ErrorKind.INVALID_REQUEST,
    "invalid_model": ErrorKind.INVALID_REQUEST,
    "missing_model": ErrorKind.INVALID_REQUEST,
    "invalid_seconds": ErrorKind.INVALID_REQUEST,
    "invalid_size": ErrorKind.INVALID_REQUEST,
    "invalid_json": ErrorKind.INVALID_REQUEST,
    "invalid_multipart_form": ErrorKind.INVALID_REQUEST,
    "rate_limit_exceeded": ErrorKind.RATE_LIMITED,
}

FAMILY_PHRASES: Final[Mapping[str, ErrorKind]] = {
    # Messages without a code of their own; compared by their beginning.
    "task is not completed yet": ErrorKind.NOT_READY,
    "task not found": ErrorKind.NOT_FOUND,
    "invalid url": ErrorKind.UNSUPPORTED,
    "invalid token": ErrorKind.AUTH,
}


class VideosApi(Provider):
    """A provider of the family, given as tables.

    Attributes:
        dialects: the provider's dialects by route; the route ``""`` is the main one.
        forms: the request forms by the name that :attr:`ModelSpec.form` uses; each names its dialect's route.
        errors: what error answers mean, beyond what the whole family says.
        failure_codes: lower-case codes of failed jobs and the kind they tell.
        callback_places: where a callback keeps its facts.
    """

    dialects: Mapping[str, Dialect] = {"": Dialect()}
    forms: Mapping[str, Form]
    errors: ErrorTable = ErrorTable()
    failure_codes: Mapping[str, FailureKind] = {}
    callback_places: Places = Places()

    def route(self, model: str) -> str:
        """The route of the dialect that the model's form belongs to."""
        spec = self.models.find(model) or self.models.fallback
        return self.forms[spec.form].route

    def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        """The create, in the model's form, at its dialect's path."""
        form = self.forms[spec.form]
        return form.write(self.dialects[form.route].create, request, spec)

    def encode_retrieve(self, task_id: str, route: str) -> HttpRequest:
        """The poll, on the dialect's read path."""
        return _get(self._dialect(route).read, task_id)

    def decode_create(self, response: HttpResponse, route: str) -> Observation:
        """Read the facts from the dialect's places; the family answers creates and polls alike."""
        return self.decode_retrieve(response, route)

    def decode_retrieve(self, response: HttpResponse, route: str) -> Observation:
        """Read the facts from the dialect's places."""
        return self.observe(decode_object(response.body), self._dialect(route).places)

    def encode_content(self, task_id: str, route: str, variant: str = "video") -> HttpRequest:
        """The content route, with the variant named only where it is not the default."""
        template = self._dialect(route).content
        if template is None:
            raise self._not_supported("content route for this task")
        query = () if variant == "video" else (("variant", variant),)
        request = _get(template, task_id)
        return HttpRequest(method="GET", path=request.path, query=request.query + query)

    def encode_remix(self, task_id: str, route: str, prompt: str, model: str | None) -> HttpRequest:
        """The remix, as JSON with the prompt and, where given, the model."""
        template = self._dialect(route).remix
        if template is None:
            raise self._not_supported("remix for this task")
        body = {"prompt": prompt} | ({"model": model} if model else {})
        return json_request("POST", template.replace("{id}", segment(task_id)), body)

    def read_callback(self, headers: Headers, body: bytes) -> list[Observation]:
        """Read the facts from the callback's places."""
        if Capability.CALLBACKS not in self.info.capabilities:
            raise self._not_supported("callbacks")
        return [self.observe(decode_object(body), self.callback_places)]

    def read_error(self, response: HttpResponse) -> ErrorReading:
        """Read either envelope: ``{"error": {…}}`` and the flat ``{"code", "message", "data"}``."""
        document = _document(response)
        code = first_text(document, self.errors.codes)
        message = first_text(document, self.errors.messages)
        return ErrorReading(
            kind=self._error_kind(response, code, message),
            code=code,
            message=message,
            request_id=_request_id(response, message),
        )

    def observe(self, document: Mapping[str, Json], places: Places) -> Observation:
        """Read one answer from a table of places."""
        found = places.search(document)
        task_id, said, written, model, created_at, completed_at, expires_at, url, code, reason = found
        if said is not None and meaning(said, self.info.words) is None:
            said = first(document, places.words, self._stand_in) or said
        return Observation(
            task_id=task_id,
            provider_status=said,
            progress=percent(written),
            provider_progress=shown(written),
            model=model,
            created_at=created_at,
            completed_at=completed_at,
            expires_at=expires_at,
            videos=(Video(url=Secret(url), expires_at=expires_at),) if url else (),
            failure=self._failure(code, reason),
        )

    def _stand_in(self, value: Json) -> str | None:
        written = word(value)
        meant = meaning(written, self.info.words)
        return written if meant is not None and not meant.final else None

    def _failure(self, code: str | None, message: str | None) -> Failure | None:
        # A code of 0 and empty texts are how the gateways write "no error".
        if message is None and code in {None, "0"}:
            return None
        kind = self.failure_codes.get((code or "").lower(), FailureKind.UNKNOWN)
        return Failure(kind=kind, code=code, message=message)

    def _error_kind(self, response: HttpResponse, code: str | None, message: str | None) -> ErrorKind:
        tokens = [_token(written) for written in (message, code) if written]
        tables = self.errors
        exact = (tables.pairs.get((response.status, token)) for token in tokens)
        own = (tables.tokens.get(token) for token in tokens)
        family = (FAMILY_TOKENS.get(token) for token in tokens)
        phrases = (_by_phrase(tokens, table) for table in (tables.phrases, FAMILY_PHRASES))
        found = next((kind for kinds in (exact, own, family, phrases) for kind in kinds if kind), None)
        return found or _kind_of_plain_answer(response)

    def _dialect(self, route: str) -> Dialect:
        if route not in self.dialects:
            have = ", ".join(filter(None, self.dialects)) or "only the main one"
            message = f"{self.info.title} has no route {route!r}; it has: {have}."
            hint = "For a bare id, name one of these or none; a reference holds its route, as it was printed."
            raise ProviderError(message, kind=ErrorKind.INVALID_REQUEST, hint=hint)
        return self.dialects[route]


def _get(template: str, task_id: str) -> HttpRequest:
    path, pairs = _parts(template)
    quoted = path.replace("{id}", segment(task_id))
    query = tuple((key, value.replace("{id}", task_id)) for key, value in pairs) if pairs else ()
    return HttpRequest(method="GET", path=quoted, query=query)


@cache
def _parts(template: str) -> tuple[str, Sequence[tuple[str, str]]]:
    """The path of a template, and the pairs of its query."""
    path, _, query = template.partition("?")
    return path, tuple(parse_qsl(query))


def _document(response: HttpResponse) -> Json:
    try:
        return decode_json(response.body)
    except ProviderError:
        return None


def _token(written: str) -> str:
    return written.partition(REQUEST_ID_MARK)[0].strip().lower()


def _by_phrase(tokens: Iterable[str], table: Mapping[str, ErrorKind]) -> ErrorKind | None:
    return next((kind for token in tokens for start, kind in table.items() if token.startswith(start)), None)


def _kind_of_plain_answer(response: HttpResponse) -> ErrorKind:
    # A web server's own 404 page means a wrong address, not an unknown task.
    if response.status == 404 and response.media_type == "text/html":
        return ErrorKind.PROTOCOL
    return kind_of_status(response.status)


REQUEST_ID_HEADERS: Final = ("x-request-id", "x-oneapi-request-id")

REQUEST_ID_MARK: Final = "(request id: "
"""The family also writes the id into the message: ``... (request id: 2026...)``."""


def _request_id(response: HttpResponse, message: str | None) -> str | None:
    headers = (response.header(name) for name in REQUEST_ID_HEADERS)
    _, _, tail = (message or "").partition(REQUEST_ID_MARK)
    return next((found for found in headers if found), None) or tail.partition(")")[0] or None
