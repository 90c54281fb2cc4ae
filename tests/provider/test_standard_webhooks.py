"""A callback is genuine where the holder of the key has signed exactly it, a short time ago."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelway.errors import ConfigurationError
from reelway.model.http import Headers
from reelway.provider.standard_webhooks import MOST_SIGNATURES, signature_headers, verified

NOW: Final = datetime(2026, 1, 1, tzinfo=UTC)
BODY: Final = b'{"type": "video.done"}'
RAW: Final = bytes(range(32))
KEY: Final = "whsec_" + base64.b64encode(RAW).decode()
OTHER_KEY: Final = "whsec_" + base64.b64encode(RAW[::-1]).decode()

ID, TIME, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


def signed(at: datetime = NOW, body: bytes = BODY, raw: bytes = RAW, name: str = "msg_1") -> dict[str, str]:
    """The headers of a callback, as the specification describes them."""
    time = str(int(at.timestamp()))
    mac = hmac.new(raw, f"{name}.{time}.".encode() + body, hashlib.sha256).digest()
    return {ID: name, TIME: time, SIGNATURE: f"v1,{base64.b64encode(mac).decode()}"}


def genuine(headers: dict[str, str] | Headers, body: bytes = BODY, key: str = KEY) -> bool:
    listed = tuple(headers.items()) if isinstance(headers, dict) else headers
    return verified(listed, body, key, NOW)


def test_the_example_of_the_reference_libraries_is_genuine() -> None:
    headers = (
        (ID, "msg_p5jXN8AQM9LWM0D4loKWxJek"),
        (TIME, "1614265330"),
        (SIGNATURE, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
    )
    then = datetime.fromtimestamp(1614265330, UTC)
    assert verified(headers, b'{"test": 2432232314}', "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", then)


def test_what_the_key_signed_is_genuine_and_nothing_else_is() -> None:
    assert genuine(signed())
    assert genuine(signed(), key=KEY.removeprefix("whsec_"))
    assert genuine({name.title(): value for name, value in signed().items()})
    assert not genuine(signed(), key=OTHER_KEY)
    assert not genuine(signed(), body=BODY + b" ")
    assert not genuine(signed() | {ID: "msg_2"})


@given(st.binary(max_size=300), st.binary(min_size=1, max_size=80), st.binary(max_size=300))
def test_what_a_simulator_signs_is_genuine_for_that_body_alone(body: bytes, raw: bytes, other: bytes) -> None:
    key = "whsec_" + base64.b64encode(raw).decode()
    headers = signature_headers(body, "msg_1", key, NOW)
    assert verified(headers, body, key, NOW)
    assert verified(headers, other, key, NOW) == (other == body)


@pytest.mark.parametrize(
    ("seconds", "is_genuine"), [(0, True), (299, True), (-300, True), (300, True), (301, False), (-301, False)]
)
def test_it_is_genuine_for_five_minutes_either_way(seconds: int, is_genuine: bool) -> None:
    assert genuine(signed(at=NOW + timedelta(seconds=seconds))) is is_genuine


OWN: Final = signed()[SIGNATURE]
FOREIGN: Final = signed(raw=RAW[::-1])[SIGNATURE]

SEVERAL: Final = {
    f"{FOREIGN} {OWN}": True,
    f"{OWN} {FOREIGN}": True,
    f"v1a,AAAA {OWN}": True,
    f"v1,nope {OWN}": True,
    f"v2,x,y,z  {OWN}": True,
    f"{' '.join([FOREIGN] * (MOST_SIGNATURES - 1))} {OWN}": True,
    f"{' '.join([FOREIGN] * MOST_SIGNATURES)} {OWN}": False,
    f"{FOREIGN} {FOREIGN}": False,
}


@pytest.mark.parametrize("listed", SEVERAL)
def test_of_several_signatures_one_has_to_fit(listed: str) -> None:
    assert genuine(signed() | {SIGNATURE: listed}) is SEVERAL[listed]


MALFORMED: Final = [
    {SIGNATURE: ""},
    {SIGNATURE: " "},
    {SIGNATURE: "v1"},
    {SIGNATURE: "v1,"},
    {SIGNATURE: OWN.removeprefix("v1,")},
    {SIGNATURE: OWN.replace("v1,", "v2,")},
    {SIGNATURE: OWN.replace("v1,", "v1a,")},
    {SIGNATURE: OWN.replace("v1,", "V1,")},
    {SIGNATURE: OWN.replace("v1,", "v1 ,")},
    {SIGNATURE: OWN.replace(",", "=")},
    {SIGNATURE: OWN.rstrip("=")},
    {SIGNATURE: f"{OWN}="},
    {SIGNATURE: OWN[:-4]},
    {SIGNATURE: f"v1,{RAW.hex()}"},
    {SIGNATURE: "v1,ä"},
    {SIGNATURE: f"{OWN}\x00"},
    {SIGNATURE: "v1," + "A" * 1_000_000},
    {SIGNATURE: "v1,A " * 100_000},
    {ID: ""},
    {ID: "msg_ä"},
    {ID: "m" * 1_000_000},
    {TIME: ""},
    {TIME: "NaN"},
    {TIME: "inf"},
    {TIME: "1e9"},
    {TIME: "-1"},
    {TIME: "0"},
    {TIME: "9" * 12},
    {TIME: "9" * 5000},
    {TIME: f"{NOW.timestamp()}"},
    {TIME: f" {int(NOW.timestamp())}"},
    {TIME: "٠١٢٣٤٥٦٧٨٩"},
]


@pytest.mark.parametrize("changed", MALFORMED, ids=lambda changed: repr(changed)[:60])
def test_a_malformed_header_is_not_genuine_and_no_error(changed: dict[str, str]) -> None:
    assert not genuine(signed() | changed)


@pytest.mark.parametrize("name", [ID, TIME, SIGNATURE])
def test_each_header_stands_there_once(name: str) -> None:
    headers = tuple(signed().items())
    assert not genuine(tuple((key, value) for key, value in headers if key != name))
    assert not genuine((*headers, (name.upper(), signed()[name])))


@given(st.dictionaries(st.sampled_from([ID, TIME, SIGNATURE]), st.text(max_size=60)))
def test_no_other_text_is_genuine(changed: dict[str, str]) -> None:
    headers = signed() | changed
    assert genuine(headers) == (headers == signed())


# --- keys ---


@pytest.mark.parametrize("key", ["", "whsec_", "whsec_n€", "whsec_abc", "not base64!"])
def test_a_key_that_is_none_is_told_without_quoting_it(key: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        genuine(signed(), key=key)
    assert not key or key not in str(told.value).replace("whsec_ and base64", "")


PUBLIC: Final = "whpk_" + base64.b64encode(RAW).decode()


def test_a_public_key_is_verified_by_what_the_plugin_brings() -> None:
    asked: list[tuple[bytes, bytes, bytes]] = []

    def ed25519(key: bytes, signature: bytes, message: bytes) -> bool:
        asked.append((key, signature, message))
        return signature == b"good"

    headers = signed()

    def told(listed: str) -> bool:
        changed = tuple((headers | {SIGNATURE: listed}).items())
        return verified(changed, BODY, PUBLIC, NOW, ed25519=ed25519)

    assert told("v1a,Z29vZA==")
    assert not told("v1,Z29vZA==")
    assert not told("v1a,YmFk")
    message = f"msg_1.{headers[TIME]}.".encode() + BODY
    assert asked == [(RAW, b"good", message), (RAW, b"bad", message)]


def test_without_it_a_public_key_is_told_of() -> None:
    with pytest.raises(ConfigurationError, match="ed25519"):
        genuine(signed(), key=PUBLIC)
