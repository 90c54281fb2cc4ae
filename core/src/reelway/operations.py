"""Which flow each operation of a client is. Shared by both clients, so that neither can differ from the other."""

from __future__ import annotations

import logging
import random
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reelway.account import Account, OpenAccount
from reelway.addresses import addressed, masked_address, needs_address, new_address
from reelway.ages import Ages
from reelway.digesting import remix_digest, request_digest
from reelway.downloading import downloaded, fetch_plan
from reelway.errors import ConfigurationError, InvalidRequest, Problem
from reelway.flow.cancel import cancel
from reelway.flow.effects import Effect, Flow, Observe, Record, Work, perform
from reelway.flow.fetch import Fetched
from reelway.flow.follow import FollowPlan, follow, retrieve
from reelway.flow.media import with_media, without_bytes
from reelway.flow.schedule import spread
from reelway.flow.submit import Keepsake, SubmitPlan, submit
from reelway.keeping import Keeper
from reelway.ledger.checks import checked_key, checked_label, checked_metadata
from reelway.ledger.interface import Ledger
from reelway.limits import check_number
from reelway.listeners import Listeners, OnChange
from reelway.memory import Memory, bring_forward
from reelway.model.http import HttpRequest, is_safe_id
from reelway.model.observation import Status
from reelway.model.request import VideoRequest
from reelway.model.submission import UNSENT, Submission, SubmissionState
from reelway.model.task import Task, TaskRef
from reelway.observing import observing_of
from reelway.provider.carried import lost_fields
from reelway.provider.interface import Provider
from reelway.provider.models import CheckedRequest, ModelSpec, OnUnsupported, check, refuse
from reelway.provider.registry import Registry
from reelway.provider.writing import written
from reelway.requesting import Note, Preview, preview_of
from reelway.storing.place import OpenStore, place_of
from reelway.storing.template import Result
from reelway.transport.clock import Clock, SystemClock
from reelway.transport.http import HttpSettings
from reelway.transport.stepping import Job
from reelway.transport.wire import Endpoint
from reelway.transport.witness import UNKEPT, Exchange, Witness

if TYPE_CHECKING:
    from reelway.recording.recorder import Recorder

logger: Final = logging.getLogger("reelway")

TaskLike: TypeAlias = Task | TaskRef | str
"""A task, its reference, the text of one, or a bare id of the client's only account."""

OnSubmission: TypeAlias = Callable[[Submission], None]

Progress: TypeAlias = Callable[[int, int | None], None] | None
"""Is told the bytes received and the whole length, where that is known."""

WAIT_SECONDS: Final = 1800.0
POLL_SECONDS: Final = 30.0
SUBMIT_SECONDS: Final = 120.0


class Settings(Struct, frozen=True, kw_only=True):
    """What all accounts of a client share.

    Attributes:
        on_unsupported: what to do with a field that the model does not document.
        on_change: is told each task that changed, with its events.
        on_submission: is told each step of each submission.
        clock: tells and passes the time.
        draw: gives numbers from 0 to 1 for jitter.
        http: how the network is used.
        recorder: writes down each exchange with an account's API.
        observers: objects with hooks of observers, beside those that are installed.
        trace: is told every effect of every flow, for tests and for finding out what happened.
        ledger: where jobs are remembered; whoever opened it closes it.
        callbacks: where the addresses begin that creates name for their callbacks; needs a ledger.
    """

    on_unsupported: OnUnsupported = OnUnsupported.ERROR
    on_change: OnChange | None = None
    on_submission: OnSubmission | None = None
    clock: Clock = SystemClock()
    draw: Callable[[], float] = random.random
    http: HttpSettings = HttpSettings()
    recorder: Recorder | None = None
    observers: tuple[object, ...] = ()
    trace: Callable[[Effect[Any]], None] | None = None
    ledger: Ledger | None = None
    callbacks: str | None = None


class Operations:
    """Turns the operations of a client into jobs for its driver."""

    def __init__(
        self, accounts: Mapping[str, Account], registry: Registry, settings: Settings, *, own_ledger: bool = False
    ) -> None:
        self._settings = settings
        self._keeper = None if settings.ledger is None else Keeper(settings.ledger, own=own_ledger)
        if settings.callbacks is not None:
            self._require_keeper("callbacks=")
        self._closed = False
        self._ages = Ages(settings.clock)
        self._accounts = {name: OpenAccount(name, account, registry) for name, account in accounts.items()}
        if not self._accounts:
            raise ConfigurationError("A client needs at least one account.")
        observing = observing_of(registry, settings.observers)
        self.listeners = Listeners(observing, on_change=settings.on_change, recorder=settings.recorder)

    def close(self) -> None:
        """Begin nothing any more, and let go of the ledger once no create is under way."""
        self._closed = True
        if self._keeper is not None:
            self._keeper.close()

    @property
    def memory(self) -> Memory:
        """The ledger, for what a user asks of it.

        Raises:
            ConfigurationError: the client keeps none, or is closed.
        """
        self._require_open()
        return Memory(self._require_keeper("This").ledger, self._settings.clock.now)

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """The endpoints by account name."""
        return {name: account.endpoint for name, account in self._accounts.items()}

    @property
    def witness(self) -> Witness:
        """Who is told what the flows do."""
        return Witness(
            observe=self._tell,
            record=self._record,
            keeping=self._keeper or UNKEPT,
            exchange=self._exchanged if self.listeners.hear_exchanges else None,
            trace=self._settings.trace,
            monotonic=self._settings.clock.monotonic,
        )

    # --- one job for each operation ---

    def create(self, request: VideoRequest, account: str | None, note: Note) -> Job[Task]:
        """Create a task."""
        chosen = self._account(account)
        checked, callback_digest = self._called_back(chosen, self._checked(chosen, request))
        plan = self._submit_plan(chosen, note, request_digest(request), callback_digest)
        return Job(chosen.name, self._submission(self._creation(chosen, checked, plan), plan))

    def retrieve(self, task: TaskLike) -> Job[Task]:
        """Ask once."""
        chosen, held = self._task(task)
        return Job(chosen.name, retrieve(chosen.provider, held, POLL_SECONDS, self._ages.since(held)))

    def follow(self, task: TaskLike, timeout: float, *, index: int = 0, count: int = 1) -> Job[Task]:
        """Follow to the end; the ``index``-th of ``count`` that start together."""
        check_number("timeout", timeout)
        chosen, held = self._task(task)
        plan = FollowPlan(
            draw=self._settings.draw,
            slot=chosen.slot,
            timeout=timeout,
            poll_timeout=POLL_SECONDS,
            first_delay=self._first_delay(chosen, task, index, count),
            cadence=chosen.cadence,
            known_since=self._ages.since(held),
        )
        return Job(chosen.name, _followed(chosen.provider, held, plan))

    def refresh(self, tasks: Iterable[TaskLike]) -> None:
        """Have tasks polled soon by whoever follows the ledger. May block; nothing is sent."""
        self._require_open()
        bring_forward(self._require_keeper("refresh").ledger, [self._task(task)[1].ref for task in tasks])

    def follow_all(self, tasks: Iterable[TaskLike], timeout: float) -> tuple[list[Task], list[Job[Task]]]:
        """Follow many, their polls spread out; the tasks as they are held, and a job for each."""
        given = tuple(tasks)
        held = [self._task(task)[1] for task in given]
        count = len(given)
        return held, [self.follow(task, timeout, index=index, count=count) for index, task in enumerate(given)]

    def cancel(self, task: TaskLike) -> Job[Task]:
        """Stop a task."""
        chosen, held = self._task(task)
        return Job(chosen.name, cancel(chosen.provider, held, POLL_SECONDS, self._ages.since(held)))

    def remix(self, task: TaskLike, prompt: str, model: str | None, note: Note) -> Job[Task]:
        """Make a new task from a finished one."""
        chosen, held = self._task(task)
        if not prompt.strip():
            raise InvalidRequest([Problem(field="prompt", message="a remix needs a prompt")])
        provider = chosen.provider
        request = written(provider, lambda: provider.encode_remix(held.id, held.ref.route, prompt, model))
        plan = self._submit_plan(chosen, note, remix_digest(held.ref, prompt, model))
        return Job(chosen.name, self._submission(submit(provider, request, held.ref.route, plan), plan))

    def download(
        self,
        task: TaskLike,
        to: str | Path | None,
        *,
        variant: str,
        overwrite: bool,
        limit: int,
        timeout: float,
        progress: Progress,
    ) -> Job[Fetched]:
        """Fetch the result of a succeeded task to its place.

        Raises:
            ConfigurationError: the place cannot be read or is taken, or a limit is no number.
        """
        check_number("timeout", timeout)
        check_number("limit", limit)
        chosen, held = self._task(task)
        place = place_of(to)
        place.check(overwrite=overwrite)
        plan = fetch_plan(
            chosen,
            draw=self._settings.draw,
            progress=progress,
            variant=variant,
            limit=limit,
            timeout=timeout,
            known_since=self._ages.since(held),
        )

        def opened(task: Task) -> OpenStore:
            result = Result(task=task, variant=variant)
            return place.open(result, overwrite=overwrite, now=self._settings.clock.now)

        return Job(chosen.name, downloaded(chosen.provider, held, opened, plan))

    def preview(self, wish: VideoRequest, account: str | None) -> Preview:
        """The request that a create would send. Nothing is sent, and no file is read."""
        chosen = self._account(account)
        checked = self._checked(chosen, wish)
        if self._settings.callbacks is not None and needs_address(checked, chosen.provider):
            checked = addressed(checked, masked_address(self._settings.callbacks))
        request = _encoded(chosen, without_bytes(checked.request, checked.spec), checked.spec)
        return preview_of(request, chosen.endpoint.base_url, checked.warnings)

    # --- what the jobs are made from ---

    def check_generation(self, to: str | Path | None, timeout: float) -> None:
        """Refuse, while nothing is paid yet, what would fail after the create.

        Raises:
            ConfigurationError: the place cannot be read or is taken, or the time is no number.
        """
        check_number("timeout", timeout)
        place_of(to).check(overwrite=False)

    def _creation(self, chosen: OpenAccount, checked: CheckedRequest, plan: SubmitPlan) -> Flow[Task]:
        for warning in checked.warnings:
            logger.warning("%s", warning)
        ready = yield from with_media(checked.request, checked.spec)
        request = _encoded(chosen, ready, checked.spec)
        route = chosen.provider.route(checked.request.model)
        return (yield from submit(chosen.provider, request, route, plan))

    def _submission(self, creation: Flow[Task], plan: SubmitPlan) -> Flow[Task]:
        """A creation with what a ledger has to do with it."""
        if self._keeper is None:
            return (yield from creation)
        with self._keeper.attempt(), closing(creation):
            if plan.kept.replaces is not None:
                yield from self._give_up(plan.kept.replaces, plan.submission_id)
            return (yield from creation)

    def _give_up(self, replaced: str, by: str) -> Flow[None]:
        yield from perform(Work(partial(self.memory.abandon, replaced, detail=f"replaced by {by}")))

    def _called_back(self, chosen: OpenAccount, checked: CheckedRequest) -> tuple[CheckedRequest, str | None]:
        """A create with a callback address of its own and the digest of its token, where it is to have one."""
        if self._settings.callbacks is None or not needs_address(checked, chosen.provider):
            return checked, None
        address = new_address(self._settings.callbacks)
        return addressed(checked, address.url), address.digest

    def _submit_plan(
        self, chosen: OpenAccount, note: Note, digest: str, callback_digest: str | None = None
    ) -> SubmitPlan:
        for name in ("idempotency_key", "replaces"):
            if note.get(name) is not None:
                self._require_keeper(name)
        return SubmitPlan(
            submission_id=secrets.token_hex(8),
            account=chosen.name,
            draw=self._settings.draw,
            timeout=SUBMIT_SECONDS,
            kept=Keepsake(
                label=checked_label(note.get("label")),
                metadata=checked_metadata(note.get("metadata")),
                idempotency_key=checked_key(note.get("idempotency_key")),
                request_digest=digest,
                callback_digest=callback_digest,
                replaces=note.get("replaces"),
            ),
            recorded=self._keeper is not None,
            first_poll=chosen.cadence.minimum,
        )

    def _require_keeper(self, what: str) -> Keeper:
        if self._keeper is None:
            message = f"{what} needs a ledger, and this client keeps none."
            raise ConfigurationError(message, hint='Open it with one: Client(..., ledger="sqlite:jobs.db").')
        return self._keeper

    def _require_open(self) -> None:
        if self._closed:
            raise ConfigurationError("The client is closed.", hint="Open a new one.")

    def _checked(self, chosen: OpenAccount, request: VideoRequest) -> CheckedRequest:
        """Hold a request against its model, and against what its form can carry."""
        policy = self._settings.on_unsupported
        checked = check(request, chosen.provider.models, policy)

        def encode(request: VideoRequest) -> HttpRequest:
            return _encoded(chosen, request, checked.spec)

        lost = tuple(lost_fields(without_bytes(checked.request, checked.spec), encode))
        refuse(lost if policy is OnUnsupported.ERROR else ())
        # Of a field that is not sent at all, this is all that matters.
        told = tuple(f"{problem.field}: " for problem in lost)
        kept = (warning for warning in checked.warnings if not warning.startswith(told))
        return replace(checked, warnings=(*kept, *map(str, lost)))

    def _account(self, name: str | None) -> OpenAccount:
        self._require_open()
        if name is None and len(self._accounts) == 1:
            return next(iter(self._accounts.values()))
        if name is None or name not in self._accounts:
            have = ", ".join(self._accounts)
            what = "Say which account to use" if name is None else f"There is no account {name!r}"
            hint = "Name one of these with account=..., or give the whole reference of a task."
            raise ConfigurationError(f"{what}; this client has: {have}.", hint=hint)
        return self._accounts[name]

    def _task(self, task: TaskLike) -> tuple[OpenAccount, Task]:
        self._require_open()
        held = task if isinstance(task, Task) else Task.new(self._ref(task), self._settings.clock.now())
        ref = held.ref
        chosen = self._accounts.get(ref.account)
        if chosen is None or chosen.provider.info.name != ref.provider:
            have = ", ".join(f"{name} ({one.provider.info.name})" for name, one in self._accounts.items())
            message = f"{ref} belongs to the account {ref.account!r} of {ref.provider!r}; this client has: {have}."
            raise ConfigurationError(message, hint="Open a client with that account.")
        if not is_safe_id(ref.id):
            raise InvalidRequest([Problem(field="task", message="the id is one that no provider gives")])
        return chosen, held

    def _ref(self, task: object) -> TaskRef:
        if isinstance(task, TaskRef):
            return task
        if not isinstance(task, str):
            message = f"a task, a reference or the text of one is wanted, and not {type(task).__name__}"
            raise InvalidRequest([Problem(field="task", message=message)])
        if task.startswith("reelway"):
            return reference(task)
        chosen = self._account(None)
        return TaskRef(chosen.provider.info.name, chosen.name, "", task)

    def _first_delay(self, chosen: OpenAccount, task: TaskLike, index: int, count: int) -> float:
        """A task just created is asked about after the cadence's minimum, any other at once, spread out."""
        cadence = chosen.cadence
        age = self._ages.of(task) if isinstance(task, Task) else cadence.minimum
        return max(0.0, cadence.minimum - age) + spread(index, count, cadence)

    def _tell(self, seen: Observe) -> Task:
        # A task that was just created is met here first, before anybody could have set the clock.
        self._ages.since(seen.task)
        self.listeners.changed(seen.task, seen.events)
        return seen.task

    def _exchanged(self, ended: Exchange) -> None:
        self.listeners.exchanged(self._accounts[ended.account].provider, ended)

    def _record(self, record: Record) -> None:
        submission = record.submission
        if submission.state is SubmissionState.ACCEPTED:
            # Before anybody is told who could fail: from here on the reference is worth money.
            logger.info("created %s (submission %s)", submission.ref, submission.id)
        try:
            if self._settings.on_submission is not None:
                self._settings.on_submission(submission)
        except Exception:
            # Without a record nothing is sent. Once it was sent, the caller has to learn what became of it.
            if submission.state in UNSENT:
                raise
            logger.exception("%s: %s was not recorded; task: %s", submission.id, submission.state, submission.ref)


def reference(task: Task | TaskRef | str) -> TaskRef:
    """The reference of a task, however it was given.

    Raises:
        InvalidRequest: the text is none; it says what is wrong.
    """
    if isinstance(task, Task):
        return task.ref
    try:
        return task if isinstance(task, TaskRef) else TaskRef.parse(task)
    except ValueError as error:
        raise InvalidRequest([Problem(field="task", message=str(error))]) from error


def policy_of(name: OnUnsupported | str) -> OnUnsupported:
    """What to do with unsupported fields, by its name.

    Raises:
        ConfigurationError: there is no such policy.
    """
    if name not in set(OnUnsupported):
        raise ConfigurationError(f"on_unsupported is one of {', '.join(OnUnsupported)}, and not {name!r}.")
    return OnUnsupported(name)


def _encoded(chosen: OpenAccount, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
    return written(chosen.provider, lambda: chosen.provider.encode_create(request, spec))


def _followed(provider: Provider, task: Task, plan: FollowPlan) -> Flow[Task]:
    # What the provider called final is final; "lost" is our own conclusion and is looked into again.
    if task.final and task.status is not Status.LOST:
        return task
    return (yield from follow(provider, task, plan))
