"""Which provider a command talks to, and whether its key is there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

from reelway.account import key_variable
from reelway.errors import ConfigurationError
from reelway.provider.interface import Provider
from reelway.provider.registry import Registry


def chosen_provider(named: str | None, registry: Registry, environ: Mapping[str, str] = os.environ) -> Provider:
    """The provider that was named, or the only one whose key is in the environment.

    Raises:
        ConfigurationError: it is not installed, or nobody can tell which one is meant.
        PluginError: its plugin is broken.
    """
    if named is not None:
        return registry.get(named)
    installed = registry.providers
    ready = [provider for provider in installed if environ.get(provider.info.key_variable)]
    if len(ready) == 1:
        return ready[0]
    if ready:
        raise ConfigurationError(
            f"Several providers have their keys set: {_names(ready)}.",
            hint="Say with --provider which one is meant.",
        )
    if not installed:
        raise ConfigurationError("There is no provider.", hint=registry.emptiness)
    variables = ", ".join(provider.info.key_variable for provider in installed)
    hint = f"Name one with --provider ({_names(installed)}) and set its key in the environment ({variables})."
    raise ConfigurationError("No provider was named, and none has its key set.", hint=hint)


def require_key(provider: Provider, named: str | None = None, environ: Mapping[str, str] = os.environ) -> None:
    """Make sure that the key is there, in the variable that was named or else in the provider's own.

    Raises:
        ConfigurationError: it is not.
    """
    variable = key_variable(provider, named)
    if not environ.get(variable):
        hint = (
            f"Set the environment variable {variable}; a command line is no place for keys, so no option takes one."
        )
        raise ConfigurationError(f"There is no key for {provider.info.title}.", hint=hint)


def _names(providers: Iterable[Provider]) -> str:
    return ", ".join(provider.info.name for provider in providers)
