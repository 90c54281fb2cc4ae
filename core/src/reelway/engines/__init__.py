"""Following a ledger from many machines, by a job engine that is there already."""

from reelway.engines.installed import Engine, engine_named
from reelway.engines.work import EngineWork

__all__ = ["Engine", "EngineWork", "engine_named"]
