"""How values become bytes in a store, and values again. Whatever a provider may have written survives it."""

from __future__ import annotations

import json
from typing import Any, Final, TypeVar

import msgspec

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


def dump(value: object) -> bytes:
    """A value as JSON."""
    try:
        return _ENCODER.encode(value)
    except (UnicodeEncodeError, OverflowError):
        # Halves of a character that stand alone, and numbers without end: escaped, they are plain ASCII.
        return json.dumps(msgspec.to_builtins(value, enc_hook=_shown), separators=(",", ":")).encode()


def load(data: bytes, kind: type[T]) -> T:
    """A value from its JSON.

    Raises:
        ValueError: it is no such value.
    """
    try:
        return msgspec.json.decode(data, type=kind, dec_hook=_hidden)
    except msgspec.DecodeError:
        return msgspec.convert(json.loads(data), kind, dec_hook=_hidden)
