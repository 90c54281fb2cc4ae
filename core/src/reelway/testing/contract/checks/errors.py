"""Answers that are no 2xx: whatever comes is an error of a known kind, and trouble on the way stays trouble."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from reelway.errors import KIND_FACTS, ErrorKind, ProviderError
from reelway.model.http import HttpResponse, json_response
from reelway.provider.reading import error_reading, read_error, read_retrieve
from reelway.provider.simulator import CallKind, SimulatedCall
from reelway.testing.contract.check import Group, Level
from reelway.testing.contract.feature import Feature
from reelway.testing.contract.subject import Subject
from reelway.testing.contract.trouble import ENVELOPES, PASSING, bare, page

errors = Group("errors")

STATUSES: Final = range(400, 528)
"""The registered ones, those that nobody registered, and the 52x that a proxy before a gateway answers with."""

LASTING: Final = (400, 401, 402, 403, 405, 413, 415, 422)
"""What asking again does not mend."""

# Some services have one answer for a file that is not ready and for one that is not there.
ALSO: Final = {ErrorKind.NOT_READY: {ErrorKind.NOT_READY, ErrorKind.NOT_FOUND}}

REFUSED_KEY: Final[Mapping[int, frozenset[ErrorKind]]] = {
    401: frozenset({ErrorKind.AUTH}),
    403: frozenset({ErrorKind.AUTH, ErrorKind.QUOTA}),
}


@errors.check()
def every_status_with_json_is_an_error(subject: Subject) -> Iterator[str]:
    """An error answer in a shape that nobody documented must still be an error, and not a crash of the wait."""
    for status in STATUSES:
        for document in ENVELOPES:
            yield from _unreadable(subject, json_response(document, status), f"HTTP {status} with {document!r:.60}")


@errors.check()
def every_status_with_a_web_page_is_an_error(subject: Subject) -> Iterator[str]:
    """Proxies answer with web pages in the name of an API."""
    for status in STATUSES:
        yield from _unreadable(subject, page(status), f"HTTP {status} with a web page")


@errors.check()
def every_status_with_nothing_is_an_error(subject: Subject) -> Iterator[str]:
    """Load balancers answer with nothing at all."""
    for status in STATUSES:
        for headers in ((), (("Content-Type", "application/json"),)):
            yield from _unreadable(subject, HttpResponse(status=status, headers=headers), f"HTTP {status}, empty")


@errors.check()
def refused_key_is_no_trouble_on_the_way(subject: Subject) -> Iterator[str]:
    """Read as passing trouble it is asked about for an hour; read as an unknown task it gives a paid job up."""
    for status, allowed in REFUSED_KEY.items():
        for response, what in bare(status):
            kind = error_reading(subject.provider, response).kind
            if kind not in allowed:
                yield f"HTTP {status}, {what}, means {kind}, not {' or '.join(sorted(allowed))}"


@errors.check()
def too_many_requests_mean_slow_down(subject: Subject) -> Iterator[str]:
    """Some gateways send 429 with an empty body; read otherwise, a wait hammers on or gives up."""
    for response, what in bare(429):
        kind = error_reading(subject.provider, response).kind
        if kind is not ErrorKind.RATE_LIMITED:
            yield f"HTTP 429, {what}, means {kind}"


@errors.check()
def trouble_on_the_way_passes(subject: Subject) -> Iterator[str]:
    """Timeouts and errors of a gateway say nothing about a job, so the wait has to go on."""
    for status in PASSING:
        for response, what in bare(status):
            kind = error_reading(subject.provider, response).kind
            if not KIND_FACTS[kind].retryable:
                yield f"HTTP {status}, {what}, means {kind}, which no wait gets past"


@errors.check()
def callers_mistake_does_not_pass(subject: Subject) -> Iterator[str]:
    """A request that is wrong stays wrong; asking again only costs time."""
    for status in LASTING:
        for response, what in bare(status):
            kind = error_reading(subject.provider, response).kind
            if KIND_FACTS[kind].retryable and kind is not ErrorKind.PROTOCOL:
                yield f"HTTP {status}, {what}, means {kind}, which is tried again"


@errors.check()
def redirect_is_no_answer(subject: Subject) -> Iterator[str]:
    """The API client follows no redirect, because the key would go along; a wrong address stays wrong."""
    for status in (300, 301, 302, 303, 307, 308):
        response = HttpResponse(status=status, headers=(("Location", "https://elsewhere.contract.example/"),))
        kind = error_reading(subject.provider, response).kind
        if KIND_FACTS[kind].retryable or kind is ErrorKind.NOT_FOUND:
            yield f"HTTP {status} means {kind}"


@errors.check(level=Level.SHOULD)
def web_page_with_404_is_no_unknown_task(subject: Subject) -> Iterator[str]:
    """A web server's own page means a wrong address; taken for an unknown task it makes paid jobs count as lost."""
    kind = error_reading(subject.provider, page(404)).kind
    if kind is ErrorKind.NOT_FOUND:
        yield "a web page with HTTP 404 is read as an unknown task"


@errors.check(needs=[Feature.SIMULATOR])
def unknown_task_is_an_observation(subject: Subject) -> Iterator[str]:
    """Gateways answer a create before they store it, so "not found" is counted and forgiven, not raised."""
    for call in _polls(subject):
        response = subject.service.answer_error(call, ErrorKind.NOT_FOUND)
        try:
            seen = read_retrieve(subject.provider, response, call.route, call.task_id)
        except ProviderError as error:
            yield f"route {call.route!r}: the service's own answer for an unknown task is an error: {error.message}"
            continue
        if not seen.not_found:
            yield f"route {call.route!r}: the service's own answer for an unknown task reads as {seen.status}"


@errors.check(needs=[Feature.SIMULATOR])
def simulated_errors_keep_their_kind(subject: Subject) -> Iterator[str]:
    """What a wait does next depends on the kind: slow down, go on, or give the key back to its owner."""
    for call in _polls(subject):
        for kind in ErrorKind:
            response = subject.service.answer_error(call, kind)
            if kind is not ErrorKind.PROTOCOL and not response.ok:
                read = error_reading(subject.provider, response).kind
                if read not in ALSO.get(kind, {kind}):
                    yield f"route {call.route!r}: what the simulator says for {kind} is read as {read}"


@errors.check(level=Level.SHOULD, needs=[Feature.SIMULATOR])
def reason_of_an_error_is_told(subject: Subject) -> Iterator[str]:
    """Without the provider's own words, a user has nothing to act on and nothing to quote."""
    for call in _polls(subject):
        for kind in (ErrorKind.AUTH, ErrorKind.INVALID_REQUEST, ErrorKind.QUOTA):
            response = subject.service.answer_error(call, kind)
            if response.body and not response.ok and not error_reading(subject.provider, response).message:
                yield f"route {call.route!r}: the message of the simulated {kind} error is not read"


def _unreadable(subject: Subject, response: HttpResponse, what: str) -> Iterator[str]:
    """What is wrong with the error that an answer is read as; crashes are told by their own name."""
    try:
        error = read_error(subject.provider, response)
    except Exception as trouble:  # noqa: BLE001 - whatever a plugin raises here is what this looks for
        yield f"{what}: {type(trouble).__name__}: {trouble}"
        return
    if not str(error).isprintable():
        yield f"{what}: its text could steer a terminal: {str(error)!r:.80}"


def _polls(subject: Subject) -> Iterator[SimulatedCall]:
    """A poll on every route."""
    for route in subject.routes:
        yield SimulatedCall(kind=CallKind.RETRIEVE, route=route, task_id="contract-1")
