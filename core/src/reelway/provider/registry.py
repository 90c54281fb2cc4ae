"""Which providers are installed. A broken plugin becomes a report and hurts nobody else."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points

import pluggy
from msgspec import Struct

from reelway.errors import ConfigurationError, PluginError
from reelway.provider import hookspecs
from reelway.provider.hookspecs import Unusable
from reelway.provider.interface import INTERFACE_VERSION, Provider

LIMIT_VARIABLE = "REELWAY_PLUGINS"
"""Names, joined by commas, of the only plugins that may be loaded."""


class PluginReport(Struct, frozen=True, kw_only=True):
    """What became of one plugin: the providers it brought, or the reason why it brought none.

    A provider that the user has configured wrongly has a report of its own.

    Attributes:
        plugin: the name of the plugin, or of the provider that was to be configured.
        distribution: what it was installed with.
        providers: the providers at hand through it.
        problem: the reason why something is missing.
        configured: the problem lies in what the user configured, and not in the plugin.
    """

    plugin: str
    distribution: str
    providers: tuple[str, ...] = ()
    problem: str | None = None
    configured: bool = False

    @property
    def error(self) -> ConfigurationError | PluginError | None:
        """The error that the problem is, for whoever needs what is missing."""
        if self.problem is None:
            return None
        if self.configured:
            return ConfigurationError(f"The provider {self.plugin!r} is configured wrongly: {self.problem}")
        message = f"The plugin for {self.plugin!r} ({self.distribution}) is broken: {self.problem}"
        return PluginError(message, hint="Reinstall it, or report it to its authors.")


class Registry:
    """The providers at hand. An object like any other: nothing here is global.

    Plugins are found through their entry points without being imported; one is imported when its provider is
    first asked for.
    """

    def __init__(
        self,
        providers: Iterable[Provider] = (),
        *,
        plugins: Iterable[EntryPoint] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Start from providers that are there already, and from entry points to load when needed.

        Args:
            providers: those that are there.
            plugins: the entry points.
            environ: where plugins find what the user configures.
        """
        self._plugins = tuple(plugins)
        self._environ = environ or {}
        self._reports: dict[int, tuple[PluginReport, ...]] = {}
        self._providers: dict[str, Provider] = {}
        self._origins: dict[str, str] = {}
        for provider in providers:
            self._add(provider, "the program itself")

    @classmethod
    def installed(cls, environ: Mapping[str, str] = os.environ) -> Registry:
        """All installed plugins, or those that ``REELWAY_PLUGINS`` names."""
        limit = {name.strip() for name in environ.get(LIMIT_VARIABLE, "").split(",")} - {""}
        found = entry_points(group=hookspecs.GROUP)
        wanted = [plugin for plugin in found if not limit or plugin.name in limit]
        return cls(plugins=wanted, environ=environ)

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
        return tuple(report for number in range(len(self._plugins)) for report in self._load(number))

    @property
    def providers(self) -> tuple[Provider, ...]:
        """Every working provider, by name."""
        self.load_all()
        return tuple(self._providers[name] for name in sorted(self._providers))

    def _load(self, number: int) -> tuple[PluginReport, ...]:
        # By number: two distributions may give their entry points the same name, and both get a report.
        if number not in self._reports:
            self._reports[number] = self._reported(self._plugins[number])
        return self._reports[number]

    def _reported(self, plugin: EntryPoint) -> tuple[PluginReport, ...]:
        origin = plugin.dist.name if plugin.dist else "an unknown distribution"
        brought: list[str] = []
        unusable: list[PluginReport] = []
        problem = None
        try:
            for one in _brought_by(plugin, self._environ):
                if isinstance(one, Unusable):
                    unusable.append(_configured_wrongly(one, origin))
                else:
                    brought.append(self._add(one, origin))
        # A plugin is a stranger's code: whatever it does at import must not stop the others, sys.exit included.
        except (Exception, SystemExit) as error:  # noqa: BLE001
            problem = _reason(error)
        report = PluginReport(plugin=plugin.name, distribution=origin, providers=tuple(brought), problem=problem)
        return (report, *unusable)

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
        reports = (report for some in self._reports.values() for report in some if report.plugin == name)
        if error := next((report.error for report in reports if report.error), None):
            return error
        have = ", ".join(sorted(self._providers)) or "none"
        message = f"There is no provider {name!r}; installed: {have}."
        return ConfigurationError(message, hint=f"A plugin may add it: python -m pip install reelway-{name}")


def _brought_by(plugin: EntryPoint, environ: Mapping[str, str]) -> list[Provider | Unusable]:
    """Load one plugin on a manager of its own, so that no other plugin shares its fate."""
    manager = pluggy.PluginManager(hookspecs.GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin.load(), name=plugin.name)
    # Without this, a misspelt hook is passed over in silence.
    manager.check_pending()
    brought = [one for some in manager.hook.reelway_providers(environ=environ) for one in some]
    if not brought:
        raise PluginError("It brings no provider; is reelway_providers() there, marked with @hookimpl?")
    if strange := [one for one in brought if not isinstance(one, Provider | Unusable)]:
        raise PluginError(f"reelway_providers() gave a {type(strange[0]).__name__}, which is no Provider.")
    return brought


def _configured_wrongly(one: Unusable, origin: str) -> PluginReport:
    return PluginReport(plugin=one.name, distribution=origin, problem=one.problem, configured=True)


def _reason(error: BaseException) -> str:
    if isinstance(error, PluginError):
        return error.message
    text = str(error).strip() or "no message"
    return f"{type(error).__name__}: {text}"
