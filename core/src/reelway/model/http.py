"""Requests and responses as values, so that no provider plugin needs an HTTP library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

Headers = tuple[tuple[str, str], ...]

JSON_TYPE = "application/json"


class FilePart(Struct, frozen=True, kw_only=True):
    """A file inside a multipart form."""

    field: str
    filename: str
    content_type: str
    content: bytes

    def __repr__(self) -> str:
        return f"FilePart({self.field!r}, {self.filename!r}, {self.content_type!r}, {len(self.content)} bytes)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("field", self.field), ("filename", self.filename), ("size", len(self.content))]


class Multipart(Struct, frozen=True, kw_only=True):
    """A ``multipart/form-data`` body; the transport chooses the boundary and writes the bytes."""

    fields: tuple[tuple[str, str], ...] = ()
    files: tuple[FilePart, ...] = ()

    def __repr__(self) -> str:
        # The address for callbacks holds a token.
        return f"Multipart({', '.join(name for name, _ in self.fields)}, {len(self.files)} files)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("fields", tuple(name for name, _ in self.fields)), ("files", self.files)]


class HttpRequest(Struct, frozen=True, gc=False, kw_only=True):
    """What to ask, relative to the account's base URL; host and key are added by the transport."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Headers = ()
    body: bytes | Multipart | None = None

    def __repr__(self) -> str:
        # The headers may hold a key, and the query a signature.
        return f"HttpRequest({self.method!r}, {self.path!r}, …)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("method", self.method), ("path", self.path)]

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever the case of its name."""
        return find_header(self.headers, name)


class HttpResponse(Struct, frozen=True, gc=False, kw_only=True):
    """What came back: the status, the headers and the whole body, inflated and within the limit."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    def __repr__(self) -> str:
        # The body of a finished task and the headers of a redirect hold signed links.
        return f"HttpResponse({self.status}, {self.media_type!r}, {len(self.body)} bytes)"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("status", self.status), ("media_type", self.media_type), ("size", len(self.body))]

    def header(self, name: str) -> str | None:
        """The first value of a header, whatever the case of its name."""
        return find_header(self.headers, name)

    @property
    def ok(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300

    @property
    def media_type(self) -> str:
        """The content type without parameters, in lower case; empty where none was sent."""
        return (self.header("content-type") or "").partition(";")[0].strip().lower()


def find_header(headers: Headers, name: str) -> str | None:
    """The first value of the header ``name``, compared without case."""
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)


def json_request(method: str, path: str, document: Mapping[str, Any]) -> HttpRequest:
    """A request with a JSON body; the same document always gives the same bytes."""
    body = msgspec.json.encode(document)
    return HttpRequest(method=method, path=path, headers=(("Content-Type", JSON_TYPE),), body=body)


def json_response(document: Any, status: int = 200, headers: Headers = ()) -> HttpResponse:
    """A response with a JSON body, as simulators and tests write it."""
    body = msgspec.json.encode(document)
    return HttpResponse(status=status, headers=(("Content-Type", JSON_TYPE), *headers), body=body)


def segment(task_id: str) -> str:
    """The id as exactly one path segment or query value.

    Raises:
        ValueError: the id could escape its place: it is empty, ``.``, ``..`` or holds a control character.
    """
    if not is_safe_id(task_id):
        raise ValueError("A task id must be non-empty text without control characters, and not '.' or '..'.")
    return task_id if _UNRESERVED.fullmatch(task_id) else quote(task_id, safe="")


_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]+")
"""What stands for itself in an address (RFC 3986, section 2.3), as nearly all ids do."""


def is_safe_id(task_id: str) -> bool:
    """Whether an id can be asked for without leaving its place in the address."""
    return task_id not in {"", ".", ".."} and len(task_id) <= 512 and _is_plain_text(task_id)


def _is_plain_text(text: str) -> bool:
    # isprintable() is false for control characters and for lone surrogates, which no address can carry.
    return text.isprintable()
