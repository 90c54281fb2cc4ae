"""Distributions that nobody has: a module, and beside it the metadata by which it is found."""

from __future__ import annotations

from pathlib import Path
from typing import Final

PROVIDER: Final = """\
from reelway.provider import forms
from reelway.provider.forms import BodyStyle, Form
from reelway.provider.hookspecs import hookimpl
from reelway.provider.interface import Cadence, ProviderInfo
from reelway.provider.models import Catalog, ModelSpec
from reelway.provider.videos_api import VideosApi
from reelway.model.observation import Status


class Invented(VideosApi):
    info = ProviderInfo(
        name="{name}",
        title="{name}",
        base_url="https://api.{name}.example",
        key_variable="{variable}_API_KEY",
        docs_url="https://docs.{name}.example",
        words={{"queued": Status.QUEUED, "in_progress": Status.RUNNING, "completed": Status.SUCCEEDED}},
        cadence=Cadence(5, 15),
    )
    models = Catalog((), fallback=ModelSpec(name="*", form="video"))
    forms = {{"video": Form(body=BodyStyle.JSON, rows=(("model", forms.model), ("prompt", forms.prompt)))}}


@hookimpl
def reelway_providers():
    return [Invented()]
"""
"""A plugin that is right; the same with a small change is wrong."""


def source_of(name: str) -> str:
    """A plugin that brings a provider of that name."""
    return PROVIDER.format(name=name, variable=name.upper().replace("-", "_"))


def install(folder: Path, name: str, source: str, *, group: str = "reelway", module: str | None = None) -> Path:
    """Install ``reelway-<name>`` into a folder of the path; gives its module."""
    module = module or f"invented_{name.replace('-', '_')}"
    described = folder / f"reelway_{name.replace('-', '_')}-1.0.dist-info"
    described.mkdir(parents=True)
    (described / "METADATA").write_text(f"Metadata-Version: 2.1\nName: reelway-{name}\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(f"[{group}]\n{name} = {module}\n")
    file = folder / f"{module.replace('.', '/')}.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source, encoding="utf-8")
    return file
