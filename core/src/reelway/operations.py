"""Which flow each operation of a client is. Shared by both clients, so that neither can differ from the other."""

from __future__ import annotations

import logging
import math
import random
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from reelway.account import DEFAULT_ACCOUNT, Account, endpoint_of, provider_of
from reelway.ages import Ages
from reelway.errors import ConfigurationError, DownloadError, InvalidRequest, Problem
from reelway.flow.cancel import cancel
from reelway.flow.effects import Effect, Flow, Observe, Phase, Record
from reelway.flow.fetch import fetch
from reelway.flow.follow import FollowPlan, follow, retrieve
from reelway.flow.media import with_media, without_bytes
from reelway.flow.schedule import reserve, spread
from reelway.flow.stream import FetchPlan
from reelway.flow.submit import SubmitPlan, submit
from reelway.locks import ForkSafeLock
from reelway.model.exchange import HttpExchange
from reelway.model.http import HttpRequest, is_safe_id
from reelway.model.lifecycle import Anomaly, Event, UnknownWordSeen
from reelway.model.observation import Status
from reelway.model.request import VideoRequest
from reelway.model.secret import Secret
from reelway.model.submission import UNSENT, Submission, SubmissionState
from reelway.model.task import Task, TaskRef
from reelway.observing import Observing
from reelway.provider.carried import lost_fields
from reelway.provider.interface import Provider
from reelway.provider.models import CheckedRequest, ModelSpec, OnUnsupported, check, refuse
from reelway.provider.observer import GivenPlugin, Observer
from reelway.provider.plugin import reason_of
from reelway.provider.reading import one_line
from reelway.provider.registry import Registry
from reelway.provider.writing import written
from reelway.requesting import Preview, preview_of
from reelway.results import WORD_LENGTH, Download, download_of
from reelway.storing.place import OpenStore, place_of
from reelway.storing.template import Result
from reelway.transport.clock import Clock, SystemClock
from reelway.transport.drivers import Exchange, Job, Witness
from reelway.transport.http import HttpSettings
from reelway.transport.wire import Endpoint

if TYPE_CHECKING:
    from reelway.recording.recorder import Recorder

logger: Final = logging.getLogger("reelway")

TaskLike: TypeAlias = Task | TaskRef | str
"""A task, its reference, the text of one, or a bare id of the client's only account."""

Accounts: TypeAlias = str | Provider | Account | Mapping[str, Account | Provider | str]
"""A provider or its name, one account, or several of these under names of the user's."""

OnChange: TypeAlias = Callable[[Task, tuple[Event, ...]], None]

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


class _OpenAccount:
    """An account with its provider and endpoint found, and its place in the request schedule."""

    def __init__(self, name: str, account: Account, registry: Registry) -> None:
        self.name = name
        self.provider = provider_of(account, registry)
        self.endpoint = endpoint_of(account, self.provider)
        self.cadence = account.cadence or self.provider.info.cadence
        check_number(f"requests_per_second of the account {name!r}", account.requests_per_second)
        if not account.requests_per_second > 0:
            raise ConfigurationError(f"requests_per_second of the account {name!r} has to be more than 0.")
        if not 0 <= self.cadence.minimum <= self.cadence.maximum:
            raise ConfigurationError(f"The cadence of the account {name!r} has to grow from 0 or more seconds.")
        self._gap = 1 / account.requests_per_second
        self._next_free = 0.0
        self._lock = ForkSafeLock()

    def slot(self, now: float) -> float:
        """Seconds from ``now`` until this account may be asked again; takes the slot."""
        with self._lock:
            wait, self._next_free = reserve(self._next_free, now, self._gap)
            return wait


class Operations:
    """Turns the operations of a client into jobs for its driver."""

    def __init__(self, accounts: Mapping[str, Account], registry: Registry, settings: Settings) -> None:
        self._settings = settings
        self._ages = Ages(settings.clock)
        self._accounts = {name: _OpenAccount(name, account, registry) for name, account in accounts.items()}
        if not self._accounts:
            raise ConfigurationError("A client needs at least one account.")
        self.observing = Observing([*_installed_observers(registry), *map(_given_observer, settings.observers)])

    @property
    def endpoints(self) -> dict[str, Endpoint]:
        """The endpoints by account name."""
        return {name: account.endpoint for name, account in self._accounts.items()}

    @property
    def witness(self) -> Witness:
        """Who is told what the flows do."""
        told = self._settings.recorder is not None or self.observing.hears("reelway_http_exchange")
        return Witness(
            observe=self._tell,
            record=self._record,
            exchange=self._exchanged if told else None,
            trace=self._settings.trace,
            monotonic=self._settings.clock.monotonic,
        )

    # --- one job for each operation ---

    def create(self, request: VideoRequest, account: str | None) -> Job[Task]:
        """Create a task."""
        chosen = self._account(account)
        checked = self._checked(chosen, request)
        return Job(chosen.name, self._creation(chosen, checked))

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

    def remix(self, task: TaskLike, prompt: str, model: str | None) -> Job[Task]:
        """Make a new task from a finished one."""
        chosen, held = self._task(task)
        if not prompt.strip():
            raise InvalidRequest([Problem(field="prompt", message="a remix needs a prompt")])
        provider = chosen.provider
        request = written(provider, lambda: provider.encode_remix(held.id, held.ref.route, prompt, model))
        return Job(chosen.name, submit(chosen.provider, request, held.ref.route, self._submit_plan(chosen)))

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
    ) -> Job[Download]:
        """Fetch the result of a succeeded task to its place.

        Raises:
            ConfigurationError: the place cannot be read or is taken, or a limit is no number.
        """
        check_number("timeout", timeout)
        check_number("limit", limit)
        chosen, held = self._task(task)
        place = place_of(to)
        place.check(overwrite=overwrite)
        plan = FetchPlan(
            base_url=chosen.endpoint.base_url,
            own=chosen.endpoint.owns,
            draw=self._settings.draw,
            progress=progress or (lambda received, total: None),
            variant=variant,
            limit=limit,
            timeout=timeout,
            known_since=self._ages.since(held),
        )

        def opened(task: Task) -> OpenStore:
            result = Result(task=task, variant=variant)
            return place.open(result, overwrite=overwrite, now=self._settings.clock.now)

        return Job(chosen.name, _downloaded(chosen.provider, held, opened, plan))

    def preview(self, wish: VideoRequest, account: str | None) -> Preview:
        """The request that a create would send. Nothing is sent, and no file is read."""
        chosen = self._account(account)
        checked = self._checked(chosen, wish)
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

    def _creation(self, chosen: _OpenAccount, checked: CheckedRequest) -> Flow[Task]:
        for warning in checked.warnings:
            logger.warning("%s", warning)
        ready = yield from with_media(checked.request, checked.spec)
        request = _encoded(chosen, ready, checked.spec)
        route = chosen.provider.route(checked.request.model)
        return (yield from submit(chosen.provider, request, route, self._submit_plan(chosen)))

    def _submit_plan(self, chosen: _OpenAccount) -> SubmitPlan:
        return SubmitPlan(
            submission_id=secrets.token_hex(8),
            account=chosen.name,
            draw=self._settings.draw,
            timeout=SUBMIT_SECONDS,
        )

    def _checked(self, chosen: _OpenAccount, request: VideoRequest) -> CheckedRequest:
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

    def _account(self, name: str | None) -> _OpenAccount:
        if name is None and len(self._accounts) == 1:
            return next(iter(self._accounts.values()))
        if name is None or name not in self._accounts:
            have = ", ".join(self._accounts)
            what = "Say which account to use" if name is None else f"There is no account {name!r}"
            raise ConfigurationError(f"{what}; this client has: {have}.")
        return self._accounts[name]

    def _task(self, task: TaskLike) -> tuple[_OpenAccount, Task]:
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

    def _ref(self, task: TaskRef | str) -> TaskRef:
        if isinstance(task, TaskRef):
            return task
        if task.startswith("reelway"):
            try:
                return TaskRef.parse(task)
            except ValueError as error:
                raise InvalidRequest([Problem(field="task", message=str(error))]) from error
        chosen = self._account(None)
        return TaskRef(chosen.provider.info.name, chosen.name, "", task)

    def _first_delay(self, chosen: _OpenAccount, task: TaskLike, index: int, count: int) -> float:
        """A task just created is asked about after the cadence's minimum, any other at once, spread out."""
        cadence = chosen.cadence
        age = self._ages.of(task) if isinstance(task, Task) else cadence.minimum
        return max(0.0, cadence.minimum - age) + spread(index, count, cadence)

    def _tell(self, seen: Observe) -> Task:
        # A task that was just created is met here first, before anybody could have set the clock.
        self._ages.since(seen.task)
        for event in seen.events:
            if isinstance(event, UnknownWordSeen):
                word = one_line(event.word or "", WORD_LENGTH)
                logger.warning("%s: unknown status word %r; it stays %s", event.ref, word, event.kept)
            elif isinstance(event, Anomaly):
                level = logging.ERROR if event.loud else logging.WARNING
                logger.log(level, "%s is %s, but the provider now says %s", event.ref, event.held, event.seen)
        if self._settings.on_change is not None:
            self._call_listener(self._settings.on_change, seen)
        self.observing.task_changed(seen.task, seen.events)
        return seen.task

    def _call_listener(self, listener: OnChange, seen: Observe) -> None:
        try:
            listener(seen.task, seen.events)
        # What a listener does must not cost the caller the task that was just paid for.
        except Exception:
            logger.exception("on_change failed at %s", seen.task.ref)

    def _exchanged(self, ended: Exchange) -> None:
        provider = self._accounts[ended.account].provider
        if self._settings.recorder is not None and ended.response is not None:
            self._settings.recorder.exchange(provider, ended.request, ended.response)
        self.observing.http_exchange(_shown(ended, provider.info.name))

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


def check_number(name: str, given: object) -> None:
    """Refuse a limit that nothing can be compared with.

    Raises:
        ConfigurationError: it is no number. NaN is none.
    """
    if not isinstance(given, int | float) or math.isnan(given):
        raise ConfigurationError(f"{name} is a number, and not {given!r}.", hint="For no limit, give math.inf.")


def policy_of(name: OnUnsupported | str) -> OnUnsupported:
    """What to do with unsupported fields, by its name.

    Raises:
        ConfigurationError: there is no such policy.
    """
    if name not in set(OnUnsupported):
        raise ConfigurationError(f"on_unsupported is one of {', '.join(OnUnsupported)}, and not {name!r}.")
    return OnUnsupported(name)


def named_accounts(accounts: Accounts, api_key: Secret | None, base_url: str | None) -> dict[str, Account]:
    """The accounts by name; a key and an address given beside them belong to the only account.

    Raises:
        ConfigurationError: a key or an address was given beside several accounts.
    """
    if isinstance(accounts, str | Provider):
        return {DEFAULT_ACCOUNT: Account(accounts, api_key=api_key, base_url=base_url)}
    if api_key is not None or base_url is not None:
        raise ConfigurationError("Give api_key and base_url in the Account.")
    if isinstance(accounts, Account):
        return {DEFAULT_ACCOUNT: accounts}
    return {name: one if isinstance(one, Account) else Account(one) for name, one in accounts.items()}


def _installed_observers(registry: Registry) -> tuple[Observer, ...]:
    """Those that work. One that does not is no reason to make no video, but one to say so."""
    for report in registry.load_observers():
        if report.error is not None:
            logger.warning("%s", report.error.message)
    return registry.observers


def _given_observer(given: object) -> Observer:
    try:
        return Observer(GivenPlugin(given), given)
    except Exception as error:
        # Who hands it over can mend it at once.
        raise ConfigurationError(f"{type(given).__qualname__} is no observer: {reason_of(error)}") from error


def _shown(ended: Exchange, provider: str) -> HttpExchange:
    """What observers are shown of an exchange."""
    broke, response = ended.broke, ended.response
    return HttpExchange(
        provider=provider,
        account=ended.account,
        method=ended.request.method,
        path=ended.request.path.partition("?")[0],
        status=None if response is None else response.status,
        seconds=ended.seconds,
        phase=(Phase.RECEIVING if broke is None else broke.phase).name.lower(),
        reason=None if broke is None else broke.reason,
    )


def _encoded(chosen: _OpenAccount, request: VideoRequest, spec: ModelSpec) -> HttpRequest:
    return written(chosen.provider, lambda: chosen.provider.encode_create(request, spec))


def _followed(provider: Provider, task: Task, plan: FollowPlan) -> Flow[Task]:
    # What the provider called final is final; "lost" is our own conclusion and is looked into again.
    if task.final and task.status is not Status.LOST:
        return task
    return (yield from follow(provider, task, plan))


def _downloaded(
    provider: Provider, task: Task, opened: Callable[[Task], OpenStore], plan: FetchPlan
) -> Flow[Download]:
    if task.status is not Status.SUCCEEDED:
        task = yield from retrieve(provider, task, min(plan.poll_timeout, plan.timeout), plan.known_since)
    if task.status is not Status.SUCCEEDED:
        message = f"{task.ref} is {task.status}; there is nothing to download."
        hint = "It has ended, and will have no video." if task.final else "Wait until the task has succeeded."
        raise DownloadError(message, task=task, hint=hint)
    # Only now: what is known of the task may be part of its result's name.
    with closing(opened(task)) as store:
        return download_of((yield from fetch(provider, task, store, plan)), store)
