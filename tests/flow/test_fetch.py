"""What is published is the whole video, or nothing is."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reelway.errors import Billed, DownloadError, Fault, LedgerError, LinkExpired, OutputMissing
from reelway.flow.container import SNIFF_LENGTH, Completeness, completeness_of
from reelway.flow.effects import Flow, Observe, Open, Phase, Read, Send
from reelway.flow.fetch import ATTEMPTS, Fetched, fetch
from reelway.flow.stream import REDIRECTS, FetchPlan, ResumePoint, StoreInterrupted
from reelway.model.http import Headers, HttpRequest
from reelway.model.observation import Status, Video
from reelway.model.secret import Secret
from reelway.model.task import Artifact, StoredResult, Task
from reelway.provider.interface import Provider
from reelway.testing.clock import START
from tests.acme import ACME, LINK, refused, said, task
from tests.flow.hand import Hand, Served, broken, raises
from tests.sandbox import caller

BASE = "https://api.acme.example"
OTHER = "https://cdn.example/other.mp4?sig=OTHER"
VIDEO = (
    b"\x00\x00\x00\x20ftypisom".ljust(32, b"\0")
    + b"\x00\x00\x00\x08moov\x00\x00\x08\x08mdat"
    + bytes(range(256)) * 8
)
TAG = '"tag-1"'


class MemoryPart:
    """An unfinished file in memory."""

    path: Path | None = None
    location = "memory:"

    def __init__(self, content: bytes = b"", validator: str | None = None) -> None:
        self.content = content
        self.validator = validator
        self.total: int | None = None
        self.published: bytes | None = None
        self.suspended = True
        self.failing = ""
        self.held: StoredResult | None = None
        self.troubles: list[str] = []

    def kept(self) -> StoredResult | None:
        self._trouble()
        return self.held

    def resume_point(self) -> ResumePoint:
        return ResumePoint(len(self.content), self.validator, self.total) if self.validator else ResumePoint()

    def start(self, resume: ResumePoint) -> None:
        self._fail("start")
        self.content, self.validator, self.suspended = self.content[: resume.size], resume.validator, False
        self.total = resume.total

    def append(self, chunk: bytes) -> None:
        self._fail("append")
        self.content += chunk

    def completeness(self) -> Completeness:
        assert self.suspended
        return completeness_of(BytesIO(self.content))

    def suspend(self) -> None:
        self._fail("suspend")
        self.suspended = True

    def discard(self) -> None:
        self.content, self.validator = b"", None

    def give_up(self) -> None:
        raise AssertionError("nobody was cancelled")

    def close(self) -> None:
        assert self.suspended

    def publish(self) -> str:
        assert self.suspended
        self._fail("publish")
        self._trouble()
        self.published = self.content
        return hashlib.sha256(self.content).hexdigest()

    def _trouble(self) -> None:
        if self.troubles:
            raise StoreInterrupted(self.troubles.pop(0))

    def _fail(self, step: str) -> None:
        if self.failing == step:
            raise OSError(28, "No space left on device", "/home/somebody/video.mp4.part")


def plan(**facts: Any) -> FetchPlan:
    standard: dict[str, Any] = {
        "base_url": BASE,
        "own": lambda url: url.startswith(BASE + "/"),
        "draw": lambda: 0.5,
        "progress": lambda size, total: None,
    }
    return FetchPlan(**(standard | facts))


def fetching(
    part: MemoryPart, *links: str, provider: Provider = ACME, held: Task | None = None, **facts: Any
) -> Flow[Fetched]:
    done = held or task(links=links, status=Status.SUCCEEDED, confirmed=True, artifact=Artifact.AVAILABLE)
    return fetch(provider, done, part, plan(**facts))


def whole(body: bytes = VIDEO, *, tag: str | None = TAG, pieces: int = 4, breaks: int | None = None) -> Served:
    """The file with HTTP 200; ``breaks`` lets so many bytes arrive."""
    headers: Headers = (("Content-Length", str(len(body))),)
    headers += (("ETag", tag),) if tag else ()
    return _served(200, headers, body, pieces, breaks)


def rest(start: int, body: bytes = VIDEO, *, tag: str | None = TAG, breaks: int | None = None) -> Served:
    """The file from ``start`` on with HTTP 206."""
    headers: Headers = (("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}"),)
    headers += (("ETag", tag),) if tag else ()
    return _served(206, headers, body[start:], 3, breaks)


def _served(status: int, headers: Headers, body: bytes, pieces: int, breaks: int | None) -> Served:
    arriving = body if breaks is None else body[:breaks]
    size = max(1, len(arriving) // pieces)
    cut = tuple(arriving[at : at + size] for at in range(0, len(arriving), size))
    return Served(status=status, headers=headers, pieces=cut, breaks=breaks is not None)


def page(status: int, **headers: str) -> Served:
    spelt = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Served(status=status, headers=spelt, pieces=(b"<!doctype html><title>Sorry</title>",))


def moved(to: str, status: int = 302) -> Served:
    return Served(status=status, headers=(("Location", to),))


def asked(hand: Hand) -> list[str]:
    """What was asked for: links by themselves, requests to the API by their path; a star marks the key."""
    return [
        ("*" if effect.keyed else "") + effect.url.reveal() if effect.url else f"*{_path(effect.request)}"
        for effect in hand.of(Open)
    ]


def _path(request: HttpRequest | None) -> str:
    assert request is not None
    return "/" + request.path + ("?" + request.query[0][1] if request.query else "")


# --- the good way ---


def test_a_result_is_fetched_checked_and_published() -> None:
    part, hand = MemoryPart(), Hand(whole())
    fetched = hand.run(fetching(part, LINK))
    assert part.published == VIDEO
    assert (fetched.result.size, fetched.result.sha256) == (len(VIDEO), hashlib.sha256(VIDEO).hexdigest())
    assert fetched.task.artifact is Artifact.STORED
    assert hand.seen == [fetched.task]
    assert asked(hand) == [LINK]
    assert hand.all_closed


def test_the_first_bytes_may_come_one_by_one() -> None:
    part = MemoryPart()
    Hand(whole(pieces=len(VIDEO))).run(fetching(part, LINK))
    assert part.published == VIDEO


def test_a_result_without_a_length_is_taken_to_its_end() -> None:
    part = MemoryPart()
    Hand(Served(pieces=(VIDEO,))).run(fetching(part, LINK))
    assert part.published == VIDEO


def test_a_length_that_is_no_number_counts_as_none() -> None:
    part = MemoryPart()
    Hand(Served(headers=(("Content-Length", "+12"),), pieces=(VIDEO,))).run(fetching(part, LINK))
    assert part.published == VIDEO


def test_progress_tells_the_bytes_and_the_whole() -> None:
    told: list[tuple[int, int | None]] = []
    Hand(whole(pieces=4)).run(fetching(MemoryPart(), LINK, progress=lambda *both: told.append(both)))
    assert told[-1] == (len(VIDEO), len(VIDEO))
    assert [size for size, _ in told] == sorted(size for size, _ in told)


def test_what_progress_raises_ends_the_download_and_keeps_what_came() -> None:
    def stop(size: int, total: int | None) -> None:
        raise InterruptedError("enough")

    part, hand = MemoryPart(), Hand(whole())
    assert isinstance(raises(fetching(part, LINK, progress=stop), hand), InterruptedError)
    assert hand.all_closed
    assert part.suspended
    assert part.content
    assert part.published is None


# --- resuming ---


def test_a_broken_connection_is_resumed_where_it_broke() -> None:
    part, hand = MemoryPart(), Hand(whole(breaks=1000), rest(1000))
    Hand.run(hand, fetching(part, LINK))
    assert part.published == VIDEO
    second = hand.of(Open)[1]
    assert second.headers == (("Range", "bytes=1000-"), ("If-Range", TAG))
    assert hand.slept == [1]


def test_what_an_earlier_download_left_is_continued() -> None:
    part, hand = MemoryPart(VIDEO[:700], TAG), Hand(rest(700))
    hand.run(fetching(part, LINK))
    assert part.published == VIDEO


@pytest.mark.parametrize("tag", [None, 'W/"tag-1"', "tag-1", '"tag', "", '"a"b"', '"a b"'])
def test_without_a_strong_validator_everything_starts_anew(tag: str | None) -> None:
    part, hand = MemoryPart(), Hand(whole(tag=tag, breaks=1000), whole(tag=tag))
    hand.run(fetching(part, LINK))
    assert part.published == VIDEO
    assert hand.of(Open)[1].headers == ()


def test_a_validator_that_somebody_damaged_is_not_sent() -> None:
    part, hand = MemoryPart(VIDEO[:700], '"x"\r\nEvil: 1'), Hand(whole())
    hand.run(fetching(part, LINK))
    assert hand.of(Open)[0].headers == ()
    assert part.published == VIDEO


def test_a_whole_answer_to_a_resumption_starts_from_zero() -> None:
    other = VIDEO[:-1] + b"\xff"
    part, hand = MemoryPart(VIDEO[:700], TAG), Hand(whole(other, tag='"tag-2"'))
    hand.run(fetching(part, LINK))
    assert part.published == other


SAME = ("ETag", TAG)

WRONG_PARTS: list[Headers] = [
    (("Content-Range", f"bytes 0-{len(VIDEO) - 1}/{len(VIDEO)}"), SAME),
    (("Content-Range", f"bytes 701-{len(VIDEO) - 1}/{len(VIDEO)}"), SAME),
    (("Content-Range", f"bytes 700-{len(VIDEO) - 2}/{len(VIDEO)}"), SAME),
    (("Content-Range", "bytes 700-*/*"), SAME),
    (("Content-Range", "bytes 700-800"), SAME),
    (("Content-Range", f"bytes 700-{len(VIDEO) - 1}/*"), SAME),
    (("Content-Range", "seconds 1-2/3"), SAME),
    (SAME,),
    (("Content-Range", f"bytes 700-{len(VIDEO) - 1}/{len(VIDEO)}"), ("ETag", '"tag-2"')),
    (("Content-Range", f"bytes 700-{len(VIDEO) - 1}/{len(VIDEO)}"), ("ETag", "W/" + TAG)),
    # Without a validator it may be a part of any file (RFC 9110, 15.3.7).
    (("Content-Range", f"bytes 700-{len(VIDEO) - 1}/{len(VIDEO)}"),),
]


@pytest.mark.parametrize("headers", WRONG_PARTS, ids=str)
def test_another_part_than_was_asked_for_is_thrown_away_with_what_was_there(headers: Headers) -> None:
    part, hand = MemoryPart(VIDEO[:700], TAG), Hand(Served(status=206, headers=headers, pieces=(b"x",)), whole())
    hand.run(fetching(part, LINK))
    assert part.published == VIDEO
    assert hand.of(Open)[1].headers == ()


def test_a_part_of_a_file_of_another_length_is_thrown_away_with_what_was_there() -> None:
    longer = rest(1000, VIDEO + b"more")
    part, hand = MemoryPart(), Hand(whole(breaks=1000), longer, whole())
    hand.run(fetching(part, LINK))
    assert part.published == VIDEO
    assert hand.of(Open)[2].headers == ()


def test_a_part_that_nobody_asked_for_is_thrown_away() -> None:
    part, hand = MemoryPart(), Hand(rest(0), whole())
    hand.run(fetching(part, LINK))
    assert part.published == VIDEO


def test_a_range_that_cannot_be_met_starts_from_zero() -> None:
    part, hand = MemoryPart(VIDEO[:700], TAG), Hand(page(416), whole())
    hand.run(fetching(part, LINK))
    assert part.published == VIDEO


def test_a_file_that_ends_too_early_is_resumed() -> None:
    short = Served(headers=(("Content-Length", str(len(VIDEO))), ("ETag", TAG)), pieces=(VIDEO[:900],))
    part, hand = MemoryPart(), Hand(short, rest(900))
    hand.run(fetching(part, LINK))
    assert part.published == VIDEO


def test_a_file_that_ends_within_its_first_bytes_is_fetched_again() -> None:
    short = Served(headers=(("Content-Length", str(len(VIDEO))),), pieces=(VIDEO[:3],))
    part, hand = MemoryPart(), Hand(short, whole())
    hand.run(fetching(part, LINK))
    assert part.published == VIDEO


def test_a_file_that_is_longer_than_promised_is_never_published() -> None:
    long = Served(headers=(("Content-Length", "100"), ("ETag", TAG)), pieces=(VIDEO,))
    part, hand = MemoryPart(), Hand(*[long] * ATTEMPTS)
    assert isinstance(raises(fetching(part, LINK), hand), DownloadError)
    assert part.published is None


@given(cuts=st.lists(st.integers(1, len(VIDEO) - 1), max_size=6, unique=True), tag=st.sampled_from([TAG, None]))
def test_however_often_it_breaks_what_is_published_is_the_file(cuts: list[int], tag: str | None) -> None:
    part, held = MemoryPart(), 0
    answers: list[Any] = []
    for cut in sorted(cuts):
        if held >= SNIFF_LENGTH and tag:
            answers.append(rest(held, breaks=cut - held))
            held = cut
        else:
            answers.append(whole(tag=tag, breaks=cut))
            held = cut if cut >= SNIFF_LENGTH and tag else 0
    answers.append(rest(held) if held else whole(tag=tag))
    hand = Hand(*answers)
    hand.run(fetching(part, LINK))
    assert part.published == VIDEO
    assert hand.all_closed


# --- a length that nobody tells ---


WEBM = b"\x1a\x45\xdf\xa3" + bytes(1000)
CHUNKED = (("Transfer-Encoding", "gzip, Chunked"),)


def test_a_video_that_ends_with_its_connection_has_to_be_whole_by_its_own_account() -> None:
    part, hand = MemoryPart(), Hand(Served(pieces=(VIDEO[:900],)), Served(pieces=(VIDEO[:900], VIDEO[900:])))
    hand.run(fetching(part, LINK))
    assert part.published == VIDEO


@pytest.mark.parametrize("headers", [(), (("Content-Length", "900"),), CHUNKED])
def test_a_video_that_ends_within_a_box_is_not_published_however_whole_its_answer_is(headers: Headers) -> None:
    part, hand = MemoryPart(), Hand(*[Served(headers=(SAME, *headers), pieces=(VIDEO[:900],))] * ATTEMPTS)
    error = raises(fetching(part, LINK), hand)
    assert type(error) is DownloadError
    assert "900 bytes arrived, and the file ends in the middle of one of its parts. Download again." in str(error)
    assert (part.published, part.content) == (None, b"")


def test_a_length_that_was_understated_from_the_beginning_is_found_out_after_a_resumption() -> None:
    parts = (("Content-Range", "bytes 700-899/900"), SAME)
    lies = [Served(headers=(("Content-Length", "900"), SAME), pieces=(VIDEO[:700],), breaks=True)]
    lies.append(Served(status=206, headers=parts, pieces=(VIDEO[700:900],)))
    part = MemoryPart()
    Hand(*lies, whole()).run(fetching(part, LINK))
    assert part.published == VIDEO


def test_an_error_page_costs_nothing_of_what_has_arrived() -> None:
    part = MemoryPart(VIDEO[:700], TAG)
    page = Served(headers=(("Content-Length", "13"),), pieces=(b"<html></html>",))
    hand = Hand(page, said("succeeded", video_url=OTHER), rest(700))
    hand.run(fetching(part, LINK))
    assert part.published == VIDEO
    assert dict(hand.of(Open)[-1].headers)["Range"] == "bytes=700-"


def test_a_video_that_never_shows_its_end_is_not_published() -> None:
    part, hand = MemoryPart(), Hand(*[Served(headers=(SAME,), pieces=(VIDEO, b"and more"))] * ATTEMPTS)
    error = raises(fetching(part, LINK), hand)
    assert type(error) is DownloadError
    assert "names no length" in str(error)
    assert (part.published, part.content) == (None, b"")


def test_a_container_that_cannot_show_its_end_needs_a_source_that_tells_the_length() -> None:
    unknown = Served(headers=(SAME,), pieces=(WEBM,))
    part, hand = MemoryPart(), Hand(unknown, said("succeeded", video_url=OTHER), whole(WEBM))
    hand.run(fetching(part, LINK))
    assert part.published == WEBM
    assert hand.of(Open)[1].headers == ()


def test_where_no_source_tells_the_length_the_link_has_not_expired() -> None:
    part, hand = MemoryPart(), refusals(Served(pieces=(WEBM,)))
    error = raises(fetching(part, LINK), hand)
    assert type(error) is DownloadError
    assert "names no length" in str(error)
    assert part.published is None


@pytest.mark.parametrize("body", [WEBM, VIDEO + b"and more"])
def test_the_end_of_a_chunked_answer_is_the_end_of_the_file(body: bytes) -> None:
    part = MemoryPart()
    Hand(Served(headers=CHUNKED, pieces=(body,))).run(fetching(part, LINK))
    assert part.published == body


# --- giving up ---


@pytest.mark.parametrize("status", [206, 304, 408, 416, 429, 451, 500, 502, 503, 504])
def test_passing_trouble_is_tried_again_a_few_times(status: int) -> None:
    part, hand = MemoryPart(), Hand(*[page(status)] * ATTEMPTS)
    error = raises(fetching(part, LINK), hand)
    assert type(error) is DownloadError
    assert f"HTTP {status}" in str(error)
    assert hand.slept == [1, 2, 4, 8, 16]
    assert part.published is None


@pytest.mark.parametrize("phase", Phase)
def test_a_connection_that_never_comes_about_is_given_up(phase: Phase) -> None:
    hand = Hand(*[broken(phase)] * ATTEMPTS)
    error = raises(fetching(MemoryPart(), LINK), hand)
    assert type(error) is DownloadError
    assert (error.retryable, error.billed, error.resubmit_safe) == (True, Billed.YES, False)
    assert hand.all_closed


def test_trouble_that_passes_is_forgotten() -> None:
    part, hand = MemoryPart(), Hand(*[page(503)] * (ATTEMPTS - 1), whole())
    hand.run(fetching(part, LINK))
    assert part.published == VIDEO


def test_a_pause_that_the_server_asks_for_is_made() -> None:
    hand = Hand(page(503, retry_after="40"), page(429, retry_after="Thu, 01 Jan 2026 00:01:40 GMT"), whole())
    hand.run(fetching(MemoryPart(), LINK))
    assert hand.slept == [40, 60]


def test_as_long_as_the_file_grows_it_is_tried_again() -> None:
    steps = range(200, len(VIDEO), 100)
    answers = [whole(breaks=200), *(rest(at, breaks=100) for at in steps[:-1]), rest(steps[-1])]
    part, hand = MemoryPart(), Hand(*answers)
    hand.run(fetching(part, LINK))
    assert len(answers) > 2 * ATTEMPTS
    assert part.published == VIDEO


def test_bytes_that_come_anew_each_time_and_lead_nowhere_are_no_growth() -> None:
    hand = Hand(*[whole(tag=None, breaks=1000)] * 50)
    assert isinstance(raises(fetching(MemoryPart(), LINK), hand), DownloadError)
    assert len(hand.of(Open)) == ATTEMPTS


def test_a_length_that_is_never_reached_is_no_growth() -> None:
    short = Served(headers=(("Content-Length", str(len(VIDEO) + 5)), ("ETag", TAG)), pieces=(VIDEO,))
    hand = Hand(short, *[page(416), short] * 50)
    assert isinstance(raises(fetching(MemoryPart(), LINK), hand), DownloadError)
    assert len(hand.of(Open)) <= 2 * ATTEMPTS


def test_what_has_arrived_stays_for_the_next_time() -> None:
    part, hand = MemoryPart(), Hand(whole(breaks=1000), *[page(503)] * ATTEMPTS)
    assert isinstance(raises(fetching(part, LINK), hand), DownloadError)
    assert (part.content, part.validator) == (VIDEO[:1000], TAG)


# --- what is no video ---


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"error": {"message": "not ready", "type": "invalid_request_error"}}',
        b"<!doctype html><html><body>Sorry, please come back later.</body></html>",
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code></Error>',
        b"The free plan has ended.",
    ],
)
@pytest.mark.parametrize("content_type", ["video/mp4", "application/json"])
def test_an_error_page_is_never_published_whatever_it_is_called(body: bytes, content_type: str) -> None:
    answer = Served(headers=(("Content-Type", content_type), ("Content-Length", str(len(body)))), pieces=(body,))
    part, hand = MemoryPart(), Hand(answer, said("succeeded", video_url=LINK), answer, refused(500), answer, answer)
    error = raises(fetching(part, LINK), hand)
    assert isinstance(error, LinkExpired)
    assert part.published is None
    assert part.content == b""


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "GZIP"])
def test_a_compressed_file_is_refused(encoding: str) -> None:
    answer = Served(headers=(("Content-Encoding", encoding),), pieces=(VIDEO,))
    hand = Hand(answer, refused(500), answer, refused(500), answer, answer)
    assert "compressed" in str(raises(fetching(MemoryPart(), LINK), hand))


@pytest.mark.parametrize("encoding", ["identity", "Identity", ""])
def test_an_encoding_that_is_none_is_fine(encoding: str) -> None:
    part = MemoryPart()
    Hand(Served(headers=(("Content-Encoding", encoding),), pieces=(VIDEO,))).run(fetching(part, LINK))
    assert part.published == VIDEO


# --- bounds ---


def test_a_promised_length_beyond_the_limit_is_refused_before_a_byte_is_taken() -> None:
    part, hand = MemoryPart(), Hand(whole())
    error = raises(fetching(part, LINK, limit=len(VIDEO) - 1), hand)
    assert isinstance(error, DownloadError)
    assert not hand.of(Read)
    assert "limit" in str(error)


def test_more_bytes_than_the_limit_are_refused_as_they_come() -> None:
    part, hand = MemoryPart(), Hand(Served(pieces=(VIDEO,) * 100))
    assert isinstance(raises(fetching(part, LINK, limit=3 * len(VIDEO)), hand), DownloadError)
    assert len(part.content) <= 3 * len(VIDEO)
    assert hand.all_closed


def test_a_file_of_exactly_the_limit_is_fine() -> None:
    part = MemoryPart()
    Hand(whole()).run(fetching(part, LINK, limit=len(VIDEO)))
    assert part.published == VIDEO


def test_a_connection_on_which_nothing_comes_is_given_up_and_resumed() -> None:
    stalled = Served(headers=whole().headers, pieces=(VIDEO[:500], 1e9))
    part, hand = MemoryPart(), Hand(stalled, rest(500))
    hand.run(fetching(part, LINK, inactivity=60))
    assert part.published == VIDEO
    assert hand.clock.monotonic() == 61


def test_dripping_bytes_do_not_outlive_the_deadline() -> None:
    drip = Served(
        headers=whole().headers, pieces=(VIDEO[:20], *[part for _ in range(500) for part in (45.0, b"x")])
    )
    hand = Hand(drip)
    error = raises(fetching(MemoryPart(), LINK, timeout=1000), hand)
    assert isinstance(error, DownloadError)
    assert hand.clock.monotonic() == 1000


def test_no_attempt_is_begun_that_the_deadline_would_cut() -> None:
    hand = Hand(*[page(503, retry_after="100")] * 9)
    assert isinstance(raises(fetching(MemoryPart(), LINK, timeout=150), hand), DownloadError)
    assert hand.slept == [100]


def test_every_step_is_bounded_by_inactivity_and_by_what_is_left() -> None:
    hand = Hand(whole())
    hand.run(fetching(MemoryPart(), LINK, timeout=30, inactivity=60))
    assert {effect.timeout for effect in hand.of(Open)} | {effect.timeout for effect in hand.of(Read)} == {30}


# --- redirects ---


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_hop_by_hop(status: int) -> None:
    part, hand = MemoryPart(), Hand(moved(OTHER, status), whole())
    hand.run(fetching(part, LINK))
    assert asked(hand) == [LINK, OTHER]
    assert part.published == VIDEO


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("/b.mp4?x=%2F", "https://cdn.example/b.mp4?x=%2F"),
        ("b.mp4", "https://cdn.example/b.mp4"),
        ("//other.example/c", "https://other.example/c"),
        ("?again", "https://cdn.example/a%2Fb.mp4?again"),
        ("HTTPS://OTHER.example/%7e?", "HTTPS://OTHER.example/%7e?"),
    ],
)
def test_a_hop_is_relative_to_the_one_before_and_otherwise_untouched(location: str, target: str) -> None:
    hand = Hand(moved(location), whole())
    hand.run(fetching(MemoryPart(), LINK))
    assert asked(hand)[1] == target


def refusals(hand_over: Served) -> Hand:
    """One source after the other says the same; asking for a new link gives the old one."""
    answers: list[Any] = [hand_over, said("succeeded", video_url=LINK)] * 2
    return Hand(*answers, hand_over, page(404))


@pytest.mark.parametrize(
    "location",
    ["", "http://cdn.example/plain.mp4", "ftp://cdn.example/x", "https://[::1", "javascript:1", "https://", "//"],
)
def test_a_redirect_that_must_not_be_followed_is_a_refusal(location: str) -> None:
    hand = refusals(moved(location))
    assert isinstance(raises(fetching(MemoryPart(), LINK), hand), LinkExpired)
    assert set(asked(hand)) == {LINK, "*/v1/videos/task-1/content"}


def test_a_plain_link_may_lead_to_a_plain_one() -> None:
    part = MemoryPart()
    Hand(moved("http://b.example/v"), whole()).run(fetching(part, "http://a.example/v"))
    assert part.published == VIDEO


def test_redirects_are_counted() -> None:
    circle = [moved(f"https://cdn.example/{hop}") for hop in range(REDIRECTS)]
    part = MemoryPart()
    Hand(*circle, whole()).run(fetching(part, LINK))
    assert part.published == VIDEO

    again: list[Any] = [*circle, moved(LINK)]
    hand = Hand(*again, refused(500), *again, refused(500), *again, page(404))
    assert f"more than {REDIRECTS} redirects" in str(raises(fetching(MemoryPart(), LINK), hand))


def test_a_resumption_travels_with_every_hop() -> None:
    hand = Hand(moved(OTHER), rest(700))
    hand.run(fetching(MemoryPart(VIDEO[:700], TAG), LINK))
    assert len({effect.headers for effect in hand.of(Open)}) == 1


def test_the_key_goes_with_the_account_s_own_address_and_to_no_other_hop() -> None:
    own = f"{BASE}/v1/videos/task-1/content"
    hand = Hand(moved(OTHER), whole())
    hand.run(fetching(MemoryPart(), own))
    assert asked(hand) == [f"*{own}", OTHER]


@pytest.mark.parametrize("links", [(LINK,), ()])
def test_a_foreign_host_cannot_lead_back_to_where_the_key_is_sent(links: tuple[str, ...]) -> None:
    own = f"{BASE}/v1/videos/task-2/content"
    before: list[Any] = [] if links else [said("succeeded"), moved(LINK)]
    hand = Hand(*before, moved(own), moved("/v1/again"), whole())
    hand.run(fetching(MemoryPart(), *links))
    assert asked(hand)[-3:] == [LINK, own, f"{BASE}/v1/again"]


def test_unless_told_otherwise_nothing_is_held() -> None:
    assert ResumePoint() == ResumePoint(0, None, None)


# --- renewing, and the content route ---


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410])
def test_a_refused_link_is_renewed_by_asking_again(status: int) -> None:
    part, hand = MemoryPart(), Hand(page(status), said("succeeded", video_url=OTHER), whole())
    fetched = hand.run(fetching(part, LINK))
    assert asked(hand) == [LINK, OTHER]
    assert part.published == VIDEO
    assert fetched.task.videos[0].url.reveal() == OTHER


def test_a_renewal_knows_since_when_the_task_is_known() -> None:
    hand = Hand(page(403), said("succeeded", video_url=OTHER), whole(), seconds_per_exchange=1)
    hand.run(fetching(MemoryPart(), LINK, known_since=hand.clock.monotonic() - 5))
    assert [told.seen and told.seen.age for told in hand.of(Observe)] == [7, None]


def test_whoever_fetched_is_told_where_the_file_is() -> None:
    part = MemoryPart()
    part.path = Path("boat.mp4")
    assert Hand(whole()).run(fetching(part, LINK)).path == part.path


def test_a_result_that_is_there_and_not_on_record_is_told_with_its_place() -> None:
    def full(_: Observe) -> Task:
        raise LedgerError("The disk is full.", hint="Make room.")

    part = MemoryPart()
    error = raises(fetching(part, LINK), Hand(whole(), on_observe=full))
    assert isinstance(error, LedgerError)
    assert error.hint == "The result itself is whole, and stored as memory:. Make room."
    assert part.published == VIDEO


def test_a_link_is_renewed_twice_and_then_the_content_route_serves() -> None:
    renewal = said("succeeded", video_url=LINK)
    part, hand = MemoryPart(), Hand(page(403), renewal, page(403), renewal, page(403), whole(tag=None))
    hand.run(fetching(part, LINK))
    assert asked(hand) == [LINK, LINK, LINK, "*/v1/videos/task-1/content"]
    assert len(hand.of(Send)) == 2
    assert part.published == VIDEO


def test_where_nothing_serves_it_any_more_the_link_has_expired() -> None:
    hand = refusals(page(403))
    error = raises(fetching(MemoryPart(), LINK), hand)
    assert isinstance(error, LinkExpired)
    assert error.task is not None
    assert error.task.ref == task().ref
    assert "HTTP 403; content route: HTTP 404" in str(error)
    assert LINK not in str(error)


def test_a_renewal_that_fails_leaves_the_old_link_to_be_tried() -> None:
    part, hand = MemoryPart(), Hand(page(403), refused(502), page(403), broken(Phase.SENDING), whole())
    hand.run(fetching(part, LINK))
    assert asked(hand) == [LINK, LINK, LINK]
    assert part.published == VIDEO


def test_an_address_that_our_guard_refuses_is_a_refused_link() -> None:
    part = MemoryPart()
    hand = Hand(broken(Phase.CONNECTING, refused=True), said("succeeded", video_url=OTHER), whole())
    hand.run(fetching(part, LINK))
    assert part.published == VIDEO
    assert not hand.slept


def test_without_a_link_the_provider_is_asked_once_more_and_then_the_content_route() -> None:
    part, hand = MemoryPart(), Hand(said("succeeded"), whole(tag=None))
    hand.run(fetching(part))
    assert len(hand.of(Send)) == 1
    assert asked(hand) == ["*/v1/videos/task-1/content"]
    assert part.published == VIDEO


def test_a_link_that_came_late_is_found() -> None:
    part, hand = MemoryPart(), Hand(said("succeeded", video_url=LINK), whole())
    hand.run(fetching(part))
    assert asked(hand) == [LINK]


def test_where_there_never_was_a_link_nor_content_the_output_is_missing() -> None:
    error = raises(fetching(MemoryPart()), Hand(said("succeeded"), page(404)))
    assert type(error) is OutputMissing
    assert error.task is not None


@pytest.mark.parametrize(("status", "names_the_key"), [(401, True), (403, True), (404, False), (410, False)])
def test_a_content_route_that_refuses_the_key_says_so(status: int, names_the_key: bool) -> None:
    error = raises(fetching(MemoryPart()), Hand(said("succeeded"), page(status)))
    assert type(error) is OutputMissing
    assert ("Check the key" in error.hint) is names_the_key
    assert error.hint.endswith(OutputMissing.default_hint)
    assert names_the_key or error.hint == OutputMissing.default_hint


def test_without_link_and_content_route_the_output_is_missing() -> None:
    held = task(status=Status.SUCCEEDED, confirmed=True)
    aside = replace(held, ref=replace(held.ref, route="side"))
    hand = Hand(said("succeeded"))
    assert type(raises(fetching(MemoryPart(), held=aside), hand)) is OutputMissing
    assert not hand.of(Open)


def test_another_rendition_comes_from_the_content_route() -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(100)
    part, hand = MemoryPart(), Hand(whole(picture))
    hand.run(fetching(part, LINK, variant="thumbnail"))
    assert asked(hand) == ["*/v1/videos/task-1/content?thumbnail"]
    assert part.published == picture
    assert not hand.of(Send)


def pictured(url: str = OTHER) -> Task:
    """A task with the link of a video and that of a picture."""
    held = task(links=(LINK,), status=Status.SUCCEEDED, confirmed=True)
    return replace(held, videos=(Video(url=Secret(url), variant="last_frame"), *held.videos))


def test_a_rendition_that_has_a_link_comes_by_it_and_the_video_by_its_own() -> None:
    picture = b"\x89PNG\r\n\x1a\n" + bytes(100)
    part, hand = MemoryPart(), Hand(whole(picture))
    hand.run(fetching(part, held=pictured(), variant="last_frame"))
    assert (asked(hand), part.published) == ([OTHER], picture)
    part, hand = MemoryPart(), Hand(whole())
    hand.run(fetching(part, held=pictured()))
    assert (asked(hand), part.published) == ([LINK], VIDEO)


def test_a_rendition_whose_link_is_refused_is_asked_for_as_a_video_is() -> None:
    hand = Hand(page(403), said("succeeded", video_url=LINK), whole(b"\x89PNG\r\n\x1a\n" + bytes(100)))
    hand.run(fetching(MemoryPart(), held=pictured(), variant="last_frame"))
    assert asked(hand) == [OTHER, "*/v1/videos/task-1/content?last_frame"]


@pytest.mark.parametrize(
    ("location", "target"),
    [
        (OTHER, OTHER),
        ("/files/x.mp4", f"*{BASE}/files/x.mp4"),
        ("content/x", f"*{BASE}/v1/videos/task-1/content/x"),
    ],
)
def test_a_content_route_may_redirect(location: str, target: str) -> None:
    hand = Hand(said("succeeded"), moved(location), whole())
    hand.run(fetching(MemoryPart()))
    assert asked(hand)[1] == target


def test_a_content_route_does_not_redirect_to_plain_http() -> None:
    hand = Hand(said("succeeded"), moved("http://cdn.example/v.mp4"), whole())
    assert "https to http" in str(raises(fetching(MemoryPart()), hand))
    assert len(hand.of(Open)) == 1


def test_no_renewal_is_begun_without_time_for_it() -> None:
    def late(effect: Any) -> Served:
        hand.clock.advance(100)
        return page(403)

    hand = Hand(late)
    error = raises(fetching(MemoryPart(), LINK, timeout=50), hand)
    assert isinstance(error, DownloadError)
    assert not hand.of(Send)


def test_asking_again_is_bounded_by_what_is_left() -> None:
    hand = Hand(page(403), said("succeeded", video_url=LINK), whole())
    hand.run(fetching(MemoryPart(), LINK, timeout=12))
    assert hand.of(Send)[0].timeout == 12


def test_a_failed_download_never_creates() -> None:
    hand = refusals(page(410))
    raises(fetching(MemoryPart(), LINK), hand)
    assert {effect.request.method for effect in hand.of(Send)} == {"GET"}


# --- the disk ---


@pytest.mark.parametrize("step", ["start", "append", "suspend", "publish"])
def test_a_disk_that_refuses_is_told_with_the_task(step: str) -> None:
    part, hand = MemoryPart(), Hand(whole())
    part.failing = step
    error = raises(fetching(part, LINK), hand)
    assert type(error) is DownloadError
    assert error.task is not None
    assert "No space left on device" in str(error)
    assert error.fault is Fault.CALLER
    assert hand.all_closed


def test_what_the_file_itself_refuses_is_told_with_the_task() -> None:
    class Busy(MemoryPart):
        def resume_point(self) -> ResumePoint:
            raise DownloadError("busy")

    error = raises(fetching(Busy(), LINK), Hand())
    assert isinstance(error, DownloadError)
    assert error.task is not None


@pytest.mark.parametrize(
    "answers",
    [
        lambda: [whole()],
        lambda: [page(403), said("succeeded", video_url=OTHER), whole()],
        lambda: [moved(OTHER), whole(breaks=500), moved(OTHER), rest(500)],
    ],
)
def test_no_effect_shows_a_signed_link(answers: Callable[[], list[Any]]) -> None:
    hand = Hand(*answers())
    hand.run(fetching(MemoryPart(), LINK))
    shown = repr(hand.effects)
    assert "SIGNATURE" not in shown
    assert "OTHER" not in shown


def test_a_provider_without_a_content_route_leaves_a_dead_link_expired() -> None:
    class Bare(caller.Acme):
        def encode_content(self, task_id: str, route: str, variant: str = "video") -> HttpRequest:
            raise self._not_supported("content route")

    dead: list[Any] = [page(403), refused(502)] * 2
    error = raises(fetching(MemoryPart(), LINK, provider=Bare()), Hand(*dead, page(403)))
    assert type(error) is LinkExpired
    assert "HTTP 403" in str(error)


# --- where the result ends up ---


def test_what_is_there_already_is_not_fetched_again_and_is_told_of() -> None:
    part, hand = MemoryPart(), Hand()
    part.held = StoredResult(location="memory:", size=3, sha256="abc", stored_at=START)
    fetched = hand.run(fetching(part, LINK))
    assert fetched.result is part.held
    assert [(one.task.artifact, one.result) for one in hand.of(Observe)] == [(Artifact.STORED, part.held)]
    assert hand.of(Open) == []


def test_what_was_stored_is_told_together_with_the_task() -> None:
    part, hand = MemoryPart(), Hand(whole())
    fetched = hand.run(fetching(part, LINK))
    digest = hashlib.sha256(VIDEO).hexdigest()
    assert (fetched.result.variant, fetched.result.location) == ("video", "memory:")
    assert (fetched.result.size, fetched.result.sha256) == (len(VIDEO), digest)
    assert fetched.result.stored_at == hand.clock.now()
    assert [one.result for one in hand.of(Observe)] == [fetched.result]


def test_trouble_with_the_place_is_waited_out_and_nothing_is_fetched_for_it() -> None:
    part, hand = MemoryPart(), Hand(whole())
    part.troubles = ["HTTP 503", "HTTP 503"]
    hand.run(fetching(part, LINK))
    assert part.published == VIDEO
    assert hand.slept == [1, 2]
    assert len(hand.of(Open)) == 1


@pytest.mark.parametrize(("facts", "tries"), [({}, 4), ({"timeout": 2.5}, 2)])
def test_trouble_with_the_place_that_stays_ends_the_download_in_its_time(facts: dict[str, Any], tries: int) -> None:
    part, hand = MemoryPart(), Hand(whole())
    part.troubles = ["HTTP 503"] * 100
    error = raises(fetching(part, LINK, **facts), hand)
    assert isinstance(error, DownloadError)
    assert "could not be brought to memory:: HTTP 503" in str(error)
    assert (error.task is not None, error.retryable, error.resubmit_safe) == (True, True, False)
    assert 100 - len(part.troubles) == tries
    assert not hand.of(Observe)
    assert not hand.of(Open)
