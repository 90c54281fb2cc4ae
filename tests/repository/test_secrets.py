"""What is published with this repository opens nobody's account."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelway.testing.contract.checks.samples import SECRETS
from tests.repository.source import PROVIDERS

ROOT = Path(__file__).parents[2]

SAMPLES = sorted(file for place in ("plugins", "tests") for file in (ROOT / place).glob("**/samples/**/*.*"))
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")])

PLANTED = {
    "an API key": '{"message": "Incorrect API key: sk-proj-abcdefghijklmnop1234"}',
    "a bearer token": "Authorization: bearer abcdefghijklmnop.1234",
    "a JSON web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "a signature in a link": "https://cdn.example/a.mp4?Expires=1&X-Amz-Signature=0123456789abcdef0123",
    "an AWS key": "AKIAIOSFODNN7EXAMPLE",
    "a private key": "-----BEGIN RSA PRIVATE KEY-----",
    "somebody's address": "somebody@mail.com",
}


def secrets_in(text: str) -> set[str]:
    return {what for what, pattern in SECRETS.items() if pattern.search(text)}


@pytest.mark.parametrize("file", [*SAMPLES, *PAGES], ids=lambda file: file.relative_to(ROOT).as_posix())
def test_no_sample_and_no_page_holds_a_secret(file: Path) -> None:
    assert secrets_in(file.read_text("utf-8", "replace")) == set()


def test_every_provider_has_samples_that_are_looked_at() -> None:
    owners = {file.relative_to(ROOT).parts[1] for file in SAMPLES if file.is_relative_to(ROOT / "plugins")}
    assert owners == set(PROVIDERS)


@pytest.mark.parametrize("what", SECRETS)
def test_a_secret_of_each_kind_would_be_found(what: str) -> None:
    assert what in secrets_in(PLANTED[what])
