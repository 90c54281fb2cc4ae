"""Fetching a result: streamed, resumed, checked whole, and only then given its final name or brought to its place.

A link that is refused is renewed by asking the provider again, at most twice; then the content route is tried. A
failed fetch never leads to a new create.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from reelway.errors import (
    KIND_FACTS,
    DownloadError,
    ErrorKind,
    LedgerError,
    LinkExpired,
    NotSupported,
    OutputMissing,
    ReelwayError,
)
from reelway.flow.effects import Flow, Head, Instant, Now, Observe, Sleep, perform
from reelway.flow.follow import retrieve
from reelway.flow.schedule import backoff
from reelway.flow.stream import (
    Fetching,
    FetchPlan,
    LengthUnknown,
    Source,
    SourceRefused,
    Store,
    StoreInterrupted,
    StreamInterrupted,
    stream,
    work,
)
from reelway.model.http import HttpResponse
from reelway.model.lifecycle import ResultStored
from reelway.model.secret import Secret
from reelway.model.task import Artifact, StoredResult, Task
from reelway.provider.interface import Provider
from reelway.provider.reading import retry_after
from reelway.provider.writing import written

R = TypeVar("R")

RENEWALS: Final = 2
"""How often the provider is asked for a new link before the content route is tried."""

ATTEMPTS: Final = 6
"""How often one link is tried in the face of passing trouble, counted anew whenever bytes arrive."""


DELIVERIES: Final = 4
"""How often a whole result is brought to its place in the face of passing trouble, without being fetched anew."""


class Fetched(Struct, frozen=True, kw_only=True):
    """A result that is whole and where it belongs.

    Attributes:
        task: the task, its artifact ``stored``.
        result: what is stored.
        path: the file, as it was named; None where the result is none.
    """

    task: Task
    result: StoredResult
    path: Path | None


def fetch(provider: Provider, task: Task, store: Store, plan: FetchPlan) -> Flow[Fetched]:
    """Bring the result of a succeeded task where it belongs, unless it is there already.

    Raises:
        ConfigurationError: something else is there.
        LinkExpired: neither a link, nor a renewed one, nor the content route serves it any more.
        OutputMissing: the provider names no link and its content route has nothing.
        DownloadError: it could not be fetched whole.
    """
    start = yield from perform(Now())
    job = Fetching(task, store, plan, start.monotonic + plan.timeout)
    kept = yield from _delivered(store.kept, job)
    if kept is not None:
        return (yield from _told(kept, job))
    reason = SourceRefused("no link was given")
    # A rendition that no link leads to may still be asked of the content route, but is not waited for.
    linked = plan.variant == "video" or _link(job) is not None
    for renewal in range(RENEWALS + 1 if linked else 0):
        if renewal:
            job = yield from _renewed(provider, job)
        url = _link(job)
        if url is not None:
            try:
                return (yield from _fetch_from(Source(url=url), job))
            except SourceRefused as refused:
                reason = refused
        elif renewal:
            break
    return (yield from _fetch_content(provider, job, reason))


def _link(job: Fetching) -> Secret | None:
    return next((video.url for video in job.task.videos if video.variant == job.plan.variant), None)


def _renewed(provider: Provider, job: Fetching) -> Flow[Fetching]:
    """The same with the links of now; where asking fails, as it was."""
    now = yield from perform(Now())
    timeout = min(job.plan.poll_timeout, job.deadline - now.monotonic)
    if timeout <= 0:
        return job
    try:
        task = yield from retrieve(provider, job.task, timeout, job.plan.known_since)
    except ReelwayError:
        return job
    return replace(job, task=task)


def _fetch_content(provider: Provider, job: Fetching, reason: SourceRefused) -> Flow[Fetched]:
    """The last resort: the provider's own content route."""
    task = job.task
    try:
        request = written(provider, lambda: provider.encode_content(task.id, task.ref.route, job.plan.variant))
        return (yield from _fetch_from(Source(request=request), job))
    except NotSupported as error:
        message = f"There is nothing to fetch for {task.ref}: {reason}."
        raise _ending(task, reason)(message, task=task) from error
    except SourceRefused as refused:
        message = f"The result of {task.ref} is not served: {reason}; content route: {refused}."
        ending = _ending(task, reason, refused)
        raise ending(message, task=task, hint=_hint(ending, refused)) from refused


def _hint(ending: type[DownloadError], refused: SourceRefused) -> str:
    # Unlike a link, the content route is asked with the key.
    about_key = KIND_FACTS[ErrorKind.AUTH].hint if refused.status in {401, 403} else ""
    return f"{about_key} {ending.default_hint}".strip()


def _ending(task: Task, *refusals: SourceRefused) -> type[DownloadError]:
    # A source that serves something has neither expired nor is it missing.
    if any(isinstance(refusal, LengthUnknown) for refusal in refusals):
        return DownloadError
    return LinkExpired if task.videos else OutputMissing


def _fetch_from(source: Source, job: Fetching) -> Flow[Fetched]:
    """Fetch from one source, going on after passing trouble for as long as the file grows."""
    attempt, most = 0, 0
    size = None
    while size is None:
        try:
            size = yield from stream(source, job)
        except StreamInterrupted as trouble:
            # Where nothing can be resumed, bytes arrive anew each time and lead nowhere.
            attempt = 1 if trouble.held > most else attempt + 1
            most = max(most, trouble.held)
            yield from _recover(trouble, attempt, job)
    digest = yield from _delivered(job.part.publish, job)
    now = yield from perform(Now())
    result = StoredResult(
        variant=job.plan.variant, location=job.part.location, size=size, sha256=digest, stored_at=now.wall
    )
    return (yield from _told(result, job))


def _told(result: StoredResult, job: Fetching) -> Flow[Fetched]:
    """Tell that a result is where it belongs."""
    stored = replace(job.task, artifact=Artifact.STORED)
    try:
        yield from perform(Observe(task=stored, events=(ResultStored.of(stored.ref, result),), result=result))
    except LedgerError as error:
        error.hint = f"The result itself is whole, and stored as {result.location}. {error.hint}".strip()
        raise
    return Fetched(task=stored, result=result, path=job.part.path)


def _delivered(call: Callable[[], R], job: Fetching) -> Flow[R]:
    """Call a step of the store, again and again in the face of passing trouble."""
    attempt = 1
    while True:
        try:
            return (yield from work(call, job))
        except StoreInterrupted as trouble:
            now = yield from perform(Now())
            pause = backoff(attempt - 1, None, job.plan.draw())
            if attempt >= DELIVERIES or now.monotonic + pause >= job.deadline:
                message = f"The result of {job.task.ref} could not be brought to {job.part.location}: {trouble}."
                # What the trouble itself came from may show credentials.
                raise DownloadError(message, task=job.task) from None
        attempt += 1
        yield from perform(Sleep(pause))


def _recover(trouble: StreamInterrupted, attempt: int, job: Fetching) -> Flow[None]:
    """Pause before the next attempt, or give up and keep what has arrived."""
    if trouble.restart:
        yield from work(job.part.discard, job)
    now = yield from perform(Now())
    asked = _asked_pause(trouble.head, now) if trouble.head else None
    pause = backoff(attempt - 1, asked, job.plan.draw())
    if attempt >= ATTEMPTS or now.monotonic + pause >= job.deadline:
        message = f"The result of {job.task.ref} did not arrive whole: {trouble}."
        hint = "Download again." if trouble.restart else None
        raise DownloadError(message, task=job.task, hint=hint) from trouble
    yield from perform(Sleep(pause))


def _asked_pause(head: Head, now: Instant) -> float | None:
    return retry_after(HttpResponse(status=head.status, headers=head.headers), now.wall)
