"""A webhook is genuine where one of the published keys signed exactly it, a short time ago; otherwise it is not."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from reelway.model.http import Headers
from reelway_fal import Fal
from reelway_fal.webhooks import key_set as published
from reelway_fal.webhooks import public_keys, signature_headers

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BODY = b'{"request_id": "123e4567-e89b-12d3-a456-426614174000", "status": "OK"}'
OURS = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHERS = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))

REQUEST, USER = "X-Fal-Webhook-Request-Id", "X-Fal-Webhook-User-Id"
TIME, SIGNATURE = "X-Fal-Webhook-Timestamp", "X-Fal-Webhook-Signature"


def jwk(key: Ed25519PrivateKey, **facts: Any) -> dict[str, Any]:
    x = base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).decode().rstrip("=")
    return {"kty": "OKP", "crv": "Ed25519", "x": x, "kid": "1", **facts}


def key_set(*keys: Any) -> str:
    return json.dumps({"keys": keys})


KEYS = key_set(jwk(OTHERS), jwk(OURS))


def signed(key: Ed25519PrivateKey = OURS, body: bytes = BODY, at: datetime = NOW) -> dict[str, str]:
    """The headers of a webhook, as fal's page describes them."""
    headers = {
        REQUEST: "123e4567-e89b-12d3-a456-426614174000",
        USER: "user-1",
        TIME: str(int(at.timestamp())),
    }
    message = "\n".join([*headers.values(), hashlib.sha256(body).hexdigest()])
    return {**headers, SIGNATURE: key.sign(message.encode()).hex()}


def genuine(headers: dict[str, str] | Headers, body: bytes = BODY, keys: str = KEYS) -> bool:
    listed = tuple(headers.items()) if isinstance(headers, dict) else headers
    return Fal().verify_callback(listed, body, keys, NOW)


def test_what_one_of_the_keys_signed_is_genuine() -> None:
    assert genuine(signed())
    assert genuine(signed(OTHERS))


def test_the_names_of_headers_have_no_case() -> None:
    assert genuine({name.lower(): value for name, value in signed().items()})


def test_the_simulator_signs_as_fal_does() -> None:
    secret = bytes(range(32))
    made = signature_headers(BODY, ("123e4567-e89b-12d3-a456-426614174000", "user-1"), secret, NOW)
    assert dict(made) == signed()
    assert genuine(made, keys=published(secret))
    assert not genuine(made, keys=published(bytes(32)))


def test_what_another_key_signed_is_not() -> None:
    assert not genuine(signed(), keys=key_set(jwk(OTHERS)))


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_are_recent(seconds: int) -> None:
    assert genuine(signed(at=NOW + timedelta(seconds=seconds)))


@pytest.mark.parametrize("seconds", [-86400, -301, 301, 86400])
def test_what_is_older_or_from_the_future_is_not(seconds: int) -> None:
    assert not genuine(signed(at=NOW + timedelta(seconds=seconds)))


@pytest.mark.parametrize("name", [REQUEST, USER, TIME, SIGNATURE])
@pytest.mark.parametrize("value", ["", " ", "0", "-1", "x", "\n", "a\nb", "\u0661", "1e9", "9" * 400, "f" * 128])
def test_a_header_with_another_value_makes_it_false(name: str, value: str) -> None:
    assert not genuine({**signed(), name: value})


@pytest.mark.parametrize("name", [REQUEST, USER, TIME, SIGNATURE])
def test_a_header_that_is_missing_or_doubled_makes_it_false(name: str) -> None:
    headers = tuple(signed().items())
    assert not genuine(tuple(header for header in headers if header[0] != name))
    assert not genuine((*headers, (name.lower(), signed()[name])))


@given(body=st.binary(max_size=80))
def test_another_body_makes_it_false(body: bytes) -> None:
    assert genuine(signed(), body) == (body == BODY)


@given(at=st.integers(0, 127), digit=st.sampled_from("0123456789abcdefG \u0664"))
def test_another_signature_makes_it_false(at: int, digit: str) -> None:
    whole = signed()[SIGNATURE]
    changed = whole[:at] + digit + whole[at + 1 :]
    assert genuine({**signed(), SIGNATURE: changed}) == (changed == whole)


def test_a_cut_or_longer_signature_makes_it_false() -> None:
    whole = signed()[SIGNATURE]
    assert not genuine({**signed(), SIGNATURE: whole[:-2]})
    assert not genuine({**signed(), SIGNATURE: whole + "00"})


UNUSABLE = {
    "another kind": jwk(OURS, kty="RSA"),
    "another curve": jwk(OURS, crv="X25519"),
    "no key": {"kty": "OKP", "crv": "Ed25519"},
    "a short key": jwk(OURS, x="AAAA"),
    "a long key": jwk(OURS, x="A" * 86),
    "no base64": jwk(OURS, x="A"),
    "a number": jwk(OURS, x=5),
    "no object": "key",
    "nothing": None,
}


@pytest.mark.parametrize("key", UNUSABLE.values(), ids=list(UNUSABLE))
def test_an_unusable_key_is_passed_over(key: Any) -> None:
    assert genuine(signed(), keys=key_set(key, jwk(OURS)))


@pytest.mark.parametrize(
    "keys", ["", "null", "[]", "{}", '{"keys": 5}', '{"keys": []}', "<html>", "\ud800", key_set(*UNUSABLE.values())]
)
def test_without_a_usable_key_nothing_is_genuine(keys: str) -> None:
    assert not genuine(signed(), keys=keys)


@given(text=st.text(st.characters(exclude_categories=[])))
def test_no_text_makes_the_reader_of_keys_stumble(text: str) -> None:
    assert list(public_keys(text)) == []


def test_the_first_vector_of_rfc_8032_is_read_as_a_key() -> None:
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    x = base64.urlsafe_b64encode(public).decode()
    [key] = public_keys(key_set({"kty": "OKP", "crv": "Ed25519", "x": x}))
    assert key.public_bytes_raw() == public
