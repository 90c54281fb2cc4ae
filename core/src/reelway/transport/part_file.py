"""The unfinished file beside its target: resumed only when that is proven right, published only when whole."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path
from typing import BinaryIO

import msgspec

from reelway.flow.stream import ResumePoint

BLOCK = 1024 * 1024


class PartFile:
    """``<name>.part`` beside the target, and ``<name>.part.json`` with what is needed to resume it.

    Not for two downloads to one target at the same time.
    """

    def __init__(self, target: Path, source: str) -> None:
        """``source`` names the result, so that another task's remains are never taken for its beginning."""
        self._target = target
        self._source = source
        self._path = target.with_name(target.name + ".part")
        self._notes = target.with_name(target.name + ".part.json")
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()

    def resume_point(self) -> ResumePoint:
        """How much is there, and under which validator; nothing where that cannot be proven."""
        try:
            notes = msgspec.json.decode(self._notes.read_bytes(), type=dict[str, str])
            size = self._path.stat().st_size
        except (OSError, msgspec.MsgspecError):
            return ResumePoint()
        validator = notes.get("validator")
        if notes.get("source") != self._source or not validator:
            return ResumePoint()
        return ResumePoint(size, validator)

    def start(self, resume: ResumePoint) -> None:
        """Open the file for appending after ``resume.size`` bytes; what stands behind them is cut off."""
        self.suspend()
        self._target.parent.mkdir(parents=True, exist_ok=True)
        self._digest = hashlib.sha256()
        self._file = self._path.open("r+b" if resume.size else "wb")
        self._digest_first(resume.size)
        self._file.truncate(resume.size)
        # Only now: noted any earlier, the new validator would vouch for old bytes if this process died here.
        self._note(resume)

    def append(self, chunk: bytes) -> None:
        """Write the next bytes."""
        self._open_file().write(chunk)
        self._digest.update(chunk)

    def suspend(self) -> None:
        """Close the file and keep what has arrived."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    close = suspend

    def publish(self) -> str:
        """Give the whole file its final name, safely against a crash, and return its SHA-256."""
        self.suspend()
        # Open for writing, because some systems refuse to sync what is open for reading.
        with self._path.open("r+b") as written:
            os.fsync(written.fileno())
        self._path.replace(self._target)
        self._notes.unlink(missing_ok=True)
        _sync_folder(self._target.parent)
        return self._digest.hexdigest()

    def discard(self) -> None:
        """Forget what has arrived."""
        self.suspend()
        self._path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)

    def _open_file(self) -> BinaryIO:
        if self._file is None:
            raise ValueError("start() comes before append().")
        return self._file

    def _note(self, resume: ResumePoint) -> None:
        notes = {"source": self._source, "validator": resume.validator or ""}
        self._notes.write_bytes(msgspec.json.encode(notes))

    def _digest_first(self, size: int) -> None:
        file = self._open_file()
        while size > 0 and (block := file.read(min(size, BLOCK))):
            self._digest.update(block)
            size -= len(block)


def _sync_folder(folder: Path) -> None:
    # Not every system lets a folder be opened; there the rename is as durable as it gets.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
