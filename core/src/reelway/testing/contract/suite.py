"""The contract as a pytest class: a subclass names the provider, and every check is a test with a readable name."""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping
from pathlib import Path
from typing import ClassVar, Final

import pytest

from reelway.provider.interface import Provider
from reelway.provider.registry import Registry
from reelway.testing.contract.check import SUITE, Check
from reelway.testing.contract.checks import CHECKS
from reelway.testing.contract.report import Outcome, Result, Terms, result_of
from reelway.testing.contract.subject import Subject

BY_ID: Final[Mapping[str, Check]] = {check.id: check for check in CHECKS}

SETTINGS: Final = frozenset({"provider", "samples", "cannot", "suite", "exempt"})
"""What a subclass may say."""

OF_PYTHON: Final = frozenset(
    {
        *("__module__", "__qualname__", "__doc__", "__annotations__", "__firstlineno__", "__static_attributes__"),
        *("__annotate__", "__annotate_func__", "__annotations_cache__", "__conditional_annotations__"),
    }
)
"""What Python itself writes into a class."""


class ProviderContract:
    """The contract of providers; a subclass says whose. It says nothing else, so that nothing is left out unseen.

    ```python
    from pathlib import Path

    from reelway.testing import ProviderContract


    class TestContract(ProviderContract):
        provider = "acme"
        samples = Path(__file__).parent / "samples"
        cannot = ("cancel", "signatures")
        suite = 1
    ```

    Attributes:
        provider: the provider, its class, or the name under which it is installed.
        samples: the folder of recorded answers; see the manual's page on the contract.
        cannot: what the provider cannot do; checks about it do not concern the provider.
        suite: the version of the suite that the provider was written for; newer checks are reported as upcoming.
        exempt: ids of checks that need not hold, each with the reason.
    """

    provider: ClassVar[Provider | type[Provider] | str]
    samples: ClassVar[Path | None] = None
    cannot: ClassVar[Collection[str]] = ()
    suite: ClassVar[int]
    exempt: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls) -> None:
        refuse_changes(cls)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make a test of every check."""
        guard(metafunc.config)
        if "check_id" in metafunc.fixturenames:
            metafunc.parametrize("check_id", list(BY_ID))

    def test_check(self, check_id: str, request: pytest.FixtureRequest) -> None:
        """One rule of the contract holds."""
        judge(result_of(BY_ID[check_id], subject_of(type(self)), terms_of(type(self))), request.node)

    def test_the_suite_is_whole(self, request: pytest.FixtureRequest) -> None:
        """No check is missing from this run, and every exemption means something."""
        terms_of(type(self)).refuse_nonsense(BY_ID)
        items = [item for item in request.session.items if getattr(item, "cls", None) is type(self)]
        run = {item.callspec.params.get("check_id") for item in items if hasattr(item, "callspec")}
        if missing := sorted(set(BY_ID) - run):
            pytest.fail(f"These checks were left out of the run: {', '.join(missing)}. Exempt one with a reason.")


def refuse_changes(cls: type[ProviderContract]) -> None:
    """Make sure that a subclass settles who is examined, and changes nothing about how.

    Raises:
        TypeError: it says something else, or not enough.
    """
    others = sorted(set(vars(cls)) - SETTINGS - OF_PYTHON)
    strangers = sorted(base.__name__ for base in cls.__mro__[:-1] if not issubclass(base, ProviderContract))
    unsaid = [name for name in ("provider", "suite") if not hasattr(cls, name)]
    problems = {
        f"defines {', '.join(others)}; a check that need not hold is named in `exempt`": others,
        f"inherits from {', '.join(strangers)}": strangers,
        f"does not say its {' and '.join(unsaid)} (the newest suite is {SUITE})": unsaid,
        "is not found by pytest; its name has to begin with 'Test'": not cls.__name__.startswith("Test"),
    }
    if problem := next((said for said, holds in problems.items() if holds), None):
        raise TypeError(f"{cls.__name__} {problem}. A contract states {', '.join(sorted(SETTINGS))}, no more.")


SUBJECTS: Final[dict[type[ProviderContract], Subject]] = {}
"""What the checks of one contract share."""


def subject_of(cls: type[ProviderContract]) -> Subject:
    """The provider that a contract is about."""
    if cls not in SUBJECTS:
        SUBJECTS[cls] = Subject(provider_of(cls.provider), samples=cls.samples, cannot=cls.cannot)
    return SUBJECTS[cls]


def provider_of(named: Provider | type[Provider] | str) -> Provider:
    """The provider, however it was named."""
    if isinstance(named, str):
        return Registry.installed().get(named)
    return named() if isinstance(named, type) else named


def terms_of(cls: type[ProviderContract]) -> Terms:
    """What a contract holds its provider to."""
    return Terms(suite=cls.suite, exempt=cls.exempt)


EXCUSED: Final = pytest.StashKey[bool]()
"""On a test: it is skipped by the rules of the contract."""


def judge(result: Result, node: pytest.Item) -> None:
    """Turn a result into what pytest shows."""
    told = "\n  ".join((result.check.why, *result.findings))
    if result.outcome is Outcome.FAILED:
        pytest.fail(f"{result.check.id}\n  {told}", pytrace=False)
    if result.outcome is not Outcome.PASSED:
        node.stash[EXCUSED] = True
        pytest.skip(f"{result.outcome}: {result.reason or told}")


class Guard:
    """Watches that no check is skipped in another way than by the rules of the contract."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Make a failure of a foreign skip, and of a failure that somebody expects."""
        report = yield
        kind = getattr(item, "cls", None)
        ours = isinstance(kind, type) and issubclass(kind, ProviderContract)
        if ours and report.skipped and not item.stash.get(EXCUSED, False):
            report.outcome = "failed"
            vars(report).pop("wasxfail", None)
            report.longrepr = f"{item.name} was skipped, but not by the contract. Exempt it with a reason."
        return report


def guard(config: pytest.Config) -> None:
    """Watch this run of pytest."""
    name = "reelway-contract"
    if not config.pluginmanager.has_plugin(name):
        config.pluginmanager.register(Guard(), name)
