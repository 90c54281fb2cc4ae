"""What fal's wire looks like: its paths, its words, its error types.

Pages stand below fal.ai/docs/; README.md lists them. "Seen" means reported by those who use the service, or read in
the source of its own clients.
"""

from reelway.errors import ErrorKind
from reelway.model.observation import FailureKind, Status

SUCCEEDED = "RESULT_OK"

FAILED = "RESULT_ERROR"

CANCELLED = "client_cancelled"

WORDS = {
    # documentation/model-apis/inference/queue
    "in_queue": Status.QUEUED,
    "in_progress": Status.RUNNING,
    # It ended, well or badly: only the result tells.
    "completed": Status.RUNNING,
    # How it ended, in words of our own, for a result has none. OK and ERROR are those of a webhook, and not of the
    # queue: in a poll they would end a request whose result nobody has asked for.
    "result_ok": Status.SUCCEEDED,
    "result_error": Status.FAILED,
    # documentation/model-apis/request-errors: the one error type that is an end of its own.
    CANCELLED: Status.CANCELLED,
}

ENDED = frozenset({"completed"})

QUEUE_MEMBERS = frozenset({"response_url", "status_url", "gateway_request_id"})
"""What the queue's answer to a create has beside the id: the addresses, or for a webhook the id once more."""

NO_RESULT = QUEUE_MEMBERS | {"detail", "error", "error_type", "message", "queue_position", "status"}
"""Members of errors and of the queue's answers; no output with a video has any (1354 types of @fal-ai/client)."""

NAMESPACES = frozenset({"workflows", "comfy"})
"""First parts of an id that stand before the owner (seen in fal_client)."""

REQUEST_ERRORS = {
    # documentation/model-apis/request-errors: what happened to a request on its way through the platform. Left out
    # are bad_request and internal_error, which can as well be about the request for the result.
    "request_timeout": FailureKind.TIMEOUT,
    "startup_timeout": FailureKind.TIMEOUT,
    "runner_scheduling_failure": FailureKind.INTERNAL,
    "runner_connection_timeout": FailureKind.INTERNAL,
    "runner_disconnected": FailureKind.INTERNAL,
    "runner_connection_refused": FailureKind.INTERNAL,
    "runner_connection_error": FailureKind.INTERNAL,
    "runner_incomplete_response": FailureKind.INTERNAL,
    "runner_server_error": FailureKind.INTERNAL,
    "client_disconnected": FailureKind.UNKNOWN,
    "client_cancelled": FailureKind.UNKNOWN,
}

FAILURE_KINDS = REQUEST_ERRORS | {
    "internal_error": FailureKind.INTERNAL,
    # documentation/model-apis/errors. The types that are not here say what was wrong with the input.
    "content_policy_violation": FailureKind.MODERATION,
    "generation_timeout": FailureKind.TIMEOUT,
    "internal_server_error": FailureKind.INTERNAL,
    "downstream_service_error": FailureKind.INTERNAL,
    "downstream_service_unavailable": FailureKind.INTERNAL,
    "no_media_generated": FailureKind.UNKNOWN,
}

ERROR_MESSAGES = {
    # Seen, with HTTP 403.
    "User is locked. Reason: Exhausted balance": ErrorKind.QUOTA,
    "User is locked. Reason: TOP_UP": ErrorKind.QUOTA,
}

ERROR_CODES = {
    # inference-api/queue/cancel, with HTTP 400.
    "ALREADY_COMPLETED": ErrorKind.NOT_READY,
}

ERROR_TYPE_HEADER = "x-fal-error-type"

REQUEST_ID_HEADER = "x-fal-request-id"
