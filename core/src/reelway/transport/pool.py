"""Connections that wait for their next exchange.

The pool of the HTTP library looks at all its connections and at all exchanges whenever one of them begins or ends,
so each costs the more the more there are. Here whoever asks takes the connection that was used last, and what that
costs does not grow. There is no I/O: both colors use it, and close what it hands out to be closed.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar


class Connection(Protocol):
    """What the connection layer tells about each of its connections."""

    def can_handle_request(self, origin: Any) -> bool: ...

    def has_expired(self) -> bool: ...

    def is_idle(self) -> bool: ...


C = TypeVar("C", bound=Connection)


class Pool(Generic[C]):
    """Connections to one or several hosts, each used by one exchange at a time."""

    def __init__(self, make: Callable[[Any], C], keep: int) -> None:
        """``make`` gives a new connection to a host; ``keep`` is how many are kept that nobody uses."""
        self._make = make
        self._keep = keep
        self._idle: list[C] = []
        self._used: dict[int, C] = {}
        # Several threads may share a client.
        self._lock = Lock()

    def take(self, origin: Any) -> tuple[C, list[C]]:
        """A connection to a host, the one used last if there is one; and those to be closed."""
        with self._lock:
            found, stale = self._find(origin)
            connection = found or self._make(origin)
            self._used[id(connection)] = connection
            return connection, stale

    def give_back(self, connection: C) -> list[C]:
        """Keep a connection for the next exchange, if it is good for one; those to be closed."""
        with self._lock:
            # One that is not known as used was closed with all the others meanwhile.
            known = self._used.pop(id(connection), None) is not None
            if not (known and connection.is_idle()):
                return [connection]
            self._idle.append(connection)
            return self._surplus()

    def drop(self, connection: C) -> list[C]:
        """Forget a connection whose exchange broke; those to be closed."""
        with self._lock:
            self._used.pop(id(connection), None)
            return [connection]

    def empty(self) -> list[C]:
        """Forget all connections, those in use as well; those to be closed."""
        with self._lock:
            everything = [*self._idle, *self._used.values()]
            self._idle.clear()
            self._used.clear()
            return everything

    def _find(self, origin: Any) -> tuple[C | None, list[C]]:
        stale: list[C] = []
        for at in range(len(self._idle) - 1, -1, -1):
            if not self._idle[at].can_handle_request(origin):
                continue
            connection = self._idle.pop(at)
            if connection.is_idle() and not connection.has_expired():
                return connection, stale
            stale.append(connection)
        return None, stale

    def _surplus(self) -> list[C]:
        """Those that are too many, and those that have been idle for too long, which are the first in the row."""
        surplus = []
        while self._idle and (len(self._idle) > self._keep or self._idle[0].has_expired()):
            surplus.append(self._idle.pop(0))
        return surplus
