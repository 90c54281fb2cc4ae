"""`--to` takes places of all kinds."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelway.sandbox import Sandbox
from tests.cli.command import reelway
from tests.cli.test_tasks import LINKED, QUICK, done
from tests.storing.s3 import LocalS3

pytestmark = pytest.mark.usefixtures("keys")


def test_generate_stores_in_an_object_store_and_prints_where(s3: LocalS3) -> None:
    options = (*LINKED, *QUICK, "--allow-private-links", "--to", "s3://videos/{provider}/{id}.mp4")
    said = reelway("generate", "A cat", *options, "--json")
    assert said.code == 0
    [key, manifest] = sorted(s3.objects)
    assert said.record["path"] == f"s3://videos/{key}"
    assert manifest == f"{key}.json"
    assert said.record["bytes"] == len(s3.objects[key])


def test_several_results_are_named_by_a_template(tmp_path: Path) -> None:
    refs = [done(), done()]
    said = reelway("download", *refs, "--allow-private-links", "--to", "films/{provider}-{id}.mp4")
    assert said.code == 0
    assert len(list((tmp_path / "films").glob("cometapi-*.mp4"))) == 2
    assert len(said.out.splitlines()) == 2
    # What is there already is neither fetched nor refused.
    assert reelway("download", *refs, "--to", "films/{provider}-{id}.mp4").out == said.out


@pytest.mark.parametrize("to", ["{prompt}.mp4", "../{id}.mp4", "gopher://videos/x.mp4"])
def test_a_place_that_cannot_be_costs_nothing(sandbox: Sandbox, to: str) -> None:
    said = reelway("generate", "A cat", *LINKED, *QUICK, "--to", to)
    assert said.code == 2
    assert sandbox.ledger.creates == 0
