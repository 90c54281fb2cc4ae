"""The ledger of several machines, on PostgreSQL."""

from reelway.provider.hookspecs import hookimpl
from reelway_postgres.address import Address
from reelway_postgres.ledger import PostgresLedger
from reelway_postgres.trouble import bare, ledger_error

__all__ = ["Address", "PostgresLedger", "bare", "ledger_error", "reelway_ledger"]


@hookimpl
def reelway_ledger(url: str) -> PostgresLedger:
    """The ledger at an address."""
    return PostgresLedger(url)
