"""Neither the key nor a signed link shows: not in reports of errors, not in logs, not in what is handed out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from reelway import Account, AsyncClient, Client, ReelwayError
from reelway.model.http import HttpRequest, HttpResponse
from reelway.operations import Settings
from reelway.sandbox import CATALOG, Sandbox
from reelway.sandbox.faults import Takes
from reelway.testing import VirtualClock, in_process
from reelway.transport.http import HttpSettings
from tests.client.both import MODELS, Both, Kind
from tests.reports import full_report

KEY: Final = "sk-SECRETKEY"
SIGNED: Final = "signature="
"""Stands in every link of the sandbox."""

SOLO: Final = next(iter(MODELS))

MARKS: Final = ["", *(f"[[{one.name}]]" for one in CATALOG if one.takes is not Takes.SECONDS)]
LASTING: Final = [f"[[{one.name}:99]]" for one in CATALOG if one.takes is Takes.TIMES]


class Diary:
    """A client in process, and all that it handed out or wrote."""

    def __init__(self, kind: Kind) -> None:
        self.clock = VirtualClock()
        self.sandbox = Sandbox(clock=self.clock)
        self.handed_out: list[object] = []
        settings = Settings(
            clock=self.clock,
            http=HttpSettings(transport=in_process(self._respond)),
            trace=self.handed_out.append,
            on_change=lambda task, events: self.handed_out.extend((task, *events)),
        )
        account = Account(SOLO, api_key=KEY, base_url=self.sandbox.base_url(SOLO))
        self.keys = 0
        self.links = 0
        self.client = Both(kind, account, settings=settings)

    def _respond(self, request: HttpRequest) -> HttpResponse:
        self.keys += KEY in (request.header("authorization") or "")
        response = self.sandbox.respond(request)
        self.links += SIGNED.encode() in response.body
        return response

    def tell(self, act: Callable[[Both], Any]) -> str:
        """All that shows of a story: its result or the whole report of its error, and what was handed out."""
        with self.client as client:
            try:
                shown = repr(act(client))
            except ReelwayError as error:
                shown = full_report(error) + repr(error) + str(error) + repr(error.task)
        return shown + repr(self.handed_out)


@pytest.mark.parametrize("marks", [*MARKS, *LASTING])
def test_no_story_shows_the_key_or_a_signed_link(
    kind: Kind, marks: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    diary = Diary(kind)
    shown = diary.tell(
        lambda client: client.generate(f"A cat. {marks}", model=MODELS[SOLO], to=tmp_path / "cat.mp4")
    )
    assert diary.keys
    for text in (shown, caplog.text):
        assert KEY not in text
        assert SIGNED not in text


def test_there_are_links_that_could_show(kind: Kind, tmp_path: Path) -> None:
    diary = Diary(kind)
    diary.tell(lambda client: client.generate("A cat.", model=MODELS[SOLO], to=tmp_path / "cat.mp4"))
    assert diary.links


def test_no_repr_of_a_client_shows_the_key() -> None:
    with Client(SOLO, api_key=KEY) as client:
        parts = [client, client._operations, client._networks, client._driver, client._operations.endpoints]
        parts += [vars(client), *map(vars, client._networks.values())]
        assert KEY not in repr(parts)
    assert KEY not in repr(vars(AsyncClient(SOLO, api_key=KEY)))
