"""One SQLite file: opened with care, brought to the present schema, its errors told in plain words."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn
from weakref import WeakSet

from reelway.errors import Fault, LedgerError
from reelway.ledger.schema import APPLICATION_ID, MIGRATIONS
from reelway.locks import ForkSafeLock

IN_MEMORY: Final = ":memory:"

PATIENCE: Final = 10.0
"""Seconds to wait for another process that is writing."""

AGAIN: Final = 0.01
"""Seconds after which something is tried again for which SQLite itself does not wait."""

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

    def __init__(
        self, path: str | Path, *, patience: float = PATIENCE, migrations: Sequence[Sequence[str]] = MIGRATIONS
    ) -> None:
        """Open or create the file.

        Args:
            path: where it is.
            patience: seconds to wait for another process that is writing.
            migrations: the steps from nothing to the present schema.

        Raises:
            LedgerError: it cannot be opened and written to, or belongs to something else or to a later release.
        """
        self.name = _name(path)
        self._path = str(path)
        self._patience = patience
        self._migrations = migrations
        self._lock = ForkSafeLock()
        self._process = os.getpid()
        self._closed = False
        self._database: sqlite3.Connection | None = None
        with _REGISTER:
            _OPEN.add(self)
        with self._lock:
            self._database = self._opened()

    def close(self) -> None:
        """Let go of the file; what is asked of it from now on is refused."""
        with self._lock:
            self._closed = True
            self._let_go()

    def before_fork(self) -> None:
        """Wait until no thread is at work, and let go of the file, so that the new process inherits nothing of it.

        What a fork copies of an open SQLite file damages the file
        (https://www.sqlite.org/howtocorrupt.html, section 2.6). One in memory is copied whole, and is no file.
        """
        self._lock.__enter__()
        if self._path != IN_MEMORY:
            self._let_go()

    def after_fork(self) -> None:
        """Go on in the process that was forked."""
        self._lock.__exit__()

    def _let_go(self) -> None:
        database, self._database = self._database, None
        if database is not None and self._process == os.getpid():
            database.close()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all that is done within is written, or nothing of it."""
        with self._lock, self._telling() as database, _transaction(database):
            yield database

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
        if self._closed:
            raise _unusable(f"The ledger {self.name} is closed.", "Open it anew.")
        if self._path != IN_MEMORY and self._process != os.getpid():
            # A fork that Python did not make ran no hook. What it copied is kept, because closing it does harm too.
            _INHERITED.append(self._database)
            self._database = None
        if self._database is None:
            self._database = self._opened()
        self._process = os.getpid()
        return self._database

    def _opened(self) -> sqlite3.Connection:
        try:
            database = sqlite3.connect(
                self._path, timeout=self._patience, isolation_level=None, check_same_thread=False
            )
        except (sqlite3.Error, ValueError) as error:
            self._tell(error)
        try:
            self._prepare(database)
        except BaseException as error:
            database.close()
            if isinstance(error, sqlite3.Error):
                self._tell(error)
            raise
        return database

    def _prepare(self, database: sqlite3.Connection) -> None:
        # Before anything is changed in it; of one moment, because another process may be making the tables.
        with _transaction(database, "begin"):
            self._check_owner(database)
        _write_ahead(database, self._patience)
        # What was written outlives a power cut (https://www.sqlite.org/pragma.html#pragma_synchronous).
        database.execute("pragma synchronous = full")
        database.execute("pragma foreign_keys = on")
        # Shows as well, before anything costs money, whether the file may be written to.
        with _transaction(database):
            self._check_owner(database)
            self._migrate(database)

    def _check_owner(self, database: sqlite3.Connection) -> None:
        [application] = database.execute("pragma application_id").fetchone()
        [version] = database.execute("pragma user_version").fetchone()
        [tables] = database.execute("select count(*) from sqlite_master").fetchone()
        known = len(self._migrations)
        if application not in {0, APPLICATION_ID} or (application == 0 and tables):
            hint = "Name another file; this one belongs to something else."
            raise _unusable(f"{self.name} is no ledger, but another program's database.", hint)
        if version > known:
            hint = "Upgrade Reelway here, or name another file."
            raise _unusable(
                f"{self.name} was written by a later release (schema {version}, this one: {known}).", hint
            )

    def _migrate(self, database: sqlite3.Connection) -> None:
        """Bring the schema forward, one version after the other, within the transaction under way."""
        [version] = database.execute("pragma user_version").fetchone()
        for statements in self._migrations[version:]:
            for statement in statements:
                database.execute(statement)
        database.execute(f"pragma application_id = {APPLICATION_ID}")
        database.execute(f"pragma user_version = {len(self._migrations)}")

    def _tell(self, error: Exception) -> NoReturn:
        code = getattr(error, "sqlite_errorname", "")
        what, hint = next(
            (told for name, told in TROUBLE.items() if code.startswith(name)), (f"SQLite says: {error}", None)
        )
        raise LedgerError(f"The ledger {self.name} cannot be used: {what}.", hint=hint) from error


@contextmanager
def _transaction(database: sqlite3.Connection, begin: str = "begin immediate") -> Iterator[None]:
    # At once, because a reader that turns writer half-way can be refused without waiting.
    database.execute(begin)
    try:
        yield
        database.execute("commit")
    except BaseException:
        _roll_back(database)
        raise


def _write_ahead(database: sqlite3.Connection, patience: float) -> None:
    """Have readers and the writer not wait for each other (https://www.sqlite.org/wal.html).

    When a new file is changed to that, SQLite does not wait for others by itself.
    """
    until = time.monotonic() + patience
    while True:
        try:
            database.execute("pragma journal_mode = wal")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                raise
            time.sleep(AGAIN)
        else:
            return


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


def _name(path: str | Path) -> str:
    """How a ledger is called in messages; the URL that opens it."""
    return "memory:" if str(path) == IN_MEMORY else f"sqlite:{path}"


# --- forks ---

_OPEN: Final[WeakSet[SqliteFile]] = WeakSet()

_REGISTER: Final = ForkSafeLock()

_FORKING: Final[list[SqliteFile]] = []
"""Held by the fork that is under way; there is one at a time."""

_INHERITED: Final[list[sqlite3.Connection | None]] = []
"""Never used and never closed in this process."""


def _before_fork() -> None:
    _REGISTER.__enter__()
    for file in _OPEN:
        file.before_fork()
        _FORKING.append(file)


def _after_fork() -> None:
    while _FORKING:
        _FORKING.pop().after_fork()
    _REGISTER.__exit__()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_FORKING.clear)
