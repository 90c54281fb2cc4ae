"""How a file is served: whole, in part, or not at all (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import re
from typing import Final

from reelway.errors import ErrorKind
from reelway.model.http import Headers, HttpRequest, HttpResponse
from reelway.sandbox.video import etag

VIDEO_TYPE: Final = ("Content-Type", "video/mp4")


def whole_file(content: bytes) -> HttpResponse:
    """The file from a content route, which passes no range on."""
    return HttpResponse(status=200, headers=(VIDEO_TYPE, _length(content)), body=content)


def file_answer(request: HttpRequest, content: bytes, *, ranges: bool) -> HttpResponse:
    """The answer of a file store to GET or HEAD."""
    answer = _ranged(request, content) if ranges else whole_file(content)
    if request.method == "HEAD":
        return HttpResponse(status=answer.status, headers=answer.headers)
    return answer


def store_error(kind: ErrorKind) -> HttpResponse:
    """What a file store answers in place of a file: XML, as object stores do."""
    status, code = STORE_ERRORS.get(kind, (500, "InternalError"))
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code></Error>\n'.encode()
    return HttpResponse(status=status, headers=(("Content-Type", "application/xml"),), body=body)


STORE_ERRORS: Final = {
    ErrorKind.AUTH: (403, "AccessDenied"),
    ErrorKind.NOT_FOUND: (404, "NoSuchKey"),
    ErrorKind.UNSUPPORTED: (405, "MethodNotAllowed"),
}


def _ranged(request: HttpRequest, content: bytes) -> HttpResponse:
    common: Headers = (VIDEO_TYPE, ("ETag", etag(content)), ("Accept-Ranges", "bytes"))
    span = _wanted(request, content)
    if span is None:
        return HttpResponse(status=200, headers=(*common, _length(content)), body=content)
    if not span:
        unmet = ("Content-Range", f"bytes */{len(content)}")
        return HttpResponse(status=416, headers=(unmet, ("Content-Length", "0")))
    part = content[span.start : span.stop]
    place = ("Content-Range", f"bytes {span.start}-{span.stop - 1}/{len(content)}")
    return HttpResponse(status=206, headers=(*common, place, _length(part)), body=part)


def _wanted(request: HttpRequest, content: bytes) -> range | None:
    """The bytes asked for, empty where there are none of them; None where the whole file is to be sent."""
    found = _ONE_RANGE.fullmatch((request.header("range") or "").strip())
    condition = request.header("if-range")
    if found is None or (condition is not None and condition.strip() != etag(content)):
        return None
    first, last = found.groups()
    if not first:
        return range(max(0, len(content) - int(last)), len(content)) if last else None
    if last and int(last) < int(first):
        return None
    return range(int(first), min(len(content), int(last) + 1 if last else len(content)))


_ONE_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)
"""Several ranges in one request may be ignored, and are."""


def _length(content: bytes) -> tuple[str, str]:
    return ("Content-Length", str(len(content)))
