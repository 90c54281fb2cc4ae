"""Everybody who is told what happens to tasks: the log, a function of the user's, observers, and the recorder."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeAlias

from reelway.flow.effects import Phase
from reelway.model.exchange import HttpExchange
from reelway.model.lifecycle import Anomaly, Event, UnknownWordSeen
from reelway.model.task import Task
from reelway.observing import Observing
from reelway.provider.interface import Provider
from reelway.provider.reading import one_line
from reelway.results import WORD_LENGTH
from reelway.transport.witness import Exchange

if TYPE_CHECKING:
    from reelway.recording.recorder import Recorder

logger: Final = logging.getLogger("reelway")

OnChange: TypeAlias = Callable[[Task, tuple[Event, ...]], None]
"""Is told each task that changed, with its events."""


class Listeners:
    """Tells whoever listens. What a listener does costs nobody a task."""

    def __init__(
        self, observing: Observing, *, on_change: OnChange | None = None, recorder: Recorder | None = None
    ) -> None:
        self.observing = observing
        self._on_change = on_change
        self._recorder = recorder

    @property
    def hear_exchanges(self) -> bool:
        """Whether anybody wants to know of exchanges with providers."""
        return self._recorder is not None or self.observing.hears("reelway_http_exchange")

    def changed(self, task: Task, events: tuple[Event, ...]) -> None:
        """Tell of a task that changed."""
        for event in events:
            _log(event)
        if self._on_change is not None:
            try:
                self._on_change(task, events)
            # What a listener does must not cost the caller the task that was just paid for.
            except Exception:
                logger.exception("on_change failed at %s", task.ref)
        self.observing.task_changed(task, events)

    def exchanged(self, provider: Provider, ended: Exchange) -> None:
        """Tell of an exchange with a provider."""
        if self._recorder is not None and ended.response is not None:
            self._recorder.exchange(provider, ended.request, ended.response)
        self.observing.http_exchange(_shown(ended, provider.info.name))


def _log(event: Event) -> None:
    if isinstance(event, UnknownWordSeen):
        word = one_line(event.word or "", WORD_LENGTH)
        logger.warning("%s: unknown status word %r; it stays %s", event.ref, word, event.kept)
    elif isinstance(event, Anomaly):
        level = logging.ERROR if event.loud else logging.WARNING
        logger.log(level, "%s is %s, but the provider now says %s", event.ref, event.held, event.seen)


def _shown(ended: Exchange, provider: str) -> HttpExchange:
    """What observers are shown of an exchange."""
    broke, response = ended.broke, ended.response
    return HttpExchange(
        provider=provider,
        account=ended.account,
        method=ended.request.method,
        path=ended.request.path.partition("?")[0],
        status=None if response is None else response.status,
        seconds=ended.seconds,
        phase=(Phase.RECEIVING if broke is None else broke.phase).name.lower(),
        reason=None if broke is None else broke.reason,
    )
