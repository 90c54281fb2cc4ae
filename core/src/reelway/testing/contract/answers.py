"""Good answers of a provider, recorded and simulated: what the checks start from and change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from reelway.errors import ErrorKind, ProviderError
from reelway.model.http import Headers, HttpRequest, HttpResponse, Multipart
from reelway.model.observation import Failure, FailureKind, Observation, Status
from reelway.provider.canonical import Call, routes_of
from reelway.provider.interface import Provider
from reelway.provider.models import ModelSpec
from reelway.provider.readers import decode_object
from reelway.provider.reading import (
    needs_result,
    read_answer,
    read_callback,
    read_create,
    read_result,
    read_result_answer,
    read_retrieve,
)
from reelway.provider.simulator import CallKind, SimulatedCall, SimulatedJob, Simulator
from reelway.testing.contract.documents import Json, as_bytes
from reelway.testing.contract.samples import Sample
from reelway.testing.contract.wishes import examples, plain

CREATED: Final = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
UPDATED: Final = CREATED + timedelta(seconds=90)
EXPIRES: Final = CREATED + timedelta(days=1)

LINK: Final = "https://cdn.contract.example/v1/a%2Fb.mp4?sig=A%2Bb&expires=1767413045"

REASON: Final = Failure(kind=FailureKind.UNKNOWN, code="contract_code", message="The contract refused it.")


class Answer(Struct, frozen=True, kw_only=True):
    """One good answer.

    Attributes:
        name: where it comes from, for people.
        call: which call was answered.
        route: the read path that it belongs to.
        status, headers: as they came.
        document: the JSON object in its body.
        seen: what the provider reads in it.
    """

    name: str
    call: Call
    route: str
    document: dict[str, Json]
    seen: Observation
    status: int = 200
    headers: Headers = ()

    def response(self, body: bytes) -> HttpResponse:
        """The same answer with another body."""
        return HttpResponse(status=self.status, headers=self.headers, body=body)

    @property
    def body(self) -> bytes:
        """Its own body."""
        return as_bytes(self.document)


def read(provider: Provider, call: Call, response: HttpResponse, route: str) -> Observation:
    """What the provider reads in an answer, through the same border as in a client.

    Raises:
        ProviderError: it refuses the answer.
        PluginError: it stumbles over it.
    """
    return _READERS[call](provider, response, route)


def _first_of_callback(provider: Provider, response: HttpResponse, route: str) -> Observation:
    said = read_callback(provider, response.headers, response.body, verified=False)
    if not said:
        raise ProviderError("The callback speaks of no task.", kind=ErrorKind.PROTOCOL)
    return said[0]


_READERS: Final[Mapping[Call, Callable[[Provider, HttpResponse, str], Observation]]] = {
    Call.CREATE: read_create,
    Call.RETRIEVE: read_answer,
    Call.RESULT: read_result_answer,
    Call.CALLBACK: _first_of_callback,
}


def recorded(provider: Provider, samples: Iterable[Sample]) -> Iterator[Answer]:
    """The samples that are good answers; of a result also those that tell a bad end by an error status."""
    for sample in samples:
        for told in sample.told():
            if told.response.ok or told.call is Call.RESULT:
                yield from _understood(provider, f"sample {sample.name}", told.call, told.response, told.route)


def _understood(
    provider: Provider, name: str, call: Call, response: HttpResponse, route: str | None
) -> Iterator[Answer]:
    """The answer on the path that fits; none where no path does."""
    found = []
    for one in routes_of(provider) if route is None else [route]:
        try:
            seen = read(provider, call, response, one)
            document = decode_object(response.body)
        except ProviderError:
            continue
        answer = Answer(name=name, call=call, route=one, document=document, seen=seen)
        found.append(replace(answer, status=response.status, headers=response.headers))
    yield from [one for one in found if one.seen.task_id and one.seen.status][:1] or found[:1]


STAGES: Final[Mapping[Status, Mapping[str, Any]]] = {
    Status.QUEUED: {"updated_at": CREATED},
    Status.RUNNING: {"progress": 50},
    Status.SUCCEEDED: {"progress": 100, "video_url": LINK, "expires_at": EXPIRES},
    Status.FAILED: {"progress": 50, "failure": REASON},
}
"""What is special about a simulated job in each state."""


def simulated(provider: Provider, simulator: Simulator) -> Iterator[Answer]:
    """For a model of each form: the answer to its create, and one to a poll in each state, with its result."""
    for number, spec in enumerate(examples(provider.models), 1):
        for status in STAGES:
            job = simulated_job(provider, simulator, spec, status, number)
            name = f"simulated {status} {spec.name}"
            if status is Status.QUEUED:
                created = simulator.answer_create(job)
                yield from _understood(provider, f"{name}, created", Call.CREATE, created, job.call.route)
            poll = simulator.answer_retrieve(poll_of(job), job)
            yield from _understood(provider, name, Call.RETRIEVE, poll, job.call.route)
            if provider.info.ended and status.final:
                result = simulator.answer_result(poll_of(job, CallKind.RESULT), job)
                yield from _understood(provider, f"{name}, result", Call.RESULT, result, job.call.route)


def polled(provider: Provider, simulator: Simulator, job: SimulatedJob) -> Observation:
    """What one poll of a simulated job shows, with its second request where it takes one.

    Raises:
        ProviderError: an answer of the simulator is refused.
    """
    route, task_id = job.call.route, job.task_id
    poll = simulator.answer_retrieve(poll_of(job), job)
    seen = read_retrieve(provider, poll, route, task_id)
    if not needs_result(provider, seen):
        return seen
    result = simulator.answer_result(poll_of(job, CallKind.RESULT), job)
    return read_result(provider, poll, result, route, task_id)


def simulated_job(
    provider: Provider, simulator: Simulator, spec: ModelSpec, status: Status, number: int = 1, **facts: Any
) -> SimulatedJob:
    """A job of the simulated service, made by a plain request."""
    call = as_received(simulator, provider.encode_create(plain(spec), spec))
    call = call or SimulatedCall(kind=CallKind.CREATE, route=provider.route(spec.name), fields={"model": spec.name})
    usual = {"created_at": CREATED, "updated_at": UPDATED, **STAGES.get(status, {})}
    return SimulatedJob(task_id=simulator.new_id(call, number), call=call, status=status, **(usual | facts))


def poll_of(job: SimulatedJob, kind: CallKind = CallKind.RETRIEVE) -> SimulatedCall:
    """The call that asks for a job, or for its result."""
    return SimulatedCall(kind=kind, route=job.call.route, task_id=job.task_id)


def as_received(simulator: Simulator, request: HttpRequest) -> SimulatedCall | None:
    """A request as the simulated service understands it; the fields of a form as they were given."""
    call = simulator.recognise(request)
    if call is None or not isinstance(request.body, Multipart):
        return call
    return replace(call, fields=dict(request.body.fields))
