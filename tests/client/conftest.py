from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from reelway import Submission
from reelway.flow.stream import FetchPlan
from reelway.sandbox import Sandbox
from reelway.testing import VirtualClock
from tests.client.both import CLIENTS, MODELS, Both, Kind, on_sockets
from tests.client.counting import PARTIES, PATIENCE, Party


@pytest.fixture(params=CLIENTS, ids=lambda kind: kind.__name__)
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def sandbox(clock: VirtualClock) -> Iterator[Sandbox]:
    """A sandbox that listens on loopback, on a clock that costs no time."""
    with Sandbox(clock=clock) as sandbox:
        yield sandbox


@pytest.fixture(params=list(MODELS))
def provider(request: pytest.FixtureRequest) -> str:
    """The name of each installed provider."""
    return str(request.param)


@pytest.fixture
def caller(kind: Kind, sandbox: Sandbox, clock: VirtualClock, provider: str) -> Iterator[Both]:
    """Each client at each provider, over sockets."""
    with on_sockets(kind, sandbox, clock, provider) as both:
        yield both


@pytest.fixture(params=PARTIES, ids=str)
def party(request: pytest.FixtureRequest) -> Party:
    """A client of each color over each library."""
    chosen: Party = request.param
    return chosen


@pytest.fixture
def steps() -> list[Submission]:
    """What is told of a submission on its way."""
    return []


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where a result goes."""
    return tmp_path / "cat.mp4"


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stays silent is given up soon: silence passes no time on a virtual clock."""
    monkeypatch.setattr("reelway.downloading.FetchPlan", partial(FetchPlan, inactivity=PATIENCE))
    monkeypatch.setattr("reelway.operations.SUBMIT_SECONDS", PATIENCE)
    monkeypatch.setattr("reelway.operations.POLL_SECONDS", PATIENCE)
