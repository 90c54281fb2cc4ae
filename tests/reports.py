"""What a thorough reporter shows of an error: frames with their locals, chained exceptions, hidden ones too."""

from __future__ import annotations

import traceback


def full_report(error: BaseException) -> str:
    """The whole report as text."""
    tree, seen = [error], []
    while tree:
        one = tree.pop()
        seen.append(one)
        tree += [chained for chained in (one.__cause__, one.__context__) if chained and chained not in seen]
    reports = (traceback.TracebackException.from_exception(one, capture_locals=True, compact=False) for one in seen)
    return "".join(line for report in reports for line in report.format())
