"""Writes the generated parts of the manual from the program's own tables, or checks that they are fresh.

``python docs/generate.py`` writes; ``python docs/generate.py --check`` fails where a page is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from tools import contract_page, parts
from tools.provider_pages import provider_index, provider_page

from reelway.provider.registry import Registry

DOCS: Final = Path(__file__).parent

Parts: TypeAlias = Mapping[str, Callable[[], str]]

PARTS: Final[Mapping[str, Parts]] = {
    "command.md": {"commands": parts.commands, "exit codes": parts.exit_codes},
    "contract.md": {
        "features": contract_page.features,
        "checks": contract_page.checks,
        "defects": contract_page.defects,
    },
    "downloads.md": {"limits": parts.download_limits},
    "errors.md": {"tree": parts.error_tree, "classes": parts.error_classes, "kinds": parts.error_kinds},
    "ledger.md": {"troubles": parts.troubles},
    "lifecycle.md": {"diagram": parts.diagram, "table": parts.transition_table},
    "money-safety.md": {"resume_later.py": parts.example("resume_later.py")},
    "requests.md": {"fields": parts.request_fields, "one request": parts.one_request},
    "storing.md": {
        "blanks": parts.blanks,
        "uploads": parts.upload_limits,
        "storing": parts.storing_limits,
    },
    "testing.md": {"faults": parts.faults},
    "waiting.md": {"numbers": parts.waiting_numbers, "many_jobs.py": parts.example("many_jobs.py")},
    "web-app.md": {"web_app.py": parts.example("web_app.py")},
    "writing-a-provider.md": {"small provider": parts.small_provider},
}
"""Pages written by hand, and the parts of them that are generated."""


def pages() -> dict[Path, str]:
    """Every generated page as it should be."""
    # Without the environment, so that no gateway of the writer's own gets a page.
    providers = Registry.installed({}).providers
    whole = {DOCS / "providers" / f"{one.info.name}.md": provider_page(one) for one in providers}
    whole[DOCS / "providers" / "README.md"] = provider_index(providers)
    return whole | {DOCS / name: _filled(DOCS / name, made) for name, made in PARTS.items()}


def _filled(page: Path, made: Parts) -> str:
    text = page.read_text()
    for name, write in made.items():
        start, mark, rest = text.partition(f"<!-- generated: {name} -->\n")
        _, end, tail = rest.partition("<!-- end -->")
        if not (mark and end):
            raise SystemExit(f"{page.name} has no place for the generated part {name!r}.")
        text = f"{start}{mark}\n{write()}\n\n{end}{tail}"
    return text


def main(arguments: list[str]) -> int:
    """Write the pages, or tell which are stale."""
    fresh = pages()
    stale = [path for path, text in fresh.items() if not path.exists() or path.read_text() != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(DOCS.parent)} is stale; run: python docs/generate.py")
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(fresh[path])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
