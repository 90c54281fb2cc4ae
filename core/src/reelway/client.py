"""The two clients: the same names, the same flows, one for threads and one for asyncio."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Iterable, Iterator
from contextlib import aclosing, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, Unpack

from reelway.flow.stream import DEFAULT_LIMIT
from reelway.model.request import VideoRequest
from reelway.model.secret import Secret, as_secret
from reelway.model.task import Task
from reelway.operations import (
    WAIT_SECONDS,
    Accounts,
    OnChange,
    OnSubmission,
    Operations,
    Progress,
    Settings,
    TaskLike,
    named_accounts,
    policy_of,
)
from reelway.provider.models import OnUnsupported
from reelway.provider.registry import Registry
from reelway.requesting import Preview, RequestFields, request_of
from reelway.results import Download, Waited, download_of, holding, settle, waited
from reelway.transport.clock import Clock, SystemClock
from reelway.transport.drivers import AsyncDriver, SyncDriver
from reelway.transport.http import AsyncHttp, HttpSettings, SyncHttp

if TYPE_CHECKING:
    from reelway.recording.recorder import Recorder


def _recorder(folder: str | Path) -> Recorder:
    # Imported here, because hardly anybody records, and everybody waits for what is imported.
    from reelway.recording.recorder import Recorder  # noqa: PLC0415

    return Recorder(Path(folder))


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
            on_submission: called with each step of each create, before its request leaves and once its outcome is
                known, ``ambiguous`` included; if it raises before the request leaves, nothing is sent.
            record: a new folder for samples of exchanges, without what is private, for ``reelway.testing.Replay``.
            observers: objects with hooks of observers; they are told beside those that are installed.
            allow_private_links: result links may lead to loopback and private addresses: sandbox, closed networks.
            http: the HTTP library, ``"httpx"`` or ``"httpx2"``.
            fast: whether an ``AsyncClient`` over ``"httpx2"`` polls over pyreqwest, where that is installed.
            transport: a transport of that library in place of the network, such as ``httpx.MockTransport``.
            clock: what tells and passes the time, such as ``reelway.testing.VirtualClock``.
            registry: where providers are looked up; by default all installed ones.
            settings: the rest, for tests; what it holds is then taken from it.

        Raises:
            ConfigurationError: a key, an address or an option is missing or malformed, or a provider not installed.
        """
        key = None if api_key is None else as_secret(api_key)
        # Reports print the locals of every frame that an error passes.
        del api_key
        named = named_accounts(accounts, key, base_url)
        self._settings = settings or Settings(
            on_unsupported=policy_of(on_unsupported),
            on_change=on_change,
            on_submission=on_submission,
            recorder=None if record is None else _recorder(record),
            observers=tuple(observers),
            http=HttpSettings(
                library=http, fast=fast, transport=transport, allow_private_links=allow_private_links
            ),
            clock=clock or SystemClock(),
        )
        self._operations = Operations(named, registry or Registry.installed(), self._settings)
        self._connect()

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

        Tasks go on at the provider. A ``transport`` of your own is closed as a whole, so that a create under way
        through it may end in doubt: close the client when your creates have ended.
        """
        for network in self._networks.values():
            network.close()
        self._operations.observing.close()

    def create(
        self, prompt: str | VideoRequest = "", /, *, account: str | None = None, **fields: Unpack[RequestFields]
    ) -> Task:
        """Create a task: at most one create on the wire.

        Args:
            prompt: what the video should show, or a whole :class:`VideoRequest`.
            account: the account's name, where the client has several.
            **fields: the fields of a :class:`VideoRequest`.

        Raises:
            InvalidRequest: the request would be refused; lists every problem; nothing was sent.
            SubmissionRejected: the provider refused; nothing was created.
            SubmissionUnknown: the request left and its outcome is not known; it is not sent again.
            ProviderError: kind ``unavailable``; the provider could not be reached and nothing was sent.
        """
        return self._driver.run(self._operations.create(request_of(prompt, fields), account))

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
        """Fetch the result of a succeeded task: streamed, resumed, checked whole, then published by a rename.

        Args:
            task: the task, its reference, or the text of one.
            to: the file, or a folder; by default ``<id>.mp4`` in the present folder.
            variant: which rendition, where the provider offers others.
            overwrite: replace a file of that name.
            limit: bytes that the result may have at most.
            timeout: seconds for everything; ``math.inf`` sets no end.
            progress: is told the bytes received and the whole length, where that is known.

        Raises:
            DownloadError: it could not be fetched whole; what arrived is kept and continued next time.
            LinkExpired: no link works any more.
            OutputMissing: the job succeeded, but there is nothing to fetch.
            ConfigurationError: the file exists already, or a limit is no number.
        """
        path, part = self._operations.target(task, to, variant=variant, overwrite=overwrite)
        job = self._operations.download(
            task, part, variant=variant, limit=limit, timeout=timeout, progress=progress
        )
        with closing(part):
            return download_of(self._driver.run(job), path)

    def generate(
        self,
        prompt: str | VideoRequest = "",
        /,
        *,
        to: str | Path | None = None,
        account: str | None = None,
        timeout: float = WAIT_SECONDS,
        **fields: Unpack[RequestFields],
    ) -> Download:
        """Create, wait, download. Whatever goes wrong after the create, the error holds the task.

        What is no error of ours, Ctrl-C and the cancellation of an asyncio task included, gets a note with the
        reference, which is logged as well.

        Raises:
            ReelwayError: as ``create``, ``wait`` and ``download`` do.
        """
        request = request_of(prompt, fields)
        self._operations.check_generation(to, timeout)
        task = self.create(request, account=account)
        with holding(task):
            return self.download(self.wait(task, timeout=timeout), to)

    def remix(self, task: TaskLike, prompt: str, *, model: str | None = None) -> Task:
        """Make a new, separately billed task from a finished one; as safe as ``create``.

        Raises:
            NotSupported: the provider has no such call.
        """
        return self._driver.run(self._operations.remix(task, prompt, model))

    def cancel(self, task: TaskLike) -> Task:
        """Stop a task that has not ended, and tell how it stands then; one that has ended is left as it is.

        Raises:
            NotSupported: the provider has no such call, or none for a task that has come this far.
        """
        return self._driver.run(self._operations.cancel(task))


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
        await self._operations.observing.close_async()

    async def create(
        self, prompt: str | VideoRequest = "", /, *, account: str | None = None, **fields: Unpack[RequestFields]
    ) -> Task:
        """As :meth:`Client.create`."""
        return await self._driver.run(self._operations.create(request_of(prompt, fields), account))

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
        path, part = self._operations.target(task, to, variant=variant, overwrite=overwrite)
        job = self._operations.download(
            task, part, variant=variant, limit=limit, timeout=timeout, progress=progress
        )
        with closing(part):
            return download_of(await self._driver.run(job), path)

    async def generate(
        self,
        prompt: str | VideoRequest = "",
        /,
        *,
        to: str | Path | None = None,
        account: str | None = None,
        timeout: float = WAIT_SECONDS,
        **fields: Unpack[RequestFields],
    ) -> Download:
        """As :meth:`Client.generate`."""
        request = request_of(prompt, fields)
        self._operations.check_generation(to, timeout)
        task = await self.create(request, account=account)
        with holding(task):
            return await self.download(await self.wait(task, timeout=timeout), to)

    async def remix(self, task: TaskLike, prompt: str, *, model: str | None = None) -> Task:
        """As :meth:`Client.remix`."""
        return await self._driver.run(self._operations.remix(task, prompt, model))

    async def cancel(self, task: TaskLike) -> Task:
        """As :meth:`Client.cancel`."""
        return await self._driver.run(self._operations.cancel(task))
