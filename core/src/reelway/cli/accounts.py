"""Which provider and account a command talks to, and whether the key is there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping

from reelway.account import DEFAULT_ACCOUNT, key_variable
from reelway.errors import ConfigurationError
from reelway.provider.interface import Provider
from reelway.provider.registry import Registry


def variable_of(provider: Provider, account: str = DEFAULT_ACCOUNT) -> str:
    """The environment variable that holds the key of an account: ``ACME_KEY``, or ``ACME_KEY_WORK``."""
    variable = provider.info.key_variable
    return variable if account == DEFAULT_ACCOUNT else f"{variable}_{re.sub(r'[^A-Z0-9]', '_', account.upper())}"


def chosen_provider(
    named: str | None,
    registry: Registry,
    environ: Mapping[str, str] = os.environ,
    *,
    account: str = DEFAULT_ACCOUNT,
) -> Provider:
    """The provider that was named, or the only one whose key for this account is in the environment.

    Raises:
        ConfigurationError: it is not installed, or nobody can tell which one is meant.
        PluginError: its plugin is broken.
    """
    if named is not None:
        return registry.get(named)
    installed = registry.providers
    ready = [provider for provider in installed if environ.get(variable_of(provider, account))]
    if len(ready) == 1:
        return ready[0]
    if ready:
        raise ConfigurationError(
            f"Several providers have their keys set: {_names(ready)}.",
            hint="Say with --provider which one is meant.",
        )
    if not installed:
        raise ConfigurationError("There is no provider.", hint=registry.emptiness)
    variables = ", ".join(variable_of(provider, account) for provider in installed)
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
