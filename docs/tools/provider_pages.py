"""The pages of the providers: what a plugin's README says, then its tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from reelway.errors import ErrorKind
from reelway.provider.interface import Provider
from reelway.provider.models import ModelSpec
from reelway.provider.videos_api import FAMILY_TOKENS, VideosApi
from tools.markup import code, join, table

PLUGINS: Final = Path(__file__).parents[2] / "plugins"

NOTE: Final = "<!-- written by docs/generate.py -->"


def provider_index(providers: Iterable[Provider]) -> str:
    """The list of provider pages."""
    rows = (
        [
            f"[{one.info.title}]({one.info.name}.md)",
            code(one.info.name),
            code(one.info.key_variable),
            f"{one.info.cadence.minimum:g} to {one.info.cadence.maximum:g} seconds",
            join(sorted(one.info.capabilities)),
        ]
        for one in providers
    )
    head = ["provider", "name", "key", "asked every", "beyond create and retrieve"]
    return f"{NOTE}\n# Providers\n\n{INTRODUCTION}\n\n{table(head, rows)}\n"


INTRODUCTION: Final = """\
A provider is a plugin in a distribution of its own; whatever is installed beside the core is found, and
`reelway providers` lists it. Each page has what the plugin says about itself, then its tables, as the program has
them."""


def provider_page(provider: Provider) -> str:
    """One provider's page."""
    return "\n\n".join([NOTE, _about(provider), *_sections(provider)]) + "\n"


def _about(provider: Provider) -> str:
    """The plugin's README under the provider's own name, without its last line, the licence."""
    readme = (PLUGINS / provider.info.name / "README.md").read_text()
    _, _, text = readme.partition("\n")
    body, _, _ = text.rpartition("\nCopyright ")
    return f"# {provider.info.title}\n{body or text}".rstrip()


def _sections(provider: Provider) -> Iterable[str]:
    yield f"## Models\n\n{_models(provider)}"
    yield f"## Status words\n\n{_words(provider)}"
    if isinstance(provider, VideosApi):
        yield f"## Calls\n\n{_calls(provider)}"
        yield f"## Error codes\n\n{_errors(provider)}"


def _models(provider: Provider) -> str:
    head = ["model", "also called", "seconds", "ratios", "resolutions", "inputs", "more"]
    named = dict.fromkeys(spec.source for spec in provider.models.models)
    sources = join(code(source) if "/" in source else source for source in named)
    return f"{table(head, map(_model, provider.models.models))}\n\nThe provider's pages for these: {sources}."


def _model(spec: ModelSpec) -> list[str]:
    return [
        code(spec.name),
        join(map(code, spec.aliases)),
        _seconds(spec.durations),
        join(spec.aspect_ratios),
        join(spec.resolutions),
        join(_inputs(spec)),
        join(
            name
            for name, there in {"seed": spec.seed, "audio": spec.audio, "callback": spec.callback}.items()
            if there
        ),
    ]


def _inputs(spec: ModelSpec) -> Iterable[str]:
    frames = {"first frame": spec.first_frame, "last frame": spec.last_frame}
    yield from (name for name, there in frames.items() if there)
    yield from (f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in spec.references.items() if count)


def _others(spec: ModelSpec) -> Iterable[str]:
    others = {"seed": spec.seed, "audio": spec.audio, "callback": spec.callback}
    yield from (name for name, there in others.items() if there)


def _seconds(durations: tuple[int, ...]) -> str:
    if len(durations) > 2 and durations == tuple(range(durations[0], durations[-1] + 1)):
        return f"{durations[0]}–{durations[-1]}"
    return join(map(str, durations))


def _words(provider: Provider) -> str:
    """The words by what they mean; in any case, and with blanks or hyphens for `_`."""
    by_meaning: dict[str, list[str]] = {}
    for word, status in provider.info.words.items():
        by_meaning.setdefault(status, []).append(code(word))
    rows = ([status, join(words)] for status, words in by_meaning.items())
    return f"{WORDS}\n\n{table(['status', 'words'], rows)}"


WORDS: Final = "Compared without case, with `-` and blanks as `_`. Any other word changes nothing."


def _calls(provider: VideosApi) -> str:
    rows = (
        [code(route) or "(empty)", *(code(path or "") for path in (one.create, one.read, one.content, one.remix))]
        for route, one in provider.dialects.items()
    )
    return f"{CALLS}\n\n{table(['route', 'create', 'read', 'content', 'remix'], rows)}"


CALLS: Final = (
    "The route is the fourth part of a task's reference. It follows from the model and says where to ask."
)


def _errors(provider: VideosApi) -> str:
    own = {code(token): kind for token, kind in provider.errors.tokens.items()}
    pairs = {f"{code(token)} with {status}": kind for (status, token), kind in provider.errors.pairs.items()}
    family = {code(token): kind for token, kind in FAMILY_TOKENS.items()}
    rows = table(["kind", "codes"], _by_kind(family | own | pairs))
    nothing = join(f"{status} with {code(token)}" for status, token in sorted(provider.info.nothing_created))
    safe = f"\n\nDocumented to create nothing: {nothing}." if nothing else ""
    return f"{ERRORS}\n\n{rows}{safe}"


ERRORS: Final = "What a code means as [`ProviderError.kind`](../errors.md#what-a-providers-error-answer-means)."


def _by_kind(codes: Mapping[str, ErrorKind]) -> Iterable[list[str]]:
    for kind in ErrorKind:
        if found := [shown for shown, meant in codes.items() if meant is kind]:
            yield [code(kind), join(found)]
