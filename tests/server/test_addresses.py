"""An address for callbacks ends in a token that nobody can guess, and is kept by nobody."""

from __future__ import annotations

import hashlib
import re

import pytest

from reelway.addresses import TOKEN_LENGTH, checked_base, new_address, token_digest
from reelway.errors import ConfigurationError

BASE = "https://app.example/callbacks"


def test_every_address_is_another_with_128_random_bits() -> None:
    addresses = [new_address(BASE) for _ in range(1000)]
    urls = {address.url.reveal() for address in addresses}
    assert len(urls) == 1000
    assert all(re.fullmatch(rf"{BASE}/[A-Za-z0-9_-]{{{TOKEN_LENGTH}}}", url) for url in urls)


def test_the_digest_is_that_of_the_token() -> None:
    address = new_address(BASE)
    token = address.url.reveal().removeprefix(f"{BASE}/")
    assert address.digest == token_digest(token).hex() == hashlib.sha256(token.encode()).hexdigest()
    assert token not in repr(address)


@pytest.mark.parametrize("token", ["", "\x00", "ü", "\udcff", "A" * 100_000])
def test_any_text_has_a_digest(token: str) -> None:
    assert len(token_digest(token)) == 32


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (f"{BASE}/", BASE),
        ("http://127.0.0.1:8790", "http://127.0.0.1:8790"),
        ("https://a.example", "https://a.example"),
    ],
)
def test_a_base_is_kept_without_its_last_slash(given: str, kept: str) -> None:
    assert checked_base(given) == kept


@pytest.mark.parametrize(
    "given",
    [
        "",
        "app.example/callbacks",
        "ftp://app.example",
        "https://",
        "https://user:word@app.example",
        "https://app.example/?a=1",
        "https://app.example/#a",
        "https://app.example:0/",
        "https://app.example:99999",
        "https://app.example/a b",
        "https://äpp.example",
        "https://app.example/\n",
        "https://[::1",
    ],
)
def test_a_base_that_nobody_could_post_to_is_refused(given: str) -> None:
    with pytest.raises(ConfigurationError, match="not usable"):
        checked_base(given)
