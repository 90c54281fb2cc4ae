"""Callback addresses: where a provider is to post, ending in a token that nobody can guess."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from msgspec.structs import replace

from reelway.errors import ConfigurationError
from reelway.model.secret import Secret
from reelway.provider.interface import Capability, Provider
from reelway.provider.models import CheckedRequest

TOKEN_BYTES: Final = 16
"""128 random bits."""

TOKEN_LENGTH: Final = 22
"""Characters of as many bits, as base64url."""

MASK: Final = "***"
"""Stands for a token wherever an address is shown."""


class CallbackAddress(NamedTuple):
    """An address for the callbacks of one job.

    Attributes:
        url: where they go; whoever knows it may post there.
        digest: the SHA-256 of its token, in hexadecimal, which is all that is kept of it.
    """

    url: Secret
    digest: str


def needs_address(checked: CheckedRequest, provider: Provider) -> bool:
    """Whether a create may name a callback address, and its user has named none."""
    able = Capability.CALLBACKS in provider.info.capabilities and checked.spec.callback
    return able and checked.request.callback_url is None


def addressed(checked: CheckedRequest, url: Secret) -> CheckedRequest:
    """A create that names a callback address."""
    return replace(checked, request=replace(checked.request, callback_url=url.reveal()))


def new_address(base: str) -> CallbackAddress:
    """An address below ``base`` that was never given out before."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    return CallbackAddress(Secret(f"{base}/{token}"), token_digest(token).hex())


def masked_address(base: str) -> Secret:
    """What stands for an address where nothing is sent."""
    return Secret(f"{base}/{MASK}")


def token_digest(token: str) -> bytes:
    """The SHA-256 of a token; any text has one, so that a wrong token takes as long to look up as a right one."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def checked_base(base: str) -> str:
    """Where the addresses of callbacks begin, without a slash at the end.

    Raises:
        ConfigurationError: nobody could post there.
    """
    try:
        parts = urlsplit(base)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or set("?#@ ") & set(base) or not (base.isascii() and base.isprintable()):
        hint = "It looks like https://app.example.com/callbacks, without user name, query or fragment."
        raise ConfigurationError("The address for callbacks is not usable.", hint=hint)
    return base.rstrip("/")
