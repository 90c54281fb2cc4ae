"""The ledger is found by the schemes of its addresses."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

import reelway_postgres
from reelway.provider.hookspecs import LEDGERS, registered
from reelway_postgres import PostgresLedger


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_its_addresses_are_opened(scheme: str, url: str) -> None:
    [plugin] = (one for one in entry_points(group=LEDGERS) if one.name == scheme)
    loaded = plugin.load()
    assert loaded is reelway_postgres
    [ledger] = registered(loaded, scheme).hook.reelway_ledger(url=url.replace("postgresql:", f"{scheme}:"))
    with ledger:
        assert isinstance(ledger, PostgresLedger)
        assert ledger.name.startswith("postgresql://")
