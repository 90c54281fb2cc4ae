"""The ledger of several machines: a schema in a PostgreSQL database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from reelway.ledger.codec import load
from reelway.ledger.interface import Ledger
from reelway.ledger.quota import Kept, Quota
from reelway.ledger.reading import matching, readable, unreadable
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
from reelway.model.lifecycle import Event
from reelway.model.secret import Secret
from reelway.model.submission import CREATED, Submission, SubmissionState
from reelway.model.task import Task, TaskRef
from reelway_postgres import entries as sql
from reelway_postgres import schedule, upkeep
from reelway_postgres.address import Address
from reelway_postgres.changes import SAVE, SETTLE, change_values, in_turns, settled, settlement_values
from reelway_postgres.database import Database, Session, array
from reelway_postgres.migration import bring_forward

CONNECTIONS: Final = 10
"""How many connections one ledger opens at most."""

PATIENCE: Final = 10.0
"""Seconds to wait for a server that is starting, or for a connection that other threads use."""


class PostgresLedger(Ledger):
    """A ledger in a PostgreSQL database, for the processes of many machines.

    Its times are those of the server's clock, and only ever compared with each other, so the clocks of the workers
    do not matter; where the server's is set, leases and pauses end earlier or later by as much, and those more than
    an hour ahead when a ledger is next opened. It holds nothing in a session: a
    pooler may hand each transaction to another one.

    Where the line breaks while a statement is under way, :class:`reelway.errors.LedgerError` is raised and nobody
    knows whether it was written; nothing is sent twice by itself. Calling again is safe for every method: what was
    written already is found, and not written a second time. What the second call says is then about the first:

    -   ``begin``, ``accept``, ``track``, ``told``, ``wake`` and ``hold_off`` do as if they were called once.
    -   ``note`` and ``save`` say False, and ``keep`` says KNOWN, for it stands there already: read again to know.
    -   ``settle`` says OVERTAKEN, and the task has one turn more than it would have had.
    -   The tasks of a lost ``claim`` are free when their leases run out.
    """

    def __init__(self, url: str | Secret, *, connections: int = CONNECTIONS, patience: float = PATIENCE) -> None:
        """Open the ledger at an address, and create its tables where there are none.

        Args:
            url: ``postgresql://user:password@host:5432/database``, with all that libpq takes as parameters
                (https://www.postgresql.org/docs/current/libpq-connect.html), and ``schema`` besides; without it,
                the tables are in the schema ``reelway``.
            connections: how many are opened at most, one for each thread that is in a method.
            patience: seconds to wait, once it is open, for a server that is away, and for a connection.

        Raises:
            ConfigurationError: the address cannot be read.
            LedgerError: the server cannot be reached or refuses, or the schema belongs to something else.
        """
        # From here on, no traceback that shows local variables shows a password.
        url = url if isinstance(url, Secret) else Secret(url)
        address = Address.of(url)
        self.name = address.name
        self._accounts: dict[AccountKey, int] = {}
        # Where nothing answers at first, the address may be wrong, so that is told at once.
        opening = Database(address, connections=1, patience=0)
        try:
            bring_forward(opening, self.name, address.schema)
            for statement in (schedule.TURNS_IN_REACH, schedule.ACCOUNTS_IN_REACH):
                opening.rows(statement, {"horizon": schedule.HORIZON})
        finally:
            opening.close()
        self._database = Database(address, connections=connections, patience=patience)

    def close(self) -> None:
        self._database.close()

    # --- submissions ---

    def begin(self, submission: Submission) -> Entry | None:
        values = sql.submission_values(submission)
        while self._database.one(sql.BEGIN, values) is None:
            if submission.idempotency_key and (row := self._database.one(sql.HOLDER_OF_KEY, values)):
                earlier = sql.read(row)
                # This one itself: the answer to an earlier call was lost.
                return None if earlier.submission and earlier.submission.id == submission.id else earlier
            if self.submission(submission.id):
                return None
        return None

    def note(self, submission: Submission, expected: Collection[SubmissionState]) -> bool:
        values = sql.submission_values(submission) | {"expected": [state.value for state in expected]}
        if submission.state not in CREATED:
            return self._database.one(sql.NOTE, values) is not None

        def noted(session: Session) -> bool:
            if session.one(sql.STANDS, values) is None:
                return False
            session.rows(sql.LET_GO, values)
            return session.one(sql.NOTE, values) is not None

        return self._database.together(noted)

    def accept(self, submission: Submission, task: Task, events: Sequence[Event] = (), *, due_in: float) -> Entry:
        account = self._account(task)

        def accepted(session: Session) -> Entry:
            values = sql.submission_values(submission) | {"expected": list(SubmissionState)}
            session.rows(sql.LET_GO, values)
            session.rows(sql.NOTE, values)
            if (row := session.one(sql.BY_REF, sql.task_values(task))) is not None:
                return sql.read(row)
            values |= sql.task_values(task)
            [number] = next(row for row in (session.one(how, values) for how in sql.ATTACH) if row)
            session.rows(schedule.SCHEDULE, schedule.first_turn(number, account, task, due_in))
            session.rows(sql.REMEMBER, {"number": number} | sql.event_values(events))
            return sql.read(session.one(sql.BY_NUMBER, {"number": number}))

        return self._database.together(accepted)

    def submission(self, submission_id: str) -> Entry | None:
        return self._entry(sql.BY_SUBMISSION, {"id": sql.searchable(submission_id)})

    # --- tasks ---

    def track(self, task: Task, *, due_in: float = 0.0) -> Entry:
        account = self._account(task)

        def tracked(session: Session) -> Entry:
            if row := session.one(sql.TAKE_IN, sql.task_values(task)):
                session.rows(schedule.SCHEDULE, schedule.first_turn(row[0], account, task, due_in))
            return sql.read(session.one(sql.BY_REF, sql.task_values(task)))

        return self.find(task.ref) or self._database.together(tracked)

    def find(self, ref: TaskRef) -> Entry | None:
        return self._entry(sql.BY_REF, {"ref": sql.searchable(str(ref))})

    def entries(self, query: Query) -> list[Entry]:
        return matching(query, lambda page: self._database.rows(*sql.search(page)), sql.read)

    def save(self, changes: Sequence[Change]) -> list[bool]:
        said = [False] * len(changes)
        for places in in_turns([change.number for change in changes]):
            batch = [changes[place] for place in places]
            rows = self._database.rows(SAVE, change_values([change.number for change in batch], batch))
            written = {number for (number,) in rows}
            for place in places:
                said[place] = changes[place].number in written
        return said

    # --- work ---

    def claim(
        self, limit: int, lease: float, paces: Mapping[AccountKey, float], chores: Collection[Chore]
    ) -> list[Claim]:
        wanted = {"limit": sql.within(limit), "lease": min(lease, schedule.HORIZON)}
        rows = self._database.rows(schedule.CLAIM, wanted | schedule.pace_values(paces, chores))
        # Read afterwards: a claim that waited for another would see the tasks as they were before.
        entries = self._by_number([row[0] for row in rows])
        if unread := [row[0] for row in rows if row[0] not in entries]:
            self._database.rows(schedule.POSTPONE, {"numbers": unread, "seconds": schedule.HORIZON})
        return [schedule.claim(row, entries) for row in rows if row[0] in entries]

    def settle(self, settlements: Sequence[Settlement]) -> list[Settled]:
        said = [Settled.LATE] * len(settlements)
        for places in in_turns([settlement.claim.entry.number for settlement in settlements]):
            rows = self._database.rows(SETTLE, settlement_values([settlements[place] for place in places]))
            overtaken = dict[int, bool](rows)
            for place in places:
                said[place] = settled(overtaken.get(settlements[place].claim.entry.number))
        return said

    def renew(self, claim: Claim, lease: float) -> bool:
        seconds = min(lease, schedule.HORIZON)
        values = {"number": claim.entry.number, "lease": claim.lease, "seconds": seconds}
        return self._database.one(schedule.RENEW, values) is not None

    def wake(self, numbers: Sequence[int]) -> None:
        self._database.rows(schedule.WAKE, {"numbers": list(numbers)})

    def hold_off(self, account: AccountKey, seconds: float) -> None:
        values = schedule.account_values(account) | {"seconds": min(seconds, schedule.HORIZON)}
        self._database.rows(schedule.HOLD_OFF, values)

    def next_due(self, paces: Mapping[AccountKey, float], chores: Collection[Chore]) -> float | None:
        [seconds] = self._database.one(schedule.NEXT_DUE, schedule.pace_values(paces, chores))
        return None if seconds is None else max(0.0, seconds)

    def backlog(self, chores: Collection[Chore]) -> dict[AccountKey, int]:
        rows = self._database.rows(schedule.BACKLOG, {"chores": list(chores)})
        return schedule.backlog(rows)

    # --- what happened ---

    def events(self, after: int = 0, limit: int = 1000) -> list[KeptEvent]:
        def history(session: Session) -> list[Any]:
            session.rows(sql.READING_HISTORY)
            return session.rows(sql.HISTORY, {"after": sql.within(after), "limit": sql.within(limit)})

        return [sql.kept_event(row) for row in self._database.together(history)]

    def untold(self, limit: int = 1000) -> list[KeptEvent]:
        return [sql.kept_event(row) for row in self._database.rows(sql.UNTOLD, {"limit": sql.within(limit)})]

    def told(self, positions: Sequence[int]) -> None:
        self._database.rows(sql.TOLD, {"positions": list(positions)})

    # --- callbacks ---

    def owner(self, token_digest: bytes) -> Entry | None:
        return self._entry(sql.BY_CALLBACK, {"digest": token_digest.hex()})

    def keep(self, callbacks: Sequence[Callback]) -> list[Kept]:
        def kept(session: Session) -> list[Kept]:
            given = sql.callback_values(callbacks)
            # The locks are a statement of their own: what is counted after it holds whatever they waited for.
            session.rows(sql.LOCK_ADDRESSES, given)
            held = {number: (count, size) for number, count, size in session.rows(sql.DELIVERED, given)}
            quota = Quota(held, session.rows(sql.KNOWN, given))
            became = [
                quota.take(*one) for one in zip(given["numbers"], given["digests"], given["sizes"], strict=True)
            ]
            session.rows(sql.KEEP, given | {"new": [one is Kept.NEW for one in became]})
            return became

        return self._database.together(kept)

    def callbacks(self, number: int) -> list[Callback]:
        return [
            Callback(
                number=number,
                received_at=received_at.astimezone(UTC),
                headers=load(headers, tuple[tuple[str, str], ...]),
                body=body,
            )
            for received_at, headers, body in self._database.rows(sql.CALLBACKS, {"number": number})
        ]

    # --- upkeep ---

    def prune(self, before: datetime, *, unstored: bool = False) -> int:
        values = {"before": before, "done": Chore.STORE.value if unstored else None}
        [gone] = self._database.one(upkeep.PRUNE, values)
        return int(gone)

    def check(self) -> list[str]:
        found = [problem for (problem,) in self._database.rows(upkeep.CHECK)]
        after = 0
        while page := self._database.rows(*sql.search(Query(after=after))):
            found += unreadable(page, sql.read)
            after = page[-1][0]
        return found

    # --- what the methods share ---

    def _entry(self, statement: str, values: Mapping[str, object]) -> Entry | None:
        row = self._database.one(statement, values)
        return None if row is None else sql.read(row)

    def _by_number(self, numbers: Sequence[int]) -> dict[int, Entry]:
        rows = self._database.rows(sql.BY_NUMBERS, {"numbers": array(numbers)}) if numbers else []
        return readable(rows, sql.read)

    def _account(self, task: Task) -> int:
        """The number that an account has here."""
        key = (task.ref.provider, task.ref.account)
        if key not in self._accounts:
            values = schedule.account_values(key)
            self._database.rows(schedule.NEW_ACCOUNT, values)
            [self._accounts[key]] = self._database.one(schedule.ACCOUNT, values)
        return self._accounts[key]
