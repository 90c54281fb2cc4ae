"""What kind of file a body is, told from its first bytes: a video is saved, an error page never."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SNIFF_LENGTH: Final = 189
"""Bytes needed for a verdict: one packet of a transport stream, and the byte that begins the next."""

SHORT_HEADER: Final = 8
LONG_HEADER: Final = 16
LONG_SIZE: Final = b"\x00\x00\x00\x01"
"""A box begins with its size and type; this size says that the true one follows, in eight bytes."""

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
    if name in BOXED and start[:1] >= LARGEST_BOX:
        return None
    return name if _stands(start, *SECOND_MARK.get(name, (0, b""))) else None


def _stands(start: bytes, at: int, mark: bytes) -> bool:
    return start[at : at + len(mark)] == mark


class BoxWalk:
    """Goes from box to box of an ISO base media file as its bytes arrive, to tell whether it is all there.

    That is the only proof where an answer names no length and ends when the connection does.
    """

    def __init__(self) -> None:
        self._header = b""
        self._ahead = 0
        self._kinds: set[bytes] = set()
        self._lost = False

    def feed(self, chunk: bytes) -> None:
        """Walk on over the next bytes."""
        at = 0
        while at < len(chunk) and not self._lost:
            step = min(self._ahead, len(chunk) - at)
            at, self._ahead = at + step, self._ahead - step
            if not self._ahead:
                at = self._read_header(chunk, at)

    @property
    def whole(self) -> bool:
        """Whether the last box ends where the bytes do, and both pictures and their description are there."""
        ended = not (self._lost or self._ahead or self._header)
        return ended and b"mdat" in self._kinds and not self._kinds.isdisjoint({b"moov", b"moof"})

    def _read_header(self, chunk: bytes, at: int) -> int:
        """Take what is missing of the next header, byte-wise boundaries included, and tell where that ends."""
        wanted = LONG_HEADER if self._header[:4] == LONG_SIZE else SHORT_HEADER
        end = min(len(chunk), at + wanted - len(self._header))
        self._header += chunk[at:end]
        if len(self._header) == SHORT_HEADER and self._header[:4] == LONG_SIZE:
            return end
        if len(self._header) == wanted:
            self._enter(wanted)
        return end

    def _enter(self, length: int) -> None:
        size = int.from_bytes(self._header[8:] or self._header[:4])
        # A size of 0 means "to the end of the file", wherever that is: such a box proves nothing.
        self._lost = size < length
        self._ahead = max(0, size - length)
        self._kinds.add(self._header[4:8])
        self._header = b""
