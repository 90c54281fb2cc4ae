"""What every scheme of signed callbacks asks of its headers."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from reelway.model.http import Headers

TOLERANCE_SECONDS: Final = 300
"""How far a time that was signed may be from ours; a callback that was listened to is worth nothing later."""

_TIME: Final = re.compile(r"[0-9]{1,12}", re.ASCII)


def only_header(headers: Headers, name: str) -> str:
    """The value of a header that stands there once; nothing where it is missing, doubled or no printable ASCII."""
    values = [value for key, value in headers if key.lower() == name.lower()]
    usable = len(values) == 1 and values[0].isascii() and values[0].isprintable()
    return values[0] if usable else ""


def is_recent(written: str, now: datetime) -> bool:
    """Whether a time in whole seconds since 1970 is no more than five minutes from ``now``, in either direction."""
    return bool(_TIME.fullmatch(written)) and abs(now.timestamp() - int(written)) <= TOLERANCE_SECONDS
