"""Follows everything that a ledger holds unfinished to its end, however often the process dies."""

from reelway.tracker.telling import Changes, TaskChanged
from reelway.tracker.tracker import Swept, Tracker

__all__ = ["Changes", "Swept", "TaskChanged", "Tracker"]
