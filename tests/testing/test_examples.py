"""The examples in the docstrings of what testers import run as they stand."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

import pytest

import reelway.testing

FOLDER: Final = Path(reelway.testing.__file__).parent

EXAMPLE: Final = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


def examples() -> list[tuple[str, str]]:
    """Each example with the place where it stands."""
    found = []
    for path in sorted(FOLDER.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                name = getattr(node, "name", "module")
                found += [(f"{path.stem}.{name}", text) for text in EXAMPLE.findall(ast.get_docstring(node) or "")]
    return found


@pytest.mark.parametrize(("place", "text"), examples(), ids=[place for place, _ in examples()])
def test_an_example_runs_as_it_stands(place: str, text: str) -> None:
    exec(compile(text, place, "exec"), {"__name__": "__main__"})  # noqa: S102 - this is what the test is about


def test_the_clock_and_the_package_show_how_they_are_used() -> None:
    assert {"__init__.module", "clock.VirtualClock"} <= {place for place, _ in examples()}
