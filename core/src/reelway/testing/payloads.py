"""What arrives in place of a documented answer: samples changed by rule, and Hypothesis strategies of them.

Gateways change, proxies cut in, and a callback address is open to everybody. :func:`mutate` starts from a sample,
so that what it makes is almost right, which is where readers go wrong. A :class:`Tape` of bytes decides what it
does: Hypothesis finds tapes and simplifies those that lead to a failure, and a tape always makes the same body.
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

TAPE_LENGTH: Final = 48
"""Bytes in which the decisions of nearly all changes find room."""


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


class Tape:
    """Decisions, read off bytes one after the other. Where the bytes end, each decision is the first choice."""

    __slots__ = ("_at", "_decisions")

    def __init__(self, decisions: bytes) -> None:
        self._decisions = decisions
        self._at = 0

    def bytes(self, size: int) -> bytes:
        """The next bytes themselves; fewer at the end of the tape."""
        start, self._at = self._at, self._at + size
        return self._decisions[start : self._at]

    def number(self, most: int) -> int:
        """A number from 0 to ``most``."""
        return int.from_bytes(self.bytes((most.bit_length() + 7) // 8), "big") % (most + 1)

    def pick(self, some: Sequence[T]) -> T:
        """One of several."""
        return some[self.number(len(some) - 1)]


def mutate(sample: bytes, tape: Tape) -> bytes:
    """A body that began as ``sample``: a few changes to its JSON or to its bytes; now and then it stays whole.

    Members are dropped, renamed, repeated with another value, copied and buried; values become other types, numbers
    of thousands of digits, deep nesting, other ids, look-alike words. Bytes are flipped, cut, inserted, repeated.
    """
    way = tape.number(255)
    if way == 0:
        return sample
    if way < BYTEWISE:
        try:
            return _changed_json(sample, tape)
        except ValueError:
            pass  # The sample is no JSON.
    return _changed_bytes(sample, tape)


def mutated(sample: bytes) -> st.SearchStrategy[bytes]:
    """Bodies that :func:`mutate` makes of ``sample``."""
    tapes = st.binary(min_size=TAPE_LENGTH, max_size=TAPE_LENGTH)
    return tapes.map(lambda decisions: mutate(sample, Tape(decisions)))


BYTEWISE: Final = 170
"""From this on of 255, the bytes are changed and not the JSON."""


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


_Change: TypeAlias = Callable[[Tape, _Slot, list[_Slot]], None]


def _drop(tape: Tape, slot: _Slot, slots: list[_Slot]) -> None:
    del slot.holder[slot.at]


def _rename(tape: Tape, slot: _Slot, slots: list[_Slot]) -> None:
    other = tape.pick(slots).key
    slot.put(tape.pick([other, _distorted(tape, slot.key)]), slot.value)


def _repeat(tape: Tape, slot: _Slot, slots: list[_Slot]) -> None:
    value = tape.pick([slot.value, _strange(tape)])
    slot.holder.insert(tape.number(len(slot.holder)), slot.item(slot.key, value))


def _replace(tape: Tape, slot: _Slot, slots: list[_Slot]) -> None:
    slot.put(slot.key, _strange(tape))


def _forge(tape: Tape, slot: _Slot, slots: list[_Slot]) -> None:
    slot.put(slot.key, tape.pick(TELLING))


def _distort(tape: Tape, slot: _Slot, slots: list[_Slot]) -> None:
    text = slot.value if isinstance(slot.value, str) else _write(slot.value)
    slot.put(slot.key, _distorted(tape, text))


def _copy(tape: Tape, slot: _Slot, slots: list[_Slot]) -> None:
    # Through its text, because a value that was put inside itself could not be written.
    slot.put(slot.key, Written(_write(tape.pick(slots).value)))


def _bury(tape: Tape, slot: _Slot, slots: list[_Slot]) -> None:
    key = tape.pick(["data", "error", "task", slot.key])
    slot.put(slot.key, tape.pick([[slot.value], Members([(key, slot.value)])]))


_CHANGES: Final[tuple[_Change, ...]] = (_drop, _rename, _repeat, _replace, _forge, _distort, _copy, _bury)

_STRANGE: Final[tuple[Callable[[Tape], Any], ...]] = (
    lambda tape: tape.pick((None, False, True, 0, 0.5, "", float("inf"))),
    lambda tape: [],
    lambda tape: Members(),
    lambda tape: tape.number(2**72) - 2**71 >> tape.number(71),
    lambda tape: tape.bytes(tape.number(6)).decode("utf-16-le", "surrogatepass" if tape.number(1) else "replace"),
    lambda tape: tape.pick(TELLING),
    lambda tape: tape.pick(EXTREMES),
)


def _strange(tape: Tape) -> Any:
    """A value that nobody expects."""
    return tape.pick(_STRANGE)(tape)


def _changed_json(sample: bytes, tape: Tape) -> bytes:
    root = [json.loads(sample, object_pairs_hook=Members)]
    for _ in range(1 + tape.number(3)):
        slots = list(_slots(root))
        if slots:
            tape.pick(_CHANGES)(tape, tape.pick(slots), slots)
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


def _distorted(tape: Tape, text: str) -> str:
    at = tape.number(len(text))
    return tape.pick(_DISTORTIONS)(tape, text[:at], text[at:])


_Distortion: TypeAlias = Callable[[Tape, str, str], str]

_DISTORTIONS: Final[tuple[_Distortion, ...]] = (
    lambda tape, head, tail: head + tape.pick(INTRUDERS) + tail,
    lambda tape, head, tail: head + tail.translate(LOOK_ALIKES),
    lambda tape, head, tail: head + tail.upper(),
    lambda tape, head, tail: head.replace("_", "-") + tail.replace("_", " "),
    lambda tape, head, tail: f"\t{head}{tail} ",
    lambda tape, head, tail: head,
    lambda tape, head, tail: tail + head,
    lambda tape, head, tail: head + tail[:100] * 200,
)


def _changed_bytes(body: bytes, tape: Tape) -> bytes:
    for _ in range(1 + tape.number(3)):
        start, end = sorted((tape.number(len(body)), tape.number(len(body))))
        body = tape.pick(_DAMAGES)(tape, body[:start], body[start:end], body[end:])[:MAX_BYTES]
    return body


_Damage: TypeAlias = Callable[[Tape, bytes, bytes, bytes], bytes]

_DAMAGES: Final[tuple[_Damage, ...]] = (
    lambda tape, head, middle, tail: (
        head + bytes(byte ^ 1 << tape.number(7) for byte in middle[:3]) + middle[3:] + tail
    ),
    lambda tape, head, middle, tail: head + tail,
    lambda tape, head, middle, tail: head,
    lambda tape, head, middle, tail: head + tape.bytes(1 + tape.number(7)) + middle + tail,
    lambda tape, head, middle, tail: head + middle[:500] * 40 + tail,
    lambda tape, head, middle, tail: b"\xef\xbb\xbf" + head + middle + tail,
    lambda tape, head, middle, tail: (head + middle + tail).decode("latin-1").encode("utf-16"),
    lambda tape, head, middle, tail: b"<!doctype html><title>502</title>" + middle,
)
