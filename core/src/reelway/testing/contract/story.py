"""Whole jobs at a provider's own simulator, in process and on virtual time: from the create to the file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from reelway.client import Client
from reelway.provider.interface import Provider
from reelway.provider.models import ModelSpec
from reelway.provider.registry import Registry
from reelway.results import Download
from reelway.sandbox import Sandbox
from reelway.testing.clock import VirtualClock
from reelway.testing.contract.wishes import plain
from reelway.transport.http import in_process


class Stage:
    """A client and the sandbox that it talks to; nothing leaves the process."""

    def __init__(self, client: Client, sandbox: Sandbox) -> None:
        self.client = client
        self.sandbox = sandbox

    def played(self, spec: ModelSpec, faults: str = "") -> Download:
        """A job from its create to its file, with faults on the way.

        Raises:
            ReelwayError: it did not come to its end.
        """
        wish = plain(spec)
        with tempfile.TemporaryDirectory() as folder:
            asked = replace(wish, prompt=f"{wish.prompt} {faults}")
            return self.client.generate(asked, to=Path(folder) / "video.mp4")


@contextmanager
def stage(provider: Provider) -> Iterator[Stage]:
    """A client of the provider whose service is its simulator."""
    clock = VirtualClock()
    sandbox = Sandbox([provider], clock=clock, job_seconds=60)
    name = provider.info.name
    with Client(
        name,
        api_key="contract",
        base_url=sandbox.base_url(name),
        registry=Registry([provider]),
        transport=in_process(sandbox.respond),
        clock=clock,
    ) as client:
        yield Stage(client, sandbox)
