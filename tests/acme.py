"""A provider that exists in tests only: it can do all that the interface offers, in plain words."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from msgspec.structs import replace

from reelway.model.http import HttpRequest, HttpResponse, json_response, segment
from reelway.model.observation import Video
from reelway.model.secret import Secret
from reelway.model.task import Task, TaskRef
from reelway.provider.interface import Cadence, Capability
from reelway.provider.videos_api import Dialect
from reelway.testing.clock import START
from tests.sandbox import caller

NOTHING_CREATED: Final = (500, "no_channel")
"""The one answer that Acme documents to create nothing although its status leaves that open."""


class Acme(caller.Acme):
    info = replace(
        caller.Acme.info,
        cadence=Cadence(4, 10),
        capabilities=frozenset(Capability),
        nothing_created=frozenset({NOTHING_CREATED}),
    )

    dialects = {**caller.Acme.dialects, "side": Dialect(read="v1/side/{id}", content=None)}

    def encode_cancel(self, task_id: str, route: str) -> HttpRequest:
        return HttpRequest(method="DELETE", path=f"v1/videos/{segment(task_id)}")


ACME: Final = Acme()

LINK: Final = "https://cdn.example/a%2Fb.mp4?sig=SIGNATURE"


def task(task_id: str = "task-1", *, links: tuple[str, ...] = (), at: datetime = START, **facts: Any) -> Task:
    """A task of Acme's."""
    videos = tuple(Video(url=Secret(link)) for link in links)
    made = Task.new(TaskRef("acme", "default", "", task_id), at)
    return replace(made, videos=videos, **facts)


def said(status: str | None, task_id: str | None = "task-1", http: int = 200, **facts: Any) -> HttpResponse:
    """An answer about a task."""
    document = {"id": task_id, "status": status, **facts}
    return json_response({key: value for key, value in document.items() if value is not None}, http)


def refused(status: int, code: str | None = None, message: str = "No.", **headers: str) -> HttpResponse:
    """An error answer; headers are spelt with underscores."""
    error = {"message": message} | ({"code": code} if code else {})
    spelt = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return json_response({"error": error}, status, spelt)


PAGE: Final = HttpResponse(
    status=200, headers=(("Content-Type", "text/html"),), body=b"<!doctype html><title>Just a moment</title>"
)
