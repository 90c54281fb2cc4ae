"""Which providers are installed. A broken plugin becomes a report and hurts nobody else."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points

import pluggy
from msgspec import Struct

from reelway.errors import ConfigurationError, PluginError
from reelway.provider import hookspecs
from reelway.provider.interface import INTERFACE_VERSION, Provider

LIMIT_VARIABLE = "REELWAY_PLUGINS"
"""Names, joined by commas, of the only plugins that may be loaded."""


class PluginReport(Struct, frozen=True, kw_only=True):
    """What became of one plugin: the providers it brought, or the reason why it brought none."""

    plugin: str
    distribution: str
    providers: tuple[str, ...] = ()
    problem: str | None = None


class Registry:
    """The providers at hand. An object like any other: nothing here is global.

    Plugins are found through their entry points without being imported; one is imported when its provider is
    first asked for.
    """

    def __init__(self, providers: Iterable[Provider] = (), *, plugins: Iterable[EntryPoint] = ()) -> None:
        """Start from providers that are there already, and from entry points to load when needed."""
        self._plugins = tuple(plugins)
        self._reports: dict[int, PluginReport] = {}
        self._providers: dict[str, Provider] = {}
        self._origins: dict[str, str] = {}
        for provider in providers:
            self._add(provider, "the program itself")

    @classmethod
    def installed(cls, environ: Mapping[str, str] = os.environ) -> Registry:
        """All installed plugins, or those that ``REELWAY_PLUGINS`` names."""
        limit = {name.strip() for name in environ.get(LIMIT_VARIABLE, "").split(",")} - {""}
        found = entry_points(group=hookspecs.GROUP)
        return cls(plugins=[plugin for plugin in found if not limit or plugin.name in limit])

    def get(self, name: str) -> Provider:
        """The provider of that name.

        Raises:
            PluginError: its plugin is installed, but broken.
            ConfigurationError: nothing installed brings it.
        """
        for number, plugin in enumerate(self._plugins):
            if name not in self._providers and plugin.name == name:
                self._load(number)
        if name not in self._providers:
            self.load_all()
        if name in self._providers:
            return self._providers[name]
        raise self._missing(name)

    def load_all(self) -> tuple[PluginReport, ...]:
        """Load every plugin and tell what became of each."""
        return tuple(self._load(number) for number in range(len(self._plugins)))

    @property
    def providers(self) -> tuple[Provider, ...]:
        """Every working provider, by name."""
        self.load_all()
        return tuple(self._providers[name] for name in sorted(self._providers))

    def _load(self, number: int) -> PluginReport:
        # By number: two distributions may give their entry points the same name, and both get a report.
        if number not in self._reports:
            self._reports[number] = self._report(self._plugins[number])
        return self._reports[number]

    def _report(self, plugin: EntryPoint) -> PluginReport:
        distribution = plugin.dist.name if plugin.dist else "an unknown distribution"
        brought: list[str] = []
        problem = None
        try:
            for provider in _providers_of(plugin):
                brought.append(self._add(provider, distribution))  # noqa: PERF401 - what came before a failure stays
        # A plugin is a stranger's code: whatever it does at import must not stop the others, sys.exit included.
        except (Exception, SystemExit) as error:  # noqa: BLE001
            problem = _reason(error)
        return PluginReport(
            plugin=plugin.name, distribution=distribution, providers=tuple(brought), problem=problem
        )

    def _add(self, provider: Provider, origin: str) -> str:
        name = provider.info.name
        if name in self._providers:
            raise PluginError(f"The provider name {name!r} is taken by {self._origins[name]}.")
        if provider.info.interface != INTERFACE_VERSION:
            wanted, ours = provider.info.interface, INTERFACE_VERSION
            raise PluginError(f"{name!r} was written for interface {wanted}; this Reelway has {ours}.")
        self._providers[name] = provider
        self._origins[name] = origin
        return name

    def _missing(self, name: str) -> ConfigurationError | PluginError:
        broken = (report for report in self._reports.values() if report.plugin == name and report.problem)
        if report := next(broken, None):
            message = f"The plugin for {name!r} ({report.distribution}) is broken: {report.problem}"
            return PluginError(message, hint="Reinstall it, or report it to its authors.")
        have = ", ".join(sorted(self._providers)) or "none"
        message = f"There is no provider {name!r}; installed: {have}."
        return ConfigurationError(message, hint=f"A plugin may add it: python -m pip install reelway-{name}")


def _providers_of(plugin: EntryPoint) -> list[Provider]:
    """Load one plugin on a manager of its own, so that no other plugin shares its fate."""
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin.load(), name=plugin.name)
    # Without this, a misspelt hook is passed over in silence.
    manager.check_pending()
    brought = [provider for some in manager.hook.reelway_providers() for provider in some]
    if not brought:
        raise PluginError("It brings no provider; is reelway_providers() there, marked with @hookimpl?")
    if strange := [one for one in brought if not isinstance(one, Provider)]:
        raise PluginError(f"reelway_providers() gave a {type(strange[0]).__name__}, which is no Provider.")
    return brought


def _reason(error: BaseException) -> str:
    if isinstance(error, PluginError):
        return error.message
    text = str(error).strip() or "no message"
    return f"{type(error).__name__}: {text}"
