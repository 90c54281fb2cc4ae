"""Limits of time and size: what is no number is refused before anything is sent, above all before it is paid."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace

from reelway import Account, ConfigurationError, DownloadError, Status, TaskRef, WaitTimeout
from reelway.provider.interface import Cadence
from tests.acme import LINK, task
from tests.client.both import MODELS, Bench, Both, Kind

SOLO: Final = next(iter(MODELS))

NO_NUMBERS: Final[tuple[Any, ...]] = (None, math.nan, "30", (30,))


@pytest.fixture
def bench(kind: Kind) -> Bench:
    return Bench(kind, SOLO)


def reference(number: int = 1) -> str:
    return f"reelway1:{SOLO}:default::task-{number}"


CALLS: Final[dict[str, Callable[[Both, Any], Any]]] = {
    "generate": lambda client, given: client.generate("A cat.", model=MODELS[SOLO], timeout=given),
    "wait": lambda client, given: client.wait(reference(), timeout=given),
    "watch": lambda client, given: client.watch(reference(), timeout=given),
    "as_completed": lambda client, given: client.as_completed([reference(1), reference(2)], timeout=given),
    "download": lambda client, given: client.download(reference(), timeout=given),
}


@pytest.mark.parametrize("given", NO_NUMBERS, ids=repr)
@pytest.mark.parametrize("call", CALLS)
def test_a_time_that_is_no_number_is_refused_unsent(bench: Bench, call: str, given: Any) -> None:
    with bench.client as client, pytest.raises(ConfigurationError, match=r"timeout is a number.* math\.inf"):
        CALLS[call](client, given)
    assert not bench.requests


@pytest.mark.parametrize("given", NO_NUMBERS, ids=repr)
def test_a_size_that_is_no_number_is_refused_unsent(bench: Bench, given: Any) -> None:
    with bench.client as client, pytest.raises(ConfigurationError, match="limit is a number"):
        client.download(reference(), limit=given)
    assert not bench.requests


@pytest.mark.parametrize("given", [0, -1, -math.inf])
def test_a_wait_without_time_asks_once(bench: Bench, given: float) -> None:
    with bench.client as client:
        made = client.create("A cat.", model=MODELS[SOLO])
        with pytest.raises(WaitTimeout):
            client.wait(made, timeout=given)
    assert (bench.sandbox.ledger.creates, bench.sandbox.ledger.polls) == (1, 1)
    assert bench.clock.monotonic() == 0


@pytest.mark.parametrize("given", [0, -1])
def test_a_download_without_time_asks_nothing(bench: Bench, given: float, tmp_path: Path) -> None:
    held = replace(task(status=Status.SUCCEEDED, links=(LINK,)), ref=TaskRef.parse(reference()))
    with bench.client as client, pytest.raises(DownloadError, match="the time of"):
        client.download(held, tmp_path / "cat.mp4", timeout=given)
    assert not bench.requests
    assert not (tmp_path / "cat.mp4").exists()


def test_whoever_sets_no_end_waits_for_the_end_of_the_job(bench: Bench, tmp_path: Path) -> None:
    with bench.client as client:
        held = client.generate(
            "A cat. [[unknown-word:400]]", model=MODELS[SOLO], to=tmp_path / "cat.mp4", timeout=math.inf
        )
    assert held.path.exists()
    assert bench.clock.monotonic() > 1800


@pytest.mark.parametrize("given", [*NO_NUMBERS, 0, -1], ids=repr)
def test_a_pace_that_is_none_is_refused(kind: Kind, given: Any) -> None:
    with pytest.raises(ConfigurationError, match="requests_per_second"):
        kind(Account(SOLO, api_key="k", requests_per_second=given))


@pytest.mark.parametrize("cadence", [Cadence(-1, 5), Cadence(math.nan, 5), Cadence(5, math.nan), Cadence(5, 4)])
def test_a_cadence_that_is_none_is_refused(kind: Kind, cadence: Cadence) -> None:
    with pytest.raises(ConfigurationError, match="cadence"):
        kind(Account(SOLO, api_key="k", cadence=cadence))
