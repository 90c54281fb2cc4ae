"""An account: a provider with its base URL and key, under a name of the user's."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import force_setattr

from reelway.errors import ConfigurationError
from reelway.flow.schedule import reserve
from reelway.ledger.records import AccountKey
from reelway.limits import check_number
from reelway.locks import ForkSafeLock
from reelway.model.secret import Secret, as_secret
from reelway.provider.interface import Cadence, Provider
from reelway.provider.registry import Registry
from reelway.transport.guard import NOT_AN_ADDRESS, AddressRefused, LinkRefused, check_address, split_link
from reelway.transport.wire import Endpoint

logger: Final = logging.getLogger("reelway")

DEFAULT_ACCOUNT: Final = "default"
"""The name of the only account of a client that has one."""


EXPOSED: Final = (
    "the address begins with http://, so that the key can be read on the way; is there an https:// one?"
)


class Account(Struct, frozen=True):
    """A provider with what opens it.

    Attributes:
        provider: the name of an installed provider, or a provider of your own.
        api_key: the key, kept as a :class:`Secret`; without one, ``key_variable`` is read.
        base_url: another address than the provider's own; without one, ``<NAME>_BASE_URL`` is read.
        requests_per_second: the pace at which the account may be polled.
        cadence: how often to poll a task, in place of what the provider asks for; for sandboxes.
        key_variable: the environment variable that holds the key, in place of the provider's own
            (``ProviderInfo.key_variable``).
    """

    provider: str | Provider
    api_key: str | Secret | None = None
    base_url: str | None = None
    requests_per_second: float = 5.0
    cadence: Cadence | None = None
    key_variable: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.api_key, str):
            force_setattr(self, "api_key", Secret(self.api_key))

    def __repr__(self) -> str:
        return f"Account({self.provider_name!r}, base_url={self.base_url!r})"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return [("provider", self.provider_name), ("base_url", self.base_url)]

    @property
    def provider_name(self) -> str:
        """The provider's name, however it was given."""
        return self.provider.info.name if isinstance(self.provider, Provider) else self.provider


Accounts: TypeAlias = str | Provider | Account | Mapping[str, Account | Provider | str]
"""A provider or its name, one account, or several of these under names of the user's."""


class OpenAccount:
    """An account with its provider and endpoint found, and its place in the request schedule.

    Attributes:
        name: the user's name for it.
        provider: who is asked.
        endpoint: where, and with which key.
        cadence: how often to ask about one task.
        pace: how many times a second it may be asked about all its tasks together.
    """

    def __init__(self, name: str, account: Account, registry: Registry) -> None:
        self.name = name
        self.provider = provider_of(account, registry)
        self.endpoint = endpoint_of(account, self.provider)
        self.cadence = account.cadence or self.provider.info.cadence
        if is_exposed(self.endpoint.base_url):
            logger.warning("account %s, %s: %s", name, self.endpoint.base_url, EXPOSED)
        check_number(f"requests_per_second of the account {name!r}", account.requests_per_second)
        if not account.requests_per_second > 0:
            raise ConfigurationError(f"requests_per_second of the account {name!r} has to be more than 0.")
        if not 0 <= self.cadence.minimum <= self.cadence.maximum:
            raise ConfigurationError(f"The cadence of the account {name!r} has to grow from 0 or more seconds.")
        self.pace = account.requests_per_second
        self._next_free = 0.0
        self._lock = ForkSafeLock()

    @property
    def key(self) -> AccountKey:
        """What a ledger knows it by."""
        return self.provider.info.name, self.name

    def slot(self, now: float) -> float:
        """Seconds from ``now`` until this account may be asked again; takes the slot."""
        with self._lock:
            wait, self._next_free = reserve(self._next_free, now, 1 / self.pace)
            return wait


def named_accounts(
    accounts: Accounts, api_key: Secret | None = None, base_url: str | None = None
) -> dict[str, Account]:
    """The accounts by name; a key and an address given beside them belong to the only account.

    Raises:
        ConfigurationError: a key or an address was given beside several accounts.
    """
    if isinstance(accounts, str | Provider):
        return {DEFAULT_ACCOUNT: Account(accounts, api_key=api_key, base_url=base_url)}
    if api_key is not None or base_url is not None:
        raise ConfigurationError("Give api_key and base_url in the Account.")
    if isinstance(accounts, Account):
        return {DEFAULT_ACCOUNT: accounts}
    return {name: one if isinstance(one, Account) else Account(one) for name, one in accounts.items()}


def provider_of(account: Account, registry: Registry) -> Provider:
    """The account's provider; one of the caller's own is checked like any other.

    Raises:
        ConfigurationError: nothing installed brings it.
        PluginError: it is broken, or was written for another version of Reelway.
    """
    given = account.provider
    known = Registry([given]) if isinstance(given, Provider) else registry
    return known.get(account.provider_name)


def endpoint_of(account: Account, provider: Provider, environ: Mapping[str, str] = os.environ) -> Endpoint:
    """Where the account's API is and what opens it.

    Raises:
        ConfigurationError: the key, its variable or the address is missing or malformed.
    """
    variable = key_variable(provider, account.key_variable)
    key = as_secret(environ.get(variable, "") if account.api_key is None else account.api_key)
    base_url = account.base_url or environ.get(base_url_variable(provider.info.name)) or provider.info.base_url
    # Reports print the locals of every frame that an error passes.
    del environ
    if not key.reveal():
        hint = f"Set the environment variable {variable}, or pass api_key."
        raise ConfigurationError(f"There is no key for {provider.info.title}.", hint=hint)
    return Endpoint(
        base_url=_checked_base_url(base_url),
        key=_checked_key(key, variable),
        scheme=provider.info.auth_scheme,
    )


def key_variable(provider: Provider, named: str | None = None) -> str:
    """The environment variable that holds the key: the one that was named, or else the provider's own.

    Raises:
        ConfigurationError: what was named is no name of a variable; it may be the key itself, so it is not shown.
    """
    if named is not None and not VARIABLE.fullmatch(named):
        hint = "It looks like WORK_KEY: capital letters, digits and underscores. The key itself belongs into it."
        raise ConfigurationError("What was given as the key's variable is no name of one.", hint=hint)
    return named or provider.info.key_variable


VARIABLE: Final = re.compile(r"[A-Z_][A-Z0-9_]*")
"""Without small letters, which most keys hold: a key in the place of its variable's name must not pass for one."""


def base_url_variable(name: str) -> str:
    """The environment variable that holds another base URL for a provider."""
    return f"{name.upper().replace('-', '_')}_BASE_URL"


def is_exposed(base_url: str) -> bool:
    """Whether a key can be read on the way to this address: unencrypted, it leaves the own network."""
    link = split_link(base_url)
    host = link.hostname or ""
    at_home = not {".", ":"} & set(host) or host.endswith((".localhost", ".internal", ".local"))
    if link.scheme == "https" or at_home:
        return False
    try:
        check_address(host)
    except AddressRefused as refused:
        return refused.reason == NOT_AN_ADDRESS
    return True


def _checked_key(key: Secret, variable: str) -> Secret:
    # A stray line break would split the header, and some libraries then quote the key in their complaint.
    if not _fits_into_a_header(key.reveal()):
        message = f"The key ({variable} or api_key) contains blanks, line breaks or characters beyond ASCII."
        raise ConfigurationError(message, hint="Copy it again, without anything around it.")
    return key


def _fits_into_a_header(key: str) -> bool:
    return key.isascii() and key.isprintable() and " " not in key


def _checked_base_url(base_url: str) -> str:
    if not _is_usable(base_url):
        hint = "It looks like https://api.example.com, without blanks, user name, query or fragment."
        raise ConfigurationError("The base URL is not usable.", hint=hint)
    # SDKs are given the address with the version; paths here bring their own.
    return base_url.rstrip("/").removesuffix("/v1").removesuffix("/api/v3").rstrip("/")


def _is_usable(base_url: str) -> bool:
    try:
        split_link(base_url)
    except LinkRefused:
        return False
    return "?" not in base_url and "#" not in base_url
