"""Every error Reelway raises.

    ReelwayError
    ├── ConfigurationError      a key, an address or an option is missing or malformed
    ├── PluginError             a provider plugin cannot be found, loaded or trusted
    ├── InvalidRequest          the request would be refused; lists every problem; nothing was sent
    ├── NotSupported            the provider has no such call
    ├── ProviderError           the provider answered with an error, or with something unreadable
    │   └── SubmissionRejected  it refused to create the task; nothing was billed
    ├── SubmissionUnknown       a create may or may not have happened; it is never sent again by itself
    ├── TaskFailed              the job ended badly
    │   ├── TaskCancelled
    │   ├── TaskExpired
    │   └── TaskLost            the provider no longer knows the id
    ├── WaitTimeout             the wait ran out of time; the job goes on
    ├── ProviderUnreachable     too many polls failed in a row; the job goes on
    ├── DownloadError           the result could not be fetched whole; nothing is under its final name
    │   ├── LinkExpired         no link works any more
    │   └── OutputMissing       the job succeeded, but there is nothing to fetch
    ├── CallbackRefused         a callback could not be authenticated
    └── LedgerError             the ledger cannot be opened, read or written

Each says what happened, whose fault it is and what to do, and carries ``retryable`` (the same call may succeed
later), ``resubmit_safe`` (creating again cannot pay twice), ``billed`` and, where there is one, the ``task``.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from msgspec import Struct

if TYPE_CHECKING:
    from datetime import datetime

    from reelway.model.task import Task


class Fault(StrEnum):
    """Whose fault an error is."""

    CALLER = "caller"
    PROVIDER = "provider"
    NETWORK = "network"
    PLUGIN = "plugin"
    MACHINE = "machine"


class Billed(StrEnum):
    """Whether the call may have cost money."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class ErrorKind(StrEnum):
    """What a provider's error answer means."""

    AUTH = "auth"
    QUOTA = "quota"
    RATE_LIMITED = "rate_limited"
    INVALID_REQUEST = "invalid_request"
    NOT_FOUND = "not_found"
    NOT_READY = "not_ready"
    UNSUPPORTED = "unsupported"
    UNAVAILABLE = "unavailable"
    UPSTREAM = "upstream"
    PROTOCOL = "protocol"


class KindFacts(NamedTuple):
    """What follows from an error kind."""

    retryable: bool
    fault: Fault
    hint: str


KIND_FACTS: dict[ErrorKind, KindFacts] = {
    ErrorKind.AUTH: KindFacts(False, Fault.CALLER, "Check the key and what it is allowed to do."),
    ErrorKind.QUOTA: KindFacts(False, Fault.CALLER, "Top up the account; trying again will not help."),
    ErrorKind.RATE_LIMITED: KindFacts(True, Fault.CALLER, "Slow down and try again later."),
    ErrorKind.INVALID_REQUEST: KindFacts(False, Fault.CALLER, "Change the request as the message says."),
    ErrorKind.NOT_FOUND: KindFacts(False, Fault.CALLER, "Check the id, the account and the base URL."),
    ErrorKind.NOT_READY: KindFacts(True, Fault.PROVIDER, "Wait until the task has finished."),
    ErrorKind.UNSUPPORTED: KindFacts(
        False,
        Fault.CALLER,
        "The provider has no such call at this base URL; check the base URL and the model.",
    ),
    ErrorKind.UNAVAILABLE: KindFacts(True, Fault.PROVIDER, "Try again later."),
    ErrorKind.UPSTREAM: KindFacts(
        True, Fault.PROVIDER, "The service behind the gateway has trouble; try again later."
    ),
    ErrorKind.PROTOCOL: KindFacts(
        True,
        Fault.PROVIDER,
        "The answer is not what the provider documents; check the base URL, or try again later.",
    ),
}


class Problem(Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a request, in the user's terms."""

    field: str
    message: str
    allowed: tuple[str, ...] = ()

    def __str__(self) -> str:
        allowed = f" (allowed: {', '.join(self.allowed)})" if self.allowed else ""
        return f"{self.field}: {self.message}{allowed}"


class ReelwayError(Exception):
    """The base of every error Reelway raises on purpose.

    Attributes:
        hint: what to do about it.
        fault: whose fault it is.
        retryable: whether the same call may succeed later.
        resubmit_safe: whether creating again cannot pay twice. An error that holds a task denies it, whatever its
            class says, unless the job ended badly.
        billed: whether money may have been spent.
        task: the task it is about, where there is one.
    """

    fault: Fault = Fault.CALLER
    retryable: bool = False
    resubmit_safe: bool = True
    billed: Billed = Billed.NO
    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str | None = None, task: Task | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = self.default_hint if hint is None else hint
        self.task: Task | None = None
        if task is not None:
            self.hold(task)

    def hold(self, task: Task) -> None:
        """Make it an error about this task: there is one, so creating it again could pay twice."""
        self.task = task
        self.resubmit_safe = False
        self.billed = Billed.UNKNOWN if self.billed is Billed.NO else self.billed

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are made again from their positional arguments, which are not all that ours are made from.
        return _as_it_was, (type(self), self.args, vars(self))


def _as_it_was(kind: type[ReelwayError], args: tuple[Any, ...], facts: dict[str, Any]) -> ReelwayError:
    """An error that comes from another process, or a copy of one."""
    error = kind.__new__(kind, *args)
    vars(error).update(facts)
    return error


class ConfigurationError(ReelwayError):
    """A key, an address or an option is missing or malformed. Nothing was sent."""


class PluginError(ReelwayError):
    """A provider plugin cannot be found or loaded, or broke the rules of the interface."""

    fault = Fault.PLUGIN


class InvalidRequest(ReelwayError):
    """The request would be refused. Nothing was sent; ``problems`` lists all that is wrong."""

    default_hint = "Nothing was sent."

    def __init__(self, problems: Sequence[Problem], *, summary: str = "The request is not valid.") -> None:
        self.problems = tuple(problems)
        super().__init__("\n  - ".join((summary, *map(str, self.problems))))

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}"


class NotSupported(ReelwayError):
    """The provider has no such call, or none for a task that stands there; it was not made."""


class ProviderError(ReelwayError):
    """The provider answered with an error, or with something that cannot be read.

    Attributes:
        kind: what the answer means.
        status: the HTTP status, where there was an answer.
        code: the provider's own error code.
        request_id: the provider's id of the request, to quote to its support.
        retry_after: seconds the provider asked to wait.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: ErrorKind,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        hint: str | None = None,
        task: Task | None = None,
    ) -> None:
        facts = KIND_FACTS[kind]
        super().__init__(message, hint=facts.hint if hint is None else hint, task=task)
        self.kind = kind
        self.fault = facts.fault
        self.retryable = facts.retryable
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after


class SubmissionRejected(ProviderError):
    """The provider refused to create the task. Nothing was created and nothing billed."""


class SubmissionUnknown(ReelwayError):
    """A create left this machine and its outcome is not known: the task may exist and be billed.

    It is never sent again by itself. Look at the provider's own list of tasks before submitting again. With a
    ledger, ``client.adopt`` goes on with the task that was found, and ``client.abandon`` says that there is none.

    Attributes:
        submission_id: Reelway's own id of the attempt.
        sent_at: when the request left.
        phase: how far the exchange got.
        response: the raw answer, where there was one.
        recorded: whether a ledger remembers the attempt, so that it can be adopted or abandoned there.
    """

    fault = Fault.NETWORK
    resubmit_safe = False
    billed = Billed.UNKNOWN
    default_hint = (
        "It will not be sent again by itself. Look whether the task exists in the provider's dashboard; "
        "if it does, go on with its id, and submit again only if it does not."
    )

    def __init__(
        self,
        message: str,
        *,
        submission_id: str,
        sent_at: datetime,
        phase: str,
        response: bytes | None = None,
        recorded: bool = False,
    ) -> None:
        super().__init__(message, hint=_settling(submission_id) if recorded else None)
        self.submission_id = submission_id
        self.sent_at = sent_at
        self.phase = phase
        self.response = response
        self.recorded = recorded


def _settling(submission_id: str) -> str:
    return (
        "It will not be sent again by itself. Look whether the task exists in the provider's dashboard; if so, "
        f"go on with its id: adopt({submission_id!r}, task_id). "
        f"Only if it does not, abandon({submission_id!r}) and create again."
    )


class TaskFailed(ReelwayError):
    """The job ended badly; ``task.failure`` says why, as far as the provider told."""

    fault = Fault.PROVIDER
    billed = Billed.UNKNOWN
    default_hint = "Creating again makes a new, separately billed job."

    def hold(self, task: Task) -> None:
        """Make it an error about this task, which has ended: another one is paid for knowingly."""
        self.task = task


class TaskCancelled(TaskFailed):
    """The job was cancelled at the provider."""


class TaskExpired(TaskFailed):
    """The provider gave the job up because it took too long."""


class TaskLost(TaskFailed):
    """The provider no longer knows the id; this is our conclusion, and a later sighting takes it back."""

    resubmit_safe = False
    default_hint = "Check the account and the base URL, then wait again with the same reference."


class WaitTimeout(ReelwayError):
    """The wait ran out of time. The job goes on; wait again with the same task."""

    fault = Fault.PROVIDER
    retryable = True
    resubmit_safe = False
    billed = Billed.UNKNOWN
    default_hint = "The job goes on and nothing is lost: wait again with the same task."


class ProviderUnreachable(ReelwayError):
    """Too many polls failed in a row, or the key was refused. The job goes on; wait again with the same task."""

    fault = Fault.NETWORK
    retryable = True
    resubmit_safe = False
    billed = Billed.UNKNOWN
    default_hint = "The job goes on and nothing is lost: wait again with the same task."


class DownloadError(ReelwayError):
    """The result could not be fetched whole. Nothing stands under its final name; the paid result still exists."""

    fault = Fault.PROVIDER
    retryable = True
    resubmit_safe = False
    billed = Billed.YES
    default_hint = "Download again; what has arrived so far is kept beside the target and continued."


class LinkExpired(DownloadError):
    """Every link was refused, renewed ones included."""

    retryable = False
    default_hint = "The provider no longer serves the result; ask its support with the task's id."


class OutputMissing(DownloadError):
    """The job succeeded, but the provider names no link and serves no content."""

    retryable = False
    default_hint = "Retrieve the task again later; the link may appear with delay."


class CallbackRefused(ReelwayError):
    """A callback could not be authenticated; nothing of it was believed."""


class LedgerError(ReelwayError):
    """The ledger cannot be opened, read or written. Without a record of its intent, no create is sent.

    Where it holds a task, that task was created and is paid for, but may stand in no ledger: keep its reference.
    """

    fault = Fault.MACHINE
    retryable = True
    default_hint = "See to the place where the ledger is kept, then call again."
