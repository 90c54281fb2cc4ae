"""What a thorough reporter shows of an error: frames with their locals, chained exceptions, hidden ones too."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Final

TESTS: Final = str(Path(__file__).parent)


def full_report(error: BaseException) -> str:
    """The whole report as text."""
    return "".join(line for report in _reports(error) for line in report.format())


def report_beyond_tests(error: BaseException) -> str:
    """The same without the frames of tests: what a caller holds in its own locals is its own affair."""
    lines: list[str] = []
    for report in _reports(error):
        kept = [frame for frame in report.stack if not frame.filename.startswith(TESTS)]
        report.stack = traceback.StackSummary.from_list(kept)
        lines += report.format(chain=False)
    return "".join(lines)


def _reports(error: BaseException) -> Iterator[traceback.TracebackException]:
    tree, seen = [error], []
    while tree:
        one = tree.pop()
        seen.append(one)
        tree += [chained for chained in (one.__cause__, one.__context__) if chained and chained not in seen]
        yield traceback.TracebackException.from_exception(one, capture_locals=True, compact=False)
