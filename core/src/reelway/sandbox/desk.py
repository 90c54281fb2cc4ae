"""The desk at ``/-/``: where a person or a test looks at the sandbox and steers it over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import unquote

import msgspec
from msgspec import Struct

from reelway.errors import ConfigurationError
from reelway.model.http import HttpRequest, HttpResponse, json_response
from reelway.model.observation import Status
from reelway.sandbox.faults import CATALOG
from reelway.sandbox.spoil import PAGE

if TYPE_CHECKING:
    from reelway.sandbox.world import World


class FaultOrder(Struct, forbid_unknown_fields=True):
    """``POST /-/faults``: faults for the next creates."""

    faults: list[str]
    creates: int = 1


class JobOrder(Struct, forbid_unknown_fields=True):
    """``POST /-/jobs/<provider>/<id>``: where a job is to be, or faults that it is to have."""

    status: Status | None = None
    progress: int | None = None
    reason: str | None = None
    faults: list[str] = []


Handler: TypeAlias = Callable[["World", str, HttpRequest], HttpResponse]


def answer(world: World, path: str, request: HttpRequest) -> HttpResponse:
    """The answer to a request for what is below ``/-/``."""
    first, _, rest = path.partition("/")
    handler = ROUTES.get((request.method, first))
    if handler is None:
        return unknown("The desk has no such place.")
    try:
        return handler(world, rest, request)
    except (ConfigurationError, msgspec.DecodeError) as error:
        return json_response({"error": str(error)}, 400)
    except LookupError as error:
        return json_response({"error": str(error.args[0])}, 404)


def unknown(problem: str) -> HttpResponse:
    """The answer to a path that leads nowhere."""
    return json_response({"error": f"{problem} GET /-/ tells what there is."}, 404)


def show_index(world: World, rest: str, request: HttpRequest) -> HttpResponse:
    """What there is."""
    document: dict[str, Any] = {
        "providers": {name: world.base_url(name) for name in world.providers},
        "desk": [f"{method} /-/{place}" for method, place in ROUTES],
        "faults": CATALOG,
    }
    return json_response(document)


def show_ledger(world: World, rest: str, request: HttpRequest) -> HttpResponse:
    """What was seen."""
    return json_response(world.ledger())


def order_faults(world: World, rest: str, request: HttpRequest) -> HttpResponse:
    """Faults for the next creates."""
    order = msgspec.json.decode(_body(request), type=FaultOrder)
    world.order(order.faults, order.creates)
    return json_response(order)


def steer_job(world: World, rest: str, request: HttpRequest) -> HttpResponse:
    """One job."""
    order = msgspec.json.decode(_body(request), type=JobOrder)
    provider, _, task_id = rest.partition("/")
    entry = world.steer(
        unquote(provider),
        unquote(task_id),
        status=order.status,
        progress=order.progress,
        reason=order.reason,
        faults=order.faults,
    )
    return json_response(entry)


def show_secret(world: World, rest: str, request: HttpRequest) -> HttpResponse:
    """What one provider's callbacks are verified with, as it stands: a receiver may fetch its key set here."""
    provider = unquote(rest)
    secret = world.callback_secret(provider)
    if secret is None:
        raise LookupError(f"The callbacks of {provider!r} are not signed.")
    return HttpResponse(status=200, headers=(("Content-Type", "text/plain; charset=utf-8"),), body=secret.encode())


def forget(world: World, rest: str, request: HttpRequest) -> HttpResponse:
    """Start over."""
    world.reset()
    return json_response({})


def show_page(world: World, rest: str, request: HttpRequest) -> HttpResponse:
    """Where redirected calls end up."""
    return HttpResponse(status=200, headers=(("Content-Type", "text/html"),), body=PAGE)


ROUTES: Final[Mapping[tuple[str, str], Handler]] = {
    ("GET", ""): show_index,
    ("GET", "ledger"): show_ledger,
    ("POST", "faults"): order_faults,
    ("POST", "jobs"): steer_job,
    ("POST", "reset"): forget,
    ("GET", "callback-secret"): show_secret,
    ("GET", "elsewhere"): show_page,
}


def _body(request: HttpRequest) -> bytes:
    return request.body if isinstance(request.body, bytes) else b""
