"""The manual agrees with the program and with itself."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import reelway
from reelway.errors import ReelwayError
from tests.docs.pages import DOCS, PAGES, ROOT

LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
DOCUMENTED = re.compile(r"^::: (\S+)$", re.MULTILINE)
BLOCK = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)

LINKING = sorted(
    {*PAGES, *DOCS.glob("providers/*.md"), *(ROOT / f"{name}.md" for name in ("CONTRIBUTING", "SECURITY"))}
)
REFERENCES = (DOCS / "reference.md", DOCS / "provider-reference.md")


def prose(page: Path) -> str:
    """A page without its blocks, in which a `#` is a comment."""
    return BLOCK.sub("", page.read_text())


def anchors(page: Path) -> set[str]:
    """The places of a page that a link can lead to, named as code hosts and the generator of the manual do."""
    headings = (re.sub(r"[^\w\- ]", "", title.lower()) for title in HEADING.findall(prose(page)))
    return {title.strip().replace(" ", "-") for title in headings} | set(DOCUMENTED.findall(prose(page)))


@pytest.mark.parametrize("page", LINKING, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for path, anchor in LINK.findall(prose(page)):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {path}"
        assert not anchor or anchor in anchors(target), f"{page.name} links to {path}#{anchor}"


def test_generated_pages_are_fresh() -> None:
    run = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_error_is_on_the_page_of_errors() -> None:
    page = (DOCS / "errors.md").read_text()
    named = [name for name in reelway.__all__ if _is_error(name)]
    assert [name for name in named if f"`{name}`" not in page] == []


def test_every_public_name_is_in_the_reference_once() -> None:
    shown = [name for name in DOCUMENTED.findall((DOCS / "reference.md").read_text()) if name.count(".") == 1]
    assert sorted(shown) == sorted(f"reelway.{name}" for name in reelway.__all__)


@pytest.mark.parametrize("name", [name for page in REFERENCES for name in DOCUMENTED.findall(page.read_text())])
def test_everything_in_the_references_exists(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert hasattr(importlib.import_module(module), attribute)


def test_every_page_of_the_manual_has_a_place_in_its_order() -> None:
    order = (DOCS / ".nav.yml").read_text()
    pages = (page.name for page in DOCS.glob("*.md") if page.name != "benchmarks.md")
    assert [page for page in pages if not re.search(rf"(- |: ){re.escape(page)}$", order, re.MULTILINE)] == []


def _is_error(name: str) -> bool:
    value = getattr(reelway, name)
    return isinstance(value, type) and issubclass(value, ReelwayError)
