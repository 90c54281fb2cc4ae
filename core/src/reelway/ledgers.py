"""Opening a ledger by its URL."""

from __future__ import annotations

from pathlib import Path

from reelway.errors import ConfigurationError
from reelway.ledger.interface import Ledger
from reelway.ledger.sqlite import SqliteLedger


def open_ledger(url: str | Ledger) -> Ledger:
    """The ledger at an address: ``memory:`` or ``sqlite:jobs.db``; an open one as it is.

    Raises:
        ConfigurationError: this is no address of a ledger.
        LedgerError: it cannot be opened and written to.
    """
    if isinstance(url, Ledger):
        return url
    scheme, _, path = url.partition(":")
    if url == "memory:":
        return SqliteLedger()
    if scheme != "sqlite" or not path:
        hint = "It looks like memory:, sqlite:jobs.db or sqlite:///var/lib/jobs.db."
        raise ConfigurationError("What was given as the ledger is no URL of one.", hint=hint)
    return SqliteLedger(Path(path.removeprefix("//")).expanduser())
