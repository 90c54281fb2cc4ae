"""Follows everything that a ledger holds unfinished to its end, however often the process dies."""
