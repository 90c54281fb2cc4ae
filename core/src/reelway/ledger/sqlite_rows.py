"""The rows of a SQLite ledger: entries, and what hangs on them.

Every function works within the transaction of its caller.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from reelway.ledger.codec import dump, load, spelled
from reelway.ledger.quota import Kept, Quota
from reelway.ledger.reading import matching, readable, unreadable
from reelway.ledger.records import Callback, Change, Entry, KeptEvent, Query, to_be_told
from reelway.model.lifecycle import Event
from reelway.model.submission import CREATED, Submission, SubmissionState
from reelway.model.task import StoredResult, Task

COLUMNS: Final = (
    "number, submission, response, task, revision,"
    # Few entries have results when they are read, and asking for them costs as much as the entry.
    " exists (select 1 from results where results.number = entries.number)"
)

MOST: Final = 2**63 - 1
"""The largest number that a column holds, and so the largest limit that means anything."""

AMONG: Final = "in (select value from json_each(?))"
"""A condition for many at once: one statement, however many there are, costs a fraction of one for each."""

HOLDS_KEY: Final = "state not in ('rejected', 'abandoned')"
"""An attempt that created nothing has let go of its key."""


# --- finding ---


def entry_where(database: sqlite3.Connection, column: str, value: object) -> Entry | None:
    """The entry that has a value in a column."""
    row = database.execute(f"select {COLUMNS} from entries where {column} = ?", (value,)).fetchone()  # noqa: S608 - columns named in this room
    return None if row is None else _read(database, row)


def entry_of(database: sqlite3.Connection, number: int) -> Entry:
    """The entry with a number that is known to be there."""
    row = database.execute(f"select {COLUMNS} from entries where number = ?", (number,)).fetchone()  # noqa: S608
    return _read(database, row)


def entries_at(database: sqlite3.Connection, numbers: str) -> dict[int, Entry]:
    """The entries with the numbers of a JSON array, as far as they can be read."""
    rows = database.execute(f"select {COLUMNS} from entries where number {AMONG}", (numbers,)).fetchall()  # noqa: S608 - as above
    return readable(rows, partial(_read, database))


def holder_of_key(database: sqlite3.Connection, key: str | None) -> Entry | None:
    """The attempt that may create under a key."""
    if key is None:
        return None
    row = database.execute(
        f"select {COLUMNS} from entries where idempotency_key = ? and {HOLDS_KEY}",  # noqa: S608 - as above
        (spelled(key),),
    ).fetchone()
    return None if row is None else _read(database, row)


def entries_of(database: sqlite3.Connection, query: Query) -> list[Entry]:
    """The entries asked for, as far as they can be read."""
    return matching(query, partial(_rows_of, database), partial(_read, database))


def _rows_of(database: sqlite3.Connection, query: Query) -> list[Any]:
    condition, values = _condition(query)
    order = "desc" if query.newest_first else "asc"
    return database.execute(
        f"select {COLUMNS} from entries where {condition} order by number {order} limit ?",  # noqa: S608 - from tables here
        (*values, within(query.limit)),
    ).fetchall()


def within(number: int) -> int:
    """A limit or a position as SQLite takes it, which reads a limit below 0 as none at all."""
    return max(0, min(number, MOST))


def _condition(query: Query) -> tuple[str, list[object]]:
    parts, values = ["true"], list[object]()
    for column, wanted in (("status", query.statuses), ("state", query.states), ("artifact", query.artifacts)):
        if wanted:
            parts.append(among(column, wanted))
            values += sorted(wanted)
    for column, one in (("provider", query.provider), ("account", query.account), ("label", query.label)):
        if one is not None:
            parts.append(f"{column} = ?")
            values.append(spelled(one))
    if query.unfinished:
        parts.append(
            "(state in ('intent', 'sending', 'ambiguous')"
            " or number in (select number from schedule where chore is not null))"
        )
    if query.after:
        parts.append("number < ?" if query.newest_first else "number > ?")
        values.append(within(query.after))
    return " and ".join(parts), values


def among(column: str, values: Collection[str]) -> str:
    """A condition with a mark for each value."""
    return f"{column} in ({', '.join('?' * len(values))})"


def _read(database: sqlite3.Connection, row: Any) -> Entry:
    number, submission, response, task, revision, has_results = row
    return Entry(
        number=number,
        submission=None if submission is None else replace(load(submission, Submission), response=response),
        task=None if task is None else load(task, Task),
        revision=revision,
        results=_results(database, number) if has_results else (),
    )


def _results(database: sqlite3.Connection, number: int) -> tuple[StoredResult, ...]:
    rows = database.execute("select result from results where number = ? order by variant", (number,))
    return tuple(load(result, StoredResult) for (result,) in rows)


# --- attempts and tasks ---


def insert_attempt(database: sqlite3.Connection, submission: Submission) -> int:
    """An entry for a new attempt; its number."""
    [number] = database.execute(
        "insert into entries (submission_id, provider, account, state, label, idempotency_key, callback_digest,"
        " begun_at, submission, response) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) returning number",
        (
            spelled(submission.id),
            spelled(submission.provider),
            spelled(submission.account),
            submission.state,
            spelled(submission.label),
            _key_of(database, submission),
            submission.callback_digest,
            submission.at.timestamp(),
            *_documents(submission),
        ),
    ).fetchone()
    return int(number)


def insert_task(database: sqlite3.Connection, task: Task) -> int:
    """An entry for a task that was created elsewhere; its number."""
    [number] = database.execute(
        "insert into entries (ref, provider, account, status, artifact, begun_at, revision, task)"
        " values (?, ?, ?, ?, ?, ?, 1, ?) returning number",
        (
            str(task.ref),
            spelled(task.ref.provider),
            spelled(task.ref.account),
            task.status,
            task.artifact,
            task.submitted_at.timestamp(),
            dump(task),
        ),
    ).fetchone()
    return int(number)


def attach_task(database: sqlite3.Connection, submission: Submission, task: Task) -> int:
    """Write a task into the entry of the attempt that made it, and make that entry where there is none.

    Where the attempt has another task already, this one has an entry by itself.
    """
    number, other = database.execute(
        "select number, ref from entries where submission_id = ?", (spelled(submission.id),)
    ).fetchone() or (insert_attempt(database, submission), None)
    if other is not None:
        return insert_task(database, task)
    database.execute(
        "update entries set ref = ?, status = ?, artifact = ?, revision = 1, task = ? where number = ?",
        (str(task.ref), task.status, task.artifact, dump(task), number),
    )
    return int(number)


def noted(database: sqlite3.Connection, submission: Submission, expected: Collection[SubmissionState]) -> bool:
    """Write how far an attempt got, if it stood in one of the expected states and may go on to this one."""
    stands = database.execute(
        f"select idempotency_key from entries where submission_id = ? and {among('state', expected)}",  # noqa: S608 - marks only
        (spelled(submission.id), *expected),
    ).fetchone()
    if stands is None:
        return False
    if submission.state is SubmissionState.SENDING and stands[0] != spelled(submission.idempotency_key):
        return False
    key = _key_of(database, submission)
    database.execute(
        "update entries set state = ?, idempotency_key = ?, submission = ?, response = ? where submission_id = ?",
        (submission.state, key, *_documents(submission), spelled(submission.id)),
    )
    return True


def _key_of(database: sqlite3.Connection, submission: Submission) -> str | None:
    """The key that an attempt holds in its state: a wish that has come true is not made once more.

    An attempt that was given up may prove to have created something, while another has taken its key over. Then the
    key is taken back, unless that one has created something as well.
    """
    mine = (spelled(submission.idempotency_key), spelled(submission.id))
    if submission.state in CREATED:
        database.execute(
            "update entries set idempotency_key = null where idempotency_key = ? and submission_id != ?"
            " and state in ('intent', 'sending', 'ambiguous')",
            mine,
        )
    holder = database.execute(
        f"select 1 from entries where idempotency_key = ? and submission_id != ? and {HOLDS_KEY}",  # noqa: S608 - a constant
        mine,
    ).fetchone()
    return mine[0] if holder is None else None


def _documents(submission: Submission) -> tuple[bytes, bytes | None]:
    """An attempt, and the raw answer beside it, as it came."""
    return dump(replace(submission, response=None)), submission.response


# --- changes and their events ---


def written(database: sqlite3.Connection, change: Change) -> bool:
    """Write a change of a task with its events, if the task is still as it was when the change was made."""
    task, revision = change.task, change.expected + 1
    done = database.execute(
        "update entries set status = ?, artifact = ?, revision = ?, task = ? where number = ? and revision = ?",
        (task.status, task.artifact, revision, dump(task), change.number, change.expected),
    )
    if not done.rowcount:
        return False
    remember(database, change.number, revision, change.events)
    for result in change.results:
        database.execute(
            "insert or replace into results (number, variant, result) values (?, ?, ?)",
            (change.number, spelled(result.variant), dump(result)),
        )
    return True


def remember(database: sqlite3.Connection, number: int, revision: int, events: Sequence[Event]) -> None:
    """Add events to the history."""
    for event in events:
        database.execute(
            "insert into events (number, revision, event, untold) values (?, ?, ?, ?)",
            (number, revision, dump(event), 1 if to_be_told(event) else None),
        )


def history(database: sqlite3.Connection, condition: str, after: int, limit: int) -> list[KeptEvent]:
    """The events behind a position for which a condition holds."""
    rows = database.execute(
        "select position, number, revision, event from events"  # noqa: S608 - conditions named in this room
        f" where {condition} and position > ? order by position limit ?",
        (within(after), within(limit)),
    ).fetchall()
    return [
        KeptEvent(position=position, number=number, revision=revision, event=load(event, Event))  # type: ignore[arg-type] # a union is no type to mypy
        for position, number, revision, event in rows
    ]


# --- deliveries ---


class Delivery(NamedTuple):
    """A delivery as its row."""

    number: int
    digest: bytes
    received_at: str
    headers: bytes
    body: bytes

    @classmethod
    def of(cls, callback: Callback) -> Delivery:
        """The row of a callback."""
        return cls(
            number=callback.number,
            digest=hashlib.sha256(callback.body).digest(),
            received_at=callback.received_at.astimezone(UTC).isoformat(),
            headers=dump(callback.headers),
            body=callback.body,
        )


def quota_of(database: sqlite3.Connection, deliveries: Sequence[Delivery]) -> Quota:
    """What is kept already of the entries that deliveries are for."""
    held = {
        number: database.execute(
            "select count(*), coalesce(sum(length(headers) + length(body)), 0) from callbacks where number = ?",
            (number,),
        ).fetchone()
        for number in {one.number for one in deliveries}
    }
    known = "select number, digest from callbacks where number = ? and digest = ?"
    return Quota(held, [row for one in deliveries for row in database.execute(known, (one.number, one.digest))])


def keep_delivery(database: sqlite3.Connection, delivery: Delivery, quota: Quota) -> Kept:
    """Keep a delivery that is new, and that there is room for."""
    became = quota.take(delivery.number, delivery.digest, len(delivery.headers) + len(delivery.body))
    if became is Kept.NEW:
        database.execute(
            "insert into callbacks (number, digest, received_at, headers, body) values (?, ?, ?, ?, ?)", delivery
        )
    return became


def callbacks_of(database: sqlite3.Connection, number: int) -> list[Callback]:
    """The deliveries for an entry, in the order in which they came."""
    rows = database.execute(
        "select received_at, headers, body from callbacks where number = ? order by position", (within(number),)
    )
    return [
        Callback(
            number=number,
            received_at=datetime.fromisoformat(received_at),
            headers=load(headers, tuple[tuple[str, str], ...]),
            body=body,
        )
        for received_at, headers, body in rows
    ]


# --- what is wrong ---


def damage(database: sqlite3.Connection) -> list[str]:
    """What SQLite finds wrong with its pages."""
    found = list[str]()
    try:
        found += [problem for (problem,) in database.execute("pragma integrity_check")]
    except sqlite3.DatabaseError as error:
        # Some damage is such that the examination itself breaks off.
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_CORRUPT:
            raise
        found.append(str(error))
    return [problem for problem in found if problem != "ok"]


def orphans(database: sqlite3.Connection) -> list[str]:
    """Rows without the entry that they belong to."""
    found = database.execute("pragma foreign_key_check").fetchall()
    return [f"{table} {row} belongs to no entry" for table, row, *_ in found]


def forgotten(database: sqlite3.Connection) -> list[str]:
    """Tasks without a place in the schedule, which nobody would ever ask about."""
    found = database.execute(
        "select number from entries where task is not null and number not in (select number from schedule)"
    )
    return [f"entry {number} has a task that is never due" for (number,) in found]


def illegible(database: sqlite3.Connection) -> list[str]:
    """What is wrong with entries that no longer say what they said."""
    rows = database.execute(f"select {COLUMNS} from entries")  # noqa: S608 - as above
    return unreadable(rows, partial(_read, database))
