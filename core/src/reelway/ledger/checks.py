"""What a user may keep with a job: names that fit on a line, and metadata of a moderate size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from reelway.errors import InvalidRequest, Problem

LABEL_LENGTH: Final = 200
KEY_LENGTH: Final = 255
METADATA_BYTES: Final = 64 * 1024


def checked_label(label: str | None) -> str | None:
    """The label, if it is one.

    Raises:
        InvalidRequest: it is empty, too long, or holds what cannot be printed.
    """
    return _line("label", label, LABEL_LENGTH)


def checked_key(key: str | None) -> str | None:
    """The idempotency key, if it is one.

    Raises:
        InvalidRequest: it is empty, too long, or holds what cannot be printed.
    """
    return _line("idempotency_key", key, KEY_LENGTH)


def checked_metadata(metadata: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The metadata as a ledger gives them back: values that JSON can hold.

    Raises:
        InvalidRequest: they are no mapping of such values, or too large.
    """
    if metadata is None:
        return {}
    try:
        written = msgspec.json.encode(dict(metadata))
        read = msgspec.json.decode(written, type=dict[str, Any])
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise _refused("metadata", f"they have to be names with values that JSON can hold ({error})") from error
    if len(written) > METADATA_BYTES:
        raise _refused("metadata", f"they take {len(written)} bytes as JSON, and {METADATA_BYTES} are the most")
    return read


def _line(field: str, text: str | None, most: int) -> str | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise _refused(field, f"it is a text, and not {type(text).__name__}")
    if not 1 <= len(text) <= most:
        raise _refused(field, f"it has 1 to {most} characters, and not {len(text)}")
    if not text.isprintable():
        raise _refused(field, "it holds characters that cannot be printed")
    return text


def _refused(field: str, message: str) -> InvalidRequest:
    return InvalidRequest([Problem(field=field, message=message)])
