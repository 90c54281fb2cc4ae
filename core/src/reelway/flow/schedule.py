"""When to ask again: intervals, jitter, pauses and pacing, as pure functions of numbers."""

from __future__ import annotations

from typing import Final

from reelway.provider.interface import Cadence

GROWTH: Final = 1.25
"""Each wait is this much longer than the one before, up to the provider's maximum."""

JITTER: Final = 0.2
"""Waits vary by this share in both directions, so that many followers do not ask in step."""

RETRY_AFTER_CAP: Final = 300.0
"""Seconds; a provider that asks for more is asked again after this long."""

TROUBLE_CAP: Final = 60.0
"""Seconds; pauses for a service in trouble grow up to this, or to the provider's maximum where that is longer."""


def grown(interval: float, cadence: Cadence) -> float:
    """The interval after ``interval``."""
    return min(max(interval, cadence.minimum) * GROWTH, cadence.maximum)


def jittered(seconds: float, draw: float) -> float:
    """``seconds``, varied by a draw from 0 to 1."""
    return seconds * (1 - JITTER + 2 * JITTER * draw)


def pause_after_trouble(interval: float, failures: int, cadence: Cadence) -> float:
    """The pause after ``failures`` failures in a row: doubled with each, within bounds."""
    ceiling = max(TROUBLE_CAP, cadence.maximum)
    return float(min(max(interval, 1.0) * 2.0 ** min(failures, 16), ceiling))


def asked_pause(retry_after: float | None, pause: float) -> float:
    """The pause, made longer where the provider asked for more, but never beyond the cap."""
    return pause if retry_after is None else min(max(retry_after, pause), RETRY_AFTER_CAP)


def backoff(attempt: int, retry_after: float | None, draw: float) -> float:
    """Seconds before a call that was turned away is made again: 1, 2, 4 … jittered, or what was asked for."""
    return asked_pause(retry_after, jittered(min(2.0 ** min(attempt, 16), TROUBLE_CAP), draw))


def spread(index: int, count: int, cadence: Cadence) -> float:
    """How much later the ``index``-th of ``count`` tasks starts, so that polls are evenly apart."""
    return cadence.minimum * index / max(count, 1)


def reserve(next_free: float, now: float, gap: float) -> tuple[float, float]:
    """Take the next slot of an account whose requests are to be ``gap`` seconds apart.

    Returns:
        The seconds to wait for the slot, and when the slot after it is free.
    """
    slot = max(next_free, now)
    return slot - now, slot + gap
