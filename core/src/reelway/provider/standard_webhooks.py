"""Standard Webhooks (https://www.standardwebhooks.com): how many services sign what they post.

Source of every rule here: ``spec/standard-webhooks.md`` of github.com/standard-webhooks/standard-webhooks, 1.0.0.
A provider that signs so verifies in one line::

    def verify_callback(self, headers: Headers, body: bytes, secret: str, now: datetime) -> bool:
        return standard_webhooks.verified(headers, body, secret, now)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final, TypeAlias

from reelway.errors import ConfigurationError
from reelway.model.http import Headers
from reelway.provider.signed import is_recent, only_header

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"

SYMMETRIC, ASYMMETRIC = "v1", "v1a"
"""HMAC-SHA256 and ed25519: the word before each signature."""

SECRET_PREFIX, PUBLIC_PREFIX = "whsec_", "whpk_"
"""What the services write before a key. One without either is symmetric."""

MOST_SIGNATURES: Final = 16
"""A service signs with a new key and an old one; nobody has more of them than this."""

Ed25519: TypeAlias = Callable[[bytes, bytes, bytes], bool]
"""Whether a public key of 32 bytes has made a signature of a message."""


def verified(headers: Headers, body: bytes, key: str, now: datetime, *, ed25519: Ed25519 | None = None) -> bool:
    """Whether the holder of a key has signed this body, no more than five minutes from ``now``.

    Args:
        headers: as they arrived; any case of their names.
        body: as it arrived, byte for byte.
        key: ``whsec_...`` or ``whpk_...``, as the service gives it out.
        now: for comparison with the time that was signed.
        ed25519: verifies one signature, where the key is ``whpk_...``: core brings no cryptography of its own.

    Raises:
        ConfigurationError: the key is no base64, or there is nothing to verify it with.
    """
    name, written, listed = (only_header(headers, one) for one in (ID, TIMESTAMP, SIGNATURE))
    scheme, fits = _scheme(key, ed25519)
    if not (name and listed and is_recent(written, now)):
        return False
    message = _message(name, written, body)
    return any(fits(signature, message) for signature in _signatures(listed, scheme))


def signature_headers(body: bytes, message_id: str, secret: str, now: datetime) -> Headers:
    """The headers with which a simulator signs what it posts, by a ``whsec_...`` secret."""
    written = str(int(now.timestamp()))
    signature = base64.b64encode(_mac(_decoded(secret), _message(message_id, written, body))).decode()
    return ((ID, message_id), (TIMESTAMP, written), (SIGNATURE, f"{SYMMETRIC},{signature}"))


def _scheme(key: str, ed25519: Ed25519 | None) -> tuple[str, Callable[[bytes, bytes], bool]]:
    """The word before the signatures that a key makes, and what tells whether one fits a message."""
    raw = _decoded(key)
    if not key.startswith(PUBLIC_PREFIX):
        return SYMMETRIC, lambda signature, message: hmac.compare_digest(signature, _mac(raw, message))
    if ed25519 is None:
        hint = "Use the symmetric secret (whsec_...), where the service gives out one."
        raise ConfigurationError("The provider's plugin verifies no ed25519 signatures.", hint=hint)
    return ASYMMETRIC, lambda signature, message: ed25519(raw, signature, message)


def _signatures(listed: str, scheme: str) -> Iterator[bytes]:
    """The signatures of one scheme; what is of another, or no base64, is passed over."""
    for one in listed.split(" ", MOST_SIGNATURES)[:MOST_SIGNATURES]:
        word, _, written = one.partition(",")
        if word == scheme:
            try:
                yield base64.b64decode(written, validate=True)
            except binascii.Error:
                continue


def _decoded(key: str) -> bytes:
    try:
        raw = base64.b64decode(key.removeprefix(SECRET_PREFIX).removeprefix(PUBLIC_PREFIX), validate=True)
    except ValueError:
        raw = b""
    if not raw:
        hint = "Copy it again from the service; it looks like whsec_ and base64 behind it."
        # Its cause would quote it.
        raise ConfigurationError("The key for callbacks is no base64.", hint=hint) from None
    return raw


def _message(name: str, written: str, body: bytes) -> bytes:
    return b".".join((name.encode(), written.encode(), body))


def _mac(secret: bytes, message: bytes) -> bytes:
    return hmac.digest(secret, message, hashlib.sha256)
