"""The tables of a SQLite ledger. They only ever move forward: a version is added, and none is changed."""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = 0x5265656C
"""``Reel``; says whose file it is (https://www.sqlite.org/pragma.html#pragma_application_id)."""

_FIRST: Final = (
    # Columns beside the two documents are those that are searched or compared.
    """
    create table entries (
        number integer primary key autoincrement,
        submission_id text unique,
        ref text unique,
        provider text not null,
        account text not null,
        state text,
        status text,
        artifact text,
        label text,
        idempotency_key text,
        callback_digest text unique,
        begun_at real not null,
        revision integer not null default 0,
        submission blob,
        response blob,
        task blob
    ) strict
    """,
    # A rejected or abandoned attempt made nothing that counts, so its key is free again.
    """
    create unique index entries_by_key on entries (idempotency_key)
        where idempotency_key is not null and state not in ('rejected', 'abandoned')
    """,
    # Narrow, because each turn writes it; times are seconds of a clock that nobody sets.
    """
    create table schedule (
        number integer primary key references entries (number) on delete cascade,
        provider text not null,
        account text not null,
        chore text,
        due real not null,
        known_since real not null,
        rest_until real not null default 0,
        leased_until real not null default 0,
        lease integer not null default 0,
        woken integer not null default 0,
        interval real not null default 0,
        failures integer not null default 0
    ) strict
    """,
    "create index schedule_by_due on schedule (provider, account, chore, due) where chore is not null",
    """
    create table accounts (
        provider text not null,
        account text not null,
        free_at real not null default 0,
        held_until real not null default 0,
        primary key (provider, account)
    ) strict
    """,
    """
    create table events (
        position integer primary key autoincrement,
        number integer not null references entries (number) on delete cascade,
        revision integer not null,
        event blob not null,
        untold integer
    ) strict
    """,
    "create index events_untold on events (position) where untold",
    "create index events_by_entry on events (number)",
    """
    create table callbacks (
        position integer primary key autoincrement,
        number integer not null references entries (number) on delete cascade,
        digest blob not null,
        received_at text not null,
        headers blob not null,
        body blob not null,
        unique (number, digest)
    ) strict
    """,
    """
    create table results (
        number integer not null references entries (number) on delete cascade,
        variant text not null,
        result blob not null,
        primary key (number, variant)
    ) strict
    """,
    "create table boot (id text not null) strict",
    "insert into boot values ('')",
)

MIGRATIONS: Final = (_FIRST,)
"""The steps from nothing to the present schema; each is one version."""
