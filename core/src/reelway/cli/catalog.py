"""`providers` and `models`: what is installed, and what it can do."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from reelway.account import base_url_variable
from reelway.cli.options import ProviderOptions
from reelway.cli.plugins import installed
from reelway.cli.run import Run
from reelway.cli.shapes import Shape
from reelway.provider.interface import Provider
from reelway.provider.models import ModelSpec
from reelway.provider.registry import PluginReport

if TYPE_CHECKING:
    from rich.table import Table


def providers(run: Run) -> None:
    """List the installed providers, and what is broken or configured wrongly."""
    registry = installed()
    reports = (*registry.load_all(), *registry.load_observers())
    origins = {name: report for report in reports for name in report.providers}
    working = [_provider_shape(one, origins[one.info.name]) for one in registry.providers]
    if run.screen.json:
        broken = map(_broken_shape, (report for report in reports if report.problem))
        for shape in (*working, *broken):
            run.screen.result(shape, "")
        return
    if working:
        run.screen.show(_providers_table(working))
    for error in (report.error for report in reports if report.error):
        run.screen.error(error)
    if not working:
        run.screen.say(f"There is no provider. {registry.emptiness}")


def models(run: Run, which: ProviderOptions) -> None:
    """List the models that are documented, and what each accepts. Others are passed through with a warning."""
    registry = installed()
    chosen = registry.providers if which.provider is None else (registry.get(which.provider),)
    if not chosen:
        run.screen.say(f"There is no provider. {registry.emptiness}")
    for provider in chosen:
        shapes = [_model_shape(provider, spec) for spec in provider.models.models]
        if run.screen.json:
            for shape in shapes:
                run.screen.result(shape, "")
        elif shapes:
            run.screen.show(_models_table(provider, shapes))
        else:
            run.screen.say(f"{provider.info.title} documents no models; any is passed on unchecked.")


def _provider_shape(provider: Provider, report: PluginReport) -> Shape:
    info = provider.info
    return {
        "name": info.name,
        "title": info.title,
        "distribution": report.distribution,
        "entry_point": report.entry_point or None,
        "models": [spec.name for spec in provider.models.models],
        "capabilities": sorted(info.capabilities),
        "key_variable": info.key_variable,
        "key_set": bool(os.environ.get(info.key_variable)),
        "base_url": os.environ.get(base_url_variable(info.name)) or info.base_url,
        "docs_url": info.docs_url,
        "problem": None,
        "place": None,
    }


def _broken_shape(report: PluginReport) -> Shape:
    empty = dict.fromkeys(("title", "key_variable", "key_set", "base_url", "docs_url"))
    named = {
        "name": report.plugin,
        "distribution": report.distribution,
        "entry_point": report.entry_point or None,
        "problem": report.problem,
        "place": str(report.place) or None,
    }
    return named | {"models": [], "capabilities": []} | empty


def _providers_table(shapes: Iterable[Shape]) -> Table:
    from reelway.cli.tables import cell, table

    made = table(("provider", "can do", "where"))
    for shape in shapes:
        state = "set" if shape["key_set"] else "not set"
        made.add_row(
            cell(shape["name"], shape["title"], shape["distribution"], style="bold"),
            cell(_counted(len(shape["models"]), "model"), " ".join(shape["capabilities"])),
            cell(shape["base_url"], f"{shape['key_variable']} is {state}"),
        )
    return made


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _model_shape(provider: Provider, spec: ModelSpec) -> Shape:
    return {
        "provider": provider.info.name,
        "model": spec.name,
        "aliases": list(spec.aliases),
        "durations": list(spec.durations),
        "any_duration": spec.any_duration,
        "aspect_ratios": list(spec.aspect_ratios),
        "resolutions": list(spec.resolutions),
        "sizes": list(spec.sizes),
        "any_size": spec.any_size,
        "inputs": {
            "first_frame": spec.first_frame,
            "last_frame": spec.last_frame,
            "references": {kind.value: count for kind, count in spec.references.items() if count},
            "needs_image": spec.needs_image,
        },
        "audio": spec.audio,
        "seed": spec.seed,
        "callback": spec.callback,
        "source": spec.source,
    }


def _models_table(provider: Provider, shapes: Iterable[Shape]) -> Table:
    from reelway.cli.tables import cell, table

    made = table(
        ("model", "seconds", "ratios", "resolutions", "takes"),
        title=f"{provider.info.title}  {provider.info.docs_url}",
    )
    for shape in shapes:
        made.add_row(
            cell(shape["model"], *shape["aliases"], shape["source"], style="bold"),
            cell(_seconds(shape)),
            cell(" ".join(shape["aspect_ratios"])),
            cell(" ".join(shape["resolutions"])),
            cell(", ".join(_inputs(shape))),
        )
    return made


def _seconds(shape: Shape) -> str:
    """Runs of seconds by their ends: 4 to 8, 10."""
    spans: list[list[int]] = []
    for second in shape["durations"]:
        if spans and second == spans[-1][1] + 1:
            spans[-1][1] = second
        else:
            spans.append([second, second])
    shown = [f"{first}" if first == last else f"{first}–{last}" for first, last in spans]
    return " ".join([*shown, *(["any"] if shape["any_duration"] else [])])


def _inputs(shape: Shape) -> Iterable[str]:
    inputs: Mapping[str, bool] = shape["inputs"]
    if inputs["first_frame"]:
        yield "first frame (needed)" if inputs["needs_image"] else "first frame"
    if inputs["last_frame"]:
        yield "last frame"
    for kind, count in shape["inputs"]["references"].items():
        yield f"{count} {REFERENCES[kind]}"
    yield from (word for name, word in FLAGS.items() if shape[name])


REFERENCES: Final = {"image": "pictures", "video": "clips", "audio": "sounds"}

FLAGS: Final = {"audio": "sound track", "seed": "seed", "callback": "callback"}
