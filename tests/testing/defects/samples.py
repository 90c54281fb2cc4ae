"""Defects of the samples themselves."""

from __future__ import annotations

import json
from pathlib import Path

from tests.testing.defects.defect import samples_caught_by


@samples_caught_by("samples.every-kind-of-answer-is-there")
def no_failure(folder: Path) -> None:
    """No sample shows a job that failed."""
    for file in folder.glob("get-failed*"):
        file.unlink()


@samples_caught_by("samples.every-sample-has-its-reading")
def no_reading(folder: Path) -> None:
    """Nobody said what a sample means."""
    (folder / "get-failed.reading.json").unlink()


@samples_caught_by("samples.every-sample-has-its-reading")
def misspelt_reading(folder: Path) -> None:
    """A reading has a field that no reading has."""
    change(folder / "get-failed.reading.json", state="failed")


@samples_caught_by("samples.every-reading-has-its-sample")
def no_sample(folder: Path) -> None:
    """A sample was renamed and its reading was not."""
    (folder / "get-failed.json").rename(folder / "get-refused.json")


@samples_caught_by("samples.answer-means-what-is-written")
def another_meaning(folder: Path) -> None:
    """What is written down about a sample is not what it means."""
    change(folder / "get-in-progress.reading.json", progress=41)


@samples_caught_by("samples.answer-means-what-is-written")
def forgotten_task(folder: Path) -> None:
    """A callback that speaks of one task is said to speak of two."""
    file = folder / "callback-completed.reading.json"
    file.write_text(json.dumps([json.loads(file.read_text())] * 2))


@samples_caught_by("samples.request-is-written-as-recorded")
def another_request(folder: Path) -> None:
    """The documented request has a field that is not written."""
    change(folder / "request-create.json", quality="high")


@samples_caught_by("samples.nothing-secret-was-recorded")
def recorded_key(folder: Path) -> None:
    """A key was recorded with an answer."""
    change(folder / "get-failed.json", note="used sk-" + "a1B2" * 8)


@samples_caught_by("samples.nothing-secret-was-recorded")
def recorded_link(folder: Path) -> None:
    """A signed link was recorded with an answer."""
    signed = "https://cdn.example/1.mp4?X-Amz-Signature=" + "0af3" * 16
    change(folder / "get-completed.json", mirror=signed)


@samples_caught_by("samples.every-sample-has-its-source")
def no_source(folder: Path) -> None:
    """Nobody said where a sample comes from."""
    for ending in (".json", ".reading.json"):
        (folder / f"found-somewhere{ending}").write_text((folder / f"get-failed{ending}").read_text())


def change(file: Path, **members: object) -> None:
    """Add members to the object in a file."""
    file.write_text(json.dumps(json.loads(file.read_text()) | members))
