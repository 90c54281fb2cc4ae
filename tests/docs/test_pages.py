"""The manual agrees with the program and with itself."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import reelway
from reelway.errors import ReelwayError
from tests.docs.pages import PAGES, ROOT

LINK = re.compile(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", [*PAGES, *ROOT.glob("docs/providers/*.md"), ROOT / "CONTRIBUTING.md"], ids=str)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    missing = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert not missing


def test_generated_pages_are_fresh() -> None:
    run = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_error_is_on_the_page_of_errors() -> None:
    page = (ROOT / "docs" / "errors.md").read_text()
    named = [name for name in reelway.__all__ if _is_error(name)]
    assert [name for name in named if f"`{name}`" not in page] == []


def _is_error(name: str) -> bool:
    value = getattr(reelway, name)
    return isinstance(value, type) and issubclass(value, ReelwayError)
