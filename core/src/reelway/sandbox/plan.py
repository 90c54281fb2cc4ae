"""How faults are asked for and counted: ``[[name]]`` or ``[[name:argument]]`` in a prompt.

A fault spoils the next calls of its task, as many as its argument says, among the calls it acts at. A call in front
narrows it down: ``[[retrieve/reset:2]]`` resets two polls and leaves the create alone. A number behind the name is
that of the call with which it begins: ``[[retrieve/reset@3]]`` resets the third poll. Several may stand in one
prompt; the one that is written first acts first.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from reelway.errors import ConfigurationError
from reelway.sandbox.faults import FAULTS, Fault, Place, Takes


class ArmedFault(Struct, kw_only=True):
    """A fault that was asked for.

    Attributes:
        fault: what it is.
        at: the calls it acts at here.
        argument: as given, or the fault's own.
        first: with which call at a place it begins.
        left: how many more calls it spoils.
    """

    fault: Fault
    at: tuple[Place, ...]
    argument: str
    first: int = 1
    left: float = math.inf

    @classmethod
    def parse(cls, text: str) -> ArmedFault:
        """Read ``name``, ``name:argument`` or ``call/name@number:argument``.

        Raises:
            ConfigurationError: there is no such fault, or it takes no such argument.
        """
        found = _SPELLING.fullmatch(text.strip())
        fault = FAULTS.get(found["name"]) if found else None
        if found is None or fault is None:
            known = ", ".join(FAULTS)
            raise ConfigurationError(f"The sandbox knows no fault {text[:60]!r}.", hint=f"It knows: {known}.")
        argument = found["argument"] or fault.default
        return cls(
            fault=fault,
            at=_narrowed(fault, found["place"]),
            argument=argument,
            first=_first(fault, found["first"]),
            left=_times(fault, argument),
        )

    @property
    def seconds(self) -> float:
        """The argument of a fault that takes seconds."""
        return float(self.argument)


class Plan:
    """The faults of one task."""

    def __init__(self, faults: Iterable[ArmedFault] = ()) -> None:
        self._faults: list[ArmedFault] = []
        self._calls: Counter[Place] = Counter()
        self.add(faults)

    @property
    def names(self) -> tuple[str, ...]:
        """Every fault that was asked for, spent ones too."""
        return tuple(armed.fault.name for armed in self._faults)

    def add(self, faults: Iterable[ArmedFault]) -> None:
        """Ask for more."""
        # What acts on every call would leave the counted ones no turn, so it comes last.
        self._faults = sorted([*self._faults, *faults], key=lambda armed: armed.left == math.inf)

    def strike(self, place: Place, spared: Container[str] = ()) -> ArmedFault | None:
        """The fault that spoils this call, if one does; it is counted down. Those named ``spared`` wait."""
        self._calls[place] += 1
        for armed in self._faults:
            begun = self._calls[place] >= armed.first
            fits = place in armed.at and not armed.fault.shapes and armed.fault.name not in spared
            if begun and fits and armed.left > 0:
                armed.left -= 1
                return armed
        return None

    def find(self, name: str) -> ArmedFault | None:
        """The fault of that name, unless it was never asked for or is spent."""
        return next((armed for armed in self._faults if armed.fault.name == name and armed.left > 0), None)

    def has(self, name: str) -> bool:
        """Whether the fault of that name is at work."""
        return self.find(name) is not None

    def take(self, name: str) -> bool:
        """Whether the fault of that name is at work; it is counted down."""
        armed = self.find(name)
        if armed is None:
            return False
        armed.left -= 1
        return True


class Orders:
    """Faults that were ordered for the next creates, whoever makes them."""

    def __init__(self, faults: tuple[str, ...] = (), creates: int = 0) -> None:
        self._faults = faults
        self._creates = creates

    def take(self) -> list[ArmedFault]:
        """The faults for one create."""
        if self._creates <= 0:
            return []
        self._creates -= 1
        return [ArmedFault.parse(fault) for fault in self._faults]


def marks_in(fields: Mapping[str, Any]) -> Iterator[str]:
    """What stands in double brackets in any text of a request, and could be a fault."""
    for text in _texts(fields):
        yield from _MARK.findall(text)


_SPELLING = re.compile(
    r"(?:(?P<place>[a-z]+)/)?(?P<name>[a-z][a-z0-9-]*)(?:@(?P<first>[0-9]{1,4}))?(?::(?P<argument>.*))?", re.DOTALL
)

_MARK = re.compile(r"\[\[([a-z][^\[\]]*)\]\]")
"""Wider than any fault's spelling, so that one written wrongly is told and not passed over."""

_MOST_TIMES = 9999
_MOST_SECONDS = 3600.0
_MOST_SHIFT = 1e8


def _texts(fields: Mapping[str, Any]) -> Iterator[str]:
    waiting: list[Any] = [fields]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            waiting.extend(reversed(list(value.values())))
        elif isinstance(value, list):
            waiting.extend(reversed(value))


def _narrowed(fault: Fault, place: str | None) -> tuple[Place, ...]:
    if place is None:
        return fault.at
    if place not in fault.at:
        hint = f"It acts at: {', '.join(fault.at)}."
        raise ConfigurationError(f"The fault {fault.name!r} does not act at {place!r}.", hint=hint)
    return (Place(place),)


def _first(fault: Fault, number: str | None) -> int:
    if number is None:
        return 1
    if fault.shapes or int(number) < 1:
        problem = "shapes the whole job" if fault.shapes else "begins with a call from 1 on"
        raise ConfigurationError(f"The fault {fault.name!r} {problem}, so @{number} means nothing.")
    return int(number)


def _times(fault: Fault, argument: str) -> float:
    """How many calls a fault spoils; also the check of its argument."""
    if not _FITS[fault.takes](argument):
        raise ConfigurationError(f"The fault {fault.name!r} takes {_WANTED[fault.takes]}, not {argument[:60]!r}.")
    if fault.takes is Takes.TIMES:
        return int(argument)
    return 1 if fault.takes in _ONCE else math.inf


def _is_number(argument: str) -> bool:
    return argument.isascii() and argument.isdecimal() and len(argument) <= 4


def _is_seconds(argument: str, least: float = 0.0, most: float = _MOST_SECONDS) -> bool:
    try:
        return least <= float(argument) <= most
    except ValueError:
        return False


_ONCE = frozenset({Takes.STATUS, Takes.VALUE})

_FITS: Mapping[Takes, Callable[[str], bool]] = {
    Takes.NOTHING: lambda argument: not argument,
    Takes.TIMES: _is_number,
    Takes.SECONDS: _is_seconds,
    Takes.SHIFT: lambda argument: _is_seconds(argument, -_MOST_SHIFT, _MOST_SHIFT),
    Takes.TEXT: lambda argument: True,
    Takes.STATUS: lambda argument: _is_number(argument) and 400 <= int(argument) <= 599,
    # It is sent as a header.
    Takes.VALUE: lambda argument: argument.isascii() and argument.isprintable(),
}

_WANTED: Mapping[Takes, str] = {
    Takes.NOTHING: "no argument",
    Takes.TIMES: f"a number of calls from 0 to {_MOST_TIMES}",
    Takes.SECONDS: f"a number of seconds from 0 to {_MOST_SECONDS:g}",
    Takes.SHIFT: f"a number of seconds from -{_MOST_SHIFT:g} to {_MOST_SHIFT:g}",
    Takes.TEXT: "a text",
    Takes.STATUS: "an HTTP status from 400 to 599",
    Takes.VALUE: "a text of plain letters",
}
