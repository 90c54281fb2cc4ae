"""The ledger of several machines, on PostgreSQL."""

from reelway.provider.hookspecs import hookimpl
from reelway_postgres.ledger import PostgresLedger

__all__ = ["PostgresLedger", "reelway_ledger"]


@hookimpl
def reelway_ledger(url: str) -> PostgresLedger:
    """The ledger at an address."""
    return PostgresLedger(url)
