"""A body is the same however it was cut on its way, compressed or not, over either library and in either color."""

from __future__ import annotations

import asyncio
import gzip
import inspect
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from functools import cache
from itertools import pairwise, product
from typing import Any, Final, TypeVar, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.flow.effects import Send
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.secret import Secret
from reelway.provider.interface import Provider
from reelway.testing.payloads import mutated
from reelway.transport.body import BoundedBody
from reelway.transport.http import API_BODY_LIMIT, CORE_OF, AsyncHttp, HttpSettings, SyncHttp, load_library
from reelway.transport.wire import Endpoint
from tests.provider.calls import PROVIDERS, READS, Outcome, outcome, routes_of, samples_of

T = TypeVar("T")

COMPRESSIONS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "": bytes,
    "gzip": gzip.compress,
    "deflate": zlib.compress,
}

WIDE: Final = '{"id":"job-1","status":"completed","prompt":"\U0001f3ac 映画 é","video_url":"https://a.b/c"}'
"""An answer with letters of one, two, three and four bytes."""

GET: Final = HttpRequest(method="GET", path="v1/videos/job-1")


def pieces(sent: bytes, cuts: Iterable[int]) -> list[bytes]:
    return [sent[start:end] for start, end in pairwise((0, *sorted(cuts), len(sent)))]


def collected(encoding: str, parts: Iterable[bytes]) -> bytes:
    body = BoundedBody(encoding, API_BODY_LIMIT)
    for part in parts:
        body.add(part)
    return body.whole()


@cache
def wide(encoding: str) -> bytes:
    return COMPRESSIONS[encoding](WIDE.encode())


@pytest.mark.parametrize("encoding", COMPRESSIONS)
def test_a_body_may_be_cut_anywhere(encoding: str) -> None:
    sent = wide(encoding)
    for first in range(len(sent) + 1):
        for second in range(first, len(sent) + 1, 3):
            assert collected(encoding, pieces(sent, (first, second))) == WIDE.encode()


@pytest.mark.parametrize("encoding", COMPRESSIONS)
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_a_body_may_come_in_the_smallest_pieces(encoding: str, size: int) -> None:
    sent = wide(encoding)
    assert collected(encoding, pieces(sent, range(size, len(sent), size))) == WIDE.encode()


class Line:
    """A network of one color over one library, whose answers arrive in pieces that are handed in."""

    def __init__(self, color: str, library: str) -> None:
        self._module, _ = load_library(library)
        self._parts: list[bytes] = []
        self._encoding = ""
        self._runner = asyncio.Runner()
        endpoint = Endpoint(base_url="https://api.acme.example", key=Secret("k"))
        settings = HttpSettings(library=library, transport=self._module.MockTransport(self._respond))
        self._http: Any = {"sync": SyncHttp, "async": AsyncHttp}[color](endpoint, settings)

    def arrived(self, encoding: str, parts: list[bytes]) -> HttpResponse:
        """The answer as the network hands it on."""
        self._encoding, self._parts = encoding, parts
        sent = self._http.send(Send(request=GET, timeout=60))
        return cast("HttpResponse", self._runner.run(_awaited(sent)) if inspect.isawaitable(sent) else sent)

    def close(self) -> None:
        self._runner.close()

    def _respond(self, request: Any) -> Any:
        headers = {"Content-Encoding": self._encoding, "Content-Type": "application/json"}
        return self._module.Response(200, headers=headers, stream=_stream_of(self._module, self._parts))


async def _awaited(sent: Awaitable[T]) -> T:
    return await sent


def _stream_of(module: Any, parts: list[bytes]) -> Any:
    class Parts(module.SyncByteStream, module.AsyncByteStream):  # type: ignore[misc] # one class for either library
        def __iter__(self) -> Iterator[bytes]:
            return iter(parts)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for part in parts:
                yield part

    return Parts()


@pytest.fixture(params=list(product(("sync", "async"), CORE_OF)), ids="-".join, scope="module")
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    line = Line(*request.param)
    yield line
    line.close()


def shown(came: Outcome) -> object:
    """What can be compared of what came."""
    return came if isinstance(came, list) else (type(came), str(came))


def check_same(provider: Provider, whole: HttpResponse, arrived: HttpResponse) -> None:
    assert arrived.body == whole.body
    for call, route in product(READS, routes_of(provider)):
        assert shown(outcome(call, provider, arrived, route)) == shown(outcome(call, provider, whole, route))


@pytest.mark.parametrize("encoding", COMPRESSIONS)
def test_every_sample_is_read_alike_when_it_comes_byte_by_byte(line: Line, encoding: str) -> None:
    for provider in PROVIDERS:
        for file in samples_of(provider):
            body = file.read_bytes()
            sent = COMPRESSIONS[encoding](body)
            arrived = line.arrived(encoding, pieces(sent, range(1, len(sent))))
            check_same(provider, HttpResponse(status=200, headers=arrived.headers, body=body), arrived)


@given(data=st.data())
def test_any_payload_is_read_alike_however_it_is_cut(line: Line, data: st.DataObject) -> None:
    provider = data.draw(st.sampled_from(PROVIDERS))
    file = data.draw(st.sampled_from(samples_of(provider)))
    body = data.draw(mutated(file.read_bytes()))
    encoding = data.draw(st.sampled_from(sorted(COMPRESSIONS)))
    sent = COMPRESSIONS[encoding](body)
    cuts = data.draw(st.lists(st.integers(0, len(sent)), max_size=8))
    arrived = line.arrived(encoding, pieces(sent, cuts))
    check_same(provider, HttpResponse(status=200, headers=arrived.headers, body=body), arrived)
