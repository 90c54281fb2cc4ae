"""Addresses: what PostgreSQL takes, a schema besides, and never a word of the password."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from reelway import ConfigurationError, Secret
from reelway_postgres.address import DEFAULTS, Address
from tests.reports import full_report

CANARY = "CANARYpassword"


def address(url: str) -> Address:
    return Address.of(Secret(url))


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("postgresql://localhost/jobs", "postgresql://localhost/jobs"),
        ("postgres://localhost/jobs", "postgresql://localhost/jobs"),
        (f"postgresql://me:{CANARY}@db.example:5433/jobs", "postgresql://me@db.example:5433/jobs"),
        (f"postgresql://me@db.example/jobs?password={CANARY}", "postgresql://me@db.example/jobs"),
        (f"postgresql://db.example/jobs?sslpassword={CANARY}&user=me", "postgresql://me@db.example/jobs"),
        ("postgresql://db.example/jobs?schema=films", "postgresql://db.example/jobs?schema=films"),
        ("postgresql://a.example:1,b.example:2/jobs", "postgresql://a.example,b.example:1,2/jobs"),
        (f"postgresql://me%40work:p%2F{CANARY}@db.example/jobs", "postgresql://me%40work@db.example/jobs"),
    ],
)
def test_a_ledger_is_called_by_its_address_without_the_password(url: str, name: str) -> None:
    read = address(url)
    assert read.name == name
    assert CANARY not in repr(read)


@pytest.mark.parametrize("written", ["a+b%2Bc", "a%2Bb%2Bc"])
def test_a_plus_is_a_plus_as_for_libpq(written: str) -> None:
    read = conninfo_to_dict(address(f"postgresql://localhost/jobs?password={written}")._parameters.reveal())
    assert read["password"] == "a+b+c"


def test_what_the_url_says_goes_before_what_is_usual() -> None:
    url = "postgresql://localhost/jobs?connect_timeout=3&options=-c%20statement_timeout%3D9s"
    read = conninfo_to_dict(address(url)._parameters.reveal())
    assert read["connect_timeout"] == "3"
    assert read["options"] == "-c statement_timeout=9s"
    assert read["application_name"] == DEFAULTS["application_name"]


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{CANARY}@db.example:port/jobs?nothing=1",
        f"postgresql://me:{CANARY}@db.example/jobs?schema=",
        f"postgresql://me:{CANARY}@db.example/jobs?schema=a-b",
        f'postgresql://me:{CANARY}@db.example/jobs?schema=x"y',
        f"postgresql://me:{CANARY}@db.example/jobs?schema={'x' * 64}",
        f"postgresql://me:{CANARY}%zz@db.example/jobs",
        f"postgresql://me:pass@{CANARY}/x@db.example/jobs",
        f"postgresql://me:pass@{CANARY}@db.example/jobs",
        f"postgresql://me:pass/{CANARY}@db.example/jobs",
        f"postgresql://me:pass#{CANARY}@db.example/jobs",
        f"postgresql://me:pass?{CANARY}@db.example/jobs",
        f"postgresql://[me:{CANARY}@db.example/jobs",
        f"host=db.example password={CANARY} schema",
    ],
)
def test_what_cannot_be_read_is_refused_and_not_quoted(url: str) -> None:
    secret = Secret(url)
    del url
    with pytest.raises(ConfigurationError) as refused:
        Address.of(secret)
    assert refused.value.hint
    assert CANARY not in full_report(refused.value).replace(repr(secret), "")
