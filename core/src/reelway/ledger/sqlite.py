"""The ledger of one machine: a SQLite file, or one in memory that ends with the process."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from reelway.ledger.codec import dump, load
from reelway.ledger.interface import Ledger
from reelway.ledger.pace import AccountTimes, granted, spent
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
    chore_of,
    terminal,
)
from reelway.ledger.sqlite_file import IN_MEMORY, SqliteFile, boot_id
from reelway.model.lifecycle import Event
from reelway.model.submission import Submission, SubmissionState
from reelway.model.task import StoredResult, Task, TaskRef

HORIZON: Final = 3600.0
"""Seconds; no pause and no lease is longer. A time further ahead is from before the machine was last started."""

LONG_AGO: Final = -1e9
"""Since when a task counts as known that was known before the machine was last started."""

ENTRY: Final = "number, submission, response, task, revision"


class SqliteLedger(Ledger):
    """A ledger in a SQLite file, for all processes of one machine.

    Its times are those of the machine's monotonic clock, which all processes share and nobody sets. After a restart
    of the machine every lease is free and everything unfinished is due.
    """

    def __init__(self, path: str | Path = IN_MEMORY, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Open or create the file; without one, everything is kept in memory.

        Raises:
            LedgerError: the file cannot be opened and written to, or belongs to something else.
        """
        self._file = SqliteFile(path)
        self.name = self._file.name
        self._monotonic = monotonic
        self._after_restart()

    def close(self) -> None:
        self._file.close()

    # --- submissions ---

    def begin(self, submission: Submission) -> Entry | None:
        with self._file.writing() as database:
            earlier = _holder_of_key(database, submission.idempotency_key)
            if earlier is not None:
                return earlier
            database.execute(
                "insert into entries (submission_id, provider, account, state, label, idempotency_key,"
                " callback_digest, begun_at, submission) values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    submission.id,
                    submission.provider,
                    submission.account,
                    submission.state,
                    submission.label,
                    submission.idempotency_key,
                    submission.callback_digest,
                    submission.at.timestamp(),
                    dump(_without_response(submission)),
                ),
            )
        return None

    def note(self, submission: Submission, expected: Collection[SubmissionState]) -> bool:
        with self._file.writing() as database:
            return _noted(database, submission, expected)

    def accept(self, submission: Submission, task: Task, events: Sequence[Event] = (), *, due_in: float) -> Entry:
        with self._file.writing() as database:
            _noted(database, submission, frozenset(SubmissionState))
            held = _one(database, "ref = ?", str(task.ref))
            if held is not None:
                return held
            row = database.execute(
                "select number from entries where submission_id = ?", (submission.id,)
            ).fetchone()
            if row is None:
                number = _inserted(database, task, submission)
            else:
                [number] = row
                database.execute(
                    "update entries set ref = ?, status = ?, artifact = ?, revision = 1, task = ? where number = ?",
                    (str(task.ref), task.status, task.artifact, dump(task), number),
                )
            self._schedule(database, number, task, due_in)
            _remember(database, number, 1, events)
            return _entry(database, number)

    def submission(self, submission_id: str) -> Entry | None:
        with self._file.reading() as database:
            return _one(database, "submission_id = ?", submission_id)

    # --- tasks ---

    def track(self, task: Task, *, due_in: float = 0.0) -> Entry:
        with self._file.writing() as database:
            held = _one(database, "ref = ?", str(task.ref))
            if held is not None:
                return held
            number = _inserted(database, task, None)
            self._schedule(database, number, task, due_in)
            return _entry(database, number)

    def find(self, ref: TaskRef) -> Entry | None:
        with self._file.reading() as database:
            return _one(database, "ref = ?", str(ref))

    def entries(self, query: Query) -> list[Entry]:
        condition, values = _condition(query)
        order = "desc" if query.newest_first else "asc"
        with self._file.reading() as database:
            rows = database.execute(
                f"select {ENTRY} from entries where {condition} order by number {order} limit ?",  # noqa: S608 - from tables here
                (*values, query.limit),
            ).fetchall()
            return [_read(database, row) for row in rows]

    def save(self, changes: Sequence[Change]) -> list[bool]:
        with self._file.writing() as database:
            return [self._saved(database, change) for change in changes]

    # --- work ---

    def claim(
        self, limit: int, lease: float, paces: Mapping[AccountKey, float], chores: Collection[Chore]
    ) -> list[Claim]:
        now = self._monotonic()
        with self._file.writing() as database:
            most = {key: granted(pace, _account(database, key), now) for key, pace in paces.items()}
            due = sorted(row for key in paces for row in _due(database, key, chores, now, min(limit, most[key])))
            taken = due[:limit]
            _spend(database, paces, taken, now)
            return [_claimed(database, number, now, min(lease, HORIZON)) for _, number, _ in taken]

    def settle(self, settlements: Sequence[Settlement]) -> list[Settled]:
        now = self._monotonic()
        with self._file.writing() as database:
            return [self._settled(database, settlement, now) for settlement in settlements]

    def renew(self, claim: Claim, lease: float) -> bool:
        until = self._monotonic() + min(lease, HORIZON)
        with self._file.writing() as database:
            done = database.execute(
                "update schedule set leased_until = ? where number = ? and lease = ?",
                (until, claim.entry.number, claim.lease),
            )
            return bool(done.rowcount)

    def wake(self, numbers: Sequence[int]) -> None:
        now = self._monotonic()
        with self._file.writing() as database:
            database.executemany(
                "update schedule set woken = 1, due = min(due, max(:now, rest_until)) where number = :number",
                [{"now": now, "number": number} for number in numbers],
            )

    def hold_off(self, account: AccountKey, seconds: float) -> None:
        until = self._monotonic() + min(seconds, HORIZON)
        with self._file.writing() as database:
            database.execute(
                "insert into accounts (provider, account, held_until) values (?, ?, ?)"
                " on conflict do update set held_until = max(held_until, excluded.held_until)",
                (*account, until),
            )

    def next_due(self, paces: Mapping[AccountKey, float], chores: Collection[Chore]) -> float | None:
        now = self._monotonic()
        with self._file.reading() as database:
            times = [_first_due(database, key, pace, chores) for key, pace in paces.items()]
        known = [time for time in times if time is not None]
        return max(0.0, min(known) - now) if known else None

    def backlog(self, chores: Collection[Chore]) -> dict[AccountKey, int]:
        with self._file.reading() as database:
            counted = database.execute(
                f"select provider, account, count(*) from schedule where {_among('chore', chores)}"  # noqa: S608 - marks only
                " group by provider, account",
                tuple(chores),
            )
            return {(provider, account): count for provider, account, count in counted}

    # --- what happened ---

    def events(self, after: int = 0, limit: int = 1000) -> list[KeptEvent]:
        return self._history("position > ?", after, limit)

    def untold(self, limit: int = 1000) -> list[KeptEvent]:
        return self._history("untold and position > ?", 0, limit)

    def told(self, positions: Sequence[int]) -> None:
        with self._file.writing() as database:
            database.executemany(
                "update events set untold = null where position = ?", [(position,) for position in positions]
            )

    # --- callbacks ---

    def owner(self, token_digest: bytes) -> Entry | None:
        with self._file.reading() as database:
            return _one(database, "callback_digest = ?", token_digest.hex())

    def keep(self, callbacks: Sequence[Callback]) -> list[bool]:
        with self._file.writing() as database:
            return [_kept(database, callback) for callback in callbacks]

    def callbacks(self, number: int) -> list[Callback]:
        with self._file.reading() as database:
            rows = database.execute(
                "select received_at, headers, body from callbacks where number = ? order by position", (number,)
            ).fetchall()
        return [
            Callback(
                number=number,
                received_at=datetime.fromisoformat(received_at),
                headers=load(headers, tuple[tuple[str, str], ...]),
                body=body,
            )
            for received_at, headers, body in rows
        ]

    # --- upkeep ---

    def export(self) -> Iterator[dict[str, Any]]:
        query = Query(limit=200)
        while page := self.entries(query):
            for entry in page:
                yield load(dump(entry), dict[str, Any]) | {"callbacks": len(self.callbacks(entry.number))}
            query = msgspec.structs.replace(query, after=page[-1].number)

    def prune(self, before: datetime) -> int:
        with self._file.writing() as database:
            done = database.execute(
                "delete from entries where begun_at < ? and state is not 'ambiguous' and state is not 'sending'"
                " and number not in (select number from schedule where chore is not null)",
                (before.timestamp(),),
            )
            return done.rowcount

    def check(self) -> list[str]:
        with self._file.reading() as database:
            found = [row[0] for row in database.execute("pragma integrity_check")]
            orphans = database.execute("pragma foreign_key_check").fetchall()
        problems = [problem for problem in found if problem != "ok"]
        return [*problems, *(f"{table} {row} belongs to no entry" for table, row, *_ in orphans)]

    # --- what the methods share ---

    def _after_restart(self) -> None:
        """Free the leases of a machine that was restarted since; its monotonic clock began anew."""
        now, boot = self._monotonic(), boot_id()
        with self._file.writing() as database:
            [known] = database.execute("select id from boot").fetchone()
            if known == boot and not _beyond(database, now):
                return
            database.execute(
                "update schedule set due = ?, known_since = ?, rest_until = 0, leased_until = 0", (now, LONG_AGO)
            )
            database.execute("update accounts set free_at = 0, held_until = 0")
            database.execute("update boot set id = ?", (boot,))

    def _schedule(self, database: sqlite3.Connection, number: int, task: Task, due_in: float) -> None:
        now = self._monotonic()
        database.execute(
            "insert into schedule (number, provider, account, chore, due, rest_until, known_since)"
            " values (:number, :provider, :account, :chore, :due, :due, :now)",
            {
                "number": number,
                "provider": task.ref.provider,
                "account": task.ref.account,
                "chore": chore_of(task),
                "due": now if task.final else now + min(due_in, HORIZON),
                "now": now,
            },
        )

    def _saved(self, database: sqlite3.Connection, change: Change) -> bool:
        if not _written(database, change):
            return False
        chore = chore_of(change.task)
        database.execute(
            "update schedule set due = case when chore is ? then due else ? end, chore = ? where number = ?",
            (chore, self._monotonic(), chore, change.number),
        )
        return True

    def _settled(self, database: sqlite3.Connection, settlement: Settlement, now: float) -> Settled:
        claim, change = settlement.claim, settlement.change
        row = database.execute(
            "select lease, woken, chore from schedule where number = ?", (claim.entry.number,)
        ).fetchone()
        if row is None or row[0] != claim.lease:
            return Settled.LATE
        overtaken = change is not None and not _written(database, change)
        chore = row[2] if overtaken or change is None else chore_of(change.task)
        # Other work than before does not wait for the turn that this work would have had.
        again = 0.0 if overtaken or chore != row[2] else min(settlement.again, HORIZON)
        if row[1]:
            again = min(again, settlement.rest)
        database.execute(
            "update schedule set leased_until = 0, woken = 0, chore = ?, due = ?, rest_until = ?, interval = ?,"
            " failures = ? where number = ?",
            (
                chore,
                now + again,
                now + min(settlement.rest, HORIZON),
                settlement.interval,
                settlement.failures,
                claim.entry.number,
            ),
        )
        return Settled.OVERTAKEN if overtaken else Settled.DONE

    def _history(self, condition: str, after: int, limit: int) -> list[KeptEvent]:
        with self._file.reading() as database:
            rows = database.execute(
                f"select position, number, revision, event from events where {condition} order by position limit ?",  # noqa: S608 - from two methods here
                (after, limit),
            ).fetchall()
        return [
            KeptEvent(position=position, number=number, revision=revision, event=load(event, Event))  # type: ignore[arg-type] # a union is no type to mypy
            for position, number, revision, event in rows
        ]


# --- rows of entries ---


def _holder_of_key(database: sqlite3.Connection, key: str | None) -> Entry | None:
    if key is None:
        return None
    return _one(database, "idempotency_key = ? and state not in ('rejected', 'abandoned')", key)


def _without_response(submission: Submission) -> Submission:
    return msgspec.structs.replace(submission, response=None)


def _noted(database: sqlite3.Connection, submission: Submission, expected: Collection[SubmissionState]) -> bool:
    among = _among("state", expected)
    done = database.execute(
        f"update entries set state = ?, submission = ?, response = ? where submission_id = ? and {among}",  # noqa: S608 - marks only
        (submission.state, dump(_without_response(submission)), submission.response, submission.id, *expected),
    )
    return bool(done.rowcount)


def _inserted(database: sqlite3.Connection, task: Task, submission: Submission | None) -> int:
    """An entry for a task that nobody put on record before; its number."""
    done = database.execute(
        "insert into entries (submission_id, ref, provider, account, state, status, artifact, begun_at, revision,"
        " submission, task) values (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?) returning number",
        (
            submission and submission.id,
            str(task.ref),
            task.ref.provider,
            task.ref.account,
            submission and submission.state,
            task.status,
            task.artifact,
            task.submitted_at.timestamp(),
            submission and dump(_without_response(submission)),
            dump(task),
        ),
    )
    [number] = done.fetchone()
    return int(number)


def _one(database: sqlite3.Connection, condition: str, value: str) -> Entry | None:
    row = database.execute(f"select {ENTRY} from entries where {condition}", (value,)).fetchone()  # noqa: S608 - from the methods here
    return None if row is None else _read(database, row)


def _entry(database: sqlite3.Connection, number: int) -> Entry:
    return _read(database, database.execute(f"select {ENTRY} from entries where number = ?", (number,)).fetchone())  # noqa: S608


def _read(database: sqlite3.Connection, row: Any) -> Entry:
    number, submission, response, task, revision = row
    results = database.execute("select result from results where number = ? order by variant", (number,)).fetchall()
    return Entry(
        number=number,
        submission=None if submission is None else _with_response(load(submission, Submission), response),
        task=None if task is None else load(task, Task),
        revision=revision,
        results=tuple(load(result, StoredResult) for (result,) in results),
    )


def _with_response(submission: Submission, response: bytes | None) -> Submission:
    return submission if response is None else msgspec.structs.replace(submission, response=response)


def _among(column: str, values: Collection[str]) -> str:
    return f"{column} in ({', '.join('?' * len(values))})"


def _condition(query: Query) -> tuple[str, list[object]]:
    parts, values = ["true"], list[object]()
    for column, wanted in (("status", query.statuses), ("state", query.states), ("artifact", query.artifacts)):
        if wanted:
            parts.append(_among(column, wanted))
            values += sorted(wanted)
    for column, one in (("provider", query.provider), ("account", query.account), ("label", query.label)):
        if one is not None:
            parts.append(f"{column} = ?")
            values.append(one)
    if query.unfinished:
        parts.append(
            "(state in ('intent', 'sending', 'ambiguous')"
            " or number in (select number from schedule where chore is not null))"
        )
    if query.after:
        parts.append("number < ?" if query.newest_first else "number > ?")
        values.append(query.after)
    return " and ".join(parts), values


# --- changes and their events ---


def _written(database: sqlite3.Connection, change: Change) -> bool:
    """Write a change of a task with its events, if the task is still as it was when the change was made."""
    task, revision = change.task, change.expected + 1
    done = database.execute(
        "update entries set status = ?, artifact = ?, revision = ?, task = ? where number = ? and revision = ?",
        (task.status, task.artifact, revision, dump(task), change.number, change.expected),
    )
    if not done.rowcount:
        return False
    _remember(database, change.number, revision, change.events)
    database.executemany(
        "insert or replace into results (number, variant, result) values (?, ?, ?)",
        [(change.number, result.variant, dump(result)) for result in change.results],
    )
    return True


def _remember(database: sqlite3.Connection, number: int, revision: int, events: Sequence[Event]) -> None:
    database.executemany(
        "insert into events (number, revision, event, untold) values (?, ?, ?, ?)",
        [(number, revision, dump(event), 1 if terminal(event) else None) for event in events],
    )


def _kept(database: sqlite3.Connection, callback: Callback) -> bool:
    digest = hashlib.sha256(callback.body).digest()
    done = database.execute(
        "insert into callbacks (number, digest, received_at, headers, body) values (?, ?, ?, ?, ?)"
        " on conflict do nothing",
        (
            callback.number,
            digest,
            callback.received_at.astimezone(UTC).isoformat(),
            dump(callback.headers),
            callback.body,
        ),
    )
    return bool(done.rowcount)


# --- the schedule ---


def _due(
    database: sqlite3.Connection,
    key: AccountKey,
    chores: Collection[Chore],
    now: float,
    limit: int,
) -> list[tuple[float, int, AccountKey]]:
    """What an account may have done now: when it was due, and its entry."""
    rows = database.execute(
        f"select due, number from schedule where provider = ? and account = ? and {_among('chore', chores)}"  # noqa: S608 - marks only
        " and due <= ? and leased_until <= ? order by due limit ?",
        (*key, *chores, now, now, limit),
    )
    return [(due, number, key) for due, number in rows]


def _spend(
    database: sqlite3.Connection,
    paces: Mapping[AccountKey, float],
    taken: Sequence[tuple[float, int, AccountKey]],
    now: float,
) -> None:
    for key, pace in paces.items():
        count = sum(one == key for _, _, one in taken)
        if count:
            database.execute(
                "insert into accounts (provider, account, free_at) values (?, ?, ?)"
                " on conflict do update set free_at = excluded.free_at",
                (*key, spent(pace, _account(database, key), now, count)),
            )


def _account(database: sqlite3.Connection, key: AccountKey) -> AccountTimes:
    row = database.execute(
        "select free_at, held_until from accounts where provider = ? and account = ?", key
    ).fetchone()
    return AccountTimes() if row is None else AccountTimes(*row)


def _claimed(database: sqlite3.Connection, number: int, now: float, lease: float) -> Claim:
    row = database.execute(
        "update schedule set leased_until = ?, lease = lease + 1, woken = 0 where number = ?"
        " returning chore, lease, known_since, due, interval, failures",
        (now + lease, number),
    ).fetchone()
    chore, token, known_since, due, interval, failures = row
    return Claim(
        entry=_entry(database, number),
        chore=Chore(chore),
        lease=token,
        age=now - known_since,
        late=now - due,
        interval=interval,
        failures=failures,
    )


def _first_due(
    database: sqlite3.Connection, key: AccountKey, pace: float, chores: Collection[Chore]
) -> float | None:
    among = _among("chore", chores)
    [first] = database.execute(
        f"select min(max(due, leased_until)) from schedule where provider = ? and account = ? and {among}",  # noqa: S608 - marks only
        (*key, *chores),
    ).fetchone()
    if first is None:
        return None
    return float(max(first, *_account(database, key)))


def _beyond(database: sqlite3.Connection, now: float) -> bool:
    """Whether a time lies further ahead than any that could have been written since the machine was started."""
    [latest] = database.execute("select max(max(due, leased_until)) from schedule").fetchone()
    return latest is not None and latest > now + HORIZON
