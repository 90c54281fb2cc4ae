"""OctopusX from the other side, as its two documentation hosts print it.

Documented: the three dialects' paths and answers, each model family's extra fields with their zeros and empty
texts, both shapes of ``/v1/video/generations``, the forms of the ids, the unified remix. Seen in the source of the
gateway software: the upstream's error inside a failed record, "100%" on it, ``{"code": "success", "data": null}``
and all other error answers. Assumed: what a finished or failed unified task looks like beyond ``status`` and
``video_url``, where a cancelled or expired job is shown as failed, the pixels behind an aspect ratio, the seconds
between submit and start, the number of tokens, the error code beside the saturation text, and that the task has one
id at the gateway and at the upstream, which is who calls back.

:class:`OctopusXSimulator` speaks as docs.octopusx.ai prints it, with the long record for Seedance 2 and the short
form for every other model on that path. :class:`SecondHostSimulator` speaks as doc.octopusx.ai prints it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

from reelway.errors import ErrorKind
from reelway.model.http import HttpRequest, HttpResponse, json_response
from reelway.model.observation import Status
from reelway.provider.readers import pick, text
from reelway.provider.simulator import CallKind, SimulatedCall, SimulatedCallback, SimulatedJob, fields_of
from reelway.provider.videos_simulator import VideosApiSimulator
from reelway_octopusx.wire import DIALECTS, GENERATIONS_ROUTE, UNIFIED_ROUTE

Document: TypeAlias = dict[str, Any]
Words: TypeAlias = Mapping[Status, str]
Field: TypeAlias = Callable[[SimulatedJob], Any]

OBJECT_WORDS: Words = {
    Status.QUEUED: "queued",
    Status.RUNNING: "processing",
    Status.SUCCEEDED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
    Status.EXPIRED: "failed",
}
SECOND_HOST_WORDS: Words = {**OBJECT_WORDS, Status.RUNNING: "in_progress", Status.CANCELLED: "failed"}
RECORD_WORDS: Words = {
    Status.QUEUED: "SUBMITTED",
    Status.RUNNING: "IN_PROGRESS",
    Status.SUCCEEDED: "SUCCESS",
    Status.FAILED: "FAILURE",
    Status.CANCELLED: "FAILURE",
    Status.EXPIRED: "FAILURE",
}
SHORT_WORDS: Words = {
    Status.QUEUED: "queued",
    Status.RUNNING: "processing",
    Status.SUCCEEDED: "succeeded",
    Status.FAILED: "failed",
    Status.CANCELLED: "failed",
    Status.EXPIRED: "failed",
}
PENDING_WORDS: Words = {**OBJECT_WORDS, Status.QUEUED: "pending"}
PROCESSING_WORDS: Words = {**OBJECT_WORDS, Status.QUEUED: "processing"}

# Of the documented examples: what separates a submit from its start, and a creation from the end of its assets.
START_DELAY = 4
ASSET_LIFE = 86400
TOKENS = 108900

CHINA = timezone(timedelta(hours=8))

# The unified pages print nanoseconds, of which a datetime holds all but the last three digits of the example.
NANOSECONDS = "923"

T = TypeVar("T")


def video_object(job: SimulatedJob, extra: tuple[str, ...], words: Words = OBJECT_WORDS) -> Document:
    """The object of ``/v1/videos`` with a family's extra fields."""
    document = {
        "id": job.task_id,
        "object": "video",
        "model": job.call.model,
        "status": word(job, words),
        "progress": job.progress,
        "created_at": seconds(job.created_at),
    }
    told = {name: FIELDS[name](job) for name in extra}
    return document | {name: value for name, value in told.items() if value is not None} | ending(job)


def ending(job: SimulatedJob) -> Document:
    """What the end of a job adds to its object."""
    told = {
        "completed_at": seconds(job.updated_at) if job.finished else None,
        "expires_at": seconds(job.expires_at) if job.expires_at else None,
        "video_url": job.video_url,
        "error": error_object(job),
    }
    return {name: value for name, value in told.items() if value is not None}


def record(job: SimulatedJob) -> Document:
    """The long form of a generation: the gateway's record around the upstream's answer."""
    progress = 100 if job.finished else job.progress
    data = {
        "task_id": job.task_id,
        "status": word(job, RECORD_WORDS),
        "progress": f"{progress}%",
        "submit_time": seconds(job.created_at),
        "start_time": 0 if job.status is Status.QUEUED else seconds(job.created_at) + START_DELAY,
        "finish_time": seconds(job.updated_at) if job.finished else 0,
        "data": upstream(job),
    }
    reason = {"fail_reason": (job.failure.message or "") if job.failure else ""}
    return {"code": "success", "data": data | (reason if ended_badly(job) else {})}


def upstream(job: SimulatedJob) -> Document:
    """The upstream's answer inside the record."""
    metadata = job.call.fields.get("metadata") or {}
    done = job.status is Status.SUCCEEDED
    document = {
        "status": SHORT_WORDS[job.status],
        "duration": metadata.get("duration", 5),
        "resolution": metadata.get("resolution", "720p"),
        "ratio": metadata.get("ratio", "16:9"),
        "content": {"video_url": job.video_url} if job.video_url else {},
        "usage": {"completion_tokens": TOKENS, "total_tokens": TOKENS} if done else {},
    }
    # The page's failed record names a reason only; the upstream's error is there where it gave a code.
    return document | ({"error": error_object(job)} if job.failure and job.failure.code else {})


def upstream_task(job: SimulatedJob) -> Document:
    """The upstream's task object, as it calls back with it; its words are its own."""
    times = {"created_at": seconds(job.created_at), "updated_at": seconds(job.updated_at)}
    return {"id": job.task_id, "model": job.call.model, **upstream(job), "status": job.status.value, **times}


def short_form(job: SimulatedJob) -> Document:
    """The short form of a generation."""
    data = {
        "task_id": job.task_id,
        "status": word(job, SHORT_WORDS),
        "url": job.video_url or "",
        "format": "mp4",
        "metadata": None,
        "error": error_object(job),
    }
    return {"code": "success", "message": "", "data": data}


def bare_id(job: SimulatedJob) -> Document:
    """All that a Seedance 2 create answers."""
    return {"task_id": job.task_id}


def dated(job: SimulatedJob) -> Document:
    """What a unified create of Jimeng and Vidu answers."""
    return {
        "created_at": nanoseconds(job.created_at),
        "status": word(job, PROCESSING_WORDS),
        "task_id": job.task_id,
    }


def brief(job: SimulatedJob, words: Words, unit: int) -> Document:
    """Id, status and the time of the last change, in seconds or in thousandths of them."""
    changed = round(job.updated_at.timestamp() * unit)
    return {"id": job.task_id, "status": word(job, words), "status_update_time": changed}


def sora_query(job: SimulatedJob) -> Document:
    """A unified Sora task: progress as a text, both units of time in one object."""
    document = video_object(job, ("size",), PENDING_WORDS) | brief(job, PENDING_WORDS, 1000)
    return document | {"progress": str(job.progress), "detail": submitted(job)}


def veo_create(job: SimulatedJob) -> Document:
    """What a unified Veo create answers."""
    return brief(job, OBJECT_WORDS, 1) | video_object(job, ("size",)) | {"detail": submitted(job)}


def veo_query(job: SimulatedJob) -> Document:
    """A unified Veo task."""
    empty = {"video_url": None, "enhanced_prompt": ""}
    return brief(job, PENDING_WORDS, 1000) | empty | unified_ending(job)


def plain_query(job: SimulatedJob) -> Document:
    """A unified Vidu or Jimeng task."""
    document = {"id": job.task_id, "status": word(job, PROCESSING_WORDS), "progress": job.progress}
    return document | {"created_at": seconds(job.created_at)} | unified_ending(job)


def grok_query(job: SimulatedJob) -> Document:
    """A unified Grok task."""
    document = brief(job, PROCESSING_WORDS, 1) | {"video_url": None, "progress": job.progress}
    return document | unified_ending(job)


def grok_create(job: SimulatedJob) -> Document:
    """What a unified Grok create answers, the upstream's id beside the task's; a remix answers less."""
    document = brief(job, PROCESSING_WORDS, 1)
    if job.call.kind is CallKind.REMIX:
        return document
    return document | dated(job) | {"task_id": job.task_id.removeprefix("grok:")}


def unified_ending(job: SimulatedJob) -> Document:
    """The end of a unified task; only its link is documented."""
    return {name: value for name, value in ending(job).items() if name in {"video_url", "error"}}


def submitted(job: SimulatedJob) -> Document:
    """``detail``: what was asked for, echoed."""
    echoed = ("prompt", "model", "images", "aspect_ratio")
    return {"input": {name: job.call.fields[name] for name in echoed if name in job.call.fields}}


def pixels(job: SimulatedJob) -> str:
    """The size of the video; Seedance 1.x is asked for an aspect ratio and answers with pixels."""
    size = str(job.call.fields.get("size") or of_family(job.call.model, SIZES))
    tier = job.call.model.partition("_")[2].removesuffix("p")
    across, _, down = size.partition(":")
    if not (tier.isdecimal() and across.isdecimal() and down.isdecimal()):
        return size
    unit = int(tier) / min(int(across), int(down))
    return f"{round(int(across) * unit)}x{round(int(down) * unit)}"


def error_object(job: SimulatedJob) -> Document | None:
    """The ``error`` of a failed job."""
    if job.failure is None:
        return None
    return {"message": job.failure.message or "", "code": job.failure.code or ""}


def asked_seconds(job: SimulatedJob) -> str:
    """The length that was asked for, as a text."""
    fields = job.call.fields
    return str(fields.get("seconds") or fields.get("duration") or of_family(job.call.model, LENGTHS))


LENGTHS = {"veo": "8", "": "5"}
SIZES = {"vidu": "1024x1808", "": "720x1280"}
QUALITIES = {"vidu": "standard", "": ""}
"""What a family makes, by its pages' examples, where the request says nothing."""

FIELDS: Mapping[str, Field] = {
    "task_id": lambda job: job.task_id,
    "completed_at": lambda _: 0,
    "expires_at": lambda job: seconds(job.created_at) + ASSET_LIFE,
    "seconds": asked_seconds,
    "size": pixels,
    "quality": lambda job: of_family(job.call.model, QUALITIES),
    "remixed_from_video_id": lambda job: job.call.task_id,
    "error": lambda _: {"message": "", "code": ""},
    "video_url": lambda _: "",
    "metadata": lambda job: {"url": job.video_url} if job.video_url else None,
}
"""How each extra field of a video object is written; what the end of a job tells is written over it."""

ZEROS = ("completed_at", "expires_at", "seconds", "size", "remixed_from_video_id", "error", "video_url")
GENERIC = ("task_id", "seconds", "size")
REMIX = ("size", "seconds", "remixed_from_video_id", "quality")

CREATE_FIELDS: Mapping[str, tuple[str, ...]] = {
    "doubao-": ("size",),
    "jimeng-": ("task_id",),
    "vidu": ("size", "seconds", "quality"),
    "sora-": ("size",),
    "veo": ("seconds", "size"),
    "kling": ("task_id",),
    "omni-": ("task_id", "video_url"),
    "grok-": ("size",),
    "": GENERIC,
}
"""The extra fields of a create's answer by the start of the model's name."""

READ_FIELDS: Mapping[str, tuple[str, ...]] = {
    "doubao-": ("seconds", "size"),
    "jimeng-": ("task_id",),
    "vidu": ("size", "seconds", "quality"),
    "sora-": ZEROS,
    "veo": ZEROS,
    "kling": ("metadata",),
    "omni-": ("task_id", "video_url"),
    "grok-": ("size",),
    "": GENERIC,
}
"""The extra fields of a poll's answer by the start of the model's name."""

UNIFIED_CREATES: Mapping[str, Callable[[SimulatedJob], Document]] = {
    "jimeng-": dated,
    "vidu": dated,
    "sora-": lambda job: brief(job, PENDING_WORDS, 1000),
    "veo": veo_create,
    "": grok_create,
}

UNIFIED_READS: Mapping[str, Callable[[SimulatedJob], Document]] = {
    "sora-": sora_query,
    "veo": veo_query,
    "grok-": grok_query,
    "": plain_query,
}

ID_PATTERNS: Mapping[tuple[str, str], str] = {
    ("", "kling"): "task_{number:032}",
    ("", ""): "video_{uuid}",
    (GENERATIONS_ROUTE, "doubao-seedance-2"): "cgt-20260412163502-{number:05}",
    (GENERATIONS_ROUTE, ""): "video_task_{number:06}",
    (UNIFIED_ROUTE, "sora-"): "sora-2:task_{number:026}",
    (UNIFIED_ROUTE, "grok-"): "grok:{uuid}",
    (UNIFIED_ROUTE, "veo"): "video_{uuid}",
    (UNIFIED_ROUTE, ""): "{uuid}",
}
"""The form of new ids by route and by the start of the model's name."""


def of_family(model: str, table: Mapping[str, T]) -> T:
    """The first row whose key the model's name starts with; every table ends with a row for all others."""
    return next(value for start, value in table.items() if model.lower().startswith(start))


def is_seedance_2(job: SimulatedJob) -> bool:
    """Whether the job is of the one family whose generations are documented in the long form."""
    return job.call.model.startswith("doubao-seedance-2")


def ended_badly(job: SimulatedJob) -> bool:
    """Whether the job has ended without a video."""
    return job.finished and job.status is not Status.SUCCEEDED


def word(job: SimulatedJob, words: Words) -> str:
    """The status word."""
    return job.word or words[job.status]


def seconds(moment: datetime) -> int:
    """Unix seconds."""
    return int(moment.timestamp())


def nanoseconds(moment: datetime) -> str:
    """ISO 8601 in China's zone, with nine digits behind the second."""
    clock, zone = moment.astimezone(CHINA).isoformat(timespec="microseconds").split("+")
    return f"{clock}{NANOSECONDS}+{zone}"


def create_object(job: SimulatedJob) -> Document:
    """What a create or a remix in the first dialect answers."""
    remixed = job.call.kind is CallKind.REMIX
    return video_object(job, REMIX if remixed else of_family(job.call.model, CREATE_FIELDS))


def read_object(job: SimulatedJob) -> Document:
    """What a poll in the first dialect answers."""
    return video_object(job, of_family(job.call.model, READ_FIELDS))


def create_generation(job: SimulatedJob) -> Document:
    """What a create in the second dialect answers."""
    return bare_id(job) if is_seedance_2(job) else video_object(job, ("task_id",))


def read_generation(job: SimulatedJob) -> Document:
    """What a poll in the second dialect answers."""
    return record(job) if is_seedance_2(job) else short_form(job)


def create_unified(job: SimulatedJob) -> Document:
    """What a create or a remix in the third dialect answers."""
    return of_family(job.call.model, UNIFIED_CREATES)(job)


def read_unified(job: SimulatedJob) -> Document:
    """What a poll in the third dialect answers."""
    return of_family(job.call.model, UNIFIED_READS)(job)


def second_host_object(job: SimulatedJob) -> Document:
    """The object of the second host's generic page, for creates and polls alike."""
    return video_object(job, GENERIC, SECOND_HOST_WORDS)


def flat(code: str, message: str) -> Document:
    """The flat error envelope of the gateway's task calls."""
    return {"code": code, "message": message, "data": None}


def nested(message: str, kind: str, **more: Any) -> Document:
    """The error envelope of everything around the task calls."""
    return {"error": {"message": message, "type": kind, **more}}


INVALID_TOKEN = "Invalid token (request id: 20260101000000000000000example)"  # noqa: S105 - a sentence
SATURATED = "当前分组上游负载已饱和，请稍后再试"

ERROR_ANSWERS: Mapping[ErrorKind, tuple[int, Document]] = {
    ErrorKind.AUTH: (401, nested(INVALID_TOKEN, "new_api_error", code="")),
    ErrorKind.QUOTA: (403, flat("insufficient_user_quota", "用户额度不足, 剩余额度: ＄0.000000")),
    ErrorKind.RATE_LIMITED: (429, flat("fail_to_fetch_task", SATURATED)),
    ErrorKind.INVALID_REQUEST: (400, flat("invalid_request", "prompt is required")),
    ErrorKind.NOT_FOUND: (400, flat("task_not_exist", "task_not_exist")),
    ErrorKind.NOT_READY: (
        400,
        nested("Task is not completed yet, current status: QUEUED", "invalid_request_error"),
    ),
    ErrorKind.UNSUPPORTED: (
        404,
        nested("Invalid URL (GET /v1/videos)", "invalid_request_error", param="", code=""),
    ),
    ErrorKind.UPSTREAM: (502, flat("fail_to_fetch_task", "bad gateway")),
    ErrorKind.PROTOCOL: (200, {"code": "success", "data": None}),
}

CONTENT_NOT_FOUND = nested("Task not found", "invalid_request_error")

UNIFIED_REMIX = "v1/video/remix"


class OctopusXSimulator(VideosApiSimulator):
    """The service from the other side."""

    dialects = DIALECTS
    creates = {"": create_object, GENERATIONS_ROUTE: create_generation, UNIFIED_ROUTE: create_unified}
    reads = {"": read_object, GENERATIONS_ROUTE: read_generation, UNIFIED_ROUTE: read_unified}
    error_answers = ERROR_ANSWERS

    def recognise(self, request: HttpRequest) -> SimulatedCall | None:
        """The dialects' calls, and the unified remix, whose body names the task."""
        if (request.method, request.path.lstrip("/")) != ("POST", UNIFIED_REMIX):
            return super().recognise(request)
        fields = fields_of(request)
        task_id = str(fields.get("task_id") or "")
        return SimulatedCall(kind=CallKind.REMIX, route=UNIFIED_ROUTE, task_id=task_id, fields=fields)

    def new_id(self, call: SimulatedCall, number: int) -> str:
        """An id in the form of the dialect and the model."""
        patterns = {start: pattern for (route, start), pattern in ID_PATTERNS.items() if route == call.route}
        return of_family(call.model, patterns).format(number=number, uuid=UUID(int=number))

    def answer_error(self, call: SimulatedCall | None, kind: ErrorKind) -> HttpResponse:
        """The gateway's error answer; the content route has one of its own for an unknown task."""
        if kind is ErrorKind.NOT_FOUND and call is not None and call.kind is CallKind.CONTENT:
            return json_response(CONTENT_NOT_FOUND, 404)
        return super().answer_error(call, kind)

    def callback_url(self, call: SimulatedCall) -> str | None:
        """What Seedance 2 is told beside its settings (/en/videos/seedance-2)."""
        return text(pick(call.fields, "metadata.callback_url")) if call.route == GENERATIONS_ROUTE else None

    def write_callback(self, job: SimulatedJob) -> SimulatedCallback | None:
        """The upstream's task object, for every change but a cancel."""
        return None if job.status is Status.CANCELLED else SimulatedCallback.json(upstream_task(job))


class SecondHostSimulator(OctopusXSimulator):
    """The service as its second documentation host prints it: one object for all models, and the short form."""

    creates = {**OctopusXSimulator.creates, "": second_host_object, GENERATIONS_ROUTE: second_host_object}
    reads = {**OctopusXSimulator.reads, "": second_host_object, GENERATIONS_ROUTE: short_form}
