"""Runs the benchmarks: ``python -m tests.benchmarks [--quick] [--page NAME] [--write] [--only NAME]``."""

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
    postgres,
    reading,
    report,
    starting,
    tracking,
)
from tests.benchmarks.figures import Findings
from tests.benchmarks.measure import FULL, QUICK, Scale, loopback_server

Benchmark = Callable[[Scale, str], Findings]

PAGES: Final[Mapping[str, Mapping[str, Benchmark]]] = {
    "client": {
        "reading": lambda scale, _: reading.run(scale),
        "polling": polling.run,
        "following": following.run,
        "starting": lambda scale, _: starting.run(scale),
        "downloading": downloading.run,
    },
    "ledger": {
        "ledgers": lambda scale, _: ledgers.run(scale),
        "callbacks": lambda scale, _: callbacks.run(scale),
        "tracking": tracking.run,
        "fast": fast.run,
        "postgres": lambda scale, _: postgres.run(scale),
    },
}
"""The benchmarks of each page of the manual; a page is of one run."""

BENCHMARKS: Final = {name: benchmark for page in PAGES.values() for name, benchmark in page.items()}


def main() -> None:
    asked = _arguments()
    scale = QUICK if asked.quick else FULL
    with loopback_server() as url:
        if asked.only:
            chosen = {name: BENCHMARKS[name] for name in asked.only}
            sys.stdout.write(_page("client", chosen, scale, url))
            return
        for name in asked.page or PAGES:
            text = _page(name, PAGES[name], scale, url)
            sys.stdout.write(text)
            if asked.write:
                report.PAGES[name].file.write_text(text, encoding="utf-8")


def _page(name: str, benchmarks: Mapping[str, Benchmark], scale: Scale, url: str) -> str:
    busy = report.load()
    found = [_told(one, partial(benchmark, scale, url)) for one, benchmark in benchmarks.items()]
    return report.page(report.PAGES[name], found, busy)


def _told(name: str, benchmark: Callable[[], Findings]) -> Findings:
    sys.stderr.write(f"{name} …\n")
    return benchmark()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=BENCHMARKS, help="leave out the others; may be repeated")
    parser.add_argument("--page", action="append", choices=PAGES, help="of all pages, this one; may be repeated")
    parser.add_argument("--quick", action="store_true", help="a few minutes, for the order of magnitude")
    parser.add_argument("--write", action="store_true", help="write the pages of the manual")
    asked = parser.parse_args()
    if asked.write and (asked.quick or asked.only):
        parser.error("only a full run of a page is written")
    return asked


if __name__ == "__main__":
    main()
