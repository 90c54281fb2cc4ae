"""Whether an account is left alone for a while: after its key was refused, or after too many polls failed in a row.

A circuit breaker: closed while all is well; open for a pause that doubles each time; half open after it, when one
poll tries whether things are better.
"""

from __future__ import annotations

from typing import Final

from reelway.flow.follow import FAILURE_LIMIT

FIRST_PAUSE: Final = 10.0
LONGEST_PAUSE: Final = 300.0
"""Seconds; each pause is twice as long as the one before, up to this."""


class Circuit:
    """What is known of one account's trouble. Times are those of a clock that never jumps."""

    def __init__(self) -> None:
        self._failures = 0
        self._opened = 0
        self._until = 0.0

    @property
    def closed(self) -> bool:
        """Whether the account's tasks are polled as usual."""
        return not self._opened

    def open_at(self, now: float) -> bool:
        """Whether nothing may be asked for at this time."""
        return now < self._until

    def succeeded(self) -> bool:
        """A poll was answered. Tells whether that ends a time of trouble."""
        recovered = not self.closed
        self._failures, self._opened, self._until = 0, 0, 0.0
        return recovered

    def failed(self, begun: float, now: float, *, hopeless: bool) -> float:
        """A poll that began at ``begun`` has failed.

        Args:
            begun: when it began.
            now: the present time.
            hopeless: asking again cannot help, so one is enough.

        Returns:
            The seconds for which the account is to be left alone from now on; 0 where this failure changes nothing.
        """
        self._failures += 1
        # Polls that were under way when the circuit opened say nothing new.
        if begun < self._until:
            return 0.0
        if self.closed and not hopeless and self._failures < FAILURE_LIMIT:
            return 0.0
        pause = min(FIRST_PAUSE * 2.0**self._opened, LONGEST_PAUSE)
        self._opened = min(self._opened + 1, 16)
        self._until = now + pause
        return pause
