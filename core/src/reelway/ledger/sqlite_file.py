"""One SQLite file: opened with care, brought to the present schema, its errors told in plain words."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

from reelway.errors import Fault, LedgerError
from reelway.ledger.schema import APPLICATION_ID, MIGRATIONS, SCHEMA
from reelway.locks import ForkSafeLock

IN_MEMORY: Final = ":memory:"

PATIENCE: Final = 10.0
"""Seconds to wait for another process that is writing."""

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")

TROUBLE: Final = {
    "SQLITE_FULL": ("the disk is full", "Make room, then call again."),
    "SQLITE_READONLY": ("it may only be read", "See who owns the file and its folder, and what they allow."),
    "SQLITE_CANTOPEN": ("it cannot be opened or created", "See whether the folder exists and may be written to."),
    "SQLITE_PERM": ("it may not be opened", "See who owns the file and its folder, and what they allow."),
    "SQLITE_BUSY": ("another process keeps it locked", "Find the program that holds it, or wait for it."),
    "SQLITE_LOCKED": ("it is locked", "Call again."),
    "SQLITE_NOTADB": ("it is no SQLite file", "Name another file; this one belongs to something else."),
    "SQLITE_CORRUPT": ("it is damaged", "Restore it from a backup, or export what can still be read."),
    "SQLITE_IOERR": ("the disk refuses to read or write", "See to the disk, then call again."),
}
"""What SQLite says (https://www.sqlite.org/rescode.html), in words, and what to do."""


class SqliteFile:
    """A connection that threads share, and that a forked process opens anew."""

    def __init__(self, path: str | Path) -> None:
        """Open or create the file.

        Raises:
            LedgerError: it cannot be opened and written to, or belongs to something else or to a later release.
        """
        self.name = f"sqlite:{path}"
        self._path = str(path)
        self._lock = ForkSafeLock()
        self._process = os.getpid()
        self._database: sqlite3.Connection | None = self._opened()

    def close(self) -> None:
        with self._lock:
            if self._database is not None and self._process == os.getpid():
                self._database.close()
            self._database = None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all that is done within is written, or nothing of it."""
        with self._lock, self._telling() as database:
            # At once, because a reader that turns writer half-way can be refused without waiting.
            database.execute("begin immediate")
            try:
                yield database
            except BaseException:
                _roll_back(database)
                raise
            else:
                database.execute("commit")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """What is read within is of one moment."""
        with self._lock, self._telling() as database:
            database.execute("begin")
            try:
                yield database
            finally:
                _roll_back(database)

    @contextmanager
    def _telling(self) -> Iterator[sqlite3.Connection]:
        try:
            yield self._connection()
        except sqlite3.Error as error:
            self._tell(error)

    def _connection(self) -> sqlite3.Connection:
        if self._process != os.getpid():
            # No connection may be carried into a forked process (https://www.sqlite.org/howtocorrupt.html, 2.6).
            self._process, self._database = os.getpid(), self._opened()
        if self._database is None:
            raise LedgerError(f"The ledger {self.name} is closed.", hint="Open it anew.")
        return self._database

    def _opened(self) -> sqlite3.Connection:
        try:
            database = sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            self._tell(error)
        try:
            self._prepare(database)
        except sqlite3.Error as error:
            database.close()
            self._tell(error)
        except BaseException:
            database.close()
            raise
        return database

    def _prepare(self, database: sqlite3.Connection) -> None:
        self._check_owner(database)
        database.execute("pragma journal_mode = wal")
        # What was written outlives a power cut (https://www.sqlite.org/pragma.html#pragma_synchronous).
        database.execute("pragma synchronous = full")
        database.execute("pragma foreign_keys = on")
        # Shows as well, before anything costs money, whether the file may be written to.
        database.execute("begin immediate")
        try:
            self._check_owner(database)
            _migrate(database)
            database.execute("commit")
        except BaseException:
            _roll_back(database)
            raise

    def _check_owner(self, database: sqlite3.Connection) -> None:
        [application] = database.execute("pragma application_id").fetchone()
        [version] = database.execute("pragma user_version").fetchone()
        [tables] = database.execute("select count(*) from sqlite_master").fetchone()
        if application not in {0, APPLICATION_ID} or (application == 0 and tables):
            hint = "Name another file; this one belongs to something else."
            raise _unusable(f"{self.name} is no ledger, but another program's database.", hint)
        if version > SCHEMA:
            hint = "Upgrade Reelway here, or name another file."
            raise _unusable(
                f"{self.name} was written by a later release (schema {version}, this one: {SCHEMA}).", hint
            )

    def _tell(self, error: sqlite3.Error) -> NoReturn:
        code = getattr(error, "sqlite_errorname", "")
        what, hint = next(
            (told for name, told in TROUBLE.items() if code.startswith(name)), (f"SQLite says: {error}", None)
        )
        raise LedgerError(f"The ledger {self.name} cannot be used: {what}.", hint=hint) from error


def _migrate(database: sqlite3.Connection) -> None:
    """Bring the schema forward, one version after the other, within the transaction under way."""
    [version] = database.execute("pragma user_version").fetchone()
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            database.execute(statement)
    database.execute(f"pragma application_id = {APPLICATION_ID}")
    database.execute(f"pragma user_version = {SCHEMA}")


def _roll_back(database: sqlite3.Connection) -> None:
    if database.in_transaction:
        database.execute("rollback")


def _unusable(message: str, hint: str) -> LedgerError:
    error = LedgerError(message, hint=hint)
    error.fault, error.retryable = Fault.CALLER, False
    return error


def boot_id() -> str:
    """Names the run of this machine since it was last started; empty where it has no name."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""
