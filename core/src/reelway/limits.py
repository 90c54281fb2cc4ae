"""Limits that users give as numbers."""

from __future__ import annotations

import math

from reelway.errors import ConfigurationError


def check_number(name: str, given: object) -> None:
    """Refuse a limit that nothing can be compared with.

    Raises:
        ConfigurationError: it is no number. NaN is none.
    """
    if not isinstance(given, int | float) or math.isnan(given):
        raise ConfigurationError(f"{name} is a number, and not {given!r}.", hint="For no limit, give math.inf.")
