from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from reelway.server.access_logs import LOGGERS
from tests.server.caller import Job, Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def job(shop: Shop) -> Job:
    return shop.job(due_in=100)


@pytest.fixture
def own_logs() -> Iterator[None]:
    """What servers do to the loggers of this process is undone."""
    loggers = [logging.getLogger(name) for name in (*LOGGERS, "uvicorn", "uvicorn.error", "hypercorn.error")]
    before = [(logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, (level, propagate) in zip(loggers, before, strict=True):
        logger.filters.clear()
        logger.handlers.clear()
        logger.setLevel(level)
        logger.propagate = propagate
