"""No secret shows: key, signed links and callback tokens are planted as canaries, and searched for everywhere."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from rich.pretty import pretty_repr

from reelway import (
    Account,
    AsyncClient,
    Client,
    ConfigurationError,
    Download,
    Media,
    OnUnsupported,
    ReelwayError,
    Secret,
    Submission,
    SubmissionUnknown,
    Task,
    VideoRequest,
)
from reelway.model.http import HttpRequest, HttpResponse
from reelway.sandbox import CATALOG, Sandbox
from reelway.sandbox.faults import Takes
from reelway.testing import VirtualClock, in_process
from reelway.transport.wire import Endpoint
from tests.client.both import Both, Kind
from tests.client.counting import ID, KEY, PARTIES, Party, dealt, http, json_says
from tests.client.shelf import SIGNATURE, Shelf, cut, honest
from tests.reports import report_beyond_tests
from tests.transport.rogue import RogueServer, answering, says

TOKEN: Final = "CANARYTOKEN"
CALLBACK: Final = f"https://hook.example/callbacks/{TOKEN}?t={TOKEN}"
INPUT: Final = "CANARYINPUT"
PICTURE: Final = f"https://media.example/cat.png?X-Amz-Signature={INPUT}"
SIGNED: Final = "signature="
"""Stands in every link of the sandbox."""

CANARIES: Final = (KEY, SIGNATURE, SIGNED, TOKEN, INPUT)

MARKS: Final = ["", *(f"[[{one.name}]]" for one in CATALOG if one.takes is not Takes.SECONDS)]
LASTING: Final = [f"[[{one.name}:99]]" for one in CATALOG if one.takes is Takes.TIMES]


def assert_silent(shown: Iterable[str]) -> None:
    """Nothing that is shown holds a canary."""
    for text in shown:
        for canary in CANARIES:
            assert canary not in text, f"{canary} shows: …{text[max(0, text.find(canary) - 300) :][:400]}…"


# --- everything that an object can say of itself ---


WRITERS: Final[tuple[Callable[[Any], object], ...]] = (
    msgspec.json.encode,
    msgspec.to_builtins,
    msgspec.structs.asdict,
    json.dumps,
    vars,
)


def said_by(thing: object) -> Iterator[str]:
    """A thing in every way in which it may end up in a log, a report, a cache or a queue."""
    yield repr(thing)
    yield str(thing)
    yield f"{thing}"
    yield pretty_repr(thing)
    yield repr(copy.copy(thing))
    yield repr(copy.deepcopy(thing))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        yield pickle.dumps(thing, protocol).decode("latin-1")
    for write in WRITERS:
        try:
            yield repr(write(thing))
        except TypeError as error:
            # What cannot be written cannot be written by accident.
            yield str(error)


def said_of(error: ReelwayError) -> Iterator[str]:
    """An error with all that hangs on it, as the most talkative reporter tells of it."""
    yield report_beyond_tests(error)
    if isinstance(error, SubmissionUnknown):
        # An answer in doubt is kept as it came, for the person who has to look at it.
        error.response = None
    yield from said_by(error)
    yield repr(vars(error))


def inside(root: object) -> Iterator[object]:
    """All that can be reached from an object of ours, short of what a secret holds."""
    waiting, seen = [root], set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, str | bytes | int | Secret):
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set | frozenset):
            waiting += one
        elif type(one).__module__.startswith("reelway"):
            waiting += vars(one).values() if hasattr(one, "__dict__") else ()
            waiting += [getattr(one, name, None) for name in getattr(one, "__struct_fields__", ())]


# --- stories ---


@pytest.fixture
def logs(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    """All that is logged, by whomever, at the lowest level: texts, and the records with all they hold."""
    caplog.set_level(logging.DEBUG)
    for name in list(logging.root.manager.loggerDict):
        caplog.set_level(logging.DEBUG, logger=name)
    return lambda: [caplog.text, *(repr(vars(record)) for record in caplog.records)]


class Diary:
    """All that a client handed out, told or raised."""

    def __init__(self) -> None:
        self.things: list[object] = []
        self.submissions: list[Submission] = []
        self.shown: list[str] = []

    @property
    def options(self) -> dict[str, Any]:
        return {
            "on_change": lambda task, events: self.things.extend((task, *events)),
            "on_submission": self.submissions.append,
        }

    def tell(self, act: Callable[[], Any]) -> None:
        """Live through something, and note all that shows of it."""
        try:
            self.things.append(act())
        except ReelwayError as error:
            self.shown += said_of(error)
            self.things.append(error.task)

    def all(self) -> Iterator[str]:
        yield from self.shown
        for thing in self.things:
            yield from said_by(thing)
        for submission in self.submissions:
            yield repr(submission)
            yield pretty_repr(submission)


@pytest.mark.parametrize(("marks", "party"), dealt([*MARKS, *LASTING]))
def test_no_story_shows_a_secret(
    party: Party, marks: str, target: Path, logs: Callable[[], list[str]], request: pytest.FixtureRequest
) -> None:
    if "silence" in marks:
        request.getfixturevalue("impatient")
    diary, clock = Diary(), VirtualClock()
    with Sandbox(clock=clock) as sandbox:
        url = sandbox.base_url(party.provider)
        with party.at(url, clock=clock, on_unsupported="drop", **diary.options) as client:
            diary.tell(lambda: client.generate(_wish(party, marks), to=target))
            assert_silent(map(repr, inside(client.client)))
    assert_silent(diary.all())
    assert_silent(logs())
    assert "request_headers" in "".join(logs())


def _wish(party: Party, marks: str) -> VideoRequest:
    return VideoRequest(model=party.model, prompt=f"A cat. {marks}", callback_url=CALLBACK)


def test_there_are_secrets_that_could_show(party: Party, target: Path) -> None:
    seen: list[bytes] = []
    clock = VirtualClock()
    sandbox = Sandbox(clock=clock)

    def respond(request: HttpRequest) -> HttpResponse:
        answer = sandbox.respond(request)
        seen.extend((repr(request.headers).encode(), answer.body))
        return answer

    transport = in_process(respond, party.library)
    with party.at(sandbox.base_url(party.provider), clock=clock, transport=transport) as client:
        client.generate(model=party.model, to=target)
    told = b"".join(seen)
    assert f"Bearer {KEY}".encode() in told
    assert SIGNED.encode() in told


# --- a provider that puts them where they do not belong ---

LINK: Final = f"https://cdn.example/v.mp4?sig={SIGNATURE}"
LEAK: Final = f"{LINK} and Bearer {KEY}"
HEADERS: Final = (f"X-Request-Id: {LEAK}", f"X-Oneapi-Request-Id: {LEAK}", f"Retry-After: {LEAK}", f"ETag: {LEAK}")


def leaks(status: str = "200 OK", **fields: Any) -> bytes:
    """An answer with secrets in each of its texts."""
    facts = {"model": LEAK, "progress": LEAK, "code": LEAK, "message": LEAK, "fail_reason": LEAK}
    error = {"error": {"code": LEAK, "message": LEAK, "type": LEAK}}
    return json_says(msgspec.json.encode(facts | error | fields), status, *HEADERS)


LEAKS: Final[dict[str, bytes]] = {
    "an unknown word": leaks(id=ID, status=LEAK),
    "a running task": leaks(id=ID, status="processing"),
    "a failed task": leaks(id=ID, status="failed"),
    "a failed task with a text for its error": leaks(id=ID, status="failed", error=LEAK),
    "a finished task": leaks(id=ID, status="completed", url=LINK, video_url=LINK),
    "no id": leaks(status=LEAK),
    "another task": leaks(id="task_2", status=LEAK),
    "a page": http("200 OK", f"Content-Type: {LEAK}", *HEADERS, body=f"<html>{LEAK}".encode()),
    "a redirect": http("302 Found", f"Location: {LINK}", *HEADERS),
    "garbage": LEAK.encode(),
    **{f"HTTP {status}": leaks(f"{status} X") for status in (400, 401, 404, 409, 429, 500, 503)},
}


@pytest.mark.parametrize("leak", LEAKS)
def test_no_answer_brings_a_secret_where_it_shows(
    party: Party, leak: str, target: Path, logs: Callable[[], list[str]]
) -> None:
    diary = Diary()
    with RogueServer(says(LEAKS[leak])) as server, party.at(server.url, **diary.options) as client:
        diary.tell(lambda: client.create("A cat.", model=party.model))
        diary.tell(lambda: client.retrieve(ID))
        diary.tell(lambda: client.wait(ID, timeout=30))
        diary.tell(lambda: client.download(ID, target))
    assert_silent(diary.all())
    assert_silent(logs())


# --- what callers hand in ---


def calls(client: Both, model: str, folder: Path) -> Iterator[Callable[[], Any]]:
    """Calls that fail in every place where the fields of a request are still at hand."""
    given = {"callback_url": CALLBACK, "first_frame": PICTURE}
    taken = folder / "taken.mp4"
    taken.touch()
    yield lambda: client.create("A cat.", model=model, **given)
    yield lambda: client.create("A cat.", **given)
    yield lambda: client.create("", model=model, **given)
    yield lambda: client.create("A cat.", model=model, duration=-1, **given)
    yield lambda: client.create("A cat.", model="model-of-tomorrow", extra={"seed": object()}, **given)
    yield lambda: client.create("A \ud800 cat.", model=model, **given)
    yield lambda: client.create(VideoRequest(model=model), **given)
    yield lambda: client.create("A cat.", model=model, account="nobody", **given)
    yield lambda: client.generate("A cat.", model=model, to=taken, **given)
    yield lambda: client.generate("A cat.", model=model, timeout=None, **given)
    yield lambda: client.preview("A cat.", model="model-of-tomorrow", **given)
    yield lambda: client.preview("A cat.", model=model, duration=-1, **given)


@pytest.mark.parametrize("policy", list(OnUnsupported))
def test_no_call_that_fails_shows_what_it_was_given(
    party: Party, policy: OnUnsupported, tmp_path: Path, logs: Callable[[], list[str]]
) -> None:
    refusal = json_says(b'{"error":{"code":"oops","message":"No."}}', "500 Oops")
    with RogueServer(answering(refusal)) as server:
        diary = Diary()
        with party.at(server.url, on_unsupported=policy, **diary.options) as client:
            for call in calls(client, party.model, tmp_path):
                diary.tell(call)
    previews = [thing for thing in diary.things if thing is not None]
    assert_silent([*diary.shown, *map(repr, previews), *map(pretty_repr, previews)])
    assert_silent(map(repr, diary.submissions))
    assert_silent(logs())
    assert len(diary.shown) > 30


def test_a_request_shows_neither_its_callback_nor_its_inputs() -> None:
    wish = VideoRequest(
        model="m",
        prompt="A cat.",
        callback_url=CALLBACK,
        first_frame=Media.of(PICTURE),
        references=(Media.of(PICTURE),),
        extra={"webhook": CALLBACK},
    )
    assert_silent([repr(wish), str(wish), pretty_repr(wish)])
    assert "A cat." in repr(wish)
    assert "webhook" in repr(wish)


# --- keys ---


@pytest.mark.parametrize("party", PARTIES, ids=str)
def test_nothing_in_reach_of_a_client_shows_its_key(party: Party) -> None:
    with party.at("https://api.example") as client:
        things = list(inside(client.client))
    assert_silent(map(repr, things))
    assert [thing for thing in things if isinstance(thing, Endpoint)]


def test_an_account_keeps_its_key_to_itself() -> None:
    account = Account("infinityblue", api_key=KEY)
    assert_silent(said_by(account))
    assert isinstance(account.api_key, Secret)
    assert account == Account("infinityblue", api_key=Secret(KEY))


NOT_OPENED: Final[tuple[tuple[Any, dict[str, Any]], ...]] = (
    ("infinityblue", {"api_key": KEY, "base_url": "not an address"}),
    ("infinityblue", {"api_key": KEY, "http": "requests"}),
    ("infinityblue", {"api_key": KEY, "on_unsupported": "ignore"}),
    ("infinityblue", {"api_key": f"{KEY} {KEY}"}),
    ("nobody", {"api_key": KEY}),
    ({"main": Account("infinityblue", api_key=KEY)}, {"api_key": KEY}),
    ({"main": Account("infinityblue", api_key=KEY, requests_per_second=0)}, {}),
    (Account("nobody", api_key=KEY), {}),
)


@pytest.mark.parametrize(("accounts", "options"), NOT_OPENED)
def test_a_client_that_cannot_be_opened_does_not_show_its_key(
    kind: Kind, accounts: Any, options: dict[str, Any]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        kind(accounts, **options)
    assert_silent(said_of(caught.value))


# --- errors and tasks elsewhere ---


def test_an_error_travels_to_another_process_whole(party: Party, target: Path) -> None:
    with Shelf(cut(70_000)) as shelf, party.at(shelf.api.url) as client:
        errors: list[ReelwayError] = []
        for call in (
            lambda: client.download(shelf.task(party), target, timeout=0),
            lambda: client.create("", model=party.model),
            lambda: client.wait("reelway1:nobody:default::x"),
        ):
            with pytest.raises(ReelwayError) as caught:
                call()
            errors.append(caught.value)
    with RogueServer(says(b"garbage")) as server, party.at(server.url) as client:
        with pytest.raises(SubmissionUnknown) as unknown:
            client.create("A cat.", model=party.model)
        errors.append(unknown.value)
    for error in errors:
        for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):  # noqa: S301 - our own bytes
            assert type(twin) is type(error)
            assert (str(twin), repr(twin), twin.args) == (str(error), repr(error), error.args)
            assert (twin.hint, twin.fault, twin.retryable) == (error.hint, error.fault, error.retryable)
            assert (twin.resubmit_safe, twin.billed) == (error.resubmit_safe, error.billed)
    assert vars(pickle.loads(pickle.dumps(unknown.value))) == vars(unknown.value)  # noqa: S301 - our own bytes


def test_a_task_that_comes_from_another_process_is_asked_for_its_link(party: Party, target: Path) -> None:
    with Shelf(honest) as shelf, party.at(shelf.api.url) as client:
        travelled: Task = pickle.loads(pickle.dumps(shelf.task(party)))  # noqa: S301 - our own bytes
        assert travelled.ref == shelf.task(party).ref
        held = client.download(travelled, target)
    assert isinstance(held, Download)
    assert (shelf.polls, len(shelf.files.requests)) == (1, 1)


@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_an_account_that_comes_from_another_process_needs_its_key_again(client: Kind) -> None:
    travelled = pickle.loads(pickle.dumps(Account("infinityblue", api_key=KEY)))  # noqa: S301 - our own bytes
    with pytest.raises(ConfigurationError, match="There is no key"):
        client(travelled)
