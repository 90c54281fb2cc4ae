"""The ``/v1/videos`` family from the other side: a simulator given as tables, like the provider itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

from reelway.errors import ErrorKind
from reelway.model.http import HttpRequest, HttpResponse, json_response
from reelway.provider.simulator import CallKind, SimulatedCall, SimulatedJob, Simulator, fields_of
from reelway.provider.videos_api import Dialect

Render: TypeAlias = Callable[[SimulatedJob], Mapping[str, Any]]
"""Writes a job as the JSON object that the provider answers with."""


class VideosApiSimulator(Simulator):
    """A simulated provider of the family.

    Attributes:
        dialects: the provider's own dialects, so that both sides share one set of paths.
        creates, reads: how each route writes a job, in answer to a create and to a poll.
        id_pattern: the form of new ids; ``{number:032}`` and the like are filled in.
        error_answers: the (status, document) that stands for each error kind; the others come from the family.
    """

    dialects: Mapping[str, Dialect]
    creates: Mapping[str, Render]
    reads: Mapping[str, Render]
    id_pattern: str = "task_{number:032}"
    error_answers: Mapping[ErrorKind, tuple[int, Mapping[str, Any]]] = {}

    def recognise(self, request: HttpRequest) -> SimulatedCall | None:
        """Match the request against the paths of every dialect."""
        for method, kind, route, template in self._templates():
            task_id = _match(template, request)
            if request.method == method and task_id is not None:
                return SimulatedCall(kind=kind, route=route, task_id=task_id, fields=fields_of(request))
        return None

    def new_id(self, call: SimulatedCall, number: int) -> str:
        """An id in the provider's form."""
        return self.id_pattern.format(number=number)

    def answer_create(self, job: SimulatedJob) -> HttpResponse:
        """The route's create answer."""
        return json_response(self.creates[job.call.route](job))

    def answer_retrieve(self, call: SimulatedCall, job: SimulatedJob) -> HttpResponse:
        """The route's poll answer."""
        return json_response(self.reads[call.route](job))

    def answer_error(self, call: SimulatedCall | None, kind: ErrorKind) -> HttpResponse:
        """The provider's error answer, or the family's."""
        status, document = {**FAMILY_ERRORS, **self.error_answers}[kind]
        return json_response(document, status)

    def _templates(self) -> Iterable[tuple[str, CallKind, str, str]]:
        for route, dialect in self.dialects.items():
            rows = (
                ("GET", CallKind.CONTENT, dialect.content),
                ("POST", CallKind.REMIX, dialect.remix),
                ("GET", CallKind.RETRIEVE, dialect.read),
                ("POST", CallKind.CREATE, dialect.create),
            )
            yield from ((method, kind, route, template) for method, kind, template in rows if template)


def _match(template: str, request: HttpRequest) -> str | None:
    """The task id where the request fits the template, empty where the template has no id; else None."""
    path, _, query = template.partition("?")
    pattern = re.escape(path).replace(re.escape("{id}"), "([^/]+)")
    found = re.fullmatch(pattern, request.path.lstrip("/"))
    if found is None:
        return None
    if query:
        return dict(request.query).get(query.partition("=")[0])
    return unquote(found.group(1)) if found.groups() else ""


FAMILY_ERRORS: Final[Mapping[ErrorKind, tuple[int, Mapping[str, Any]]]] = {
    # As the gateway software behind the family writes them.
    ErrorKind.AUTH: (401, {"error": {"code": "", "message": "Invalid token", "type": "new_api_error"}}),
    ErrorKind.QUOTA: (403, {"code": "insufficient_user_quota", "message": "quota exhausted", "data": None}),
    ErrorKind.RATE_LIMITED: (
        429,
        {"code": "rate_limit_exceeded", "message": "too many requests", "data": None},
    ),
    ErrorKind.INVALID_REQUEST: (
        400,
        {"code": "invalid_request", "message": "prompt is required", "data": None},
    ),
    ErrorKind.NOT_FOUND: (400, {"code": "task_not_exist", "message": "task_not_exist", "data": None}),
    ErrorKind.NOT_READY: (
        400,
        {"error": {"message": "Task is not completed yet, current status: IN_PROGRESS"}},
    ),
    ErrorKind.UNSUPPORTED: (
        404,
        {"error": {"message": "Invalid URL", "type": "invalid_request_error", "code": ""}},
    ),
    ErrorKind.UNAVAILABLE: (
        500,
        {"error": {"message": "internal error", "type": "server_error", "code": ""}},
    ),
    ErrorKind.UPSTREAM: (
        502,
        {"error": {"message": "Upstream service returned status 403", "type": "server_error"}},
    ),
    ErrorKind.PROTOCOL: (200, {}),
}
