"""How webhooks are signed and verified (documentation/model-apis/inference/webhooks, "Verifying your webhook")."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from reelway.errors import ProviderError
from reelway.model.http import Headers
from reelway.provider.readers import decode_json, pick
from reelway.provider.signed import is_recent, only_header

SIGNED_HEADERS: Final = ("X-Fal-Webhook-Request-Id", "X-Fal-Webhook-User-Id", "X-Fal-Webhook-Timestamp")
"""In the order in which they are signed; behind them stands the digest of the body."""

SIGNATURE_HEADER: Final = "X-Fal-Webhook-Signature"

_SIGNATURE: Final = re.compile(r"[0-9a-fA-F]{128}", re.ASCII)


def verified(headers: Headers, body: bytes, key_set: str, now: datetime) -> bool:
    """Whether one of the keys in ``key_set`` signed this body, no more than five minutes from ``now``."""
    signed = [only_header(headers, name) for name in SIGNED_HEADERS]
    signature = only_header(headers, SIGNATURE_HEADER)
    if not all(signed) or not is_recent(signed[-1], now) or not _SIGNATURE.fullmatch(signature):
        return False
    message = _message(signed, body)
    return any(_signed_by(key, bytes.fromhex(signature), message) for key in public_keys(key_set))


def signature_headers(body: bytes, ids: tuple[str, str], key: bytes, now: datetime) -> Headers:
    """The headers of a webhook that a secret of 32 bytes signs; ``ids`` are the request's and the user's."""
    values = (*ids, str(int(now.timestamp())))
    signature = Ed25519PrivateKey.from_private_bytes(key).sign(_message(values, body)).hex()
    return (*zip(SIGNED_HEADERS, values, strict=True), (SIGNATURE_HEADER, signature))


def key_set(key: bytes) -> str:
    """The JSON Web Key Set (RFC 8037, section 2) that verifies what a secret ``key`` signs."""
    public = Ed25519PrivateKey.from_private_bytes(key).public_key().public_bytes_raw()
    x = base64.urlsafe_b64encode(public).decode().rstrip("=")
    return json.dumps({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": x}]})


def public_keys(key_set: str) -> Iterable[Ed25519PublicKey]:
    """The Ed25519 keys of a JSON Web Key Set (RFC 8037, section 2); what is none of these is passed over."""
    try:
        listed = pick(decode_json(key_set.encode()), "keys")
    except (ProviderError, UnicodeError):
        return
    for one in listed if isinstance(listed, list) else []:
        if pick(one, "kty") == "OKP" and pick(one, "crv") == "Ed25519":
            yield from _public_key(pick(one, "x"))


def _public_key(x: object) -> Iterable[Ed25519PublicKey]:
    try:
        raw = base64.b64decode(f"{x}==", altchars=b"-_", validate=False)
    except (binascii.Error, ValueError):
        return
    if len(raw) == 32:
        yield Ed25519PublicKey.from_public_bytes(raw)


def _message(values: Iterable[str], body: bytes) -> bytes:
    return "\n".join((*values, hashlib.sha256(body).hexdigest())).encode()


def _signed_by(key: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        key.verify(signature, message)
    except InvalidSignature:
        return False
    return True
