"""The unfinished file beside its target: resumed only when that is proven right, published only when whole."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from pathlib import Path
from typing import BinaryIO, NoReturn

import msgspec

from reelway.errors import DownloadError, Fault
from reelway.flow.container import Completeness, completeness_of
from reelway.flow.stream import ResumePoint
from reelway.model.task import StoredResult

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

BLOCK = 1024 * 1024


class _Notes(msgspec.Struct, frozen=True):
    """What a part file is the beginning of."""

    source: str
    validator: str = ""
    total: int | None = None


class PartFile:
    """``<name>.part`` beside the target, and ``<name>.part.json`` with what is needed to resume it.

    From its first use until ``close`` or ``publish`` it belongs to one download; another one is refused meanwhile.
    """

    def __init__(self, target: Path, source: str, *, overwrite: bool = False) -> None:
        """``source`` names the result, so that another task's remains are never taken for its beginning."""
        self.target = target
        self._overwrite = overwrite
        self._lock = _Lock(target.with_name(target.name + ".part.lock"))
        self._source = source
        self._path = target.with_name(target.name + ".part")
        self._notes = target.with_name(target.name + ".part.json")
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()

    @property
    def path(self) -> Path | None:
        """The file, as it was named; None where the result does not end up in one."""
        return self.target

    @property
    def location(self) -> str:
        """Where the result will be, as it may be kept."""
        return str(self.target.absolute())

    def kept(self) -> StoredResult | None:
        """Nothing tells what stands under a bare name, so nothing there is taken for the result."""
        return None

    def resume_point(self) -> ResumePoint:
        """How much is there, and under which validator; nothing where that cannot be proven."""
        if not self.target.parent.is_dir():
            return ResumePoint()
        self._claim()
        try:
            notes = msgspec.json.decode(self._notes.read_bytes(), type=_Notes)
            found = self._path.stat()
        except (OSError, msgspec.MsgspecError):
            return ResumePoint()
        # With a second name it is a published file, whose publisher died before it took the first name away.
        if notes.source != self._source or not notes.validator or found.st_nlink > 1:
            return ResumePoint()
        return ResumePoint(found.st_size, notes.validator, notes.total)

    def start(self, resume: ResumePoint) -> None:
        """Open the file for appending after ``resume.size`` bytes; what stands behind them is cut off."""
        self.suspend()
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self._claim()
        self._digest = hashlib.sha256()
        if not resume.size:
            # Not emptied: the same file may already stand under the final name.
            self._path.unlink(missing_ok=True)
        self._file = self._path.open("r+b" if resume.size else "xb")
        self._digest_first(resume.size)
        self._file.truncate(resume.size)
        # Only now: noted any earlier, the new validator would vouch for old bytes if this process died here.
        self._note(resume)

    def append(self, chunk: bytes) -> None:
        """Write the next bytes."""
        self._open_file().write(chunk)
        self._digest.update(chunk)

    def completeness(self) -> Completeness:
        """What the structure of the closed file tells of its end."""
        with self._path.open("rb") as written:
            return completeness_of(written)

    def suspend(self) -> None:
        """Close the file and keep what has arrived; it still belongs to this download."""
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def give_up(self) -> None:
        """Nothing that is done to a file on this machine takes long enough to be broken off."""

    def close(self) -> None:
        """Close the file and let other downloads have it."""
        try:
            self.suspend()
        finally:
            self._lock.release()

    def publish(self) -> str:
        """Give the whole file its final name, safely against a crash, and return its SHA-256.

        Raises:
            DownloadError: a file of that name appeared meanwhile, and may not be replaced.
        """
        self.suspend()
        # Open for writing, because some systems refuse to sync what is open for reading.
        with self._path.open("r+b") as written:
            os.fsync(written.fileno())
        self._name()
        self._notes.unlink(missing_ok=True)
        sync_folder(self.target.parent)
        self._lock.release()
        return self._digest.hexdigest()

    def discard(self) -> None:
        """Forget what has arrived."""
        self.suspend()
        self._path.unlink(missing_ok=True)
        self._notes.unlink(missing_ok=True)

    def clear(self) -> None:
        """Take away what is left of a download whose process died after the target had got its name."""
        if not (self._path.exists() or self._notes.exists()) or not self._lock.take():
            return
        try:
            # Another file of the name is the beginning of something else.
            if not self._path.exists() or self._path.samefile(self.target):
                self._path.unlink(missing_ok=True)
                self._notes.unlink(missing_ok=True)
        finally:
            self._lock.release()

    def _claim(self) -> None:
        if not self._lock.take():
            busy = DownloadError(
                f"Another download is writing {self.path or self.location}.",
                hint="Wait until it has ended, or choose another name.",
            )
            busy.fault = Fault.CALLER
            raise busy

    def _name(self) -> None:
        if self._overwrite:
            self._path.replace(self.target)
            return
        try:
            _name_anew(self._path, self.target)
        except FileExistsError:
            self._refuse_name()

    def _refuse_name(self) -> NoReturn:
        taken = DownloadError(
            f"{self.target} came into being during the download and was not touched.",
            hint=f"The whole result is in {self._path}: move it, or download to another name.",
        )
        taken.fault, taken.retryable = Fault.CALLER, False
        raise taken from None

    def _open_file(self) -> BinaryIO:
        if self._file is None:
            raise ValueError("start() comes before append().")
        return self._file

    def _note(self, resume: ResumePoint) -> None:
        notes = _Notes(self._source, resume.validator or "", resume.total)
        self._notes.write_bytes(msgspec.json.encode(notes))

    def _digest_first(self, size: int) -> None:
        file = self._open_file()
        while size > 0 and (block := file.read(min(size, BLOCK))):
            self._digest.update(block)
            size -= len(block)


class _Lock:
    """A lock on a file of its own, which the system lets go of however the process ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self) -> bool:
        """Take it, unless somebody else has it; whoever has it may take it again."""
        while self._handle is None:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666)
            if not _lock(handle):
                os.close(handle)
                return False
            # Whoever had it may have removed the file in between, and then this is a lock on nothing.
            if _is_at(handle, self._path):
                self._handle = handle
            else:
                os.close(handle)
        return True

    def release(self) -> None:
        """Let go of it, and leave no file; nobody needs it, and a file that stays does no harm."""
        handle, self._handle = self._handle, None
        if handle is None:
            return
        # Removed while it is held, so that two never hold locks on two files of the name.
        try:
            with contextlib.suppress(OSError):
                self._path.unlink()
        finally:
            os.close(handle)
        if sys.platform == "win32":
            # There only a closed file can be removed, and none that another download has opened.
            with contextlib.suppress(OSError):
                self._path.unlink()


def _lock(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        # Some network file systems have no locks. A download there is worth more than none.
        return True
    return True


def _is_at(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _name_anew(path: Path, name: Path) -> None:
    """Rename, but never onto a file that exists."""
    try:
        # A link fails where the name is taken, in one step; most systems let a rename replace what is there.
        name.hardlink_to(path)
    except FileExistsError:
        raise
    except OSError:
        # A file system without links leaves a look before the leap.
        if os.path.lexists(name):
            raise FileExistsError(name) from None
        path.rename(name)
    else:
        path.unlink()


def sync_folder(folder: Path) -> None:
    """See that names in a folder survive the death of the machine."""
    # Not every system lets a folder be opened; there the rename is as durable as it gets.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
