"""What a ledger does. Every backend does it alike; one contract suite runs on all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Self

from reelway.ledger.export import exported
from reelway.ledger.quota import Kept
from reelway.ledger.records import (
    AccountKey,
    Callback,
    Change,
    Chore,
    Claim,
    Entry,
    KeptEvent,
    Query,
    Settled,
    Settlement,
)
from reelway.model.lifecycle import Event
from reelway.model.submission import Submission, SubmissionState
from reelway.model.task import Task, TaskRef


class Ledger(ABC):
    """Remembers submissions, tasks, events, callbacks and results across processes and their deaths.

    Rules that every backend keeps:

    1.  When a method returns, what it wrote survives the death of the process and of the machine.
    2.  A change of a task, its events and its results are written together or not at all, and only from the
        revision that they were made from; whoever comes second reads again.
    3.  Keys never enter it, nor do the tokens of callback addresses: only their SHA-256 does. Result links do,
        because they are needed to fetch a result.
    4.  Pauses and leases are given as seconds from now, reach no further than an hour, and are measured by one
        clock for all: the machine's monotonic one, or, where several machines share the store, its server's.
    5.  Every method may be called from any thread, and may block. Nothing here knows of an event loop.

    Every method raises :class:`reelway.errors.LedgerError` where the store cannot be read or written.
    """

    name: str
    """What it is called in messages: its URL without anything secret."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- submissions ---

    @abstractmethod
    def begin(self, submission: Submission) -> Entry | None:
        """Put a new attempt on record.

        Returns:
            None; or, where an earlier attempt has the same idempotency key and may have created something, that
            one, and nothing was recorded. Of several, one that did create something has the key.
        """

    @abstractmethod
    def note(self, submission: Submission, expected: Collection[SubmissionState]) -> bool:
        """Record how far an attempt got; tells whether it stood in one of the expected states.

        An attempt whose idempotency key has gone to one that did create something is not noted as being sent.
        """

    @abstractmethod
    def accept(self, submission: Submission, task: Task, events: Sequence[Event] = (), *, due_in: float) -> Entry:
        """Record in one step that an attempt made a task, its first snapshot, and when it is to be polled.

        An id proves that there is a task, so the state of the attempt does not matter. A task that is known
        already stays as it is.
        """

    @abstractmethod
    def submission(self, submission_id: str) -> Entry | None:
        """The entry of an attempt."""

    # --- tasks ---

    @abstractmethod
    def track(self, task: Task, *, due_in: float = 0.0) -> Entry:
        """Take in a task that was created elsewhere; one that is known already stays as it is."""

    @abstractmethod
    def find(self, ref: TaskRef) -> Entry | None:
        """The entry of a task."""

    @abstractmethod
    def entries(self, query: Query) -> list[Entry]:
        """The entries asked for, by their numbers. The log tells of those that cannot be read."""

    @abstractmethod
    def save(self, changes: Sequence[Change]) -> list[bool]:
        """Write changes of tasks, each by itself; tells of each whether it was made from the present revision.

        A task that has ended is no longer due; one that has something to be stored is due at once, and its
        interval and failures begin at 0.
        """

    # --- work ---

    @abstractmethod
    def claim(
        self, limit: int, lease: float, paces: Mapping[AccountKey, float], chores: Collection[Chore]
    ) -> list[Claim]:
        """Take tasks that are due, those first that have been due for longest.

        An entry that cannot be read is told of in the log, and comes up again in an hour.

        Args:
            limit: how many at most.
            lease: seconds for which they are nobody else's.
            paces: of which accounts, and how many tasks a second of each may be taken, by all claimants together.
            chores: for which work.
        """

    @abstractmethod
    def settle(self, settlements: Sequence[Settlement]) -> list[Settled]:
        """Write what came of claims, in one transaction, and free the tasks; tells what became of each."""

    @abstractmethod
    def renew(self, claim: Claim, lease: float) -> bool:
        """Hold a claim for ``lease`` seconds from now; tells whether it was still held."""

    @abstractmethod
    def wake(self, numbers: Sequence[int]) -> None:
        """Bring turns forward: to now, or to where the rest after the last one ends.

        A turn under way is followed by another.
        """

    @abstractmethod
    def hold_off(self, account: AccountKey, seconds: float) -> None:
        """Let nobody claim polls of an account for so many seconds; a longer pause that is known already stays.

        Results can be stored meanwhile: their links are not served by the API that asks for patience.
        """

    @abstractmethod
    def next_due(self, paces: Mapping[AccountKey, float], chores: Collection[Chore]) -> float | None:
        """Seconds until something can be claimed, at the earliest; None where nothing waits."""

    @abstractmethod
    def backlog(self, chores: Collection[Chore]) -> dict[AccountKey, int]:
        """How many tasks of each account have such work left, due or not."""

    # --- what happened ---

    @abstractmethod
    def events(self, after: int = 0, limit: int = 1000) -> list[KeptEvent]:
        """The history behind a position."""

    @abstractmethod
    def untold(self, limit: int = 1000) -> list[KeptEvent]:
        """Ends of jobs, and results that were stored, of which nobody has said yet that they were told."""

    @abstractmethod
    def told(self, positions: Sequence[int]) -> None:
        """Say that these were told."""

    # --- callbacks ---

    @abstractmethod
    def owner(self, token_digest: bytes) -> Entry | None:
        """The entry whose callback address holds a token, found by the token's SHA-256."""

    @abstractmethod
    def keep(self, callbacks: Sequence[Callback]) -> list[Kept]:
        """Keep deliveries, in one transaction: each body of an entry once, as far as its :class:`Quota` reaches.

        Returns:
            What became of each, in the order in which they were given.
        """

    @abstractmethod
    def callbacks(self, number: int) -> list[Callback]:
        """The deliveries for an entry, in the order in which they came."""

    # --- upkeep ---

    def export(self, *, links: bool = False) -> Iterator[dict[str, Any]]:
        """Everything, as values that JSON can hold: entries, each with its deliveries, and then the history.

        Args:
            links: with result links, and with the raw bytes in which such links may stand. Whoever has a link can
                fetch the result.
        """
        return exported(self, links=links)

    @abstractmethod
    def prune(self, before: datetime, *, unstored: bool = False) -> int:
        """Forget entries that were begun before a moment and with which nothing is left to do; tells how many.

        With an entry its idempotency key is forgotten: whoever creates with that key again, pays again.

        Args:
            before: the moment.
            unstored: whether a job that has succeeded counts as done although its result was never stored.
        """

    @abstractmethod
    def check(self) -> list[str]:
        """What is wrong with the store; nothing, if all is well."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the store."""
