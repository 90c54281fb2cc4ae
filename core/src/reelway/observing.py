"""Observers are told in a thread of their own, so that none holds up a task; and no more than fits a queue."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from reelway.errors import ConfigurationError
from reelway.model.exchange import HttpExchange
from reelway.model.lifecycle import Event
from reelway.model.task import Task
from reelway.provider.observer import GivenPlugin, Observer
from reelway.provider.plugin import reason_of
from reelway.provider.registry import Registry

logger: Final = logging.getLogger("reelway")

WAITING: Final = 1000
"""Facts that may wait to be told; what comes beyond is dropped, counted and said."""

PARTING: Final = 2.0
"""Seconds for which closing a client waits until all has been told."""

Fact = tuple[str, Mapping[str, Any]]
"""A hook, and its arguments."""


class Observing:
    """Hands facts to observers. Costs nothing where nobody observes, and no thread where nothing happens."""

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = tuple(observers)
        self._hooks = frozenset(hook for one in self._observers for hook in one.hears)
        self._begin()

    def _begin(self) -> None:
        # A forked process has none of the threads, and perhaps a lock that somebody held.
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._facts: deque[Fact] = deque()
        self._telling = False
        self._dropped = 0

    def hears(self, hook: str) -> bool:
        """Whether anybody has that hook."""
        return hook in self._hooks

    def task_changed(self, task: Task, events: tuple[Event, ...]) -> None:
        """Tell of a task that changed."""
        self._put("reelway_task_changed", {"task": task, "events": events})

    def http_exchange(self, exchange: HttpExchange) -> None:
        """Tell of an exchange with a provider."""
        self._put("reelway_http_exchange", {"exchange": exchange})

    def close(self) -> None:
        """Wait until all has been told, but not for long."""
        if self._process != os.getpid():
            return
        with self._changed:
            self._changed.wait_for(lambda: not self._telling, PARTING)
            lost, self._dropped = self._dropped + len(self._facts), 0
            self._facts.clear()
        if lost:
            logger.warning("Observers are too slow: %d facts were not told.", lost)

    async def close_async(self) -> None:
        """As :meth:`close`."""
        if self._telling:
            await asyncio.to_thread(self.close)
        else:
            self.close()

    def _put(self, hook: str, facts: Mapping[str, Any]) -> None:
        if hook not in self._hooks:
            return
        if self._process != os.getpid():
            self._begin()
        with self._changed:
            if len(self._facts) < WAITING:
                self._facts.append((hook, facts))
            else:
                self._dropped += 1
            if not self._telling:
                self._telling = _started(self._tell)

    def _tell(self) -> None:
        """Tell all that waits, and end: a client that is never closed leaves no thread behind."""
        while (fact := self._next()) is not None:
            hook, facts = fact
            for observer in self._observers:
                begun = time.monotonic()
                observer.call(hook, facts)
                observer.took(hook, time.monotonic() - begun)

    def _next(self) -> Fact | None:
        with self._changed:
            if self._facts:
                return self._facts.popleft()
            self._telling = False
            self._changed.notify_all()
            return None


def _started(work: Callable[[], None]) -> bool:
    """Whether a thread could be started. Where none can, as at the end of a program, no task may suffer from it."""
    try:
        threading.Thread(target=work, name="reelway-observers", daemon=True).start()
    except RuntimeError:
        return False
    return True


def observing_of(registry: Registry, given: Iterable[object] = ()) -> Observing:
    """Those observers that are installed and work, and objects that the program hands over itself.

    Raises:
        ConfigurationError: one of these objects is no observer.
    """
    return Observing([*_installed(registry), *map(_handed_over, given)])


def _installed(registry: Registry) -> tuple[Observer, ...]:
    """Those that work. One that does not is no reason to make no video, but one to say so."""
    for report in registry.load_observers():
        if report.error is not None:
            logger.warning("%s", report.error.message)
    return registry.observers


def _handed_over(given: object) -> Observer:
    try:
        return Observer(GivenPlugin(given), given)
    except Exception as error:
        # Who hands it over can mend it at once.
        raise ConfigurationError(f"{type(given).__qualname__} is no observer: {reason_of(error)}") from error
