"""Whether a callback comes from the provider, where the provider signs and its secret is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from reelway.errors import CallbackRefused
from reelway.ledger.records import AccountKey
from reelway.model.http import Headers
from reelway.model.secret import Secret, as_secret
from reelway.provider.registry import Registry
from reelway.transport.clock import Clock

SigningSecret: TypeAlias = str | Secret | Callable[[], str]
"""What a provider's callbacks are verified with, in the form in which the provider gives it out, or a function that
gives it. A function is called in a thread for each callback, and keeps what it fetched for as long as it likes."""

SigningSecrets: TypeAlias = (
    Mapping[str, SigningSecret] | Mapping[AccountKey, SigningSecret] | Mapping[str | AccountKey, SigningSecret]
)
"""The secrets by provider, or by provider and account where each account has its own."""


class Signatures:
    """Knows the secrets that callbacks are verified with."""

    def __init__(self, secrets: SigningSecrets, registry: Registry | None, clock: Clock) -> None:
        """Take the secrets.

        Raises:
            ConfigurationError: nothing installed brings one of the providers.
            PluginError: it is broken.
        """
        self._secrets = {key: one if callable(one) else as_secret(one) for key, one in secrets.items()}
        names = {key if isinstance(key, str) else key[0] for key in secrets}
        # Plugins are looked for only where one has something to verify.
        known = registry or (Registry.installed() if names else Registry([]))
        self._providers = {name: known.get(name) for name in names}
        self._clock = clock

    def are_wanted(self, account: AccountKey) -> bool:
        """Whether callbacks for this account have to be signed."""
        return self._secret(account) is not None

    def check(self, account: AccountKey, headers: Headers, body: bytes) -> None:
        """Hold a callback against the account's secret, where there is one; may block.

        Raises:
            CallbackRefused: the provider has not signed this, or not of late.
        """
        secret = self._secret(account)
        if secret is None:
            return
        text = secret.reveal() if isinstance(secret, Secret) else secret()
        if not self._providers[account[0]].verify_callback(headers, body, text, self._clock.now()):
            hint = "If the provider has changed its secret, give the receiver the new one."
            raise CallbackRefused(f"A callback for {account[0]} is not signed by its secret.", hint=hint)

    def _secret(self, account: AccountKey) -> Secret | Callable[[], str] | None:
        return self._secrets.get(account) or self._secrets.get(account[0])
