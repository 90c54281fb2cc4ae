"""Results: a finished job leads to its file, and what the service says of it comes back whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reelway.errors import ReelwayError
from reelway.model.observation import Observation, Status
from reelway.provider.canonical import Call
from reelway.provider.interface import Capability
from reelway.provider.models import ModelSpec
from reelway.provider.reading import read_create
from reelway.provider.simulator import SimulatedJob
from reelway.testing.contract.answers import CREATED, EXPIRES, LINK, polled, simulated_job
from reelway.testing.contract.check import Group, Level
from reelway.testing.contract.documents import put_all
from reelway.testing.contract.feature import Feature
from reelway.testing.contract.places import EXPIRES_AT
from reelway.testing.contract.places import LINK as LINK_FACT
from reelway.testing.contract.story import stage
from reelway.testing.contract.subject import Subject
from reelway.testing.contract.wishes import examples

results = Group("results")

SHOWN: Final = {
    # Some gateways have no word for waiting, and those that know one bad end only report every bad end as that one.
    Status.QUEUED: {Status.QUEUED, Status.RUNNING},
    Status.RUNNING: {Status.RUNNING},
    Status.SUCCEEDED: {Status.SUCCEEDED},
    Status.FAILED: {Status.FAILED},
    Status.CANCELLED: {Status.CANCELLED, Status.FAILED},
    Status.EXPIRED: {Status.EXPIRED, Status.FAILED},
}
"""What a service may say of a job in each state."""

TROUBLE: Final = (
    *("[[missing]]", "[[retrieve/html]]", "[[unknown-word]]", "[[retrieve/rate-limit]]", "[[server-error]]"),
    *("[[retrieve/unavailable]]", "[[foreign-id]]", "[[requeue]]", "[[result/html]]", "[[result/unavailable]]"),
)
"""What must not keep a job from its end; see the faults of the sandbox."""


@results.check(needs=[Feature.SIMULATOR])
def job_becomes_a_file(subject: Subject) -> Iterator[str]:
    """The whole way works: one create, polls to the end, and the file that the service made."""
    with stage(subject.provider) as played:
        for number, spec in enumerate(examples(subject.provider.models), 1):
            try:
                download = played.played(spec)
            except ReelwayError as error:
                yield f"{spec.name}: {type(error).__name__}: {error.message}"
                continue
            served = played.sandbox.ledger.task(download.task.id, subject.provider.info.name).sha256
            if served != download.sha256:
                yield f"{spec.name}: the file is not the one that was served"
            if played.sandbox.ledger.creates != number:
                yield f"{spec.name}: {played.sandbox.ledger.creates} creates for {number} jobs"


@results.check(needs=[Feature.SIMULATOR])
def trouble_on_the_way_ends_nothing(subject: Subject) -> Iterator[str]:
    """Polls fail every day; a job that was paid for goes on."""
    spec = examples(subject.provider.models)[0]
    with stage(subject.provider) as played:
        for faults in TROUBLE:
            try:
                played.played(spec, faults)
            except ReelwayError as error:
                yield f"{faults}: {type(error).__name__}: {error.message}"


@results.check(needs=[Feature.SIMULATOR])
def simulated_state_comes_back(subject: Subject) -> Iterator[str]:
    """Simulator and reader are the two sides of one wire; where they disagree, one of them is not the service."""
    for spec, status in _states(subject):
        job, seen = _polled(subject, spec, status)
        if seen.status not in SHOWN[status]:
            yield f"{spec.name}: a job that is {status} is shown as {seen.provider_status!r}, read as {seen.status}"
        if seen.task_id not in {None, job.task_id}:
            yield f"{spec.name}: the poll of {job.task_id!r} names {seen.task_id!r}"


@results.check(needs=[Feature.SIMULATOR])
def simulated_create_names_the_job(subject: Subject) -> Iterator[str]:
    """The id in the answer to the create is the one that polls ask for; another one is never found."""
    for spec, status in _states(subject):
        if not status.final:
            job = _job(subject, spec, status)
            seen = read_create(subject.provider, subject.service.answer_create(job), job.call.route)
            if seen.task_id != job.task_id:
                yield f"{spec.name}: the create of {job.task_id!r} was read as {seen.task_id!r}"


@results.check(needs=[Feature.SIMULATOR, Feature.LINKS])
def simulated_link_comes_back(subject: Subject) -> Iterator[str]:
    """The link of a finished job is the way to what was paid for."""
    found = False
    for spec in examples(subject.provider.models):
        _, seen = _polled(subject, spec, Status.SUCCEEDED)
        urls = [video.url.reveal() for video in seen.videos]
        found = found or urls[:1] == [LINK]
        if urls and urls[0] != LINK:
            yield f"{spec.name}: the link {LINK!r} was read as {urls[0]!r}"
    if not found and Capability.CONTENT not in subject.provider.info.capabilities:
        yield "no simulated success has the link that its job has"


@results.check(needs=[Feature.SIMULATOR, Feature.TIMES])
def simulated_times_come_back(subject: Subject) -> Iterator[str]:
    """Times are what waits and expiries are counted from."""
    for spec in examples(subject.provider.models):
        for status in (Status.RUNNING, Status.SUCCEEDED):
            _, seen = _polled(subject, spec, status)
            if seen.created_at is not None and abs((seen.created_at - CREATED).total_seconds()) >= 1:
                yield f"{spec.name}: made at {CREATED}, read as {seen.created_at}"
            if seen.expires_at is not None and abs((seen.expires_at - EXPIRES).total_seconds()) >= 1:
                yield f"{spec.name}: its link ends at {EXPIRES}, read as {seen.expires_at}"


@results.check(needs=[Feature.LINKS])
def success_needs_no_link(subject: Subject) -> Iterator[str]:
    """A success whose link comes late, or never, is one; asking again or the content route brings the file."""
    for answer, places in subject.showing(LINK_FACT, {Call.RETRIEVE, Call.RESULT}):
        if answer.seen.status is Status.SUCCEEDED:
            for nothing in (None, ""):
                seen = subject.read(answer, put_all(answer.document, places, nothing))
                if seen.status is not Status.SUCCEEDED or seen.videos:
                    yield f"{answer.name}: without its link it reads as {seen.status} with {len(seen.videos)} links"


@results.check()
def finished_job_has_a_way_to_its_file(subject: Subject) -> Iterator[str]:
    """With neither a link nor a content route, a paid video stays at the provider."""
    if Capability.CONTENT not in subject.provider.info.capabilities and Feature.LINKS in subject.found_lacking:
        yield "its answers name no link, and it has no content route"


@results.check(level=Level.SHOULD)
def link_ends_with_its_expiry(subject: Subject) -> Iterator[str]:
    """A link that says when it ends is renewed in time, and not after a download has failed."""
    for answer in subject.answers:
        video = answer.seen.videos[0] if answer.seen.videos else None
        if video is not None and subject.spots(answer, EXPIRES_AT) and video.expires_at != answer.seen.expires_at:
            yield f"{answer.name}: the answer tells when the link ends, and the link does not"


def _states(subject: Subject) -> Iterator[tuple[ModelSpec, Status]]:
    for spec in examples(subject.provider.models):
        yield from ((spec, status) for status in SHOWN)


def _polled(subject: Subject, spec: ModelSpec, status: Status) -> tuple[SimulatedJob, Observation]:
    job = _job(subject, spec, status)
    return job, polled(subject.provider, subject.service, job)


def _job(subject: Subject, spec: ModelSpec, status: Status) -> SimulatedJob:
    return simulated_job(subject.provider, subject.service, spec, status)
