"""Seeded defects: what the contract has to notice, each by a check of its own."""

from tests.testing.defects import (  # noqa: F401 - each adds its own
    callbacks,
    creates,
    endings,
    errors,
    fields,
    hostile,
    hygiene,
    identity,
    requests,
    results,
    samples,
    words,
)
from tests.testing.defects.defect import DEFECTS, Defect

__all__ = ["DEFECTS", "Defect"]
