"""Runs all benchmarks: ``python -m tests.benchmarks [--quick] [--write] [--only NAME]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from tests.benchmarks import (
    callbacks,
    downloading,
    fast,
    following,
    ledgers,
    polling,
    reading,
    report,
    starting,
    tracking,
)
from tests.benchmarks.figures import Findings
from tests.benchmarks.measure import FULL, QUICK, Scale, loopback_server

Benchmark = Callable[[Scale, str], Findings]

BENCHMARKS: Final[Mapping[str, Benchmark]] = {
    "reading": lambda scale, _: reading.run(scale),
    "polling": polling.run,
    "following": following.run,
    "fast": fast.run,
    "starting": lambda scale, _: starting.run(scale),
    "downloading": downloading.run,
    "ledgers": lambda scale, _: ledgers.run(scale),
    "callbacks": lambda scale, _: callbacks.run(scale),
    "tracking": tracking.run,
}


def main() -> None:
    asked = _arguments()
    scale = QUICK if asked.quick else FULL
    busy = report.load()
    with loopback_server() as url:
        found = [_told(name, partial(BENCHMARKS[name], scale, url)) for name in asked.only or BENCHMARKS]
    page = report.page(found, busy)
    sys.stdout.write(page)
    if asked.write:
        report.PAGE.write_text(page, encoding="utf-8")


def _told(name: str, benchmark: Callable[[], Findings]) -> Findings:
    sys.stderr.write(f"{name} …\n")
    return benchmark()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=BENCHMARKS, help="leave out the others; may be repeated")
    parser.add_argument("--quick", action="store_true", help="a few minutes, for the order of magnitude")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    asked = parser.parse_args()
    if asked.write and (asked.quick or asked.only):
        parser.error("only a full run is written")
    return asked


if __name__ == "__main__":
    main()
