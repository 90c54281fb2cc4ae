"""InfinityBlue from the other side, as its documentation prints it.

Documented: both dialects' answers, milliseconds, ``metadata.url``, HTTP 404 for an unknown task, the error
envelope. Seen in the source of the gateway software: nothing that is served here. Assumed: the form of the ids.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from reelway.errors import ErrorKind
from reelway.model.observation import Status
from reelway.provider.simulator import SimulatedJob
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
    document["seconds"] = str(fields.get("seconds") or "5")
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


class InfinityBlueSimulator(VideosApiSimulator):
    """The service from the other side."""

    dialects = DIALECTS
    creates = {"": video_object, GENERATIONS_ROUTE: generation}
    reads = creates
    id_pattern = "video_{number:06}"
    error_answers = {
        # /quickstart/errors
        ErrorKind.AUTH: (
            401,
            {
                "error": {
                    "message": "Incorrect API key provided.",
                    "type": "invalid_request_error",
                    "code": "invalid_api_key",
                    "param": None,
                }
            },
        ),
        ErrorKind.NOT_FOUND: (
            404,
            {
                "error": {
                    "message": "Video task not found",
                    "type": "not_found_error",
                    "code": "resource_not_found",
                    "param": "task_id",
                }
            },
        ),
        # The page promises 404 for a content that is not ready as well.
        ErrorKind.NOT_READY: (
            404,
            {
                "error": {
                    "message": "Video content is not ready",
                    "type": "not_found_error",
                    "code": "resource_not_found",
                    "param": None,
                }
            },
        ),
    }
