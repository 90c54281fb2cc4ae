"""Which providers are installed. A broken plugin becomes a report and hurts nobody else."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from msgspec import Struct

from reelway.errors import ConfigurationError, PluginError
from reelway.provider.hookspecs import GROUP, OBSERVERS, Unusable, registered, settings_in
from reelway.provider.interface import INTERFACE_VERSION, Provider
from reelway.provider.observer import Observer
from reelway.provider.plugin import InstalledPlugin, Place, Plugin, PluginFile, place_of, reason_of

LIMIT_VARIABLE = "REELWAY_PLUGINS"
"""Names, joined by commas, of the only plugins that may be loaded."""


def allowed_plugins(environ: Mapping[str, str]) -> set[str]:
    """The only plugins that may be loaded; none where all may."""
    return {name.strip() for name in environ.get(LIMIT_VARIABLE, "").split(",")} - {""}


class PluginReport(Struct, frozen=True, kw_only=True):
    """What became of one plugin: the providers it brought, or the reason why it brought none.

    A provider that the user has configured wrongly has a report of its own.

    Attributes:
        plugin: the name of the plugin, or of the provider that was to be configured.
        distribution: what it was installed with; of a plugin that is one file, the file.
        entry_point: the line in that distribution that names it; empty where there is none.
        providers: the providers at hand through it.
        problem: the reason why something is missing.
        place: where in the plugin that reason is, as far as that can be told.
        configured: the problem lies in what the user configured, and not in the plugin.
        observes: the plugin is an observer, and brings no provider.
    """

    plugin: str
    distribution: str
    entry_point: str = ""
    providers: tuple[str, ...] = ()
    problem: str | None = None
    place: Place = Place()
    configured: bool = False
    observes: bool = False

    @property
    def error(self) -> ConfigurationError | PluginError | None:
        """The error that the problem is, for whoever needs what is missing."""
        if self.problem is None:
            return None
        if self.configured:
            return ConfigurationError(f"The provider {self.plugin!r} is configured wrongly: {self.problem}")
        hint = "Reinstall it, or report it to its authors." if self.entry_point else "Mend the file."
        what = f"observer {self.plugin!r}" if self.observes else f"plugin for {self.plugin!r}"
        return PluginError(f"The {what} ({self.origin}) is broken: {self.told}", hint=hint)

    @property
    def origin(self) -> str:
        """What brings the plugin."""
        entry_point = f", entry point {self.entry_point}" if self.entry_point else ""
        return f"{self.distribution}{entry_point}"

    @property
    def told(self) -> str:
        """The problem, and where it is."""
        return f"{self.problem} ({self.place})" if self.place.file else f"{self.problem}"


class Registry:
    """The providers at hand. An object like any other: nothing here is global.

    Plugins are found through their entry points without being imported; one is imported when its provider is
    first asked for.

    Attributes:
        absent: names in ``REELWAY_PLUGINS`` that no installed plugin has.
    """

    def __init__(
        self,
        providers: Iterable[Provider] = (),
        *,
        plugins: Iterable[EntryPoint] = (),
        files: Iterable[Path] = (),
        observers: Iterable[EntryPoint] = (),
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Start from providers that are there already, and from entry points to load when needed.

        Args:
            providers: those that are there.
            plugins: the entry points.
            files: plugins that are one file each. They come first, so that a name is theirs.
            observers: the entry points of those who are told what happens.
            environ: where plugins find what the user configures; they are handed no key of it.
        """
        tried = tuple(map(PluginFile, files))
        self._plugins: tuple[Plugin, ...] = (*tried, *map(InstalledPlugin, plugins))
        self._tried = len(tried)
        self._environ = environ or {}
        self._observing = tuple(map(InstalledPlugin, observers))
        self._observers: tuple[Observer, ...] = ()
        self._observer_reports: tuple[PluginReport, ...] | None = None
        self._reports: dict[int, tuple[PluginReport, ...]] = {}
        self.absent: tuple[str, ...] = ()
        self._providers: dict[str, Provider] = {}
        self._origins: dict[str, str] = {}
        for provider in providers:
            self._add(provider, "the program itself")

    @classmethod
    def installed(cls, environ: Mapping[str, str] = os.environ, *, files: Iterable[Path] = ()) -> Registry:
        """All installed plugins, or those that ``REELWAY_PLUGINS`` names, and besides these some that are files."""
        limit = allowed_plugins(environ)
        # Asked for once, because all distributions are looked through each time.
        everything = entry_points()
        # In an order of their own, so that which of two has a name does not depend on the file system.
        plugins, observers = (
            sorted((one for one in found if not limit or one.name in limit), key=lambda one: (one.name, one.value))
            for found in (everything.select(group=GROUP), everything.select(group=OBSERVERS))
        )
        registry = cls(plugins=plugins, observers=observers, files=files, environ=environ)
        registry.absent = tuple(sorted(limit - {one.name for one in (*plugins, *observers)}))
        return registry

    def get(self, name: str) -> Provider:
        """The provider of that name.

        Raises:
            PluginError: its plugin is installed, but broken.
            ConfigurationError: nothing installed brings it.
        """
        for number, plugin in enumerate(self._plugins):
            # A file was named to be loaded, whatever it brings.
            if number < self._tried or (name not in self._providers and plugin.name == name):
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

    def load_observers(self) -> tuple[PluginReport, ...]:
        """Load every observer and tell what became of each."""
        if self._observer_reports is None:
            self._observer_reports = tuple(map(self._observed_by, self._observing))
        return self._observer_reports

    @property
    def observers(self) -> tuple[Observer, ...]:
        """Every working observer."""
        self.load_observers()
        return self._observers

    def _observed_by(self, plugin: Plugin) -> PluginReport:
        problem, place, loaded = None, Place(), None
        try:
            loaded = plugin.load()
            self._observers += (Observer(plugin, loaded),)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - as with a provider's plugin
            problem, place = reason_of(error), place_of(error, plugin, loaded)
        return PluginReport(
            plugin=plugin.name,
            distribution=plugin.distribution,
            entry_point=plugin.entry_point,
            problem=problem,
            place=place,
            observes=True,
        )

    def _load(self, number: int) -> tuple[PluginReport, ...]:
        # By number: two distributions may give their entry points the same name, and both get a report.
        if number not in self._reports:
            self._reports[number] = self._reported(self._plugins[number])
        return self._reports[number]

    def _reported(self, plugin: Plugin) -> tuple[PluginReport, ...]:
        origin = plugin.distribution
        brought: list[str] = []
        unusable: list[PluginReport] = []
        problem, place, loaded = None, Place(), None
        try:
            loaded = plugin.load()
            for one in _brought_by(loaded, plugin.name, self._environ):
                if isinstance(one, Unusable):
                    unusable.append(_configured_wrongly(one, plugin))
                else:
                    brought.append(self._add(one, origin))
        except KeyboardInterrupt:
            raise
        # A plugin is a stranger's code: whatever it does at import must not stop the others, sys.exit included.
        except BaseException as error:  # noqa: BLE001
            problem, place = reason_of(error), place_of(error, plugin, loaded)
        report = PluginReport(
            plugin=plugin.name,
            distribution=origin,
            entry_point=plugin.entry_point,
            providers=tuple(brought),
            problem=problem,
            place=place,
        )
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

    @property
    def emptiness(self) -> str:
        """Why there is no provider, and what to do, where there is none."""
        if self.absent:
            return f"{LIMIT_VARIABLE} names {', '.join(self.absent)}, and no such plugin is installed."
        return "Install a plugin: python -m pip install reelway-<provider>"

    def _missing(self, name: str) -> ConfigurationError | PluginError:
        broken = [report for some in self._reports.values() for report in some if report.problem]
        # A file need not be called like the provider that it was to bring.
        guilty = [report for report in broken if report.plugin == name or not report.entry_point]
        if error := next((report.error for report in guilty), None):
            return error
        have = ", ".join(sorted(self._providers)) or "none"
        message = f"There is no provider {name!r}; installed: {have}."
        return ConfigurationError(message, hint=self._advice(name))

    def _advice(self, name: str) -> str:
        if similar := get_close_matches(name.lower(), self._providers, n=1, cutoff=0.8):
            return f"Did you mean {similar[0]!r}?"
        # No command to copy: a name that was mistyped, or stands in somebody else's reference, may be a stranger's.
        return f"A plugin brings a provider, mostly one that is called reelway-{name}; look who made it first."


def _brought_by(loaded: Any, name: str, environ: Mapping[str, str]) -> list[Provider | Unusable]:
    """What a plugin's hook gives."""
    manager = registered(loaded, name)
    brought = [one for some in manager.hook.reelway_providers(environ=settings_in(environ)) for one in some]
    if not brought:
        raise PluginError("It brings no provider; is reelway_providers() there, marked with @hookimpl?")
    if strange := [one for one in brought if not isinstance(one, Provider | Unusable)]:
        raise PluginError(f"reelway_providers() gave a {type(strange[0]).__name__}, which is no Provider.")
    return brought


def _configured_wrongly(one: Unusable, plugin: Plugin) -> PluginReport:
    return PluginReport(
        plugin=one.name,
        distribution=plugin.distribution,
        entry_point=plugin.entry_point,
        problem=one.problem,
        configured=True,
    )
