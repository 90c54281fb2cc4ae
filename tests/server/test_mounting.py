"""A receiver stands where a framework mounts it, beside the application's own pages."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from reelway.server import CallbackReceiver
from tests.server.caller import BODY, Job, Shop, call, post, scope_of


def in_starlette(receiver: CallbackReceiver) -> Any:
    async def home(request: object) -> PlainTextResponse:
        return PlainTextResponse("home")

    return Starlette(routes=[Route("/", home), Mount("/callbacks", receiver)])


def in_fastapi(receiver: CallbackReceiver) -> Any:
    app = FastAPI()
    app.mount("/callbacks", receiver)

    @app.get("/", response_model=None)
    async def home() -> PlainTextResponse:
        return PlainTextResponse("home")

    return app


def in_django(receiver: CallbackReceiver) -> Any:
    settings: Any = import_module("django.conf").settings
    if not settings.configured:
        settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="none", MIDDLEWARE=[])
    django: Any = import_module("django.core.asgi").get_asgi_application()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        mounted = scope["type"] == "http" and scope["path"].startswith("/callbacks/")
        await (receiver if mounted else django)(scope, receive, send)

    return app


def django_home(request: Any) -> Any:
    return import_module("django.http").HttpResponse("home")


urlpatterns: list[Any] = []
"""Django's table of pages; filled below, for its types are unknown to a type checker."""

urlpatterns.append(import_module("django.urls").path("", django_home))

MOUNTED = {"starlette": in_starlette, "fastapi": in_fastapi, "django": in_django}


@pytest.fixture(params=MOUNTED)
def app(request: pytest.FixtureRequest, shop: Shop) -> Any:
    # A framework that mounts tells where; the dispatcher for Django does not, so the receiver is told.
    path = "/callbacks" if request.param == "django" else ""
    return MOUNTED[request.param](CallbackReceiver(shop.ledger, path=path))


def test_a_callback_is_kept(app: Any, shop: Shop, job: Job) -> None:
    assert post(app, f"/callbacks{job.path}").status == 202
    assert shop.bodies(job) == [BODY]


@pytest.mark.parametrize("path", ["/callbacks/AAAAAAAAAAAAAAAAAAAAAA", "/callbacks/", "/callbacks/x{}", "{}"])
def test_what_is_not_known_is_not_found(app: Any, job: Job, path: str) -> None:
    assert post(app, path.format(job.path)).status == 404


def test_the_application_keeps_its_own_pages(app: Any) -> None:
    home = asyncio.run(call(app, scope_of("/", "GET", {"host": "a.example"})))
    assert (home.status, home.body) == (200, b"home")
