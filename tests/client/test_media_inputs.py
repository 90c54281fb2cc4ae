"""Pictures reach every provider in a form that it takes, whatever form the user has them in."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from reelway import Account, InvalidRequest, Media, Registry
from reelway.model.http import HttpRequest, HttpResponse
from reelway.model.request import MediaForm
from reelway.operations import Settings
from reelway.provider.models import ModelSpec
from reelway.provider.simulator import UploadedFile, fields_of
from reelway.sandbox import Sandbox
from reelway.testing import VirtualClock, in_process
from reelway.transport.http import HttpSettings
from tests.client.both import MODELS, Both, Kind, local_accounts

PNG: Final = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
DATA: Final = "data:image/png;base64," + base64.b64encode(PNG).decode()
PICTURES: Final = "https://pictures.example"
URL: Final = f"{PICTURES}/cats/cat.png?sig=SIGNATURE"


class Desk:
    """A sandbox of every installed provider and a web server with a picture, in process."""

    def __init__(self, kind: Kind, clock: VirtualClock) -> None:
        self.sandbox = Sandbox(clock=clock)
        self.creates: list[HttpRequest] = []
        self.fetches: list[HttpRequest] = []
        self.picture = HttpResponse(status=200, headers=(("Content-Type", "image/png"),), body=PNG)
        settings = Settings(clock=clock, http=HttpSettings(transport=in_process(self._respond)))
        accounts: dict[str, Account] = local_accounts(self.sandbox)
        self.client = Both(kind, accounts, settings=settings)

    def _respond(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/cats/"):
            self.fetches.append(request)
            return self.picture
        if request.method == "POST":
            self.creates.append(request)
        return self.sandbox.respond(request)

    def create(self, provider: str, spec: ModelSpec, source: Any) -> str:
        """What of the picture reached the provider: a file as its name, type and size, everything else as it is."""
        wish: dict[str, Any] = {"references": [source]} if not spec.first_frame else {"first_frame": source}
        self.client.create("A cat.", model=spec.name, account=provider, **wish)
        return " ".join(_pictures_in(fields_of(self.creates[-1])))


def _pictures_in(value: Any) -> Iterator[str]:
    if isinstance(value, UploadedFile):
        yield f"file:{value.filename}:{value.content_type}:{value.size}"
    elif isinstance(value, str) and value.startswith(("https:", "data:", "asset:")):
        yield value
    elif isinstance(value, dict):
        yield from (picture for one in value.values() for picture in _pictures_in(one))
    elif isinstance(value, list):
        yield from (picture for one in value for picture in _pictures_in(one))


@pytest.fixture
def desk(kind: Kind, clock: VirtualClock) -> Iterator[Desk]:
    desk = Desk(kind, clock)
    with desk.client:
        yield desk


def models_taking(*forms: MediaForm) -> list[tuple[str, ModelSpec]]:
    """For each provider, the first model whose pictures travel in exactly these forms."""
    found: dict[str, ModelSpec] = {}
    for provider in Registry.installed().providers:
        for spec in provider.models.models:
            takes_pictures = spec.first_frame or spec.references
            if takes_pictures and spec.media_forms == frozenset(forms):
                found.setdefault(provider.info.name, spec)
    return list(found.items())


FILES: Final = models_taking(MediaForm.FILE)
LINKS: Final = models_taking(MediaForm.URL, MediaForm.DATA)
ADDRESSES: Final = models_taking(MediaForm.URL)


def named(value: Any) -> str:
    return value.name if isinstance(value, ModelSpec) else str(value)


def test_every_kind_of_model_is_there() -> None:
    assert FILES
    assert LINKS
    assert {provider for provider, _ in [*FILES, *LINKS]} == set(MODELS)


# --- models that take files ---


@pytest.mark.parametrize(("provider", "spec"), FILES, ids=named)
@pytest.mark.parametrize("form", ["path", "text", "bytes", "data", "url"])
def test_a_model_that_takes_files_gets_one_whatever_was_given(
    desk: Desk, provider: str, spec: ModelSpec, form: str, tmp_path: Path
) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)
    given = {"path": path, "text": str(path), "bytes": PNG, "data": DATA, "url": URL}[form]
    name = "cat.png" if form in {"path", "text", "url"} else "input"
    assert desk.create(provider, spec, given) == f"file:{name}:image/png:{len(PNG)}"


@pytest.mark.parametrize(("provider", "spec"), FILES, ids=named)
def test_an_address_is_fetched_without_the_key(desk: Desk, provider: str, spec: ModelSpec) -> None:
    desk.create(provider, spec, URL)
    [fetch] = desk.fetches
    assert fetch.header("authorization") is None
    assert (fetch.path, fetch.query) == ("/cats/cat.png", (("sig", "SIGNATURE"),))
    assert PNG in (desk.creates[0].body or b"")  # type: ignore[operator]


@pytest.mark.parametrize(("provider", "spec"), FILES[:1], ids=named)
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (HttpResponse(status=404), "HTTP 404"),
        (HttpResponse(status=302, headers=(("Location", "https://elsewhere.example"),)), "HTTP 302"),
        (HttpResponse(status=200), "serves nothing"),
    ],
)
def test_an_address_that_does_not_serve_it_is_a_problem_and_nothing_is_created(
    desk: Desk, provider: str, spec: ModelSpec, answer: HttpResponse, reason: str
) -> None:
    desk.picture = answer
    with pytest.raises(InvalidRequest, match=reason) as caught:
        desk.create(provider, spec, URL)
    assert "SIGNATURE" not in str(caught.value)
    assert desk.sandbox.ledger.creates == 0


@pytest.mark.parametrize(("provider", "spec"), FILES[:1], ids=named)
def test_a_file_that_is_not_there_is_a_problem_and_nothing_is_created(
    desk: Desk, provider: str, spec: ModelSpec, tmp_path: Path
) -> None:
    with pytest.raises(InvalidRequest, match="cannot be read"):
        desk.create(provider, spec, tmp_path / "nowhere.png")
    assert desk.sandbox.ledger.creates == 0


# --- models that take addresses ---


@pytest.mark.parametrize(("provider", "spec"), LINKS, ids=named)
@pytest.mark.parametrize("form", ["path", "bytes", "data", "url"])
def test_a_model_that_takes_addresses_gets_one_or_the_bytes_as_one(
    desk: Desk, provider: str, spec: ModelSpec, form: str, tmp_path: Path
) -> None:
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)
    given = {"path": path, "bytes": PNG, "data": DATA, "url": URL}[form]
    assert desk.create(provider, spec, given) == (URL if form == "url" else DATA)
    assert not desk.fetches


@pytest.mark.parametrize(("provider", "spec"), ADDRESSES, ids=named)
@pytest.mark.parametrize("given", [PNG, DATA, Path("cat.png")], ids=["bytes", "data", "path"])
def test_a_model_that_takes_nothing_but_addresses_refuses_everything_else(
    desk: Desk, provider: str, spec: ModelSpec, given: Any
) -> None:
    with pytest.raises(InvalidRequest, match="cannot travel") as caught:
        desk.create(provider, spec, given)
    assert caught.value.problems[0].allowed == ("url",)
    assert not desk.creates


@pytest.mark.parametrize(("provider", "spec"), ADDRESSES, ids=named)
def test_a_model_that_takes_nothing_but_addresses_gets_them_as_they_are(
    desk: Desk, provider: str, spec: ModelSpec
) -> None:
    assert desk.create(provider, spec, URL) == URL


# --- shown without being read ---


@pytest.mark.parametrize(("provider", "spec"), [*FILES[:1], *LINKS[:1]], ids=named)
@pytest.mark.parametrize("given", [Path("nowhere.png"), PNG, Media(content=PNG, filename="mine.png")])
def test_a_preview_reads_and_fetches_nothing(desk: Desk, provider: str, spec: ModelSpec, given: Any) -> None:
    wish: dict[str, Any] = {"references": [given]} if not spec.first_frame else {"first_frame": given}
    preview = desk.client.preview("A cat.", model=spec.name, account=provider, **wish)
    assert preview.files or "data:" in str(preview.fields)
    assert not desk.fetches
    assert not desk.creates


@pytest.mark.parametrize(("provider", "spec"), [*FILES[:1], *LINKS[:1]], ids=named)
def test_one_reference_may_be_given_alone(desk: Desk, provider: str, spec: ModelSpec) -> None:
    alone = desk.client.preview("A cat.", model=spec.name, account=provider, references=URL)
    listed = desk.client.preview("A cat.", model=spec.name, account=provider, references=[URL])
    assert alone == listed
