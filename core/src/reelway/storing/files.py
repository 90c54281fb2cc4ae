"""Results in the file system, each with its manifest beside it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from reelway.errors import ConfigurationError
from reelway.flow.container import SNIFF_LENGTH
from reelway.model.task import StoredResult, Task
from reelway.storing.manifest import LONGEST, Manifest
from reelway.storing.template import Result
from reelway.transport.part_file import PartFile, sync_folder


class FileStore(PartFile):
    """A file and its manifest, ``<name>.json``.

    The manifest is written before the file gets its name, and gets its own name after it. So it never stands
    without its file; and a file whose publisher died between the two is recognized by its digest, and is not
    fetched again.
    """

    def __init__(self, target: Path, result: Result, *, overwrite: bool, now: Callable[[], datetime]) -> None:
        super().__init__(target, result.source, overwrite=overwrite)
        self._result = result
        self._now = now
        self._manifest = target.with_name(target.name + ".json")
        self._pending = target.with_name(target.name + ".json.part")

    def kept(self) -> StoredResult | None:
        """What is stored, where it is this very result and whole.

        Raises:
            ConfigurationError: something else has the name, and may not be replaced.
        """
        if not os.path.lexists(self.target):
            return None
        for path in (self._manifest, self._pending):
            manifest = Manifest.read(_content(path))
            if manifest is not None and manifest.is_of(self._result) and self._describes(manifest):
                self._name_manifest(path)
                self.clear()
                return manifest.stored(self.location)
        if self._overwrite:
            return None
        raise taken(str(self.target), self._result.task)

    def publish(self) -> str:
        """Give the whole file its name, then the manifest; return the file's SHA-256.

        Raises:
            DownloadError: a file of that name appeared meanwhile, and may not be replaced.
        """
        self.suspend()
        _write(self._pending, self._described().written())
        # It tells of what is going to be replaced.
        self._manifest.unlink(missing_ok=True)
        try:
            digest = super().publish()
        except Exception:
            self._pending.unlink(missing_ok=True)
            raise
        self._name_manifest(self._pending)
        return digest

    def _described(self) -> Manifest:
        with self._path.open("rb") as part:
            start = part.read(SNIFF_LENGTH)
        return Manifest.of(
            self._result,
            start=start,
            size=self._path.stat().st_size,
            sha256=self._digest.hexdigest(),
            stored_at=self._now(),
        )

    def _describes(self, manifest: Manifest) -> bool:
        if not self.target.is_file() or self.target.stat().st_size != manifest.size:
            return False
        with self.target.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == manifest.sha256

    def _name_manifest(self, path: Path) -> None:
        # Another process may have met the same file, and have named it already.
        if path != self._manifest and path.exists():
            path.replace(self._manifest)
            sync_folder(path.parent)


def taken(place: str, task: Task) -> ConfigurationError:
    """The error that a place belongs to something else."""
    return ConfigurationError(
        f"{place} exists already, and is not the result of {task.ref}.",
        hint="Choose another place, or allow it to be overwritten.",
        task=task,
    )


def _content(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(LONGEST)
    except OSError:
        return None


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
