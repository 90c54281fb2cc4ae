"""Purity: the same answer always reads the same, for everybody at once, and no secret leaves through a text."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Final

from reelway.errors import ProviderError
from reelway.model.http import HttpResponse, json_response
from reelway.model.observation import Observation
from reelway.provider.interface import Provider
from reelway.provider.reading import read_error
from reelway.testing.contract.answers import Answer, read
from reelway.testing.contract.check import Group
from reelway.testing.contract.documents import put, spots
from reelway.testing.contract.outside import said_elsewhere, seen_in_calls
from reelway.testing.contract.subject import Subject
from reelway.testing.contract.wishes import wishes

hygiene = Group("hygiene")

CANARY: Final = "canary7d1f0c5a9e3b48c2a6f4e0d87b51c93f"

LEAKS: Final = (
    f"Invalid key sk-{CANARY}",
    f"Authorization: Bearer {CANARY}{CANARY}",
    f"See https://cdn.contract.example/{CANARY}.mp4?sig={CANARY}",
    f"data:image/png;base64,{CANARY}",
)
"""What gateways quote of keys and links."""

SECRET_LINK: Final = f"https://cdn.contract.example/v.mp4?sig={CANARY}"

AT_ONCE: Final = 8
"""Threads that read at the same time."""


@hygiene.check()
def keys_in_errors_stay_hidden(subject: Subject) -> Iterator[str]:
    """Gateways quote keys and signed links in their errors, and errors end in logs."""
    for leak in LEAKS:
        for document in (
            {"error": {"message": leak, "code": leak}},
            {"code": leak, "message": leak},
            {"detail": leak},
        ):
            for status in (400, 401, 403, 404, 429, 500, 502):
                error = read_error(subject.provider, json_response(document, status))
                if CANARY in f"{error} {error!r} {error.hint}":
                    yield f"HTTP {status}: a secret in {document!r:.60} shows in the text of the error"


@hygiene.check()
def keys_in_answers_stay_hidden(subject: Subject) -> Iterator[str]:
    """A reading is logged and printed, by us and by every user; what is signed must not show in it."""
    for answer in subject.answers:
        for spot in spots(answer.document):
            for leak in (LEAKS[0], SECRET_LINK):
                yield from _leaked(subject, answer, put(answer.document, spot, leak))


@hygiene.check()
def nothing_is_said(subject: Subject) -> Iterator[str]:
    """A provider that prints, logs or warns does so with what it reads, hundreds of times for each job."""
    heard = _heard(lambda: _all_calls(subject.provider, subject.answers))
    yield from (f"while it wrote and read: {what}" for what in heard)


@hygiene.check()
def same_answer_same_reading(subject: Subject) -> Iterator[str]:
    """A reading that depends on the moment or on the one before cannot be repeated when somebody complains."""
    other = subject.fresh()
    for answer in subject.answers:
        for again in (subject.provider, other, subject.provider):
            if _reading(again, answer) != answer.seen:
                yield f"{answer.name}: read again, it says something else"


@hygiene.check()
def order_of_calls_does_not_matter(subject: Subject) -> Iterator[str]:
    """Thousands of tasks share one provider object; none may leave a trace for the next."""
    for answer in (*reversed(subject.answers), *subject.answers):
        with contextlib.suppress(ProviderError):
            subject.read_bytes(answer, b'{"error": {"message": "contract"}}')
        if _reading(subject.provider, answer) != answer.seen:
            yield f"{answer.name}: after other answers, it says something else"


@hygiene.check()
def threads_do_not_meet(subject: Subject) -> Iterator[str]:
    """One provider object serves all threads of a program, without locks."""
    wrong: list[str] = []

    def work(start: int) -> None:
        mine = (*subject.answers[start:], *subject.answers[:start])
        other = (answer for answer in mine if _reading(subject.provider, answer) != answer.seen)
        wrong.extend(f"{answer.name}: read by several threads at once, it says something else" for answer in other)

    _at_once(work, len(subject.answers))
    yield from wrong


@hygiene.check()
def tables_stay_as_they_were(subject: Subject) -> Iterator[str]:
    """What a call leaves behind in a table changes the meaning of every later answer."""
    before = _state(subject.provider)
    _all_calls(subject.provider, subject.answers)
    after = _state(subject.provider)
    yield from (f"{name} changed while it wrote and read" for name in after if after[name] != before.get(name))


@hygiene.check()
def calls_touch_nothing(subject: Subject) -> Iterator[str]:
    """Writing a request and reading an answer are thinking, not doing; the core does all that is done."""
    yield from seen_in_calls(subject)


@hygiene.check()
def place_and_zone_do_not_matter(subject: Subject) -> Iterator[str]:
    """A job is created on one machine and followed on another; both have to write and read the same."""
    here, elsewhere = said_elsewhere(subject)
    for one, other in zip(here, elsewhere, strict=True):
        if one != other:
            yield f"here {one:.150} and elsewhere {other:.150}"


def _leaked(subject: Subject, answer: Answer, document: Any) -> Iterator[str]:
    try:
        seen = subject.read(answer, document)
    except ProviderError as error:
        if CANARY in f"{error} {error!r}":
            yield f"{answer.name}: a secret in it shows in the text of the error"
        return
    failure = seen.failure
    if failure is not None and CANARY in f"{failure.message}":
        yield f"{answer.name}: a secret in it shows in the reason of its failure"


def _reading(provider: Provider, answer: Answer) -> Observation | str:
    try:
        return read(provider, answer.call, answer.response(answer.body), answer.route)
    except ProviderError as error:
        return error.message


def _all_calls(provider: Provider, answers: tuple[Answer, ...]) -> None:
    for wish, spec in wishes(provider):
        provider.encode_create(wish, spec)
    for answer in answers:
        _reading(provider, answer)
        read_error(provider, HttpResponse(status=500, body=answer.body))


def _heard(call: Callable[[], None]) -> Iterator[str]:
    """What a call prints, logs and warns of."""
    out, records = io.StringIO(), _Records()
    root = logging.getLogger()
    level = root.level
    root.addHandler(records)
    root.setLevel(logging.DEBUG)
    try:
        with (
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(out),
            warnings.catch_warnings(record=True) as warned,
        ):
            warnings.simplefilter("always")
            call()
    finally:
        root.removeHandler(records)
        root.setLevel(level)
    yield from (f"printed {line!r:.100}" for line in out.getvalue().splitlines())
    yield from (f"logged {line!r:.100}" for line in records.lines)
    yield from (f"warned {str(one.message)!r:.100}" for one in warned or [])


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def _at_once(work: Callable[[int], None], size: int) -> None:
    """Several threads at the same work, each from another start, and changed as often as Python can."""
    threads = [threading.Thread(target=work, args=(size * number // AT_ONCE,)) for number in range(AT_ONCE)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)


def _state(provider: Provider) -> dict[str, str]:
    """Everything that the provider and its classes hold, as text."""
    held = (
        {f"self.{name}": repr(value) for name, value in vars(provider).items()}
        if hasattr(provider, "__dict__")
        else {}
    )
    for kind in type(provider).__mro__:
        if kind is not object:
            held |= {f"{kind.__name__}.{name}": repr(value) for name, value in vars(kind).items()}
    held["models"] = repr([provider.models.models, provider.models.fallback])
    return held
