"""What a download that failed says, what it leaves behind, and the edges of its bounds."""

from __future__ import annotations

from typing import Any

import pytest

from reelway.errors import DownloadError, LinkExpired
from reelway.flow.effects import Close, Open, Phase, Read, Send
from reelway.flow.fetch import ATTEMPTS
from reelway.model.http import HttpRequest
from tests.acme import LINK, refused, said, task
from tests.flow.hand import Hand, Served, broken, raises
from tests.flow.test_fetch import (
    OTHER,
    TAG,
    VIDEO,
    WEBM,
    MemoryPart,
    fetching,
    moved,
    page,
    refusals,
    rest,
    whole,
)
from tests.sandbox import caller

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(400)


def length(body: bytes) -> tuple[str, str]:
    return "Content-Length", str(len(body))


def failed(answer: Any, part: MemoryPart | None = None, *links: str, **facts: Any) -> DownloadError:
    """How a download ends that has no time for a second attempt."""
    error = raises(fetching(part or MemoryPart(), *(links or (LINK,)), **({"timeout": 1} | facts)), Hand(answer))
    assert isinstance(error, DownloadError)
    assert error.task is not None
    assert error.task.ref == task().ref
    return error


class Bare(caller.Acme):
    """Has no content route."""

    def encode_content(self, task_id: str, route: str, variant: str = "video") -> HttpRequest:
        raise self._not_supported("content route")


# --- what it says ---

PART = (("Content-Range", f"bytes 0-{len(VIDEO) - 1}/{len(VIDEO)}"), ("ETag", TAG))
LONGER = (("Content-Range", f"bytes 700-{len(VIDEO)}/{len(VIDEO) + 1}"), ("ETag", '"tag-2"'))


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (broken(Phase.RECEIVING), "it broke"),
        (whole(breaks=900), "it broke"),
        (page(503), "HTTP 503"),
        (Served(headers=(length(VIDEO),), pieces=(VIDEO[:900],)), f"900 of {len(VIDEO)} bytes arrived"),
        (Served(headers=(length(VIDEO),), pieces=(VIDEO[:3],)), f"3 of {len(VIDEO)} bytes arrived"),
        (Served(status=206, headers=PART), "a partial answer with another part than was asked for"),
        (Served(status=206), "a partial answer with another part than was asked for"),
        (Served(status=206, headers=LONGER), "a partial answer of another file than was begun"),
        (
            Served(pieces=(VIDEO[:900],)),
            "900 bytes arrived, and the file ends in the middle of one of its parts",
        ),
        (
            Served(pieces=(VIDEO, b"and more")),
            f"{len(VIDEO) + 8} bytes arrived, the answer names no length, and the file does not show where it ends",
        ),
        (Served(headers=whole().headers, pieces=(VIDEO[:900], 9.0, b"x")), "it broke"),
    ],
    ids=str,
)
def test_a_result_that_did_not_arrive_whole_is_told_with_the_last_trouble(answer: Any, told: str) -> None:
    error = failed(answer, MemoryPart(VIDEO[:700], TAG))
    assert f"The result of {task().ref} did not arrive whole: {told}." in str(error)


def test_time_that_is_up_is_told_with_its_seconds() -> None:
    late = Hand(whole(), seconds_per_exchange=7)
    error = raises(fetching(MemoryPart(), LINK, timeout=7), late)
    assert "did not arrive whole: the time of 7 seconds is up." in str(error)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (broken(Phase.CONNECTING, refused=True), "it broke"),
        (moved(""), "a redirect that leads nowhere"),
        (moved("http://cdn.example/plain.mp4"), "a redirect from https to http"),
        (
            Served(headers=(("Content-Encoding", "gzip"),)),
            "the file comes compressed, although it was asked for as it is",
        ),
        (
            Served(pieces=(b"<html>Sorry, come back",)),
            "what it serves is no video; it starts with b'<html>Sorry, com'",
        ),
    ],
    ids=str,
)
def test_a_source_that_does_not_serve_is_told_with_its_reason(answer: Any, told: str) -> None:
    error = raises(fetching(MemoryPart(), LINK), refusals(answer))
    assert isinstance(error, LinkExpired)
    assert f"is not served: {told}; content route: HTTP 404." in str(error)


def test_where_there_was_neither_link_nor_content_route_that_is_said() -> None:
    error = raises(fetching(MemoryPart(), provider=Bare()), Hand(refused(502)))
    assert f"There is nothing to fetch for {task().ref}: no link was given." in str(error)


def test_a_result_beyond_the_limit_says_how_much_is_allowed_and_what_to_do() -> None:
    error = failed(whole(), limit=len(VIDEO) - 1)
    assert f"The result of {task().ref} is larger than the limit of {len(VIDEO) - 1} bytes." in str(error)
    assert error.hint == "Raise the limit if you expect files of this size."


def test_a_disk_that_refuses_says_what_to_do() -> None:
    part = MemoryPart()
    part.failing = "start"
    error = failed(whole(), part)
    assert error.hint == "Make room or choose another place, then download again; nothing is paid twice."


def test_a_disk_that_refuses_without_a_word_is_told_by_the_kind_of_its_error() -> None:
    class Wordless(MemoryPart):
        def publish(self) -> str:
            raise BlockingIOError

    assert "cannot be stored: BlockingIOError." in str(failed(whole(), Wordless()))


@pytest.mark.parametrize("answer", [page(416), Served(pieces=(WEBM,))])
def test_remains_that_cannot_be_thrown_away_are_told_with_the_task(answer: Any) -> None:
    class Stuck(MemoryPart):
        def discard(self) -> None:
            raise OSError(5, "Input/output error")

    assert "cannot be stored: Input/output error." in str(failed(answer, Stuck(VIDEO[:700], TAG)))


# --- which error it is ---


def test_a_link_that_never_tells_its_length_has_not_expired() -> None:
    unknown: list[Any] = [Served(pieces=(WEBM,)), refused(502)]
    error = raises(fetching(MemoryPart(), LINK, provider=Bare()), Hand(*unknown * 2, *unknown[:1]))
    assert type(error) is DownloadError
    assert error.task is not None
    assert "names no length" in str(error)


def test_a_content_route_that_never_tells_its_length_still_serves_something() -> None:
    dead: list[Any] = [page(403), refused(502)]
    error = raises(fetching(MemoryPart(), LINK), Hand(*dead * 2, page(403), Served(pieces=(WEBM,))))
    assert type(error) is DownloadError
    assert "names no length" in str(error)


@pytest.mark.parametrize("body", [PICTURE, b"\x00\x00\x00\x20ftypM4A ".ljust(400, b"\0")], ids=["png", "m4a"])
def test_neither_a_picture_nor_a_sound_is_published_as_a_video(body: bytes) -> None:
    part = MemoryPart()
    error = raises(fetching(part, LINK), refusals(whole(body)))
    assert "what it serves is no video" in str(error)
    assert part.published is None


# --- what it leaves behind, and asks for next ---


def test_a_range_that_cannot_be_met_is_not_asked_for_again() -> None:
    hand = Hand(page(416), whole())
    hand.run(fetching(MemoryPart(VIDEO[:700], TAG), LINK))
    assert [effect.headers != () for effect in hand.of(Open)] == [True, False]


def test_a_part_that_nobody_asked_for_takes_with_it_what_was_there() -> None:
    part = MemoryPart(VIDEO[:700], "W/" + TAG)
    failed(rest(700), part)
    assert (part.content, part.validator) == (b"", None)


@pytest.mark.parametrize("tag", ["W/" + TAG, "tag-1", '"a" "b"'])
def test_what_was_served_under_no_strong_validator_is_noted_without_one(tag: str) -> None:
    part = MemoryPart()
    failed(whole(tag=tag, breaks=900), part)
    assert (len(part.content), part.validator) == (900, None)


def test_the_whole_length_and_the_validator_are_noted_for_the_next_time() -> None:
    part = MemoryPart()
    failed(whole(breaks=900), part)
    assert (part.validator, part.total) == (TAG, len(VIDEO))


@pytest.mark.parametrize("breaks", [True, False])
def test_a_file_that_grows_with_each_attempt_is_tried_on(breaks: bool) -> None:
    def from_byte(start: int) -> Served:
        answer = rest(start) if start else whole()
        end = start + 200
        return Served(status=answer.status, headers=answer.headers, pieces=(VIDEO[start:end],), breaks=breaks)

    starts = range(0, len(VIDEO) - 200, 200)
    part, hand = MemoryPart(), Hand(*map(from_byte, starts), rest(starts[-1] + 200))
    hand.run(fetching(part, LINK))
    assert len(starts) > ATTEMPTS
    assert part.published == VIDEO


def test_a_resumption_goes_to_the_content_route_as_well() -> None:
    hand = Hand(said("succeeded"), rest(700))
    hand.run(fetching(MemoryPart(VIDEO[:700], TAG), timeout=30))
    [opened] = hand.of(Open)
    assert opened.headers == (("Range", "bytes=700-"), ("If-Range", TAG))
    assert opened.timeout == 30


def test_every_hop_is_closed_before_the_next_one_is_opened() -> None:
    hand = Hand(moved(OTHER), moved("/again"), whole())
    hand.run(fetching(MemoryPart(), LINK))
    steps = [type(effect) for effect in hand.effects if isinstance(effect, Open | Close)]
    assert steps == [Open, Close] * 3


# --- the edges of its bounds ---


def test_nothing_is_read_when_the_time_is_just_up() -> None:
    hand = Hand(whole(), seconds_per_exchange=7)
    raises(fetching(MemoryPart(), LINK, timeout=7), hand)
    assert not hand.of(Read)


def test_as_long_as_any_time_is_left_there_is_reading() -> None:
    part, hand = MemoryPart(), Hand(whole(), seconds_per_exchange=6.5)
    hand.run(fetching(part, LINK, timeout=7))
    assert {effect.timeout for effect in hand.of(Read)} == {0.5}
    assert part.published == VIDEO


@pytest.mark.parametrize(("left", "asked"), [(1, 1), (0, 0)])
def test_asking_again_is_begun_as_long_as_any_time_is_left(left: float, asked: int) -> None:
    hand = Hand(page(403), said("succeeded", video_url=OTHER), seconds_per_exchange=6)
    raises(fetching(MemoryPart(), LINK, timeout=6 + left), hand)
    assert len(hand.of(Send)) == asked


def test_a_pause_that_ends_with_the_time_is_not_begun() -> None:
    hand = Hand(page(503), whole())
    raises(fetching(MemoryPart(), LINK, timeout=1), hand)
    assert not hand.slept


def test_unless_told_otherwise_a_download_has_half_an_hour_and_a_silence_a_minute() -> None:
    hand = Hand(whole())
    hand.run(fetching(MemoryPart(), LINK))
    assert hand.of(Open)[0].timeout == 60
    patient = Hand(whole())
    patient.run(fetching(MemoryPart(), LINK, inactivity=1e9))
    assert patient.of(Open)[0].timeout == 1800


@pytest.mark.parametrize(
    ("size", "told"), [(2**31, f"of {2**31} bytes arrived"), (2**31 + 1, "larger than the limit")]
)
def test_unless_told_otherwise_a_result_may_have_two_gibibytes(size: int, told: str) -> None:
    assert told in str(failed(Served(headers=(("Content-Length", str(size)),), pieces=(VIDEO,))))


def test_unless_told_otherwise_a_renewal_has_half_a_minute() -> None:
    hand = Hand(page(403), said("succeeded", video_url=OTHER), whole())
    hand.run(fetching(MemoryPart(), LINK))
    assert hand.of(Send)[0].timeout == 30


@pytest.mark.parametrize(("redirects", "fits"), [(5, True), (6, False)])
def test_five_redirects_are_followed_and_no_more(redirects: int, fits: bool) -> None:
    part = MemoryPart()
    hops = [moved(f"https://cdn.example/{hop}") for hop in range(redirects)]
    hand = Hand(*hops, *([whole()] if fits else [said("succeeded", video_url=OTHER), whole()]))
    hand.run(fetching(part, LINK))
    assert part.published == VIDEO
    assert len(hand.of(Send)) == (not fits)


def test_the_verdict_waits_for_no_more_bytes_than_it_needs() -> None:
    times: list[float] = []

    def progress(size: int, total: int | None) -> None:
        times.append(hand.clock.monotonic())

    pieces = (VIDEO[:189], 5.0, VIDEO[189:])
    hand = Hand(Served(headers=(length(VIDEO),), pieces=pieces))
    hand.run(fetching(MemoryPart(), LINK, progress=progress))
    assert times == [0, 5]
