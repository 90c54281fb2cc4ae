"""Requests: written the same way every time, at a place of the provider's own, with all that the user asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import unquote

import msgspec
from msgspec.structs import replace

from reelway.errors import InvalidRequest, NotSupported, PluginError, ReelwayError
from reelway.model.http import HttpRequest, Multipart
from reelway.model.request import VideoRequest
from reelway.provider.carried import lost_fields
from reelway.provider.models import ModelSpec, OnUnsupported, check
from reelway.provider.simulator import CallKind
from reelway.provider.writing import written
from reelway.testing.contract.answers import as_received
from reelway.testing.contract.check import Group, Level
from reelway.testing.contract.documents import spots, value_at
from reelway.testing.contract.feature import Feature
from reelway.testing.contract.subject import Subject
from reelway.testing.contract.wishes import PROMPT, UNKNOWN_MODEL, examples, plain, wishes

requests = Group("requests")

IDS: Final = (
    "task_1",
    "a/b",
    "a?b=c",
    "a#b",
    "a%2Fb",
    "ü",
    "a b",
    "sora-2:task_1",
    "..a",
    "a&b=c",
    "a+b",
    "a;x",
    "\\",
)

PLAIN_ID: Final = "contract-1"

DANGEROUS_IDS: Final = ("", ".", "..", "a\nb", "a\x00b", "\ud800", "a" * 513)

PROMPTS: Final = (
    'He said: "Go!" \\ {x} <b> & 100 %',
    "first\nsecond\tthird",
    "画一只纸船 🎬 é",
    "  blanks around  ",
)

UNWRITABLE: Final[tuple[Mapping[str, Any], ...]] = (
    {"prompt": "half a character: \ud800"},
    {"extra": {"contract_field": float("nan")}},
    {"extra": {"contract_field": object()}},
    {"extra": {"contract_field": b"\xff"}},
    {"extra": {"model.inner": 1}},
)
"""What no JSON and no form can hold."""

OF_THE_ACCOUNT: Final = frozenset(
    {
        *("authorization", "proxy-authorization", "cookie", "host", "x-api-key", "api-key", "x-goog-api-key"),
        *("content-length", "transfer-encoding", "connection", "accept-encoding"),
    }
)
"""Headers that the account and the transport add."""

READING: Final = frozenset({CallKind.RETRIEVE, CallKind.RESULT, CallKind.CONTENT})
"""The calls that change nothing."""

Calls = Mapping[CallKind, Callable[[str, str], HttpRequest]]


@requests.check()
def create_is_a_relative_post(subject: Subject) -> Iterator[str]:
    """The account says where the service is; a request with an address of its own carries the key elsewhere."""
    for wish, spec in _one_of_each(subject):
        request = subject.provider.encode_create(wish, spec)
        if request.method not in {"POST", "PUT"}:
            yield f"{spec.name}: a create is sent as {request.method}, which caches and proxies repeat"
        yield from (f"{spec.name}: {problem}" for problem in _out_of_place(request))


@requests.check()
def other_calls_are_relative(subject: Subject) -> Iterator[str]:
    """Polls carry the key hundreds of times for each create."""
    for kind, route, encode in _calls(subject):
        request = encode(PLAIN_ID, route)
        if kind in READING and request.method not in {"GET", "POST"}:
            yield f"{kind} on route {route!r} is sent as {request.method}"
        yield from (f"{kind} on route {route!r}: {problem}" for problem in _out_of_place(request))


@requests.check()
def nothing_of_the_account_is_written(subject: Subject) -> Iterator[str]:
    """A provider knows no key; a header of the account in its requests collides with the real one."""
    written_ones = [subject.provider.encode_create(wish, spec) for wish, spec in _one_of_each(subject)]
    written_ones += [encode(PLAIN_ID, route) for _, route, encode in _calls(subject)]
    for request in written_ones:
        for name in {name.lower() for name, _ in request.headers} & OF_THE_ACCOUNT:
            yield f"{request.method} {request.path}: the header {name!r} is not the provider's to write"


@requests.check()
def same_request_same_bytes(subject: Subject) -> Iterator[str]:
    """A request that differs from one time to the next cannot be previewed, compared or signed."""
    other = subject.fresh()
    for wish, spec in wishes(subject.provider):
        first = subject.provider.encode_create(wish, spec)
        if first != subject.provider.encode_create(wish, spec) or first != other.encode_create(wish, spec):
            yield f"{spec.name}: the same request was written in two ways"
    for kind, route, encode in _calls(subject):
        if encode(PLAIN_ID, route) != encode(PLAIN_ID, route):
            yield f"{kind} on route {route!r}: the same request was written in two ways"


@requests.check()
def id_is_one_segment(subject: Subject) -> Iterator[str]:
    """An id comes from outside; one that holds a slash or a question mark must not become another address."""
    for kind, route, encode in _calls(subject):
        usual = encode(PLAIN_ID, route)
        if PLAIN_ID not in repr(_parts(usual)):
            yield f"{kind} on route {route!r} does not name the task"
        for task_id in IDS:
            request = encode(task_id, route)
            if _parts(request) != _renamed(_parts(usual), task_id) or set("?#") & set(request.path):
                yield f"{kind} on route {route!r}: the id {task_id!r} is written as {request.path!r}"


@requests.check()
def dangerous_id_is_refused(subject: Subject) -> Iterator[str]:
    """An id such as .. asks for something else than a task, with the user's key."""
    for kind, route, encode in _calls(subject):
        for task_id in DANGEROUS_IDS:
            try:
                request = encode(task_id, route)
            except (ReelwayError, ValueError):
                continue
            yield f"{kind} on route {route!r}: the id {task_id!r:.30} is written as {request.path!r:.60}"


@requests.check()
def every_model_can_be_written(subject: Subject) -> Iterator[str]:
    """What the catalog says that a model takes is what users ask for; it must neither be refused nor crash."""
    for wish, spec in wishes(subject.provider):
        try:
            checked = check(wish, subject.provider.models, OnUnsupported.ERROR)
            subject.provider.encode_create(checked.request, checked.spec)
        except ReelwayError as error:
            yield f"{spec.name}: what its catalog offers is refused: {' '.join(error.message.split())}"


@requests.check()
def supported_fields_travel(subject: Subject) -> Iterator[str]:
    """A field that is accepted and left out is paid for and not there."""
    for wish, spec in wishes(subject.provider):
        for problem in lost_fields(wish, lambda request, spec=spec: subject.provider.encode_create(request, spec)):  # type: ignore[misc]
            yield f"{spec.name}: {problem}"


@requests.check()
def prompt_travels_verbatim(subject: Subject) -> Iterator[str]:
    """The prompt is the user's text, to the last blank and sign."""
    for wish, spec in _one_of_each(subject):
        for prompt in (PROMPT, *PROMPTS):
            request = subject.provider.encode_create(replace(wish, prompt=prompt), spec)
            if not any(prompt in text for text in _texts(request)):
                yield f"{spec.name}: the prompt {prompt!r} is not in the request as it was given"


@requests.check()
def unknown_model_is_passed_on(subject: Subject) -> Iterator[str]:
    """Providers add models daily; one that is not listed yet is sent by its name, in the fallback's form."""
    checked = check(VideoRequest(model=UNKNOWN_MODEL, prompt=PROMPT), subject.provider.models, OnUnsupported.ERROR)
    request = subject.provider.encode_create(checked.request, checked.spec)
    if UNKNOWN_MODEL not in (*_texts(request), *map(unquote, request.path.split("/"))):
        yield f"the model {UNKNOWN_MODEL!r} is not in the request by its name"


@requests.check()
def body_says_what_it_is(subject: Subject) -> Iterator[str]:
    """A service that is not told the type of a body reads another request, or none."""
    for wish, spec in _one_of_each(subject):
        request = subject.provider.encode_create(wish, spec)
        content_type = (request.header("content-type") or "").partition(";")[0]
        if isinstance(request.body, bytes):
            if not content_type:
                yield f"{spec.name}: its body has no Content-Type"
            if content_type == "application/json" and not isinstance(_document(request), dict):
                yield f"{spec.name}: its body is called JSON and is no JSON object"
        elif isinstance(request.body, Multipart) and content_type:
            yield f"{spec.name}: the Content-Type of a form belongs to the transport, which chooses its boundary"


@requests.check()
def what_cannot_be_written_is_refused(subject: Subject) -> Iterator[str]:
    """A value that no body can hold is the caller's mistake, told before anything is sent, and no crash."""
    for wish, spec in _one_of_each(subject):
        for fields in UNWRITABLE:
            odd = replace(wish, **fields)
            try:
                request = written(subject.provider, lambda: subject.provider.encode_create(odd, spec))  # noqa: B023
            except InvalidRequest:
                continue
            except PluginError as error:
                yield f"{spec.name}: {fields!r:.60}: {error.message}"
                continue
            if isinstance(request.body, bytes) and _document(request) is None:
                yield f"{spec.name}: {fields!r:.60} became a body that is no JSON"


@requests.check()
def what_the_model_lacks_is_refused(subject: Subject) -> Iterator[str]:
    """A request that the service would refuse, or bill and ignore, is refused before it is sent."""
    for spec in subject.provider.models.models:
        for field, value in _beyond(spec):
            try:
                check(replace(plain(spec), **{field: value}), subject.provider.models, OnUnsupported.ERROR)
            except InvalidRequest:
                continue
            yield f"{spec.name}: {field}={value!r:.40} is not in its catalog, and was not refused"


@requests.check(level=Level.SHOULD)
def extra_fields_travel(subject: Subject) -> Iterator[str]:
    """Fields that only this provider knows are given in extra; where they are dropped, nobody can use them."""
    for wish, spec in _one_of_each(subject):
        request = subject.provider.encode_create(replace(wish, extra={"contract_field": "contract value"}), spec)
        if "contract value" not in _texts(request):
            yield f"{spec.name}: a field given in extra is not in the request"


@requests.check()
def arguments_stay_as_they_were(subject: Subject) -> Iterator[str]:
    """A caller uses a request twice; what the first create changed in it is sent with the second."""
    for wish, spec in _one_of_each(subject):
        inner = {"deep": ["a", {"b": 1}]}
        extra = {"contract_field": inner, "metadata": {"kept": True}}
        before = repr(extra)
        subject.provider.encode_create(replace(wish, extra=extra), spec)
        if repr(extra) != before:
            yield f"{spec.name}: writing the request changed what the caller gave"


@requests.check(needs=[Feature.SIMULATOR])
def own_simulator_understands(subject: Subject) -> Iterator[str]:
    """Writer and simulator are the two sides of one wire; what only one of them knows is tested by nothing."""
    for wish, spec in _one_of_each(subject):
        call = as_received(subject.service, subject.provider.encode_create(wish, spec))
        if call is None or (call.kind, call.route) != (CallKind.CREATE, subject.provider.route(spec.name)):
            yield f"{spec.name}: its create is understood as {call}"
    for kind, route, encode in _calls(subject):
        for task_id in ("task_1", "a/b?c", "ü 1"):
            call = subject.service.recognise(encode(task_id, route))
            if call is None or (call.kind, call.task_id) != (kind, task_id):
                yield f"{kind} of {task_id!r} on route {route!r} is understood as {call}"


def _one_of_each(subject: Subject) -> Iterator[tuple[VideoRequest, ModelSpec]]:
    """A plain request for a model of each form."""
    for spec in examples(subject.provider.models):
        yield plain(spec), spec


def _calls(subject: Subject) -> Iterator[tuple[CallKind, str, Callable[[str, str], HttpRequest]]]:
    """Every call about a task that the provider offers, on every route that offers it."""
    provider = subject.provider
    calls: Calls = {
        CallKind.RETRIEVE: provider.encode_retrieve,
        CallKind.RESULT: provider.encode_result,
        CallKind.CONTENT: provider.encode_content,
        CallKind.REMIX: lambda task_id, route: provider.encode_remix(task_id, route, "Again.", None),
        CallKind.CANCEL: provider.encode_cancel,
    }
    for kind, encode in calls.items():
        for route in subject.routes:
            if _is_offered(encode, route):
                yield kind, route, encode


def _is_offered(encode: Callable[[str, str], HttpRequest], route: str) -> bool:
    try:
        encode(PLAIN_ID, route)
    except NotSupported:
        return False
    return True


def _out_of_place(request: HttpRequest) -> Iterator[str]:
    path = request.path
    if not path or path.startswith("/") or "://" in path or not path.isascii() or not path.isprintable():
        yield f"the path {path!r} is not relative to the base URL"
    if set("?# \\") & set(path):
        yield f"the path {path!r} holds more than a path"
    if {".", ".."} & set(path.split("/")):
        yield f"the path {path!r} leaves its place"


def _parts(request: HttpRequest) -> list[Any]:
    """What names the task: the segments of the path as they are meant, the query, and the body."""
    body = _document(request) if isinstance(request.body, bytes) else request.body
    return [*map(unquote, request.path.split("/")), dict(request.query), body]


def _renamed(value: Any, task_id: str) -> Any:
    match value:
        case str():
            return value.replace(PLAIN_ID, task_id)
        case list():
            return [_renamed(one, task_id) for one in value]
        case dict():
            return {key: _renamed(one, task_id) for key, one in value.items()}
        case _:
            return value


def _document(request: HttpRequest) -> Any:
    try:
        return msgspec.json.decode(request.body) if isinstance(request.body, bytes) else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _texts(request: HttpRequest) -> list[str]:
    """Every text of a body."""
    if isinstance(request.body, Multipart):
        return [value for _, value in request.body.fields]
    document = _document(request)
    values = (value_at(document, spot) for spot in spots(document))
    return [value for value in values if isinstance(value, str)]


def _beyond(spec: ModelSpec) -> Iterator[tuple[str, Any]]:
    """Values that a model does not take, by its own catalog."""
    yield from (("duration", seconds) for seconds in (-5.0, 0.0, float("nan"), float("inf")))
    yield "aspect_ratio", "16 to 9"
    if not spec.any_duration:
        yield "duration", max(spec.durations, default=0) + 1000.0
    if not spec.any_size:
        yield "size", "17x17"
    yield "aspect_ratio", "97:3"
    yield "resolution", "17p"
    yield from (("seed", 7),) if not spec.seed else ()
    yield from (("audio", True),) if not spec.audio else ()
    yield from (("callback_url", "https://callback.contract.example/"),) if not spec.callback else ()
