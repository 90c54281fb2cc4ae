"""Statements on the tables of one ledger: what a round is, and when one may be made again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from functools import cache
from typing import Any, Final, TypeAlias, TypeVar

import psycopg
from psycopg import errors
from psycopg.rows import TupleRow

from reelway_postgres.address import Address
from reelway_postgres.connections import Connections

T = TypeVar("T")

Values: TypeAlias = Mapping[str, object]

ROUNDS: Final = 5
"""How often a transaction is made anew in which others were quicker."""

UNDONE: Final = (errors.SerializationFailure, errors.DeadlockDetected, errors.UniqueViolation)
"""What the server says when it is certain that nothing was written; only then is it safe to try again."""


def array(values: Iterable[float | StrEnum | None]) -> str:
    """Numbers and words of ours as the server reads an array: psycopg takes ten times as long for each element."""
    return f"{{{','.join('NULL' if value is None else str(value) for value in values)}}}"


_OUR: Final = re.compile(r"\bour\.")


class Session:
    """One connection, on which the statements of one ledger are executed."""

    def __init__(self, connection: psycopg.Connection, placed: Callable[[str], bytes]) -> None:
        self._connection = connection
        self._placed = placed

    def rows(self, statement: str, values: Values | None = None) -> list[TupleRow]:
        """What a statement gives back."""
        # Documents in binary are half as long as in text.
        cursor = self._connection.execute(self._placed(statement), values, binary=True)
        return cursor.fetchall() if cursor.description else []

    def one(self, statement: str, values: Values | None = None) -> Any:
        """The only row of an answer, or None."""
        return next(iter(self.rows(statement, values)), None)


class Database:
    """The database of one ledger."""

    def __init__(self, address: Address, *, connections: int, patience: float) -> None:
        self._connections = Connections(address, most=connections, patience=patience)
        # PostgreSQL has no other way to name a schema that survives a pooler: a search path belongs to a session.
        self._placed = cache(lambda statement: _OUR.sub(f'"{address.schema}".', statement).encode())

    def rows(self, statement: str, values: Values | None = None) -> list[TupleRow]:
        """Execute one statement, which is a transaction by itself."""
        return self._at_last(lambda connection: Session(connection, self._placed).rows(statement, values))

    def one(self, statement: str, values: Values | None = None) -> Any:
        """Execute one statement that gives one row, or none."""
        return next(iter(self.rows(statement, values)), None)

    def together(self, work: Callable[[Session], T]) -> T:
        """Do several statements in one transaction."""

        def transaction(connection: psycopg.Connection) -> T:
            with connection.transaction():
                return work(Session(connection, self._placed))

        return self._at_last(transaction)

    def close(self) -> None:
        self._connections.close()

    def _at_last(self, work: Callable[[psycopg.Connection], T]) -> T:
        with self._connections.lent() as connection:
            for _ in range(ROUNDS - 1):
                try:
                    return work(connection)
                except UNDONE:
                    continue
            return work(connection)
