"""Hostile answers: whatever bytes arrive, a reading comes out or a refusal, soon, and a lie is not believed."""

from __future__ import annotations

import json
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any, Final, NamedTuple, TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from reelway.errors import PluginError, ProviderError
from reelway.model.http import HttpResponse, is_safe_id
from reelway.model.observation import Observation, Status
from reelway.provider.canonical import Call
from reelway.provider.interface import Provider
from reelway.provider.reading import (
    NO_POLL,
    read_callback,
    read_create,
    read_error,
    read_result,
    read_retrieve,
)
from reelway.provider.words import fold
from reelway.testing.contract.answers import Answer
from reelway.testing.contract.check import Group
from reelway.testing.contract.documents import Json, Spot, as_bytes, put, put_all, shown, spots, value_at, verbatim
from reelway.testing.contract.feature import Feature
from reelway.testing.contract.subject import Found, Subject
from reelway.testing.payloads import json_values, mutated

hostile = Group("hostile")

T = TypeVar("T")

GOOD: Final = (200, 201, 202, 204)

BAD: Final = (301, 400, 401, 403, 404, 408, 409, 410, 413, 418, 422, 425, 429, 500, 502, 503, 504, 520, 527, 599)

TYPES: Final = ("application/json", "text/html; charset=utf-8", "", "\x00")

SOMEBODY_ELSE: Final = "task_of_somebody_else"

DEPTHS: Final = (50, 900, 5000, 100_000)

NUMBERS: Final = ("1e400", "-1e308", "1e-400", "1.0", "-0", "01", "NaN", "-Infinity", "9" * 400, "9" * 5000)

LONG: Final = 4000
"""Signs of a value that is not tried everywhere."""

SIZES: Final = (18, 22, 25, 30, 36, 44, 54, 66, 80, 100, 256, 4096, 1 << 14, 1 << 16)
"""Lengths of a value, in this order: what takes ever longer is found before it takes too long."""

FILLS: Final = ("a", "9", " ", "%", "<", "a.", "sk-", "\t\n")

SLOW: Final = 0.25
"""Seconds of the processor for one reading, where a usual one takes a ten-thousandth."""

BIG: Final = 1 << 16
"""Bytes of an answer that is large and still far within the limit of the transport."""

HEAVY: Final = 64 * BIG
"""Bytes that the reading of a large answer may take."""

SHARES: Final = 6
"""How many times the examples of one test a check over many answers gets."""


class Lie(Exception):
    """Something was believed, or broke, that should have been refused."""


class Case(NamedTuple):
    """A good answer, and a body that began as its own."""

    answer: Answer
    body: bytes


@hostile.check()
def mutated_poll_is_read_or_refused(subject: Subject) -> Iterator[str]:
    """Gateways change, proxies cut in, and what comes of it is almost right, which is where readers go wrong."""

    def look(case: Case, response: HttpResponse) -> None:
        for asked in (case.answer.seen.task_id or "job-1", SOMEBODY_ELSE):
            ask = partial(read_retrieve, subject.provider, response, case.answer.route, asked)
            for seen in _read(lambda ask=ask: [ask()], case.body):  # type: ignore[misc]
                _believe(subject.provider, seen, case.body)
                if seen.task_id not in {None, asked}:
                    raise Lie(f"asked for {asked!r}, told of {seen.task_id!r:.40}, by {case.body!r:.300}")

    yield from _mutations(subject, Call.RETRIEVE, GOOD, look)


@hostile.check()
def mutated_result_is_read_or_refused(subject: Subject) -> Iterator[str]:
    """Where a second request tells how a job ended, its answer ends the job: what is almost right ends it wrong."""

    def look(case: Case, response: HttpResponse) -> None:
        ask = partial(read_result, subject.provider, NO_POLL, response, case.answer.route, "job-1")
        for seen in _read(lambda: [ask()], case.body):
            _believe(subject.provider, seen, case.body)
            if seen.task_id not in {None, "job-1"}:
                raise Lie(f"asked for 'job-1', told of {seen.task_id!r:.40}, by {case.body!r:.300}")

    if subject.provider.info.ended:
        yield from _mutations(subject, Call.RESULT, GOOD + BAD, look)


@hostile.check()
def mutated_create_is_read_or_refused(subject: Subject) -> Iterator[str]:
    """An id that is read wrong is a paid job that nobody finds again."""

    def look(case: Case, response: HttpResponse) -> None:
        for seen in _read(lambda: [read_create(subject.provider, response, case.answer.route)], case.body):
            _believe(subject.provider, seen, case.body)
            if not is_safe_id(seen.task_id or ""):
                raise Lie(f"the id {seen.task_id!r:.40} was believed, in {case.body!r:.300}")

    yield from _mutations(subject, Call.CREATE, GOOD, look)


@hostile.check(needs=[Feature.CALLBACKS, Feature.SAMPLES])
def mutated_callback_is_read_or_refused(subject: Subject) -> Iterator[str]:
    """A callback address is open to everybody."""

    def look(case: Case, response: HttpResponse) -> None:
        for seen in _read(lambda: read_callback(subject.provider, (), case.body, verified=False), case.body):
            _believe(subject.provider, seen, case.body)
            if seen.verified:
                raise Lie(f"nobody proved it, and it counts as proven: {case.body!r:.300}")

    yield from _mutations(subject, Call.CALLBACK, (200,), look)


@hostile.check()
def mutated_error_is_an_error(subject: Subject) -> Iterator[str]:
    """Whatever an error answer holds, it is no task, and at most it says that a task is unknown."""

    def look(case: Case, response: HttpResponse) -> None:
        error = _guarded(lambda: read_error(subject.provider, response), case.body)
        if not str(error).isprintable():
            raise Lie(f"its text could steer a terminal: {str(error)!r:.300}")
        route = case.answer.route
        seen = _read(lambda: [read_retrieve(subject.provider, response, route, "job-1")], case.body)
        seen += _read(lambda: [read_create(subject.provider, response, route)], case.body)
        if any(one != Observation(task_id="job-1", not_found=True) for one in seen):
            raise Lie(f"HTTP {response.status} was read as a task: {case.body!r:.300}")

    yield from _mutations(subject, Call.RETRIEVE, BAD, look)


@hostile.check()
def any_json_is_read_or_refused(subject: Subject) -> Iterator[str]:
    """A service that was replaced by another one answers in good JSON, of another kind."""
    keys = st.sampled_from(("id", "task_id", "status", "data", "error", "code", "progress", "url", "output"))
    documents = json_values | st.dictionaries(keys, json_values)

    def look(document: Json) -> None:
        body = json.dumps(document).encode("utf-8", "surrogatepass")
        for route in subject.routes:
            response = HttpResponse(status=200, body=body)
            for seen in _read(lambda: [read_retrieve(subject.provider, response, route, "job-1")], body):  # noqa: B023
                _believe(subject.provider, seen, body)

    yield from _tried(documents, look, shares=1)


@hostile.check()
def deep_nesting_is_read_or_refused(subject: Subject) -> Iterator[str]:
    """A few kilobytes of brackets have brought down readers that call themselves."""
    for depth in DEPTHS:
        for open_, close in (("[", "]"), ('{"a":', "}")):
            nest = open_ * depth + "1" + close * depth
            yield from _anywhere(subject, nest, f"{depth} levels of {open_!r}")


@hostile.check()
def extreme_number_is_read_or_refused(subject: Subject) -> Iterator[str]:
    """JSON writes numbers that no number type holds."""
    for number in NUMBERS:
        yield from _anywhere(subject, number, f"the number {number:.20}")


@hostile.check()
def foreign_encoding_is_read_or_refused(subject: Subject) -> Iterator[str]:
    """Bytes that are no UTF-8 arrive from gateways that cut an answer in two, or send it in another encoding."""
    for answer in subject.answers:
        text = answer.body.decode("utf-8", "replace")
        bodies = (text.encode("utf-16"), text.encode("utf-8-sig"), text.encode("utf-32"), answer.body + b"\x00\xff")
        for body in (*bodies, answer.body.replace(b'"', b'"\xff', 3), answer.body.replace(b",", b"\x00,")):
            yield from _stumbles(subject, answer, body, f"the bytes {body[:24]!r}...")


@hostile.check()
def two_words_for_one_key_end_nothing(subject: Subject) -> Iterator[str]:
    """Parsers disagree about which of two values counts, so an answer that says both has said neither."""
    words = subject.provider.info.words
    ends = [word for word, status in words.items() if status in {Status.SUCCEEDED, Status.FAILED}]
    for answer, places in subject.showing(subject.word, {Call.RETRIEVE, Call.RESULT}):
        for first in ends:
            for second in (word for word in words if words[word] is not words[first]):
                for body in _doubled(put_all(answer.document, places, first), places[0], second):
                    yield from _ends(subject, answer, body, f"both {first!r} and {second!r}")


@hostile.check()
def reading_takes_no_time(subject: Subject) -> Iterator[str]:
    """A pattern that backtracks lets one long field stop the polls of every other job in the process."""
    for answer in _one_of_each_call(subject):
        for spot in spots(answer.document):
            slow = (found for fill in FILLS for found in _too_slow(subject, answer, spot, fill))
            # One is enough, and each takes its time.
            yield from islice(slow, 1)


@hostile.check()
def reading_takes_no_memory(subject: Subject) -> Iterator[str]:
    """A large answer that is copied over and over takes the memory of everything else in the process."""
    by_call = {answer.call: answer for answer in subject.answers}
    for answer in by_call.values():
        for what, value in _large():
            for document in (
                answer.document | {"contract_large": value},
                put(answer.document, _last(answer), value),
            ):
                peak = _peak(subject, answer, as_bytes(document))
                if peak > HEAVY:
                    yield f"{answer.name}: {BIG} bytes of {what} took {peak} bytes of memory"


def _mutations(
    subject: Subject, call: Call, statuses: tuple[int, ...], look: Callable[[Case, HttpResponse], None]
) -> Iterator[str]:
    """What goes wrong with mutations of the answers to one call."""
    answers = [answer for answer in subject.answers if answer.call is call]
    if not answers:
        yield f"no sample and no simulated answer is one to a {call}; add one"
        return
    cases = st.sampled_from(answers).flatmap(lambda one: st.builds(Case, st.just(one), mutated(one.body)))
    headers = st.sampled_from(TYPES).map(lambda kind: (("Content-Type", kind),))

    def tried(drawn: tuple[Case, int, Any]) -> None:
        case, status, header = drawn
        look(case, HttpResponse(status=status, headers=header, body=case.body))

    yield from _tried(st.tuples(cases, st.sampled_from(statuses), headers), tried)


def _tried(strategy: st.SearchStrategy[T], look: Callable[[T], None], shares: int = SHARES) -> Iterator[str]:
    """What ``look`` finds in many examples, the same at every run."""
    patient = settings(
        max_examples=settings().max_examples * shares,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    try:
        patient(given(strategy)(look))()
    except Lie as lie:
        yield str(lie)


def _guarded(call: Callable[[], T], body: bytes) -> T:
    try:
        return call()
    except PluginError as error:
        cause = error.__cause__ or error
        raise Lie(f"{type(cause).__name__}: {cause}, by {body!r:.300}") from error


def _read(call: Callable[[], Iterable[Observation]], body: bytes) -> list[Observation]:
    """What a call reads; nothing where it refuses."""
    try:
        return list(_guarded(call, body))
    except ProviderError:
        return []


def _believe(provider: Provider, seen: Observation, body: bytes) -> None:
    """Hold a reading against what can be true at all."""
    word = fold(seen.provider_status or "") or ""
    moments = (seen.created_at, seen.completed_at, seen.expires_at)
    links = [video.url.reveal().lower() for video in seen.videos]
    impossible = {
        "progress": seen.progress is not None and not 0 <= seen.progress <= 100,
        "status": seen.status is not None and provider.info.words.get(word) is not seen.status,
        "time": any(moment is not None and moment.tzinfo is None for moment in moments),
        "link": not all(link.startswith(("http://", "https://")) for link in links),
    }
    for fact in (name for name, wrong in impossible.items() if wrong):
        raise Lie(f"an impossible {fact} was read in {body!r:.300}")


def _anywhere(subject: Subject, text: str, what: str) -> Iterator[str]:
    """Which answers stumble over a value, in place of the whole and at each of their places; a long one at few."""
    short = len(text) < LONG
    for answer in subject.answers if short else _one_of_each_call(subject):
        yield from _stumbles(subject, answer, text.encode(), what)
        for spot in list(spots(answer.document))[: None if short else 1]:
            body = as_bytes(put(answer.document, spot, verbatim(text)))
            yield from _stumbles(subject, answer, body, f"{what} at {shown(spot)}")


def _stumbles(subject: Subject, answer: Answer, body: bytes, what: str) -> Iterator[str]:
    try:
        with suppress(ProviderError):
            subject.read_bytes(answer, body)
    except Found as found:
        yield f"{what}: {found}"


def _doubled(document: Json, spot: Spot, value: Json) -> Iterator[bytes]:
    """The document with a second value for one key, before and after the first."""
    *above, key = spot
    holder = value_at(document, tuple(above))
    if not isinstance(holder, dict):
        return
    text, member = as_bytes(holder).decode(), f"{json.dumps(key)}: {json.dumps(value)}"
    for doubled in (f"{text[:-1]}, {member}}}", f"{{{member}, {text[1:]}"):
        yield as_bytes(put(document, tuple(above), verbatim(doubled)))


def _ends(subject: Subject, answer: Answer, body: bytes, what: str) -> Iterator[str]:
    try:
        seen = subject.read_bytes(answer, body)
    except ProviderError:
        return
    if seen.status is not None and seen.status.final:
        yield f"{answer.name}: it says {what}, and was read as {seen.status}"


def _one_of_each_call(subject: Subject) -> Iterable[Answer]:
    return {(answer.call, answer.route): answer for answer in subject.answers}.values()


def _too_slow(subject: Subject, answer: Answer, spot: Spot, fill: str) -> Iterator[str]:
    for size in SIZES:
        body = as_bytes(put(answer.document, spot, (fill * size)[:size] + "!"))
        begin = time.thread_time()
        with suppress(ProviderError, Found):
            subject.read_bytes(answer, body)
        taken = time.thread_time() - begin
        if taken > SLOW:
            yield f"{answer.name}: {size} characters {fill!r} at {shown(spot)} took {taken:.1f} seconds"
            return


def _large() -> Iterator[tuple[str, Json]]:
    yield "text", "a" * BIG
    yield "numbers", [7] * (BIG // 3)
    yield "objects", [{"a": "b"}] * (BIG // 12)


def _last(answer: Answer) -> Spot:
    *_, last = spots(answer.document)
    return last


def _peak(subject: Subject, answer: Answer, body: bytes) -> int:
    tracemalloc.start()
    try:
        with suppress(ProviderError, Found):
            subject.read_bytes(answer, body)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
