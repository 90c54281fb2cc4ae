"""A crash at any moment leaves the whole file under its name, or remains that are continued or thrown away."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reelway.errors import DownloadError, Fault
from reelway.flow.stream import ResumePoint
from reelway.transport import part_file
from reelway.transport.part_file import PartFile

VIDEO = bytes(range(256)) * 40
TAG = '"tag-1"'


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "video.mp4"


def begun(
    target: Path, content: bytes = VIDEO, *, tag: str | None = TAG, source: str = "task-1", overwrite: bool = False
) -> PartFile:
    part = PartFile(target, source, overwrite=overwrite)
    part.start(ResumePoint(0, tag))
    part.append(content)
    return part


def left_behind(target: Path, content: bytes = VIDEO[:1000], **facts: Any) -> None:
    begun(target, content, **facts).close()


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- the good way ---


def test_a_whole_file_gets_its_name_and_nothing_is_left_beside_it(target: Path) -> None:
    digest = begun(target).publish()
    assert target.read_bytes() == VIDEO
    assert digest == hashlib.sha256(VIDEO).hexdigest()
    assert files(target.parent) == ["video.mp4"]


def test_nothing_stands_under_the_name_before_the_file_is_published(target: Path) -> None:
    part = begun(target)
    part.close()
    assert files(target.parent) == ["video.mp4.part", "video.mp4.part.json"]


def test_a_whole_file_is_published_also_when_its_notes_are_gone(target: Path) -> None:
    part = begun(target)
    target.with_name("video.mp4.part.json").unlink()
    part.publish()
    assert files(target.parent) == ["video.mp4"]


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b" / "video.mp4"
    begun(deep).publish()
    assert deep.read_bytes() == VIDEO


def test_an_older_file_of_that_name_stays_until_the_new_one_is_whole(target: Path) -> None:
    target.write_bytes(b"old")
    part = begun(target, overwrite=True)
    assert target.read_bytes() == b"old"
    part.publish()
    assert target.read_bytes() == VIDEO


@pytest.mark.parametrize("length", [1, 1000])
def test_what_has_arrived_is_continued_and_the_digest_covers_all_of_it(target: Path, length: int) -> None:
    left_behind(target, VIDEO[:length])
    part = PartFile(target, "task-1")
    resume = part.resume_point()
    assert resume == ResumePoint(length, TAG)
    part.start(resume)
    part.append(VIDEO[length:])
    assert part.publish() == hashlib.sha256(VIDEO).hexdigest()
    assert target.read_bytes() == VIDEO


def test_a_large_beginning_is_digested_block_by_block(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_file, "BLOCK", 7)
    left_behind(target)
    part = PartFile(target, "task-1")
    part.start(part.resume_point())
    part.append(VIDEO[1000:])
    assert part.publish() == hashlib.sha256(VIDEO).hexdigest()


def test_what_stands_behind_the_resume_point_is_cut_off(target: Path) -> None:
    left_behind(target)
    part = PartFile(target, "task-1")
    part.start(ResumePoint(600, TAG))
    part.append(VIDEO[600:])
    part.publish()
    assert target.read_bytes() == VIDEO


def test_starting_anew_forgets_what_was_there(target: Path) -> None:
    left_behind(target)
    part = PartFile(target, "task-1")
    part.start(ResumePoint(0, '"tag-2"'))
    part.append(b"new")
    assert part.publish() == hashlib.sha256(b"new").hexdigest()
    assert target.read_bytes() == b"new"


def test_suspending_and_closing_may_be_done_at_any_time_and_twice(target: Path) -> None:
    part = PartFile(target, "task-1")
    part.suspend()
    part.close()
    left_behind(target)
    part.discard()
    part.discard()
    part.close()
    assert files(target.parent) == []


def test_appending_needs_a_start(target: Path) -> None:
    with pytest.raises(ValueError, match=r"^start\(\) comes before append\(\)\.$"):
        PartFile(target, "task-1").append(b"x")


# --- remains that are not taken ---


def test_without_remains_everything_starts_at_zero(target: Path) -> None:
    assert PartFile(target, "task-1").resume_point() == ResumePoint()


def test_remains_of_another_task_are_not_taken(target: Path) -> None:
    left_behind(target, source="task-2")
    assert PartFile(target, "task-1").resume_point() == ResumePoint()


def test_remains_without_a_validator_are_not_taken(target: Path) -> None:
    left_behind(target, tag=None)
    assert PartFile(target, "task-1").resume_point() == ResumePoint()


@pytest.mark.parametrize(
    "notes",
    [b"", b"{", b"[]", b"null", b'{"source": 1}', b'{"validator": "x"}', b"\xff\xfe", b'{"source":"task-1"}'],
)
def test_remains_with_damaged_notes_are_not_taken(target: Path, notes: bytes) -> None:
    left_behind(target)
    (target.parent / "video.mp4.part.json").write_bytes(notes)
    assert PartFile(target, "task-1").resume_point() == ResumePoint()


@pytest.mark.parametrize("missing", ["video.mp4.part", "video.mp4.part.json"])
def test_half_of_the_remains_is_not_taken(target: Path, missing: str) -> None:
    left_behind(target)
    (target.parent / missing).unlink()
    assert PartFile(target, "task-1").resume_point() == ResumePoint()


def test_a_stranger_s_part_file_is_not_taken(target: Path) -> None:
    (target.parent / "video.mp4.part").write_bytes(b"a stranger's")
    part = PartFile(target, "task-1")
    assert part.resume_point() == ResumePoint()
    part.close()
    begun(target).publish()
    assert target.read_bytes() == VIDEO


# --- crashes ---


class Crash(Exception):
    """The process dies here."""


def steps_of(
    action: Callable[[], Any], monkeypatch: pytest.MonkeyPatch, *, dying_at: int | None = None
) -> list[str]:
    """The steps on the disk that an action takes, in order; it dies before the one of that number."""
    steps: list[str] = []

    def watched(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*args: Any, **kwargs: Any) -> Any:
            if len(steps) == dying_at:
                raise Crash
            steps.append(name)
            return real(*args, **kwargs)

        return step

    with monkeypatch.context() as patch:
        for owner, name in (
            (os, "fsync"),
            (Path, "replace"),
            (Path, "hardlink_to"),
            (Path, "unlink"),
            (Path, "write_bytes"),
            (Path, "open"),
        ):
            patch.setattr(owner, name, watched(name, getattr(owner, name)))
        try:
            action()
        except Crash:
            steps.append("crash")
    return steps


@pytest.mark.parametrize("overwrite", [False, True])
def test_the_bytes_are_on_the_disk_before_the_name_and_the_name_before_the_end(
    target: Path, monkeypatch: pytest.MonkeyPatch, overwrite: bool
) -> None:
    part = begun(target, overwrite=overwrite)
    # The last to go is the lock.
    named = ["replace", "unlink"] if overwrite else ["hardlink_to", "unlink", "unlink"]
    assert steps_of(part.publish, monkeypatch) == ["open", "fsync", *named, "fsync", "unlink"]


def test_old_bytes_are_gone_before_a_new_validator_vouches_for_what_is_there(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left_behind(target)
    part = PartFile(target, "task-1")
    assert steps_of(lambda: part.start(ResumePoint(0, '"tag-2"')), monkeypatch) == [
        "unlink",
        "open",
        "write_bytes",
        "open",
    ]
    part.close()


@pytest.mark.parametrize("dying_at", range(5))
def test_dying_at_a_new_start_never_lets_old_bytes_pass_for_new_ones(
    target: Path, monkeypatch: pytest.MonkeyPatch, dying_at: int
) -> None:
    left_behind(target)
    part = PartFile(target, "task-1")
    steps_of(lambda: part.start(ResumePoint(0, '"tag-2"')), monkeypatch, dying_at=dying_at)
    part.close()
    resume = PartFile(target, "task-1").resume_point()
    assert resume.size == 0 or resume.validator == TAG


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("dying_at", range(8))
def test_dying_while_publishing_leaves_the_whole_file_or_remains(
    target: Path, monkeypatch: pytest.MonkeyPatch, dying_at: int, overwrite: bool
) -> None:
    part = begun(target, overwrite=overwrite)
    steps_of(part.publish, monkeypatch, dying_at=dying_at)
    part.close()
    after = PartFile(target, "task-1")
    if target.exists():
        assert target.read_bytes() == VIDEO
        assert after.resume_point() == ResumePoint()
    else:
        assert after.resume_point() == ResumePoint(len(VIDEO), TAG)


KILLED = """
import os, signal, sys
from pathlib import Path
from reelway.flow.stream import ResumePoint
from reelway.transport.part_file import PartFile

part = PartFile(Path(sys.argv[1]), "task-1")
part.start(ResumePoint(0, '"tag-1"'))
for _ in range(100):
    part.append(bytes(range(256)) * 40)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_killed_process_leaves_a_true_beginning(target: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(target)], check=False)
    assert killed.returncode == -9
    assert not target.exists()
    part = PartFile(target, "task-1")
    resume = part.resume_point()
    assert resume.size > 100_000
    part.start(resume)
    whole = VIDEO * 100
    part.append(whole[resume.size :])
    assert part.publish() == hashlib.sha256(whole).hexdigest()
    assert target.read_bytes() == whole


PART, NOTES = "video.mp4.part", "video.mp4.part.json"


@pytest.mark.parametrize("left", [[PART, NOTES], [PART], [NOTES], []])
def test_what_a_dead_publisher_left_is_taken_away(target: Path, left: list[str]) -> None:
    left_behind(target, VIDEO)
    target.hardlink_to(target.with_name(PART))
    for name in {PART, NOTES} - set(left):
        target.with_name(name).unlink()
    PartFile(target, "task-1").clear()
    assert files(target.parent) == ["video.mp4"]
    assert target.read_bytes() == VIDEO


def test_the_beginning_of_another_file_is_not_taken_away(target: Path) -> None:
    target.write_bytes(VIDEO)
    left_behind(target)
    PartFile(target, "task-1").clear()
    assert files(target.parent) == ["video.mp4", PART, NOTES]


def test_what_a_living_publisher_holds_is_not_taken_away(target: Path) -> None:
    part = begun(target, VIDEO)
    part.suspend()
    target.hardlink_to(target.with_name(PART))
    PartFile(target, "task-1").clear()
    assert files(target.parent) == ["video.mp4", PART, NOTES, "video.mp4.part.lock"]
    part.close()


def test_a_disk_that_is_full_at_the_end_leaves_the_file_closed(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def close(self) -> None:
            raise OSError(28, "No space left on device")

    part = PartFile(target, "task-1")
    monkeypatch.setattr(part, "_file", Full())
    with pytest.raises(OSError, match="No space"):
        part.suspend()
    part.close()


def test_a_folder_that_cannot_be_opened_is_no_obstacle(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> int:
        raise PermissionError(13, "Permission denied")

    part = begun(target)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        part.publish()
    assert target.read_bytes() == VIDEO


# --- two downloads to one name ---


@pytest.mark.parametrize("first_use", ["resume_point", "start"])
def test_what_one_download_writes_no_other_one_touches(target: Path, first_use: str) -> None:
    part, other = begun(target), PartFile(target, "task-1")
    with pytest.raises(DownloadError, match=re.escape(f"Another download is writing {target}.")) as caught:
        other.resume_point() if first_use == "resume_point" else other.start(ResumePoint(0, TAG))
    assert (caught.value.retryable, caught.value.fault) == (True, Fault.CALLER)
    assert caught.value.hint == "Wait until it has ended, or choose another name."
    other.close()
    part.publish()
    assert target.read_bytes() == VIDEO


def test_between_its_connections_and_before_its_end_a_download_keeps_the_file(target: Path) -> None:
    part = begun(target)
    part.suspend()
    with pytest.raises(DownloadError):
        PartFile(target, "task-1").resume_point()
    part.discard()
    with pytest.raises(DownloadError):
        PartFile(target, "task-1").resume_point()
    part.close()


def test_what_marks_a_download_as_running_stands_beside_it_and_is_nothing_to_run(target: Path) -> None:
    part = begun(target)
    assert files(target.parent) == ["video.mp4.part", "video.mp4.part.json", "video.mp4.part.lock"]
    assert target.with_name("video.mp4.part.lock").stat().st_mode & 0o111 == 0
    part.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there nobody can take it away")
def test_a_mark_that_somebody_took_away_is_no_obstacle_at_the_end(target: Path) -> None:
    part = begun(target)
    target.with_name("video.mp4.part.lock").unlink(missing_ok=True)
    part.publish()
    assert files(target.parent) == ["video.mp4"]


def test_whoever_comes_later_may_go_on(target: Path) -> None:
    left_behind(target)
    part = PartFile(target, "task-1")
    assert part.resume_point() == ResumePoint(1000, TAG)
    part.close()
    assert files(target.parent) == ["video.mp4.part", "video.mp4.part.json"]


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_anew(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder, waiting = begun(target), PartFile(target, "task-1")
    real = part_file._lock

    def after_the_holder(handle: int) -> bool:
        holder.close()
        return real(handle)

    with monkeypatch.context() as patch:
        patch.setattr(part_file, "_lock", after_the_holder)
        waiting.resume_point()
    with pytest.raises(DownloadError):
        PartFile(target, "task-1").resume_point()
    waiting.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there it is another call")
def test_a_file_system_without_locks_is_no_obstacle(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    begun(target).publish()
    assert target.read_bytes() == VIDEO


def test_the_whole_length_is_remembered(target: Path) -> None:
    part = PartFile(target, "task-1")
    part.start(ResumePoint(0, TAG, 5000))
    part.append(VIDEO[:1000])
    part.close()
    after = PartFile(target, "task-1")
    assert after.resume_point() == ResumePoint(1000, TAG, 5000)
    after.close()


# --- a name that is taken meanwhile ---


def without_links(*_: Any) -> None:
    raise PermissionError(1, "Operation not permitted")


@pytest.mark.parametrize("links", [True, False])
def test_a_file_that_appeared_meanwhile_is_not_replaced(
    target: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", without_links)
    part = begun(target)
    target.write_bytes(b"somebody's")
    with pytest.raises(DownloadError, match="came into being") as caught:
        part.publish()
    part.close()
    assert target.read_bytes() == b"somebody's"
    assert target.with_name("video.mp4.part").read_bytes() == VIDEO
    assert (caught.value.retryable, caught.value.fault) == (False, Fault.CALLER)
    assert f"The whole result is in {target}.part: move it" in caught.value.hint


def test_a_file_system_without_links_is_no_obstacle(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "hardlink_to", without_links)
    begun(target).publish()
    assert target.read_bytes() == VIDEO
    assert files(target.parent) == ["video.mp4"]


def test_a_file_that_a_dead_publisher_named_is_not_written_to_any_more(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = begun(target)
    steps_of(part.publish, monkeypatch, dying_at=3)
    part.close()
    assert target.stat().st_nlink == 2
    after = PartFile(target, "task-1", overwrite=True)
    assert after.resume_point() == ResumePoint()
    after.start(ResumePoint(0, TAG))
    after.append(b"new")
    assert target.read_bytes() == VIDEO
    after.publish()
    assert target.read_bytes() == b"new"
