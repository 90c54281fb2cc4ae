"""The reference service from the other side."""

from __future__ import annotations

from typing import Any

from reelway.model.http import HttpRequest
from reelway.model.observation import Status
from reelway.provider.simulator import CallKind, SimulatedCall, SimulatedJob
from reelway.provider.videos_simulator import VideosApiSimulator
from tests.testing.reference.wire import BATCH, DIALECTS

WORDS = {
    Status.QUEUED: "queued",
    Status.RUNNING: "in_progress",
    Status.SUCCEEDED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "cancelled",
    Status.EXPIRED: "expired",
}


def video(job: SimulatedJob) -> dict[str, Any]:
    """The object that answers a create and a poll."""
    document: dict[str, Any] = {
        "id": job.task_id,
        "object": "video",
        "model": job.call.model,
        "status": job.word or WORDS[job.status],
        "progress": job.progress,
        "created_at": int(job.created_at.timestamp()),
        "poster": {"url": "https://cdn.reference.example/poster.jpg"},
    }
    if job.finished:
        document["completed_at"] = int(job.updated_at.timestamp())
    if job.video_url:
        document["output"] = [job.video_url]
    if job.expires_at:
        document["expires_at"] = int(job.expires_at.timestamp())
    if job.failure:
        document["error"] = {"code": job.failure.code, "message": job.failure.message}
    return document


def wrapped(job: SimulatedJob) -> dict[str, Any]:
    """The same in an envelope, with progress as text and times as ISO 8601."""
    inner = video(job) | {"progress": f"{job.progress}%", "created_at": job.created_at.isoformat()}
    return {"code": 0, "message": "ok", "data": inner}


class ReferenceSimulator(VideosApiSimulator):
    """The service from the other side."""

    dialects = DIALECTS
    creates = {"": video, BATCH: wrapped}
    reads = {"": video, BATCH: wrapped}
    id_pattern = "ref_{number:08}"

    def recognise(self, request: HttpRequest) -> SimulatedCall | None:
        """A DELETE stops a task; the rest is the family's."""
        if request.method != "DELETE":
            return super().recognise(request)
        as_poll = super().recognise(HttpRequest(method="GET", path=request.path, query=request.query))
        return as_poll and SimulatedCall(kind=CallKind.CANCEL, route=as_poll.route, task_id=as_poll.task_id)
