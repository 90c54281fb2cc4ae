"""All that is needed to hold a provider to the contract without pytest."""

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

from hypothesis.configuration import set_hypothesis_home_dir

from reelway.testing.contract.check import SUITE
from reelway.testing.contract.checks import CHECKS
from reelway.testing.contract.feature import Feature
from reelway.testing.contract.report import Report, Result, Terms, hold
from reelway.testing.contract.subject import Subject

__all__ = ["CHECKS", "SUITE", "Feature", "Report", "Result", "Subject", "Terms", "hold", "nothing_left_behind"]


@contextmanager
def nothing_left_behind() -> Iterator[None]:
    """Let hypothesis keep its notes where they go away: a command was given, and no test suite started."""
    with TemporaryDirectory() as folder:
        set_hypothesis_home_dir(folder)
        try:
            yield
        finally:
            set_hypothesis_home_dir(None)
