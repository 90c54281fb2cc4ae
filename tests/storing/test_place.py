"""What is written as a place: paths, templates and URLs, and what is no place at all."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from reelway import ConfigurationError, Download
from reelway.storing.place import BucketPlace, FilePlace, Place, TemplatePlace, place_of
from tests.acme import task
from tests.storing.hand import opened, result, store


@pytest.mark.parametrize(
    ("to", "kind"),
    [
        (None, FilePlace),
        ("cat.mp4", FilePlace),
        ("videos/", FilePlace),
        ("C:\\videos\\cat.mp4", FilePlace),
        (Path("{id}.mp4"), FilePlace),
        ("{id}.mp4", TemplatePlace),
        ("videos/{provider}/", TemplatePlace),
        ("s3://videos", BucketPlace),
        ("gs://videos/{id}.mp4", BucketPlace),
        ("az://videos/cat.mp4", BucketPlace),
        ("S3://videos/cat.mp4", BucketPlace),
    ],
)
def test_the_form_tells_what_is_meant(to: str | Path | None, kind: type[Place]) -> None:
    assert type(place_of(to)) is kind


@pytest.mark.parametrize(
    ("to", "location"),
    [
        ("s3://videos", "s3://videos/task-1.mp4"),
        ("s3://videos/", "s3://videos/task-1.mp4"),
        ("s3://videos/{provider}/", "s3://videos/acme/task-1.mp4"),
        ("s3://videos/a/{id}-{variant}.mp4", "s3://videos/a/task-1-video.mp4"),
        ("s3://videos/cat.mp4", "s3://videos/cat.mp4"),
    ],
)
@pytest.mark.usefixtures("spool")
def test_a_place_in_a_bucket_has_a_key(to: str, location: str) -> None:
    one = opened(to)
    assert (one.location, one.path) == (location, None)


def test_a_template_may_begin_in_the_present_folder() -> None:
    assert opened("./videos/{id}.mp4").path == Path("videos/task-1.mp4")


def test_a_folder_in_a_template_gets_names_made_from_ids(tmp_path: Path) -> None:
    assert opened(f"{tmp_path}/{{provider}}/").path == tmp_path / "acme" / "task-1.mp4"


@pytest.mark.parametrize(
    "to",
    [
        "https://videos.example/SECRET.mp4",
        "ftp://user:SECRET@host/{id}",
        "s3://user:SECRET@bucket/{id}.mp4",
        "s3://bucket/{id}.mp4?X-Amz-Signature=SECRET",
        "s3://bucket/{id}.mp4#SECRET",
        "s3://bucket//{id}.mp4",
        "s3:///{id}.mp4",
        "s3://{provider}/{id}.mp4",
        "s3://bucket/a\nb",
        "s3://bucket/a\\..\\b",
        "s3://",
    ],
)
def test_what_is_no_place_is_refused_and_not_shown(to: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        place_of(to)
    assert caught.value.hint
    assert "SECRET" not in f"{caught.value} {caught.value.hint} {caught.value!r}"


@pytest.mark.parametrize("to", ["s3://bucket/../{id}.mp4", "s3://bucket/./{id}.mp4"])
def test_no_key_leads_back_up(to: str) -> None:
    with pytest.raises(ConfigurationError, match="leads back up"):
        place_of(to)


@pytest.mark.parametrize(
    ("to", "own"),
    [
        (None, True),
        ("videos/", True),
        ("{id}.mp4", True),
        ("{label}.mp4", False),
        ("x.mp4", False),
        ("s3://b", True),
    ],
)
def test_a_place_tells_whether_each_result_has_its_own_there(to: str | None, own: bool) -> None:
    assert place_of(to).each_its_own is own


def test_a_bucket_needs_its_library_and_says_so_before_anything_is_paid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(ConfigurationError, match="obstore") as caught:
        place_of("s3://videos/{id}.mp4").check(overwrite=False)
    assert "reelway[objectstore]" in caught.value.hint


def test_a_bucket_whose_settings_are_missing_is_refused_before_anything_is_paid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(ConfigurationError, match="how to reach az://videos") as caught:
        place_of("az://videos/{id}.mp4").check(overwrite=False)
    assert caught.value.__context__ is None


def test_a_download_is_a_file_or_an_object() -> None:
    facts = {"task": task(), "size": 1, "sha256": "a"}
    assert Download(location="cat.mp4", **facts).path == Path("cat.mp4")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"at s3://videos/cat\.mp4"):
        _ = Download(location="s3://videos/cat.mp4", **facts).path  # type: ignore[arg-type]


def test_two_results_with_one_name_are_not_mixed_up(tmp_path: Path) -> None:
    to = f"{tmp_path}/{{provider}}.mp4"
    store(to, result("task-1"))
    with pytest.raises(ConfigurationError, match="not the result of reelway1:acme:default::task-2") as caught:
        store(to, result("task-2"))
    assert caught.value.task is not None
