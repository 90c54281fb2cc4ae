"""Creates cost money: what names no task is none, and what may have made one is never taken for a refusal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from reelway.errors import ProviderError
from reelway.flow.submit import Verdict, verdict_of
from reelway.model.http import HttpResponse, json_response
from reelway.provider.canonical import Call
from reelway.provider.reading import error_reading, read_create
from reelway.testing.contract.check import Group
from reelway.testing.contract.documents import Json, as_bytes, put_all, without_all
from reelway.testing.contract.places import TASK_ID
from reelway.testing.contract.subject import Subject
from reelway.testing.contract.trouble import HTML, REFUSALS, UNREADABLE, bare

creates = Group("creates")

NO_IDS: Final[tuple[Json, ...]] = (None, "", True, False, [], ["task_1"], {}, {"id": "task_1"})

DANGEROUS_IDS: Final = (".", "..", "a\nb", "\x00", "\ud800", "task\x1b[2J", "\u202e1", "x" * 513)

OPEN_STATUSES: Final = (408, 409, 425, 500, 502, 503, 504, 520, 522, 524)
"""After these nobody knows whether a task was made (RFC 9110, 9.2.2: a POST is not idempotent)."""


@creates.check()
def answer_without_an_id_is_no_task(subject: Subject) -> Iterator[str]:
    """A task without an id cannot be followed; made up or borrowed, the id of a paid job is lost for good."""
    for answer, places in subject.showing(TASK_ID, {Call.CREATE}):
        documents = [without_all(answer.document, places)]
        documents += [put_all(answer.document, places, value) for value in NO_IDS]
        for document in documents:
            yield from _believed(subject, answer.response(as_bytes(document)), answer.route)


@creates.check()
def refusal_with_200_is_no_task(subject: Subject) -> Iterator[str]:
    """Some gateways refuse with HTTP 200; the id of the HTTP call in such an answer is no task."""
    for route in subject.routes:
        for document in REFUSALS:
            yield from _believed(subject, json_response(document), route)


@creates.check()
def unreadable_answer_is_no_task(subject: Subject) -> Iterator[str]:
    """A proxy's page or half an answer says nothing about the job, which may well have been created."""
    for route in subject.routes:
        for body in UNREADABLE:
            for headers in (HTML, (("Content-Type", "application/json"),), ()):
                yield from _believed(subject, HttpResponse(status=200, headers=headers, body=body), route)


@creates.check()
def dangerous_id_is_no_task(subject: Subject) -> Iterator[str]:
    """An id goes into addresses and file names; a dangerous one is refused, for made harmless it is another's."""
    for answer, places in subject.showing(TASK_ID, {Call.CREATE}):
        for task_id in DANGEROUS_IDS:
            body = as_bytes(put_all(answer.document, places, task_id))
            yield from _believed(subject, answer.response(body), answer.route)


@creates.check()
def trouble_leaves_it_open(subject: Subject) -> Iterator[str]:
    """An error of the server after a create does not prove that nothing was created; sending again pays twice."""
    for status in OPEN_STATUSES:
        for response, what in bare(status):
            for route in subject.routes:
                verdict = verdict_of(subject.provider, response, route)
                if verdict is not Verdict.AMBIGUOUS:
                    yield f"HTTP {status}, {what}, in answer to a create counts as {verdict}"


@creates.check()
def nothing_created_is_said_exactly(subject: Subject) -> Iterator[str]:
    """A pair that is too wide declares a paid job unmade, and one that is misspelt is never found."""
    for status, code in subject.provider.info.nothing_created:
        pair = f"({status}, {code!r}) in nothing_created"
        if status not in {408, 409, 425, *range(500, 600)}:
            yield f"{pair}: the status alone says as much"
        if not code.strip() or code != code.strip().lower():
            yield f"{pair}: a code is written in lower case, and not empty"


@creates.check()
def nothing_created_is_recognised(subject: Subject) -> Iterator[str]:
    """A pair whose code the provider does not read leaves every such create in doubt."""
    for status, code in sorted(subject.provider.info.nothing_created):
        if all(error_reading(subject.provider, one).code != code for one in _with_code(subject, status, code)):
            yield f"({status}, {code!r}) in nothing_created: no answer with that code was read as one"


def _with_code(subject: Subject, status: int, code: str) -> Iterable[HttpResponse]:
    """Answers that hold the code: in the usual envelopes, and the recorded ones with that status."""
    yield json_response({"error": {"code": code, "message": "Contract trouble."}}, status)
    yield json_response({"code": code, "message": "Contract trouble.", "data": None}, status)
    for sample in subject.samples:
        yield from (told.response for told in sample.told() if told.response.status == status)


def _believed(subject: Subject, response: HttpResponse, route: str) -> Iterator[str]:
    try:
        seen = read_create(subject.provider, response, route)
    except ProviderError:
        return
    yield f"{response.body!r:.120} was taken for the task {seen.task_id!r:.60}"
