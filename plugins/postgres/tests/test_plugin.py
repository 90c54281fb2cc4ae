"""The ledger is found by the schemes of its addresses."""

from __future__ import annotations

import pytest

from reelway import LedgerError, Secret
from reelway.ledgers import open_ledger
from reelway_postgres import PostgresLedger
from tests.reports import full_report

CANARY = "CANARYpassword"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_its_addresses_are_opened(scheme: str, url: str) -> None:
    with open_ledger(url.replace("postgresql:", f"{scheme}:")) as ledger:
        assert isinstance(ledger, PostgresLedger)
        assert ledger.name.startswith("postgresql://")


def test_an_address_that_cannot_be_opened_shows_no_password() -> None:
    address = Secret(f"postgresql://me:{CANARY}@127.0.0.1:1/jobs?connect_timeout=1")
    with pytest.raises(LedgerError, match="cannot be reached") as refused:
        open_ledger(address)
    assert CANARY not in full_report(refused.value)
