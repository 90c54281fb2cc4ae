"""Where a client's results go: templates and object stores, from both clients alike."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from reelway import ConfigurationError, Download, DownloadError
from reelway.flow.effects import Observe, Open, Send
from reelway.model.task import StoredResult
from reelway.sandbox.video import reel
from tests.client.both import CLIENTS, Bench, Kind
from tests.storing.s3 import LocalS3

MODEL = "seedance-2"


@pytest.fixture(params=CLIENTS, ids=lambda kind: kind.__name__)
def bench(request: pytest.FixtureRequest) -> Bench:
    kind: Kind = request.param
    return Bench(kind, "infinityblue")


def test_a_template_names_the_file(bench: Bench, tmp_path: Path) -> None:
    with bench.client as client:
        held = client.generate(model=MODEL, to=f"{tmp_path}/{{provider}}/{{account}}/{{variant}}-{{id}}.mp4")
    assert held.path == tmp_path / "infinityblue" / "default" / f"video-{held.task.id}.mp4"
    assert_whole(held.path.read_bytes(), held)
    assert [one.location for one in told(bench)] == [str(held.path)]


def assert_whole(content: bytes, held: Download) -> None:
    assert content.startswith(reel())
    assert hashlib.sha256(content).hexdigest() == held.sha256


def told(bench: Bench) -> list[StoredResult]:
    return [one.result for one in bench.trace if isinstance(one, Observe) and one.result is not None]


def test_an_object_store_takes_the_result(bench: Bench, s3: LocalS3, spool: Path) -> None:
    with bench.client as client:
        held = client.generate(model=MODEL, to="s3://videos/{provider}/{id}.mp4")
        again = client.download(held.task, "s3://videos/{provider}/{id}.mp4")
    key = f"infinityblue/{held.task.id}.mp4"
    assert held.location == again.location == f"s3://videos/{key}"
    assert_whole(s3.objects[key], held)
    manifest = msgspec.json.decode(s3.objects[f"{key}.json"])
    assert (manifest["reference"], manifest["sha256"]) == (str(held.task.ref), held.sha256)
    assert len([one for one in bench.trace if isinstance(one, Open)]) == 1
    assert s3.count("put") == 1
    assert [path for path in spool.iterdir() if path.suffix != ".lock"] == []


def test_the_day_in_a_name_is_that_of_the_task_also_for_a_bare_reference(bench: Bench, tmp_path: Path) -> None:
    to = f"{tmp_path}/{{date}}/{{id}}.mp4"
    with bench.client as client:
        task = client.wait(client.create(model=MODEL))
        first = client.download(task, to)
        bench.clock.advance(3 * 24 * 3600)
        again = client.download(str(task.ref), to)
    assert task.created_at is not None
    assert (
        first.path == again.path == tmp_path / task.created_at.astimezone(UTC).date().isoformat() / f"{task.id}.mp4"
    )
    assert bench.clock.now() > datetime(2026, 1, 3, tzinfo=UTC)


@pytest.mark.parametrize("to", ["{prompt}.mp4", "../{id}.mp4", "ftp://host/x.mp4", "az://videos/{id}.mp4"])
def test_a_place_that_cannot_be_is_refused_before_anything_is_paid(
    bench: Bench, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with bench.client as client, pytest.raises(ConfigurationError):
        client.generate(model=MODEL, to=to)
    assert not [one for one in bench.trace if isinstance(one, Send)]


def test_a_store_that_refuses_costs_no_second_download_and_no_second_create(
    bench: Bench, s3: LocalS3, spool: Path
) -> None:
    to = "s3://videos/{id}.mp4"
    with bench.client as client:
        s3.faults["put"] = ["403"]
        with pytest.raises(DownloadError, match="do not allow it") as caught:
            client.generate(model=MODEL, to=to)
        assert caught.value.task is not None
        assert caught.value.resubmit_safe is False
        held = client.download(caught.value.task, to)
    assert_whole(s3.objects[f"{held.task.id}.mp4"], held)
    assert bench.sandbox.ledger.creates == 1
    assert len([one for one in bench.trace if isinstance(one, Open)]) == 1


@pytest.mark.parametrize("word", ["expired-link", "truncated"])
def test_what_goes_wrong_with_a_link_goes_wrong_before_the_object_store_hears_of_it(
    bench: Bench, s3: LocalS3, word: str
) -> None:
    with bench.client as client:
        held = client.generate(f"A cat [[{word}]]", model=MODEL, to="s3://videos/{id}.mp4")
    assert_whole(s3.objects[f"{held.task.id}.mp4"], held)
    assert s3.count("put") == 1
