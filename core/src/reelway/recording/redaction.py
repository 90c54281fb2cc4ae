"""An exchange without anything private: what the vocabulary does not know is replaced.

The substitutes are deterministic: counted by kind in the order of appearance, and the same original gets the same
substitute, so that a recorded create and its polls still belong together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, unquote

import msgspec

from reelway.model.http import Headers, HttpRequest, HttpResponse, Multipart
from reelway.recording.vocabulary import FIGURE, LARGEST_NUMBER, MEDIA_TYPES, Field, Vocabulary

DEEPEST: Final = 32
"""Nesting beyond this is no answer of an API, and is cut."""

PAGE: Final = "<!doctype html><title>page</title>"
"""Stands for any web page: that it was one is all that matters."""

SUFFIXES: Final = (".mp4", ".webm", ".mov", ".png", ".jpg", ".jpeg", ".webp", ".gif", ".mp3", ".wav")

Document = dict[str, Any]


class _Substitute(NamedTuple):
    """How originals of one kind are replaced."""

    name: str
    form: str = "{name}-{number}"


_ID: Final = _Substitute("task")
_TEXT: Final = _Substitute("text")
_WORD: Final = _Substitute("word")
_FIELD: Final = _Substitute("field")
_LINK: Final = _Substitute("file", "https://files.example/{name}-{number}")


class Redactor:
    """Takes everything private out of the exchanges of one recording."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._known = vocabulary
        self._given: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}

    def request(self, request: HttpRequest) -> Document:
        """A request as a document: method, path, query, type and body."""
        return {
            "method": request.method,
            "path": self._path(request.path),
            "query": [self._pair(name, value) for name, value in request.query],
            "headers": kept_headers(request.headers),
            "body": self._request_body(request),
        }

    def response(self, response: HttpResponse) -> Document:
        """A response as a document: status, headers and body."""
        return {
            "status": response.status,
            "headers": kept_headers(response.headers),
            "body": self._body(response.body, response.media_type),
        }

    # --- the parts of an exchange ---

    def _path(self, path: str) -> str:
        return "/".join(self._segment(segment) for segment in path.lstrip("/").split("/"))

    def _segment(self, segment: str) -> str:
        return segment if segment in self._known.path or not segment else self._instead(_ID, unquote(segment))

    def _request_body(self, request: HttpRequest) -> Any:
        if isinstance(request.body, Multipart):
            fields = [self._pair(name, value) for name, value in request.body.fields]
            files = [
                {"field": self._name(part.field), "type": kept_type(part.content_type)}
                for part in request.body.files
            ]
            return {"fields": fields, "files": files}
        return self._body(request.body or b"", (request.header("content-type") or "").partition(";")[0].strip())

    def _body(self, body: bytes, media_type: str) -> Any:
        """The body as JSON; where it is none, what kind of thing it was."""
        if not body:
            return None
        if media_type == "application/x-www-form-urlencoded":
            return [self._pair(name, value) for name, value in parse_qsl(body.decode("latin-1"))]
        try:
            return self._value(msgspec.json.decode(body), Field.HOLDER, 0)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return PAGE if b"<" in body[:200] else "text"

    def _pair(self, name: str, value: str) -> list[str]:
        return [self._name(name), self._string(value, self._known.field(name), 0)]

    # --- values ---

    def _value(self, value: Any, field: Field | None, depth: int) -> Any:
        match value:
            case None | bool():
                return value
            case int() | float():
                return value if field in _NUMERIC and abs(value) < LARGEST_NUMBER else 0
            case str():
                return self._string(value, field, depth)
            case _ if depth >= DEEPEST:
                return None
            case list():
                return [self._value(item, field, depth + 1) for item in value]
            case _:
                return self._object(value, depth + 1)

    def _object(self, members: Mapping[str, Any], depth: int) -> Document:
        known = ((name, self._known.field(name), value) for name, value in members.items())
        return {self._name(name): self._value(value, field, depth) for name, field, value in known}

    def _name(self, name: str) -> str:
        return name if self._known.field(name) is not None else self._instead(_FIELD, name)

    def _string(self, text: str, field: Field | None, depth: int) -> str:
        if not text:
            return text
        if field is Field.WORD and self._known.keeps_word(text):
            return text
        if field in _NUMERIC and FIGURE.fullmatch(text):
            return text
        return self._nested(text, depth) or self._link(text) or self._instead(_SUBSTITUTES.get(field, _TEXT), text)

    def _nested(self, text: str, depth: int) -> str | None:
        """JSON that was written into a string: gateways pass on so what stands behind them answered."""
        if not text.lstrip().startswith(("{", "[")) or depth >= DEEPEST:
            return None
        try:
            document = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
        return msgspec.json.encode(self._value(document, Field.HOLDER, depth + 1)).decode()

    def _link(self, text: str) -> str | None:
        if not text.lower().startswith(("http://", "https://")):
            return None
        path = text.partition("?")[0].partition("#")[0].lower()
        suffix = next((one for one in SUFFIXES if path.endswith(one)), "")
        return self._instead(_LINK, text) + suffix

    def _instead(self, kind: _Substitute, original: str) -> str:
        known = (kind.name, original)
        if known not in self._given:
            number = self._counts[kind.name] = self._counts.get(kind.name, 0) + 1
            self._given[known] = kind.form.format(name=kind.name, number=number)
        return self._given[known]


_NUMERIC: Final = frozenset({Field.FIGURE, Field.WORD})

_SUBSTITUTES: Final[Mapping[Field | None, _Substitute]] = {Field.ID: _ID, Field.WORD: _WORD, Field.LINK: _ID}


def kept_type(value: str) -> str | None:
    """A content type without its parameters, if it is a common one."""
    media_type = value.partition(";")[0].strip().lower()
    return media_type if media_type in MEDIA_TYPES else None


def _figure(value: str) -> str | None:
    return value if FIGURE.fullmatch(value) else None


KEPT_HEADERS: Final[Mapping[str, Callable[[str], str | None]]] = {"content-type": kept_type, "retry-after": _figure}
"""The headers that may stay, and what may stay of each."""


def kept_headers(headers: Headers) -> list[list[str]]:
    """The headers that may stay."""
    known = ((name.lower(), value) for name, value in headers if name.lower() in KEPT_HEADERS)
    kept = ((name, KEPT_HEADERS[name](value)) for name, value in known)
    return [[name, value] for name, value in kept if value is not None]
