"""The schedule of a SQLite ledger: what is due, who holds it, and how fast an account may be asked.

Every function works within the transaction of its caller. Times are seconds of the ledger's own clock.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from math import inf
from typing import Final, NamedTuple

from reelway.ledger.codec import spelled, unspelled
from reelway.ledger.pace import AccountTimes, free_from, granted, spent
from reelway.ledger.records import AccountKey, Chore, Claim, Settled, Settlement, chore_of
from reelway.ledger.sqlite_rows import AMONG, entries_at, written
from reelway.model.task import Task

HORIZON: Final = 3600.0
"""Seconds; no pause and no lease is longer. A time further ahead is from before the machine was last started."""

LONG_AGO: Final = -1e9
"""Since when a task counts as known that was known before the machine was last started."""


class Turn(NamedTuple):
    """A turn that is due; the one that has been due for longest sorts first."""

    due: float
    number: int
    account: AccountKey


def schedule(database: sqlite3.Connection, number: int, task: Task, now: float, due_in: float) -> None:
    """Give a new task its place; one that has ended and left something to be stored is due at once."""
    database.execute(
        "insert into schedule (number, provider, account, chore, due, rest_until, known_since)"
        " values (:number, :provider, :account, :chore, :due, :due, :now)",
        {
            "number": number,
            "provider": spelled(task.ref.provider),
            "account": spelled(task.ref.account),
            "chore": chore_of(task),
            "due": now if task.final else now + min(due_in, HORIZON),
            "now": now,
        },
    )


def reschedule(database: sqlite3.Connection, number: int, task: Task, now: float) -> None:
    """Follow a change that was made outside of a turn: other work than before begins anew, and is due at once."""
    chore = chore_of(task)
    database.execute(
        "update schedule set chore = :chore, due = :now, interval = 0, failures = 0"
        " where number = :number and chore is not :chore",
        {"chore": chore, "now": now, "number": number},
    )


# --- taking turns ---


def due_turns(
    database: sqlite3.Connection,
    paces: Mapping[AccountKey, float],
    chores: Collection[Chore],
    now: float,
    limit: int,
) -> list[Turn]:
    """The turns that may be taken now, as many as the pace of each account allows."""
    turns = list[Turn]()
    for account, pace in paces.items():
        times = _times(database, account)
        most = min(limit, granted(pace, times, now))
        free = [chore for chore in chores if times.held(chore) <= now]
        turns += sorted(turn for chore in free for turn in _due(database, account, chore, now, most))[:most]
    return sorted(turns)[:limit]


def _due(database: sqlite3.Connection, account: AccountKey, chore: Chore, now: float, most: int) -> list[Turn]:
    rows = database.execute(
        "select due, number from schedule where provider = ? and account = ? and chore = ?"
        " and due <= ? and leased_until <= ? order by due limit ?",
        (*_key(account), chore, now, now, most),
    )
    return [Turn(due, number, account) for due, number in rows]


def spend(
    database: sqlite3.Connection, paces: Mapping[AccountKey, float], turns: Sequence[Turn], now: float
) -> None:
    """Charge the accounts for the turns that were taken."""
    for account in {turn.account for turn in turns}:
        count = sum(turn.account == account for turn in turns)
        database.execute(
            "insert into accounts (provider, account, free_at) values (?, ?, ?)"
            " on conflict do update set free_at = excluded.free_at",
            (*_key(account), spent(paces[account], _times(database, account), now, count)),
        )


def claimed(database: sqlite3.Connection, turns: Sequence[Turn], now: float, lease: float) -> list[Claim]:
    """Take turns; those of entries that cannot be read come again when the horizon is reached."""
    numbers = json.dumps([turn.number for turn in turns])
    rows = database.execute(
        f"update schedule set leased_until = ?, lease = lease + 1, woken = 0 where number {AMONG}"  # noqa: S608 - a constant
        " returning number, chore, lease, known_since, due, interval, failures",
        (now + min(lease, HORIZON), numbers),
    ).fetchall()
    entries = entries_at(database, numbers)
    claims = {
        number: Claim(
            entry=entries[number],
            chore=Chore(chore),
            lease=token,
            age=now - known_since,
            late=now - due,
            interval=interval,
            failures=failures,
        )
        for number, chore, token, known_since, due, interval, failures in rows
        if number in entries
    }
    database.executemany(
        "update schedule set due = ?, leased_until = 0 where number = ?",
        [(now + HORIZON, turn.number) for turn in turns if turn.number not in claims],
    )
    return [claims[turn.number] for turn in turns if turn.number in claims]


def renewed(database: sqlite3.Connection, claim: Claim, now: float, lease: float) -> bool:
    """Hold a turn for longer, unless it was settled, or somebody else has taken it."""
    done = database.execute(
        "update schedule set leased_until = ? where number = ? and lease = ? and leased_until > 0",
        (now + min(lease, HORIZON), claim.entry.number, claim.lease),
    )
    return bool(done.rowcount)


def settled(database: sqlite3.Connection, settlements: Sequence[Settlement], now: float) -> list[Settled]:
    """Write what came of turns, and say when the next ones are."""
    held, outcomes, turns = _held(database, settlements), list[Settled](), list[tuple[object, ...]]()
    for settlement in settlements:
        number, change = settlement.claim.entry.number, settlement.change
        row = held.get(number)
        if row is None or row.lease != settlement.claim.lease:
            outcomes.append(Settled.LATE)
            continue
        overtaken = change is not None and not written(database, change)
        outcomes.append(Settled.OVERTAKEN if overtaken else Settled.DONE)
        chore = row.chore if change is None or overtaken else chore_of(change.task)
        same = chore == settlement.claim.chore
        turns.append(
            (
                chore,
                now + _pause(settlement, soon=row.woken or overtaken) if same else now,
                now + min(settlement.rest, HORIZON),
                settlement.interval if same else 0.0,
                settlement.failures if same else 0,
                number,
            )
        )
        # The same turn may be settled twice.
        held[number] = _Held(row.lease, woken=False, chore=chore)
    database.executemany(
        "update schedule set leased_until = 0, woken = 0, chore = ?, due = ?, rest_until = ?, interval = ?,"
        " failures = ? where number = ?",
        turns,
    )
    return outcomes


class _Held(NamedTuple):
    """What is scheduled for an entry, as far as a settlement has to know."""

    lease: int
    woken: bool
    chore: str | None


def _held(database: sqlite3.Connection, settlements: Sequence[Settlement]) -> dict[int, _Held]:
    numbers = json.dumps([settlement.claim.entry.number for settlement in settlements])
    rows = database.execute(
        f"select number, lease, woken, chore from schedule where number {AMONG}",  # noqa: S608 - a constant
        (numbers,),
    )
    return {number: _Held(lease, bool(woken), chore) for number, lease, woken, chore in rows}


def _pause(settlement: Settlement, *, soon: bool) -> float:
    """Seconds until the next turn of the same work: the rest alone, where somebody woke or changed it meanwhile."""
    wanted = settlement.rest if soon else max(settlement.again, settlement.rest)
    return min(wanted, HORIZON)


def wake(database: sqlite3.Connection, numbers: Sequence[int], now: float) -> None:
    """Bring turns forward, as far as their rest allows."""
    database.executemany(
        "update schedule set woken = 1, due = min(due, max(:now, rest_until)) where number = :number",
        [{"now": now, "number": number} for number in numbers],
    )


def hold_off(database: sqlite3.Connection, account: AccountKey, until: float) -> None:
    """Give no poll of an account until then."""
    database.execute(
        "insert into accounts (provider, account, held_until) values (?, ?, ?)"
        " on conflict do update set held_until = max(held_until, excluded.held_until)",
        (*_key(account), until),
    )


# --- looking ahead ---


def first_turn(
    database: sqlite3.Connection, account: AccountKey, pace: float, chores: Collection[Chore]
) -> float | None:
    """When an account's next turn can be taken; None where there is none."""
    times = _times(database, account)
    first = min((max(_first(database, account, chore), times.held(chore)) for chore in chores), default=inf)
    free = free_from(pace, times)
    return None if inf in {first, free} else max(first, free)


def _first(database: sqlite3.Connection, account: AccountKey, chore: Chore) -> float:
    """When the first turn of some work is due and free."""
    rows = database.execute(
        "select due, leased_until from schedule where provider = ? and account = ? and chore = ? order by due",
        (*_key(account), chore),
    )
    first = inf
    # Ends at the first turn that nobody holds, so what is looked at is no more than what is held.
    for due, leased_until in rows:
        if due >= first:
            break
        first = min(first, max(due, leased_until))
    return first


def backlog(database: sqlite3.Connection, chores: Collection[Chore]) -> dict[AccountKey, int]:
    """How many tasks of each account have such work left."""
    rows = database.execute(
        "select provider, account, chore, count(*) from schedule where chore is not null"
        " group by provider, account, chore"
    )
    left = Counter[AccountKey]()
    for provider, account, chore, count in rows:
        if chore in chores:
            left[unspelled(provider), unspelled(account)] += count
    return dict(left)


def _times(database: sqlite3.Connection, account: AccountKey) -> AccountTimes:
    row = database.execute(
        "select free_at, held_until from accounts where provider = ? and account = ?", _key(account)
    ).fetchone()
    return AccountTimes() if row is None else AccountTimes(*row)


def _key(account: AccountKey) -> tuple[str, str]:
    provider, name = account
    return spelled(provider), spelled(name)


# --- a clock that began anew ---


def begin_anew(database: sqlite3.Connection, boot: str, now: float) -> None:
    """Free every lease and make everything due, if the machine was restarted since times were last written."""
    # By itself, because a slow pace may be spent that far ahead, and that tells of no restart.
    database.execute("update accounts set free_at = 0 where free_at > ?", (now + HORIZON,))
    [known] = database.execute("select id from boot").fetchone()
    if known == boot and not _beyond(database, now):
        return
    database.execute(
        "update schedule set due = ?, known_since = ?, rest_until = 0, leased_until = 0", (now, LONG_AGO)
    )
    database.execute("update accounts set free_at = 0, held_until = 0")
    database.execute("update boot set id = ?", (boot,))


def _beyond(database: sqlite3.Connection, now: float) -> bool:
    """Whether a time lies further ahead than any that could have been written since the machine was started."""
    [latest] = database.execute(
        "select max(latest) from (select max(max(due, leased_until)) as latest from schedule"
        " union all select max(held_until) from accounts)"
    ).fetchone()
    return latest is not None and latest > now + HORIZON
