"""The hooks that a distribution can implement. Hooks register; behaviour lives on the registered objects."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Final

import pluggy
from msgspec import Struct

from reelway.model.exchange import HttpExchange
from reelway.model.lifecycle import Event
from reelway.model.task import Task
from reelway.provider.interface import Provider

if TYPE_CHECKING:
    from reelway.ledger.interface import Ledger

GROUP = "reelway"
"""The entry-point group; each entry point is named after the provider it brings."""

OBSERVERS: Final = "reelway.observers"
"""The entry-point group of observers. It is another one, so that providers stay unloaded until they are needed."""

LEDGERS: Final = "reelway.ledgers"
"""The entry-point group of ledgers; each entry point is named after the scheme of the URLs that it opens."""

OBSERVING: Final = ("reelway_task_changed", "reelway_http_exchange")
"""The hooks of observers."""

SETTINGS_PREFIX: Final = "REELWAY_"
"""What the names of the variables begin with that plugins may read. No key belongs into one of them."""

SETTINGS_FOLDERS: Final = frozenset({"XDG_CONFIG_HOME", "APPDATA", "HOME"})
"""The variables that say where programs keep their settings; plugins may read these as well."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


class Unusable(Struct, frozen=True):
    """Stands in the place of a provider that the user has configured wrongly.

    Attributes:
        name: what the provider would have been called.
        problem: where it is configured, and what is wrong there.
    """

    name: str
    problem: str


@hookspec
def reelway_providers(environ: Mapping[str, str]) -> Iterable[Provider | Unusable]:
    """The providers that this distribution brings; the only hook a provider plugin needs.

    Args:
        environ: for a plugin whose providers the user configures, what it may know of the environment: the
            variables that begin with ``REELWAY_`` and those that say where settings are kept, ``XDG_CONFIG_HOME``,
            ``APPDATA`` and ``HOME``. Keys are not among them. Leave it out where it is not needed; a provider
            itself reads none.
    """
    return ()


@hookspec
def reelway_task_changed(task: Task, events: tuple[Event, ...]) -> None:
    """A task changed. For observers: what it returns is not looked at, and what it raises is logged.

    Observers are told in a thread of their own, one fact after the other, so that none holds up a task.

    Args:
        task: the task as it is now. The links in it are secrets.
        events: what changed, as ``on_change`` is told; a :class:`reelway.StatusChanged` says from what to what.
    """


@hookspec
def reelway_http_exchange(exchange: HttpExchange) -> None:
    """An exchange with a provider's API ended. For observers, as :func:`reelway_task_changed`.

    Args:
        exchange: what it was, with nothing in it that opens anything. Downloads are not told.
    """


@hookspec
def reelway_ledger(url: str) -> Ledger:
    """A ledger at an address, opened and ready. For plugins that bring a ledger, one for each scheme of URLs.

    Args:
        url: the address. It may hold a password, which is shown in no message, log or ``repr``.
    """
    raise NotImplementedError


def settings_in(environ: Mapping[str, str]) -> dict[str, str]:
    """What plugins are handed of an environment; see :func:`reelway_providers`."""
    return {
        name: value
        for name, value in environ.items()
        if name.startswith(SETTINGS_PREFIX) or name in SETTINGS_FOLDERS
    }


def registered(loaded: object, name: str, specs: ModuleType | None = None) -> pluggy.PluginManager:
    """A plugin on a manager of its own, so that no other plugin shares its fate.

    Args:
        loaded: the plugin.
        name: what it is called there.
        specs: the module of the hooks that it may implement; without one, this.

    Raises:
        pluggy.PluginValidationError: a hook is misspelt, or takes what nobody gives.
    """
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(specs or sys.modules[__name__])
    manager.register(loaded, name=name)
    # Without this, a misspelt hook is passed over in silence.
    manager.check_pending()
    return manager
