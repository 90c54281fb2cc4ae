"""Files and their manifests: both or neither, and what is there already is not fetched again."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reelway import ConfigurationError
from reelway.storing.files import FileStore
from reelway.storing.manifest import Manifest
from reelway.storing.template import Result
from reelway.testing.clock import START
from tests.acme import LINK
from tests.client.shelf import video
from tests.storing.hand import SMALL, fill, opened, result, store

OTHER = video(len(SMALL) + 100)


@pytest.fixture
def to(tmp_path: Path) -> str:
    return f"{tmp_path}/{{id}}.mp4"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_manifest_tells_what_a_file_is_and_nothing_private(to: str, tmp_path: Path) -> None:
    made, done = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    stored = store(to, result(created_at=made, completed_at=done, links=(LINK,)))
    assert names(tmp_path) == ["task-1.mp4", "task-1.mp4.json"]
    text = (tmp_path / "task-1.mp4.json").read_text()
    assert json.loads(text) == {
        "reference": "reelway1:acme:default::task-1",
        "provider": "acme",
        "model": "m-1",
        "status": "succeeded",
        "variant": "video",
        "created_at": "2026-03-01T00:00:00Z",
        "completed_at": "2026-03-02T00:00:00Z",
        "stored_at": START.isoformat().replace("+00:00", "Z"),
        "content_type": "video/mp4",
        "size": len(SMALL),
        "sha256": hashlib.sha256(SMALL).hexdigest(),
    }
    assert (stored.location, stored.size) == (str(tmp_path / "task-1.mp4"), len(SMALL))
    assert (stored.variant, stored.stored_at) == ("video", START)


def test_a_result_that_is_there_is_known_by_its_manifest(to: str) -> None:
    first = store(to)
    assert opened(to).kept() == first


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_file_that_was_spoilt_since_is_not_taken_for_the_result(to: str, tmp_path: Path, overwrite: bool) -> None:
    store(to)
    spoilt = bytearray(SMALL)
    spoilt[-1] ^= 1
    (tmp_path / "task-1.mp4").write_bytes(spoilt)
    if overwrite:
        assert store(to, overwrite=True).sha256 == hashlib.sha256(SMALL).hexdigest()
    else:
        with pytest.raises(ConfigurationError, match="exists already"):
            opened(to).kept()


@pytest.mark.parametrize("manifest", ["", "[]", "{}", "\ufffd", '{"reference": 1}'])
def test_what_is_no_manifest_proves_nothing(to: str, tmp_path: Path, manifest: str) -> None:
    store(to)
    (tmp_path / "task-1.mp4.json").write_text(manifest)
    with pytest.raises(ConfigurationError, match="exists already"):
        opened(to).kept()


@pytest.mark.parametrize("other", [result("task-2"), result(variant="thumbnail")], ids=["task", "variant"])
def test_another_result_is_overwritten_only_when_that_is_said(tmp_path: Path, other: Result) -> None:
    to = f"{tmp_path}/one.mp4{{label}}"
    store(to, other, OTHER)
    with pytest.raises(ConfigurationError, match="exists already"):
        store(to)
    assert store(to, overwrite=True).sha256 == hashlib.sha256(SMALL).hexdigest()
    assert names(tmp_path) == ["one.mp4none", "one.mp4none.json"]


class Killed(BaseException):
    """What stands for the end of the process."""


STEPS = ["pending manifest", "old manifest", "name", "manifest"]


def killed_before(step: str, patch: pytest.MonkeyPatch) -> None:
    def die(*_: Any, **__: Any) -> None:
        raise Killed

    owner, name = {
        "pending manifest": ("reelway.storing.files._write", ""),
        "old manifest": ("reelway.storing.files.Path.unlink", ""),
        "name": ("reelway.transport.part_file.PartFile._name", ""),
        "manifest": ("reelway.storing.files.FileStore._name_manifest", ""),
    }[step]
    patch.setattr(owner + name, die)


@pytest.mark.parametrize("before", [b"", OTHER], ids=["new", "overwritten"])
@pytest.mark.parametrize("step", STEPS)
def test_a_manifest_never_stands_without_its_file_wherever_the_process_ends(
    to: str, tmp_path: Path, step: str, before: bytes
) -> None:
    if before:
        store(to, result("task-1", variant="preview"), before)
    one = opened(to, overwrite=True)
    with pytest.MonkeyPatch.context() as patch:
        killed_before(step, patch)
        with pytest.raises(Killed):
            fill(one)
    one.close()
    target, manifest = tmp_path / "task-1.mp4", Manifest.read(content(tmp_path / "task-1.mp4.json"))
    if manifest is not None:
        assert hashlib.sha256(target.read_bytes()).hexdigest() == manifest.sha256
    if step == "manifest":
        # The file stands already, so it is known by its digest, and not fetched again.
        assert opened(to).kept() is not None
    assert store(to, overwrite=True).sha256 == hashlib.sha256(SMALL).hexdigest()
    assert names(tmp_path) == ["task-1.mp4", "task-1.mp4.json"]


@pytest.mark.parametrize("dying_at", [".part", ".part.json"])
def test_whoever_knows_a_result_takes_away_what_its_dead_publisher_left(
    to: str, tmp_path: Path, dying_at: str
) -> None:
    unlink = Path.unlink

    def die(path: Path, **options: bool) -> None:
        if path.name == f"task-1.mp4{dying_at}" and (tmp_path / "task-1.mp4").exists():
            raise Killed
        unlink(path, **options)

    one = opened(to)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "unlink", die)
        with pytest.raises(Killed):
            fill(one)
    # As long as the publisher could be alive, it is left alone.
    assert opened(to).kept() is not None
    assert f"task-1.mp4{dying_at}" in names(tmp_path)
    one.close()
    assert opened(to).kept() is not None
    assert names(tmp_path) == ["task-1.mp4", "task-1.mp4.json"]


def test_whoever_knows_a_result_leaves_the_beginning_of_another_alone(to: str, tmp_path: Path) -> None:
    store(to)
    beginning = tmp_path / "task-1.mp4.part"
    beginning.write_bytes(OTHER)
    assert opened(to).kept() is not None
    assert beginning.read_bytes() == OTHER


def content(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def test_a_file_that_appears_meanwhile_keeps_its_name_and_gets_no_manifest(to: str, tmp_path: Path) -> None:
    one = opened(to)
    assert one.kept() is None
    (tmp_path / "task-1.mp4").write_bytes(OTHER)
    with pytest.raises(Exception, match="came into being during the download"):
        fill(one)
    one.close()
    assert (tmp_path / "task-1.mp4").read_bytes() == OTHER
    assert names(tmp_path) == ["task-1.mp4", "task-1.mp4.part", "task-1.mp4.part.json"]


def test_two_processes_may_name_the_same_manifest(to: str, tmp_path: Path) -> None:
    one = opened(to)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FileStore, "_name_manifest", lambda self, path: None)
        fill(one)
    one.close()
    first, second = opened(to), opened(to)
    assert first.kept() == second.kept()
    assert names(tmp_path) == ["task-1.mp4", "task-1.mp4.json"]
