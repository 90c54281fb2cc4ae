"""Fetching a result: streamed, resumed, checked whole, and only then given its final name.

A link that is refused is renewed by asking the provider again, at most twice; then the content route is tried. A
failed fetch never leads to a new create.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol
from urllib.parse import urljoin

from msgspec import Struct
from msgspec.structs import replace

from reelway.errors import DownloadError, LinkExpired, NotSupported, OutputMissing, ReelwayError
from reelway.flow.container import SNIFF_LENGTH, container_of
from reelway.flow.effects import Close, Flow, Head, Now, Observe, Open, Read, Sleep, TransportError, Work, perform
from reelway.flow.follow import retrieve
from reelway.flow.schedule import backoff
from reelway.model.http import Headers, HttpRequest, find_header
from reelway.model.secret import Secret
from reelway.model.task import Artifact, Task
from reelway.provider.interface import Provider
from reelway.provider.readers import link

RENEWALS: Final = 2
"""How often the provider is asked for a new link before the content route is tried."""

ATTEMPTS: Final = 6
"""How often one link is tried in the face of passing trouble, counted anew whenever bytes arrive."""

REDIRECTS: Final = 5

REDIRECT_STATUSES: Final = frozenset({301, 302, 303, 307, 308})

REFUSED_STATUSES: Final = frozenset({400, 401, 403, 404, 405, 410})
"""Answers after which this link will not work any more. 400 is how object stores report a stale signature."""

DEFAULT_LIMIT: Final = 2 * 1024**3


class Part(Protocol):
    """The unfinished file beside the target. Its methods block, so flows call them through ``Work``."""

    def resume_point(self) -> ResumePoint: ...

    def start(self, resume: ResumePoint) -> None: ...

    def append(self, chunk: bytes) -> None: ...

    def publish(self) -> str: ...

    def discard(self) -> None: ...

    def suspend(self) -> None: ...


class ResumePoint(Struct, frozen=True):
    """How much is there already, and the strong validator it was served under."""

    size: int = 0
    validator: str | None = None


class FetchPlan(Struct, frozen=True, kw_only=True):
    """How one result is fetched.

    Attributes:
        own: tells whether an address is the account's own, which needs and may have the key.
        draw: gives numbers from 0 to 1 for jitter.
        progress: is told the bytes received and the whole length, where that is known.
        variant: which rendition, for the content route.
        limit: bytes that a result may have at most.
        timeout: seconds for everything.
        inactivity: seconds without a byte after which a connection is given up.
        poll_timeout: seconds for asking the provider for a new link.
    """

    own: Callable[[str], bool]
    draw: Callable[[], float]
    progress: Callable[[int, int | None], None]
    variant: str = "video"
    limit: int = DEFAULT_LIMIT
    timeout: float = 1800.0
    inactivity: float = 60.0
    poll_timeout: float = 30.0


class Fetched(Struct, frozen=True, kw_only=True):
    """A result that is whole and on disk."""

    task: Task
    size: int
    sha256: str


class _Source(Struct, frozen=True, kw_only=True):
    """Where to ask: a link, or a request to the account's own API."""

    url: str | None = None
    request: HttpRequest | None = None


class _Span(Struct, frozen=True):
    """What an answer is going to deliver: from where, up to which whole length, under which validator."""

    start: int
    total: int | None
    validator: str | None


class _Job(Struct, frozen=True):
    """What every step of one fetch needs to know."""

    task: Task
    part: Part
    plan: FetchPlan
    deadline: float


class _RefusedError(Exception):
    """This source does not serve the result, or does so no more."""


class _InterruptedError(Exception):
    """Passing trouble; the same source may go on serving."""

    def __init__(self, reason: str, *, received: bool = False, restart: bool = False) -> None:
        super().__init__(reason)
        self.received = received
        self.restart = restart


def fetch(provider: Provider, task: Task, part: Part, plan: FetchPlan) -> Flow[Fetched]:
    """Bring the result of a succeeded task into ``part`` and publish it.

    Raises:
        LinkExpired: neither a link, nor a renewed one, nor the content route serves it any more.
        OutputMissing: the provider names no link and its content route has nothing.
        DownloadError: it could not be fetched whole.
    """
    start = yield from perform(Now())
    deadline = start.monotonic + plan.timeout
    reason = "no link was given"
    renewals = RENEWALS if plan.variant == "video" else 0
    for renewal in range(renewals + 1):
        if renewal:
            task = yield from _renewed(provider, task, plan)
        url = _main_link(task) if renewals else None
        if url is not None:
            try:
                return (yield from _fetch_from(_Source(url=url), _Job(task, part, plan, deadline)))
            except _RefusedError as refused:
                reason = str(refused)
    return (yield from _fetch_content(provider, _Job(task, part, plan, deadline), reason))


def _main_link(task: Task) -> str | None:
    return next((video.url.reveal() for video in task.videos), None)


def _renewed(provider: Provider, task: Task, plan: FetchPlan) -> Flow[Task]:
    """The task with the links of now; where asking fails, the task as it was."""
    try:
        return (yield from retrieve(provider, task, plan.poll_timeout))
    except ReelwayError:
        return task


def _fetch_content(provider: Provider, job: _Job, reason: str) -> Flow[Fetched]:
    """The last resort: the provider's own content route."""
    task = job.task
    ending = LinkExpired if task.videos else OutputMissing
    try:
        request = provider.encode_content(task.id, task.ref.route, job.plan.variant)
        return (yield from _fetch_from(_Source(request=request), job))
    except NotSupported as error:
        raise ending(f"There is nothing to fetch for {task.ref}: {reason}.", task=task) from error
    except _RefusedError as refused:
        message = f"The result of {task.ref} is not served: {reason}; content route: {refused}."
        raise ending(message, task=task) from refused


def _fetch_from(source: _Source, job: _Job) -> Flow[Fetched]:
    """Fetch from one source, going on after passing trouble for as long as bytes keep arriving."""
    attempt = 0
    size = None
    while size is None:
        try:
            size = yield from _stream(source, job)
        except _InterruptedError as trouble:
            attempt = 1 if trouble.received else attempt + 1
            yield from _recover(trouble, attempt, job)
    digest = yield from perform(Work(job.part.publish))
    stored = replace(job.task, artifact=Artifact.STORED)
    yield from perform(Observe(task=stored))
    return Fetched(task=stored, size=size, sha256=digest)


def _recover(trouble: _InterruptedError, attempt: int, job: _Job) -> Flow[None]:
    """Pause before the next attempt, or give up and keep what has arrived."""
    if trouble.restart:
        yield from perform(Work(job.part.discard))
    now = yield from perform(Now())
    pause = backoff(attempt - 1, None, job.plan.draw())
    if attempt >= ATTEMPTS or now.monotonic + pause >= job.deadline:
        message = f"The result of {job.task.ref} did not arrive whole: {trouble}."
        raise DownloadError(message, task=job.task) from trouble
    yield from perform(Sleep(pause))


def _stream(source: _Source, job: _Job) -> Flow[int]:
    """One connection's worth: open, check what is promised, take the bytes, compare the length."""
    resume = yield from perform(Work(job.part.resume_point))
    try:
        size = yield from _receive(source, resume, job)
    except TransportError as error:
        yield from _let_go(job)
        raise (_RefusedError if error.refused else _InterruptedError)(error.reason) from error
    except Exception:
        # No `finally`: a flow that is being closed must not yield any more. The driver lets go for it.
        yield from _let_go(job)
        raise
    yield from _let_go(job)
    return size


def _receive(source: _Source, resume: ResumePoint, job: _Job) -> Flow[int]:
    head = yield from _open(source, resume, job)
    span = _span_of(head, resume)
    _check_limit(span.total or 0, job)
    yield from perform(Work(partial(job.part.start, ResumePoint(span.start, span.validator))))
    return (yield from _take(span, job))


def _let_go(job: _Job) -> Flow[None]:
    yield from perform(Close())
    yield from perform(Work(job.part.suspend))


def _open(source: _Source, resume: ResumePoint, job: _Job) -> Flow[Head]:
    """Open the source, following redirects hop by hop; the guard judges each hop when it connects."""
    headers = _range_headers(resume)
    for _ in range(REDIRECTS + 1):
        timeout = yield from _time_left(job)
        head = yield from perform(_opening(source, headers, timeout, job.plan))
        if head.status not in REDIRECT_STATUSES:
            return head
        yield from perform(Close())
        source = _next_hop(source, head)
    raise _RefusedError(f"more than {REDIRECTS} redirects")


def _opening(source: _Source, headers: Headers, timeout: float, plan: FetchPlan) -> Open:
    if source.url is None:
        return Open(request=source.request, headers=headers, timeout=timeout)
    return Open(url=Secret(source.url), keyed=plan.own(source.url), headers=headers, timeout=timeout)


def _next_hop(source: _Source, head: Head) -> _Source:
    location = find_header(head.headers, "location") or ""
    target = link(urljoin(source.url, location) if source.url else location)
    if target is None:
        raise _RefusedError("a redirect that leads nowhere")
    if (source.url or "").lower().startswith("https:") and not target.lower().startswith("https:"):
        raise _RefusedError("a redirect from https to http")
    return _Source(url=target)


def _range_headers(resume: ResumePoint) -> Headers:
    if not resume.size or resume.validator is None:
        return ()
    return (("Range", f"bytes={resume.size}-"), ("If-Range", resume.validator))


def _span_of(head: Head, resume: ResumePoint) -> _Span:
    """What the answer promises, or the reason why it is of no use."""
    if head.status in REFUSED_STATUSES:
        raise _RefusedError(f"HTTP {head.status}")
    if find_header(head.headers, "content-encoding") not in {None, "", "identity"}:
        raise _RefusedError("the file comes compressed, although it was asked for as it is")
    if head.status == 200:
        return _Span(0, _content_length(head), _strong_validator(head))
    if head.status == 206 and _range_headers(resume):
        return _Span(resume.size, _resumed_total(head, resume), resume.validator)
    raise _InterruptedError(f"HTTP {head.status}", restart=head.status in {206, 416})


def _content_length(head: Head) -> int | None:
    value = find_header(head.headers, "content-length") or ""
    return int(value) if re.fullmatch(r"[0-9]{1,18}", value) else None


def _strong_validator(head: Head) -> str | None:
    """The entity tag, if it is a strong one: only that proves that two parts belong together (RFC 9110, 13.1.5)."""
    tag = find_header(head.headers, "etag") or ""
    return tag if re.fullmatch(r'"[\x21\x23-\x7e]*"', tag) else None


def _resumed_total(head: Head, resume: ResumePoint) -> int:
    """The whole length according to ``Content-Range``, which has to go on where we stand."""
    given = find_header(head.headers, "content-range") or ""
    found = re.fullmatch(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})", given)
    first, last, total = map(int, found.groups()) if found else (-1, -1, -1)
    if first != resume.size or last != total - 1:
        raise _InterruptedError("a partial answer with another part than was asked for", restart=True)
    return total


def _take(span: _Span, job: _Job) -> Flow[int]:
    """Take the bytes of an open answer into the part, and tell how long it then is."""
    size = span.start
    chunk = yield from (_chunk(job) if size else _beginning(span, job))
    while chunk:
        size += len(chunk)
        _check_limit(size, job)
        yield from perform(Work(partial(job.part.append, chunk)))
        job.plan.progress(size, span.total)
        try:
            chunk = yield from _chunk(job)
        except TransportError as error:
            raise _InterruptedError(error.reason, received=True) from error
    if span.total is not None and size != span.total:
        raise _InterruptedError(f"{size} of {span.total} bytes arrived", received=size > span.start)
    return size


def _beginning(span: _Span, job: _Job) -> Flow[bytes]:
    """The first bytes, enough of them to tell a video from an error page."""
    start = b""
    while len(start) < SNIFF_LENGTH:
        chunk = yield from _chunk(job)
        if not chunk:
            break
        start += chunk
    if container_of(start, job.plan.variant) is None:
        if span.total is not None and len(start) < min(span.total, SNIFF_LENGTH):
            raise _InterruptedError(f"{len(start)} of {span.total} bytes arrived")
        raise _RefusedError(f"what it serves is no {job.plan.variant}; it starts with {start[:SNIFF_LENGTH]!r}")
    return start


def _chunk(job: _Job) -> Flow[bytes]:
    timeout = yield from _time_left(job)
    return (yield from perform(Read(timeout)))


def _time_left(job: _Job) -> Flow[float]:
    """Seconds that the next step may take: the inactivity limit, or what is left of the whole time."""
    now = yield from perform(Now())
    left = job.deadline - now.monotonic
    if left <= 0:
        raise _InterruptedError(f"the time of {job.plan.timeout:g} seconds is up")
    return min(left, job.plan.inactivity)


def _check_limit(size: int, job: _Job) -> None:
    if size > job.plan.limit:
        message = f"The result of {job.task.ref} is larger than the limit of {job.plan.limit} bytes."
        raise DownloadError(message, task=job.task, hint="Raise the limit if you expect files of this size.")
