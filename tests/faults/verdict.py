"""What must hold after processes were killed, as a table of rules over what was seen on all sides."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, TypeAlias

from msgspec import Struct

from reelway.ledger.records import Entry, KeptEvent
from reelway.model.submission import CREATED, Submission, SubmissionState
from reelway.model.task import Artifact

Told: TypeAlias = Sequence[str]
"""A line of a process, by its words."""


class Evidence(Struct, frozen=True, kw_only=True):
    """What was seen on all sides.

    Attributes:
        creates: how many creates the sandbox counted.
        jobs: the wish that each of its jobs was made for.
        videos: the SHA-256 of each job's video.
        polls: when each job was asked about, in seconds.
        answering: for how many seconds the sandbox holds each poll.
        told: what the processes told, each line after it was so.
        entries: all that the ledger holds.
        history: all its events.
        in_doubt: the attempts that a client calls in doubt, when nobody can be at work on any of them.
        complaints: what the ledger finds wrong with itself.
        held: tasks that nobody could take when every lease of the dead had to be over.
        files: what lies in the folder of results.
    """

    creates: int
    jobs: Mapping[str, str]
    videos: Mapping[str, str]
    polls: Mapping[str, Sequence[float]]
    answering: float
    told: Sequence[Told]
    entries: Sequence[Entry]
    history: Sequence[KeptEvent]
    in_doubt: frozenset[str]
    complaints: Sequence[str]
    held: Sequence[int]
    files: Mapping[str, bytes]

    @property
    def known(self) -> Mapping[str, Entry]:
        """The entries with a task, by the provider's id."""
        return {entry.task.id: entry for entry in self.entries if entry.task is not None}

    @property
    def attempts(self) -> Mapping[str, Submission]:
        """The attempts on record."""
        return {entry.submission.id: entry.submission for entry in self.entries if entry.submission is not None}

    def attempts_that(self, verb: str, state: SubmissionState) -> set[str]:
        """Those of which a process told that it ``writes`` a state, or ``wrote`` it."""
        return {words[1] for words in self.told if words[0] == verb and words[2] == state}


Rule: TypeAlias = Callable[[Evidence], Iterator[str]]
"""What is wrong, a sentence for each; nothing, where the rule holds."""


def every_create_is_known(seen: Evidence) -> Iterator[str]:
    """Each job that the sandbox made is a task of the ledger, or its wish has an attempt in doubt."""
    doubted = {seen.attempts[one].idempotency_key for one in seen.in_doubt}
    for job, wish in seen.jobs.items():
        if job not in seen.known and wish not in doubted:
            yield f"{job}, made for wish {wish}, is neither a task nor in doubt"


def no_wish_is_made_twice(seen: Evidence) -> Iterator[str]:
    """The sandbox counted one create for each wish at most."""
    if seen.creates != len(seen.jobs):
        yield f"{seen.creates} creates made {len(seen.jobs)} jobs"
    for wish, count in Counter(seen.jobs.values()).items():
        if count > 1:
            yield f"wish {wish} was created {count} times"


def what_is_in_doubt_was_cut(seen: Evidence) -> Iterator[str]:
    """No attempt is in doubt but one whose process went to send it, and never told that it was accepted."""
    cut = seen.attempts_that("writes", SubmissionState.SENDING)
    cut -= seen.attempts_that("wrote", SubmissionState.ACCEPTED)
    yield from (f"{one} is in doubt, and was not cut" for one in sorted(seen.in_doubt - cut))


def what_was_cut_is_in_doubt(seen: Evidence) -> Iterator[str]:
    """Each attempt whose process had put on record that it sends, and went no further, is in doubt."""
    cut = seen.attempts_that("wrote", SubmissionState.SENDING)
    for state in (SubmissionState.ACCEPTED, SubmissionState.REJECTED, SubmissionState.AMBIGUOUS):
        cut -= seen.attempts_that("writes", state)
    yield from (f"{one} was cut, and is not in doubt" for one in sorted(cut - seen.in_doubt))


def what_was_told_is_there(seen: Evidence) -> Iterator[str]:
    """Whatever a process told after it was written stands in the ledger."""
    tasks = {str(entry.task.ref): entry.task for entry in seen.entries if entry.task is not None}
    owners = {entry.number: str(entry.task.ref) for entry in seen.entries if entry.task is not None}
    events = {
        (owners.get(kept.number), type(kept.event).__name__, kept.event.at.isoformat()) for kept in seen.history
    }
    stands: Mapping[str, Callable[[Told], bool]] = {
        "wrote": lambda words: words[1] in seen.attempts and _stands_at(words[2], seen.attempts[words[1]]),
        "task": lambda words: words[1] in tasks,
        "event": lambda words: tuple(words[1:]) in events,
        "stored": lambda words: words[1] in tasks and tasks[words[1]].artifact is Artifact.STORED,
    }
    for words in seen.told:
        if words[0] in stands and not stands[words[0]](words):
            yield f"{' '.join(words)!r} was told, and is not there"


def _stands_at(state: str, attempt: Submission) -> bool:
    """Whether an attempt came as far as it was told; what was accepted stays so."""
    return state != SubmissionState.ACCEPTED or attempt.state in CREATED


def no_file_is_half(seen: Evidence) -> Iterator[str]:
    """Under a final name lies the whole video of its job, and nothing else but a manifest does."""
    for name, content in seen.files.items():
        job, _, kind = name.partition(".")
        if kind == "mp4" and hashlib.sha256(content).hexdigest() != seen.videos.get(job):
            yield f"{name} is not the video of {job}: {len(content)} bytes"
        if kind == "mp4.json" and f"{job}.mp4" not in seen.files:
            yield f"{name} stands without its file"


def every_lease_runs_out(seen: Evidence) -> Iterator[str]:
    """What the dead had taken is free again when their leases are over."""
    yield from (f"entry {number} is still held" for number in seen.held)


def no_job_is_asked_about_twice_at_once(seen: Evidence) -> Iterator[str]:
    """Between two polls of a job there is the time that the sandbox takes for the first."""
    for job, times in seen.polls.items():
        for before, after in pairwise(sorted(times)):
            if after - before < seen.answering:
                yield f"{job} was asked about again after {after - before:.3f} seconds"


def every_job_is_stored(seen: Evidence) -> Iterator[str]:
    """Each task has ended, and its video lies where the ledger says."""
    for job, entry in seen.known.items():
        assert entry.task is not None
        if entry.task.artifact is not Artifact.STORED or f"{job}.mp4" not in seen.files:
            yield f"{job} is {entry.task.status} and {entry.task.artifact}"


def the_ledger_is_sound(seen: Evidence) -> Iterator[str]:
    """It finds nothing wrong with itself, and each revision of a task has its events."""
    yield from seen.complaints
    revisions: defaultdict[int, int] = defaultdict(int)
    for kept in seen.history:
        revisions[kept.number] = max(revisions[kept.number], kept.revision)
    for entry in seen.entries:
        if revisions[entry.number] > entry.revision:
            yield f"entry {entry.number} is behind its own history"


AT_ANY_MOMENT: Final[tuple[Rule, ...]] = (
    every_create_is_known,
    no_wish_is_made_twice,
    what_is_in_doubt_was_cut,
    what_was_cut_is_in_doubt,
    what_was_told_is_there,
    no_file_is_half,
    no_job_is_asked_about_twice_at_once,
    the_ledger_is_sound,
)
"""Rules that hold while the dead still lie about."""

IN_THE_END: Final[tuple[Rule, ...]] = (*AT_ANY_MOMENT, every_lease_runs_out, every_job_is_stored)
"""Rules that hold when everything has been gone on with."""


def broken(seen: Evidence, rules: Iterable[Rule] = IN_THE_END) -> dict[str, list[str]]:
    """The rules that do not hold, by their names, with what is wrong."""
    found = {rule.__name__: list(rule(seen)) for rule in rules}
    return {name: complaints for name, complaints in found.items() if complaints}
