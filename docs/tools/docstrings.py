"""For the reference: what docstrings leave to their reader, the generator has to be told."""

from __future__ import annotations

import re
from typing import Any, Final

import griffe

ROLE: Final = re.compile(r":(?:attr|class|exc|func|meth|mod):`([^`]+)`")
"""A role, as in ``:class:`Task```; the generator reads Markdown."""


class Docstrings(griffe.Extension):
    """Shows what a role names as code, and lists the values of an enumeration."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring is None:
            return
        text = ROLE.sub(r"`\1`", obj.docstring.value)
        obj.docstring.value = f"{text}\n\n{_values(obj)}".rstrip()


def _values(obj: griffe.Object) -> str:
    """The values that an enumeration of words has."""
    if not isinstance(obj, griffe.Class) or "StrEnum" not in {str(base) for base in obj.bases}:
        return ""
    words = [str(member.value).strip("'\"") for member in obj.attributes.values() if member.value]
    return f"Values: {', '.join(f'`{word}`' for word in words)}."
