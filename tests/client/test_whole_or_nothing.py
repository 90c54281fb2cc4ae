"""What stands under the final name is the whole video or nothing, whatever the servers do: over raw sockets."""

from __future__ import annotations

import gzip
import random
from pathlib import Path
from typing import Any, Final

import pytest

from reelway import DownloadError, LinkExpired
from reelway.flow.container import SNIFF_LENGTH
from reelway.flow.fetch import ATTEMPTS, RENEWALS
from reelway.flow.stream import REDIRECTS
from tests.client.counting import PAGE, Party, dealt, http, json_says
from tests.client.shelf import (
    CHUNK,
    CHUNKED,
    CLOSE,
    ENDLESS,
    OPEN,
    SIGNATURE,
    TAG,
    VIDEO,
    Delivery,
    Shelf,
    answer,
    asked_from,
    assert_nothing,
    assert_whole,
    cut,
    download,
    file,
    honest,
    says,
    video,
)
from tests.transport.rogue import Visit

OTHER: Final = video(len(VIDEO), seed=2)
"""Another file of the same length."""


# --- cut and resumed ---

OFFSETS: Final = sorted(random.Random(2026).sample(range(SNIFF_LENGTH, len(VIDEO)), 50))


@pytest.mark.parametrize(("offset", "party"), dealt(OFFSETS))
def test_a_download_that_was_cut_goes_on_at_that_very_byte(party: Party, target: Path, offset: int) -> None:
    with Shelf(cut(offset), honest) as shelf:
        end = download(party, shelf, target)
    assert_whole(end, target)
    assert shelf.ranges == [None, offset]
    shelf.assert_no_key_left()


@pytest.mark.parametrize("offset", [0, 1, SNIFF_LENGTH - 1, SNIFF_LENGTH, len(VIDEO) - 1])
def test_a_download_may_be_cut_at_either_end(party: Party, target: Path, offset: int) -> None:
    with Shelf(cut(offset), honest) as shelf:
        end = download(party, shelf, target)
    assert_whole(end, target)
    # Before the container is known nothing is kept.
    assert shelf.ranges == [None, offset if offset >= SNIFF_LENGTH else None]


def test_a_download_that_is_cut_fifty_times_comes_out_whole(party: Party, target: Path) -> None:
    with Shelf(*map(cut, OFFSETS), honest) as shelf:
        end = download(party, shelf, target)
    assert_whole(end, target)
    assert shelf.ranges == [None, *OFFSETS]
    shelf.assert_no_key_left()


def test_a_connection_that_is_reset_loses_no_byte(party: Party, target: Path) -> None:
    resets = (cut(offset, by=Visit.reset) for offset in OFFSETS[:10])
    with Shelf(*resets, honest) as shelf:
        end = download(party, shelf, target)
    # Of what a reset overtakes, nobody knows how much arrives.
    assert_whole(end, target)
    assert shelf.ranges[-1] is None or shelf.ranges[-1] <= OFFSETS[9]


def test_what_one_client_began_the_next_one_goes_on_with(party: Party, target: Path) -> None:
    refuses = says(http("403 Forbidden", CLOSE))
    for offset in OFFSETS[::5]:
        with Shelf(cut(offset), refuses) as shelf:
            assert_nothing(download(party, shelf, target), target, LinkExpired)
        assert target.with_name("cat.mp4.part").read_bytes() == VIDEO[:offset]
    with Shelf(honest) as shelf:
        assert_whole(download(party, shelf, target), target)
    assert shelf.ranges == [OFFSETS[::5][-1]]


# --- resumed wrongly ---


def part(start: int, *, skew: int = 0, total: int | None = None, last: int | None = None) -> str:
    """The header that says which bytes come."""
    end = len(VIDEO) - 1 if last is None else last
    return f"Content-Range: bytes {start + skew}-{end}/{total or len(VIDEO)}"


def resumes(*headers: str, content: bytes = VIDEO, **range_facts: Any) -> Delivery:
    """A partial answer whose headers are not what they should be."""

    def delivery(visit: Visit, request: bytes) -> None:
        start = asked_from(request)
        assert start is not None
        placed = [part(start, **range_facts)] if range_facts.pop("placed", True) else []
        visit.say(http("206 Partial Content", CLOSE, *placed, *headers, body=content[start:]))

    return delivery


STRONG: Final = f"ETag: {TAG}"

WRONG_PARTS: Final[dict[str, Delivery]] = {
    "from a byte later": resumes(STRONG, skew=1),
    "from a byte before": resumes(STRONG, skew=-1),
    "of a longer file": resumes(STRONG, total=len(VIDEO) + 1),
    "that ends early": resumes(STRONG, last=len(VIDEO) - 2),
    "of an unknown length": lambda visit, request: visit.say(
        http("206 X", CLOSE, f"Content-Range: bytes {asked_from(request)}-{len(VIDEO) - 1}/*", STRONG)
    ),
    "that does not say which": lambda visit, request: visit.say(http("206 X", CLOSE, STRONG, body=VIDEO[:9])),
    "in several parts": lambda visit, request: visit.say(
        http("206 X", CLOSE, "Content-Type: multipart/byteranges; boundary=x", STRONG, body=b"--x\r\n\r\n--x--")
    ),
    "under another ETag": resumes('ETag: "another"', content=OTHER),
    "under a weak ETag": resumes(f"ETag: W/{TAG}", content=OTHER),
    "under no ETag": resumes(content=OTHER),
    "that is refused": says(http("416 Range Not Satisfiable", CLOSE, f"Content-Range: bytes */{len(VIDEO)}")),
}


@pytest.mark.parametrize("trouble", WRONG_PARTS)
def test_a_part_that_does_not_fit_is_never_joined(party: Party, target: Path, trouble: str) -> None:
    with Shelf(cut(70_000), WRONG_PARTS[trouble], honest) as shelf:
        end = download(party, shelf, target)
    assert_whole(end, target)
    assert shelf.ranges == [None, 70_000, None]
    shelf.assert_no_key_left()


@pytest.mark.parametrize("content", [VIDEO, OTHER], ids=["same", "changed"])
def test_a_server_that_sends_the_whole_file_again_starts_it_anew(
    party: Party, target: Path, content: bytes
) -> None:
    with Shelf(cut(70_000), says(answer(b"", content))) as shelf:
        end = download(party, shelf, target)
    assert_whole(end, target, content)
    assert shelf.ranges == [None, 70_000]


def test_a_file_that_changes_under_a_server_without_validators_is_not_mixed(party: Party, target: Path) -> None:
    bare = says(http("200 OK", CLOSE, body=OTHER))
    cut_bare = says(http("200 OK", CLOSE, body=VIDEO)[:70_000])
    with Shelf(cut_bare, bare) as shelf:
        end = download(party, shelf, target)
    assert_whole(end, target, OTHER)
    assert shelf.ranges == [None, None]


# --- what is not the file, or not all of it ---


PASSING: Final[dict[str, bytes]] = {
    "truncated": file()[:-1],
    "truncated before the end of its beginning": file()[:200],
    "a head alone": file().partition(b"\r\n\r\n")[0] + b"\r\n\r\n",
    "a chunk that is cut": (CHUNKED + CHUNK)[:-1000],
    "chunks without their end": CHUNKED + CHUNK,
    "a broken chunk": CHUNKED + CHUNK + b"xyz\r\n",
    "cut, and no length": ENDLESS + VIDEO[:-1000],
    "two lengths": file("Content-Length: 5"),
    "half a status line": b"HTTP/1.",
    "half the headers": OPEN,
    "no answer": b"",
    "garbage": b"\x15\x03\x01 this is no HTTP\r\n\r\n",
    "a NUL in a header": file("X-A: a\0b"),
    "a hundred thousand headers": OPEN + b"X-A: b\r\n" * 100_000 + b"\r\n",
    "a part that nobody asked for": file(f"Content-Range: bytes 0-{len(VIDEO) - 1}/{len(VIDEO)}", status="206 X"),
    **{f"HTTP {status}": http(f"{status} X", CLOSE) for status in (204, 408, 416, 429, 500, 502, 503, 504, 524)},
    "HTTP 503 with Retry-After": http("503 Busy", CLOSE, "Retry-After: 7"),
}
"""Trouble that may pass: the same link is asked again."""

REFUSED: Final[dict[str, bytes]] = {
    "HTML": file(body=PAGE),
    "JSON": json_says(b'{"error":"expired","url":"https://cdn.example/v.mp4"}', "200 OK", CLOSE),
    "XML": file(body=b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'),
    "text": file(body=b"The free plan does not include downloads. " * 10),
    "a picture": file(body=b"\x89PNG\r\n\x1a\n" + bytes(1000)),
    "an empty file": file(body=b""),
    "an empty chunked file": CHUNKED + b"0\r\n\r\n",
    "a compressed file": file("Content-Encoding: gzip", body=gzip.compress(VIDEO)),
    "a compressed file that does not say so": file(body=gzip.compress(VIDEO)),
    "a compression that nobody asked for": file("Content-Encoding: br"),
    **{f"HTTP {status}": http(f"{status} X", CLOSE) for status in (400, 401, 403, 404, 405, 410)},
    "a redirect to nowhere": http("302 Found", CLOSE),
    "a redirect to another scheme": http("302 Found", CLOSE, "Location: ftp://cdn.example/v.mp4"),
    "a redirect to a file of ours": http("302 Found", CLOSE, "Location: file:///etc/passwd"),
    "a redirect with a password": http("302 Found", CLOSE, "Location: http://user:password@cdn.example/v.mp4"),
    "a redirect to itself": http("302 Found", CLOSE, f"Location: ?sig={SIGNATURE}"),
}
"""The link serves no video: another one is asked for."""


@pytest.mark.parametrize(("trouble", "party"), dealt([*PASSING, *REFUSED]))
def test_trouble_that_passes_costs_time_and_no_byte(party: Party, target: Path, trouble: str) -> None:
    said = PASSING.get(trouble) or REFUSED.get(trouble) or b""
    with Shelf(says(said), honest) as shelf:
        end = download(party, shelf, target)
    assert_whole(end, target)
    assert shelf.polls == (1 if trouble in REFUSED else 0)
    shelf.assert_no_key_left()


@pytest.mark.parametrize("trouble", PASSING)
def test_trouble_that_stays_leaves_nothing_under_the_name(party: Party, target: Path, trouble: str) -> None:
    with Shelf(says(PASSING[trouble])) as shelf:
        end = download(party, shelf, target)
    assert_nothing(end, target, DownloadError)
    assert "did not arrive whole" in str(end)
    assert ATTEMPTS <= len(shelf.files.requests) <= ATTEMPTS + 1
    shelf.assert_no_key_left()


@pytest.mark.parametrize("trouble", REFUSED)
def test_links_that_serve_no_video_leave_nothing_under_the_name(party: Party, target: Path, trouble: str) -> None:
    with Shelf(says(REFUSED[trouble])) as shelf:
        end = download(party, shelf, target)
    assert_nothing(end, target, LinkExpired)
    assert "user:" not in str(end)
    assert shelf.polls == RENEWALS
    shelf.assert_no_key_left()


UNDERSTOOD: Final[dict[str, bytes]] = {
    "another type": http("200 OK", CLOSE, "Content-Type: text/html", body=VIDEO),
    "in chunks": CHUNKED + CHUNK + b"0\r\n\r\n",
    "no length": ENDLESS + VIDEO,
    "HTTP/1.0": http("200 OK", body=VIDEO, version="HTTP/1.0"),
    "103 before it": b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + file(),
    "more than was promised": file() + b"more",
    "a cookie": file("Set-Cookie: session=1"),
}


@pytest.mark.parametrize("oddity", UNDERSTOOD)
def test_an_odd_answer_with_the_whole_file_is_the_file(party: Party, target: Path, oddity: str) -> None:
    with Shelf(says(UNDERSTOOD[oddity])) as shelf:
        end = download(party, shelf, target)
    assert_whole(end, target)
    assert shelf.ranges == [None]


def test_redirects_are_followed_to_a_certain_length(party: Party, target: Path) -> None:
    def moves_on(visit: Visit, request: bytes) -> None:
        path = request.split(b" ")[1].decode()
        visit.say(http("302 Found", CLOSE, f"Location: {path}x"))

    with Shelf(*[moves_on] * REDIRECTS, honest) as shelf:
        assert_whole(download(party, shelf, target), target)
    target.unlink()
    with Shelf(moves_on) as shelf:
        end = download(party, shelf, target)
    assert_nothing(end, target, LinkExpired)
    assert f"more than {REDIRECTS} redirects" in str(end)
    assert len(shelf.files.requests) == (RENEWALS + 1) * (REDIRECTS + 1)
    shelf.assert_no_key_left()
