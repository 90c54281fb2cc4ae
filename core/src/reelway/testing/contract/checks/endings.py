"""Ends behind a second request: a poll that says only that a job has ended is none, and neither is trouble."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from reelway.errors import NotSupported, ProviderError
from reelway.model.http import HttpResponse
from reelway.model.observation import Status
from reelway.provider.canonical import Call
from reelway.provider.reading import needs_result, read_result
from reelway.provider.simulator import CallKind
from reelway.testing.contract.answers import Answer, poll_of, simulated_job
from reelway.testing.contract.check import Group
from reelway.testing.contract.feature import Feature
from reelway.testing.contract.subject import Missing, Subject
from reelway.testing.contract.trouble import HTML, PASSING, UNREADABLE, bare, page
from reelway.testing.contract.wishes import examples

endings = Group("endings")

ASKED: Final = "contract-asked-for"

REFUSED: Final = (401, 403, 404, 410)
"""What is about the key or the address of the request."""


@endings.check()
def ended_word_is_no_end(subject: Subject) -> Iterator[str]:
    """A word that leaves open how a job ended must not end it; taken for a success, a failure is paid for twice."""
    info = subject.provider.info
    for word in sorted(info.ended):
        status = info.words.get(word)
        if status is None or status.final:
            yield f"{word!r} in ended is declared as {'nothing' if status is None else status}"


@endings.check()
def second_request_is_there(subject: Subject) -> Iterator[str]:
    """Without it a job that has ended is polled until the deadline; where no word leads to it, it is never made."""
    expected = bool(subject.provider.info.ended)
    for route in subject.routes:
        try:
            subject.provider.encode_result(ASKED, route)
        except NotSupported:
            offered = False
        else:
            offered = True
        if offered is not expected:
            yield f"route {route!r}: info.ended says {expected}, and encode_result says {offered}"


@endings.check()
def failing_result_ends_nothing(subject: Subject) -> Iterator[str]:
    """The second request fails as every other does; only an error that is the job's own is its end."""
    for poll in _polls(subject):
        for status in (*PASSING, *REFUSED):
            for response, what in bare(status):
                yield from _ended(subject, poll, response, f"HTTP {status}, {what}")
        for status in range(400, 528):
            yield from _ended(subject, poll, page(status), f"HTTP {status} with a web page")


@endings.check()
def unreadable_result_ends_nothing(subject: Subject) -> Iterator[str]:
    """A proxy's page or half an answer in the place of a result is none, although its status says so."""
    for poll in _polls(subject):
        for body in UNREADABLE:
            for headers in (HTML, (("Content-Type", "application/json"),), ()):
                response = HttpResponse(status=200, headers=headers, body=body)
                yield from _ended(subject, poll, response, f"{body!r:.80}")


@endings.check(needs=[Feature.SIMULATOR])
def result_of_another_task_is_refused(subject: Subject) -> Iterator[str]:
    """Caches and gateways mix answers up; a stranger's result must not become the end of this task."""
    for spec in examples(subject.provider.models) if subject.provider.info.ended else ():
        job = simulated_job(subject.provider, subject.service, spec, Status.SUCCEEDED)
        result = subject.service.answer_result(poll_of(job, CallKind.RESULT), job)
        if job.task_id.encode() in result.body:
            for poll in _polls(subject):
                yield from _ended(subject, poll, result, f"{spec.name}: the result of {job.task_id!r}")


def _polls(subject: Subject) -> Iterator[Answer]:
    """Polls after which the second request is made; for a provider that makes none, nothing."""
    if not subject.provider.info.ended:
        return
    polls = [
        one for one in subject.answers if one.call is Call.RETRIEVE and needs_result(subject.provider, one.seen)
    ]
    if not polls:
        raise Missing("no sample and no simulated answer is a poll with a word of info.ended; add one")
    yield from polls


def _ended(subject: Subject, poll: Answer, result: HttpResponse, what: str) -> Iterator[str]:
    try:
        seen = read_result(subject.provider, poll.response(poll.body), result, poll.route, ASKED)
    except ProviderError:
        return
    if seen.status is not None and seen.status.final:
        yield f"{poll.name}: with {what} as its result it was read as {seen.status}"
