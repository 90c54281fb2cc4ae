"""The generated parts of the page about the contract."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any, Final

from reelway.testing.contract.checks import CHECKS
from reelway.testing.contract.feature import MEANINGS
from tools.markup import code, table

ROOT: Final = Path(__file__).parents[2]


def features() -> str:
    """What a provider may be said not to do."""
    return table(
        ["feature", "a provider has it where"], ([code(one.value), meaning] for one, meaning in MEANINGS.items())
    )


def checks() -> str:
    """All checks, in the order in which they run."""
    rows = ([code(one.id), one.level.value, str(one.since), one.why] for one in CHECKS)
    return table(["check", "level", "since", "because"], rows)


def defects() -> str:
    """All seeded defects, each with the check that notices it, in the order of the checks."""
    # The defects are tests of this repository, which are not installed.
    sys.path.insert(0, str(ROOT))
    seeded: Any = importlib.import_module("tests.testing.defects")
    order = [check.id for check in CHECKS]
    ordered = sorted(seeded.DEFECTS, key=lambda defect: order.index(defect.check))
    return table(["defect", "noticed by"], ([_about_the_provider(one.wrong), code(one.check)] for one in ordered))


def _about_the_provider(wrong: str) -> str:
    return re.sub(r"\.$", "", wrong)
