"""How values become bytes in a store, and values again. Whatever a provider may have written survives it."""

from __future__ import annotations

import json
import re
from collections.abc import Hashable
from functools import cache
from typing import Any, Final, TypeVar, cast, overload

import msgspec

from reelway.errors import LedgerError
from reelway.model.secret import Secret

T = TypeVar("T")


def _shown(value: Any) -> Any:
    # Result links are the only secrets that are kept: without them, no result can be fetched.
    if isinstance(value, Secret):
        return value.reveal()
    raise NotImplementedError(f"a ledger holds no {type(value).__qualname__}")


def _hidden(kind: type[Any], value: Any) -> Any:
    if kind is Secret:
        return Secret(value)
    raise NotImplementedError(f"a ledger holds no {kind.__qualname__}")


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_shown)

_HALVES: Final = "surrogatepass"
"""Halves of a character that stand alone are no UTF-8, but providers write them, and no text may be lost."""


def dump(value: object) -> bytes:
    """A value as JSON."""
    try:
        return _ENCODER.encode(value)
    except (UnicodeEncodeError, OverflowError):
        return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":")).encode(errors=_HALVES)


def plain(value: object) -> Any:
    """A value in the terms of JSON, result links included."""
    return msgspec.to_builtins(value, enc_hook=_shown)


def load(data: bytes, kind: type[T]) -> T:
    """A value from its JSON.

    Raises:
        LedgerError: it is no such value.
    """
    try:
        return cast("T", _decoder(kind).decode(data))  # type: ignore[arg-type] # mypy asks the values for a hash
    except ValueError:
        return _load_odd(data, kind)


@cache
def _decoder(kind: Hashable) -> msgspec.json.Decoder[Any]:
    """Reads one kind; making it costs more than reading with it."""
    return msgspec.json.Decoder(kind, dec_hook=_hidden)


def _load_odd(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.convert(json.loads(data.decode(errors=_HALVES)), kind, dec_hook=_hidden)
    except (ValueError, RecursionError) as error:
        hint = "Restore the ledger from a backup, or see what `check` says of it."
        name = getattr(kind, "__name__", "value")
        raise LedgerError(f"What is held as a {name} cannot be read: {error}", hint=hint) from error


_UNSTORABLE: Final = re.compile(r"[\\\0\ud800-\udfff]")


@overload
def spelled(text: str) -> str: ...
@overload
def spelled(text: str | None) -> str | None: ...
def spelled(text: str | None) -> str | None:
    """A text for a column in which it is looked up: what no database takes is escaped, and the escape as well.

    No two texts become the same. The text itself stands in the document beside it.
    """
    return text and _UNSTORABLE.sub(lambda found: f"\\{ord(found[0]):04x}", text)


def unspelled(text: str) -> str:
    """The text that :func:`spelled` escaped."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


_ESCAPED: Final = re.compile(r"\\([0-9a-f]{4})")
