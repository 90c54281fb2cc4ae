"""Reelway follows AI video-generation jobs on any provider: submit once, follow to the end, hold the file."""

from reelway._version import __version__
from reelway.account import Account
from reelway.client import AsyncClient, Client
from reelway.errors import (
    Billed,
    CallbackRefused,
    ConfigurationError,
    DownloadError,
    ErrorKind,
    Fault,
    InvalidRequest,
    LedgerError,
    LinkExpired,
    NotSupported,
    OutputMissing,
    PluginError,
    Problem,
    ProviderError,
    ProviderUnreachable,
    ReelwayError,
    SubmissionRejected,
    SubmissionUnknown,
    TaskCancelled,
    TaskExpired,
    TaskFailed,
    TaskLost,
    WaitTimeout,
)
from reelway.ledger.interface import Ledger
from reelway.ledger.records import Entry
from reelway.ledgers import open_ledger
from reelway.model.lifecycle import (
    Anomaly,
    ArtifactGone,
    Event,
    LinksRefreshed,
    NotFoundSeen,
    ProgressMoved,
    ResultStored,
    StatusChanged,
    UnknownWordSeen,
)
from reelway.model.observation import Failure, FailureKind, Status, Video
from reelway.model.request import Media, MediaKind, VideoRequest
from reelway.model.secret import Secret
from reelway.model.submission import Submission, SubmissionState
from reelway.model.task import Artifact, Task, TaskRef
from reelway.provider.models import OnUnsupported
from reelway.provider.registry import Registry
from reelway.requesting import Preview
from reelway.results import Download, Waited

__all__ = [
    "Account",
    "Anomaly",
    "Artifact",
    "ArtifactGone",
    "AsyncClient",
    "Billed",
    "CallbackRefused",
    "Client",
    "ConfigurationError",
    "Download",
    "DownloadError",
    "Entry",
    "ErrorKind",
    "Event",
    "Failure",
    "FailureKind",
    "Fault",
    "InvalidRequest",
    "Ledger",
    "LedgerError",
    "LinkExpired",
    "LinksRefreshed",
    "Media",
    "MediaKind",
    "NotFoundSeen",
    "NotSupported",
    "OnUnsupported",
    "OutputMissing",
    "PluginError",
    "Preview",
    "Problem",
    "ProgressMoved",
    "ProviderError",
    "ProviderUnreachable",
    "ReelwayError",
    "Registry",
    "ResultStored",
    "Secret",
    "Status",
    "StatusChanged",
    "Submission",
    "SubmissionRejected",
    "SubmissionState",
    "SubmissionUnknown",
    "Task",
    "TaskCancelled",
    "TaskExpired",
    "TaskFailed",
    "TaskLost",
    "TaskRef",
    "UnknownWordSeen",
    "Video",
    "VideoRequest",
    "WaitTimeout",
    "Waited",
    "__version__",
    "open_ledger",
]
