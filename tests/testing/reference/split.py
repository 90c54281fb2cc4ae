"""The reference provider where a poll says only that a task has ended, and a second request tells how."""

from __future__ import annotations

from msgspec.structs import replace

from reelway.model.http import HttpRequest, HttpResponse, json_response
from reelway.model.observation import Observation, Status
from reelway.provider.simulator import CallKind, SimulatedCall, SimulatedJob, Simulator
from tests.testing.reference.provider import INFO, Reference
from tests.testing.reference.simulator import ReferenceSimulator

BAD_END = 422
"""The HTTP status under which the service tells a bad end."""


class SplitSimulator(ReferenceSimulator):
    """The service from the other side."""

    def recognise(self, request: HttpRequest) -> SimulatedCall | None:
        """What is below a poll's address is the result."""
        if not request.path.endswith("/result"):
            return super().recognise(request)
        as_poll = super().recognise(replace(request, path=request.path.removesuffix("/result")))
        return as_poll and replace(as_poll, kind=CallKind.RESULT)

    def answer_retrieve(self, call: SimulatedCall, job: SimulatedJob) -> HttpResponse:
        """How the task stands, and of one that has ended no more than that."""
        if not job.finished or job.word:
            return super().answer_retrieve(call, job)
        open_end = replace(job, word="over", video_url=None, expires_at=None, failure=None)
        return super().answer_retrieve(call, open_end)

    def answer_result(self, call: SimulatedCall, job: SimulatedJob) -> HttpResponse:
        """The finished task; a bad end under an HTTP status of its own."""
        status = 200 if job.status is Status.SUCCEEDED else BAD_END
        return json_response(self.reads[call.route](job), status)


class Split(Reference):
    """The provider."""

    info = replace(INFO, words={**INFO.words, "over": Status.RUNNING}, ended=frozenset({"over"}))

    def encode_result(self, task_id: str, route: str) -> HttpRequest:
        """The request for the result, below the poll's address."""
        poll = self.encode_retrieve(task_id, route)
        return replace(poll, path=f"{poll.path}/result")

    def decode_result(self, poll: HttpResponse, result: HttpResponse, route: str) -> Observation | None:
        """A result reads as a poll does; one under another status than these is none."""
        return self.decode_retrieve(result, route) if result.status in {200, BAD_END} else None

    def simulator(self) -> Simulator | None:
        """The service from the other side."""
        return SplitSimulator()
