"""A provider's wire spoken from the other side: what the sandbox serves. Pure, like the provider itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.message import Message
from email.parser import BytesParser
from enum import StrEnum
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from reelway.errors import ErrorKind
from reelway.model.http import Headers, HttpRequest, HttpResponse, json_response
from reelway.model.observation import Failure, Status


class Evidence(StrEnum):
    """How well a simulated behaviour is known."""

    DOCUMENTED = "documented"
    SEEN = "seen in source"
    ASSUMED = "assumed"


class CallKind(StrEnum):
    """Which call a request makes."""

    CREATE = "create"
    RETRIEVE = "retrieve"
    RESULT = "result"
    CONTENT = "content"
    REMIX = "remix"
    CANCEL = "cancel"


class CancelEffect(StrEnum):
    """What a cancel does to a job."""

    STOP = "stop"
    """It ends cancelled."""
    REFUSE = "refuse"
    """Nothing, and the answer is an error."""
    FORGET = "forget"
    """Nobody who asks for it finds it any more."""


class SimulatedCall(Struct, frozen=True, kw_only=True):
    """A request as the simulated provider understands it.

    Attributes:
        kind: which call it is.
        route: which of the provider's read paths it belongs to.
        task_id: the id it speaks of; empty for a create.
        fields: the decoded JSON body or form; a file is its :class:`UploadedFile`.
    """

    kind: CallKind
    route: str = ""
    task_id: str = ""
    fields: dict[str, Any] = {}

    @property
    def model(self) -> str:
        """The model asked for."""
        return str(self.fields.get("model") or "")


class UploadedFile(Struct, frozen=True):
    """A file part of a multipart form, as the simulated provider received it."""

    filename: str
    content_type: str
    size: int


class SimulatedJob(Struct, frozen=True, kw_only=True):
    """A job of the simulated provider, at one moment.

    Attributes:
        task_id: the id, in the form this provider gives.
        call: the create or remix that made it.
        status: where it stands.
        word: a status word to show instead of the provider's usual one for ``status``.
        progress: percent.
        created_at, updated_at: the job's times; ``updated_at`` is the end time once it has ended.
        video_url: the signed link; None before success, and where a fault withholds it.
        expires_at: when the link ends.
        failure: the reason of a bad end; None where a fault withholds it.
    """

    task_id: str
    call: SimulatedCall
    status: Status
    created_at: datetime
    updated_at: datetime
    progress: int = 0
    word: str | None = None
    video_url: str | None = None
    expires_at: datetime | None = None
    failure: Failure | None = None

    @property
    def finished(self) -> bool:
        """Whether the job has ended."""
        return self.status.final


class SimulatedCallback(Struct, frozen=True, kw_only=True):
    """What the simulated provider posts to the address that a create named."""

    headers: Headers = ()
    body: bytes

    @classmethod
    def json(cls, document: Any) -> SimulatedCallback:
        """A callback that holds a document."""
        written = json_response(document)
        return cls(headers=written.headers, body=written.body)


class Simulator(ABC):
    """How one provider's service behaves, for every installed provider's place in the sandbox.

    Attributes:
        auth_scheme: the word before the key in the ``Authorization`` header.
        cancel_effects: what a cancel does to a job that stands there; nothing where no effect is named.
        callback_pauses: seconds before each further attempt at a callback that was not taken.
    """

    auth_scheme: ClassVar[str] = "Bearer"
    cancel_effects: ClassVar[Mapping[Status, CancelEffect]] = {
        Status.QUEUED: CancelEffect.STOP,
        Status.RUNNING: CancelEffect.STOP,
    }
    callback_pauses: ClassVar[Sequence[float]] = (1.0, 2.0, 4.0)

    @abstractmethod
    def recognise(self, request: HttpRequest) -> SimulatedCall | None:
        """Which call a request makes, or None for a path that the provider does not serve."""

    @abstractmethod
    def new_id(self, call: SimulatedCall, number: int) -> str:
        """The id of the ``number``-th job, in the form this provider gives."""

    @abstractmethod
    def answer_create(self, job: SimulatedJob) -> HttpResponse:
        """The answer to a create or a remix."""

    @abstractmethod
    def answer_retrieve(self, call: SimulatedCall, job: SimulatedJob) -> HttpResponse:
        """The answer to a poll."""

    def answer_result(self, call: SimulatedCall, job: SimulatedJob) -> HttpResponse:
        """The answer to the request for a result; only for providers that tell it apart from a poll."""
        return self.answer_error(call, ErrorKind.UNSUPPORTED)

    def answer_cancel(self, call: SimulatedCall, job: SimulatedJob) -> HttpResponse:
        """The answer to a cancel that was not refused; by default how the job stands after it."""
        return self.answer_retrieve(call, job)

    @abstractmethod
    def answer_error(self, call: SimulatedCall | None, kind: ErrorKind) -> HttpResponse:
        """The answer to a call that fails; ``call`` is None for an unknown path."""

    def callback_url(self, call: SimulatedCall) -> str | None:
        """Where the job of a create is to be told about; None where nobody asked."""
        return None

    def write_callback(self, job: SimulatedJob) -> SimulatedCallback | None:
        """What is posted when a job has come to stand there; None where the provider tells nothing of that."""
        return None

    def sign_callback(self, callback: SimulatedCallback, key: bytes, now: datetime) -> Headers:
        """The headers that prove where a callback comes from, by a secret of 32 bytes; none without signatures."""
        return ()

    def callback_secret(self, key: bytes) -> str | None:
        """What ``Provider.verify_callback`` proves callbacks with that ``key`` signed; None without signatures."""
        return None


def fields_of(request: HttpRequest) -> dict[str, Any]:
    """The fields of a JSON or multipart body; empty where there is neither."""
    if not isinstance(request.body, bytes):
        return {}
    content_type = request.header("content-type") or ""
    if content_type.startswith("multipart/form-data"):
        return _form_fields(content_type, request.body)
    try:
        document = msgspec.json.decode(request.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _form_fields(content_type: str, body: bytes) -> dict[str, Any]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    form = BytesParser().parsebytes(head + body)
    parts = form.get_payload()
    fields: dict[str, Any] = {}
    for part in parts if isinstance(parts, list) else []:
        if isinstance(part, Message):
            name = str(part.get_param("name", header="content-disposition"))
            _add(fields, name, _part_value(part))
    return fields


def _part_value(part: Message) -> str | UploadedFile:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else b""
    filename = part.get_filename()
    if filename is None:
        return content.decode("utf-8", "replace")
    return UploadedFile(filename, part.get_content_type(), len(content))


def _add(fields: dict[str, Any], name: str, value: Any) -> None:
    """A name that stands twice becomes a list, as repeated form fields do."""
    if name not in fields:
        fields[name] = value
    elif isinstance(fields[name], list):
        fields[name].append(value)
    else:
        fields[name] = [fields[name], value]
