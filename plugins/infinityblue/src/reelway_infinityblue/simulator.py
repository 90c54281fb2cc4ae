"""InfinityBlue from the other side, as its documentation prints it.

Documented: both dialects' answers, milliseconds, ``metadata.url``, HTTP 404 for an unknown task, the error
envelope with its statuses and types. From drafts: codes and texts of the errors that no page prints. Seen in the
source of the gateway software: the answer to an unknown path. Assumed: the form of the ids.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from reelway.errors import ErrorKind
from reelway.model.http import HttpResponse, json_response
from reelway.model.observation import Status
from reelway.provider.simulator import SimulatedCall, SimulatedJob
from reelway.provider.videos_simulator import VideosApiSimulator
from reelway_infinityblue.wire import DIALECTS, GENERATIONS_ROUTE

WORDS = {
    Status.QUEUED: "queued",
    Status.RUNNING: "in_progress",
    Status.SUCCEEDED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
    Status.EXPIRED: "failed",
}


def video_object(job: SimulatedJob) -> dict[str, Any]:
    """The object of ``/v1/videos``, fields in the documented order."""
    fields = job.call.fields
    document: dict[str, Any] = {
        "id": job.task_id,
        "object": "video",
        "model": job.call.model,
        "status": word(job),
        "progress": job.progress,
        "created_at": milliseconds(job.created_at),
    }
    if job.finished:
        document["completed_at"] = milliseconds(job.updated_at)
    if job.expires_at:
        document["expires_at"] = milliseconds(job.expires_at)
    document["seconds"] = str(fields.get("seconds") or fields.get("duration") or "5")
    if fields.get("size"):
        document["size"] = fields["size"]
    if job.video_url:
        document["metadata"] = {"url": job.video_url}
    return document | failure(job)


def generation(job: SimulatedJob) -> dict[str, Any]:
    """The short object of ``/v1/video/generations``: no progress and no times."""
    document: dict[str, Any] = {"task_id": job.task_id, "status": word(job)}
    if job.video_url:
        document |= {"url": job.video_url, "format": "mp4", "metadata": media_facts(job)}
    return document | failure(job)


def media_facts(job: SimulatedJob) -> dict[str, Any]:
    """What the generic dialect tells about the finished file."""
    fields = job.call.fields
    defaults = {"duration": 5, "fps": 30, "width": 1280, "height": 720, "seed": 20231234}
    return {key: fields.get(key) or default for key, default in defaults.items()}


def failure(job: SimulatedJob) -> dict[str, Any]:
    """The ``error`` object; the generic dialect's code is a number."""
    if job.failure is None:
        return {}
    code: Any = job.failure.code
    if job.call.route == GENERATIONS_ROUTE:
        code = int(code) if code and code.isdecimal() else 500
    return {"error": {"message": job.failure.message, "code": code}}


def word(job: SimulatedJob) -> str:
    """The status word."""
    return job.word or WORDS[job.status]


def milliseconds(moment: datetime) -> int:
    """Unix milliseconds, as documented."""
    return round(moment.timestamp() * 1000)


def envelope(kind: str, code: str, message: str, param: str | None = None) -> dict[str, Any]:
    """The documented error envelope."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


INVALID_DURATION = "Invalid duration. Supported range is 4 to 15 seconds."
GROK_INVALID_DURATION = "Invalid duration. The supported range is 1 to 15 seconds."
INVALID_KEY = "Incorrect API key provided: sk-xxx***. You can find your API key at https://getinfinityblue.com."

ERROR_ANSWERS = {
    # Documented on /quickstart/errors and on the create pages.
    ErrorKind.AUTH: (401, envelope("invalid_request_error", "invalid_api_key", INVALID_KEY)),
    ErrorKind.INVALID_REQUEST: (
        400,
        envelope("invalid_request_error", "invalid_duration", INVALID_DURATION, "seconds"),
    ),
    # Status and type documented, code and text from drafts of the same pages.
    ErrorKind.NOT_FOUND: (
        404,
        envelope("not_found_error", "resource_not_found", "Video task 'video_xyz' not found", "task_id"),
    ),
    ErrorKind.QUOTA: (429, envelope("rate_limit_error", "insufficient_quota", "Insufficient quota")),
    ErrorKind.RATE_LIMITED: (
        429,
        envelope("rate_limit_error", "rate_limit_exceeded", "Rate limit reached for requests"),
    ),
    ErrorKind.UNAVAILABLE: (503, envelope("server_error", "service_unavailable", "Service unavailable")),
    ErrorKind.UPSTREAM: (500, envelope("server_error", "upstream_error", "Upstream provider returned an error")),
    # The page promises 404 for a content that is not ready as well; the text is assumed.
    ErrorKind.NOT_READY: (404, envelope("not_found_error", "resource_not_found", "Video content is not ready")),
}


class InfinityBlueSimulator(VideosApiSimulator):
    """The service from the other side."""

    dialects = DIALECTS
    creates = {"": video_object, GENERATIONS_ROUTE: generation}
    reads = creates
    id_pattern = "video_{number:06}"
    error_answers = ERROR_ANSWERS

    def answer_error(self, call: SimulatedCall | None, kind: ErrorKind) -> HttpResponse:
        """The provider's error answer; the Grok page words the one about durations differently."""
        if kind is ErrorKind.INVALID_REQUEST and call is not None and call.model.startswith("grok"):
            document = envelope("invalid_request_error", "invalid_duration", GROK_INVALID_DURATION, "seconds")
            return json_response(document, 400)
        return super().answer_error(call, kind)
