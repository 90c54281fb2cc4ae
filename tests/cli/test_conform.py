from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from reelway.testing.contract import run as suite
from tests.cli.command import Outcome, python, reelway

PLUGINS = Path(__file__).parents[2] / "plugins"

QUICK = ("identity.", "words.", "samples.", "callbacks.")
"""Groups that take no time; the tests of the plugins run all."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "CHECKS", tuple(one for one in suite.CHECKS if one.id.startswith(QUICK)))


def conform(*options: str) -> Outcome:
    samples = str(PLUGINS / "infinityblue" / "tests" / "samples")
    return reelway("conform", "infinityblue", "--samples", samples, *options)


def report(file: str = "conform-infinityblue.json") -> dict[str, Any]:
    written: dict[str, Any] = json.loads(Path(file).read_text())
    return written


def test_a_provider_that_keeps_the_contract_is_told_so_and_has_a_report() -> None:
    said = conform()
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("infinityblue keeps the contract: ")
    assert "The report is in conform-infinityblue.json." in said.out
    written = report()
    assert (written["provider"], written["conforms"]) == ("infinityblue", True)
    assert [check["id"] for check in written["checks"]] == [check.id for check in suite.CHECKS]
    assert written["counts"]["passed"] + written["counts"]["not applicable"] == len(suite.CHECKS)


def test_the_report_goes_where_it_is_wanted() -> None:
    assert conform("--report", "elsewhere.json").code == 0
    assert report("elsewhere.json")["conforms"]
    assert not Path("conform-infinityblue.json").exists()


def test_with_json_the_report_is_one_line_and_no_file() -> None:
    said = conform("--json")
    assert said.record["provider"] == "infinityblue"
    assert list(Path().iterdir()) == []
    conform("--json", "--report", "both.json")
    assert report("both.json")["counts"] == said.record["counts"]


def test_without_samples_their_checks_do_not_concern_it() -> None:
    assert reelway("conform", "infinityblue").code == 0
    outcomes = {check["id"]: check["outcome"] for check in report()["checks"]}
    assert outcomes["samples.every-sample-has-its-reading"] == "not applicable"
    assert outcomes["words.keys-are-folded"] == "passed"


UNTRUE = ("--cannot", "remix", "--cannot", "cancel", "--cannot", "callbacks")


def test_what_does_not_hold_is_shown_and_ends_with_1() -> None:
    said = conform(*UNTRUE)
    assert said.code == 1
    assert "infinityblue does not keep the contract: " in said.out
    assert "FAILED identity.cannot-is-true: What is stated here decides" in said.err
    assert "  - the provider cannot do 'signatures'" in said.err
    assert report()["conforms"] is False


def test_an_exemption_has_its_reason_in_the_report() -> None:
    said = conform(*UNTRUE, "--exempt", "identity.cannot-is-true=it is about to change")
    assert (said.code, report()["counts"]["exempt"]) == (0, 1)
    assert "exempt: it is about to change" in said.err
    [check] = [check for check in report()["checks"] if check["outcome"] == "exempt"]
    assert check["reason"] == "it is about to change"


def test_quietly_only_the_verdict_is_told() -> None:
    said = conform(*UNTRUE, "--quiet")
    assert said.err == ""
    assert said.out.count("\n") == 1


WRONG = {
    "no such provider": (("conform", "nobody"), "no provider 'nobody'"),
    "no such feature": (("conform", "infinityblue", "--cannot", "fly"), "'fly' is none"),
    "no such check": (("conform", "infinityblue", "--exempt", "a.b=why"), "no check 'a.b'"),
    "no reason": (("conform", "infinityblue", "--exempt", "words.keys-are-folded"), "not of the form CHECK=REASON"),
    "an empty reason": (("conform", "infinityblue", "--exempt", "words.keys-are-folded="), "gives no reason"),
    "no such suite": (("conform", "infinityblue", "--suite", "99"), "no suite 99"),
    "no such folder": (("conform", "infinityblue", "--samples", "nowhere"), "does not exist"),
    "no such place": (("conform", "infinityblue", "--report", "no/such/folder.json"), "cannot be written"),
}


@pytest.mark.parametrize(("arguments", "reason"), WRONG.values(), ids=WRONG)
def test_a_wrong_question_is_wrong_use(arguments: tuple[str, ...], reason: str) -> None:
    said = reelway(*arguments)
    assert said.code == 2
    assert reason in " ".join(said.err.split())


def test_nothing_else_is_left_behind() -> None:
    conform()
    assert [path.name for path in Path().iterdir()] == ["conform-infinityblue.json"]


MISSING = """
import sys
sys.modules["hypothesis"] = None
from reelway.cli import main
sys.argv = ["reelway", "conform", "infinityblue"]
main()
"""


def test_who_lacks_the_libraries_is_told_how_to_get_them() -> None:
    said = python(MISSING)
    assert said.code == 2
    assert "The contract suite needs hypothesis" in said.err
    assert "reelway[cli,testing]" in said.err
