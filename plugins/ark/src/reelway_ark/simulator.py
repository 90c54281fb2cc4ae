"""Ark from the other side, as its documentation prints it.

Documented: the paths, the task object and when each of its fields is there, what a cancel does in each state, the
error envelope with its statuses, codes and texts. Seen: the code of a refused cancel, the text about an unknown
task. Assumed: the form of the ids, the code of an unknown task, the answers to unknown paths and behind a 502, how
often a callback is tried.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from reelway.errors import ErrorKind
from reelway.model.http import HttpRequest, HttpResponse, json_response
from reelway.model.observation import Failure, FailureKind, Status
from reelway.provider.readers import text
from reelway.provider.simulator import (
    CallKind,
    CancelEffect,
    SimulatedCall,
    SimulatedCallback,
    SimulatedJob,
    Simulator,
    fields_of,
)
from reelway_ark.wire import TASKS

METHODS: Final = {"GET": CallKind.RETRIEVE, "DELETE": CallKind.CANCEL}

FRAMES_PER_SECOND: Final = 24

PIXELS: Final[Mapping[str, int]] = {
    # 1520757, at 16:9.
    "480p": 864 * 496,
    "720p": 1280 * 720,
    "1080p": 1920 * 1080,
    "4k": 3840 * 2160,
}

DEFAULTS: Final[Mapping[str, Any]] = {
    # 1520757, and a seed for those who ask for none.
    "seed": 78674,
    "resolution": "720p",
    "duration": 5,
    "service_tier": "default",
    "execution_expires_after": 172_800,
    "generate_audio": True,
    "draft": False,
    "priority": 0,
}

SHOWN_AT_ONCE: Final = ("service_tier", "execution_expires_after")

SHOWN_IN_THE_END: Final = ("seed", "resolution", "duration", "generate_audio", "draft", "priority")


def task(job: SimulatedJob) -> dict[str, Any]:
    """The task object of a poll."""
    wishes = {**DEFAULTS, **job.call.fields}
    document: dict[str, Any] = {
        "id": job.task_id,
        "model": job.call.model,
        "status": job.word or job.status.value,
        "created_at": int(job.created_at.timestamp()),
        "updated_at": int(job.updated_at.timestamp()),
        **{name: wishes[name] for name in SHOWN_AT_ONCE},
    }
    if job.failure:
        document["error"] = {"code": failure_code(job.failure), "message": job.failure.message}
    if job.video_url:
        document["content"] = {"video_url": job.video_url}
    if job.status is Status.SUCCEEDED:
        document |= {name: wishes[name] for name in SHOWN_IN_THE_END} | made(wishes)
    return document


def made(wishes: Mapping[str, Any]) -> dict[str, Any]:
    """What a video has that was not wished for: its price, its rate, and the ratio that the service chose."""
    ratio = wishes.get("ratio", "adaptive")
    seconds = wishes["duration"] if isinstance(wishes["duration"], int) else DEFAULTS["duration"]
    # Pixels times frames by 1024; the documented examples have one frame more than their seconds hold.
    pixels = PIXELS.get(str(wishes["resolution"]), PIXELS["720p"])
    tokens = pixels * (FRAMES_PER_SECOND * seconds + 1) // 1024
    return {
        "ratio": "16:9" if ratio == "adaptive" else ratio,
        "framespersecond": FRAMES_PER_SECOND,
        "usage": {"completion_tokens": tokens, "total_tokens": tokens},
    }


def failure_code(failure: Failure) -> str | None:
    """The code of a failed task; of one that failed inside the service, the service's own."""
    return "InternalServiceError" if failure.kind is FailureKind.INTERNAL else failure.code


def envelope(kind: str, code: str, message: str) -> dict[str, Any]:
    """The error envelope (1299023)."""
    said = f"{message} Request id: 021700000000000example"
    return {"error": {"code": code, "message": said, "param": "", "type": kind}}


BUSY = "The service encountered an unexpected internal error. Please retry later."

ERROR_ANSWERS: Final[Mapping[ErrorKind, tuple[int, Mapping[str, Any]]]] = {
    # 1299023
    ErrorKind.AUTH: (
        401,
        envelope(
            "Unauthorized", "AuthenticationError", "The API key or AK/SK in the request is missing or invalid."
        ),
    ),
    ErrorKind.QUOTA: (
        403,
        envelope(
            "Forbidden",
            "AccountOverdueError",
            "The request failed because your account has an overdue balance.",
        ),
    ),
    ErrorKind.RATE_LIMITED: (
        429,
        envelope(
            "TooManyRequests",
            "ModelAccountRpmRateLimitExceeded",
            "RPM (Requests Per Minute) limit of the model is exceeded.",
        ),
    ),
    ErrorKind.INVALID_REQUEST: (
        400,
        envelope(
            "BadRequest",
            "InvalidParameter",
            "One or more parameters specified in the request are not valid.",
        ),
    ),
    ErrorKind.UNSUPPORTED: (
        404,
        envelope(
            "NotFound",
            "InvalidEndpointOrModel.NotFound",
            "The model or endpoint does not exist or you do not have access to it.",
        ),
    ),
    ErrorKind.UNAVAILABLE: (500, envelope("InternalServerError", "InternalServiceError", BUSY)),
    # Seen: the text. Assumed: the code, in the form that 1299023 gives.
    ErrorKind.NOT_FOUND: (404, envelope("NotFound", "NotFound.id", "The requested task is not found.")),
    # Seen.
    ErrorKind.NOT_READY: (
        409,
        envelope(
            "Conflict",
            "InvalidAction.RunningTaskDeletion",
            "Cannot delete task because it is currently running.",
        ),
    ),
    # Assumed.
    ErrorKind.UPSTREAM: (502, envelope("InternalServerError", "InternalServiceError", BUSY)),
    ErrorKind.PROTOCOL: (200, {}),
}


class ArkSimulator(Simulator):
    """The service from the other side."""

    # 1521720
    cancel_effects = {
        Status.QUEUED: CancelEffect.STOP,
        Status.RUNNING: CancelEffect.REFUSE,
        Status.CANCELLED: CancelEffect.REFUSE,
        Status.SUCCEEDED: CancelEffect.FORGET,
        Status.FAILED: CancelEffect.FORGET,
        Status.EXPIRED: CancelEffect.FORGET,
    }

    def recognise(self, request: HttpRequest) -> SimulatedCall | None:
        """One path: alone it creates, with an id behind it it is about a task."""
        path = request.path.lstrip("/")
        if path == TASKS:
            is_create = request.method == "POST"
            return SimulatedCall(kind=CallKind.CREATE, fields=fields_of(request)) if is_create else None
        above, _, task_id = path.rpartition("/")
        kind = METHODS.get(request.method)
        if above != TASKS or not task_id or kind is None:
            return None
        return SimulatedCall(kind=kind, task_id=unquote(task_id))

    def new_id(self, call: SimulatedCall, number: int) -> str:
        """An id with a date and a tail, as the service's have."""
        return f"cgt-20260101000000-{number:05}"

    def answer_create(self, job: SimulatedJob) -> HttpResponse:
        """The id, and nothing else."""
        return json_response({"id": job.task_id})

    def answer_retrieve(self, call: SimulatedCall, job: SimulatedJob) -> HttpResponse:
        """The task object."""
        return json_response(task(job))

    def answer_cancel(self, call: SimulatedCall, job: SimulatedJob) -> HttpResponse:
        """An empty object, whatever became of the task."""
        return json_response({})

    def answer_error(self, call: SimulatedCall | None, kind: ErrorKind) -> HttpResponse:
        """The service's error answer; about a path that it does not have, none of its own."""
        if call is None and kind is ErrorKind.UNSUPPORTED:
            return HttpResponse(status=404)
        status, document = ERROR_ANSWERS[kind]
        return json_response(document, status)

    def callback_url(self, call: SimulatedCall) -> str | None:
        """The field of the create."""
        return text(call.fields.get("callback_url"))

    def write_callback(self, job: SimulatedJob) -> SimulatedCallback | None:
        """The task object, for every change but a cancel (1520757)."""
        return None if job.status is Status.CANCELLED else SimulatedCallback.json(task(job))
