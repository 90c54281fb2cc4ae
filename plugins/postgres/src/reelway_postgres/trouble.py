"""What PostgreSQL says when something is wrong, in words, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import psycopg

from reelway.errors import Fault, LedgerError


class Trouble(NamedTuple):
    """One kind of trouble."""

    what: str
    hint: str
    fault: Fault = Fault.MACHINE
    retryable: bool = True


def _wrong(what: str, hint: str) -> Trouble:
    """Trouble that stays until a person does something about it."""
    return Trouble(what, hint, Fault.CALLER, retryable=False)


SILENT: Final = Trouble(
    "the server cannot be reached", "See whether it runs and may be reached from here, call again."
)
STARTING: Final = Trouble("the server is starting or stopping", "Call again in a moment.")
CROWDED: Final = Trouble(
    "the server takes no more connections", "Raise max_connections, or put a pooler such as PgBouncer before it."
)
REFUSED: Final = _wrong("the server does not let this user in", "See to user, password and pg_hba.conf.")
NO_DATABASE: Final = _wrong("there is no such database", "Create it, or name another one.")
NO_PERMISSION: Final = _wrong(
    "this user may not do that", "Grant usage and create on the ledger's schema, and all on its tables."
)
READ_ONLY: Final = Trouble(
    "it may only be read", "This is a standby, or set read-only: name the primary, or several hosts with "
    "target_session_attrs=read-write."
)  # fmt: skip
FULL: Final = Trouble("the server's disk is full", "Make room, then call again.")
GONE: Final = _wrong("its tables are not as they should be", "Restore them from a backup, or name another schema.")

STATES: Final[Mapping[str, Trouble]] = {
    "08": SILENT,
    "25006": READ_ONLY,
    "25P03": Trouble("the transaction was left alone for too long", "Call again."),
    "28": REFUSED,
    "3D000": NO_DATABASE,
    "3F000": GONE,
    "40": Trouble("others changed the same rows again and again", "Call again."),
    "42501": NO_PERMISSION,
    "42703": GONE,
    "42P01": GONE,
    "42P07": _wrong("its schema holds tables of another program", "Name another one with ?schema=NAME."),
    "53100": FULL,
    "53200": Trouble("the server is out of memory", "Give it more, then call again."),
    "53300": CROWDED,
    "57P": STARTING,
    "57014": Trouble("the server gave up a statement", "See to statement_timeout, then call again."),
    "55P03": Trouble("another session keeps it locked", "Find the session that holds it, or wait for it."),
    "58": Trouble("the server's disk refuses to read or write", "See to the disk, then call again."),
    "XX": _wrong("the server finds its own files damaged", "Restore the database from a backup."),
}
"""By SQLSTATE or the beginning of one (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""

REFUSALS: Final[Mapping[str, Trouble]] = {
    "too many c": CROWDED,
    "remaining connection slots": CROWDED,
    "no more connections allowed": CROWDED,
    "password authentication failed": REFUSED,
    "no password supplied": REFUSED,
    "authentication failed": REFUSED,
    "no pg_hba.conf entry": REFUSED,
    "is not permitted to log in": REFUSED,
    "permission denied for database": REFUSED,
    'database "': NO_DATABASE,
    'role "': REFUSED,
    "is starting up": STARTING,
    "is shutting down": STARTING,
    "is in recovery mode": STARTING,
    "is not yet accepting connections": STARTING,
    "session is read-only": READ_ONLY,
    "server is in hot standby mode": READ_ONLY,
}
"""By what the refusal of a connection says, the first that fits; a refusal tells no SQLSTATE."""


def trouble_of(error: psycopg.Error) -> Trouble:
    """Which kind of trouble an error is."""
    if state := error.sqlstate:
        return next((told for begin, told in STATES.items() if state.startswith(begin)), _unknown(error))
    if not isinstance(error, psycopg.OperationalError):
        return _unknown(error)
    # Several addresses of one host are each refused in a line of their own; what a server said counts most.
    said = str(error)
    return next((told for words, told in REFUSALS.items() if words in said), SILENT)


def _unknown(error: psycopg.Error) -> Trouble:
    said = error.diag.message_primary or type(error).__name__
    return Trouble(f"PostgreSQL says: {said}", "Look into the server's log.")


def ledger_error(name: str, error: psycopg.Error) -> LedgerError:
    """An error in plain words."""
    trouble = trouble_of(error)
    told = LedgerError(f"The ledger {name} cannot be used: {trouble.what}.", hint=trouble.hint)
    told.fault, told.retryable = trouble.fault, trouble.retryable
    return told


def bare(error: BaseException) -> BaseException:
    """An error without its frames, for those of a connect hold the password, and without what it came from."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
