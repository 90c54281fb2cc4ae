"""What one simulated provider answers: keys, creates, polls, downloads, and the faults on top."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import ClassVar, Final, TypeAlias
from urllib.parse import quote

from msgspec import Struct
from msgspec.structs import replace

from reelway.errors import ConfigurationError, ErrorKind
from reelway.model.http import HttpRequest, HttpResponse, json_response
from reelway.model.observation import Status
from reelway.provider.simulator import CallKind, CancelEffect, SimulatedCall, SimulatedJob, Simulator
from reelway.sandbox.agenda import Agenda
from reelway.sandbox.callbacks import GIVEN_UP, Announcer, Callback, Letter, was_taken
from reelway.sandbox.chaos import Chaos
from reelway.sandbox.faults import Place
from reelway.sandbox.files import file_answer, store_error, whole_file
from reelway.sandbox.jobs import (
    QUEUED,
    Job,
    Stage,
    Timing,
    end_time,
    failure_of,
    placed,
    shown_to_poll,
    skew_of,
    stage_of,
    turning_points,
)
from reelway.sandbox.ledger import Book, CallEntry
from reelway.sandbox.links import Link, Links
from reelway.sandbox.plan import ArmedFault, Orders, Plan, marks_in
from reelway.sandbox.reply import NO_RESPONSE, Reply
from reelway.sandbox.spoil import Struck, spoil
from reelway.sandbox.video import video_of
from reelway.transport.clock import Clock

BAD_KEY: Final = "bad-key"
"""The one key that is always refused. Every other one is good."""


UNKNOWN_WORD: Final = "warming_up"

Outcome: TypeAlias = tuple[str, Reply]
"""The job that a call was about, empty where there is none, and the reply."""


class House(Struct, kw_only=True):
    """What all simulated providers of one sandbox share.

    Attributes:
        key: what callbacks are signed with.
        turns: jobs whose callers want to be told, and when there may be something to tell.
        outbox: callbacks that wait to be sent.
        first_job: the number in the id of each provider's first job.
    """

    clock: Clock
    timing: Timing
    links: Links
    public_url: str
    book: Book
    orders: Orders
    key: bytes
    turns: Agenda[Job]
    outbox: Agenda[Letter]
    chaos: Chaos | None = None
    first_job: int = 1


class Service:
    """One simulated provider and its jobs."""

    def __init__(self, name: str, simulator: Simulator, house: House) -> None:
        self.jobs: dict[str, Job] = {}
        self._name = name
        self._simulator = simulator
        self._house = house
        self._turned_away: dict[str, Plan] = {}
        self._announcer = Announcer(simulator, self._portrait, house.outbox, house.key)

    def answer(self, request: HttpRequest) -> Reply:
        """The reply to a call, which is put on record."""
        call = self._simulator.recognise(request)
        task_id, reply = self._handle(call, request)
        kind = call.kind if call else None
        entry = CallEntry(
            at=self._house.clock.now(),
            provider=self._name,
            call=kind or f"{request.method} {request.path}",
            task_id=task_id,
            outcome=reply.outcome,
            fault=reply.fault,
        )
        self._house.book.note(entry, kind, reply)
        return reply

    @property
    def callback_secret(self) -> str | None:
        """What this provider's callbacks are verified with."""
        return self._announcer.secret

    def look(self, job: Job, at: datetime) -> None:
        """Announce where a job has come to, if it has come to anywhere since the last look."""
        # The last digit of a time is rounded, and a job must not seem to stand a moment before its turn.
        stage = stage_of(job, self._house.timing, at + datetime.resolution)
        if job.callback_url is not None and stage.status is not job.told:
            job.told = stage.status
            self._announcer.announce(job, stage, at)

    def send(self, letter: Letter) -> Callback:
        """A callback as it leaves now."""
        return self._announcer.send(letter, self._house.clock.now())

    def delivered(self, letter: Letter, outcome: str) -> None:
        """Put on record what became of a callback; one that was not taken is sent again."""
        job, now = letter.job, self._house.clock.now()
        if self.jobs.get(job.task_id) is not job:
            # The sandbox was reset meanwhile.
            return
        entry = CallEntry(
            at=now,
            provider=self._name,
            call=Place.CALLBACK,
            task_id=job.task_id,
            outcome=outcome,
            fault=letter.fault,
        )
        self._house.book.calls.append(entry)
        if outcome in GIVEN_UP:
            return
        self._house.book.count("callbacks", self._name, job.task_id)
        # A stranger tries once.
        if letter.genuine and not was_taken(outcome):
            self._announcer.try_again(letter, now)

    def serve_file(self, job: Job, request: HttpRequest) -> Reply:
        """The reply to a request that came by a valid link."""
        honest = partial(self._file, job, request)
        if request.method == "HEAD":
            return Reply(response=honest())
        query = "&".join(f"{name}={value}" for name, value in request.query if name != "hop")
        elsewhere = f"{self._house.public_url}{request.path}?{query}"
        struck = Struck(honest=honest, error=store_error, elsewhere=elsewhere, task_id=job.task_id)
        return spoil(job.plan.strike(Place.LINK), struck)

    def stage(self, job: Job) -> Stage:
        """Where a job stands now."""
        return stage_of(job, self._house.timing, self._house.clock.now())

    def _handle(self, call: SimulatedCall | None, request: HttpRequest) -> Outcome:
        if call is None:
            return "", self._error(None, ErrorKind.UNSUPPORTED)
        if not self._has_good_key(request):
            return call.task_id, self._error(call, ErrorKind.AUTH)
        if call.kind is CallKind.CREATE:
            return self._create(call)
        job = self.jobs.get(call.task_id)
        if job is None or job.forgotten:
            return "", self._error(call, ErrorKind.NOT_FOUND)
        return self._handlers[call.kind](self, call, job)

    def _has_good_key(self, request: HttpRequest) -> bool:
        scheme, _, key = (request.header("authorization") or "").partition(" ")
        return scheme.lower() == self._simulator.auth_scheme.lower() and key.strip() not in {"", BAD_KEY}

    def _create(self, call: SimulatedCall) -> Outcome:
        if not call.fields:
            return "", self._error(call, ErrorKind.INVALID_REQUEST)
        try:
            plan = self._plan(call)
        except ConfigurationError as error:
            return "", Reply(response=_misspelt(error))
        armed = plan.strike(Place.CREATE)
        if armed is not None and not armed.fault.paid:
            # A client that tries again comes with the same request, and finds the fault counted down.
            self._turned_away[repr(call)] = plan
            return "", spoil(armed, self._struck(call))
        return self._made(call, plan, armed)

    def _made(self, call: SimulatedCall, plan: Plan, armed: ArmedFault | None) -> Outcome:
        task_id = self._simulator.new_id(call, self._house.first_job + len(self.jobs))
        now = self._house.clock.now()
        # A remix inherits the fields of its source, but nobody asked to be told about it.
        url = self._simulator.callback_url(call) if call.kind is CallKind.CREATE else None
        job = Job(provider=self._name, task_id=task_id, call=call, plan=plan, created_at=now, callback_url=url)
        self.jobs[task_id] = job
        for moment in turning_points(job, self._house.timing) if url else ():
            self._house.turns.add(moment, job)
        self._house.book.count("jobs", self._name, task_id)
        honest = partial(self._simulator.answer_create, self._view(job, QUEUED))
        return task_id, spoil(armed, self._struck(call, task_id, honest))

    def _remix(self, call: SimulatedCall, source: Job) -> Outcome:
        if self.stage(source).status is not Status.SUCCEEDED:
            return call.task_id, self._error(call, ErrorKind.NOT_READY)
        inherited = {name: value for name, value in source.call.fields.items() if name != "prompt"}
        return self._create(replace(call, fields=inherited | call.fields))

    def _retrieve(self, call: SimulatedCall, job: Job) -> Outcome:
        struck = self._struck(call, job.task_id, partial(self._poll, call, job))
        return job.task_id, spoil(job.plan.strike(Place.RETRIEVE), struck)

    def _poll(self, call: SimulatedCall, job: Job) -> HttpResponse:
        job.polls += 1
        job.shown = stage = shown_to_poll(job, self.stage(job))
        self._look_soon(job)
        word = UNKNOWN_WORD if job.plan.take("unknown-word") else None
        return self._simulator.answer_retrieve(call, self._view(job, stage, word))

    def _result(self, call: SimulatedCall, job: Job) -> Outcome:
        struck = self._struck(call, job.task_id, partial(self._result_answer, call, job))
        return job.task_id, spoil(job.plan.strike(Place.RESULT), struck)

    def _result_answer(self, call: SimulatedCall, job: Job) -> HttpResponse:
        # A result agrees with the poll before it, even where that one contradicts itself.
        return self._simulator.answer_result(call, self._view(job, job.shown or self.stage(job)))

    def _content(self, call: SimulatedCall, job: Job) -> Outcome:
        struck = self._struck(call, job.task_id, partial(self._content_answer, call, job))
        return job.task_id, spoil(job.plan.strike(Place.CONTENT), struck)

    def _content_answer(self, call: SimulatedCall, job: Job) -> HttpResponse:
        if self.stage(job).status is not Status.SUCCEEDED:
            return self._simulator.answer_error(call, ErrorKind.NOT_READY)
        self._house.book.count("downloads", self._name, job.task_id)
        return whole_file(video_of(self._name, job.task_id))

    def _cancel(self, call: SimulatedCall, job: Job) -> Outcome:
        effect = self._simulator.cancel_effects.get(self.stage(job).status)
        if effect is CancelEffect.REFUSE:
            return job.task_id, self._error(call, ErrorKind.NOT_READY)
        if effect is CancelEffect.STOP:
            job.by_hand = placed(Status.CANCELLED)
            self._look_soon(job)
        job.forgotten = effect is CancelEffect.FORGET
        return job.task_id, Reply(response=self._simulator.answer_cancel(call, self._view(job, self.stage(job))))

    _handlers: ClassVar[Mapping[CallKind, Callable[[Service, SimulatedCall, Job], Outcome]]] = {
        CallKind.RETRIEVE: _retrieve,
        CallKind.RESULT: _result,
        CallKind.CONTENT: _content,
        CallKind.REMIX: _remix,
        CallKind.CANCEL: _cancel,
    }

    def _file(self, job: Job, request: HttpRequest) -> HttpResponse:
        content = video_of(self._name, job.task_id)
        answer = file_answer(request, content, ranges=not job.plan.has("no-range"))
        if answer.ok and request.method == "GET":
            self._house.book.count("downloads", self._name, job.task_id)
        return answer

    def _plan(self, call: SimulatedCall) -> Plan:
        known = self._turned_away.pop(repr(call), None)
        if known is not None:
            return known
        written = [ArmedFault.parse(mark) for mark in marks_in(call.fields)]
        drawn = self._house.chaos.draw(self._name, call) if self._house.chaos else []
        return Plan([*written, *self._house.orders.take(), *drawn])

    def _view(self, job: Job, stage: Stage, word: str | None = None) -> SimulatedJob:
        now = self._house.clock.now()
        shown = simulated(job, stage, end_time(job, self._house.timing, now) if stage.status.final else now, word)
        if not links_to_file(job, stage):
            return shown
        if job.link is None or not self._house.links.works(job.link):
            expired = job.plan.take("expired-link")
            job.link = self._house.links.issue(self._name, job.task_id, expired=expired)
        return self._with_link(job, shown, job.link)

    def _portrait(self, job: Job, stage: Stage, at: datetime) -> SimulatedJob:
        """A job as a callback shows it, true or not; polls see nothing of it."""
        shown = simulated(job, stage, at)
        if not links_to_file(job, stage):
            return shown
        return self._with_link(job, shown, job.link or self._house.links.issue(self._name, job.task_id))

    def _with_link(self, job: Job, shown: SimulatedJob, link: Link) -> SimulatedJob:
        url = self._own_link(job) if job.plan.has("own-link") else f"{self._house.public_url}{link.target}"
        return replace(shown, video_url=url, expires_at=link.expires_at)

    def _own_link(self, job: Job) -> str:
        # The gateways' proxy has this path, whichever path the job was made by.
        return f"{self._house.public_url}/{self._name}/v1/videos/{quote(job.task_id, safe='')}/content"

    def _look_soon(self, job: Job) -> None:
        self._house.turns.add(self._house.clock.now(), job)

    def _struck(
        self, call: SimulatedCall, task_id: str = "", honest: Callable[[], HttpResponse] = lambda: NO_RESPONSE
    ) -> Struck:
        error = partial(self._simulator.answer_error, call)
        elsewhere = f"{self._house.public_url}/-/elsewhere"
        return Struck(honest=honest, error=error, elsewhere=elsewhere, task_id=task_id)

    def _error(self, call: SimulatedCall | None, kind: ErrorKind) -> Reply:
        return Reply(response=self._simulator.answer_error(call, kind))


def links_to_file(job: Job, stage: Stage) -> bool:
    """Whether a job at that stage names a link."""
    return stage.status is Status.SUCCEEDED and not job.plan.has("no-url")


def simulated(job: Job, stage: Stage, updated_at: datetime, word: str | None = None) -> SimulatedJob:
    """A job as its simulator is shown it, without a link."""
    return SimulatedJob(
        task_id=job.task_id,
        call=job.call,
        status=stage.status,
        created_at=job.created_at + skew_of(job),
        updated_at=updated_at + skew_of(job),
        progress=stage.progress,
        word=word,
        failure=failure_of(job, stage),
    )


def _misspelt(error: ConfigurationError) -> HttpResponse:
    """The sandbox's own answer to a fault that does not exist, in the envelope that the family reads."""
    details = {"message": str(error), "type": "invalid_request_error", "code": "unknown_fault"}
    return json_response({"error": details}, 400)
