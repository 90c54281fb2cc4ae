"""Links that serve too much, too slowly, from too far or no more: none of it costs memory, time or the key."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from reelway import Download, DownloadError, LinkExpired, OutputMissing, ProviderError
from reelway.flow.fetch import RENEWALS
from reelway.transport.clock import SystemClock
from tests.client.counting import PATIENCE, Party, ended, http, json_says
from tests.client.shelf import (
    CHUNKED,
    CLOSE,
    ENDLESS,
    SIGNATURE,
    VIDEO,
    Delivery,
    Shelf,
    assert_nothing,
    assert_whole,
    cut,
    download,
    file,
    honest,
    says,
)
from tests.transport.rogue import RogueServer, Visit, answering, bounded

MEBIBYTE: Final = 1 << 20


# --- too large, too slow ---


def floods(head: bytes, piece: bytes) -> Delivery:
    def delivery(visit: Visit, request: bytes) -> None:
        visit.say(head)
        while not visit.over.is_set():
            visit.say(piece)

    return delivery


@pytest.mark.parametrize(
    "delivery",
    [honest, floods(ENDLESS + VIDEO, bytes(65536))],
    ids=["promised", "unpromised"],
)
def test_a_file_beyond_the_limit_is_given_up(party: Party, target: Path, delivery: Delivery) -> None:
    with Shelf(delivery) as shelf:
        end = download(party, shelf, target, limit=len(VIDEO) - 1)
    assert_nothing(end, target, DownloadError)
    assert "larger than the limit" in str(end)
    assert len(shelf.files.requests) == 1


def drips(head: bytes, rest: bytes) -> Delivery:
    def delivery(visit: Visit, request: bytes) -> None:
        visit.say(head)
        visit.drip(rest)

    return delivery


def is_silent(visit: Visit, request: bytes) -> None:
    visit.wait()


SLOW: Final[dict[str, Delivery]] = {
    "silence": is_silent,
    "headers in drips": drips(b"", file()),
    "a body in drips": drips(file()[:-2000], VIDEO[-2000:]),
    "silence in the middle": cut(70_000, by=Visit.wait),
    "100 without end": floods(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "empty chunk extensions without end": floods(CHUNKED + b"1;", b"x" * 1000),
}


@pytest.mark.parametrize("trouble", SLOW)
def test_a_download_ends_with_its_time(party: Party, target: Path, trouble: str) -> None:
    with Shelf(SLOW[trouble]) as shelf, bounded(3):
        end = download(party, shelf, target, clock=SystemClock(), timeout=2 * PATIENCE)
    assert_nothing(end, target, DownloadError)
    shelf.assert_no_key_left()


@pytest.mark.usefixtures("impatient")
def test_a_stream_that_falls_silent_is_given_up_and_resumed(party: Party, target: Path) -> None:
    with Shelf(cut(70_000, by=Visit.wait), honest) as shelf:
        end = download(party, shelf, target)
    assert_whole(end, target)
    assert shelf.ranges[:2] == [None, 70_000]


# --- memory ---


@pytest.fixture(scope="module")
def bomb() -> bytes:
    return gzip.compress(bytes(128 * MEBIBYTE), 9)


@pytest.fixture
def _traced() -> Iterator[None]:
    """The growth of memory is measured from here on."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


def assert_cheap() -> None:
    _, peak = tracemalloc.get_traced_memory()
    assert peak < 16 * MEBIBYTE


@pytest.mark.usefixtures("_traced")
@pytest.mark.parametrize("encoding", ["Content-Encoding: gzip", "Transfer-Encoding: gzip", "X-Encoding: gzip"])
def test_a_bomb_for_a_file_costs_no_memory(party: Party, target: Path, bomb: bytes, encoding: str) -> None:
    with Shelf(says(file(encoding, body=bomb))) as shelf:
        end = download(party, shelf, target)
    assert_cheap()
    assert_nothing(end, target, DownloadError if "Transfer" in encoding else LinkExpired)


@pytest.mark.usefixtures("_traced")
def test_a_bomb_for_an_answer_costs_no_memory(party: Party, bomb: bytes) -> None:
    packed = json_says(bomb, "200 OK", "Content-Encoding: gzip")
    with RogueServer(answering(packed)) as server, party.at(server.url) as client:
        end = ended(lambda: client.retrieve("task_1"))
    assert_cheap()
    assert isinstance(end, ProviderError)
    assert "inflates to more than" in str(end)


@pytest.mark.usefixtures("_traced")
def test_a_large_file_costs_no_memory(party: Party, target: Path) -> None:
    with Shelf(floods(ENDLESS + VIDEO, bytes(65536))) as shelf:
        end = download(party, shelf, target, limit=20 * MEBIBYTE)
    assert_cheap()
    assert_nothing(end, target, DownloadError)
    assert target.with_name("cat.mp4.part").stat().st_size > 19 * MEBIBYTE


# --- where links lead ---

LOOPBACK: Final = ("127.0.0.1", "localhost", "0x7f.1", "2130706433", "127.1", "[::ffff:127.0.0.1]", "0", "[::1]")
METADATA: Final = ("169.254.169.254", "[fd00:ec2::254]", "168.63.129.16", "[::ffff:a9fe:a9fe]", "0xa9fea9fe")


def own_link(shelf: Shelf) -> str:
    """A link on the provider's own host, which may be anywhere: the first hop of a redirect."""
    return f"{shelf.api.url}/v1/videos/other/content?sig={SIGNATURE}"


@pytest.mark.parametrize("host", LOOPBACK)
def test_no_redirect_leads_to_this_machine(party: Party, target: Path, host: str) -> None:
    with RogueServer(answering(file())) as inside, Shelf(honest) as shelf:
        shelf.content = says(http("302 Found", CLOSE, f"Location: http://{host}:{inside.port}/v.mp4"))
        shelf.link = own_link(shelf)
        end = download(party, shelf, target, allow_private_links=False)
    assert_nothing(end, target, LinkExpired)
    assert "the address is not allowed" in str(end)
    assert not inside.visits
    shelf.assert_no_key_left()


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize("host", METADATA)
def test_no_redirect_leads_to_what_hands_out_credentials(
    party: Party, target: Path, host: str, private: bool
) -> None:
    with Shelf(honest) as shelf, bounded(3):
        shelf.content = says(http("302 Found", CLOSE, f"Location: http://{host}/latest/meta-data/"))
        shelf.link = own_link(shelf)
        end = download(party, shelf, target, allow_private_links=private)
    assert_nothing(end, target, LinkExpired)
    assert "the address is not allowed" in str(end)


def test_a_link_to_this_machine_is_not_followed_unless_that_was_asked_for(party: Party, target: Path) -> None:
    with Shelf(honest) as shelf:
        end = download(party, shelf, target, allow_private_links=False)
        assert_nothing(end, target, LinkExpired)
        assert not shelf.files.visits
        assert_whole(download(party, shelf, target), target)


def test_a_foreign_host_cannot_have_the_key_sent_to_a_path_of_its_choice(party: Party, target: Path) -> None:
    with Shelf(honest) as shelf:
        there = f"{shelf.api.url}/v1/videos/somebody-else-s/content"
        shelf.deliver = says(http("307 Temporary Redirect", CLOSE, f"Location: {there}"))
        shelf.content = honest
        end = download(party, shelf, target)
    assert_whole(end, target)
    assert [request.split(b"\r\n")[0] for request in shelf.api.requests] == [
        b"GET /v1/videos/somebody-else-s/content HTTP/1.1"
    ]
    assert b"uthorization" not in shelf.api.requests[0]


def test_an_own_host_that_redirects_abroad_sends_no_key_along(party: Party, target: Path) -> None:
    with Shelf(honest) as shelf:
        shelf.content = says(http("302 Found", CLOSE, f"Location: {shelf.link}"))
        end = download(party, shelf, target, own_link(shelf))
    assert_whole(end, target)
    assert len(shelf.files.requests) == 1
    shelf.assert_no_key_left()


# --- links that expire ---


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_an_expired_link_is_renewed_and_goes_on_where_it_stopped(party: Party, target: Path, status: int) -> None:
    with Shelf(cut(70_000), says(http(f"{status} Expired", CLOSE)), honest) as shelf:
        fresh = shelf.link
        end = download(party, shelf, target, f"{shelf.files.url}/v.mp4?sig={SIGNATURE}-OLD")
    assert_whole(end, target)
    assert isinstance(end, Download)
    assert end.task.videos[0].url.reveal() == fresh
    assert shelf.polls == 1
    assert shelf.ranges == [None, 70_000, 70_000]
    asked = [request.split(b" ")[1].decode() for request in shelf.files.requests]
    assert [one.endswith("-OLD") for one in asked] == [True, True, False]
    shelf.assert_no_key_left()


def test_where_links_serve_nothing_any_more_the_content_route_does(party: Party, target: Path) -> None:
    with Shelf(says(http("403 Forbidden", CLOSE)), content=honest) as shelf:
        end = download(party, shelf, target)
    assert_whole(end, target)
    assert (shelf.polls, len(shelf.files.requests)) == (RENEWALS, RENEWALS + 1)
    shelf.assert_no_key_left()


@pytest.mark.parametrize("status", [401, 403])
def test_a_content_route_that_refuses_the_key_says_so(party: Party, target: Path, status: int) -> None:
    with Shelf(honest, content=says(http(f"{status} No", CLOSE))) as shelf:
        shelf.link = ""
        with party.at(shelf.api.url) as client:
            end = ended(lambda: client.download("task_1", target))
    assert_nothing(end, target, OutputMissing)
    assert "Check the key" in str(end)
