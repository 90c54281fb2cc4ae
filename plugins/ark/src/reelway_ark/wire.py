"""What Ark's wire looks like: its path, its words, its codes.

A page is a number; it stands below www.volcengine.com/docs/82379/ in Chinese and below
docs.byteplus.com/en/docs/ModelArk/ in English. "Seen" means reported by those who use the service.
"""

from reelway.errors import ErrorKind
from reelway.model.observation import FailureKind, Status

# 1520757 to create; 1521309 to retrieve and 1521720 to cancel, both with the id behind it.
TASKS = "api/v3/contents/generations/tasks"

# 1521309; `expired` on 1520757 and 1521720.
WORDS = {
    "queued": Status.QUEUED,
    "running": Status.RUNNING,
    "succeeded": Status.SUCCEEDED,
    "failed": Status.FAILED,
    "cancelled": Status.CANCELLED,
    "expired": Status.EXPIRED,
}

FAILURE_KINDS = {
    # 1520757: it waited and ran for longer than `execution_expires_after`.
    "expired": FailureKind.TIMEOUT,
}

# 1521720: a cancel of anything else is refused, or removes the record.
CANCELLABLE = frozenset({Status.QUEUED})

# Codes have parts, joined by dots. A row holds for all codes that begin with it, unless a longer one fits.

FAILURE_CODES = {
    # 1299023
    "SensitiveContentDetected": FailureKind.MODERATION,
    "InputTextSensitiveContentDetected": FailureKind.MODERATION,
    "InputImageSensitiveContentDetected": FailureKind.MODERATION,
    "InputVideoSensitiveContentDetected": FailureKind.MODERATION,
    "InputAudioSensitiveContentDetected": FailureKind.MODERATION,
    "OutputTextSensitiveContentDetected": FailureKind.MODERATION,
    "OutputImageSensitiveContentDetected": FailureKind.MODERATION,
    "OutputVideoSensitiveContentDetected": FailureKind.MODERATION,
    "OutputAudioSensitiveContentDetected": FailureKind.MODERATION,
    "InputTextRiskDetection": FailureKind.MODERATION,
    "InputImageRiskDetection": FailureKind.MODERATION,
    "OutputTextRiskDetection": FailureKind.MODERATION,
    "OutputImageRiskDetection": FailureKind.MODERATION,
    # 1299023; of Seedance 2.5 some come only when the job begins.
    "InvalidParameter": FailureKind.REJECTED,
    "MissingParameter": FailureKind.REJECTED,
    "InvalidImageURL": FailureKind.REJECTED,
    "InternalServiceError": FailureKind.INTERNAL,
}

ERROR_CODES = {
    # 1299023. The codes that are not here mean what their HTTP status does.
    "AccountOverdueError": ErrorKind.QUOTA,
    "OperationDenied.ServiceOverdue": ErrorKind.QUOTA,
    "QuotaExceeded": ErrorKind.QUOTA,
    "SetLimitExceeded": ErrorKind.QUOTA,
    # HTTP 404 about a model, which is no word about a task.
    "ModelNotOpen": ErrorKind.AUTH,
    "InvalidEndpointOrModel": ErrorKind.UNSUPPORTED,
    "UnsupportedModel": ErrorKind.UNSUPPORTED,
    "InvalidEndpoint": ErrorKind.UNSUPPORTED,
    # Seen, with HTTP 409.
    "InvalidAction.RunningTaskDeletion": ErrorKind.NOT_READY,
}

ERROR_MESSAGES = {
    # 1299023: QuotaExceeded has three meanings. This one is that too many tasks wait, which passes.
    "The request has exceeded the quota": ErrorKind.RATE_LIMITED,
}

# The SDKs name it; seen on answers.
REQUEST_ID_HEADER = "x-request-id"
