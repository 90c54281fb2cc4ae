"""A video is told from an error page by its first bytes."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.flow.container import (
    MOST_BOXES,
    PICTURE_MAGIC,
    SECOND_MARK,
    SNIFF_LENGTH,
    SOUND_MAGIC,
    VIDEO_MAGIC,
    Completeness,
    completeness_of,
    container_of,
    content_type_of,
)
from reelway.sandbox.video import reel

PICTURES = [
    (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "png"),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00H", "jpeg"),
    (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "webp"),
    (b"\x00\x00\x00\x20ftypavif\x00\x00\x00\x00", "avif"),
    (b"\x00\x00\x00\x20ftypavis\x00\x00\x00\x00", "avif"),
    (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "heif"),
    (b"\x00\x00\x00\x18ftypheix\x00\x00\x00\x00", "heif"),
    (b"\x00\x00\x00\x18ftyphevc\x00\x00\x00\x00", "heif"),
    (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00", "heif"),
    (b"\x00\x00\x00\x18ftypmsf1\x00\x00\x00\x00", "heif"),
    (b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01", "cr3"),
    (b"\x00\x00\x00\x20ftypM4A \x00\x00\x00\x00", "m4a"),
    (b"\x00\x00\x00\x20ftypM4B \x00\x00\x00\x00", "m4a"),
    (b"\x00\x00\x00\x20ftypM4P \x00\x00\x00\x00", "m4a"),
    (b"\x00\x00\x00\x20ftypF4A \x00\x00\x00\x00", "m4a"),
    (b"\x00\x00\x00\x20ftypF4B \x00\x00\x00\x00", "m4a"),
]

VIDEOS = [
    (b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00", "mp4"),
    (b"\x08\xff\xff\xffftypisom\x00\x00\x02\x00", "mp4"),
    (b"\x00\x00\x00\x08wide\x00\x00\x00\x00mdat", "mp4"),
    (b"\x00\x00\x00\x08free\x00\x00\x00\x20ftyp", "mp4"),
    (b"\x00\x00\x00\x08skip\x00\x00\x00\x20ftyp", "mp4"),
    (b"\x00\x00\x02\x00moov\x00\x00\x00\x6cmvhd", "mp4"),
    (b"\x00\x00\x02\x00moof\x00\x00\x00\x10mfhd", "mp4"),
    (b"\x00\x01\x00\x00mdat\x00\x00\x02\x65\x88\x84", "mp4"),
    (b"\x20\x00\x00\x00mdat\x00\x00\x02\x65\x88\x84", "mp4"),
    (b"\x7f\xff\xff\xffmdat\x00\x00\x02\x65\x88\x84", "mp4"),
    (b"\x00\x00\x00\x18styp\x00\x00\x00\x00\x00\x00\x00\x00", "mp4"),
    (b"\x1a\x45\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1fB\x86\x81\x01", "webm"),
    (b"RIFF\x24\x00\x00\x00AVI LIST", "avi"),
    (b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00\x12\x00\x00", "flv"),
    (b"OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "ogg"),
    (b"\x00\x00\x01\xba\x44\x00\x04\x00\x04\x01\x01\x89\xc3\xf8\x00\x00", "mpeg"),
    (b"\x00\x00\x01\xb3\x14\x00\xf0\x15\xff\xff\xe0\x80", "mpeg"),
    (b"\x47\x40\x11\x10\x00\x42\xf0\x25\x00\x01\xc1\x00\x00\xff\x01\xff".ljust(188, b"\xff") + b"\x47", "mpegts"),
]

NO_VIDEO = [
    b"",
    b"\x00",
    b'{"error":{"message":"no"}}',
    b'  {"code":"success"}',
    b"[]",
    b"<!doctype html><html>",
    b"<html><head><title>502",
    b'<?xml version="1.0"?><Error>',
    b"\xef\xbb\xbf<?xml version",
    b"Not Found\n",
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00",
    b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    b"RIFF\x24\x00\x00\x00WAVEfmt ",
    b"ftypisom and some text",
    b"\tis ftypisom",
    b"The free plan has ended.",
    b"\n\n\n\nmoov",
    b"The ftypavif of the image is missing.",
    b"The ftypheic of the image is missing.",
    b"The ftypcrx of the image is missing.",
    b"The ftypM4A of the sound is missing.",
    b"G@teway Timeout",
    b"G@teway Timeout".ljust(400),
    b"\x47\x40\x11\x10" + bytes(100),
]


@pytest.mark.parametrize(("start", "container"), VIDEOS)
def test_a_video_is_known_by_its_first_bytes(start: bytes, container: str) -> None:
    assert container_of(start) == container


@pytest.mark.parametrize("start", NO_VIDEO)
def test_nothing_else_is_taken_for_a_video(start: bytes) -> None:
    assert container_of(start) is None


@pytest.mark.parametrize(("start", "container"), PICTURES)
def test_a_picture_or_a_sound_is_no_video_but_may_be_a_variant(start: bytes, container: str) -> None:
    assert container_of(start) is None
    assert container_of(start, "thumbnail") == container


@pytest.mark.parametrize("start", NO_VIDEO)
def test_an_error_page_is_no_variant_either(start: bytes) -> None:
    assert container_of(start, "thumbnail") is None


def test_a_variant_may_be_a_video() -> None:
    assert container_of(reel(), "preview") == "mp4"


@given(start=st.binary(max_size=SNIFF_LENGTH), rest=st.binary(max_size=40))
def test_the_verdict_needs_no_more_than_the_first_bytes(start: bytes, rest: bytes) -> None:
    whole = start.ljust(SNIFF_LENGTH, b"\0")
    assert container_of(whole) == container_of(whole + rest)


@given(text=st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=SNIFF_LENGTH))
def test_no_text_without_a_box_name_is_a_video(text: str) -> None:
    boxes = {mark.decode("latin-1") for _, mark, _ in VIDEO_MAGIC + PICTURE_MAGIC + SOUND_MAGIC}
    if not any(box in text for box in boxes):
        assert container_of(text.encode()) is None


def test_as_many_bytes_are_looked_at_as_the_furthest_mark_needs() -> None:
    marks = [row[:2] for row in VIDEO_MAGIC + PICTURE_MAGIC + SOUND_MAGIC]
    assert max(at + len(mark) for at, mark in (*marks, *SECOND_MARK.values())) == SNIFF_LENGTH


# --- whether a file of boxes is whole ---


def box(kind: bytes, body: bytes = b"", *, long: bool = False) -> bytes:
    if long:
        return b"\x00\x00\x00\x01" + kind + (len(body) + 16).to_bytes(8) + body
    return (len(body) + 8).to_bytes(4) + kind + body


ROW = (box(b"ftyp", b"isom"), box(b"moov", b"m" * 30), box(b"mdat", b"d" * 50, long=True), box(b"free", b"0"))
FILM = b"".join(ROW)


def told(film: bytes) -> Completeness:
    return completeness_of(BytesIO(film))


@pytest.mark.parametrize(
    "film",
    [
        FILM,
        box(b"moov") + box(b"mdat"),
        FILM + box(b"made", b"by somebody"),
        box(b"made", b"by somebody") + FILM,
        box(b"styp") + box(b"moof") + box(b"mdat", b"d") + box(b"mfra", b"m"),
        b"".join([box(b"moof"), box(b"mdat", b"d")] * 20_000) + box(b"mfra"),
        reel(),
    ],
)
def test_a_whole_film_is_known(film: bytes) -> None:
    assert told(film) is Completeness.WHOLE


@pytest.mark.parametrize("length", range(len(FILM)))
def test_a_film_of_which_something_is_missing_is_not_whole_unless_it_is_padding(length: int) -> None:
    assert (told(FILM[:length]) is Completeness.WHOLE) is (length == len(FILM) - len(ROW[-1]))


@pytest.mark.parametrize("number", range(len(ROW)))
def test_a_film_that_ends_within_a_box_is_cut(number: int) -> None:
    before, last = b"".join(ROW[:number]), ROW[number]
    header = 16 if last.startswith(bytes([0, 0, 0, 1])) else 8
    ends = {told(before + last[:length]) for length in range(header, len(last))}
    assert ends == {Completeness.CUT}


KINDS = ("ftyp", "styp", "moov", "moof", "mdat", "mfra", "free", "skip", "wide", "meta", "sidx", "uuid")


@pytest.mark.parametrize("kind", KINDS)
def test_a_film_that_ends_within_a_box_of_any_known_kind_is_cut(kind: str) -> None:
    assert told(FILM + (100).to_bytes(4) + kind.encode() + bytes(20)) is Completeness.CUT


def test_so_many_boxes_are_looked_at_and_no_more() -> None:
    film = box(b"moov") + box(b"mdat")
    assert told(film + box(b"free") * 99_997) is Completeness.WHOLE
    assert told(film + box(b"free") * 99_998) is Completeness.UNKNOWN


UNTOLD = {
    "no bytes": b"",
    "no boxes": b"\x1a\x45\xdf\xa3" + bytes(range(100)),
    "a text": b"A text that has no boxes.",
    "a box to the end of the file": box(b"moov") + b"\x00\x00\x00\x00mdat" + bytes(40),
    "a box shorter than its header": box(b"moov") + box(b"mdat") + b"\x00\x00\x00\x07free",
    "a box as short as its length": FILM + (4).to_bytes(4) + box(b"free"),
    "a long box shorter than its header": box(b"moov") + b"\x00\x00\x00\x01mdat" + (15).to_bytes(8),
    "a long box without its length": box(b"moov") + b"\x00\x00\x00\x01mdat",
    "the beginning of a header": FILM + b"\x00\x00\x00\x20fre",
    "something else behind it": FILM + b"\x7fTAGsome title",
    "a line feed behind it": FILM + b"\n",
    "fragments without an end": FILM + box(b"moof") + box(b"mdat", b"d"),
    "no description": box(b"ftyp") + box(b"mdat"),
    "no pictures": box(b"ftyp") + box(b"moov"),
    "nothing but headers": box(b"moov") + box(b"mdat") + box(b"free") * MOST_BOXES,
}


@pytest.mark.parametrize("film", UNTOLD.values(), ids=UNTOLD)
def test_boxes_that_prove_nothing_are_no_proof(film: bytes) -> None:
    assert told(film) is Completeness.UNKNOWN


def test_a_length_beyond_what_any_file_has_is_a_cut() -> None:
    assert told(box(b"moov") + b"\x00\x00\x00\x01mdat" + (2**64 - 1).to_bytes(8) + bytes(4)) is Completeness.CUT


@given(film=st.binary(max_size=60) | st.lists(st.sampled_from([*ROW, b"\0", b"mdat"]), max_size=6).map(b"".join))
def test_every_file_is_judged_in_the_end(film: bytes) -> None:
    assert told(film) in Completeness


TYPES = """
mp4 video/mp4, webm video/webm, avi video/x-msvideo, flv video/x-flv, ogg video/ogg, mpeg video/mpeg,
mpegts video/mp2t, png image/png, jpeg image/jpeg, webp image/webp,
avif image/avif, heif image/heif, cr3 image/x-canon-cr3, m4a audio/mp4
"""
"""Written out once more (https://www.iana.org/assignments/media-types, and common usage beside it)."""


def test_every_container_has_a_name_on_the_web() -> None:
    expected = dict(row.split() for row in TYPES.split(","))
    assert {name for *_, name in VIDEO_MAGIC + PICTURE_MAGIC + SOUND_MAGIC} == expected.keys()
    assert {name: content_type_of(name) for name in expected} == expected
    assert content_type_of(None) == "application/octet-stream"
