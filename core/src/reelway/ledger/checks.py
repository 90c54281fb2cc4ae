"""What a user may have kept with a job. Whatever passes here comes back from every ledger as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from reelway.errors import InvalidRequest, Problem

LONGEST_LABEL: Final = 200
"""Characters."""

LONGEST_KEY: Final = 255
"""Characters; what HTTP services commonly take as an idempotency key."""

LARGEST_METADATA: Final = 64 * 1024
"""Bytes, as JSON."""

DEEPEST_METADATA: Final = 32
"""Levels of lists and mappings, one in the other."""

_JOINERS: Final = str.maketrans("", "", "\u200c\u200d")
"""They show nothing themselves, but scripts and emoji are written with them."""


def checked_label(label: str | None) -> str | None:
    """A label that can be kept and shown: up to 200 printable characters.

    Raises:
        InvalidRequest: it is another value, too long, or has characters that cannot be printed.
    """
    return None if label is None else _checked("label", label, 0, LONGEST_LABEL)


def checked_key(key: str | None) -> str | None:
    """An idempotency key that can be kept: 1 to 255 printable characters.

    Raises:
        InvalidRequest: it is another value, empty, too long, or has characters that cannot be printed.
    """
    return None if key is None else _checked("idempotency_key", key, 1, LONGEST_KEY)


def checked_metadata(metadata: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Metadata as JSON gives it back: up to 64 KiB, and 32 levels deep; none where none is given.

    Raises:
        InvalidRequest: it is no mapping, too large or too deep, or JSON cannot hold it as it is.
    """
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        raise _invalid("metadata", f"a mapping is wanted, not {type(metadata).__name__}")
    try:
        text = json.dumps(_plain(metadata, DEEPEST_METADATA), allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise _invalid("metadata", f"JSON cannot hold it: {error}") from error
    size = len(text.encode(errors="surrogatepass"))
    if size > LARGEST_METADATA:
        raise _invalid("metadata", f"{size} bytes as JSON are too many; at most {LARGEST_METADATA} are kept")
    kept: dict[str, Any] = json.loads(text)
    return kept


def _checked(field: str, text: object, least: int, most: int) -> str:
    if not isinstance(text, str):
        raise _invalid(field, f"a text is wanted, not {type(text).__name__}")
    if not least <= len(text) <= most:
        raise _invalid(field, f"{least} to {most} characters are wanted, not {len(text)}")
    if odd := "".join(_unprintable(text)):
        raise _invalid(field, f"{odd[0]!a} cannot be printed")
    return text


def _unprintable(text: str) -> Iterator[str]:
    return (one for one in text.translate(_JOINERS) if not one.isprintable())


def _plain(value: Any, levels: int) -> Any:
    """The value with dicts and lists for every mapping and tuple in it.

    Raises:
        ValueError: it is too deep, or a key is no text, which JSON would make one of.
    """
    if isinstance(value, Mapping | list | tuple) and not levels:
        raise ValueError(f"it is more than {DEEPEST_METADATA} levels deep")
    if isinstance(value, list | tuple):
        return [_plain(one, levels - 1) for one in value]
    if not isinstance(value, Mapping):
        return value
    for key in value:
        if not isinstance(key, str):
            raise ValueError(f"the key {key!r} is no text")  # noqa: TRY004 - told like all that is wrong with it
    return {key: _plain(one, levels - 1) for key, one in value.items()}


def _invalid(field: str, message: str) -> InvalidRequest:
    return InvalidRequest([Problem(field=field, message=message)])
