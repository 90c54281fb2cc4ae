"""Answers that are none: error envelopes in every shape, web pages, and bodies that nobody can read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from reelway.model.http import Headers, HttpResponse, json_response

ENVELOPES: Final[tuple[Any, ...]] = (
    {"error": {"message": "Contract trouble.", "code": "contract_code", "type": "contract_type", "param": None}},
    {"error": {"message": "", "code": "", "type": ""}},
    {"error": "Contract trouble."},
    {"error": {"message": {"text": "Contract trouble."}, "code": 7}},
    {"code": "contract_code", "message": "Contract trouble.", "data": None},
    {"code": 4711, "msg": "Contract trouble.", "request_id": "r-1"},
    {"detail": [{"loc": ["body", "prompt"], "msg": "Contract trouble."}]},
    {"success": False, "message": None},
    {},
    [],
    ["Contract trouble."],
    "Contract trouble.",
    None,
    7,
)
"""Shapes in which services say that something went wrong."""

HTML: Final[Headers] = (("Content-Type", "text/html; charset=utf-8"), ("Server", "nginx"))

PAGE: Final = (
    b"<!doctype html><html><head><title>Contract trouble</title></head><body><h1>Nothing here.</h1></body>"
)

PASSING: Final = (408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 525, 526, 527)
"""Trouble that goes by (RFC 9110, section 15; the 52x as proxies document them)."""

REFUSALS: Final[tuple[dict[str, Any], ...]] = (
    {"error": {"message": "No balance.", "code": "insufficient_quota"}, "request_id": "r-1", "trace_id": "t-1"},
    {"success": False, "message": "No balance.", "request_id": "r-1"},
    {"code": 1200, "message": "No such model.", "request_id": "r-1", "data": None},
    {"code": "insufficient_user_quota", "message": "No balance.", "data": {}},
    {"status": "failed", "message": "Refused.", "log_id": "l-1"},
    {"status": "queued"},
    {"data": []},
    {},
)
"""Answers that name no task; gateways send them with HTTP 200 as well."""

UNREADABLE: Final[tuple[bytes, ...]] = (
    *(
        b"",
        b" ",
        b"null",
        b"true",
        b"7",
        b"[]",
        b'"task_1"',
        b'[{"id": "task_1"}]',
        b"{",
        b"id=task_1&status=queued",
    ),
    *(b'{"id": "task_1"', b'{"id": "task_1"}}', b"{'id': 'task_1'}", b"\xff\xfe{\x00}\x00", b"OK", PAGE),
)
"""Bodies that hold no answer."""


def bare(status: int) -> Iterable[tuple[HttpResponse, str]]:
    """Answers that say nothing but their status."""
    return (
        (HttpResponse(status=status), "empty"),
        (json_response({}, status), "with an empty object"),
        (json_response({"error": {"message": "Contract trouble."}}, status), "with an error of no known code"),
        (page(status), "with a web page"),
    )


def page(status: int) -> HttpResponse:
    """A web page in the name of an API."""
    return HttpResponse(status=status, headers=HTML, body=PAGE)
