"""Both homes of the embedded ledger keep the contract of ledgers."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelway.ledger.sqlite import SqliteLedger
from reelway.testing import LedgerContract, VirtualClock


class TestInMemory(LedgerContract):
    shared = False

    @pytest.fixture(autouse=True)
    def clock_of_its_own(self) -> None:
        self.clock = VirtualClock()

    def open(self) -> SqliteLedger:
        return SqliteLedger(monotonic=self.clock.monotonic)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)


class TestInAFile(LedgerContract):
    @pytest.fixture(autouse=True)
    def store(self, tmp_path: Path) -> None:
        self.path, self.clock = tmp_path / "jobs.db", VirtualClock()

    def open(self) -> SqliteLedger:
        return SqliteLedger(self.path, monotonic=self.clock.monotonic)

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
