"""What the connection layer logs of our exchanges: the names of its events, and none of the values.

At level DEBUG it logs whole headers, and the one that redirects to a result holds a signed link.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_ours: ContextVar[bool] = ContextVar("ours", default=False)


@contextmanager
def quietly() -> Iterator[None]:
    """What is logged in here is logged without its values. Exchanges of others are logged as ever."""
    token = _ours.set(True)
    try:
        yield
    finally:
        _ours.reset(token)


class NamesOnly(logging.Filter):
    """Lets every record pass, ours without its values."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Cut a record of ours after the event's name."""
        if _ours.get():
            record.msg, record.args = str(record.msg).partition(" ")[0], ()
        return True


NAMES_ONLY: Final = NamesOnly()

LOGGING_PARTS: Final = ("connection", "http11", "http2", "proxy", "socks")
"""The parts of the connection layer that log, each under its own name."""


def keep_values_out_of_logs(layer: str) -> None:
    """Have the connection layer of that name log no values of our exchanges; doing so twice is doing it once."""
    for part in LOGGING_PARTS:
        # A logger's filters are not asked about its children's records, so each has to have it.
        logging.getLogger(f"{layer}.{part}").addFilter(NAMES_ONLY)
