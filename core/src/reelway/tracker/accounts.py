"""The accounts whose tasks a tracker polls: how each is asked, and how it fares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from reelway.account import Account, Accounts, OpenAccount, named_accounts
from reelway.errors import ConfigurationError
from reelway.flow.schedule import jittered
from reelway.provider.interface import Provider
from reelway.provider.registry import Registry
from reelway.tracker.circuit import Circuit
from reelway.transport.async_driver import IN_FLIGHT, AsyncDriver

TrackedAccounts: TypeAlias = Accounts | Sequence[Accounts]
"""What a client takes, or several of these in a row; a provider alone stands for its account ``default``."""

AT_HAND: Final = 4 * IN_FLIGHT
"""Claims of one account at once: those under way, and enough that wait for the next of them to end."""

REFILL: Final = IN_FLIGHT
"""An account with less room than this is left out of a claim: many small claims cost more than a few."""

TRIAL_PACE: Final = 1.0
"""Polls a second of an account whose trouble may not be over; each tracker waits for the answer to one."""


class PolledAccount:
    """An account whose tasks are polled.

    Attributes:
        opened: where and how it is asked.
        driver: what asks.
        circuit: its trouble.
        backlog: how many of its tasks are open, whoever polls them.
    """

    def __init__(self, opened: OpenAccount, driver: AsyncDriver) -> None:
        self.opened = opened
        self.driver = driver
        self.circuit = Circuit()
        self.backlog = 0

    def __str__(self) -> str:
        return f"{self.opened.provider.info.title} (account {self.opened.name!r})"

    def full(self, held: int) -> bool:
        """Whether no more of its tasks are taken before some that are held have had their turn."""
        return held > (AT_HAND - REFILL if self.circuit.closed else 0)

    def room(self, now: float, held: int) -> int:
        """How many more of its tasks may be taken."""
        if self.full(held) or self.circuit.open_at(now):
            return 0
        return AT_HAND - held if self.circuit.closed else 1

    def pace(self) -> float:
        """Polls a second, by all trackers together."""
        return self.opened.pace if self.circuit.closed else min(self.opened.pace, TRIAL_PACE)

    def pause(self, interval: float, draw: float) -> float:
        """Seconds until a task's next poll: no sooner than all open tasks have had their turn, nor than allowed."""
        stretched = max(interval, self.backlog / self.opened.pace)
        return max(jittered(stretched, draw), self.opened.cadence.minimum)


def opened_accounts(accounts: TrackedAccounts, registry: Registry) -> list[OpenAccount]:
    """The accounts, their providers and keys found.

    Raises:
        ConfigurationError: something is missing or malformed, or two are the same account of one provider.
    """
    opened = [OpenAccount(name, one, registry) for name, one in _named(accounts)]
    if not opened:
        raise ConfigurationError("A tracker needs at least one account.", hint="Name a provider whose key is set.")
    for one in opened:
        if sum(one.key == other.key for other in opened) > 1:
            message = f"{one.provider.info.name!r} is named twice, each time with the account {one.name!r}."
            raise ConfigurationError(message, hint="Give the accounts as a mapping, by names of yours.")
    return opened


def _named(accounts: TrackedAccounts) -> list[tuple[str, Account]]:
    if isinstance(accounts, str | Provider | Account | Mapping):
        return list(named_accounts(accounts).items())
    return [pair for one in accounts for pair in named_accounts(one).items()]
