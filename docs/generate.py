"""Writes the generated parts of the manual from the program's own tables, or checks that they are fresh.

``python docs/generate.py`` writes; ``python docs/generate.py --check`` fails where a page is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import reelway.errors as errors_module
from reelway.cli.exit_codes import MEANINGS
from reelway.errors import KIND_FACTS, ReelwayError
from reelway.model.lifecycle import TRANSITIONS, Cell, Effect, Seen
from reelway.model.observation import Status
from reelway.provider.interface import Provider
from reelway.provider.models import ModelSpec
from reelway.provider.registry import Registry

DOCS: Final = Path(__file__).parent
PLUGINS: Final = DOCS.parent / "plugins"


def diagram() -> str:
    """The moves of the table as a Mermaid state diagram."""
    moves = sorted(
        {
            (str(state), str(cell.to), cell.effect is Effect.REQUEUE)
            for state, row in TRANSITIONS.items()
            for cell in row.values()
            if cell.to is not None
        }
    )
    lines = [f"    {'[*]' if a == 'new' else a} --> {b}{' : requeued' if back else ''}" for a, b, back in moves]
    lost = [f"    {state} --> lost : not found, 3 times" for state in ("queued", "running")]
    ends = [f"    {status} --> [*]" for status in Status if status.final and status is not Status.LOST]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, *lost, *ends, "```"])


def transition_table() -> str:
    """The whole table, a row for each state."""
    rows = ([f"**{state}**", *(_cell(row[seen]) for seen in Seen)] for state, row in TRANSITIONS.items())
    return _table(["now \\ seen", *Seen], rows)


def _cell(cell: Cell) -> str:
    if cell.effect is Effect.MOVE:
        return f"→ {cell.to}"
    return f"{cell.effect} → {cell.to}" if cell.to else str(cell.effect)


def error_tree() -> str:
    """The tree, as the module draws it."""
    drawing = [line[4:] for line in (errors_module.__doc__ or "").splitlines() if line.startswith("    ")]
    return "\n".join(["```text", *drawing, "```"])


def error_classes() -> str:
    """What each class carries."""
    rows = (
        [f"`{one.__name__}`", one.fault, _yes(one.retryable), _yes(one.resubmit_safe), one.billed, _first_line(one)]
        for one in _all_errors(ReelwayError)
    )
    return _table(["class", "fault", "retryable", "resubmit safe", "billed", "meaning"], rows)


def error_kinds() -> str:
    """The kinds of provider errors."""
    rows = ([f"`{kind}`", _yes(facts.retryable), facts.fault, facts.hint] for kind, facts in KIND_FACTS.items())
    return _table(["kind", "retryable", "fault", "what to do"], rows)


def exit_codes() -> str:
    """The exit codes of the command."""
    return _table(["code", "meaning"], ([f"{code:d}", meaning] for code, meaning in MEANINGS.items()))


def provider_page(provider: Provider) -> str:
    """A provider's page: what its README says, then its tables."""
    info = provider.info
    readme = (PLUGINS / info.name / "README.md").read_text().rstrip()
    words = _table(["word", "status"], ([f"`{word}`", status] for word, status in info.words.items()))
    models = _table(
        ["model", "also called", "seconds", "ratios", "resolutions", "inputs", "page"],
        (_model_row(spec) for spec in provider.models.models),
    )
    facts = f"Asked every {info.cadence.minimum:g} to {info.cadence.maximum:g} seconds. Key: `{info.key_variable}`."
    note = "<!-- written by docs/generate.py from the plugin's README and tables -->"
    return f"{note}\n{readme}\n\n## Models\n\n{models}\n\n## Status words\n\n{facts}\n\n{words}\n"


def provider_index(providers: Iterable[Provider]) -> str:
    """The list of provider pages."""
    rows = (
        [
            f"[{one.info.title}]({one.info.name}.md)",
            f"`{one.info.key_variable}`",
            _join(sorted(one.info.capabilities)),
        ]
        for one in providers
    )
    note = "<!-- written by docs/generate.py -->"
    return f"{note}\n# Providers\n\n{_table(['provider', 'key', 'beyond create and retrieve'], rows)}\n"


def _model_row(spec: ModelSpec) -> list[str]:
    return [
        f"`{spec.name}`",
        _join(f"`{alias}`" for alias in spec.aliases),
        _seconds(spec.durations),
        _join(spec.aspect_ratios),
        _join(spec.resolutions),
        _join(_inputs(spec)),
        spec.source,
    ]


def _inputs(spec: ModelSpec) -> Iterable[str]:
    frames = {"first frame": spec.first_frame, "last frame": spec.last_frame}
    yield from (name for name, there in frames.items() if there)
    yield from (f"{count} {kind}s" for kind, count in spec.references.items())


def _seconds(durations: tuple[int, ...]) -> str:
    if len(durations) > 2 and durations == tuple(range(durations[0], durations[-1] + 1)):
        return f"{durations[0]}–{durations[-1]}"
    return _join(map(str, durations))


def _all_errors(base: type[ReelwayError]) -> Iterable[type[ReelwayError]]:
    yield base
    for child in base.__subclasses__():
        yield from _all_errors(child)


def _first_line(one: type[ReelwayError]) -> str:
    return (one.__doc__ or "").strip().splitlines()[0]


def _yes(value: object) -> str:
    return "yes" if value else "no"


def _join(parts: Iterable[str]) -> str:
    return ", ".join(parts)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


PARTS: Final[dict[str, dict[str, Callable[[], str]]]] = {
    "lifecycle.md": {"diagram": diagram, "table": transition_table},
    "errors.md": {"tree": error_tree, "classes": error_classes, "kinds": error_kinds},
    "command.md": {"exit codes": exit_codes},
}
"""Pages written by hand, and the parts of them that are generated."""


def pages() -> dict[Path, str]:
    """Every generated page as it should be."""
    providers = Registry.installed().providers
    whole = {DOCS / "providers" / f"{one.info.name}.md": provider_page(one) for one in providers}
    whole[DOCS / "providers" / "README.md"] = provider_index(providers)
    return whole | {DOCS / name: _filled(DOCS / name, parts) for name, parts in PARTS.items()}


def _filled(page: Path, parts: dict[str, Callable[[], str]]) -> str:
    text = page.read_text()
    for name, write in parts.items():
        start, mark, rest = text.partition(f"<!-- generated: {name} -->\n")
        _, end, tail = rest.partition("<!-- end -->")
        if not (mark and end):
            raise SystemExit(f"{page.name} has no place for the generated part {name!r}.")
        text = f"{start}{mark}\n{write()}\n\n{end}{tail}"
    return text


def main(arguments: list[str]) -> int:
    """Write the pages, or tell which are stale."""
    stale = [path for path, text in pages().items() if not path.exists() or path.read_text() != text]
    if "--check" in arguments:
        for path in stale:
            print(f"{path.relative_to(DOCS.parent)} is stale; run: python docs/generate.py")
        return 1 if stale else 0
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
