"""What polls: Reelway, the bare libraries that are its baseline, and the SDKs that a user might pick instead.

Each is given what makes it fast: one client, connections that are kept. The libraries are imported when a contender
is made, so that each child process holds its own only.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from itertools import cycle
from typing import Any, ClassVar, Final

import msgspec

KEY: Final = "benchmark"

FOREVER: Final = 3600.0


class PolledVideo(msgspec.Struct):
    """What a careful user would decode a poll into."""

    id: str
    object: str
    model: str
    status: str
    progress: int
    created_at: int
    seconds: str
    size: str


class Contender(ABC):
    """One way to poll.

    Attributes:
        library: the distribution that it needs.
        url: where the server is, the delay included.
        at_once: how many tasks are polled at once; 0 for as many as there are.
    """

    library: ClassVar[str]

    def __init__(self, url: str, at_once: int = 0) -> None:
        self.url = url
        self.at_once = at_once

    @abstractmethod
    async def poll(self, task_id: str) -> None:
        """Ask once and read the answer."""

    async def follow(self, task_ids: Sequence[str]) -> None:
        """Poll all of them over and over, until cancelled."""
        turn = cycle(task_ids)
        await asyncio.gather(*(self._poll_in_turn(turn) for _ in range(self.at_once or len(task_ids))))

    async def _poll_in_turn(self, turn: cycle[str]) -> None:
        for task_id in turn:
            await self.poll(task_id)


class Reelway(Contender):
    """``AsyncClient``, with a cadence that asks again at once."""

    library = "reelway"
    options: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, url: str, at_once: int = 0) -> None:
        super().__init__(url, at_once)
        from reelway import Account, AsyncClient  # noqa: PLC0415
        from reelway.provider.interface import Cadence  # noqa: PLC0415

        account = Account(a_provider(), KEY, url, requests_per_second=1e9, cadence=Cadence(0, 0))
        self.client = AsyncClient(account, **self.options)

    async def poll(self, task_id: str) -> None:
        await self.client.retrieve(task_id)

    async def follow(self, task_ids: Sequence[str]) -> None:
        async for _ in self.client.as_completed(task_ids, timeout=FOREVER):
            raise AssertionError("no task of the server ever ends")


class ReelwayOverHttpx2(Reelway):
    """The same over the successor of httpx."""

    library = "httpx2"
    options: ClassVar[Mapping[str, Any]] = {"http": "httpx2", "fast": False}


class FastReelway(Reelway):
    """The same with polls over pyreqwest."""

    library = "pyreqwest"
    options: ClassVar[Mapping[str, Any]] = {"http": "httpx2"}


def a_provider() -> str:
    """The first installed provider whose main dialect is that of the server."""
    from reelway import Registry  # noqa: PLC0415
    from reelway.provider.videos_api import Dialect, VideosApi  # noqa: PLC0415

    family = [one for one in Registry.installed().providers if isinstance(one, VideosApi)]
    return next(one.info.name for one in family if one.dialects[""].read == Dialect().read)


class BareHttpx(Contender):
    """httpx and msgspec, as one would write it by hand."""

    library = "httpx"

    def __init__(self, url: str, at_once: int = 0) -> None:
        super().__init__(url, at_once)
        httpx: Any = importlib.import_module("httpx")
        kept = httpx.Limits(max_connections=100, max_keepalive_connections=100)
        self._client = httpx.AsyncClient(base_url=f"{url}/v1", headers=_key_header(), limits=kept, timeout=30)
        self._read = msgspec.json.Decoder(PolledVideo).decode

    async def poll(self, task_id: str) -> None:
        response = await self._client.get(f"/videos/{task_id}")
        response.raise_for_status()
        self._read(response.content)


class BareAiohttp(Contender):
    """aiohttp and msgspec; no baseline, but what the fastest well-known client of Python does."""

    library = "aiohttp"

    def __init__(self, url: str, at_once: int = 0) -> None:
        super().__init__(url, at_once)
        aiohttp: Any = importlib.import_module("aiohttp")
        self._session = aiohttp.ClientSession(headers=_key_header())
        self._read = msgspec.json.Decoder(PolledVideo).decode

    async def poll(self, task_id: str) -> None:
        async with self._session.get(f"{self.url}/v1/videos/{task_id}") as response:
            response.raise_for_status()
            self._read(await response.read())


class OpenAi(Contender):
    """The ``openai`` SDK: ``videos.retrieve``, and its poll helper where all tasks are followed at once."""

    library = "openai"

    def __init__(self, url: str, at_once: int = 0) -> None:
        super().__init__(url, at_once)
        openai: Any = importlib.import_module("openai")
        self._client = openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0)

    async def poll(self, task_id: str) -> None:
        await self._client.videos.retrieve(task_id)

    async def follow(self, task_ids: Sequence[str]) -> None:
        if self.at_once:
            await super().follow(task_ids)
        helper: Callable[..., Any] = self._client.videos.poll
        await asyncio.gather(*(helper(task_id, poll_interval_ms=0) for task_id in task_ids))


class LiteLlm(Contender):
    """The ``litellm`` SDK: ``avideo_status``; it has no poll helper."""

    library = "litellm"

    def __init__(self, url: str, at_once: int = 0) -> None:
        super().__init__(url, at_once)
        # Without this it asks a host on the internet for its price list.
        os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
        litellm: Any = importlib.import_module("litellm")
        self._status: Callable[..., Any] = litellm.avideo_status

    async def poll(self, task_id: str) -> None:
        await self._status(task_id, custom_llm_provider="openai", api_base=f"{self.url}/v1", api_key=KEY)


def _key_header() -> dict[str, str]:
    return {"Authorization": f"Bearer {KEY}"}


CONTENDERS: Final[Mapping[str, type[Contender]]] = {
    "reelway": Reelway,
    "reelway-httpx2": ReelwayOverHttpx2,
    "reelway-fast": FastReelway,
    "httpx": BareHttpx,
    "aiohttp": BareAiohttp,
    "openai": OpenAi,
    "litellm": LiteLlm,
}
