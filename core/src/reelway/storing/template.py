"""A place with blanks in it, such as ``videos/{provider}/{id}.mp4``, and what may stand in the blanks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC
from string import Formatter
from typing import Final, NamedTuple

from msgspec import Struct

from reelway.errors import ConfigurationError
from reelway.model.task import Task

UNSAFE_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]+")

LONGEST_NAME: Final = 120
"""Characters of a value; names of files may have 255 bytes, and more than one value may stand in one."""

NOTHING: Final = "none"
"""What stands for a value that a result does not have."""


class Result(Struct, frozen=True, kw_only=True):
    """Which result it is: of which task, which rendition, and the label that the user gave to the job."""

    task: Task
    variant: str = "video"
    label: str | None = None

    @property
    def source(self) -> str:
        """What tells it from every other result."""
        return f"{self.task.ref} {self.variant}"


def _date(result: Result) -> str:
    task = result.task
    return (task.created_at or task.submitted_at).astimezone(UTC).date().isoformat()


class Blank(NamedTuple):
    """A blank: what stands in it, in words and for one result."""

    means: str
    value: Callable[[Result], str]


FIELDS: Final[Mapping[str, Blank]] = {
    "provider": Blank("the provider", lambda result: result.task.ref.provider),
    "account": Blank("the name of the account", lambda result: result.task.ref.account),
    "id": Blank("the provider's id of the task", lambda result: result.task.id),
    "label": Blank(
        f"the label that the task was given at its create, as a tracker knows it; else `{NOTHING}`",
        lambda result: result.label or NOTHING,
    ),
    "variant": Blank("which rendition, mostly `video`", lambda result: result.variant),
    "date": Blank(
        "the day on which the task was created, in UTC; where the provider is silent, when Reelway first met it",
        _date,
    ),
}
"""What may stand in a template."""


def segment(value: str, otherwise: str = NOTHING) -> str:
    """A value as part of one name: it holds no separator, and neither begins nor ends with a dot."""
    return UNSAFE_IN_NAMES.sub("_", value).strip(".")[:LONGEST_NAME].rstrip(".") or otherwise


class Template:
    """A text with blanks. Every blank is filled with a part of a name, so that no value leads anywhere else."""

    def __init__(self, text: str) -> None:
        """Read the text.

        Raises:
            ConfigurationError: a blank is unknown or unreadable, or a part of the path is ``.`` or ``..``.
        """
        self.text = text
        self._parts = tuple(_parts(text))
        if {".", ".."} & set(re.split(r"[/\\]", text)):
            raise ConfigurationError(
                f"The place {text!r} leads back up.", hint="Write the folder that is meant, without . and .. in it."
            )

    @property
    def fields(self) -> frozenset[str]:
        """The blanks in it."""
        return frozenset(field for _, field in self._parts if field is not None)

    def filled(self, result: Result) -> str:
        """The place of one result."""
        return "".join(
            literal + ("" if field is None else segment(FIELDS[field].value(result)))
            for literal, field in self._parts
        )


def _parts(text: str) -> list[tuple[str, str | None]]:
    try:
        parsed = list(Formatter().parse(text))
    except ValueError as error:
        message = f"The place {text!r} cannot be read: {error}."
        raise ConfigurationError(message, hint="A brace that is meant as such is written twice.") from error
    for _, field, form, conversion in parsed:
        if field is not None and (field not in FIELDS or form or conversion):
            written = f"{{{field}{'!' + conversion if conversion else ''}{':' + form if form else ''}}}"
            raise ConfigurationError(
                f"The place {text!r} has a blank that nothing fills: {written}.",
                hint=f"There are {', '.join(f'{{{name}}}' for name in FIELDS)}.",
            )
    return [(literal, field) for literal, field, _, _ in parsed]
