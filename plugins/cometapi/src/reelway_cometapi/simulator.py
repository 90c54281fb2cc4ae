"""CometAPI from the other side, as its documentation prints it: each family of models by its own page.

Documented: the answers to create and retrieve of every family, remix, seconds as the unit of time, both error
envelopes, the redirect of a wrong path. The Seedance page has changed: 2.0 Fast answers as the older version prints
it, ``SUBMITTED`` to ``ERROR``, and every other model as the newer one, ``queued`` to ``error``. Sora names no link;
its bytes come from the content route.

Seen in the source of the gateway software, or quoted by its clients: the flat form of ``task_not_exist``, the
errors of quota, of the content route and of a remix, HTTP 503 ``model_not_found``.

Assumed: the digits of the ids, which failure is called ``error``, the words of cancelled and expired jobs, Sora's
and Omni's ``error`` object once a job has failed, the wording of a rate limit and of an overload.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple, TypeAlias

from reelway.errors import ErrorKind
from reelway.model.http import HttpResponse, json_response
from reelway.model.observation import FailureKind, Status
from reelway.provider.simulator import CallKind, SimulatedCall, SimulatedJob
from reelway.provider.videos_simulator import Render, VideosApiSimulator
from reelway_cometapi.wire import DIALECTS

Document: TypeAlias = dict[str, Any]
Answer: TypeAlias = tuple[int, Document]

WORDS: Final = {
    # /api/video/seedance/query
    Status.QUEUED: "queued",
    Status.RUNNING: "in_progress",
    Status.SUCCEEDED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
    Status.EXPIRED: "expired",
}

OLDER_WORDS: Final = {
    # /api/video/seedance/query, older
    Status.QUEUED: "SUBMITTED",
    Status.RUNNING: "IN_PROGRESS",
    Status.SUCCEEDED: "SUCCESS",
    Status.FAILED: "FAILED",
    Status.CANCELLED: "CANCELLED",
    Status.EXPIRED: "EXPIRED",
}


def created(job: SimulatedJob) -> Document:
    """The answer to a create that most pages share."""
    return video_object(job) | {"task_id": job.task_id}


def retrieved(job: SimulatedJob) -> Document:
    """The answer to a poll that most pages share: the end time and the link at the end only."""
    return video_object(job) | completion(job) | link(job)


def seedance(job: SimulatedJob) -> Document:
    """The Seedance page, whose own example carries ``completed_at`` while the job runs."""
    stamped = {} if job.status is Status.QUEUED else {"completed_at": seconds(job.updated_at)}
    return video_object(job) | stamped | link(job)


def older_seedance(job: SimulatedJob) -> Document:
    """The older Seedance page: ``completed_at`` is null until the end, ``video_url`` is null after a bad one."""
    ended = {"video_url": job.video_url} if job.finished else {}
    return video_object(job) | {"completed_at": None} | completion(job) | ended


def omni(job: SimulatedJob) -> Document:
    """The Omni page, which has an ``error`` object."""
    return retrieved(job) | ({"error": failure(job)} if job.failure else {})


def sora_created(job: SimulatedJob) -> Document:
    """The Sora page's create; a remix answers with the whole object."""
    if job.call.kind is CallKind.REMIX:
        return sora(job)
    return video_object(job) | sora_format(job)


def sora(job: SimulatedJob) -> Document:
    """The Sora page's poll: every field is always there, and none is a link."""
    return (
        video_object(job)
        | sora_format(job)
        | {
            "prompt": job.call.fields.get("prompt"),
            "error": failure(job),
            "expires_at": seconds(job.expires_at) if job.expires_at else None,
            "completed_at": None,
            "remixed_from_video_id": job.call.task_id or None,
        }
        | completion(job)
    )


def sora_format(job: SimulatedJob) -> Document:
    """Length and size, with the defaults of the page's example."""
    fields = job.call.fields
    return {"seconds": fields.get("seconds") or "4", "size": fields.get("size") or "1280x720"}


def veo_created(job: SimulatedJob) -> Document:
    """The Veo page's create: ``seconds`` is empty."""
    return video_object(job) | veo_size(job) | {"seconds": ""}


def veo(job: SimulatedJob) -> Document:
    """The Veo page's poll."""
    return retrieved(job) | veo_size(job) | {"task_id": job.task_id}


def veo_size(job: SimulatedJob) -> Document:
    """The orientation, with the letter x."""
    return {"size": job.call.fields.get("size") or "16x9"}


class Page(NamedTuple):
    """How one page of the documentation writes a job.

    ``bad_end`` is the word for a failure inside the service, where the page has one beside its ``failed``;
    ``model`` is the id that the page answers with instead of the one it was asked for.
    """

    create: Render
    read: Render
    words: Mapping[Status, str] = WORDS
    bad_end: str | None = None
    model: str | None = None


SEEDANCE: Final = Page(created, seedance, bad_end="error")
OLDER_SEEDANCE: Final = Page(created, older_seedance, words=OLDER_WORDS, bad_end="ERROR")
SORA: Final = Page(sora_created, sora)
VEO: Final = Page(veo_created, veo, model="veo_3_1-4K")
OMNI: Final = Page(created, omni)
OTHER: Final = Page(created, retrieved, bad_end="error")

PAGES: Final[Mapping[str, Page]] = {
    "doubao-seedance-2-0": SEEDANCE,
    "doubao-seedance-2-0-fast": OLDER_SEEDANCE,
    "doubao-seedance-1-5-pro": SEEDANCE,
    "doubao-seedance-1-0-pro": SEEDANCE,
    "seedance-2-5": SEEDANCE,
    "sora-2": SORA,
    "sora-2-pro": SORA,
    "veo3-fast": VEO,
    "omni-fast": OMNI,
}
"""The models whose page differs from what the pages of Wan, Vidu and HappyHorse share."""


def page_of(call: SimulatedCall) -> Page:
    """The page that describes a call; only Sora has a remix."""
    return SORA if call.kind is CallKind.REMIX else PAGES.get(call.model, OTHER)


def video_object(job: SimulatedJob) -> Document:
    """What every answer holds."""
    return {
        "id": job.task_id,
        "object": "video",
        "model": page_of(job.call).model or job.call.model or "sora-2",
        "status": word(job),
        "progress": job.progress,
        "created_at": seconds(job.created_at),
    }


def word(job: SimulatedJob) -> str:
    """The status word."""
    page = page_of(job.call)
    internal = job.failure is not None and job.failure.kind is FailureKind.INTERNAL
    own = page.bad_end if internal and job.status is Status.FAILED else None
    return job.word or own or page.words[job.status]


def completion(job: SimulatedJob) -> Document:
    """The end time, once there is one."""
    return {"completed_at": seconds(job.updated_at)} if job.finished else {}


def link(job: SimulatedJob) -> Document:
    """The link, once there is one."""
    return {"video_url": job.video_url} if job.video_url else {}


def failure(job: SimulatedJob) -> Document | None:
    """The ``error`` object."""
    return {"code": job.failure.code, "message": job.failure.message} if job.failure else None


def seconds(moment: datetime) -> int:
    """Unix seconds, as documented."""
    return int(moment.timestamp())


def envelope(message: str, **fields: str) -> Document:
    """The error envelope of /errors/error-codes-handling; the older form has no ``param`` and an empty ``code``."""
    return {"error": {"code": "", "message": message, "type": "comet_api_error"} | fields}


def no_channel(call: SimulatedCall) -> Answer:
    """The create of a model that nobody serves."""
    message = f"no available channel for group default and model {call.model} (distributor) {REQUEST_ID}"
    return 503, envelope(message, code="model_not_found")


def malformed(call: SimulatedCall) -> Answer:
    """A create that cannot be understood."""
    if not call.model:
        return 400, envelope("model name is required (request id: ...)")
    return 400, envelope("field prompt is required (request id: ...)", param="", code="invalid_request")


def unknown_content(call: SimulatedCall) -> Answer:
    """The content of a task that does not exist."""
    return 404, {"error": {"message": "Task not found", "type": "invalid_request_error"}}


def unknown_origin(call: SimulatedCall) -> Answer:
    """The remix of a task that does not exist."""
    return 400, {"code": "task_not_exist", "message": "task_origin_not_exist", "data": None}


REQUEST_ID: Final = "(request id: 20260101000000000000000example)"

WRONG_PATH: Final = HttpResponse(status=301, headers=(("Location", "/"),))

CALL_ERRORS: Final[Mapping[tuple[CallKind, ErrorKind], Callable[[SimulatedCall], Answer]]] = {
    (CallKind.CREATE, ErrorKind.UNSUPPORTED): no_channel,
    (CallKind.CREATE, ErrorKind.INVALID_REQUEST): malformed,
    (CallKind.CONTENT, ErrorKind.NOT_FOUND): unknown_content,
    (CallKind.REMIX, ErrorKind.NOT_FOUND): unknown_origin,
}
"""Errors whose answer depends on the call."""


class CometApiSimulator(VideosApiSimulator):
    """The service from the other side."""

    dialects = DIALECTS
    creates = {"": lambda job: page_of(job.call).create(job)}
    reads = {"": lambda job: page_of(job.call).read(job)}
    error_answers = {
        ErrorKind.AUTH: (401, envelope(f"Invalid token {REQUEST_ID}")),
        ErrorKind.RATE_LIMITED: (429, envelope(f"当前分组上游负载已饱和，请稍后再试 {REQUEST_ID}")),
        ErrorKind.UNAVAILABLE: (503, envelope(f"The service is busy {REQUEST_ID}")),
        ErrorKind.NOT_READY: (
            400,
            {
                "error": {
                    "message": "Task is not completed yet, current status: IN_PROGRESS",
                    "type": "invalid_request_error",
                }
            },
        ),
    }

    def new_id(self, call: SimulatedCall, number: int) -> str:
        """An id as the pages show it: ``video_`` for Sora, ``task_`` for the others."""
        return f"video_{number:032x}" if page_of(call) is SORA else super().new_id(call, number)

    def answer_error(self, call: SimulatedCall | None, kind: ErrorKind) -> HttpResponse:
        """The error of this call, or the one that all calls share; a wrong path is redirected."""
        if call is None:
            return WRONG_PATH
        own = CALL_ERRORS.get((call.kind, kind))
        if own is None:
            return super().answer_error(call, kind)
        status, document = own(call)
        return json_response(document, status)
