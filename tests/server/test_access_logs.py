"""No token stands in a log of the servers that a receiver runs under: their own records are looked at."""

from __future__ import annotations

import asyncio
import io
import logging
import logging.config
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import Thread
from typing import Any, Final

import pytest
from granian.log import DEFAULT_ACCESSLOG_FMT, log_request_builder
from hypercorn.asyncio import serve
from hypercorn.config import Config
from uvicorn.config import LOGGING_CONFIG
from uvicorn.logging import TRACE_LOG_LEVEL, AccessFormatter
from uvicorn.middleware.message_logger import MessageLoggerMiddleware

from reelway.addresses import MASK, new_address
from reelway.server import CallbackReceiver, hide_tokens
from reelway.server.access_logs import masked
from reelway.server.serving import listen
from tests.server.caller import Job, Shop, post
from tests.server.serving import HOST, PATIENCE, exchange, post_head, serving

pytestmark = pytest.mark.usefixtures("own_logs")

TOKEN: Final = new_address("").url.reveal()[1:]


@contextmanager
def written_by(name: str, formatter: logging.Formatter | None = None) -> Iterator[io.StringIO]:
    """What this logger writes, and through this handler alone."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(formatter)
    logger = logging.getLogger(name)
    logger.handlers, logger.level = [handler], TRACE_LOG_LEVEL
    yield text
    logger.removeHandler(handler)


def call(port: int, job: Job) -> None:
    assert exchange(port, post_head(f"{job.path}?a=1", "Content-Length: 1"), [b"x"]) == 202
    assert exchange(port, post_head(f"{job.path}/", "Content-Length: 1"), [b"x"]) == 404


# --- Uvicorn ---


def test_the_server_of_the_command_logs_requests_without_their_tokens(
    shop: Shop, job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(CallbackReceiver(shop.ledger)) as port:
        call(port, job)
    said = capsys.readouterr()
    assert f'"POST /{MASK}?a=1 HTTP/1.1" 202 Accepted' in said.err
    assert f'"POST /{MASK}/ HTTP/1.1" 404 Not Found' in said.err
    assert job.token not in said.err
    assert said.out == ""


def test_one_call_hides_the_tokens_from_uvicorn(shop: Shop, job: Job) -> None:
    hide_tokens()
    own = AccessFormatter(LOGGING_CONFIG["formatters"]["access"]["fmt"], use_colors=False)
    with serving(CallbackReceiver(shop.ledger)) as port, written_by("uvicorn.access", own) as text:
        call(port, job)
    assert f'"POST /{MASK}?a=1 HTTP/1.1" 202 Accepted' in text.getvalue()
    assert job.token not in text.getvalue()


def test_one_line_of_a_logging_configuration_does_it_too(shop: Shop, job: Job) -> None:
    text = io.StringIO()
    configuration = {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"tokens": {"()": "reelway.server.HideTokens"}},
        "handlers": {"access": {"class": "logging.StreamHandler", "stream": text, "filters": ["tokens"]}},
        "loggers": {"uvicorn.access": {"handlers": ["access"], "level": "INFO"}},
    }
    with serving(CallbackReceiver(shop.ledger)) as port:
        logging.config.dictConfig(configuration)
        call(port, job)
    assert text.getvalue().count(MASK) == 2
    assert job.token not in text.getvalue()


def test_the_messages_that_uvicorn_traces_hold_none(shop: Shop, job: Job) -> None:
    hide_tokens()
    with written_by("uvicorn.asgi") as text:
        traced: Any = MessageLoggerMiddleware(CallbackReceiver(shop.ledger))  # type: ignore[arg-type] # typed by its own names
        assert post(traced, job.path, client=(HOST, 1), raw_path=job.path.encode()).status == 202
    assert text.getvalue().count(MASK) == 2
    assert job.token not in text.getvalue()


# --- Granian and Hypercorn ---


def test_one_call_hides_the_tokens_from_granian() -> None:
    hide_tokens()
    request = dict.fromkeys(("addr_remote", "scheme", "method", "protocol", "qs"), "")
    with written_by("granian.access") as text:
        log = log_request_builder(DEFAULT_ACCESSLOG_FMT)  # type: ignore[no-untyped-call]
        log(time.time(), time.perf_counter(), {**request, "path": f"/callbacks/{TOKEN}"}, 202)
    assert f"/callbacks/{MASK} " in text.getvalue()
    assert TOKEN not in text.getvalue()


def test_one_call_hides_the_tokens_from_hypercorn(shop: Shop, job: Job) -> None:
    hide_tokens()
    listening = listen(HOST, 0)
    port = listening.getsockname()[1]
    with written_by("hypercorn.access") as text:
        settings = Config()
        settings.accesslog = logging.getLogger("hypercorn.access")
        settings.access_log_format = "%(r)s|%(R)s|%(U)s|%(Uq)s|%({referer}i)s|%(s)s"
        settings.bind = [f"fd://{listening.detach()}"]
        with hypercorn(CallbackReceiver(shop.ledger), settings):
            call(port, job)
    taken = f"POST /{MASK} 1.1|POST /{MASK}?a=1 1.1|/{MASK}|/{MASK}?a=1|-|202"
    assert taken in text.getvalue().splitlines()
    assert job.token not in text.getvalue()


@contextmanager
def hypercorn(app: Any, settings: Config) -> Iterator[None]:
    stop = asyncio.Event()
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_until_complete, args=[serve(app, settings, shutdown_trigger=stop.wait)])
    thread.start()
    yield
    loop.call_soon_threadsafe(stop.set)
    thread.join(PATIENCE)
    loop.close()


# --- any record ---


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"/{TOKEN}", f"/{MASK}"),
        (f"https://a.example/b/{TOKEN}?c#d", f"https://a.example/b/{MASK}?c#d"),
        (f"/{TOKEN}/{TOKEN}\n", f"/{MASK}/{MASK}\n"),
        (f"\xff/{TOKEN}".encode("latin-1"), b"\xff/" + MASK.encode()),
        ((1, f"/{TOKEN}", None), (1, f"/{MASK}", None)),
        ([{"path": f"/{TOKEN}"}], [{"path": f"/{MASK}"}]),
        (TOKEN, TOKEN),
        (f"/{TOKEN}A", f"/{TOKEN}A"),
        (f"/{TOKEN[1:]}", f"/{TOKEN[1:]}"),
        ("/v1/videos", "/v1/videos"),
        (202, 202),
    ],
)
def test_what_has_the_form_of_a_token_in_a_path_is_masked(value: object, expected: object) -> None:
    assert masked(value) == expected


def test_what_others_hold_is_not_changed() -> None:
    scope: Mapping[str, Any] = {"path": f"/{TOKEN}", "nested": [f"/{TOKEN}"]}
    masked(scope)
    assert scope == {"path": f"/{TOKEN}", "nested": [f"/{TOKEN}"]}


def test_asked_twice_a_logger_has_one_filter() -> None:
    hide_tokens("uvicorn.access")
    hide_tokens("uvicorn.access")
    assert len(logging.getLogger("uvicorn.access").filters) == 1
