"""OpenAI's Videos API from the other side, and a gateway with words and places of its own.

Documented: the video object with every field there, seconds as the unit of time, the four words, the content route,
remix, the codes of the errors. Seen at the service: HTTP 404 for an unknown id and for a content that is not ready.
Assumed: the form of the ids, ``failed`` for what was cancelled or has expired, the wording of errors that no page
prints, and that a gateway which takes an address at a create posts the video object to it at every change. List,
delete, edits, extensions, characters and OpenAI's own webhooks, which no create asks for, are not simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from reelway.errors import ErrorKind
from reelway.model.observation import Status
from reelway.provider.readers import Place, pick, text
from reelway.provider.simulator import SimulatedCall, SimulatedCallback, SimulatedJob
from reelway.provider.videos_api import Dialect
from reelway.provider.videos_simulator import VideosApiSimulator

WORDS: Final = {
    # SDK, types/video.py
    Status.QUEUED: "queued",
    Status.RUNNING: "in_progress",
    Status.SUCCEEDED: "completed",
    Status.FAILED: "failed",
    Status.CANCELLED: "failed",
    Status.EXPIRED: "failed",
}

PLACES: Final[Mapping[str, Place]] = {
    # SDK, types/video.py: there is none for a link.
    "progress": "progress",
    "model": "model",
    "created_at": "created_at",
    "completed_at": "completed_at",
    "expires_at": "expires_at",
    "failure_code": "error.code",
    "failure_message": "error.message",
    "ids": "id",
    "words": "status",
}
"""Where OpenAI writes each fact."""


def seconds(moment: datetime | None) -> int | None:
    """Unix seconds."""
    return int(moment.timestamp()) if moment else None


FACTS: Final[Mapping[str, Callable[[SimulatedJob], Any]]] = {
    "progress": lambda job: job.progress,
    # SDK, types/video_create_params.py: the model where none is named.
    "model": lambda job: job.call.model or "sora-2",
    "created_at": lambda job: seconds(job.created_at),
    "completed_at": lambda job: seconds(job.updated_at) if job.finished else None,
    "expires_at": lambda job: seconds(job.expires_at),
    "links": lambda job: job.video_url,
    "failure_code": lambda job: job.failure and job.failure.code,
    "failure_message": lambda job: job.failure and job.failure.message,
    "ids": lambda job: job.task_id,
}
"""What a job has to say of each fact but its word."""


def envelope(code: str | None, message: str, param: str | None = None) -> dict[str, Any]:
    """The error envelope."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


class GatewaySimulator(VideosApiSimulator):
    """The service from the other side."""

    id_pattern = "video_{number:032x}"
    error_answers = {
        # platform.openai.com/docs/guides/error-codes
        ErrorKind.AUTH: (401, envelope("invalid_api_key", "Incorrect API key provided: sk-xxx.")),
        ErrorKind.QUOTA: (429, envelope("insufficient_quota", "You exceeded your current quota.")),
        ErrorKind.RATE_LIMITED: (429, envelope("rate_limit_exceeded", "Rate limit reached for requests")),
        ErrorKind.UNAVAILABLE: (503, envelope(None, "The engine is currently overloaded, please try again later")),
        ErrorKind.INVALID_REQUEST: (
            400,
            envelope("missing_required_parameter", "Missing required parameter: 'prompt'.", "prompt"),
        ),
        # Seen at the service.
        ErrorKind.NOT_FOUND: (404, envelope(None, "Video with id 'video_xyz' not found.")),
        ErrorKind.NOT_READY: (
            404,
            envelope(None, "Video is not ready yet, use GET /v1/videos/{video_id} to check status."),
        ),
        ErrorKind.UNSUPPORTED: (404, envelope(None, "Invalid URL (GET /v1/nothing)")),
    }

    def __init__(
        self,
        dialects: Mapping[str, Dialect],
        *,
        words: Mapping[str, Status] | None = None,
        places: Mapping[str, Place] | None = None,
        callback_place: Place | None = None,
    ) -> None:
        """Speak as OpenAI does, but for these words and places; of several words for one thing, the first one."""
        self._words = WORDS | {meant: word for word, meant in reversed([*(words or {}).items()])}
        self._places = {**PLACES, **(places or {})}
        self._callback_place = callback_place
        self.dialects = dialects
        self.creates = {"": self._document}
        self.reads = self.creates

    def callback_url(self, call: SimulatedCall) -> str | None:
        """What stands at the gateway's place for it; in a form that place is a name."""
        place = self._callback_place
        return text(call.fields.get(place) or pick(call.fields, place)) if place else None

    def write_callback(self, job: SimulatedJob) -> SimulatedCallback | None:
        """The video object."""
        return SimulatedCallback.json(self._document(job))

    def _document(self, job: SimulatedJob) -> dict[str, Any]:
        """The video object. Every field is always there."""
        said = {fact: say(job) for fact, say in FACTS.items()} | {"words": job.word or self._words[job.status]}
        document = about(job)
        # The word comes last, so that nothing stands in its way.
        for fact, value in said.items():
            if fact in self._places and value is not None:
                put(document, self._places[fact], value)
        return {key: with_lists(value) for key, value in document.items()}


def about(job: SimulatedJob) -> dict[str, Any]:
    """What the video object holds beside the facts, and what is null until there is something to say."""
    fields = job.call.fields
    return {
        "object": "video",
        "completed_at": None,
        "expires_at": None,
        "error": None,
        "prompt": fields.get("prompt"),
        "remixed_from_video_id": job.call.task_id or None,
        # SDK, types/video_create_params.py: the defaults.
        "seconds": fields.get("seconds") or "4",
        "size": fields.get("size") or "720x1280",
    }


def put(document: dict[str, Any], place: Place, value: Any) -> None:
    """Write a value to a place, whatever stands there."""
    *path, last = place.split(".")
    for key in path:
        inner = document.get(key)
        document[key] = inner if isinstance(inner, dict) else {}
        document = document[key]
    document[last] = value


def with_lists(value: Any) -> Any:
    """A value in which an object whose keys count from 0 has become a list, as ``output.0`` means it."""
    if not isinstance(value, dict):
        return value
    inner = {key: with_lists(one) for key, one in value.items()}
    return list(inner.values()) if [*inner] == [str(number) for number in range(len(inner))] else inner
