"""The manual agrees with the program and with itself."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import fields

import reelway
from reelway.errors import ReelwayError
from reelway.flow.follow import FAILURE_LIMIT
from reelway.flow.media import MEDIA_LIMIT
from reelway.flow.stream import REFUSED_STATUSES
from reelway.flow.submit import SubmitPlan
from reelway.model.lifecycle import NOT_FOUND_GRACE, NOT_FOUND_LIMIT
from reelway.operations import SUBMIT_SECONDS
from tests.docs.pages import DOCS, PAGES, ROOT
from tests.repository.source import PROVIDERS

LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
DOCUMENTED = re.compile(r"^::: (\S+)$", re.MULTILINE)
BLOCK = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)

LINKING = sorted(
    {*PAGES, *DOCS.glob("providers/*.md"), *(ROOT / f"{name}.md" for name in ("CONTRIBUTING", "SECURITY"))}
)
REFERENCES = (DOCS / "reference.md", DOCS / "provider-reference.md")


def default_of(struct: type[Struct], field: str) -> float:
    """The value that a field has where none is given."""
    return next(float(one.default) for one in fields(struct) if one.name == field)


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


@pytest.mark.parametrize(
    ("page", "said", "meant", "actual"),
    [
        ("requests.md", "may have 64 MiB", 64 * 1024**2, MEDIA_LIMIT),
        ("money-safety.md", "may take 120 seconds", 120, SUBMIT_SECONDS),
        ("money-safety.md", "60 seconds after the first attempt", 60, default_of(SubmitPlan, "budget")),
        ("waiting.md", "ten failed questions in a row", 10, FAILURE_LIMIT),
        ("waiting.md", "three times in a row", 3, NOT_FOUND_LIMIT),
        ("waiting.md", "past the first minute", timedelta(minutes=1), NOT_FOUND_GRACE),
        ("downloads.md", "On 400, 401, 403, 404, 405 or 410", {400, 401, 403, 404, 405, 410}, REFUSED_STATUSES),
    ],
)
def test_numbers_in_the_prose_are_those_of_the_program(page: str, said: str, meant: object, actual: object) -> None:
    assert said in " ".join((DOCS / page).read_text().split())
    assert meant == actual


def test_every_public_name_is_in_the_reference_once() -> None:
    shown = [name for name in DOCUMENTED.findall((DOCS / "reference.md").read_text()) if name.count(".") == 1]
    assert sorted(shown) == sorted(f"reelway.{name}" for name in reelway.__all__)


@pytest.mark.parametrize("name", [name for page in REFERENCES for name in DOCUMENTED.findall(page.read_text())])
def test_everything_in_the_references_exists(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert hasattr(importlib.import_module(module), attribute)


def test_every_provider_is_in_the_table_of_the_readme() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\| `reelway-([\w-]+)` \|", text)) == set(PROVIDERS)


def test_every_page_of_the_manual_has_a_place_in_its_order() -> None:
    order = (DOCS / ".nav.yml").read_text()
    pages = (page.name for page in DOCS.glob("*.md") if not page.name.startswith("benchmarks"))
    assert [page for page in pages if not re.search(rf"(- |: ){re.escape(page)}$", order, re.MULTILINE)] == []


def _is_error(name: str) -> bool:
    value = getattr(reelway, name)
    return isinstance(value, type) and issubclass(value, ReelwayError)
