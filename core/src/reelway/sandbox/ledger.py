"""What the sandbox saw: the oracle for how often something was really sent."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct

from reelway.model.observation import Status
from reelway.provider.simulator import CallKind
from reelway.sandbox.reply import Behaviour, Reply


class Counts(Struct, frozen=True, kw_only=True):
    """What was counted.

    Attributes:
        creates: creates and remixes that arrived, answered well or not.
        jobs: jobs that were made; each would have cost money.
        polls: polls that arrived.
        downloads: requests that were sent bytes of a file, by a link or by the content route.
        callbacks: callbacks that were sent, taken or not.
        refused: calls turned away with HTTP 4xx, or before they were read.
    """

    creates: int = 0
    jobs: int = 0
    polls: int = 0
    downloads: int = 0
    callbacks: int = 0
    refused: int = 0


class TaskEntry(Struct, frozen=True, kw_only=True):
    """One job and what was asked about it; ``size`` and ``sha256`` are those of its file."""

    provider: str
    task_id: str
    status: Status
    faults: tuple[str, ...]
    polls: int
    downloads: int
    size: int
    sha256: str


class CallEntry(Struct, frozen=True, kw_only=True):
    """One call of a provider's API or of a link, or a callback: what became of it, and which fault was to blame.

    ``call`` is the kind of the call, ``link``, ``callback``, or the method and path of a call that the provider
    does not have. The outcome of a callback is the status that it was answered with, or why there is none.
    """

    at: datetime
    provider: str
    call: str
    task_id: str
    outcome: str
    fault: str


class Ledger(Counts, frozen=True, kw_only=True):
    """Everything the sandbox saw since its start or its last reset.

    Attributes:
        keys_at_links: requests that carried credentials to a link or to the target of a redirect; no key
            belongs there.
        providers: the same counts for each provider.
        tasks: every job, in the order in which they were made.
        calls: the last calls, oldest first.
    """

    keys_at_links: int = 0
    providers: Mapping[str, Counts] = {}
    tasks: tuple[TaskEntry, ...] = ()
    calls: tuple[CallEntry, ...] = ()

    def task(self, task_id: str, provider: str | None = None) -> TaskEntry:
        """The entry of one job; the provider decides where two share an id.

        Raises:
            LookupError: there is no such job.
        """
        for entry in self.tasks:
            if entry.task_id == task_id and provider in {None, entry.provider}:
                return entry
        raise LookupError(f"The sandbox has no job {task_id!r}.")


COUNTED_AS: Final[Mapping[CallKind, str]] = {
    CallKind.CREATE: "creates",
    CallKind.REMIX: "creates",
    CallKind.RETRIEVE: "polls",
}

CALLS_KEPT = 500


class Book:
    """Counts while the sandbox runs."""

    def __init__(self) -> None:
        self.keys_at_links = 0
        self.calls: deque[CallEntry] = deque(maxlen=CALLS_KEPT)
        self._counter: Counter[tuple[str, str, str]] = Counter()

    def count(self, what: str, provider: str, task_id: str = "") -> None:
        """One more of something."""
        self._counter[what, provider, task_id] += 1

    def note(self, entry: CallEntry, kind: CallKind | None, reply: Reply) -> None:
        """A call and its reply."""
        self.calls.append(entry)
        refused = reply.behaviour is Behaviour.REFUSE
        if kind is not None and kind in COUNTED_AS and not refused:
            self.count(COUNTED_AS[kind], entry.provider, entry.task_id)
        if refused or 400 <= reply.response.status < 500:
            self.count("refused", entry.provider, entry.task_id)

    def of_task(self, what: str, provider: str, task_id: str) -> int:
        """How many of something one task has."""
        return self._counter[what, provider, task_id]

    def counts(self, providers: Iterable[str]) -> Counts:
        """The sums over some providers."""
        wanted = set(providers)
        sums: Counter[str] = Counter()
        for (what, provider, _), number in self._counter.items():
            if provider in wanted:
                sums[what] += number
        return Counts(**sums)
