"""A file that cannot be used is told of in plain words, and nothing in it is harmed."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from reelway.errors import Fault, LedgerError
from reelway.ledger.quota import Kept
from reelway.ledger.records import Callback
from reelway.ledger.schema import APPLICATION_ID, MIGRATIONS
from reelway.ledger.sqlite import SqliteLedger
from reelway.ledger.sqlite_file import SqliteFile
from reelway.testing.ledgers.kit import NOW, further, held, new_task

NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "jobs.db"


def refusal(path: Path, patience: float = 0.0) -> LedgerError:
    """What is said of a file that cannot be opened."""
    with pytest.raises(LedgerError) as refused:
        SqliteLedger(path, patience=patience)
    assert f"sqlite:{path}" in refused.value.message
    assert refused.value.hint
    return refused.value


@contextmanager
def raw(path: Path) -> Iterator[sqlite3.Connection]:
    """The file as SQLite itself sees it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        yield database


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


# --- what was written is written ---


def test_every_commit_is_brought_to_the_disk(path: Path) -> None:
    for _ in range(2):
        with SqliteLedger(path) as ledger, ledger._file.reading() as database:
            told = {name: database.execute(f"pragma {name}").fetchone()[0] for name in PROMISED}
            assert told == PROMISED


PROMISED = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "application_id": APPLICATION_ID,
    "user_version": len(MIGRATIONS),
}


def test_a_ledger_is_called_by_its_url(path: Path) -> None:
    with SqliteLedger(path) as in_file, SqliteLedger() as in_memory:
        assert (in_file.name, in_memory.name) == (f"sqlite:{path}", "memory:")


def test_a_commit_that_fails_leaves_no_transaction_behind(path: Path) -> None:
    with SqliteLedger(path) as ledger:
        with pytest.raises(LedgerError):
            leave_an_orphan(ledger._file)
        task = new_task()
        ledger.track(task)
        assert held(ledger, task).task == task
        assert ledger.check() == []


def leave_an_orphan(file: SqliteFile) -> None:
    """A transaction that only its commit refuses."""
    with file.writing() as database:
        database.execute("pragma defer_foreign_keys = on")
        database.execute("insert into results (number, variant, result) values (99, 'video', x'00')")


# --- whose file it is ---


def test_an_empty_file_becomes_a_ledger(path: Path) -> None:
    path.touch()
    with SqliteLedger(path) as ledger:
        assert ledger.check() == []


def test_a_ledger_of_a_later_release_is_left_alone(path: Path) -> None:
    SqliteLedger(path).close()
    with raw(path) as database:
        database.execute("pragma user_version = 99")
    before = digest(path)
    error = refusal(path)
    assert "later release (schema 99" in error.message
    assert "Upgrade" in error.hint
    assert (error.fault, error.retryable) == (Fault.CALLER, False)
    assert digest(path) == before


@pytest.mark.parametrize(
    "text", [b"milk", b"to do: buy milk\n" * 100, b"\0" * 4096, b"SQLite format 3\0" + b"x" * 5000]
)
def test_a_file_of_another_kind_is_left_alone(path: Path, text: bytes) -> None:
    path.write_bytes(text)
    assert "Name another file" in refusal(path).hint
    assert path.read_bytes() == text


@pytest.mark.parametrize("mark", ["create table bookmarks (url)", "pragma application_id = 1234"])
def test_another_programs_database_is_left_alone(path: Path, mark: str) -> None:
    with raw(path) as database:
        database.execute(mark)
    before = digest(path)
    error = refusal(path)
    assert "another program's database" in error.message
    assert (error.fault, error.retryable) == (Fault.CALLER, False)
    assert digest(path) == before


@pytest.mark.parametrize("name", ["", "missing/jobs.db", "jobs\0.db"])
def test_a_place_where_no_file_can_be_says_so(tmp_path: Path, name: str) -> None:
    refusal(tmp_path / name)


# --- who may use it ---


@contextmanager
def as_anybody() -> Iterator[None]:
    """Lets go of what an administrator may do, which is everything."""
    if os.geteuid():
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody can see, which those of pytest are not."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)
        Path(folder).chmod(0o777)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are told otherwise there")
def test_a_file_that_may_only_be_read_is_refused(place: Path) -> None:
    path = place / "jobs.db"
    with as_anybody():
        SqliteLedger(path).close()
        path.chmod(0o444)
        assert "it may only be read" in refusal(path).message


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are told otherwise there")
@pytest.mark.parametrize("existing", [False, True])
def test_a_folder_that_may_only_be_read_is_refused(place: Path, existing: bool) -> None:
    path = place / "jobs.db"
    if existing:
        SqliteLedger(path).close()
        path.chmod(0o666)
    place.chmod(0o555)
    with as_anybody():
        assert "may" in refusal(path).hint or "allow" in refusal(path).hint


# --- trouble on the way ---


def test_a_file_that_another_process_keeps_locked_says_so(path: Path) -> None:
    with SqliteLedger(path, patience=0.0) as ledger, raw(path) as database:
        database.execute("begin immediate")
        assert "another process keeps it locked" in refusal(path).message
        with pytest.raises(LedgerError, match="another process keeps it locked") as refused:
            ledger.track(new_task())
        assert refused.value.retryable
        assert ledger.find(new_task().ref) is None
        database.execute("rollback")
        ledger.track(new_task())


def test_a_full_disk_takes_nothing_away(path: Path) -> None:
    with SqliteLedger(path) as ledger:
        entry = ledger.track(new_task())
        with ledger._file.reading() as database:
            [pages] = database.execute("pragma page_count").fetchone()
            # SQLite's own way of being told how much room there is.
            database.execute(f"pragma max_page_count = {pages}")
        large = Callback(number=entry.number, received_at=NOW, body=bytes(100_000))
        with pytest.raises(LedgerError, match="the disk is full") as refused:
            ledger.keep([large])
        assert "Make room" in refused.value.hint
        assert refused.value.retryable
        assert ledger.save([further(entry)]) == [True]
        with ledger._file.reading() as database:
            database.execute("pragma max_page_count = 1000000")
        assert ledger.callbacks(entry.number) == []
        assert ledger.keep([large]) == [Kept.NEW]
        assert ledger.check() == []


def test_a_damaged_file_is_told_of_and_not_read_wrongly(path: Path) -> None:
    tasks = [new_task() for _ in range(300)]
    with SqliteLedger(path) as ledger:
        for task in tasks:
            ledger.track(task)
    whole = bytearray(path.read_bytes())
    page = whole.index(f'"id":"{tasks[150].id}"'.encode()) // 4096
    whole[page * 4096 : (page + 1) * 4096] = b"\xa5" * 4096
    path.write_bytes(whole)
    with SqliteLedger(path) as ledger:
        found = list[str]()
        for task in tasks:
            try:
                entry = ledger.find(task.ref)
                assert entry is None or entry.task == task
            except LedgerError as error:
                found.append(error.message)
        assert any("it is damaged" in message for message in found)
        assert ledger.check() != []


def test_an_entry_that_cannot_be_read_is_named(path: Path) -> None:
    with SqliteLedger(path) as ledger:
        good, bad = ledger.track(new_task()), ledger.track(new_task())
        assert good.task is not None
        assert bad.task is not None
        with ledger._file.writing() as database:
            database.execute("update entries set task = x'7b' where number = ?", (bad.number,))
        with pytest.raises(LedgerError, match="cannot be read") as refused:
            ledger.find(bad.task.ref)
        assert "backup" in refused.value.hint
        assert ledger.find(good.task.ref) == good
        [problem] = ledger.check()
        assert problem.startswith(f"entry {bad.number}: ")


def test_a_row_that_belongs_to_nothing_is_named(path: Path) -> None:
    with SqliteLedger(path) as ledger:
        with raw(path) as database:
            database.execute("insert into results (number, variant, result) values (99, 'video', x'00')")
        assert ledger.check() == ["results 1 belongs to no entry"]


def test_a_task_that_is_never_due_is_named(path: Path) -> None:
    with SqliteLedger(path) as ledger:
        ledger.track(new_task())
        with raw(path) as database:
            database.execute("delete from schedule")
        assert ledger.check() == ["entry 1 has a task that is never due"]


# --- the schema moves forward ---

LATER = (*MIGRATIONS, ("alter table entries add column priority integer", "update entries set priority = 7"))


def test_a_file_of_an_earlier_schema_is_brought_forward(path: Path) -> None:
    task = new_task()
    with SqliteLedger(path) as ledger:
        ledger.track(task)
    file = SqliteFile(path, migrations=LATER)
    with file.reading() as database:
        assert database.execute("select ref, priority from entries").fetchall() == [(str(task.ref), 7)]
        assert database.execute("pragma user_version").fetchone() == (len(LATER),)
    file.close()
    assert "later release" in refusal(path).message


@pytest.mark.parametrize("broken", ["select nonsense", "insert into entries (number) values ('text')"])
def test_a_schema_that_cannot_be_brought_forward_stays_as_it_was(path: Path, broken: str) -> None:
    task = new_task()
    with SqliteLedger(path) as ledger:
        ledger.track(task)
    with pytest.raises(LedgerError):
        SqliteFile(path, migrations=(*LATER, (broken,)))
    with SqliteLedger(path) as ledger, ledger._file.reading() as database:
        assert database.execute("pragma user_version").fetchone() == (len(MIGRATIONS),)
        columns = {name for _, name, *_ in database.execute("pragma table_info(entries)")}
        assert "priority" not in columns
    with SqliteLedger(path) as ledger:
        assert held(ledger, task).task == task


def test_a_new_file_that_cannot_be_made_whole_is_made_later(path: Path) -> None:
    with pytest.raises(LedgerError):
        SqliteFile(path, migrations=(*MIGRATIONS, ("select nonsense",)))
    with SqliteLedger(path) as ledger:
        assert ledger.check() == []
