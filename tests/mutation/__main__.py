"""Mutates the program and runs the tests that have to notice: ``python -m tests.mutation [target ...]``."""

from __future__ import annotations

import argparse
import os
import sys
from time import monotonic

# Before anything loads the tests: the same few examples for every mutant, and no search for the smallest one.
os.environ["HYPOTHESIS_PROFILE"] = "mutation"

from tests.mutation import functions, tables, trial
from tests.mutation.targets import Target, path_of, survivors, targets
from tests.mutation.verdict import Measured, problems, table


def main() -> int:
    asked, listed = _asked(), survivors()
    measured = [_measured(name, target) for name, target in asked.items()]
    found = [
        f"{one.target}: {problem}" for one in measured for problem in problems(one, listed.get(one.target, ()))
    ]
    sys.stdout.write("\n".join([table(measured), *found, ""]))
    return bool(found)


def _measured(name: str, target: Target) -> Measured:
    sys.stderr.write(f"{name} …\n")
    start = monotonic()
    made, outcomes = functions.run(name, target)
    for module in target.modules:
        made += tables.mutants_of(module, path_of(module).read_text(encoding="utf-8"))
    whole = [mutant for mutant in made if mutant.source]
    return Measured(
        target=name,
        modules=target.modules,
        mutants=tuple(made),
        outcomes={**outcomes, **trial.run(whole, target.tests)},
        seconds=monotonic() - start,
    )


def _asked() -> dict[str, Target]:
    known = targets()
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("target", nargs="*", help=f"all of them, unless some are named: {', '.join(known)}")
    names = parser.parse_args().target
    if unknown := set(names) - known.keys():
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    return {name: known[name] for name in names or known}


if __name__ == "__main__":
    sys.exit(main())
