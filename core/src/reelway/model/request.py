"""What the user wants: a video request and the media that go into it, in the user's own terms."""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import fields

from reelway.model.secret import Secret


class MediaKind(StrEnum):
    """What a piece of media is."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"


class MediaForm(StrEnum):
    """How a piece of media can travel to a provider."""

    FILE = "file"
    URL = "url"
    DATA = "data"


class Media(Struct, frozen=True, kw_only=True):
    """A picture, clip or sound given as input: a URL, a local file, or bytes. Exactly one of the three is set.

    ``url`` may be ``https://…``, ``data:…`` or a provider's own scheme such as ``asset://…``.
    """

    url: str | None = None
    path: Path | None = None
    content: bytes | None = None
    content_type: str | None = None
    filename: str | None = None

    @classmethod
    def of(cls, source: MediaSource) -> Media:
        """Read whatever the user gave: text with a scheme is a URL, other text is a path."""
        match source:
            case Media():
                return source
            case bytes():
                return cls(content=source)
            case Path():
                return cls(path=source)
            case str() if has_scheme(source):
                return cls(url=source)
            case str():
                return cls(path=Path(source))
            case _:
                raise TypeError(f"Media are given as a URL, a path or bytes, not as {type(source).__name__}.")

    @property
    def name(self) -> str:
        """A file name for multipart forms and messages; never a URL, which may be signed."""
        if self.filename:
            return self.filename
        return self.path.name if self.path else "input"

    @property
    def type(self) -> str:
        """The content type as given, as the name says, or as the first bytes say."""
        return self.content_type or _type_of_url(self.url) or _type_of_name(self.name) or _sniff(self.content)

    @property
    def kind(self) -> MediaKind:
        """Picture, clip or sound; what cannot be told is taken for a picture."""
        family = self.type.partition("/")[0]
        return MediaKind(family) if family in set(MediaKind) else MediaKind.IMAGE

    @property
    def form(self) -> MediaForm:
        """How it would travel as it stands."""
        if self.url is None:
            return MediaForm.FILE
        return MediaForm.DATA if self.url.startswith("data:") else MediaForm.URL

    def __repr__(self) -> str:
        return f"Media({self.form}, {self.name!r}, {self.type!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("form", self.form), ("name", self.name), ("type", self.type)]


MediaSource: TypeAlias = Media | str | Path | bytes


class VideoRequest(Struct, frozen=True, kw_only=True):
    """One video to make. Every field but ``model`` is optional; what is left out, the provider decides.

    Attributes:
        model: the provider's model id, or one of Reelway's short names for it.
        prompt: what the video should show.
        duration: length in seconds.
        aspect_ratio: for instance ``"16:9"``.
        resolution: for instance ``"720p"``.
        size: exact pixels such as ``"1280x720"``, instead of ``aspect_ratio`` and ``resolution``.
        seed: for models that repeat themselves on request.
        first_frame: the picture to start from.
        last_frame: the picture to end on.
        references: pictures, clips or sounds the prompt speaks of, in order.
        audio: whether to make a sound track.
        callback_url: where the provider should post changes, for models that do.
        extra: fields only one provider knows; dots reach into objects (``"metadata.watermark"``).
    """

    model: str
    prompt: str = ""
    duration: float | None = None
    aspect_ratio: str | None = None
    resolution: str | None = None
    size: str | None = None
    seed: int | None = None
    first_frame: Media | None = None
    last_frame: Media | None = None
    references: tuple[Media, ...] = ()
    audio: bool | None = None
    callback_url: str | None = None
    extra: Mapping[str, Any] = {}

    def __repr__(self) -> str:
        return f"VideoRequest({', '.join(f'{name}={value!r}' for name, value in self.__rich_repr__())})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        # The address for callbacks holds a token, and what only one provider knows may be another.
        hidden = {"callback_url": Secret(self.callback_url or ""), "extra": tuple(self.extra)}
        given = ((field.name, getattr(self, field.name), field.default) for field in fields(self))
        return [(name, hidden.get(name, value)) for name, value, default in given if value not in (default, {})]

    @property
    def media(self) -> tuple[Media, ...]:
        """All media in the order in which providers that take a plain list expect them."""
        frames = tuple(frame for frame in (self.first_frame, self.last_frame) if frame)
        return frames + self.references


def has_scheme(text: str) -> bool:
    """Whether a text is an address rather than a path."""
    return "://" in text or text.startswith("data:")


def _type_of_name(name: str) -> str | None:
    return mimetypes.guess_type(name)[0]


def _type_of_url(url: str | None) -> str | None:
    if url is None:
        return None
    if url.startswith("data:"):
        return url[5:].partition(",")[0].partition(";")[0] or None
    return _type_of_name(url.partition("?")[0].partition("#")[0])


MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),
    (0, b"ID3", "audio/mpeg"),
)
"""Offset, first bytes and type of the media that the providers accept."""


def _sniff(content: bytes | None) -> str:
    start = (content or b"")[:16]
    return next((kind for at, mark, kind in MAGIC if start[at:].startswith(mark)), "application/octet-stream")
