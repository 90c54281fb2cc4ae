"""The border between a provider's answer and what Reelway believes of it.

Everything a plugin returns passes through here: the word gets its meaning from the provider's own table, another
task's answer is refused, and whatever a plugin raises becomes one of our errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from traceback import walk_tb
from typing import TypeVar

from msgspec import Struct, convert
from msgspec.structs import asdict, astuple, replace

from reelway.errors import ErrorKind, PluginError, ProviderError, ReelwayError
from reelway.model.http import Headers, HttpResponse, is_safe_id
from reelway.model.observation import Failure, FailureKind, Observation, Source, Status
from reelway.provider.interface import ErrorReading, Provider
from reelway.provider.readers import MAX_TEXT, percent
from reelway.provider.soundness import CONTRADICTION, contradicts_itself, excess
from reelway.provider.words import fold, meaning

T = TypeVar("T")
S = TypeVar("S", bound=Struct)

BAD_ENDS = frozenset({Status.FAILED, Status.CANCELLED, Status.EXPIRED})

_LINKS = re.compile(r"(?:https?|data):[^\s\"'<>]+|\bsk-[\w*-]+|Bearer\s+\S+", re.IGNORECASE)

LONG_RUN = 40
"""A run of so many letters, digits and signs could be a key, whatever it begins with."""

_SECRETS = re.compile(rf"{_LINKS.pattern}|[A-Za-z0-9_\-+/=]{{{LONG_RUN},}}", re.IGNORECASE)

SHORT = 1 << 10
"""Characters of texts that may be shown as they are, if they hold neither a link nor a key."""

SAYS_NOT_FOUND = frozenset({400, 404, 410})
"""Statuses under which "not found" is the provider's word on the task; under a 5xx it is trouble on the way."""

ABOUT_THE_ASKING = frozenset({401, 403, 407, 408, 425, 429})
"""Statuses about the account, or about how it asks: with these no answer tells how a task ended (RFC 9110)."""

EXCERPT = 200
"""How many characters of an unreadable answer an error shows."""

EXCERPT_WINDOWS = (1 << 9, 1 << 12, 1 << 16)
"""How many bytes are redacted for it: the first window that leaves enough to show, for redacting is slow."""

HALF_KEY = 40
"""How many characters at the end of a window may be a key that it cut in two; they are not shown."""


def read_create(provider: Provider, response: HttpResponse, route: str) -> Observation:
    """Read the answer to a create; it must name an id.

    Raises:
        ProviderError: an error answer, or an unreadable one (kind ``protocol``).
    """
    observation = _read(provider, response, provider.decode_create, route, Source.CREATE)
    if observation.task_id is None or not is_safe_id(observation.task_id):
        raise _unreadable(response, "it names no usable task id")
    # Two ids in one answer leave open which task was paid for.
    _refuse_contradictions(response)
    return observation


def read_retrieve(provider: Provider, response: HttpResponse, route: str, task_id: str) -> Observation:
    """Read the answer to a poll of ``task_id``. "Not found" is an observation, not an error.

    Raises:
        ProviderError: an error answer, or an unreadable one (kind ``protocol``), or one about another task.
    """
    try:
        observation = read_answer(provider, response, route)
    except ProviderError as error:
        if error.kind is ErrorKind.NOT_FOUND and response.status in SAYS_NOT_FOUND:
            return Observation(task_id=task_id, not_found=True)
        raise
    return _about(observation, task_id, response)


def needs_result(provider: Provider, observation: Observation) -> bool:
    """Whether a poll said only that the task has ended, so that a second request has to tell how."""
    return fold(observation.provider_status or "") in provider.info.ended


def read_result(
    provider: Provider, poll: HttpResponse, result: HttpResponse, route: str, task_id: str
) -> Observation:
    """Read how ``task_id`` ended, from a poll that said that it has and the answer to the result request.

    Raises:
        ProviderError: the second answer is an error of its own, or unreadable, or about another task.
    """
    return _about(read_result_answer(provider, result, route, poll), task_id, result)


NO_POLL = HttpResponse(status=200, body=b"{}")
"""In place of the poll that led to a result, where that poll was not kept."""


def read_result_answer(
    provider: Provider, result: HttpResponse, route: str, poll: HttpResponse = NO_POLL
) -> Observation:
    """Read the answer to a result request, whichever task it speaks of: for answers that were kept.

    Raises:
        ProviderError: an error answer that tells no end, or an unreadable one (kind ``protocol``).
    """
    if 300 <= result.status < 400 or result.status in ABOUT_THE_ASKING:
        raise read_error(provider, result)

    def decode(result: HttpResponse, route: str) -> Observation:
        said = provider.decode_result(poll, result, route)
        if said is None:
            raise _unreadable(result, "it is no result") if result.ok else read_error(provider, result)
        return said

    observation = _decoded(provider, result, decode, route, Source.POLL)
    _refuse_contradictions(result)
    return observation


def read_answer(provider: Provider, response: HttpResponse, route: str) -> Observation:
    """Read the answer to a poll, whichever task it speaks of: for answers that were kept, not for a wait.

    Raises:
        ProviderError: an error answer, or an unreadable one (kind ``protocol``).
    """
    observation = _read(provider, response, provider.decode_retrieve, route, Source.POLL)
    if _ends(observation):
        _refuse_contradictions(response)
    return observation


def read_callback(provider: Provider, headers: Headers, body: bytes, *, verified: bool) -> list[Observation]:
    """Read what a callback says; ``verified`` tells whether its signature was proven.

    Raises:
        ProviderError: kind ``protocol``; the body is unreadable, or it tells of an end and contradicts itself.
    """

    def believe() -> list[Observation]:
        said = provider.read_callback(headers, body)
        return [_believed(provider, one, Source.CALLBACK, verified=verified) for one in said]

    _refuse_callback(excess(body))
    seen = _guarded(provider, believe)
    if any(map(_ends, seen)) and contradicts_itself(body):
        _refuse_callback(CONTRADICTION)
    return seen


def _refuse_callback(reason: str | None) -> None:
    if reason is not None:
        raise ProviderError(f"The callback was not believed: {reason}.", kind=ErrorKind.PROTOCOL)


def read_error(provider: Provider, response: HttpResponse) -> ProviderError:
    """The error that an answer stands for; the caller raises it."""
    reading = error_reading(provider, response)
    message = _error_message(provider, response, reading)
    return ProviderError(
        message, kind=reading.kind, status=response.status, code=reading.code, request_id=reading.request_id
    )


def error_of(provider: Provider, response: HttpResponse) -> ProviderError:
    """The error that an answer stands for; one of kind ``protocol`` where the plugin cannot read it."""
    try:
        return read_error(provider, response)
    except ReelwayError as error:
        return ProviderError(error.message, kind=ErrorKind.PROTOCOL, status=response.status)


def error_reading(provider: Provider, response: HttpResponse) -> ErrorReading:
    """What an error answer says, in the provider's own words, but for links and keys.

    Of a body that is too large, or that contradicts itself, nothing is believed: the status alone counts.
    """
    if excess(response.body) or contradicts_itself(response.body):
        response = replace(response, body=b"")
    said = _guarded(provider, lambda: convert(asdict(provider.read_error(response)), ErrorReading))
    return _tamed(said, ("code", "message", "request_id"))


def _reason(provider: Provider, observation: Observation) -> Failure | None:
    """Why it ended badly, if it did, with the kind that the word tells where nothing else does."""
    if observation.status not in BAD_ENDS:
        return None
    failure = _shown_failure(observation.failure or Failure())
    by_word = provider.info.failure_kinds.get(fold(observation.provider_status or "") or "")
    if failure.kind is FailureKind.UNKNOWN and by_word is not None:
        return replace(failure, kind=by_word)
    return failure


def _shown_failure(failure: Failure) -> Failure:
    # Reasons are printed and logged, and gateways put links and keys of their own into them.
    message = None if failure.message is None else redact(failure.message[:MAX_TEXT])
    return _tamed(replace(failure, message=message), ("code",))


def retry_after(response: HttpResponse, now: datetime) -> float | None:
    """Seconds the provider asks to wait, from ``Retry-After`` as seconds or as an HTTP date (RFC 9110, 10.2.3).

    A date is compared with the provider's own time where its answer tells it, and else with ``now``.
    """
    value = (response.header("retry-after") or "").strip()
    if value.isascii() and value.isdecimal() and len(value) <= 9:
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - _sent_at(response, now)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _sent_at(response: HttpResponse, now: datetime) -> datetime:
    # Between two times of one clock it does not matter whether that clock is right, nor whether ours was set.
    try:
        sent_at = parsedate_to_datetime(response.header("date") or "")
    except (ValueError, OverflowError):
        return now
    return sent_at if sent_at.tzinfo else now


Decode = Callable[[HttpResponse, str], Observation]


def _read(provider: Provider, response: HttpResponse, decode: Decode, route: str, source: Source) -> Observation:
    if not response.ok:
        raise read_error(provider, response)
    return _decoded(provider, response, decode, route, source)


def _decoded(provider: Provider, response: HttpResponse, decode: Decode, route: str, source: Source) -> Observation:
    if (reason := excess(response.body)) is not None:
        raise _unreadable(response, reason)
    try:
        return _believed(provider, decode(response, route), source)
    except ProviderError as error:
        if error.kind is not ErrorKind.PROTOCOL or error.status is not None:
            raise
        raise _unreadable(response, error.message) from error
    except ReelwayError:
        raise
    except Exception as error:
        raise _stumbled(provider, error) from error


def _believed(provider: Provider, said: Observation, source: Source, *, verified: bool = False) -> Observation:
    """A plugin's reading: types checked, progress within its bounds, source and meaning set by us."""
    if not isinstance(said, Observation):
        raise TypeError(f"a reading is an Observation, and not a {type(said).__name__}")
    status = meaning(said.provider_status, provider.info.words)
    ours = replace(said, source=source, verified=verified, progress=percent(said.progress), status=status)
    seen = convert(astuple(ours), Observation)
    if (reason := _reason(provider, seen)) != seen.failure:
        seen = replace(seen, failure=reason)
    if _needs_taming(f"{seen.provider_status} {seen.provider_progress} {seen.model}"):
        return _tamed(seen, ("provider_status", "provider_progress", "model"))
    return seen


def _tamed(said: S, names: tuple[str, ...]) -> S:
    """The same with texts of no more than a name's length, and without links and keys in them: they are shown."""
    texts = {name: text for name in names if (text := getattr(said, name))}
    tamed = {name: _LINKS.sub("…", text[:MAX_TEXT]) for name, text in texts.items()}
    return said if tamed == texts else replace(said, **tamed)


def _needs_taming(text: str) -> bool:
    """Whether it is long, or has one of the marks of all links and keys; hardly a word, a number or a name has."""
    if len(text) > SHORT:
        return True
    folded = text.casefold()
    return "http" in folded or "data:" in folded or "sk-" in folded or "bearer" in folded


def _about(observation: Observation, task_id: str, response: HttpResponse) -> Observation:
    if observation.task_id is not None and observation.task_id != task_id:
        raise _unreadable(response, "it speaks of another task than the one asked for")
    return observation


def _guarded(provider: Provider, call: Callable[[], T]) -> T:
    """Run a plugin's function; what it raises beyond our own errors is the plugin's fault, not the caller's."""
    try:
        return call()
    except ReelwayError:
        raise
    except Exception as error:
        raise _stumbled(provider, error) from error


def _stumbled(provider: Provider, error: Exception) -> PluginError:
    name = provider.info.name
    # The frames are taken away where an answer may show in them, so the place is told here.
    place = [
        f" in {Path(frame.f_code.co_filename).name}, line {line}" for frame, line in walk_tb(error.__traceback__)
    ]
    message = f"The plugin of {name!r} failed to read an answer: {type(error).__name__}{place[-1]}."
    return PluginError(message, hint="Report it to the authors of the plugin; the task is not lost.")


def _ends(observation: Observation) -> bool:
    return observation.status is not None and observation.status.final


def _refuse_contradictions(response: HttpResponse) -> None:
    """Refuse an answer in which one field has two values; only at the end of a task, as it reads the body again."""
    try:
        contradicts = contradicts_itself(response.body, strictly=True)
    except (ValueError, RecursionError) as error:
        raise _unreadable(response, f"it cannot be read a second time ({type(error).__name__})") from error
    if contradicts:
        raise _unreadable(response, CONTRADICTION)


def _unreadable(response: HttpResponse, reason: str) -> ProviderError:
    reason = reason.rstrip(".")
    start = excerpt(response)
    message = (
        f"The answer (HTTP {response.status}, {_kind(response)}) was not believed: {reason}. It starts: {start}"
    )
    return ProviderError(message, kind=ErrorKind.PROTOCOL, status=response.status)


def excerpt(response: HttpResponse) -> str:
    """The first characters of an answer, with links and long tokens taken out, for error messages."""
    shown = ""
    for window in EXCERPT_WINDOWS:
        shown = redact(response.body[:window].decode("utf-8", "replace"))
        if len(response.body) <= window or len(shown) >= EXCERPT + HALF_KEY:
            break
    return repr(shown[:EXCERPT])


def redact(shown: str) -> str:
    """A provider's text without links (they are signed) and without runs that could be a key."""
    if not _needs_taming(shown) and all(len(part) < LONG_RUN for part in shown.split()):
        return shown
    return _SECRETS.sub("…", shown)


def _error_message(provider: Provider, response: HttpResponse, reading: ErrorReading) -> str:
    code = f" [{one_line(reading.code, 80)}]" if reading.code else ""
    answered = f"{provider.info.title} answered HTTP {response.status}{code}"
    if reading.message:
        return f"{answered}: {one_line(reading.message, 500)}"
    return f"{answered} ({_kind(response)}): {excerpt(response)}"


def _kind(response: HttpResponse) -> str:
    return one_line(response.media_type, 80) or "no content type"


def one_line(said: str, length: int) -> str:
    """A provider's text as it may stand in a log or on a terminal: redacted, short, nothing unprintable."""
    return "".join(one if one.isprintable() else " " for one in redact(said)[:length])
