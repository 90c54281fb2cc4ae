"""Hypothesis strategies for what arrives in place of a documented answer.

Gateways change, proxies cut in, and a callback address is open to everybody. :func:`mutated` starts from a sample,
so that what it makes is almost right, which is where readers go wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

from hypothesis import strategies as st

T = TypeVar("T")

LOOK_ALIKES: Final = str.maketrans(
    "aceiopxskd",
    # Cyrillic letters, the long s, the Kelvin sign and a wide d.
    "\u0430\u0441\u0435\u0456\u043e\u0440\u0445\u017f\u212a\uff44",
)
"""Letters that look like the plain ones, or that become them when texts are compared carelessly."""

INTRUDERS: Final = (
    *("\x00", "\n", "\x1b[2J", "\x7f", "\xa0", "\u200b", "\u2028", "\u202e", "\ufeff", "\ud800", "\u0301"),
    *("\r\n", "\\", '"', "'", "%2F", "/", "../"),
)
"""Control characters, blanks that are none, marks that turn a line around, half a character, and what quotes."""

TELLING: Final = (
    *("queued", "running", "in_progress", "completed", "succeeded", "SUCCESS", "failed", "cancelled", "expired"),
    *("unknown", "0", "100%", "200%", "-1", "1e9", "NaN", "2026-01-01T00:00:00Z", "https://[::1", "http://"),
    *("https://user:key@example.com:0/a", "javascript:alert(1)", "<video-url>", "task_of_somebody_else", "..", "."),
)
"""Texts that mean something where they do not belong."""


MAX_BYTES: Final = 1 << 17
"""No body grows beyond this."""


class Written(str):
    """JSON that is written as it stands, because no Python value gives it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Written({len(self)} characters)"


class Members(list[tuple[str, Any]]):
    """A JSON object as its members in order, so that a key can stand in it twice."""


EXTREMES: Final = (
    *(Written("9" * digits) for digits in (20, 400, 5000)),
    *(Written(number) for number in ("-" + "9" * 400, "1e400", "-1e308", "1e-400", "1.0", "-0", "01", "NaN")),
    *(Written("[" * depth + "]" * depth) for depth in (50, 900, 5000)),
    *(Written('{"a":' * depth + "1" + "}" * depth) for depth in (50, 900, 5000)),
    *(Written(text) for text in ('"\\ud800"', '"\\u0000"', '"\t"', "''", "", "undefined")),
)
"""Numbers that no number type holds, nesting that no stack holds, and what is almost JSON."""

json_scalars: Final[st.SearchStrategy[Any]] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(TELLING)
)

json_values: Final[st.SearchStrategy[Any]] = st.recursive(
    json_scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)
"""Any JSON value as Python holds it, and beyond JSON the numbers that are none."""

_strange: Final[st.SearchStrategy[Any]] = (
    json_scalars | st.sampled_from(EXTREMES) | st.builds(list) | st.builds(Members)
)


def mutated(sample: bytes) -> st.SearchStrategy[bytes]:
    """Bodies that began as ``sample``: a few changes to its JSON, or to its bytes; now and then it stays whole.

    Members are dropped, renamed, repeated with another value, copied and buried; values become other types, numbers
    of thousands of digits, deep nesting, other ids, look-alike words. Bytes are flipped, cut, inserted, repeated.
    """
    try:
        json.loads(sample)
    except ValueError:
        return _changed_bytes(sample)
    almost_right = _changed_json(sample)
    return almost_right | almost_right | _changed_bytes(sample)


class _Slot(NamedTuple):
    """Where a value stands: a member of an object or an item of an array."""

    holder: list[Any]
    at: int

    @property
    def key(self) -> str:
        return str(self.holder[self.at][0]) if isinstance(self.holder, Members) else ""

    @property
    def value(self) -> Any:
        item = self.holder[self.at]
        return item[1] if isinstance(self.holder, Members) else item

    def item(self, key: str, value: Any) -> Any:
        return (key, value) if isinstance(self.holder, Members) else value

    def put(self, key: str, value: Any) -> None:
        self.holder[self.at] = self.item(key, value)


_Change: TypeAlias = Callable[[st.DrawFn, _Slot, list[_Slot]], None]


def _drop(draw: st.DrawFn, slot: _Slot, slots: list[_Slot]) -> None:
    del slot.holder[slot.at]


def _rename(draw: st.DrawFn, slot: _Slot, slots: list[_Slot]) -> None:
    other = _any(draw, slots).key
    slot.put(_any(draw, [other, _distorted(draw, slot.key)]), slot.value)


def _repeat(draw: st.DrawFn, slot: _Slot, slots: list[_Slot]) -> None:
    value = _any(draw, [slot.value, draw(_strange)])
    slot.holder.insert(draw(st.integers(0, len(slot.holder))), slot.item(slot.key, value))


def _replace(draw: st.DrawFn, slot: _Slot, slots: list[_Slot]) -> None:
    slot.put(slot.key, draw(_strange))


def _forge(draw: st.DrawFn, slot: _Slot, slots: list[_Slot]) -> None:
    slot.put(slot.key, _any(draw, TELLING))


def _distort(draw: st.DrawFn, slot: _Slot, slots: list[_Slot]) -> None:
    text = slot.value if isinstance(slot.value, str) else _write(slot.value)
    slot.put(slot.key, _distorted(draw, text))


def _copy(draw: st.DrawFn, slot: _Slot, slots: list[_Slot]) -> None:
    # Through its text, because a value that was put inside itself could not be written.
    slot.put(slot.key, Written(_write(_any(draw, slots).value)))


def _bury(draw: st.DrawFn, slot: _Slot, slots: list[_Slot]) -> None:
    key = _any(draw, ["data", "error", "task", slot.key])
    slot.put(slot.key, _any(draw, [[slot.value], Members([(key, slot.value)])]))


_CHANGES: Final[tuple[_Change, ...]] = (_drop, _rename, _repeat, _replace, _forge, _distort, _copy, _bury)


@st.composite
def _changed_json(draw: st.DrawFn, sample: bytes) -> bytes:
    root = [json.loads(sample, object_pairs_hook=Members)]
    for _ in range(draw(st.integers(1, 3))):
        slots = list(_slots(root))
        if slots:
            _any(draw, _CHANGES)(draw, _any(draw, slots), slots)
    return ",".join(map(_write, root)).encode()[:MAX_BYTES]


def _slots(holder: list[Any]) -> Iterator[_Slot]:
    for at in range(len(holder)):
        slot = _Slot(holder, at)
        yield slot
        if isinstance(slot.value, list):
            yield from _slots(slot.value)


def _write(value: Any) -> str:
    match value:
        case Written():
            return str(value)
        case Members():
            return "{" + ",".join(f"{json.dumps(key)}:{_write(inner)}" for key, inner in value) + "}"
        case list():
            return "[" + ",".join(map(_write, value)) + "]"
        case _:
            return json.dumps(value)


def _distorted(draw: st.DrawFn, text: str) -> str:
    at = draw(st.integers(0, len(text)))
    return _any(draw, _DISTORTIONS)(draw, text[:at], text[at:])


def _any(draw: st.DrawFn, some: Sequence[T]) -> T:
    # By number: a strategy that holds the values themselves would also show them, however long they are.
    return some[draw(st.integers(0, len(some) - 1))]


_Distortion: TypeAlias = Callable[[st.DrawFn, str, str], str]

_DISTORTIONS: Final[tuple[_Distortion, ...]] = (
    lambda draw, head, tail: head + _any(draw, INTRUDERS) + tail,
    lambda draw, head, tail: head + tail.translate(LOOK_ALIKES),
    lambda draw, head, tail: head + tail.upper(),
    lambda draw, head, tail: head.replace("_", "-") + tail.replace("_", " "),
    lambda draw, head, tail: f"\t{head}{tail} ",
    lambda draw, head, tail: head,
    lambda draw, head, tail: tail + head,
    lambda draw, head, tail: head + tail[:100] * 200,
)


@st.composite
def _changed_bytes(draw: st.DrawFn, sample: bytes) -> bytes:
    for _ in range(draw(st.integers(0, 3))):
        start, end = sorted(draw(st.tuples(*[st.integers(0, len(sample))] * 2)))
        parts = (sample[:start], sample[start:end], sample[end:])
        sample = _any(draw, _DAMAGES)(draw, *parts)[:MAX_BYTES]
    return sample


_Damage: TypeAlias = Callable[[st.DrawFn, bytes, bytes, bytes], bytes]

_DAMAGES: Final[tuple[_Damage, ...]] = (
    lambda draw, head, middle, tail: (
        head + bytes(byte ^ 1 << draw(st.integers(0, 7)) for byte in middle[:3]) + tail
    ),
    lambda draw, head, middle, tail: head + tail,
    lambda draw, head, middle, tail: head,
    lambda draw, head, middle, tail: head + draw(st.binary(max_size=8)) + middle + tail,
    lambda draw, head, middle, tail: head + middle[:500] * 40 + tail,
    lambda draw, head, middle, tail: b"\xef\xbb\xbf" + head + middle + tail,
    lambda draw, head, middle, tail: (head + middle + tail).decode("latin-1").encode("utf-16"),
    lambda draw, head, middle, tail: b"<!doctype html><title>502</title>" + middle,
)
