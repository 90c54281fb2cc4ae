"""Plugins of which one alone may have a name: those that bring a ledger or an engine."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import NamedTuple

from reelway.errors import ConfigurationError, PluginError
from reelway.provider.plugin import InstalledPlugin
from reelway.provider.registry import LIMIT_VARIABLE, allowed_plugins


class Found(NamedTuple):
    """The entry point of a name, if there is one, and the names that there are."""

    entry: EntryPoint | None
    names: tuple[str, ...]


def sole_entry(group: str, name: str, what: str, environ: Mapping[str, str]) -> Found:
    """Look an entry point up, without loading anything.

    Args:
        group: the group of entry points.
        name: the name in it.
        what: what the plugin is for, as it is said in messages.
        environ: where ``REELWAY_PLUGINS`` is looked up.

    Raises:
        PluginError: several have the name.
        ConfigurationError: it may not be loaded.
    """
    installed = entry_points(group=group)
    limit = allowed_plugins(environ)
    found = sorted((one for one in installed if one.name == name), key=lambda one: one.value)
    if len(found) > 1:
        names = " and ".join(InstalledPlugin(one).distribution for one in found)
        raise PluginError(f"Several plugins are for {what}: {names}.", hint="Uninstall all but one.")
    if found and limit and name not in limit:
        message = f"The plugin for {what} may not be loaded."
        raise ConfigurationError(message, hint=f"Name {name} in {LIMIT_VARIABLE} as well.")
    return Found(next(iter(found), None), tuple(sorted({one.name for one in installed})))
