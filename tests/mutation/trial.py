"""Runs mutants of whole modules: each in a process of its own that has imported nothing of ours before.

The process reads the mutant in place of the module that is on disk, so nothing is written anywhere. All are copies
of one that has pytest and the libraries loaded, which saves most of the time of a start.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from time import monotonic
from types import CodeType, ModuleType
from typing import Final, NamedTuple

import pytest

from tests.mutation.mutants import Mutant, Outcome
from tests.mutation.targets import path_of

LIBRARIES: Final = ("anyio", "httpx", "hypothesis.strategies", "msgspec", "pluggy")

UNREAD: Final = 99
"""How a process ends whose tests never imported the mutant."""

PATIENCE = 5.0
"""A mutant hangs if its tests take so many times as long as usual, and ``SPARE`` seconds more."""

SPARE = 20.0


class TestsFail(Exception):
    """The tests fail already where nothing was changed."""


class _InPlace(SourceFileLoader):
    """Finds and loads the mutant under the name of the module."""

    def __init__(self, mutant: Mutant) -> None:
        super().__init__(mutant.module, str(path_of(mutant.module)))
        self._source = mutant.source
        self.was_read = False

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return spec_from_file_location(fullname, self.path, loader=self) if fullname == self.name else None

    def get_code(self, fullname: str) -> CodeType:
        self.was_read = True
        return compile(self._source, self.path, "exec", dont_inherit=True)


class _Trial(NamedTuple):
    mutant: Mutant
    process: ForkProcess
    ends: float

    def outcome(self) -> Outcome | None:
        """What became of the mutant; None as long as nobody knows."""
        if self.process.exitcode is None and monotonic() < self.ends:
            return None
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
            return Outcome.TIMEOUT
        # A mutant that cannot even be imported is noticed by any test.
        return {0: Outcome.SURVIVED, UNREAD: Outcome.UNTESTED}.get(self.process.exitcode, Outcome.KILLED)


def run(mutants: Sequence[Mutant], tests: Sequence[str]) -> dict[str, Outcome]:
    """What became of each mutant.

    Raises:
        TestsFail: the tests fail for each of the modules as it is.
    """
    _load_libraries()
    limit = PATIENCE * _usual_seconds(mutants, tests) + SPARE
    return _try_all(mutants, tests, limit)


def _load_libraries() -> None:
    """Load what all processes need, by pytest itself, which wants to see its plugins first."""
    pytest.main(["--collect-only", "-qqq", "-p", "no:cacheprovider", "tests/mutation/test_verdict.py"])
    for library in LIBRARIES:
        importlib.import_module(library)
    ours = [name for name in sys.modules if name.startswith("reelway")]
    assert not ours, f"a process that has imported {ours} would not see the mutants"


def _usual_seconds(mutants: Iterable[Mutant], tests: Sequence[str]) -> float:
    start = monotonic()
    modules = sorted({mutant.module for mutant in mutants})
    for module in modules:
        source = path_of(module).read_text(encoding="utf-8")
        unchanged = Mutant(name=module, module=module, where=module, was="", now="", source=source)
        outcome = _try_all([unchanged], tests, limit=1800.0)[module]
        if outcome is not Outcome.SURVIVED:
            raise TestsFail(f"{', '.join(tests)}: {outcome}, although nothing in {module} was changed")
    return (monotonic() - start) / max(1, len(modules))


def _try_all(mutants: Iterable[Mutant], tests: Sequence[str], limit: float) -> dict[str, Outcome]:
    pending, running = deque(mutants), list[_Trial]()
    outcomes: dict[str, Outcome] = {}
    while pending or running:
        while pending and len(running) < (os.cpu_count() or 1):
            running.append(_started(pending.popleft(), tests, limit))
        first = min(trial.ends for trial in running)
        wait([trial.process.sentinel for trial in running], timeout=max(0.0, first - monotonic()))
        outcomes |= {trial.mutant.name: told for trial in running if (told := trial.outcome())}
        running = [trial for trial in running if trial.mutant.name not in outcomes]
    return outcomes


def _started(mutant: Mutant, tests: Sequence[str], limit: float) -> _Trial:
    process = multiprocessing.get_context("fork").Process(target=_test, args=(mutant, tests))
    process.start()
    return _Trial(mutant, process, monotonic() + limit)


def _test(mutant: Mutant, tests: Sequence[str]) -> None:
    """Run the tests on a mutant, silently; the code of the process is the verdict."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    instead = _InPlace(mutant)
    sys.meta_path.insert(0, instead)
    code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests])
    os._exit(code if instead.was_read else UNREAD)
