"""fal's queue from the other side, as its documentation prints it.

Documented: the paths, the answers of the queue and their HTTP statuses, the answers to a cancel, both forms of
errors with their types and statuses. Seen: an error beside the word, an empty account. Assumed: how a cancelled
request looks later, what an unknown id, a wrong app or a result asked for too early gives, the other texts, the
user's id in a webhook, that a cancel has none, and that the ten further attempts are spread evenly over two hours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import unquote

from reelway.errors import ErrorKind
from reelway.model.http import Headers, HttpRequest, HttpResponse, json_response
from reelway.model.observation import FailureKind, Status
from reelway.provider.readers import decode_json, pick, text
from reelway.provider.simulator import (
    CallKind,
    CancelEffect,
    SimulatedCall,
    SimulatedCallback,
    SimulatedJob,
    Simulator,
    fields_of,
)
from reelway_fal import webhooks
from reelway_fal.mapping import app_of

CALLS: Final[Mapping[tuple[str, str], CallKind]] = {
    # The method, and what stands behind the id.
    ("GET", "/status"): CallKind.RETRIEVE,
    ("GET", ""): CallKind.RESULT,
    ("PUT", "/cancel"): CallKind.CANCEL,
}

OF_A_REQUEST: Final = re.compile(r"(?P<app>.+)/requests/(?P<id>[^/]+)(?P<below>/[a-z]+)?")

SHOWN: Final[Mapping[Status, str]] = {Status.QUEUED: "IN_QUEUE", Status.RUNNING: "IN_PROGRESS"}
"""The word of the queue; every other status is COMPLETED."""

REQUEST_ERRORS: Final[Mapping[Status | FailureKind, tuple[int, str, str]]] = {
    # documentation/model-apis/request-errors, with what ends so here.
    Status.CANCELLED: (499, "client_cancelled", "The request was cancelled by the client."),
    Status.EXPIRED: (504, "startup_timeout", "The runner did not start within the allowed time."),
    FailureKind.INTERNAL: (500, "runner_server_error", "The runner encountered an internal server error."),
}


def addresses(job: SimulatedJob) -> dict[str, Any]:
    """The id of a request and where it is asked about."""
    place = f"https://queue.fal.run/{app_of(job.call.model)}/requests/{job.task_id}"
    return {
        "request_id": job.task_id,
        "response_url": place,
        "status_url": f"{place}/status",
        "cancel_url": f"{place}/cancel",
    }


def status(job: SimulatedJob) -> dict[str, Any]:
    """What the queue says of a request."""
    document = {"status": job.word or SHOWN.get(job.status, "COMPLETED"), **addresses(job)}
    if job.status is Status.QUEUED:
        return document | {"queue_position": 0}
    document["logs"] = None
    if job.finished:
        document["metrics"] = {"inference_time": (job.updated_at - job.created_at).total_seconds()}
    if failed := request_error(job):
        document |= {"error": failed[2], "error_type": failed[1]}
    return document


def request_error(job: SimulatedJob) -> tuple[int, str, str] | None:
    """The HTTP status, type and text of an end that the platform itself explains; the model's own are not here."""
    row = REQUEST_ERRORS.get(job.failure.kind if job.failure else job.status)
    if row is None or job.failure is None:
        return row
    return (*row[:2], job.failure.message or row[2])


def result(job: SimulatedJob) -> HttpResponse:
    """What a model made, or why it did not."""
    if job.status is Status.SUCCEEDED:
        link = {"url": job.video_url} if job.video_url else {}
        return json_response({"video": {**link, "content_type": "video/mp4", "file_name": "output.mp4"}})
    if failed := request_error(job):
        http_status, kind, message = failed
        return json_response({"detail": message, "error_type": kind}, http_status, (("X-Fal-Error-Type", kind),))
    if job.status is Status.FAILED:
        return json_response({"detail": complaints(job)}, 422, (("X-Fal-Retryable", "false"),))
    return json_response({"detail": "Request is still in progress"}, 400)


def complaints(job: SimulatedJob) -> list[dict[str, Any]]:
    """The errors that a model lists (documentation/model-apis/errors); none where the reason is withheld."""
    if job.failure is None:
        return []
    return [{"loc": ["body"], "msg": job.failure.message, "type": job.failure.code, "input": {}}]


def listed(kind: str, message: str, *where: str) -> dict[str, Any]:
    """An error as models list it."""
    url = f"https://docs.fal.ai/errors/#{kind}"
    return {"detail": [{"loc": list(where), "msg": message, "type": kind, "url": url, "input": {}}]}


WEBHOOK: Final = "fal_webhook"

USER: Final = "user-sandbox"


def webhook_of(request: HttpRequest) -> dict[str, Any]:
    """Where a create wants to be told of its end."""
    return {name: value for name, value in request.query if name == WEBHOOK}


def webhook_ids(job: SimulatedJob) -> dict[str, Any]:
    """The id, twice: nothing here is tried anew, so both stay the same."""
    return {"request_id": job.task_id, "gateway_request_id": job.task_id}


def webhook(job: SimulatedJob) -> dict[str, Any]:
    """How a request has ended (documentation/model-apis/inference/webhooks)."""
    answer = result(job)
    told = {"status": "OK" if answer.ok else "ERROR", "payload": decode_json(answer.body)}
    error = None if answer.ok else f"Invalid status code: {answer.status}"
    return {**webhook_ids(job), **told, "error": error}


ERROR_ANSWERS: Final[Mapping[ErrorKind, tuple[int, Mapping[str, Any]]]] = {
    # Seen: the text about the balance. Assumed: the other texts.
    ErrorKind.AUTH: (401, {"detail": "Cannot access application. Authentication is required."}),
    ErrorKind.QUOTA: (
        403,
        {"detail": "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard/billing."},
    ),
    ErrorKind.RATE_LIMITED: (429, {"detail": "Too many requests"}),
    ErrorKind.INVALID_REQUEST: (422, listed("missing", "Field required", "body", "prompt")),
    # Documented for a cancel.
    ErrorKind.NOT_FOUND: (404, {"status": "NOT_FOUND"}),
    ErrorKind.NOT_READY: (400, {"status": "ALREADY_COMPLETED"}),
    ErrorKind.UNSUPPORTED: (405, {"detail": "Method Not Allowed"}),
    # documentation/model-apis/request-errors
    ErrorKind.UNAVAILABLE: (
        500,
        {"detail": "An unexpected internal error occurred.", "error_type": "internal_error"},
    ),
    ErrorKind.UPSTREAM: (502, {"detail": "Bad Gateway"}),
    ErrorKind.PROTOCOL: (200, {}),
}


class FalSimulator(Simulator):
    """The service from the other side."""

    auth_scheme = "Key"

    # documentation/model-apis/inference/webhooks: ten more attempts within two hours.
    callback_pauses = (720.0,) * 10

    # inference-api/queue/cancel
    cancel_effects = {
        Status.QUEUED: CancelEffect.STOP,
        Status.RUNNING: CancelEffect.STOP,
        **dict.fromkeys((Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.EXPIRED), CancelEffect.REFUSE),
    }

    def recognise(self, request: HttpRequest) -> SimulatedCall | None:
        """What is about a request has its id in the path; any other POST creates at a model's path."""
        path = request.path.strip("/")
        about = OF_A_REQUEST.fullmatch(path)
        if about is None:
            fields = fields_of(request)
            made = {"model": unquote(path), **fields, **webhook_of(request)} if fields else {}
            created = SimulatedCall(kind=CallKind.CREATE, route=app_of(unquote(path)), fields=made)
            return created if path and request.method == "POST" else None
        kind = CALLS.get((request.method, about["below"] or ""))
        if kind is None:
            return None
        return SimulatedCall(kind=kind, route=unquote(about["app"]), task_id=unquote(about["id"]))

    def new_id(self, call: SimulatedCall, number: int) -> str:
        """A UUID."""
        return f"00000000-0000-4000-8000-{number:012}"

    def answer_create(self, job: SimulatedJob) -> HttpResponse:
        """The id, the addresses, and the place in the queue; for a webhook the id alone."""
        return json_response(webhook_ids(job) if self.callback_url(job.call) else status(job))

    def answer_retrieve(self, call: SimulatedCall, job: SimulatedJob) -> HttpResponse:
        """What the queue says; HTTP 202 until the request has ended."""
        if call.route != app_of(job.call.model):
            return self.answer_error(call, ErrorKind.NOT_FOUND)
        return json_response(status(job), 200 if job.finished else 202)

    def answer_result(self, call: SimulatedCall, job: SimulatedJob) -> HttpResponse:
        """The result, or an error in its place."""
        return result(job)

    def answer_cancel(self, call: SimulatedCall, job: SimulatedJob) -> HttpResponse:
        """That the wish was heard."""
        return json_response({"status": "CANCELLATION_REQUESTED"}, 202)

    def answer_error(self, call: SimulatedCall | None, kind: ErrorKind) -> HttpResponse:
        """The service's error answer."""
        http_status, document = ERROR_ANSWERS[kind]
        return json_response(document, http_status)

    def callback_url(self, call: SimulatedCall) -> str | None:
        """What stands in the query of the create."""
        return text(call.fields.get(WEBHOOK))

    def write_callback(self, job: SimulatedJob) -> SimulatedCallback | None:
        """The webhook that tells the end, unless that was a cancel."""
        told = job.finished and job.status is not Status.CANCELLED
        return SimulatedCallback.json(webhook(job)) if told else None

    def sign_callback(self, callback: SimulatedCallback, key: bytes, now: datetime) -> Headers:
        """The headers with the signature."""
        request_id = str(pick(decode_json(callback.body), "request_id"))
        return webhooks.signature_headers(callback.body, (request_id, USER), key, now)

    def callback_secret(self, key: bytes) -> str | None:
        """The JSON Web Key Set."""
        return webhooks.key_set(key)
