"""Inputs are ready before any money is spent, each in a form in which the model takes it."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.errors import InvalidRequest
from reelway.flow import media as media_room
from reelway.flow.effects import Open, Phase, Work
from reelway.flow.media import MEDIA_SECONDS, with_media, without_bytes
from reelway.model.request import Media, MediaForm, MediaSource, VideoRequest
from reelway.provider.models import ModelSpec
from tests.flow.hand import Hand, Served, broken, raises

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
URL = "https://pictures.example/a/cat.png?sig=SIGNATURE#top"
DATA = "data:image/png;base64," + base64.b64encode(PNG).decode()

FILES = ModelSpec(name="files", form="plain", media_forms=frozenset({MediaForm.FILE}))
LINKS = ModelSpec(name="links", form="plain", media_forms=frozenset({MediaForm.URL, MediaForm.DATA}))
ALL = ModelSpec(name="all", form="plain")


def ready(source: MediaSource, spec: ModelSpec, hand: Hand | None = None) -> Media:
    request = VideoRequest(model="m", first_frame=Media.of(source))
    frame = (hand or Hand()).run(with_media(request, spec)).first_frame
    assert frame is not None
    return frame


def problem(source: MediaSource, spec: ModelSpec = FILES, hand: Hand | None = None) -> str:
    request = VideoRequest(model="m", first_frame=Media.of(source))
    hand = hand or Hand()
    error = raises(with_media(request, spec), hand)
    assert isinstance(error, InvalidRequest)
    [one] = error.problems
    assert one.field == "first_frame"
    return one.message


def served(*pieces: bytes | float, status: int = 200, content_type: str = "image/png") -> Served:
    return Served(status=status, headers=(("Content-Type", content_type),), pieces=pieces)


@pytest.mark.parametrize("spec", [FILES, LINKS, ALL], ids=lambda spec: spec.name)
def test_a_local_file_is_read_for_every_model(tmp_path: Path, spec: ModelSpec) -> None:
    (tmp_path / "cat.png").write_bytes(PNG)
    frame = ready(tmp_path / "cat.png", spec)
    assert (frame.content, frame.path, frame.name, frame.type) == (PNG, None, "cat.png", "image/png")


@pytest.mark.parametrize("spec", [FILES, LINKS, ALL], ids=lambda spec: spec.name)
def test_bytes_are_taken_as_they_are(spec: ModelSpec) -> None:
    hand = Hand()
    assert ready(PNG, spec, hand) == Media(content=PNG)
    assert not hand.effects


@pytest.mark.parametrize("source", [URL, DATA, "asset://picture-1"])
@pytest.mark.parametrize("spec", [LINKS, ALL], ids=lambda spec: spec.name)
def test_an_address_stays_one_where_the_model_takes_it(source: str, spec: ModelSpec) -> None:
    hand = Hand()
    assert ready(source, spec, hand) == Media(url=source)
    assert not hand.effects


def test_all_inputs_are_made_ready_in_their_places(tmp_path: Path) -> None:
    for name in "abcd":
        (tmp_path / name).write_bytes(name.encode())
    paths = [Media(path=tmp_path / name) for name in "abcd"]
    request = VideoRequest(model="m", first_frame=paths[0], last_frame=paths[1], references=tuple(paths[2:]))
    done = Hand().run(with_media(request, ALL))
    assert [one.content for one in done.media] == [b"a", b"b", b"c", b"d"]


def test_every_input_is_fetched_where_the_model_takes_files_only() -> None:
    far = Media(url=URL)
    request = VideoRequest(model="m", first_frame=far, last_frame=far, references=(far, far))
    done = Hand(*[served(PNG + bytes([number])) for number in range(4)]).run(with_media(request, FILES))
    assert [one.content for one in done.media] == [PNG + bytes([number]) for number in range(4)]


@pytest.mark.parametrize("kind", ["image/png", "video/mp4", "audio/mpeg", "application/octet-stream"])
def test_pictures_clips_sounds_and_bytes_that_nobody_knows_are_inputs(kind: str) -> None:
    assert ready(Media(content=b"...", content_type=kind), FILES).type == kind


def test_a_request_without_inputs_needs_nothing() -> None:
    request = VideoRequest(model="m", prompt="A cat.")
    hand = Hand()
    assert hand.run(with_media(request, FILES)) == request
    assert not hand.effects


# --- fetched for a model that takes files only ---


def test_an_address_is_fetched_without_credentials_where_the_model_takes_files_only() -> None:
    hand = Hand(served(PNG[:10], PNG[10:]))
    frame = ready(URL, FILES, hand)
    assert (frame.content, frame.url, frame.name, frame.type) == (PNG, None, "cat.png", "image/png")
    [opened] = hand.of(Open)
    assert opened.url is not None
    assert opened.url.reveal() == URL
    assert (opened.keyed, opened.request, opened.headers, opened.timeout) == (False, None, (), 120)
    assert hand.all_closed


@pytest.mark.parametrize(
    ("url", "content_type", "name", "kind"),
    [
        ("https://x.example/cat.jpg", "image/png; charset=x", "cat.jpg", "image/png"),
        ("https://x.example/cat.jpg", "image/webp", "cat.jpg", "image/webp"),
        ("https://x.example/cat.jpg", "", "cat.jpg", "image/jpeg"),
        ("https://x.example/cat.jpg#top", "", "cat.jpg", "image/jpeg"),
        ("https://x.example/http://cat.jpg", "", "cat.jpg", "image/jpeg"),
        ("https://x.example/cat.jpg", "binary/octet-stream", "cat.jpg", "image/jpeg"),
        ("https://x.example/blob", "application/octet-stream", "blob", "image/png"),
        ("https://x.example", "IMAGE/PNG", "input", "image/png"),
        ("https://x.example/?a/secret.png", "", "input", "image/png"),
    ],
)
def test_name_and_type_come_from_whoever_knows_them(url: str, content_type: str, name: str, kind: str) -> None:
    frame = ready(url, FILES, Hand(served(PNG, content_type=content_type)))
    assert (frame.name, frame.type) == (name, kind)


def test_what_the_caller_says_about_an_input_counts_most() -> None:
    given_media = Media(url=URL, content_type="image/webp", filename="mine.webp")
    frame = ready(given_media, FILES, Hand(served(PNG)))
    assert (frame.name, frame.type) == ("mine.webp", "image/webp")


@pytest.mark.parametrize("status", [204, 206, 302, 403, 404, 500])
def test_an_address_that_answers_anything_but_the_file_is_refused(status: int) -> None:
    assert f"HTTP {status}" in problem(URL, hand=Hand(served(PNG, status=status)))


@pytest.mark.parametrize("phase", Phase)
def test_an_address_that_cannot_be_reached_is_refused(phase: Phase) -> None:
    assert "could not be fetched: it broke" in problem(URL, hand=Hand(broken(phase)))


def test_an_address_that_breaks_off_is_refused() -> None:
    assert "it broke" in problem(URL, hand=Hand(Served(pieces=(PNG,), breaks=True)))


def test_an_address_that_serves_nothing_is_refused() -> None:
    assert problem(URL, hand=Hand(served())) == "its address serves nothing"


def test_an_address_that_serves_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_room, "MEDIA_LIMIT", 100)
    assert "larger than 100" in problem(URL, hand=Hand(served(*[bytes(30)] * 100)))
    assert ready(URL, FILES, Hand(served(*[bytes(25)] * 4))).content == bytes(100)


def test_an_address_that_drips_is_given_up_in_time() -> None:
    drip: list[Any] = [piece for _ in range(1000) for piece in (7.0, b"x")]
    hand = Hand(served(*drip))
    assert "could not be fetched" in problem(URL, hand=hand)
    assert hand.clock.monotonic() == MEDIA_SECONDS


def test_an_address_that_answers_late_leaves_no_time_to_read() -> None:
    hand = Hand(served(PNG), seconds_per_exchange=MEDIA_SECONDS)
    assert "did not serve it within" in problem(URL, hand=hand)


@pytest.mark.parametrize("source", ["asset://picture-1", "ftp://x.example/a.png", "https://", "https://[::1"])
def test_an_address_that_cannot_be_fetched_is_refused(source: str) -> None:
    hand = Hand()
    told = "the model takes files here, and this address cannot be fetched"
    assert problem(source, hand=hand) == told
    assert not hand.effects


def test_no_problem_quotes_a_signed_address() -> None:
    hands = [Hand(served(PNG, status=403)), Hand(broken(Phase.SENDING)), Hand(served())]
    assert not [hand for hand in hands if "SIGNATURE" in problem(URL, hand=hand)]


# --- data URIs ---


@pytest.mark.parametrize(
    ("uri", "content", "kind"),
    [
        (DATA, PNG, "image/png"),
        ("data:image/gif,GIF8%39a", b"GIF89a", "image/gif"),
        ("data:;base64,R0lGOA%3D%3D", b"GIF8", "image/gif"),
    ],
)
def test_a_data_uri_becomes_a_file_where_the_model_takes_files_only(uri: str, content: bytes, kind: str) -> None:
    frame = ready(uri, FILES)
    assert (frame.content, frame.url, frame.type) == (content, None, kind)


@pytest.mark.parametrize(
    ("uri", "told", "kind"),
    [
        ("data:image/svg+xml,<svg/>", None, "image/svg+xml"),
        ("data:image/svg+xml;charset=utf-8;base64,PHN2Zy8+", None, "image/svg+xml"),
        ("data:image/svg+xml,<svg/>", "image/webp", "image/webp"),
        ("data:,...", None, "application/octet-stream"),
    ],
)
def test_the_type_of_a_data_uri_is_what_the_caller_says_or_else_what_it_says(
    uri: str, told: str | None, kind: str
) -> None:
    assert ready(Media(url=uri, content_type=told), FILES).type == kind


def test_a_data_uri_keeps_the_name_that_the_caller_gave_it() -> None:
    assert ready(Media(url=DATA, filename="cat.png"), FILES).name == "cat.png"


@pytest.mark.parametrize(
    ("uri", "fault"),
    [
        ("data:image/png;base64,!!!", "malformed"),
        ("data:image/png;base64,QQ", "malformed"),
        ("data:image/png;base64,", "empty"),
        ("data:image/png", "empty"),
    ],
)
def test_a_data_uri_that_holds_no_file_is_refused(uri: str, fault: str) -> None:
    assert problem(uri) == f"the data URI is {fault}"


# --- files that cannot be read ---


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "No such file" in problem(tmp_path / "nowhere.png")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "cannot be read" in problem(tmp_path)


def test_a_path_that_no_system_takes_is_refused() -> None:
    assert problem(Path("a\0b")) == "the path holds characters that no path may hold"


def test_a_file_that_the_system_refuses_without_a_word_is_refused_with_the_kind_of_its_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refuse(*_: Any) -> None:
        raise BlockingIOError

    monkeypatch.setattr(Path, "open", refuse)
    assert "cannot be read (BlockingIOError)" in problem(tmp_path / "cat.png")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.png").write_bytes(b"")
    assert "is empty" in problem(tmp_path / "empty.png")


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media_room, "MEDIA_LIMIT", 10)
    (tmp_path / "big.png").write_bytes(bytes(11))
    assert "larger than 10 bytes" in problem(tmp_path / "big.png")
    (tmp_path / "fits.png").write_bytes(bytes(10))
    assert ready(tmp_path / "fits.png", FILES).content == bytes(10)


def test_no_more_of_a_file_is_read_than_shows_that_it_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media_room, "MEDIA_LIMIT", 10)
    (tmp_path / "huge.png").write_bytes(bytes(1000))
    hand = Hand()
    problem(tmp_path / "huge.png", hand=hand)
    [work] = hand.of(Work)
    assert work.call() == bytes(11)


# --- shown without I/O ---


@given(st.sampled_from([URL, DATA, PNG, Path("nowhere.png"), "asset://a"]), st.sampled_from([FILES, LINKS, ALL]))
def test_a_request_can_be_shown_without_touching_anything(source: MediaSource, spec: ModelSpec) -> None:
    media = Media.of(source)
    request = VideoRequest(model="m", first_frame=media, last_frame=media, references=(media,))
    shown = without_bytes(request, spec)
    assert all(one.url or one.content == b"" for one in shown.media)
    assert len(shown.media) == 3


@pytest.mark.parametrize(
    ("source", "spec", "shown"),
    [
        (URL, LINKS, Media(url=URL)),
        (DATA, ALL, Media(url=DATA)),
        (URL, FILES, Media(content=b"", filename="input", content_type="image/png")),
        ("data:audio/aac,x", FILES, Media(content=b"", filename="input", content_type="audio/aac")),
        (Path("a/cat.gif"), LINKS, Media(content=b"", filename="cat.gif", content_type="image/gif")),
        (PNG, FILES, Media(content=b"", filename="input", content_type="image/png")),
    ],
)
def test_what_stands_for_an_input_has_its_name_and_its_type(
    source: MediaSource, spec: ModelSpec, shown: Media
) -> None:
    given_media = Media.of(source)
    request = VideoRequest(model="m", first_frame=given_media, last_frame=given_media, references=(given_media,))
    assert without_bytes(request, spec).media == (shown, shown, shown)


def test_a_request_without_inputs_is_shown_as_it_is() -> None:
    assert without_bytes(VideoRequest(model="m"), FILES) == VideoRequest(model="m")


def test_every_input_that_cannot_be_used_is_named_at_once(tmp_path: Path) -> None:
    missing = Media(path=tmp_path / "missing.png")
    text = Media(content=b"hi", filename="notes.txt")
    request = VideoRequest(model="m", first_frame=missing, last_frame=text, references=(missing,))
    error = raises(with_media(request, FILES), Hand())
    assert isinstance(error, InvalidRequest)
    assert [one.field for one in error.problems] == ["first_frame", "last_frame", "references"]


def test_a_text_is_no_input() -> None:
    assert "no picture, clip or sound" in problem(Media(content=b"hi", filename="notes.txt"))
