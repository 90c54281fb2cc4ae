"""The ledger of one machine: a SQLite file, or one in memory that ends with the process."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from reelway.ledger import sqlite_rows as rows
from reelway.ledger import sqlite_schedule as turns
from reelway.ledger.codec import spelled
from reelway.ledger.interface import Ledger
from reelway.ledger.quota import Kept
from reelway.ledger.records import (
    AccountKey,
    Callback,
    Change,
    Chore,
    Claim,
    Entry,
    KeptEvent,
    Query,
    Settled,
    Settlement,
)
from reelway.ledger.sqlite_file import IN_MEMORY, PATIENCE, SqliteFile, boot_id
from reelway.model.lifecycle import Event
from reelway.model.submission import Submission, SubmissionState
from reelway.model.task import Task, TaskRef


class SqliteLedger(Ledger):
    """A ledger in a SQLite file, for all processes of one machine.

    Its times are those of the machine's monotonic clock, which all processes share and nobody sets. After a restart
    of the machine every lease is free and everything unfinished is due.
    """

    def __init__(
        self,
        path: str | Path = IN_MEMORY,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        patience: float = PATIENCE,
    ) -> None:
        """Open or create the file; without one, everything is kept in memory.

        Args:
            path: the file. Its folder has to be there.
            monotonic: the clock, in seconds.
            patience: seconds to wait for another process that is writing.

        Raises:
            LedgerError: the file cannot be opened and written to, or belongs to something else.
        """
        self._file = SqliteFile(path, patience=patience)
        self.name = self._file.name
        self._monotonic = monotonic
        try:
            with self._file.writing() as database:
                turns.begin_anew(database, boot_id(), monotonic())
        except BaseException:
            self._file.close()
            raise

    def close(self) -> None:
        self._file.close()

    # --- submissions ---

    def begin(self, submission: Submission) -> Entry | None:
        with self._file.writing() as database:
            earlier = rows.holder_of_key(database, submission.idempotency_key)
            if earlier is None:
                rows.insert_attempt(database, submission)
        return earlier

    def note(self, submission: Submission, expected: Collection[SubmissionState]) -> bool:
        with self._file.writing() as database:
            return rows.noted(database, submission, expected)

    def accept(self, submission: Submission, task: Task, events: Sequence[Event] = (), *, due_in: float) -> Entry:
        with self._file.writing() as database:
            rows.noted(database, submission, frozenset(SubmissionState))
            held = rows.entry_where(database, "ref", str(task.ref))
            if held is not None:
                return held
            number = rows.attach_task(database, submission, task)
            turns.schedule(database, number, task, self._monotonic(), due_in)
            rows.remember(database, number, 1, events)
            return rows.entry_of(database, number)

    def submission(self, submission_id: str) -> Entry | None:
        with self._file.reading() as database:
            return rows.entry_where(database, "submission_id", spelled(submission_id))

    # --- tasks ---

    def track(self, task: Task, *, due_in: float = 0.0) -> Entry:
        with self._file.writing() as database:
            held = rows.entry_where(database, "ref", str(task.ref))
            if held is not None:
                return held
            number = rows.insert_task(database, task)
            turns.schedule(database, number, task, self._monotonic(), due_in)
            return rows.entry_of(database, number)

    def find(self, ref: TaskRef) -> Entry | None:
        with self._file.reading() as database:
            return rows.entry_where(database, "ref", str(ref))

    def entries(self, query: Query) -> list[Entry]:
        with self._file.reading() as database:
            return rows.entries_of(database, query)

    def save(self, changes: Sequence[Change]) -> list[bool]:
        with self._file.writing() as database:
            saved = [rows.written(database, change) for change in changes]
            for change in (change for change, done in zip(changes, saved, strict=True) if done):
                turns.reschedule(database, change.number, change.task, self._monotonic())
            return saved

    # --- work ---

    def claim(
        self, limit: int, lease: float, paces: Mapping[AccountKey, float], chores: Collection[Chore]
    ) -> list[Claim]:
        with self._file.writing() as database:
            now = self._monotonic()
            taken = turns.due_turns(database, paces, frozenset(chores), now, rows.within(limit))
            turns.spend(database, paces, taken, now)
            return turns.claimed(database, taken, now, lease)

    def settle(self, settlements: Sequence[Settlement]) -> list[Settled]:
        with self._file.writing() as database:
            return turns.settled(database, settlements, self._monotonic())

    def renew(self, claim: Claim, lease: float) -> bool:
        with self._file.writing() as database:
            return turns.renewed(database, claim, self._monotonic(), lease)

    def wake(self, numbers: Sequence[int]) -> None:
        with self._file.writing() as database:
            turns.wake(database, numbers, self._monotonic())

    def hold_off(self, account: AccountKey, seconds: float) -> None:
        with self._file.writing() as database:
            turns.hold_off(database, account, self._monotonic() + min(seconds, turns.HORIZON))

    def next_due(self, paces: Mapping[AccountKey, float], chores: Collection[Chore]) -> float | None:
        with self._file.reading() as database:
            now = self._monotonic()
            times = [turns.first_turn(database, account, pace, chores) for account, pace in paces.items()]
        known = [time for time in times if time is not None]
        return max(0.0, min(known) - now) if known else None

    def backlog(self, chores: Collection[Chore]) -> dict[AccountKey, int]:
        with self._file.reading() as database:
            return turns.backlog(database, chores)

    # --- what happened ---

    def events(self, after: int = 0, limit: int = 1000) -> list[KeptEvent]:
        with self._file.reading() as database:
            return rows.history(database, "true", after, limit)

    def untold(self, limit: int = 1000) -> list[KeptEvent]:
        with self._file.reading() as database:
            return rows.history(database, "untold", 0, limit)

    def told(self, positions: Sequence[int]) -> None:
        with self._file.writing() as database:
            database.executemany(
                "update events set untold = null where position = ?", [(position,) for position in positions]
            )

    # --- callbacks ---

    def owner(self, token_digest: bytes) -> Entry | None:
        with self._file.reading() as database:
            return rows.entry_where(database, "callback_digest", token_digest.hex())

    def keep(self, callbacks: Sequence[Callback]) -> list[Kept]:
        deliveries = [rows.Delivery.of(callback) for callback in callbacks]
        with self._file.writing() as database:
            quota = rows.quota_of(database, deliveries)
            return [rows.keep_delivery(database, one, quota) for one in deliveries]

    def callbacks(self, number: int) -> list[Callback]:
        with self._file.reading() as database:
            return rows.callbacks_of(database, number)

    # --- upkeep ---

    def prune(self, before: datetime, *, unstored: bool = False) -> int:
        with self._file.writing() as database:
            done = database.execute(
                "delete from entries where begun_at < ?"
                " and (state is null or state not in ('intent', 'sending', 'ambiguous'))"
                " and number not in (select number from schedule where chore is not null and chore is not ?)",
                (before.timestamp(), Chore.STORE if unstored else None),
            )
            return done.rowcount

    def check(self) -> list[str]:
        with self._file.reading() as database:
            # The rows of a damaged file cannot be judged one by one.
            return rows.damage(database) or [
                *rows.orphans(database),
                *rows.forgotten(database),
                *rows.illegible(database),
            ]
