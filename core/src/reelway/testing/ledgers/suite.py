"""The contract of ledgers as a pytest class: a subclass says how its store is opened."""

from __future__ import annotations

from reelway.testing.ledgers.attempts import Attempts
from reelway.testing.ledgers.model import AgainstAModel
from reelway.testing.ledgers.paces import Foresight, Paces
from reelway.testing.ledgers.tasks import Tasks
from reelway.testing.ledgers.threads import Threads
from reelway.testing.ledgers.turns import Claims, Settlements, Wakings
from reelway.testing.ledgers.upkeep import Deliveries, History, Upkeep
from reelway.testing.ledgers.values import OddValues


class LedgerContract(
    Attempts,
    Tasks,
    Claims,
    Settlements,
    Wakings,
    Paces,
    Foresight,
    History,
    Deliveries,
    Upkeep,
    OddValues,
    Threads,
    AgainstAModel,
):
    """The contract of ledgers; a subclass says how the store of one test is opened and how its time passes.

    ```python
    from pathlib import Path

    import pytest

    from reelway.ledger.sqlite import SqliteLedger
    from reelway.testing import LedgerContract, VirtualClock


    class TestContract(LedgerContract):
        @pytest.fixture(autouse=True)
        def store(self, tmp_path: Path) -> None:
            self.path, self.clock = tmp_path / "jobs.db", VirtualClock()

        def open(self) -> SqliteLedger:
            return SqliteLedger(self.path, monotonic=self.clock.monotonic)

        def pass_time(self, seconds: float) -> None:
            self.clock.advance(seconds)
    ```

    Each test begins with a store of its own, which is empty. Where a real clock measures, time is passed by moving
    what is stored into the past; some seconds that a test really takes do no harm.

    Attributes:
        shared: whether ledgers that are opened one beside the other see the same store.
    """
