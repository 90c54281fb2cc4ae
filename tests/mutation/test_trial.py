"""A trial tells whether the tests of a module notice that it was changed."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest

from tests.mutation.targets import ROOT, path_of
from tests.nested import own_environment

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="mutants run in copies of a process")

MODULE = "reelway.model.secret"

TRIALS = """
import json, sys
from tests.mutation import trial
from tests.mutation.mutants import Mutant

trial.PATIENCE, trial.SPARE = 3.0, 1.0
mutants = [Mutant(**one, was="", now="", where="") for one in json.load(sys.stdin)]
print(json.dumps(trial.run(mutants, ["tests/model/test_secret.py"])))
"""


def tried(**mutants: tuple[str, str]) -> subprocess.CompletedProcess[bytes]:
    asked = [{"name": name, "module": module, "source": source} for name, (module, source) in mutants.items()]
    command = [sys.executable, "-c", TRIALS]
    given = msgspec.json.encode(asked)
    return subprocess.run(command, cwd=ROOT, input=given, env=own_environment(), capture_output=True, check=False)


def test_each_mutant_meets_the_fate_that_it_deserves() -> None:
    source = path_of(MODULE).read_text()
    fates = {
        "survived": (MODULE, f"{source}\nUNUSED = 1\n"),
        "killed": (MODULE, source.replace("return", "raise", 1)),
        "timeout": (MODULE, f"{source}\nwhile True: pass\n"),
    }
    told = msgspec.json.decode(tried(**fates).stdout.splitlines()[-1], type=dict[str, str])
    assert told == {fate: fate for fate in fates}


def test_tests_that_never_import_the_module_prove_nothing() -> None:
    unread = "reelway.cli.demo"
    done = tried(any=(unread, path_of(unread).read_text()))
    assert b"no tests, although nothing in reelway.cli.demo was changed" in done.stderr
