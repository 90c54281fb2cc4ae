"""What kind of file a body is, told from its first bytes, and whether it is whole, told from its structure.

A video is saved, an error page never, and neither is half a video.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from enum import StrEnum
from io import SEEK_END
from typing import BinaryIO, Final

SNIFF_LENGTH: Final = 189
"""Bytes needed for a verdict: one packet of a transport stream, and the byte that begins the next."""

SHORT_HEADER: Final = 8
LONG_HEADER: Final = 16
LONG_SIZE: Final = 1
"""A box begins with its size and kind; this size says that the true one follows, in eight bytes."""

BOX_KINDS: Final = frozenset(
    {b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"free", b"skip", b"wide", b"meta", b"sidx", b"uuid"}
)
"""The boxes that a file is a row of. What stands behind them under another name may not be a box at all."""

MOST_BOXES: Final = 100_000
"""A film of fragments has some ten thousand an hour; a file of nothing but headers must not keep us busy."""

TEXT: Final = frozenset(string.printable.encode())
"""A box begins with its size. Where all four bytes of it could be letters, it is rather a text: "The free plan"."""

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
    # The boxes of a video with the brand of a picture (ISO/IEC 23008-12), which begins just like one.
    (4, b"ftypavif", "avif"),
    (4, b"ftypavis", "avif"),
    (4, b"ftyphei", "heif"),
    (4, b"ftyphev", "heif"),
    (4, b"ftypmif1", "heif"),
    (4, b"ftypmsf1", "heif"),
    (4, b"ftypcrx ", "cr3"),
)

SOUND_MAGIC: Final[tuple[tuple[int, bytes, str], ...]] = (
    # Sound alone, in the boxes of a video.
    (4, b"ftypM4A ", "m4a"),
    (4, b"ftypM4B ", "m4a"),
    (4, b"ftypM4P ", "m4a"),
    (4, b"ftypF4A ", "m4a"),
    (4, b"ftypF4B ", "m4a"),
)

BOXED: Final = frozenset({"mp4", "avif", "heif", "cr3", "m4a"})
"""Containers that are a row of boxes."""

CONTENT_TYPES: Final[Mapping[str, str]] = {
    "mp4": "video/mp4",
    "webm": "video/webm",
    "avi": "video/x-msvideo",
    "flv": "video/x-flv",
    "ogg": "video/ogg",
    "mpeg": "video/mpeg",
    "mpegts": "video/mp2t",
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "avif": "image/avif",
    "heif": "image/heif",
    "cr3": "image/x-canon-cr3",
    "m4a": "audio/mp4",
}
"""What a container is called on the web (IANA's registry of media types, and common usage beside it)."""

SECOND_MARK: Final[Mapping[str, tuple[int, bytes]]] = {
    # Every packet of 188 bytes begins with it; "G@" alone also begins a text.
    "mpegts": (188, b"\x47"),
}


def container_of(start: bytes, variant: str = "video") -> str | None:
    """The container that a file with these first bytes is; None where it is none that we know."""
    # What only looks like a video comes first, because the table of videos would take it for one.
    table = PICTURE_MAGIC + SOUND_MAGIC + VIDEO_MAGIC
    found = next((row for row in table if _stands(start, *row[:2])), None)
    if found is None or (variant == "video" and found not in VIDEO_MAGIC):
        return None
    name = found[2]
    if name in BOXED and TEXT.issuperset(start[:4]):
        return None
    return name if _stands(start, *SECOND_MARK.get(name, (0, b""))) else None


def content_type_of(container: str | None) -> str:
    """What a container is called on the web."""
    return "application/octet-stream" if container is None else CONTENT_TYPES[container]


def _stands(start: bytes, at: int, mark: bytes) -> bool:
    return start[at : at + len(mark)] == mark


class Completeness(StrEnum):
    """What the structure of a file tells of its end."""

    WHOLE = "whole"
    """The last box ends where the file does, and the pictures and their description are there, all of them."""

    CUT = "cut"
    """The file ends within a box."""

    UNKNOWN = "unknown"
    """Nothing: it has no boxes, or one that reaches to the end, wherever that is, or something else behind them."""


def completeness_of(file: BinaryIO) -> Completeness:
    """Go from box to box of an ISO base media file, and tell whether it is all there.

    A server may name a wrong length, or none. Only the file itself then tells.
    """
    end = file.seek(0, SEEK_END)
    at, kinds = 0, set[bytes]()
    for _ in range(MOST_BOXES):
        if at == end:
            # A film of fragments may go on behind any of them, unless their index says that there are no more.
            closing = b"mfra" if b"moof" in kinds else b"moov"
            return Completeness.WHOLE if {b"mdat", closing} <= kinds else Completeness.UNKNOWN
        file.seek(at)
        length, kind = _box(file.read(LONG_HEADER))
        at += length
        if not length or at > end:
            return Completeness.CUT if length and kind in BOX_KINDS else Completeness.UNKNOWN
        kinds.add(kind)
    return Completeness.UNKNOWN


def _box(header: bytes) -> tuple[int, bytes]:
    """Length and kind of a box that begins like this; a length of 0 where it names none."""
    size, least = int.from_bytes(header[:4]), SHORT_HEADER
    if size == LONG_SIZE:
        size, least = int.from_bytes(header[SHORT_HEADER:]), LONG_HEADER
    # Such as 0, for "to the end of the file".
    return size if size >= least else 0, header[4:SHORT_HEADER]
