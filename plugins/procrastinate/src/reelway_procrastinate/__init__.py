"""Reelway on many machines: its work as jobs of Procrastinate."""

from reelway_procrastinate.engine import jobs_app, reelway_engine
from reelway_procrastinate.jobs import blueprint

__all__ = ["blueprint", "jobs_app", "reelway_engine"]
