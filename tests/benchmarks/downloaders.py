"""What fetches a file: Reelway, bare httpx as its baseline, and the SDKs that a user might pick instead."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from tests.benchmarks.contenders import KEY, a_provider

Fetch = Callable[[str, int, Path], None]
"""Takes the server's address, the size of the file, and where to put it."""


def reelway(url: str, size: int, path: Path) -> None:
    from reelway import Client  # noqa: PLC0415

    with Client(a_provider(), api_key=KEY, base_url=url, allow_private_links=True) as client:
        client.download(_finished(url, size), path)


def reelway_async(url: str, size: int, path: Path) -> None:
    from reelway import AsyncClient  # noqa: PLC0415

    async def fetch() -> None:
        async with AsyncClient(a_provider(), api_key=KEY, base_url=url, allow_private_links=True) as client:
            await client.download(_finished(url, size), path)

    asyncio.run(fetch())


def _finished(url: str, size: int) -> Any:
    """A task that has succeeded, its link leading to the server."""
    from reelway import Secret, Task, TaskRef, Video  # noqa: PLC0415
    from reelway.model.observation import Status  # noqa: PLC0415
    from reelway.transport.clock import SystemClock  # noqa: PLC0415

    task = Task.new(TaskRef(a_provider(), "default", "", str(size)), SystemClock().now())
    link = Video(url=Secret(_content_url(url, size)))
    return _replaced(task, status=Status.SUCCEEDED, confirmed=True, videos=(link,))


def _replaced(struct: Any, **changes: Any) -> Any:
    from msgspec.structs import replace  # noqa: PLC0415

    return replace(struct, **changes)


def httpx_stream(url: str, size: int, path: Path) -> None:
    httpx: Any = importlib.import_module("httpx")
    with (
        httpx.Client() as client,
        client.stream("GET", _content_url(url, size)) as response,
        path.open("wb") as file,
    ):
        for chunk in response.iter_bytes():
            file.write(chunk)


def httpx_stream_async(url: str, size: int, path: Path) -> None:
    httpx: Any = importlib.import_module("httpx")

    async def fetch() -> None:
        async with httpx.AsyncClient() as client, client.stream("GET", _content_url(url, size)) as response:
            with path.open("wb") as file:
                async for chunk in response.aiter_bytes():
                    file.write(chunk)

    asyncio.run(fetch())


def httpx_durable(url: str, size: int, path: Path) -> None:
    """The baseline with what Reelway does besides: a digest, and the bytes on disk before the name."""
    httpx: Any = importlib.import_module("httpx")
    part, digest = path.with_suffix(".part"), hashlib.sha256()
    with (
        httpx.Client() as client,
        client.stream("GET", _content_url(url, size)) as response,
        part.open("wb") as file,
    ):
        for chunk in response.iter_bytes():
            file.write(chunk)
            digest.update(chunk)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def openai_stream(url: str, size: int, path: Path) -> None:
    openai: Any = importlib.import_module("openai")
    with openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0) as client:
        videos = client.videos.with_streaming_response
        with videos.download_content(str(size)) as response:
            response.stream_to_file(path)


def litellm_content(url: str, size: int, path: Path) -> None:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    litellm: Any = importlib.import_module("litellm")
    video = litellm.video_content(str(size), custom_llm_provider="openai", api_base=f"{url}/v1", api_key=KEY)
    path.write_bytes(video)


def _content_url(url: str, size: int) -> str:
    return f"{url}/v1/videos/{size}/content"


class Downloader(Struct, frozen=True):
    """A way to fetch a file, and the distribution it needs."""

    library: str
    fetch: Fetch


DOWNLOADERS: Final[Mapping[str, Downloader]] = {
    "Client": Downloader("reelway", reelway),
    "AsyncClient": Downloader("reelway", reelway_async),
    "httpx.Client": Downloader("httpx", httpx_stream),
    "httpx.AsyncClient": Downloader("httpx", httpx_stream_async),
    "httpx.Client, with digest and fsync": Downloader("httpx", httpx_durable),
    "openai, `download_content`": Downloader("openai", openai_stream),
    "litellm, `video_content`": Downloader("litellm", litellm_content),
}
