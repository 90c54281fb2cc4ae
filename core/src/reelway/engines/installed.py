"""The engines that plugins bring, found by their names and loaded when one is asked for."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Coroutine, Mapping
from typing import Any, Final, Protocol

from reelway.engines.work import EngineWork
from reelway.errors import ConfigurationError, PluginError
from reelway.provider.hookspecs import hookspec, registered
from reelway.provider.plugin import InstalledPlugin, reason_of
from reelway.provider.sole import sole_entry

ENGINES: Final = "reelway.engines"
"""The entry-point group of engines; each entry point is named after the engine that it runs."""

OURS: Final[Mapping[str, str]] = {"procrastinate": "reelway-procrastinate"}
"""The distributions of this project that bring engines."""


@hookspec(firstresult=True)
def reelway_engine(work: EngineWork, shards: int, stop: asyncio.Event) -> Coroutine[Any, Any, None]:
    """Have an engine do the work until ``stop`` is set. For plugins that bring an engine.

    Args:
        work: what its jobs do. Its ``ledger`` is the URL, for an engine that keeps its jobs beside it.
        shards: how many sweeps go on at once, on all machines together.
        stop: ends it, within a few seconds.
    """
    raise NotImplementedError


class Engine(Protocol):
    """Runs an engine in this process; see :func:`reelway_engine`."""

    def __call__(self, *, work: EngineWork, shards: int, stop: asyncio.Event) -> Awaitable[None]: ...


def engine_named(name: str, environ: Mapping[str, str] = os.environ) -> Engine:
    """The engine that a plugin brings under a name.

    Args:
        name: what it is called, such as ``"procrastinate"``.
        environ: where ``REELWAY_PLUGINS`` is looked up.

    Raises:
        ConfigurationError: no plugin brings it, or its plugin may not be loaded.
        PluginError: its plugin is broken, or several bring it.
    """
    found = sole_entry(ENGINES, name, f"the engine {name}", environ)
    if found.entry is None:
        have = ", ".join(found.names) or "none"
        raise ConfigurationError(f"No engine {name!r} is installed; there are: {have}.", hint=_advice(name))
    plugin = InstalledPlugin(found.entry)
    try:
        hook = registered(plugin.load(), name, sys.modules[__name__]).hook.reelway_engine
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # as with a provider's plugin
        raise _broken(name, plugin, reason_of(error)) from error
    if not hook.get_hookimpls():
        raise _broken(name, plugin, "it runs none; is reelway_engine() there, marked with @hookimpl?")
    engine: Engine = hook
    return engine


def _broken(name: str, plugin: InstalledPlugin, reason: str) -> PluginError:
    origin = f"{plugin.distribution}, entry point {plugin.entry_point}"
    message = f"The plugin for the engine {name} ({origin}) is broken: {reason}"
    return PluginError(message, hint="Reinstall it, or report it to its authors.")


def _advice(name: str) -> str:
    # No command to copy for any other: a name that was mistyped may be a stranger's.
    return f"Install it: pip install {OURS[name]}" if name in OURS else "Engines come with plugins."
