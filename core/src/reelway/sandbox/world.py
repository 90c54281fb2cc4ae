"""The simulated world: which part of the sandbox answers a request."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from threading import RLock

from msgspec.structs import asdict, replace

from reelway.errors import ConfigurationError, ErrorKind
from reelway.model.http import HttpRequest
from reelway.model.observation import Status
from reelway.provider.simulator import Simulator
from reelway.sandbox import desk
from reelway.sandbox.agenda import Agenda
from reelway.sandbox.callbacks import Callback, Letter, Outcome
from reelway.sandbox.chaos import Chaos
from reelway.sandbox.faults import Place
from reelway.sandbox.files import store_error
from reelway.sandbox.jobs import Job, Pace, Timing, placed
from reelway.sandbox.ledger import Book, CallEntry, Ledger, TaskEntry
from reelway.sandbox.links import FOLDER, Links, task_at
from reelway.sandbox.plan import ArmedFault, Orders
from reelway.sandbox.reply import Reply
from reelway.sandbox.service import House, Service
from reelway.sandbox.video import digest, video_of
from reelway.transport.clock import Clock


class World:
    """All simulated providers, their files, and the desk at ``/-/`` where they are steered; no sockets.

    Safe to use from several threads.
    """

    def __init__(
        self,
        simulators: Mapping[str, Simulator],
        *,
        clock: Clock,
        public_url: str,
        pace: Pace = Pace.CLOCK,
        job_seconds: float = 3.0,
        job_polls: int = 4,
        link_seconds: float = 3600.0,
        seed: int = 0,
        chaos: int | None = None,
        first_job: int = 1,
    ) -> None:
        """Build the world.

        Args:
            simulators: by the first part of the path that each is served under.
            clock: moves the jobs and ends the links.
            public_url: how the sandbox is reached, without a slash at the end; links start with it.
            pace: whether jobs move by the clock, by the number of polls, or by hand.
            job_seconds: how long a job takes by the clock.
            job_polls: with which poll it ends by their number.
            link_seconds: how long a link works.
            seed: the same seed signs the same links and callbacks.
            chaos: a seed; then tasks meet faults by chance, and the same seed gives the same faults.
            first_job: the number in the id of the first job; ids are told apart where sandboxes begin apart.
        """
        self._simulators = dict(simulators)
        self._lock = RLock()
        self._house = House(
            clock=clock,
            timing=Timing(pace=pace, job_seconds=job_seconds, job_polls=job_polls),
            links=Links(clock, seconds=link_seconds, seed=seed),
            public_url=public_url,
            book=Book(),
            orders=Orders(),
            key=hashlib.sha256(f"reelway sandbox callbacks {seed}".encode()).digest(),
            turns=Agenda(),
            outbox=Agenda(),
            first_job=first_job,
        )
        self._chaos_seed = chaos
        self.reset()

    @property
    def public_url(self) -> str:
        """How the sandbox is reached; a server sets it when it knows its port."""
        return self._house.public_url

    @public_url.setter
    def public_url(self, url: str) -> None:
        self._house.public_url = url.rstrip("/")

    @property
    def providers(self) -> tuple[str, ...]:
        """The names of the simulated providers."""
        return tuple(self._simulators)

    def base_url(self, provider: str) -> str:
        """The base URL that stands for a provider's own.

        Raises:
            ConfigurationError: the provider is not simulated here.
        """
        if provider not in self._simulators:
            have = ", ".join(self._simulators) or "none"
            raise ConfigurationError(f"The sandbox has no provider {provider!r}; it has: {have}.")
        return f"{self.public_url}/{provider}"

    def answer(self, request: HttpRequest) -> Reply:
        """The reply to one request; its path starts with the provider's name, and its body is bytes."""
        if not isinstance(request.body, bytes | None):
            raise TypeError("The sandbox reads bytes: write a multipart form out before it is sent here.")
        path = "/" + request.path.lstrip("/")
        first, _, rest = path[1:].partition("/")
        with self._lock:
            self._catch_up()
            if path.startswith(FOLDER):
                return self._file(replace(request, path=path))
            if first in {"", "-"}:
                return self._desk(rest, request)
            if first not in self._services:
                return Reply(response=desk.unknown(f"There is no provider {first!r} here."))
            return self._services[first].answer(replace(request, path=f"/{rest}"))

    def ledger(self) -> Ledger:
        """What was seen so far."""
        with self._lock:
            book = self._house.book
            return Ledger(
                **asdict(book.counts(self._services)),
                keys_at_links=book.keys_at_links,
                providers={name: book.counts([name]) for name in self._services},
                tasks=tuple(
                    self._entry(job) for service in self._services.values() for job in service.jobs.values()
                ),
                calls=tuple(book.calls),
            )

    def order(self, faults: Iterable[str], creates: int = 1) -> None:
        """Give the next creates these faults, beside those in their prompts; replaces what was ordered before.

        Raises:
            ConfigurationError: there is no such fault.
        """
        spelt = tuple(faults)
        for fault in spelt:
            ArmedFault.parse(fault)
        with self._lock:
            self._house.orders = Orders(spelt, creates)

    def steer(
        self,
        provider: str,
        task_id: str,
        *,
        status: Status | None = None,
        progress: int | None = None,
        reason: str | None = None,
        faults: Iterable[str] = (),
    ) -> TaskEntry:
        """Put a job somewhere, where it then stays, or give it more faults.

        Raises:
            LookupError: there is no such job.
            ConfigurationError: there is no such fault, or no job can be there.
        """
        armed = [ArmedFault.parse(fault) for fault in faults]
        if status is Status.LOST:
            raise ConfigurationError("No provider says 'lost'; give the job the fault 'missing' instead.")
        with self._lock:
            self._catch_up()
            job = self._job(provider, task_id)
            job.plan.add(armed)
            job.reason = reason or job.reason
            if status is not None:
                job.by_hand, job.ended_at = placed(status, progress), None
                self._services[provider].look(job, self._house.clock.now())
            return self._entry(job)

    def next_callback(self) -> Letter | None:
        """Take the next callback whose time has come; :meth:`delivered` wants to know what became of it."""
        with self._lock:
            self._catch_up()
            for _, letter in self._house.outbox.take_due(self._house.clock.now()):
                if not letter.lost:
                    return letter
                self._services[letter.job.provider].delivered(letter, Outcome.LOST)
            return None

    def sealed(self, letter: Letter) -> Callback:
        """A callback as it leaves now, with its signature where the provider signs."""
        with self._lock:
            return self._services[letter.job.provider].send(letter)

    def delivered(self, letter: Letter, outcome: str) -> None:
        """Put on record what became of a callback: an HTTP status, or why there is none."""
        with self._lock:
            self._services[letter.job.provider].delivered(letter, outcome)

    def callback_secret(self, provider: str) -> str | None:
        """What ``Provider.verify_callback`` proves the callbacks of this sandbox with; None without signatures.

        Raises:
            ConfigurationError: the provider is not simulated here.
        """
        self.base_url(provider)
        return self._services[provider].callback_secret

    def reset(self) -> None:
        """Forget all jobs, counts and orders."""
        with self._lock:
            self._house.book, self._house.orders = Book(), Orders()
            self._house.turns, self._house.outbox = Agenda(), Agenda()
            self._house.chaos = None if self._chaos_seed is None else Chaos(self._chaos_seed)
            self._services = {name: Service(name, one, self._house) for name, one in self._simulators.items()}

    def _catch_up(self) -> None:
        """See each turn of a job at its own time, before anything else happens."""
        for at, job in self._house.turns.take_due(self._house.clock.now()):
            self._services[job.provider].look(job, at)

    def _desk(self, path: str, request: HttpRequest) -> Reply:
        if path == "elsewhere":
            self._look_for_key(request)
        return Reply(response=desk.answer(self, path, request))

    def _file(self, request: HttpRequest) -> Reply:
        self._look_for_key(request)
        provider, task_id = task_at(request.path)
        reply = self._file_reply(provider, task_id, request)
        entry = CallEntry(
            at=self._house.clock.now(),
            provider=provider,
            call=Place.LINK,
            task_id=task_id,
            outcome=reply.outcome,
            fault=reply.fault,
        )
        self._house.book.calls.append(entry)
        return reply

    def _file_reply(self, provider: str, task_id: str, request: HttpRequest) -> Reply:
        if request.method not in {"GET", "HEAD"}:
            return Reply(response=store_error(ErrorKind.UNSUPPORTED))
        if not self._house.links.admits(request):
            return Reply(response=store_error(ErrorKind.AUTH))
        try:
            job = self._job(provider, task_id)
        except LookupError:
            return Reply(response=store_error(ErrorKind.NOT_FOUND))
        return self._services[provider].serve_file(job, request)

    def _look_for_key(self, request: HttpRequest) -> None:
        if request.header("authorization") is not None:
            self._house.book.keys_at_links += 1

    def _job(self, provider: str, task_id: str) -> Job:
        service = self._services.get(provider)
        if service is None or task_id not in service.jobs:
            raise LookupError(f"The sandbox has no job {task_id!r} of {provider!r}.")
        return service.jobs[task_id]

    def _entry(self, job: Job) -> TaskEntry:
        content = video_of(job.provider, job.task_id)
        book = self._house.book
        return TaskEntry(
            provider=job.provider,
            task_id=job.task_id,
            status=self._services[job.provider].stage(job).status,
            faults=job.plan.names,
            polls=book.of_task("polls", job.provider, job.task_id),
            downloads=book.of_task("downloads", job.provider, job.task_id),
            size=len(content),
            sha256=digest(content),
        )
