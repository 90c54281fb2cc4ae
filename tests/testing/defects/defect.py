"""A defect: a small change to the reference provider or to its samples, and the check that has to notice it."""

from __future__ import annotations

import importlib.util
import inspect
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from reelway.model.observation import Observation
from reelway.provider.interface import Provider
from reelway.provider.readers import Json
from reelway.provider.videos_api import Places
from reelway.testing.contract.subject import Subject
from tests.testing.reference import provider as reference
from tests.testing.reference.provider import Reference

SAMPLES: Final = Path(reference.__file__).parent / "samples"

CANNOT: Final = ("installed",)
"""What the reference provider is said not to do."""

Document: TypeAlias = Mapping[str, Json]

Kind = TypeVar("Kind", bound=type[Reference])


class Defect(Struct, frozen=True, kw_only=True):
    """One defect.

    Attributes:
        name: what it is called.
        wrong: one sentence on what is wrong.
        check: the check that has to notice it.
        subject: the provider that has it; needs a folder to write to.
    """

    name: str
    wrong: str
    check: str
    subject: Callable[[Path], Subject]


DEFECTS: Final[list[Defect]] = []
"""All of them, in the order of their modules."""


def caught_by(check: str) -> Callable[[Kind], Kind]:
    """A provider with one defect, which its docstring tells."""

    def add(kind: Kind) -> Kind:
        _note(kind, check, lambda folder: Subject(kind(), samples=SAMPLES, cannot=CANNOT))
        return kind

    return add


Spoil: TypeAlias = Callable[[Path], None]


def samples_caught_by(check: str) -> Callable[[Spoil], Spoil]:
    """The reference provider with spoilt samples; the function spoils a copy of them."""

    def add(spoil: Spoil) -> Spoil:
        def subject(folder: Path) -> Subject:
            samples = shutil.copytree(SAMPLES, folder / "samples")
            spoil(samples)
            return Subject(Reference(), samples=samples, cannot=CANNOT)

        _note(spoil, check, subject)
        return spoil

    return add


def stated_caught_by(check: str) -> Callable[[Callable[[], tuple[str, ...]]], Callable[[], tuple[str, ...]]]:
    """The reference provider, of which something else is said not to be able to do."""

    def add(stated: Callable[[], tuple[str, ...]]) -> Callable[[], tuple[str, ...]]:
        _note(stated, check, lambda folder: Subject(Reference(), samples=SAMPLES, cannot=stated()))
        return stated

    return add


def import_caught_by(check: str, name: str, wrong: str, *lines: str) -> None:
    """The reference provider in a module that does something when it is imported."""

    def subject(folder: Path) -> Subject:
        return Subject(_imported(folder, name, lines), samples=SAMPLES, cannot=CANNOT)

    DEFECTS.append(Defect(name=name, wrong=wrong, check=check, subject=subject))


def _imported(folder: Path, name: str, lines: tuple[str, ...]) -> Provider:
    module = f"defective_{name}"
    provider_of_it = (f"from {Reference.__module__} import Reference", "class Defective(Reference): pass")
    (folder / f"{module}.py").write_text("\n".join((*lines, *provider_of_it)))
    spec = importlib.util.spec_from_file_location(module, folder / f"{module}.py")
    assert spec is not None
    assert spec.loader is not None
    made: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    provider = made.Defective()
    assert isinstance(provider, Provider)
    return provider


def _note(one: Any, check: str, subject: Callable[[Path], Subject]) -> None:
    wrong = " ".join((inspect.getdoc(one) or "").split())
    DEFECTS.append(Defect(name=one.__name__, wrong=wrong, check=check, subject=subject))


class Misread(Reference):
    """The reference provider with a place to change what it reads: the document before, the reading after."""

    def before(self, document: Document) -> Document:
        """The document as it is read."""
        return document

    def after(self, document: Document, seen: Observation) -> Observation:
        """The reading as it is handed on."""
        return seen

    def observe(self, document: Document, places: Places) -> Observation:
        """Read the changed document and change the reading."""
        changed = self.before(document)
        return self.after(changed, super().observe(changed, places))


def inner(document: Document) -> Document:
    """The task's own object, without an envelope around it."""
    data = document.get("data")
    return data if isinstance(data, dict) else document


def with_word(seen: Observation, word: Any) -> Observation:
    """The reading with another status word."""
    return replace(seen, provider_status=word)
