"""The two clients: the same names, the same flows, one for threads and one for asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Generator, Iterable, Iterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, Unpack

from msgspec.structs import replace

from reelway.account import Account, Accounts, named_accounts
from reelway.addresses import checked_base
from reelway.flow.stream import DEFAULT_LIMIT
from reelway.ledger.interface import Ledger
from reelway.ledger.records import Entry
from reelway.ledgers import LedgerLike, open_ledger
from reelway.listeners import OnChange
from reelway.memory import Sought
from reelway.model.request import VideoRequest
from reelway.model.secret import Secret, as_secret
from reelway.model.task import Task
from reelway.operations import (
    WAIT_SECONDS,
    OnSubmission,
    Operations,
    Progress,
    Settings,
    TaskLike,
    policy_of,
)
from reelway.provider.models import OnUnsupported
from reelway.provider.registry import Registry
from reelway.requesting import CreateFields, Note, Preview, RequestFields, note_of, request_of
from reelway.results import Download, Waited, download_of, holding, settle, waited
from reelway.transport.async_driver import AsyncDriver
from reelway.transport.clock import Clock, SystemClock
from reelway.transport.http import AsyncHttp, HttpSettings, SyncHttp
from reelway.transport.sync_driver import SyncDriver

if TYPE_CHECKING:
    from reelway.recording.recorder import Recorder

T = TypeVar("T")


def _recorder(folder: str | Path) -> Recorder:
    # Imported here, because hardly anybody records, and everybody waits for what is imported.
    from reelway.recording.recorder import Recorder  # noqa: PLC0415

    return Recorder(Path(folder))


def _hidden(given: str | T) -> Secret | T:
    """What was given; a text, which may hold a key or a password, as a secret."""
    return as_secret(given) if isinstance(given, str) else given


class _Base:
    """What both clients are made from."""

    def __init__(
        self,
        accounts: Accounts,
        *,
        api_key: str | Secret | None = None,
        base_url: str | None = None,
        on_unsupported: OnUnsupported | str = OnUnsupported.ERROR,
        on_change: OnChange | None = None,
        on_submission: OnSubmission | None = None,
        ledger: LedgerLike | None = None,
        callbacks: str | None = None,
        record: str | Path | None = None,
        observers: Iterable[object] = (),
        allow_private_links: bool = False,
        http: str = "httpx",
        fast: bool = True,
        transport: Any = None,
        clock: Clock | None = None,
        registry: Registry | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Open the accounts; nothing is sent yet.

        Args:
            accounts: a provider or its name, an :class:`Account`, or several of these by names of yours.
            api_key: the key, where ``accounts`` is a provider; else its environment variable is read.
            base_url: another address than the provider's own, where ``accounts`` is a provider.
            on_unsupported: ``"error"``, ``"warn"`` or ``"drop"`` for fields that a model does not document.
            on_change: called with each task that changed, and the events that say how.
            on_submission: called with each step of each create; if it raises before one leaves, nothing is sent.
            ledger: where jobs are remembered: ``"sqlite:jobs.db"``, another URL, or one that is open and stays so.
            callbacks: where a ``CallbackReceiver`` of the ledger is reached; creates name addresses below it.
            record: a new folder for each exchange as a sample without secrets, for ``reelway.testing.Replay``.
            observers: objects with hooks of observers; they are told beside those that are installed.
            allow_private_links: result links may lead to loopback and private addresses: sandbox, closed networks.
            http: the HTTP library, ``"httpx"`` or ``"httpx2"``.
            fast: whether an ``AsyncClient`` over ``"httpx2"`` polls over pyreqwest, where that is installed.
            transport: a transport of that library in place of the network, such as ``httpx.MockTransport``.
            clock: what tells and passes the time, such as ``reelway.testing.VirtualClock``.
            registry: where providers are looked up; by default all installed ones.
            settings: the rest, for tests; what it holds is then taken from it.

        Raises:
            ConfigurationError, LedgerError: something is missing, malformed or not installed, or cannot be opened.
        """
        key, address = _hidden(api_key), _hidden(ledger)
        del api_key, ledger  # Reports print the locals of every frame that an error passes.
        ways = HttpSettings(library=http, fast=fast, transport=transport, allow_private_links=allow_private_links)
        self._settings = settings or Settings(
            on_unsupported=policy_of(on_unsupported),
            on_change=on_change,
            on_submission=on_submission,
            recorder=None if record is None else _recorder(record),
            observers=tuple(observers),
            http=ways,
            clock=clock or SystemClock(),
            callbacks=None if callbacks is None else checked_base(callbacks),
        )
        self._open(named_accounts(accounts, key, base_url), registry, self._keep_in(address))

    def _keep_in(self, ledger: Ledger | Secret | None) -> Ledger | None:
        """Remember jobs there; gives back the ledger where it was opened here, and so is the client's to close."""
        if ledger is None:
            return None
        opened = open_ledger(ledger)
        self._settings = replace(self._settings, ledger=opened)
        return None if opened is ledger else opened

    def _open(self, accounts: Mapping[str, Account], registry: Registry | None, own: Ledger | None) -> None:
        try:
            found = registry or Registry.installed()
            self._operations = Operations(accounts, found, self._settings, own_ledger=own is not None)
            self._connect()
        except BaseException:
            if own is not None:
                own.close()
            raise

    def _connect(self) -> None:
        raise NotImplementedError

    def preview(
        self, prompt: str | VideoRequest = "", /, *, account: str | None = None, **fields: Unpack[RequestFields]
    ) -> Preview:
        """The exact request that ``create`` would send, without its key. Nothing is sent and no file is read.

        Raises:
            InvalidRequest: the request would be refused.
        """
        return self._operations.preview(request_of(prompt, fields), account)


class Client(_Base):
    """Follows video jobs from threads. Use it as a context manager, or close it.

    ``create`` sends once; ``wait`` polls to the end; ``download`` holds the file; ``generate`` does all three.
    """

    def _connect(self) -> None:
        endpoints = self._operations.endpoints
        self._networks = {name: SyncHttp(one, self._settings.http) for name, one in endpoints.items()}
        self._driver = SyncDriver(self._networks, self._settings.clock, self._operations.witness)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections, but for that of a create under way: its answer names a task that is paid for.

        A ledger that the client opened itself is closed as well, once no create is under way. Tasks go on at the
        provider. A ``transport`` of your own is closed as a whole, so that a create under way through it may end in
        doubt: close the client when your creates have ended.
        """
        for network in self._networks.values():
            network.close()
        self._operations.close()
        self._operations.listeners.observing.close()

    def create(
        self, prompt: str | VideoRequest = "", /, *, account: str | None = None, **fields: Unpack[CreateFields]
    ) -> Task:
        """Create a task: at most one create on the wire.

        Args:
            prompt: what the video should show, or a whole :class:`VideoRequest`.
            account: the account's name, where the client has several.
            **fields: the fields of a :class:`VideoRequest`, and what is kept with the job: ``label`` and
                ``metadata`` to find it by; ``idempotency_key``, a name for the wish, under which a second create
                gives the first one's task; ``replaces``, the id of a submission in doubt that is given up for it.

        Raises:
            InvalidRequest: the request would be refused, or its key stands for another; lists every problem;
                nothing was sent.
            SubmissionRejected: the provider refused; nothing was created.
            SubmissionUnknown: the request left and its outcome is not known; it is not sent again.
            ProviderError: kind ``unavailable``; the provider could not be reached and nothing was sent.
            LedgerError: the attempt could not be put on record, and nothing was sent; or the error holds the task
                that was made, and its ``billed`` is "yes".
            ConfigurationError: something needs a ledger, and the client keeps none.
        """
        note = note_of(fields)
        return self._driver.run(self._operations.create(request_of(prompt, fields), account, note))

    def retrieve(self, task: TaskLike) -> Task:
        """Ask once how a task stands. Never raises for a bad end.

        Raises:
            ProviderError: the answer is an error, or unreadable; the task itself is untouched.
        """
        return self._driver.run(self._operations.retrieve(task))

    def watch(self, task: TaskLike, *, timeout: float = WAIT_SECONDS) -> Generator[Task, None, None]:
        """Follow a task and give each snapshot that differs from the one before, the final one last.

        Raises:
            WaitTimeout, ProviderUnreachable: the wait ended; the job goes on.
        """
        yield from self._driver.watch(self._operations.follow(task, timeout))

    def wait(self, task: TaskLike, *, timeout: float = WAIT_SECONDS, raise_on_failure: bool = True) -> Task:
        """Follow a task to its end.

        Args:
            task: the task, its reference, or the text of one.
            timeout: seconds for the whole wait; the job itself goes on after it. 0 or less asks once, ``math.inf``
                sets no end.
            raise_on_failure: raise for a bad end; otherwise the task is returned whatever its end.

        Raises:
            TaskFailed: the job ended badly (``TaskCancelled``, ``TaskExpired``, ``TaskLost``).
            WaitTimeout: the time is up; holds the task.
            ProviderUnreachable: ten polls failed in a row, or the key was refused; holds the task.
            ConfigurationError: ``timeout`` is no number.
        """
        final = self._driver.run(self._operations.follow(task, timeout))
        return settle(final, raise_on_failure=raise_on_failure)

    def as_completed(self, tasks: Iterable[TaskLike], *, timeout: float = WAIT_SECONDS) -> Iterator[Waited]:
        """Follow many tasks at once and give each as its wait ends, in whatever order that is."""
        held, jobs = self._operations.follow_all(tasks, timeout)
        for outcome in self._driver.run_all(jobs):
            yield waited(held[outcome.index], outcome)

    def download(
        self,
        task: TaskLike,
        to: str | Path | None = None,
        *,
        variant: str = "video",
        overwrite: bool = False,
        limit: int = DEFAULT_LIMIT,
        timeout: float = WAIT_SECONDS,
        progress: Progress = None,
    ) -> Download:
        """Fetch the result of a succeeded task: streamed, resumed, checked whole, and only then where it belongs.

        Args:
            task: the task, its reference, or the text of one.
            to: the file, or a folder; by default ``<id>.mp4`` in the present folder. A text may also be a template
                such as ``"videos/{provider}/{id}.mp4"``, or an object's URL at ``s3://``, ``gs://`` or ``az://``.
            variant: which rendition, where the provider offers others.
            overwrite: replace a file of that name.
            limit: bytes that the result may have at most.
            timeout: seconds for everything; ``math.inf`` sets no end.
            progress: is told the bytes received and the whole length, where that is known.

        Raises:
            DownloadError: it could not be fetched whole; what arrived is kept and continued next time.
            LinkExpired: no link works any more.
            OutputMissing: the job succeeded, but there is nothing to fetch.
            ConfigurationError: the place is taken or cannot be read, or a limit is no number.
        """
        job = self._operations.download(
            task,
            to,
            variant=variant,
            overwrite=overwrite,
            limit=limit,
            timeout=timeout,
            progress=progress,
        )
        return download_of(self._driver.run(job))

    def generate(
        self,
        prompt: str | VideoRequest = "",
        /,
        *,
        to: str | Path | None = None,
        account: str | None = None,
        timeout: float = WAIT_SECONDS,
        **fields: Unpack[CreateFields],
    ) -> Download:
        """Create, wait, download. Whatever goes wrong after the create, the error holds the task.

        What is no error of ours, Ctrl-C and the cancellation of an asyncio task included, gets a note with the
        reference, which is logged as well.

        Raises:
            ReelwayError: as ``create``, ``wait`` and ``download`` do.
        """
        note = note_of(fields)
        request = request_of(prompt, fields)
        self._operations.check_generation(to, timeout)
        task = self.create(request, account=account, **note)
        with holding(task):
            return self.download(self.wait(task, timeout=timeout), to)

    def remix(self, task: TaskLike, prompt: str, *, model: str | None = None, **note: Unpack[Note]) -> Task:
        """Make a new, separately billed task from a finished one; as safe as ``create``, and remembered like it.

        Raises:
            NotSupported: the provider has no such call.
        """
        return self._driver.run(self._operations.remix(task, prompt, model, note))

    def cancel(self, task: TaskLike) -> Task:
        """Stop a task that has not ended, and tell how it stands then; one that has ended is left as it is.

        Raises:
            NotSupported: the provider has no such call, or none for a task that has come this far.
        """
        return self._driver.run(self._operations.cancel(task))

    def tasks(self, **sought: Unpack[Sought]) -> list[Entry]:
        """The jobs in the ledger, newest first.

        Args:
            **sought: which ones: ``status``, ``label``, ``provider``, ``artifact``, ``unfinished``; and ``limit``,
                how many at most (100).

        Raises:
            ConfigurationError: the client keeps no ledger.
            InvalidRequest: there is no such status or artifact.
            LedgerError: the ledger cannot be read.
        """
        return self._operations.memory.tasks(**sought)

    def refresh(self, *tasks: TaskLike) -> None:
        """Have tasks polled soon by the tracker that follows the ledger. Nothing is sent from here.

        Their next polls come forward: to now, or to where the shortest interval after the last ones ends.
        However often that is wished, each is polled once. With a task that has ended, nothing happens.

        Raises:
            InvalidRequest: one of them is not in the ledger, and none is brought forward; or this is no task.
            ConfigurationError: the client keeps no ledger, so nobody else follows its tasks: ``retrieve`` asks now.
            LedgerError: it could not be put on record.
        """
        self._operations.refresh(tasks)

    def submissions_in_doubt(self) -> list[Entry]:
        """The attempts that may have made a task that nobody knows of, those of dead processes included.

        Raises:
            ConfigurationError: the client keeps no ledger.
            LedgerError: the ledger cannot be read.
        """
        return self._operations.memory.in_doubt()

    def adopt(self, submission_id: str, task_id: str) -> Task:
        """Say which task a submission in doubt has made; it is then followed like any other. Nothing is sent.

        Args:
            submission_id: the attempt, as :class:`SubmissionUnknown` names it.
            task_id: the provider's id of the task, from its own list; or a whole reference.

        Raises:
            InvalidRequest: there is no such submission, it is still under way, or it has made another task.
            ConfigurationError: the client keeps no ledger.
            LedgerError: it could not be put on record.
        """
        return self._operations.memory.adopt(submission_id, task_id)

    def abandon(self, submission_id: str) -> None:
        """Say that a submission in doubt has made no task. Its idempotency key is then free again.

        Raises:
            InvalidRequest: there is no such submission, it is still under way, or it has a task.
            ConfigurationError: the client keeps no ledger.
            LedgerError: it could not be put on record.
        """
        self._operations.memory.abandon(submission_id)


class AsyncClient(_Base):
    """Follows video jobs from asyncio. The same names and the same flows as :class:`Client`."""

    def _connect(self) -> None:
        endpoints = self._operations.endpoints
        self._networks = {name: AsyncHttp(one, self._settings.http) for name, one in endpoints.items()}
        self._driver = AsyncDriver(self._networks, self._settings.clock, self._operations.witness)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """As :meth:`Client.close`."""
        for network in self._networks.values():
            await network.close()
        self._operations.close()
        await self._operations.listeners.observing.close_async()

    async def create(
        self, prompt: str | VideoRequest = "", /, *, account: str | None = None, **fields: Unpack[CreateFields]
    ) -> Task:
        """As :meth:`Client.create`."""
        note = note_of(fields)
        return await self._driver.run(self._operations.create(request_of(prompt, fields), account, note))

    async def retrieve(self, task: TaskLike) -> Task:
        """As :meth:`Client.retrieve`."""
        return await self._driver.run(self._operations.retrieve(task))

    async def watch(self, task: TaskLike, *, timeout: float = WAIT_SECONDS) -> AsyncGenerator[Task, None]:
        """As :meth:`Client.watch`."""
        async with aclosing(self._driver.watch(self._operations.follow(task, timeout))) as tasks:
            async for one in tasks:
                yield one

    async def wait(self, task: TaskLike, *, timeout: float = WAIT_SECONDS, raise_on_failure: bool = True) -> Task:
        """As :meth:`Client.wait`."""
        final = await self._driver.run(self._operations.follow(task, timeout))
        return settle(final, raise_on_failure=raise_on_failure)

    async def as_completed(
        self, tasks: Iterable[TaskLike], *, timeout: float = WAIT_SECONDS
    ) -> AsyncGenerator[Waited, None]:
        """As :meth:`Client.as_completed`."""
        held, jobs = self._operations.follow_all(tasks, timeout)
        async with aclosing(self._driver.run_all(jobs)) as outcomes:
            async for outcome in outcomes:
                yield waited(held[outcome.index], outcome)

    async def download(
        self,
        task: TaskLike,
        to: str | Path | None = None,
        *,
        variant: str = "video",
        overwrite: bool = False,
        limit: int = DEFAULT_LIMIT,
        timeout: float = WAIT_SECONDS,
        progress: Progress = None,
    ) -> Download:
        """As :meth:`Client.download`."""
        job = self._operations.download(
            task,
            to,
            variant=variant,
            overwrite=overwrite,
            limit=limit,
            timeout=timeout,
            progress=progress,
        )
        return download_of(await self._driver.run(job))

    async def generate(
        self,
        prompt: str | VideoRequest = "",
        /,
        *,
        to: str | Path | None = None,
        account: str | None = None,
        timeout: float = WAIT_SECONDS,
        **fields: Unpack[CreateFields],
    ) -> Download:
        """As :meth:`Client.generate`."""
        note = note_of(fields)
        request = request_of(prompt, fields)
        self._operations.check_generation(to, timeout)
        task = await self.create(request, account=account, **note)
        with holding(task):
            return await self.download(await self.wait(task, timeout=timeout), to)

    async def remix(self, task: TaskLike, prompt: str, *, model: str | None = None, **note: Unpack[Note]) -> Task:
        """As :meth:`Client.remix`."""
        return await self._driver.run(self._operations.remix(task, prompt, model, note))

    async def cancel(self, task: TaskLike) -> Task:
        """As :meth:`Client.cancel`."""
        return await self._driver.run(self._operations.cancel(task))

    async def tasks(self, **sought: Unpack[Sought]) -> list[Entry]:
        """As :meth:`Client.tasks`."""
        return await asyncio.to_thread(self._operations.memory.tasks, **sought)

    async def refresh(self, *tasks: TaskLike) -> None:
        """As :meth:`Client.refresh`."""
        await asyncio.to_thread(self._operations.refresh, tasks)

    async def submissions_in_doubt(self) -> list[Entry]:
        """As :meth:`Client.submissions_in_doubt`."""
        return await asyncio.to_thread(self._operations.memory.in_doubt)

    async def adopt(self, submission_id: str, task_id: str) -> Task:
        """As :meth:`Client.adopt`."""
        return await asyncio.to_thread(self._operations.memory.adopt, submission_id, task_id)

    async def abandon(self, submission_id: str) -> None:
        """As :meth:`Client.abandon`."""
        await asyncio.to_thread(self._operations.memory.abandon, submission_id)
