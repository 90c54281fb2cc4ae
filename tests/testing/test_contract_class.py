"""A contract says whose it is and nothing else, and no check is left out unseen."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reelway.errors import ConfigurationError
from reelway.testing import ProviderContract
from reelway.testing.contract.checks import CHECKS
from reelway.testing.contract.report import Outcome, Result
from reelway.testing.contract.suite import BY_ID, EXCUSED, judge, provider_of, subject_of
from tests.nested import own_environment
from tests.testing.reference.provider import Reference

ROOT = Path(__file__).parents[2]

HEAD = """
import pytest
from reelway.testing import ProviderContract
from tests.testing.reference.provider import Reference
"""

BODY = """
class TestContract(ProviderContract):
    provider = Reference
    cannot = ("installed", "samples")
    suite = 1
"""


def settings(**others: Any) -> dict[str, Any]:
    return {"provider": Reference, "suite": 1, "__module__": __name__} | others


def skip(self: object) -> None:
    pytest.skip("later")


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "a check that is overridden": ("TestIt", settings(test_check=skip), "defines test_check"),
    "a check that is deleted": (
        "TestIt",
        settings(test_the_suite_is_whole=None),
        "defines test_the_suite_is_whole",
    ),
    "other tests to run": ("TestIt", settings(pytest_generate_tests=skip), "defines pytest_generate_tests"),
    "marks of its own": ("TestIt", settings(pytestmark=pytest.mark.skip), "defines pytestmark"),
    "a setup of its own": ("TestIt", settings(setup_method=skip), "defines setup_method"),
    "no provider": ("TestIt", {"suite": 1}, "does not say its provider"),
    "no suite": ("TestIt", {"provider": Reference}, "does not say its suite"),
    "a name that pytest passes over": ("Contract", settings(), "not found by pytest"),
}


@pytest.mark.parametrize(("name", "namespace", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_contract_says_nothing_else(name: str, namespace: dict[str, Any], reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        type(name, (ProviderContract,), namespace)


def test_a_contract_inherits_from_nothing_else() -> None:
    with pytest.raises(TypeError, match="inherits from Mixin"):
        type("TestIt", (type("Mixin", (), {"test_check": skip}), ProviderContract), settings())


def test_a_contract_may_be_refined() -> None:
    base = type("TestBase", (ProviderContract,), settings())
    refined: Any = type("TestRefined", (base,), {"exempt": {}})
    assert refined.suite == 1


@pytest.mark.parametrize("named", [Reference, Reference()], ids=["class", "object"])
def test_a_provider_is_named_by_its_class_or_is_given(named: Any) -> None:
    assert isinstance(provider_of(named), Reference)


def test_a_provider_is_named_by_its_entry_point() -> None:
    with pytest.raises(ConfigurationError, match="There is no provider 'nobody'"):
        provider_of("nobody")


def test_all_checks_of_a_contract_share_one_subject() -> None:
    contract: Any = type("TestShared", (ProviderContract,), settings())
    assert subject_of(contract) is subject_of(contract)


def run(folder: Path, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT}\n")
    (folder / "test_it.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rs", *arguments]
    return subprocess.run(command, cwd=folder, env=own_environment(), capture_output=True, text=True, check=False)


ONE = ("-k", "words.no-word-means-lost")


def test_a_check_is_a_test_with_a_readable_name(tmp_path: Path) -> None:
    done = run(tmp_path, HEAD + BODY, *ONE, "-v")
    assert done.returncode == 0, done.stdout
    assert "TestContract::test_check[words.no-word-means-lost] PASSED" in done.stdout


SKIPPING = {
    "the class is marked": HEAD + "\n@pytest.mark.skip(reason='later')" + BODY,
    "its failure is expected": HEAD + "\n@pytest.mark.xfail(run=False)" + BODY,
    "the module is marked": HEAD + "\npytestmark = pytest.mark.skipif(True, reason='later')\n" + BODY,
    "a fixture skips": HEAD + "\n@pytest.fixture(autouse=True)\ndef later():\n    pytest.skip('later')\n" + BODY,
}


@pytest.mark.parametrize("text", SKIPPING.values(), ids=SKIPPING)
def test_a_check_that_is_skipped_in_another_way_has_failed(text: str, tmp_path: Path) -> None:
    done = run(tmp_path, text, *ONE)
    assert done.returncode == 1
    assert "was skipped, but not by the contract" in done.stdout


def test_what_does_not_concern_a_provider_is_skipped_with_its_reason(tmp_path: Path) -> None:
    done = run(tmp_path, HEAD + BODY, "-k", "samples.every-sample-has-its-reading")
    assert done.returncode == 0
    assert "not applicable: the provider cannot: samples" in done.stdout


def as_run(contract: type, ids: list[str]) -> Any:
    """What a run of pytest would be that has these checks of a contract."""
    items = [SimpleNamespace(cls=contract, callspec=SimpleNamespace(params={"check_id": one})) for one in ids]
    return SimpleNamespace(session=SimpleNamespace(items=items))


def test_a_whole_run_is_whole() -> None:
    contract: Any = type("TestWhole", (ProviderContract,), settings())
    contract().test_the_suite_is_whole(as_run(contract, list(BY_ID)))


def test_a_check_that_is_left_out_of_a_run_is_missed() -> None:
    contract: Any = type("TestWhole", (ProviderContract,), settings())
    with pytest.raises(pytest.fail.Exception, match=r"identity\.import-opens-no-socket"):
        contract().test_the_suite_is_whole(as_run(contract, list(BY_ID)[1:]))


NONSENSE = {
    "no such check": ({"exempt": {"words.rhyme": "not yet"}}, "no check 'words.rhyme'"),
    "no reason": ({"exempt": {"words.no-word-means-lost": " "}}, "gives no reason"),
    "no such suite": ({"suite": 99}, "no suite 99"),
}


@pytest.mark.parametrize(("others", "reason"), NONSENSE.values(), ids=NONSENSE)
def test_an_exemption_means_something(others: dict[str, Any], reason: str) -> None:
    contract: Any = type("TestWhole", (ProviderContract,), settings(**others))
    with pytest.raises(ConfigurationError, match=reason):
        contract().test_the_suite_is_whole(as_run(contract, list(BY_ID)))


def judged(outcome: Outcome, **others: Any) -> Any:
    """The test of a check that had this outcome."""
    node: Any = SimpleNamespace(stash=pytest.Stash())
    judge(Result(check=CHECKS[0], outcome=outcome, **others), node)
    return node


def test_a_check_that_holds_says_nothing() -> None:
    assert EXCUSED not in judged(Outcome.PASSED).stash


def test_a_check_that_failed_says_why_and_where() -> None:
    with pytest.raises(pytest.fail.Exception) as failed:
        judged(Outcome.FAILED, findings=("it listens on port 80",))
    assert CHECKS[0].id in str(failed.value)
    assert CHECKS[0].why in str(failed.value)
    assert "it listens on port 80" in str(failed.value)


@pytest.mark.parametrize("outcome", [Outcome.ADVICE, Outcome.UPCOMING])
def test_what_is_no_failure_is_told_all_the_same(outcome: Outcome) -> None:
    with pytest.raises(pytest.skip.Exception, match=f"{outcome}: .*\n  it listens"):
        judged(outcome, findings=("it listens on port 80",))


def test_an_exemption_is_shown_with_its_reason() -> None:
    with pytest.raises(pytest.skip.Exception, match="exempt: the service has no other port"):
        judged(Outcome.EXEMPT, findings=("it listens on port 80",), reason="the service has no other port")
