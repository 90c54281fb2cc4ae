"""Tokens of callback addresses stay out of logs: one filter for the servers that applications run under.

What each server logs of a request:

| server | logger | where the path stands |
|---|---|---|
| Uvicorn | ``uvicorn.access`` | the third of five arguments (``uvicorn/protocols/http/h11_impl.py``) |
| Granian | ``granian.access`` | ``path`` of a mapping (``granian/log.py``) |
| Hypercorn | ``hypercorn.access`` | ``r``, ``R``, ``U`` and ``Uq`` of a mapping (``hypercorn/logging.py``) |

None of them documents that, so the filter looks into every argument, whatever its place, and keeps the form that
the server's own formatter reads.
"""

from __future__ import annotations

import copy
import logging
import re
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

from reelway.addresses import MASK, TOKEN_LENGTH

LOGGERS: Final = ("uvicorn.access", "uvicorn.asgi", "granian.access", "hypercorn.access")
"""Where servers write of requests; the second does at Uvicorn's level ``trace``."""

_TOKEN: Final = re.compile(rf"(?<=/)[A-Za-z0-9_-]{{{TOKEN_LENGTH}}}(?![A-Za-z0-9_-])")


class HideTokens(logging.Filter):
    """A log filter that masks each part of a path that has the form of a token, and lets every record pass.

    In a logging configuration it is one line, ``"filters": {"tokens": {"()": "reelway.server.HideTokens"}}``, and
    is named by the handlers or loggers that write access logs.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask what the record holds."""
        record.msg = masked(record.msg)
        record.args = masked(record.args)
        return True


def hide_tokens(*loggers: str) -> None:
    """Keep tokens out of these loggers; without names, out of those of Uvicorn, Granian and Hypercorn.

    One call where the application is made is enough: a configuration that is read later leaves it in place.
    """
    for name in loggers or LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(one, HideTokens) for one in logger.filters):
            logger.addFilter(HideTokens())


def masked(value: Any) -> Any:
    """A value without the tokens in it; what can hold none stays as it is."""
    if isinstance(value, str):
        return _TOKEN.sub(MASK, value)
    if isinstance(value, bytes):
        return masked(value.decode("latin-1")).encode("latin-1")
    if type(value) in {list, tuple}:
        return type(value)(map(masked, value))
    return _masked_mapping(value) if isinstance(value, MutableMapping) else value


def _masked_mapping(value: MutableMapping[Any, Any]) -> Mapping[Any, Any]:
    # A copy of the same kind: that of Hypercorn has an answer for every name.
    hidden = copy.copy(value)
    for name, one in value.items():
        hidden[name] = masked(one)
    return hidden
