"""The shapes of the command's JSON. Programs read them: fields are added, never changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from reelway.errors import InvalidRequest, Problem, ProviderError, ReelwayError, SubmissionUnknown
from reelway.ledger.records import Entry
from reelway.model.lifecycle import Event
from reelway.model.task import Task
from reelway.provider.canonical import moment_text
from reelway.results import Download

Shape: TypeAlias = dict[str, Any]


def task_shape(task: Task) -> Shape:
    """A task, without its links."""
    failure = task.failure
    return {
        "ref": str(task.ref),
        "id": task.id,
        "provider": task.ref.provider,
        "status": task.status.value,
        "provider_status": task.provider_status,
        "terminal": task.final,
        "progress": task.progress,
        "model": task.model,
        "created_at": moment_text(task.created_at),
        "completed_at": moment_text(task.completed_at),
        "expires_at": moment_text(task.expires_at),
        "failure": failure and {"kind": failure.kind.value, "code": failure.code, "message": failure.message},
        "artifact": task.artifact.value,
    }


def event_shape(task: Task, event: Event) -> Shape:
    """An event, and the task as it stands after it."""
    facts = msgspec.to_builtins(event)
    return task_shape(task) | {"event": {name: value for name, value in facts.items() if name != "ref"}}


def linked_shape(task: Task) -> Shape:
    """A task with its main link, which is signed: for those who asked for it."""
    return task_shape(task) | {"video_url": task.videos[0].url.reveal() if task.videos else None}


def entry_shape(entry: Entry, now: datetime) -> Shape:
    """What a ledger holds of a job, without its links."""
    submission = entry.submission
    ref = entry.task.ref if entry.task is not None else submission and submission.ref
    begun = submission.at if submission is not None else entry.task.submitted_at if entry.task is not None else None
    stored = [{"path": one.location, "bytes": one.size, "sha256": one.sha256} for one in entry.results]
    return {
        "ref": str(ref) if ref is not None else None,
        "submission_id": submission and submission.id,
        "submission": submission and submission.state.value,
        "in_doubt": submission is not None and submission.in_doubt(now),
        "submitted_at": moment_text(begun),
        "label": submission and submission.label,
        "metadata": submission and dict(submission.metadata),
        "task": task_shape(entry.task) if entry.task is not None else None,
        "results": stored,
    }


def download_shape(download: Download) -> Shape:
    """A task whose result is stored: a path, or an object's URL."""
    stored = {"path": download.location, "bytes": download.size, "sha256": download.sha256}
    return task_shape(download.task) | stored


def error_shape(error: ReelwayError, *, ref: str | None = None, go_on: str | None = None) -> Shape:
    """An error, the task that it is about, and the command that goes on from there."""
    provider_error = error if isinstance(error, ProviderError) else None
    about = {
        "type": type(error).__name__,
        "message": error.message,
        "hint": error.hint,
        "kind": provider_error and provider_error.kind.value,
        "code": provider_error and provider_error.code,
        "fault": error.fault.value,
        "retryable": error.retryable,
        "resubmit_safe": error.resubmit_safe,
        "billed": error.billed.value,
        "ref": str(error.task.ref) if error.task is not None else ref,
        "go_on": go_on,
        "problems": [problem_shape(one) for one in error.problems] if isinstance(error, InvalidRequest) else [],
    }
    return {"error": about | (_doubt_shape(error) if isinstance(error, SubmissionUnknown) else {})}


def _doubt_shape(error: SubmissionUnknown) -> Shape:
    """What is needed to find out what became of a create."""
    return {
        "submission_id": error.submission_id,
        "sent_at": moment_text(error.sent_at),
        "phase": error.phase,
    }


def problem_shape(problem: Problem) -> Shape:
    """One thing that is wrong with a request."""
    return {"field": problem.field, "message": problem.message, "allowed": list(problem.allowed)}


def defect_shape(error: Exception, ref: str | None) -> Shape:
    """An exception that nobody thought of, in the shape of an error."""
    unexpected = ReelwayError(str(error), hint="This is a defect of Reelway or of a plugin; please report it.")
    about: Shape = error_shape(unexpected, ref=ref)["error"]
    unsure = {"type": type(error).__name__, "fault": None, "resubmit_safe": False, "billed": "unknown"}
    return {"error": about | unsure}


def as_json(document: Mapping[str, Any], encoding: str, *, indent: int | None = None) -> str:
    """A document as JSON text that neither a narrow encoding nor a terminal can trip over."""
    narrow = not encoding.lower().startswith("utf")
    text = json.dumps(document, ensure_ascii=narrow, indent=indent)
    # What is not printable here stands inside a string: JSON's own signs are plain ASCII.
    return "".join(sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1] for sign in text)
