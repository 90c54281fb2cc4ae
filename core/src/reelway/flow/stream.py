"""One connection's worth of a result: ask a source, follow redirects, check what it promises, take the bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Protocol, TypeVar
from urllib.parse import urljoin

from msgspec import Struct

from reelway.errors import DownloadError, Fault
from reelway.flow.container import SNIFF_LENGTH, Completeness, container_of
from reelway.flow.effects import Close, Flow, Head, Now, Open, Read, TransportError, Work, perform
from reelway.model.http import Headers, HttpRequest, find_header
from reelway.model.secret import Secret
from reelway.model.task import StoredResult, Task
from reelway.provider.readers import link

R = TypeVar("R")

REDIRECTS: Final = 5

REDIRECT_STATUSES: Final = frozenset({301, 302, 303, 307, 308})

REFUSED_STATUSES: Final = frozenset({400, 401, 403, 404, 405, 410})
"""Answers after which this link will not work any more. 400 is how object stores report a stale signature."""

STRONG_VALIDATOR: Final = re.compile(r'"[\x21\x23-\x7e]*"')
"""A strong entity tag: only that proves that two parts belong together (RFC 9110, 13.1.5)."""

SHOWN_LENGTH: Final = 16
"""Bytes of what is no video that an error shows."""

DEFAULT_LIMIT: Final = 2 * 1024**3


class Part(Protocol):
    """The unfinished file beside the target. Its methods block, so flows call them through ``Work``."""

    def resume_point(self) -> ResumePoint: ...

    def start(self, resume: ResumePoint) -> None: ...

    def append(self, chunk: bytes) -> None: ...

    def completeness(self) -> Completeness: ...

    def publish(self) -> str: ...

    def discard(self) -> None: ...

    def suspend(self) -> None: ...


class Store(Part, Protocol):
    """Where a result ends up, and the unfinished file on its way there.

    ``kept`` and ``publish`` may raise :class:`StoreInterrupted`; both are then called again and go on.
    """

    @property
    def path(self) -> Path | None:
        """The file, as it was named; None where the result does not end up in one."""
        ...

    @property
    def location(self) -> str:
        """Where the result will be: a path or an object's URL, without anything secret."""
        ...

    def kept(self) -> StoredResult | None:
        """What stands there already, if it is this very result and whole."""
        ...

    def give_up(self) -> None:
        """Have what is under way end soon, and be broken off where it takes long; from any thread."""
        ...


class StoreInterrupted(Exception):
    """Passing trouble with the place where a result ends up; what was fetched is kept meanwhile."""


class ResumePoint(Struct, frozen=True):
    """How much is there already, and the strong validator and whole length it was served under."""

    size: int = 0
    validator: str | None = None
    total: int | None = None


class FetchPlan(Struct, frozen=True, kw_only=True):
    """How one result is fetched.

    Attributes:
        base_url: the account's own address, which redirects of its content route are relative to.
        own: tells whether an address is the account's own, which needs and may have the key.
        draw: gives numbers from 0 to 1 for jitter.
        progress: is told the bytes received and the whole length, where that is known.
        variant: which rendition: by its link, where there is one, or else from the content route.
        limit: bytes that a result may have at most.
        timeout: seconds for everything.
        inactivity: seconds without a byte after which a connection is given up.
        poll_timeout: seconds for asking the provider for a new link.
        known_since: the monotonic time from which the task has been known; without it, the wall clock tells.
    """

    base_url: str
    own: Callable[[str], bool]
    draw: Callable[[], float]
    progress: Callable[[int, int | None], None]
    variant: str = "video"
    limit: int = DEFAULT_LIMIT
    timeout: float = 1800.0
    inactivity: float = 60.0
    poll_timeout: float = 30.0
    known_since: float | None = None


class Source(Struct, frozen=True, kw_only=True):
    """Where to ask: a link, or a request to the account's own API.

    Attributes:
        url: the link.
        request: the request.
        foreign: another host than the account's own led here by a redirect.
    """

    url: Secret | None = None
    request: HttpRequest | None = None
    foreign: bool = False


class _Span(Struct, frozen=True):
    """What an answer is going to deliver: from where, up to which whole length, under which validator.

    ``framed`` is an answer whose end can be told from a connection that broke.
    """

    start: int
    total: int | None
    validator: str | None
    framed: bool = True


class Fetching(Struct, frozen=True):
    """What every step of one fetch needs to know."""

    task: Task
    part: Store
    plan: FetchPlan
    deadline: float


class SourceRefused(Exception):
    """This source does not serve the result, or does so no more.

    Attributes:
        status: the HTTP status that said so, where one did.
    """

    def __init__(self, reason: str, *, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class LengthUnknown(SourceRefused):
    """Nothing tells whether what this source serves is the whole of it."""


class StreamInterrupted(Exception):
    """Passing trouble; the same source may go on serving.

    Attributes:
        held: how many bytes are there now.
        restart: what is there is of no use.
        head: the answer that was no file.
    """

    def __init__(self, reason: str, *, held: int = 0, restart: bool = False, head: Head | None = None) -> None:
        super().__init__(reason)
        self.held = held
        self.restart = restart
        self.head = head


def stream(source: Source, job: Fetching) -> Flow[int]:
    """One connection's worth: open, check what is promised, take the bytes, compare the length."""
    resume = yield from work(job.part.resume_point, job)
    try:
        size = yield from _receive(source, resume, job)
    except TransportError as error:
        yield from _let_go(job)
        raise (SourceRefused if error.refused else StreamInterrupted)(error.reason) from error
    except Exception:
        # No `finally`: a flow that is being closed must not yield any more. The driver lets go for it.
        yield from _let_go(job)
        raise
    yield from _let_go(job)
    return size


def _receive(source: Source, resume: ResumePoint, job: Fetching) -> Flow[int]:
    head = yield from _open(source, resume, job)
    span = _span_of(head, resume)
    _check_limit(span.total or 0, job)
    # What has arrived so far gives way to a video, and not to an error page.
    chunk = yield from (_chunk(job) if span.start else _beginning(span, job))
    resumed = ResumePoint(span.start, span.validator, span.total)
    yield from work(partial(job.part.start, resumed), job)
    return (yield from _take(chunk, span, job))


def _let_go(job: Fetching) -> Flow[None]:
    yield from perform(Close())
    yield from work(job.part.suspend, job)


def _open(source: Source, resume: ResumePoint, job: Fetching) -> Flow[Head]:
    """Open the source, following redirects hop by hop; the guard judges each hop when it connects."""
    headers = _range_headers(resume)
    for _ in range(REDIRECTS + 1):
        timeout = yield from _time_left(job)
        head = yield from perform(_opening(source, headers, timeout, job.plan))
        if head.status not in REDIRECT_STATUSES:
            return head
        yield from perform(Close())
        source = _next_hop(source, head, job.plan)
    raise SourceRefused(f"more than {REDIRECTS} redirects")


def _opening(source: Source, headers: Headers, timeout: float, plan: FetchPlan) -> Open:
    if source.url is None:
        return Open(request=source.request, headers=headers, timeout=timeout)
    # Whoever answers for another host must not choose what is asked with the key.
    keyed = not source.foreign and plan.own(source.url.reveal())
    return Open(url=source.url, keyed=keyed, headers=headers, timeout=timeout)


def _next_hop(source: Source, head: Head, plan: FetchPlan) -> Source:
    here = source.url or Secret(f"{plan.base_url}/{source.request.path if source.request else ''}")
    target = _target(here, head)
    if target is None:
        raise SourceRefused("a redirect that leads nowhere")
    if _is_https(here) and not _is_https(target):
        raise SourceRefused("a redirect from https to http")
    return Source(url=target, foreign=source.foreign or not plan.own(here.reveal()))


def _target(here: Secret, head: Head) -> Secret | None:
    """Where a redirect leads, if anywhere else; an absolute address stays as it is written."""
    location = find_header(head.headers, "location") or ""
    try:
        target = link(location) or link(urljoin(here.reveal(), location))
    except ValueError:
        return None
    return Secret(target) if target and target != here.reveal() else None


def _is_https(url: Secret) -> bool:
    return url.reveal()[:6].lower() == "https:"


def _range_headers(resume: ResumePoint) -> Headers:
    if not resume.size or not STRONG_VALIDATOR.fullmatch(resume.validator or ""):
        return ()
    return (("Range", f"bytes={resume.size}-"), ("If-Range", resume.validator or ""))


def _span_of(head: Head, resume: ResumePoint) -> _Span:
    """What the answer promises, or the reason why it is of no use."""
    if head.status in REFUSED_STATUSES:
        raise SourceRefused(f"HTTP {head.status}", status=head.status)
    if (find_header(head.headers, "content-encoding") or "").strip().lower() not in {"", "identity"}:
        raise SourceRefused("the file comes compressed, although it was asked for as it is")
    if head.status == 200:
        return _Span(0, _content_length(head), _strong_validator(head), _is_chunked(head))
    if head.status == 206 and _range_headers(resume):
        return _Span(resume.size, _resumed_total(head, resume), resume.validator)
    raise StreamInterrupted(f"HTTP {head.status}", restart=head.status in {206, 416}, head=head)


def _content_length(head: Head) -> int | None:
    value = find_header(head.headers, "content-length") or ""
    return int(value) if re.fullmatch(r"[0-9]{1,18}", value) else None


def _is_chunked(head: Head) -> bool:
    """Whether the end of the body is marked, so that the transport reports one that was cut."""
    codings = (find_header(head.headers, "transfer-encoding") or "").lower().split(",")
    return codings[-1].strip() == "chunked"


def _strong_validator(head: Head) -> str | None:
    tag = find_header(head.headers, "etag") or ""
    return tag if STRONG_VALIDATOR.fullmatch(tag) else None


def _resumed_total(head: Head, resume: ResumePoint) -> int:
    """The whole length according to ``Content-Range``, which has to go on where we stand."""
    given = find_header(head.headers, "content-range") or ""
    found = re.fullmatch(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})", given)
    first, last, total = map(int, found.groups()) if found else (-1, -1, -1)
    if first != resume.size or last != total - 1:
        raise StreamInterrupted("a partial answer with another part than was asked for", restart=True)
    # A server that does not know If-Range sends a part of whatever file it has now, and need not say which: only
    # the same strong validator joins two parts (RFC 9110, 15.3.7.3).
    if find_header(head.headers, "etag") != resume.validator or resume.total not in {None, total}:
        raise StreamInterrupted("a partial answer of another file than was begun", restart=True)
    return total


def _take(first: bytes, span: _Span, job: Fetching) -> Flow[int]:
    """Take the bytes of an open answer into the part, and tell how long it then is."""
    size, chunk = span.start, first
    while chunk:
        size += len(chunk)
        _check_limit(size, job)
        yield from work(partial(job.part.append, chunk), job)
        job.plan.progress(size, span.total)
        try:
            chunk = yield from _chunk(job)
        except TransportError as error:
            raise StreamInterrupted(error.reason, held=size) from error
    if span.total is not None and size != span.total:
        raise StreamInterrupted(f"{size} of {span.total} bytes arrived", held=size)
    yield from _check_end(span, container_of(first, job.plan.variant), size, job)
    return size


def _check_end(span: _Span, container: str | None, size: int, job: Fetching) -> Flow[None]:
    """Refuse a file that ends too early, however whole its answer is, and one that nothing shows to be whole."""
    yield from work(job.part.suspend, job)
    found = yield from work(job.part.completeness, job)
    if found is Completeness.CUT:
        raise StreamInterrupted(
            f"{size} bytes arrived, and the file ends in the middle of one of its parts", restart=True
        )
    if found is Completeness.WHOLE or span.total is not None or span.framed:
        return
    reason = f"{size} bytes arrived, the answer names no length, and the file does not show where it ends"
    if container == "mp4":
        raise StreamInterrupted(reason, restart=True)
    # Asking the same source again would give the same doubt, but another one may name the length.
    yield from work(job.part.discard, job)
    raise LengthUnknown(reason)


def _beginning(span: _Span, job: Fetching) -> Flow[bytes]:
    """The first bytes, enough of them to tell a video from an error page."""
    start = b""
    while len(start) < SNIFF_LENGTH:
        chunk = yield from _chunk(job)
        if not chunk:
            break
        start += chunk
    if container_of(start, job.plan.variant) is None:
        if span.total is not None and len(start) < min(span.total, SNIFF_LENGTH):
            raise StreamInterrupted(f"{len(start)} of {span.total} bytes arrived")
        raise SourceRefused(f"what it serves is no {job.plan.variant}; it starts with {start[:SHOWN_LENGTH]!r}")
    return start


def _chunk(job: Fetching) -> Flow[bytes]:
    timeout = yield from _time_left(job)
    return (yield from perform(Read(timeout)))


def _time_left(job: Fetching) -> Flow[float]:
    """Seconds that the next step may take: the inactivity limit, or what is left of the whole time."""
    now = yield from perform(Now())
    left = job.deadline - now.monotonic
    if left <= 0:
        raise StreamInterrupted(f"the time of {job.plan.timeout:g} seconds is up")
    return min(left, job.plan.inactivity)


def _check_limit(size: int, job: Fetching) -> None:
    if size > job.plan.limit:
        message = f"The result of {job.task.ref} is larger than the limit of {job.plan.limit} bytes."
        raise DownloadError(message, task=job.task, hint="Raise the limit if you expect files of this size.")


def work(call: Callable[[], R], job: Fetching) -> Flow[R]:
    """Work on the file; where the disk refuses, the paid result is still there to be fetched."""
    try:
        return (yield from perform(Work(call, job.part.give_up)))
    except DownloadError as error:
        error.task = error.task or job.task
        raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        hint = "Make room or choose another place, then download again; nothing is paid twice."
        unstored = DownloadError(
            f"The result of {job.task.ref} cannot be stored: {reason}.", hint=hint, task=job.task
        )
        unstored.fault = Fault.CALLER
        raise unstored from error
