"""The tables of a PostgreSQL ledger. They only ever move forward: a version is added, and none is changed.

In all statements, ``our`` stands for the schema of the ledger. Documents are bytes, for they may hold what
PostgreSQL's texts and JSON cannot: a NUL, half a character.
"""

from __future__ import annotations

from typing import Final

_FIRST: Final = (
    # Columns beside the two documents are those that are searched or compared.
    """
    create table our.entries (
        number bigint generated always as identity primary key,
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
        begun_at timestamptz not null,
        revision bigint not null default 0,
        submission bytea,
        response bytea,
        task bytea
    ) with (fillfactor = 80)
    """,
    # A rejected or abandoned attempt made nothing that counts, so its key is free again.
    """
    create unique index entries_by_key on our.entries (idempotency_key)
        where idempotency_key is not null and state not in ('rejected', 'abandoned')
    """,
    # One row a task, narrow, because each turn writes it. A claim changes no column that stands in an index, so it
    # stays within its page (https://www.postgresql.org/docs/current/storage-hot.html): room is left there, and
    # what is dead is swept away early.
    """
    create table our.schedule (
        number bigint primary key references our.entries (number) on delete cascade,
        account integer not null,
        chore text,
        due timestamptz not null,
        known_since timestamptz not null default clock_timestamp(),
        rest_until timestamptz not null default '-infinity',
        leased_until timestamptz not null default '-infinity',
        lease bigint not null default 0,
        woken boolean not null default false,
        interval double precision not null default 0,
        failures integer not null default 0
    ) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0)
    """,
    "create index schedule_by_due on our.schedule (account, chore, due) where chore is not null",
    """
    create table our.accounts (
        id integer generated always as identity primary key,
        provider text not null,
        account text not null,
        free_at timestamptz not null default '-infinity',
        held_until timestamptz not null default '-infinity',
        unique (provider, account)
    ) with (fillfactor = 50, autovacuum_vacuum_cost_delay = 0)
    """,
    """
    create table our.events (
        position bigint generated always as identity primary key,
        number bigint not null references our.entries (number) on delete cascade,
        revision bigint not null,
        event bytea not null,
        untold boolean not null
    )
    """,
    "create index events_untold on our.events (position) where untold",
    "create index events_by_entry on our.events (number)",
    """
    create table our.callbacks (
        position bigint generated always as identity primary key,
        number bigint not null references our.entries (number) on delete cascade,
        digest bytea not null,
        received_at timestamptz not null,
        headers bytea not null,
        body bytea not null,
        unique (number, digest)
    )
    """,
    """
    create table our.results (
        number bigint not null references our.entries (number) on delete cascade,
        variant text not null,
        result bytea not null,
        primary key (number, variant)
    )
    """,
)

MIGRATIONS: Final = (_FIRST,)
"""The steps from nothing to the present schema; each is one version."""

SCHEMA: Final = len(MIGRATIONS)
