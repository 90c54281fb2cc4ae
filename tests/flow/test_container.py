"""A video is told from an error page by its first bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.flow.container import PICTURE_MAGIC, SNIFF_LENGTH, VIDEO_MAGIC, container_of
from reelway.sandbox.video import reel

PICTURES = [
    (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "png"),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00H", "jpeg"),
    (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "webp"),
]

VIDEOS = [
    (b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00", "mp4"),
    (b"\x00\x00\x00\x08wide\x00\x00\x00\x00mdat", "mp4"),
    (b"\x00\x00\x00\x18styp\x00\x00\x00\x00\x00\x00\x00\x00", "mp4"),
    (b"\x1a\x45\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1fB\x86\x81\x01", "webm"),
    (b"RIFF\x24\x00\x00\x00AVI LIST", "avi"),
    (b"FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00\x12\x00\x00", "flv"),
    (b"OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "ogg"),
    (b"\x00\x00\x01\xba\x44\x00\x04\x00\x04\x01\x01\x89\xc3\xf8\x00\x00", "mpeg"),
    (b"\x47\x40\x11\x10\x00\x42\xf0\x25\x00\x01\xc1\x00\x00\xff\x01\xff", "mpegts"),
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
    b"The free plan has ended.",
    b"\n\n\n\nmoov",
]


@pytest.mark.parametrize(("start", "container"), VIDEOS)
def test_a_video_is_known_by_its_first_bytes(start: bytes, container: str) -> None:
    assert container_of(start) == container


@pytest.mark.parametrize("start", NO_VIDEO)
def test_nothing_else_is_taken_for_a_video(start: bytes) -> None:
    assert container_of(start) is None


@pytest.mark.parametrize(("start", "container"), PICTURES)
def test_a_picture_is_no_video_but_may_be_a_variant(start: bytes, container: str) -> None:
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
    boxes = {mark.decode("latin-1") for _, mark, _ in VIDEO_MAGIC + PICTURE_MAGIC}
    if not any(box in text for box in boxes):
        assert container_of(text.encode()) is None


def test_every_mark_lies_within_the_bytes_that_are_looked_at() -> None:
    assert all(at + len(mark) <= SNIFF_LENGTH for at, mark, _ in VIDEO_MAGIC + PICTURE_MAGIC)
