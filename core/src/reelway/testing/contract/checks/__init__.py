"""All checks, in the order in which they are reported."""

from typing import Final

from reelway.testing.contract.check import Check
from reelway.testing.contract.checks.callbacks import callbacks
from reelway.testing.contract.checks.creates import creates
from reelway.testing.contract.checks.endings import endings
from reelway.testing.contract.checks.errors import errors
from reelway.testing.contract.checks.fields import fields
from reelway.testing.contract.checks.hostile import hostile
from reelway.testing.contract.checks.hygiene import hygiene
from reelway.testing.contract.checks.identity import identity
from reelway.testing.contract.checks.requests import requests
from reelway.testing.contract.checks.results import results
from reelway.testing.contract.checks.samples import samples
from reelway.testing.contract.checks.words import words

GROUPS: Final = (
    *(identity, requests, words, fields, errors, creates, callbacks),
    *(results, endings, hostile, hygiene, samples),
)

CHECKS: Final[tuple[Check, ...]] = tuple(check for group in GROUPS for check in group.checks)
