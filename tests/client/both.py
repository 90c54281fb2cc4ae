"""Both clients behind one face, so that a test is written once and holds for threads and for asyncio."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Final, Self, TypeAlias, TypeVar, cast

from reelway import Account, AsyncClient, Client, Download, Preview, Task, Waited
from reelway.flow.effects import Effect
from reelway.model.http import HttpRequest, HttpResponse
from reelway.operations import Settings, TaskLike
from reelway.provider.registry import Registry
from reelway.sandbox import Sandbox
from reelway.testing import VirtualClock, in_process
from reelway.transport.http import HttpSettings

T = TypeVar("T")

Kind: TypeAlias = type[Client] | type[AsyncClient]

CLIENTS: Final[tuple[Kind, ...]] = (Client, AsyncClient)

MODELS: Final[Mapping[str, str]] = {
    provider.info.name: next(spec.name for spec in provider.models.models if not spec.needs_image)
    for provider in Registry.installed().providers
}
"""Every installed provider and a model of it that needs no more than a prompt."""


class Both:
    """One of the two clients. Calls block; what the client gives piece by piece comes as a list."""

    def __init__(self, kind: Kind, accounts: Any, **options: Any) -> None:
        self.client = kind(accounts, **options)
        self._runner = asyncio.Runner()

    def create(self, prompt: Any = "A cat.", /, **fields: Any) -> Task:
        return cast("Task", self._call("create", prompt, **fields))

    def retrieve(self, task: TaskLike) -> Task:
        return cast("Task", self._call("retrieve", task))

    def watch(self, task: TaskLike, **options: Any) -> list[Task]:
        return cast("list[Task]", self._call("watch", task, **options))

    def wait(self, task: TaskLike, **options: Any) -> Task:
        return cast("Task", self._call("wait", task, **options))

    def as_completed(self, tasks: Iterable[TaskLike], **options: Any) -> list[Waited]:
        return cast("list[Waited]", self._call("as_completed", tasks, **options))

    def download(self, task: TaskLike, to: Any = None, **options: Any) -> Download:
        return cast("Download", self._call("download", task, to, **options))

    def generate(self, prompt: Any = "A cat.", /, **fields: Any) -> Download:
        return cast("Download", self._call("generate", prompt, **fields))

    def remix(self, task: TaskLike, prompt: str, **options: Any) -> Task:
        return cast("Task", self._call("remix", task, prompt, **options))

    def cancel(self, task: TaskLike) -> Task:
        return cast("Task", self._call("cancel", task))

    def preview(self, prompt: Any = "A cat.", /, **fields: Any) -> Preview:
        return self.client.preview(prompt, **fields)

    def run(self, story: Awaitable[T]) -> T:
        """A story told in the client's own event loop."""
        return self._runner.run(_awaited(story))

    def _call(self, name: str, *args: Any, **options: Any) -> Any:
        result = getattr(self.client, name)(*args, **options)
        if inspect.isawaitable(result):
            return self._runner.run(_awaited(result))
        if inspect.isasyncgen(result):
            return self._runner.run(_listed(result))
        return list(result) if inspect.isgenerator(result) else result

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._runner:
            self._call("aclose" if isinstance(self.client, AsyncClient) else "close")


async def _awaited(result: Awaitable[T]) -> T:
    return await result


async def _listed(results: AsyncIterator[T]) -> list[T]:
    return [one async for one in results]


def local_accounts(sandbox: Sandbox, *providers: str) -> dict[str, Account]:
    """An account at the sandbox for each provider, under the provider's name."""
    return {
        name: Account(name, api_key="sandbox", base_url=sandbox.base_url(name), requests_per_second=1000)
        for name in providers or MODELS
    }


def on_sockets(kind: Kind, sandbox: Sandbox, clock: VirtualClock, provider: str) -> Both:
    """A client of one provider at a sandbox that listens."""
    return Both(kind, local_accounts(sandbox, provider)[provider], clock=clock, allow_private_links=True)


class Healing(VirtualClock):
    """A clock that makes something whole again as soon as somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.wound = ExitStack()

    def sleep(self, seconds: float) -> None:
        self.wound.close()
        super().sleep(seconds)

    async def sleep_async(self, seconds: float) -> None:
        self.wound.close()
        await super().sleep_async(seconds)


class Bench:
    """A sandbox that answers in process, and a client of it, on one clock; the effects are kept."""

    def __init__(self, kind: Kind, *providers: str, **settings: Any) -> None:
        self.clock: VirtualClock = settings.pop("clock", None) or VirtualClock()
        self.sandbox = Sandbox(clock=self.clock, **settings.pop("world", {}))
        self.trace: list[Effect[Any]] = []
        self.files: dict[str, HttpResponse] = {}
        self.requests: list[HttpRequest] = []
        self.settings = Settings(
            clock=self.clock,
            draw=lambda: 0.5,
            trace=self.trace.append,
            http=HttpSettings(transport=in_process(self._respond)),
            **settings,
        )
        accounts: Any = local_accounts(self.sandbox, *providers)
        self.client = Both(
            kind, accounts[providers[0]] if len(providers) == 1 else accounts, settings=self.settings
        )

    def _respond(self, request: HttpRequest) -> HttpResponse:
        """The answer of the sandbox, or of the host of input media: the paths of those are in ``files``."""
        self.requests.append(request)
        return self.files[request.path] if request.path in self.files else self.sandbox.respond(request)
