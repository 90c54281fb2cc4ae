"""The class that a provider plugin supplies."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from reelway.errors import ErrorKind, NotSupported
from reelway.model.http import Headers, HttpRequest, HttpResponse
from reelway.model.observation import FailureKind, Observation, Status
from reelway.model.request import VideoRequest
from reelway.provider.models import Catalog, ModelSpec

if TYPE_CHECKING:
    from reelway.provider.simulator import Simulator


INTERFACE_VERSION: Final = 1
"""The major version of this interface; a plugin that names another one is not loaded."""


class Capability(StrEnum):
    """What a provider can do beyond create and retrieve."""

    CONTENT = "content"
    REMIX = "remix"
    CANCEL = "cancel"
    CALLBACKS = "callbacks"


class Cadence(Struct, frozen=True):
    """Seconds between polls: the first wait, and the longest that waits grow to."""

    minimum: float
    maximum: float


class ProviderInfo(Struct, frozen=True, kw_only=True):
    """What a provider is, as data.

    Attributes:
        name: short name, the same as the entry point's.
        title: the name as people write it.
        base_url: where the service lives, without a path below it.
        key_variable: the environment variable that conventionally holds the key.
        auth_scheme: the word before the key in the ``Authorization`` header.
        docs_url: the provider's documentation.
        words: every documented or seen status word, folded (lower case, ``_`` for blanks), and its meaning.
        ended: folded words of ``words`` that say only that a task has ended. How, a second request tells, which is
            then made as part of the same poll; without an answer to it the task stays as it was.
        failure_kinds: folded words of bad ends that tell the kind of failure by themselves.
        cadence: how often to poll.
        capabilities: what it can do beyond create and retrieve.
        cancellable: where a task has to stand for its cancel to stop it; for any other the call is not made.
        nothing_created: (HTTP status, error code) pairs of a create that are documented to create nothing,
            although the status alone would leave it open.
        interface: the interface version the plugin was written for; of one that names none, the first.
    """

    name: str
    title: str
    base_url: str
    key_variable: str
    docs_url: str
    words: Mapping[str, Status]
    cadence: Cadence
    auth_scheme: str = "Bearer"
    ended: frozenset[str] = frozenset()
    failure_kinds: Mapping[str, FailureKind] = {}
    capabilities: frozenset[Capability] = frozenset()
    cancellable: frozenset[Status] = frozenset({Status.QUEUED, Status.RUNNING})
    nothing_created: frozenset[tuple[int, str]] = frozenset()
    # Not the version of whatever Reelway is installed: a plugin that names none was written for the first.
    interface: int = 1


class ErrorReading(Struct, frozen=True, kw_only=True):
    """What an error answer says."""

    kind: ErrorKind
    code: str | None = None
    message: str | None = None
    request_id: str | None = None


class Provider(ABC):
    """A provider, sans I/O: no network, no clock, no environment, no key. All methods are pure.

    The core sends the requests, adds host and key, maps the status word, and refuses an answer that speaks of
    another id. ``decode_*`` is only called with a 2xx answer and may raise ``ProviderError`` for an unreadable
    one. A complete small provider:

    ```python
    from reelway.model.http import HttpRequest, HttpResponse, json_request, segment
    from reelway.model.observation import Observation, Status
    from reelway.model.request import VideoRequest
    from reelway.provider.interface import Cadence, Provider, ProviderInfo
    from reelway.provider.models import Catalog, ModelSpec
    from reelway.provider.readers import decode_object, percent, text


    class Acme(Provider):
        info = ProviderInfo(
            name="acme",
            title="Acme Video",
            base_url="https://api.acme.example",
            key_variable="ACME_API_KEY",
            docs_url="https://docs.acme.example",
            words={"waiting": Status.QUEUED, "busy": Status.RUNNING, "ok": Status.SUCCEEDED, "bad": Status.FAILED},
            cadence=Cadence(5, 15),
        )
        models = Catalog(
            [ModelSpec(name="acme-1", form="plain", durations=(4, 8))],
            fallback=ModelSpec(name="*", form="plain"),
        )

        def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
            return json_request("POST", "v2/jobs", {"model": request.model, "text": request.prompt})

        def encode_retrieve(self, task_id: str, route: str) -> HttpRequest:
            return HttpRequest(method="GET", path=f"v2/jobs/{segment(task_id)}")

        def decode_create(self, response: HttpResponse, route: str) -> Observation:
            return self.decode_retrieve(response, route)

        def decode_retrieve(self, response: HttpResponse, route: str) -> Observation:
            job = decode_object(response.body)
            return Observation(
                task_id=text(job.get("job")),
                provider_status=text(job.get("state")),
                progress=percent(job.get("done")),
            )
    ```

    ``info`` and ``models`` belong to the class, or to the instance where the user configures the provider.

    Providers of the ``/v1/videos`` family start from :class:`reelway.provider.videos_api.VideosApi` and write
    tables only.
    """

    info: ProviderInfo
    models: Catalog

    def route(self, model: str) -> str:
        """Which of several read paths a task of this model will live on; empty where there is one only."""
        return ""

    @abstractmethod
    def encode_create(self, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
        """The request that creates the task.

        Args:
            request: checked against ``spec``; its media travel in one of ``spec.media_forms``.
            spec: the model, or the catalog's fallback for an unknown one.

        Raises:
            InvalidRequest: this combination cannot be written down for this provider.
        """

    @abstractmethod
    def encode_retrieve(self, task_id: str, route: str) -> HttpRequest:
        """The request that asks for the state of a task."""

    @abstractmethod
    def decode_create(self, response: HttpResponse, route: str) -> Observation:
        """Read a 2xx answer to a create or a remix; the status word stays as the provider wrote it."""

    @abstractmethod
    def decode_retrieve(self, response: HttpResponse, route: str) -> Observation:
        """Read a 2xx answer to a poll; the status word stays as the provider wrote it."""

    def encode_result(self, task_id: str, route: str) -> HttpRequest:
        """The request that tells how a task ended; made where the word of a poll is one of ``info.ended``."""
        raise self._not_supported("result route")

    def decode_result(self, poll: HttpResponse, result: HttpResponse, route: str) -> Observation | None:
        """Read how a task ended: from the answer to the poll, and from the one to ``encode_result``.

        A bad end may be told under any error status but those about the asking (401, 403, 407, 408, 425, 429). None
        means that the answer does not tell: then it was trouble on the way, and the task is polled again.
        """
        return None

    def encode_content(self, task_id: str, route: str, variant: str = "video") -> HttpRequest:
        """The request whose answer is the video itself."""
        raise self._not_supported("content route")

    def encode_remix(self, task_id: str, route: str, prompt: str, model: str | None) -> HttpRequest:
        """The request that makes a new task from a finished one."""
        raise self._not_supported("remix")

    def encode_cancel(self, task_id: str, route: str) -> HttpRequest:
        """The request that stops a task; made only for one that ``info.cancellable`` says can be stopped."""
        raise self._not_supported("cancel")

    def read_callback(self, headers: Headers, body: bytes) -> list[Observation]:
        """What a callback says. It is a hint: it sets no state unless it was verified."""
        raise self._not_supported("callbacks")

    def verify_callback(self, headers: Headers, body: bytes, secret: str, now: datetime) -> bool:
        """Whether a signature proves that the callback comes from the provider, and is not an old one sent again.

        Args:
            headers: as they arrived.
            body: as it arrived, byte for byte.
            secret: what the provider signs with, or its public keys, in the form in which it gives them out.
            now: for comparison with the time that was signed.
        """
        return False

    def read_error(self, response: HttpResponse) -> ErrorReading:
        """What an answer that is no 2xx says; by default from the HTTP status alone."""
        return ErrorReading(kind=kind_of_status(response.status))

    def simulator(self) -> Simulator | None:
        """The same wire spoken from the other side, for the sandbox; None where there is none yet."""
        return None

    def _not_supported(self, what: str) -> NotSupported:
        title = self.info.title
        return NotSupported(f"{title} documents no {what}.", hint=f"See {self.info.docs_url}.")


KIND_OF_STATUS: Final[Mapping[int, ErrorKind]] = {
    400: ErrorKind.INVALID_REQUEST,
    401: ErrorKind.AUTH,
    402: ErrorKind.QUOTA,
    403: ErrorKind.AUTH,
    404: ErrorKind.NOT_FOUND,
    405: ErrorKind.UNSUPPORTED,
    410: ErrorKind.NOT_FOUND,
    413: ErrorKind.INVALID_REQUEST,
    415: ErrorKind.INVALID_REQUEST,
    422: ErrorKind.INVALID_REQUEST,
    429: ErrorKind.RATE_LIMITED,
    501: ErrorKind.UNSUPPORTED,
    502: ErrorKind.UPSTREAM,
}
"""What an HTTP status means where the provider says nothing more (RFC 9110, section 15)."""


def kind_of_status(status: int) -> ErrorKind:
    """The error kind that follows from an HTTP status alone; 408, 409, 425 and other 5xx are passing trouble."""
    if status in KIND_OF_STATUS:
        return KIND_OF_STATUS[status]
    if 300 <= status < 400:
        return ErrorKind.UNSUPPORTED
    if status in {408, 409, 425} or status >= 500:
        return ErrorKind.UNAVAILABLE
    return ErrorKind.INVALID_REQUEST if status >= 400 else ErrorKind.PROTOCOL
