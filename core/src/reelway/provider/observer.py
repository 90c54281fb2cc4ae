"""Somebody who is told what happens: a plugin, or an object of the program's own."""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from reelway.errors import PluginError
from reelway.provider.hookspecs import OBSERVING, registered
from reelway.provider.plugin import Plugin, place_of, reason_of

logger: Final = logging.getLogger("reelway")

LATE: Final = 1.0
"""Seconds that one call of an observer may take before it is told."""


class GivenPlugin:
    """An object that the program itself handed over."""

    distribution = "the program itself"
    entry_point = ""

    def __init__(self, given: object) -> None:
        self.name = getattr(given, "__name__", type(given).__qualname__)
        self._given = given

    def load(self) -> object:
        """The object."""
        return self._given

    def files(self) -> Path | None:
        """The file that it was written in."""
        home = self._given if inspect.ismodule(self._given) else sys.modules.get(type(self._given).__module__)
        file = getattr(home, "__file__", None)
        return None if file is None else Path(file)


class Observer:
    """One observer. Whatever it does, nobody but the log notices.

    Attributes:
        hears: the hooks that it has.
    """

    def __init__(self, plugin: Plugin, loaded: object) -> None:
        """Hold what was loaded against the specifications.

        Raises:
            PluginError: it has none of the hooks.
            pluggy.PluginValidationError: it has one that does not fit.
        """
        if inspect.isclass(loaded):
            raise PluginError(f"It is a class; give an object that was made from it: {loaded.__name__}().")
        self._plugin = plugin
        self._loaded = loaded
        self._hooks = registered(loaded, plugin.name).hook
        self.hears = frozenset(hook for hook in OBSERVING if getattr(self._hooks, hook).get_hookimpls())
        self._told: set[str] = set()
        if not self.hears:
            raise PluginError(f"It observes nothing; is {' or '.join(OBSERVING)} there, marked with @hookimpl?")

    def call(self, hook: str, facts: Mapping[str, Any]) -> None:
        """Tell it something. That it raises is logged, once for each hook."""
        try:
            getattr(self._hooks, hook)(**facts)
        # An observer is a stranger's code: not even an exit may end the thread in which all are told.
        except BaseException as error:  # noqa: BLE001
            place = place_of(error, self._plugin, self._loaded)
            where = f" ({place})" if place.file else ""
            self._tell_once(f"{hook} raised", f"{hook} raised {reason_of(error)}{where}")

    def took(self, hook: str, seconds: float) -> None:
        """Say what a call has cost, where that was much; once for each hook."""
        if seconds > LATE:
            self._tell_once(
                f"{hook} slow",
                f"{hook} took {seconds:.1f} seconds for one call; no task waits for it, but what it is told comes "
                "late, and beyond a limit not at all",
            )

    def _tell_once(self, about: str, text: str) -> None:
        if about not in self._told:
            self._told.add(about)
            plugin = self._plugin
            origin = plugin.distribution + (f", entry point {plugin.entry_point}" if plugin.entry_point else "")
            # No traceback: the locals of its frames hold what observers are not shown.
            logger.warning("The observer %r (%s): %s.", plugin.name, origin, text)
