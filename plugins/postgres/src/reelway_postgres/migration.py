"""Bringing a database to the present schema, whoever else is about to do the same."""

from __future__ import annotations

from typing import Final

from reelway.errors import Fault, LedgerError
from reelway_postgres.database import Database, Session
from reelway_postgres.schema import MIGRATIONS, SCHEMA

# From the tables of the catalog, because what functions say of it may be from before another's transaction.
_THERE: Final = """
    select exists (select from pg_namespace where nspname = %(schema)s),
        exists (select from pg_tables where schemaname = %(schema)s and tablename = 'reelway_schema')
"""
_VERSION: Final = "select version from our.reelway_schema"

# Held to the end of the transaction, also through a pooler.
_ALONE: Final = "select pg_advisory_xact_lock(hashtextextended('reelway ' || %(schema)s, 0))"

_FACTS: Final = "select current_setting('synchronous_commit'), current_setting('transaction_read_only')"


def bring_forward(database: Database, name: str, schema: str) -> None:
    """Create the tables, or bring those of an earlier release to the present schema, in one transaction.

    Raises:
        LedgerError: the schema belongs to a later release, or what is written there would not last.
    """
    _check_facts(database, name)
    version = database.together(lambda session: _version(session, schema))
    if version < SCHEMA:
        version = database.together(lambda session: _migrated(session, schema))
    if version > SCHEMA:
        message = f"{name} was written by a later release (schema {version}, this one: {SCHEMA})."
        raise _unusable(message, "Upgrade Reelway here, or name another schema.")


def _check_facts(database: Database, name: str) -> None:
    commit, read_only = database.one(_FACTS)
    if read_only == "on":
        hint = "This is a standby, or set read-only: name the primary, or several hosts and "
        raise _unusable(f"{name} may only be read.", f"{hint}target_session_attrs=read-write.")
    if commit == "off":
        hint = "Set synchronous_commit to on for this user, or for the database."
        raise _unusable(f"What is written to {name} would be lost if the server died.", hint)


def _version(session: Session, schema: str) -> int:
    """Which version the tables are; 0 where there are none."""
    [_, known] = session.one(_THERE, {"schema": schema})
    return int(session.one(_VERSION)[0]) if known else 0


def _migrated(session: Session, schema: str) -> int:
    session.rows(_ALONE, {"schema": schema})
    version = _version(session, schema)
    if not version:
        _begin(session, schema)
    for statements in MIGRATIONS[version:]:
        for statement in statements:
            session.rows(statement)
    session.rows("update our.reelway_schema set version = greatest(version, %(version)s)", {"version": SCHEMA})
    return max(version, SCHEMA)


def _begin(session: Session, schema: str) -> None:
    # Asked first, because even `if not exists` wants a permission that a careful administrator does not give.
    [there, _] = session.one(_THERE, {"schema": schema})
    if not there:
        session.rows(f'create schema "{schema}"')
    session.rows("create table our.reelway_schema (version integer not null)")
    session.rows("insert into our.reelway_schema values (0)")


def _unusable(message: str, hint: str) -> LedgerError:
    error = LedgerError(message, hint=hint)
    error.fault, error.retryable = Fault.CALLER, False
    return error
