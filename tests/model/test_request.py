"""A request speaks the user's language, and media are taken as they come."""

from pathlib import Path
from typing import Any

import pytest

from reelway.model.request import Media, MediaForm, MediaKind, MediaSource, VideoRequest

URL = "https://example.com/cat.jpg?signature=abc"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    ("source", "media"),
    [
        (URL, Media(url=URL)),
        ("data:image/png;base64,AAAA", Media(url="data:image/png;base64,AAAA")),
        ("asset://a1", Media(url="asset://a1")),
        ("pictures/cat.jpg", Media(path=Path("pictures/cat.jpg"))),
        (Path("cat.jpg"), Media(path=Path("cat.jpg"))),
        (PNG, Media(content=PNG)),
        (Media(content=PNG, filename="cat"), Media(content=PNG, filename="cat")),
    ],
)
def test_a_source_is_read_as_what_it_is(source: MediaSource, media: Media) -> None:
    assert Media.of(source) == media


@pytest.mark.parametrize("source", [None, 5, bytearray(PNG)])
def test_what_is_no_source_is_refused_and_not_left_out(source: Any) -> None:
    with pytest.raises(TypeError, match="a URL, a path or bytes, not as"):
        Media.of(source)


@pytest.mark.parametrize(
    ("media", "content_type", "kind"),
    [
        (Media(url="https://example.com/cat.jpg?x=.mp4#y"), "image/jpeg", MediaKind.IMAGE),
        (Media(url="https://example.com/walk.mp4"), "video/mp4", MediaKind.VIDEO),
        (Media(url="https://example.com/rain.mp3"), "audio/mpeg", MediaKind.AUDIO),
        (Media(url="data:video/mp4;base64,AAAA"), "video/mp4", MediaKind.VIDEO),
        (Media(url="data:,x"), "application/octet-stream", MediaKind.IMAGE),
        (Media(url="asset://a1"), "application/octet-stream", MediaKind.IMAGE),
        (Media(path=Path("cat.png")), "image/png", MediaKind.IMAGE),
        (Media(content=PNG), "image/png", MediaKind.IMAGE),
        (Media(content=b"\xff\xd8\xff\xe0"), "image/jpeg", MediaKind.IMAGE),
        (Media(content=b"GIF89a"), "image/gif", MediaKind.IMAGE),
        (Media(content=b"RIFF0000WEBPVP8 "), "image/webp", MediaKind.IMAGE),
        (Media(content=b"RIFF0000WAVEfmt "), "audio/wav", MediaKind.AUDIO),
        (Media(content=b"ID3\x04"), "audio/mpeg", MediaKind.AUDIO),
        (Media(content=b"\x00\x00\x00\x18ftypmp42"), "video/mp4", MediaKind.VIDEO),
        (Media(content=b"\x1a\x45\xdf\xa3"), "video/webm", MediaKind.VIDEO),
        (Media(content=b""), "application/octet-stream", MediaKind.IMAGE),
        (Media(content=PNG, content_type="audio/wav"), "audio/wav", MediaKind.AUDIO),
    ],
)
def test_the_type_is_as_given_or_named_or_sniffed(media: Media, content_type: str, kind: MediaKind) -> None:
    assert (media.type, media.kind) == (content_type, kind)


@pytest.mark.parametrize(
    ("media", "form"),
    [
        (Media(url=URL), MediaForm.URL),
        (Media(url="asset://a1"), MediaForm.URL),
        (Media(url="data:image/png;base64,AAAA"), MediaForm.DATA),
        (Media(path=Path("cat.png")), MediaForm.FILE),
        (Media(content=PNG), MediaForm.FILE),
    ],
)
def test_a_piece_of_media_knows_how_it_travels(media: Media, form: MediaForm) -> None:
    assert media.form is form


@pytest.mark.parametrize("source", [URL, "data:image/png;base64,c2VjcmV0", b"secret bytes"])
def test_neither_a_link_nor_the_bytes_are_shown(source: str | bytes) -> None:
    shown = repr(VideoRequest(model="acme-1", first_frame=Media.of(source)))
    assert "Media(" in shown
    assert not any(part in shown for part in ("signature", "c2VjcmV0", "secret"))


@pytest.mark.parametrize(
    ("media", "name"),
    [
        (Media(content=PNG, filename="cat.png"), "cat.png"),
        (Media(path=Path("some/where/cat.png")), "cat.png"),
        (Media(url=URL), "input"),
    ],
)
def test_a_name_is_never_an_address(media: Media, name: str) -> None:
    assert media.name == name


def test_media_stand_in_the_order_of_the_wire() -> None:
    first, last, one, two = (Media(url=f"https://example.com/{name}.png") for name in ("f", "l", "1", "2"))
    request = VideoRequest(model="acme-1", references=(one, two), last_frame=last, first_frame=first)
    assert request.media == (first, last, one, two)
    assert VideoRequest(model="acme-1", references=(one,)).media == (one,)
    assert VideoRequest(model="acme-1").media == ()
