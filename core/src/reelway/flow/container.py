"""What kind of file a body is, told from its first bytes: a video is saved, an error page never."""

from __future__ import annotations

from typing import Final

SNIFF_LENGTH: Final = 16
"""Bytes needed for a verdict."""

LARGEST_BOX: Final = b"\x09"
"""A box begins with its size; from here on the first byte could be a letter, and "The free plan" is no video."""

VIDEO_MAGIC: Final[tuple[tuple[int, bytes, str], ...]] = (
    # Offset, bytes, container. ISO base media (ISO/IEC 14496-12) begins with a box whose type stands at 4.
    (4, b"ftyp", "mp4"),
    (4, b"styp", "mp4"),
    (4, b"moov", "mp4"),
    (4, b"moof", "mp4"),
    (4, b"mdat", "mp4"),
    (4, b"wide", "mp4"),
    (4, b"free", "mp4"),
    (4, b"skip", "mp4"),
    (0, b"\x1a\x45\xdf\xa3", "webm"),
    (8, b"AVI ", "avi"),
    (0, b"FLV\x01", "flv"),
    (0, b"OggS", "ogg"),
    (0, b"\x00\x00\x01\xba", "mpeg"),
    (0, b"\x00\x00\x01\xb3", "mpeg"),
    (0, b"\x47\x40", "mpegts"),
)

PICTURE_MAGIC: Final[tuple[tuple[int, bytes, str], ...]] = (
    # What the variants "thumbnail" and "spritesheet" are.
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"\xff\xd8\xff", "jpeg"),
    (8, b"WEBP", "webp"),
)


def container_of(start: bytes, variant: str = "video") -> str | None:
    """The container that a file with these first bytes is; None where it is none that we know."""
    table = VIDEO_MAGIC if variant == "video" else PICTURE_MAGIC + VIDEO_MAGIC
    found = next((name for at, mark, name in table if start[at : at + len(mark)] == mark), None)
    return None if found == "mp4" and start[:1] >= LARGEST_BOX else found
