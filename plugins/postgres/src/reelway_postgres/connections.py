"""Connections to one server, lent to whoever needs one.

A connect is made by the thread that needs it, so that its trouble is told at once and by its name. Nothing runs in
the background, and what a restart of the server has cut is dropped when it is next looked at.
"""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore
from typing import Final, NamedTuple

import psycopg
from psycopg.pq import TransactionStatus

from reelway.errors import LedgerError
from reelway.locks import ForkSafeLock
from reelway_postgres.address import Address
from reelway_postgres.trouble import CROWDED, SILENT, STARTING, bare, ledger_error, trouble_of

FRESH: Final = 60.0
"""Seconds for which an idle connection is kept; a firewall between may have dropped an older one in silence."""

PAUSE: Final = 0.2
"""Seconds between two attempts to connect."""

PASSING: Final = frozenset({CROWDED, SILENT, STARTING})
"""Trouble that a server's restart brings, and that is waited for."""


class Idle(NamedTuple):
    """A connection that nobody uses, and since when."""

    connection: psycopg.Connection
    since: float


class Connections:
    """As many connections as are needed at once, and no more than ``most``."""

    def __init__(self, address: Address, *, most: int, patience: float) -> None:
        self._address = address
        self._most = most
        self._patience = patience
        self._lock = ForkSafeLock()
        self._closed = False
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._free = BoundedSemaphore(self._most)
        self._idle: list[Idle] = []

    @contextmanager
    def lent(self) -> Iterator[psycopg.Connection]:
        """A connection that works, for this thread alone.

        Raises:
            LedgerError: there is none to be had, or what was done with it failed.
        """
        free = self._slots()
        if not free.acquire(timeout=max(self._patience, PAUSE)):
            hint = f"All {self._most} are in use; open the ledger with more of them, or use fewer threads."
            raise LedgerError(f"The ledger {self._address.name} has no connection left.", hint=hint)
        try:
            connection = self._working()
            try:
                yield connection
            except psycopg.Error as error:
                raise ledger_error(self._address.name, error) from bare(error)
            finally:
                self._take_back(connection)
        finally:
            free.release()

    def close(self) -> None:
        self._closed = True
        while idle := self._taken():
            idle.connection.close()

    def _slots(self) -> BoundedSemaphore:
        if self._closed:
            raise LedgerError(f"The ledger {self._address.name} is closed.", hint="Open it anew.")
        with self._lock:
            if self._process != os.getpid():
                # The parent goes on speaking over its connections; psycopg leaves those of another process alone.
                self._begin()
            return self._free

    def _taken(self) -> Idle | None:
        with self._lock:
            mine = self._process == os.getpid()
            return self._idle.pop() if self._idle and mine else None

    def _working(self) -> psycopg.Connection:
        while idle := self._taken():
            if time.monotonic() - idle.since < FRESH and _silent(idle.connection):
                return idle.connection
            idle.connection.close()
        return self._connected()

    def _connected(self) -> psycopg.Connection:
        # Nothing was asked yet, so trying again is safe.
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return self._address.connect()
            except psycopg.Error as error:
                if trouble_of(error) not in PASSING or time.monotonic() >= deadline:
                    raise ledger_error(self._address.name, error) from bare(error)
                bare(error)
            time.sleep(PAUSE)

    def _take_back(self, connection: psycopg.Connection) -> None:
        if connection.info.transaction_status is not TransactionStatus.IDLE or self._closed:
            connection.close()
            return
        with self._lock:
            self._idle.append(Idle(connection, time.monotonic()))


def _silent(connection: psycopg.Connection) -> bool:
    """Whether the server has nothing to say to a connection that asked nothing: it would say goodbye."""
    with selectors.DefaultSelector() as waiting:
        waiting.register(connection.fileno(), selectors.EVENT_READ)
        return not waiting.select(0)
