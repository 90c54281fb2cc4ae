"""How hard hypothesis tries, and places to store results in.

`HYPOTHESIS_PROFILE=nightly` looks further than every day's `ci`.
"""

from __future__ import annotations

import logging
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings

if TYPE_CHECKING:
    from tests.storing.s3 import LocalS3

# Gateways that a developer has described are no part of what is tested.
os.environ["REELWAY_GATEWAYS"] = ""
# Nor are the jobs that a developer has paid for.
_STATE = tempfile.TemporaryDirectory(prefix="reelway-state-", ignore_cleanup_errors=True)
os.environ["XDG_STATE_HOME"] = _STATE.name
os.environ.pop("REELWAY_LEDGER", None)

# A script that starts tests in the background has them ignore Ctrl-C, and all that they start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no failure, so no example has a deadline and no strategy is judged by the clock.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)

# The same examples at every run: a change fails for what it changes, never by chance.
settings.register_profile("ci", PATIENT, derandomize=True)
settings.register_profile("nightly", PATIENT, max_examples=2000)
# For `nox -s mutation`, which runs the tests thousands of times and only asks whether they fail.
settings.register_profile(
    "mutation", PATIENT, derandomize=True, max_examples=40, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Names the test that leaves our warnings silent, in place of the next one that listens for them."""
    yield
    logger = logging.getLogger("reelway")
    assert (logger.disabled, logger.propagate, logger.level, logging.root.manager.disable) == (False, True, 0, 0)


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own for results on their way to an object store."""
    # Imported here: what tries mutants of ours has to have pytest loaded, and nothing of ours.
    from reelway.storing.objects import SPOOL  # noqa: PLC0415

    folder = tmp_path / "spool"
    monkeypatch.setenv(SPOOL, str(folder))
    return folder


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch, spool: Path) -> Iterator[LocalS3]:
    """An S3 on loopback, to which the environment leads."""
    # Imported here, because hardly any test needs it, and it takes its time.
    from tests.storing.s3 import LocalS3  # noqa: PLC0415

    with LocalS3() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server
