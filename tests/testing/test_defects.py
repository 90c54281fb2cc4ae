"""Each seeded defect is noticed by its own check, which finds nothing wrong with the provider that has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelway.testing.contract.report import Outcome, Terms, hold, result_of
from reelway.testing.contract.run import CHECKS, Subject
from tests.testing.defects import DEFECTS, Defect
from tests.testing.defects.defect import CANNOT, SAMPLES
from tests.testing.reference.provider import Reference
from tests.testing.reference.split import Split

BY_ID = {check.id: check for check in CHECKS}

NOTICED = {Outcome.FAILED, Outcome.ADVICE}


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_a_defect_is_noticed(defect: Defect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    result = result_of(BY_ID[defect.check], defect.subject(tmp_path), Terms())
    assert result.outcome in NOTICED, defect.wrong


@pytest.mark.parametrize("kind", [Reference, Split])
def test_a_provider_without_a_defect_passes_everything(kind: type[Reference]) -> None:
    subject = Subject(kind(), samples=SAMPLES, cannot=CANNOT)
    report = hold(subject, CHECKS, Terms())
    assert [result.document() for result in report.results if result.findings] == []
    assert report.counts["not applicable"] == 1


def test_every_check_notices_some_defect() -> None:
    assert {defect.check for defect in DEFECTS} == BY_ID.keys()


def test_defects_have_names_of_their_own() -> None:
    names = [defect.name for defect in DEFECTS]
    assert len(names) == len(set(names)) >= 100
