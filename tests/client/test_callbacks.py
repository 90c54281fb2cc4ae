"""A client whose callbacks are received gives each create an address of its own, and shows its token to nobody."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import pytest
from rich.pretty import pretty_repr

from reelway import ConfigurationError, VideoRequest
from reelway.addresses import MASK, token_digest
from reelway.ledger.records import Entry, Query
from reelway.ledger.sqlite import SqliteLedger
from reelway.provider.registry import Registry
from reelway.recording.recorder import Recorder
from reelway.sandbox import Callback
from reelway.server import CallbackReceiver
from tests.client.both import MODELS, Bench, Kind
from tests.client.test_canaries import Diary, inside
from tests.server.caller import Line, call, scope_of

BASE: Final = "https://app.example/callbacks"

CALLING: Final = {
    provider.info.name: spec.name
    for provider in Registry.installed().providers
    for spec in reversed(provider.models.models)
    if spec.callback and not spec.needs_image
}
"""The providers that call back, and a model of each that does."""


class Told(Bench):
    """A client with a ledger, at a provider that calls back."""

    def __init__(self, kind: Kind, provider: str, ledger: SqliteLedger, **settings: Any) -> None:
        self.provider = provider
        self.ledger = ledger
        self.heard: list[Callback] = []
        world = {"on_callback": self.heard.append}
        super().__init__(kind, provider, world=world, ledger=ledger, callbacks=BASE, **settings)

    def create(self, prompt: str = "A cat.", **fields: Any) -> Entry:
        task = self.client.create(prompt, model=CALLING[self.provider], **fields)
        entry = self.ledger.find(task.ref)
        assert entry is not None
        return entry

    def callbacks(self) -> list[Callback]:
        """All that the provider has to say until its jobs have ended."""
        self.clock.advance(60)
        self.sandbox.deliver_callbacks()
        return self.heard

    def tokens(self) -> set[str]:
        """What stood on the wire."""
        sent = (unquote(f"{request.path} {request.query} {request.body!r}") for request in self.requests)
        return {token for text in sent for token in re.findall(rf"{BASE}/([A-Za-z0-9_-]{{22}})\b", text)}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    with SqliteLedger(tmp_path / "jobs.db") as ledger:
        yield ledger


@pytest.fixture(params=CALLING)
def calling(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def told(kind: Kind, ledger: SqliteLedger, calling: str) -> Iterator[Told]:
    told = Told(kind, calling, ledger)
    with told.client:
        yield told


def digest_of(entry: Entry) -> str | None:
    assert entry.submission
    return entry.submission.callback_digest


def test_each_create_names_an_address_by_which_its_entry_is_found(told: Told) -> None:
    entries = [told.create() for _ in range(3)]
    assert len(told.tokens()) == 3
    found = [told.ledger.owner(token_digest(token)) for token in told.tokens()]
    assert {entry.number for entry in found if entry} == {entry.number for entry in entries}


def test_an_address_of_the_users_own_is_left_alone(told: Told) -> None:
    entry = told.create(callback_url="https://mine.example/hook")
    assert {callback.url for callback in told.callbacks()} == {"https://mine.example/hook"}
    assert (digest_of(entry), told.tokens()) == (None, set())


def test_the_whole_way_from_the_create_to_the_poll_that_is_woken(told: Told) -> None:
    entry = told.create()
    secret = told.sandbox.callback_secret(told.provider)
    secrets = {told.provider: secret} if secret else {}
    receiver = CallbackReceiver(told.ledger, path="/callbacks", secrets=secrets, clock=told.clock)

    async def post(callback: Callback) -> int:
        scope = scope_of(callback.url.removeprefix("https://app.example"), headers=dict(callback.headers))
        return (await call(receiver, scope, Line([callback.body]))).status

    callbacks = told.callbacks()
    assert callbacks
    assert [asyncio.run(post(callback)) for callback in callbacks] == [202] * len(callbacks)
    assert [kept.body for kept in told.ledger.callbacks(entry.number)] == [one.body for one in callbacks]


def test_where_a_provider_does_not_call_back_there_is_no_address(kind: Kind, ledger: SqliteLedger) -> None:
    silent = sorted(MODELS.keys() - CALLING.keys())
    assert silent
    for provider in silent:
        with Bench(kind, provider, ledger=ledger, callbacks=BASE).client as client:
            client.create("A cat.", model=MODELS[provider])
    assert [digest_of(entry) for entry in ledger.entries(Query())] == [None] * len(silent)


def test_a_wish_that_was_made_before_keeps_its_address(told: Told) -> None:
    first = told.create(idempotency_key="one")
    again = told.create(idempotency_key="one")
    assert (again.number, digest_of(again)) == (first.number, digest_of(first))
    assert len(told.tokens()) == 1


# --- what is refused ---


def test_without_a_ledger_nobody_could_be_found_by_a_token(kind: Kind) -> None:
    with pytest.raises(ConfigurationError, match="needs a ledger") as refused:
        kind("cometapi", api_key="any", callbacks=BASE)
    assert "ledger=" in refused.value.hint


def test_an_address_that_nobody_could_post_to_is_refused(kind: Kind) -> None:
    with pytest.raises(ConfigurationError, match="not usable"):
        kind("cometapi", api_key="any", ledger="memory:", callbacks="app.example")


# --- the token shows nowhere ---


def test_a_preview_shows_that_there_is_an_address_and_makes_no_token(told: Told) -> None:
    preview = told.client.preview("A cat.", model=CALLING[told.provider])
    assert f"{BASE}/{MASK}" in unquote(f"{preview.url} {preview.fields}")


MARKS: Final = ("", "[[create/invalid]]", "[[create/reset]]", "[[create-500]]", "[[no-id]]", "[[fail:no luck]]")


@pytest.fixture(params=MARKS)
def marks(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_no_token_shows(told: Told, marks: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    diary = Diary()
    told = Told(type(told.client.client), told.provider, told.ledger, **diary.options)
    wish = VideoRequest(model=CALLING[told.provider], prompt=f"A cat. {marks}")
    with told.client as client:
        diary.tell(lambda: client.wait(client.create(wish)))
    [token] = told.tokens()
    told.requests.clear()
    shown = [
        *diary.all(),
        *map(repr, inside(told.client.client)),
        *map(pretty_repr, told.ledger.entries(Query())),
        caplog.text,
        *(repr(vars(record)) for record in caplog.records),
        *written(tmp_path),
    ]
    assert [text for text in shown if token in text] == []
    assert any("callback_digest" in text for text in shown)


def written(folder: Path) -> Iterator[str]:
    """All that stands in the files of a folder."""
    return (path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file())


def test_no_token_is_recorded(told: Told, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "recorded")
    told = Told(type(told.client.client), told.provider, told.ledger, recorder=recorder)
    with told.client:
        told.create()
    [token] = told.tokens()
    files = list(written(tmp_path / "recorded"))
    assert files
    assert [text for text in files if token in text] == []
