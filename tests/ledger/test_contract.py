"""Both homes of the embedded ledger keep the contract of ledgers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reelway.ledger.sqlite import SqliteLedger
from reelway.testing import LedgerContract, VirtualClock


def test_whoever_wants_a_clock_needs_no_pytest() -> None:
    program = """
import sys
sys.modules["pytest"] = sys.modules["hypothesis"] = None
from reelway.testing import VirtualClock
try:
    from reelway.testing import LedgerContract
except ImportError:
    sys.exit(0)
sys.exit("no pytest was needed")
"""
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")


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
