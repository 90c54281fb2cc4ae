"""For the reference: what docstrings leave to their reader, the generator has to be told."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import griffe

ROLE: Final = re.compile(r":(?:attr|class|exc|func|meth|mod):`([^`]+)`")
"""A role, as in ``:class:`Task```; the generator reads Markdown."""


SEVERAL: Final = re.compile(r"^    (\w+(?:, \w+)+): (.+(?:\n     +.+)*)", re.MULTILINE)
"""Several names that share a line of a section."""


class Docstrings(griffe.Extension):
    """Shows what a role names as code, and lists the values of an enumeration and the fields of a struct."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring is None:
            return
        text = SEVERAL.sub(_one_each, ROLE.sub(r"`\1`", obj.docstring.value))
        if isinstance(obj, griffe.Class) and "Attributes:" not in text:
            text = f"{text}\n\n{_members(obj)}".rstrip()
        obj.docstring.value = text


def _one_each(found: re.Match[str]) -> str:
    """A line for each name, all with the same text."""
    return "\n".join(f"    {name}: {found[2]}" for name in found[1].split(", "))


def _members(cls: griffe.Class) -> str:
    """What a class consists of, where its docstring leaves that to the code."""
    bases = {str(base) for base in cls.bases}
    fields = [one for one in cls.attributes.values() if "property" not in one.labels]
    if "StrEnum" in bases:
        return _line("Values", (str(one.value).strip("'\"") for one in fields))
    if bases & {"Struct", "NamedTuple"}:
        return _line("Fields", (f"{one.name}: {one.annotation}" for one in fields if one.annotation))
    return ""


def _line(title: str, members: Iterable[str]) -> str:
    return f"{title}: {', '.join(f'`{member}`' for member in members)}."
