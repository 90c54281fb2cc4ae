"""Signed links to result files: made, checked, expired."""

from __future__ import annotations

import hashlib
import hmac
import math
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote

from msgspec import Struct

from reelway.model.http import HttpRequest
from reelway.transport.clock import Clock

FOLDER: Final = "/-/files/"


class Link(Struct, frozen=True, kw_only=True):
    """A link without its host, because the host may only be known later."""

    target: str
    expires_at: datetime


class Links:
    """Signs links and knows its own again."""

    def __init__(self, clock: Clock, *, seconds: float, seed: int) -> None:
        self._clock = clock
        self._seconds = seconds
        # The same seed gives the same links, so that a test can be repeated.
        self._key = hashlib.sha256(f"reelway sandbox {seed}".encode()).digest()

    def issue(self, provider: str, task_id: str, *, expired: bool = False) -> Link:
        """A new link."""
        now = self._clock.now().timestamp()
        expires = math.floor(now) - 1 if expired else math.ceil(now + self._seconds)
        path = f"{FOLDER}{quote(provider, safe='')}/{quote(task_id, safe='')}.mp4"
        signature = self._signature(provider, task_id, str(expires))
        target = f"{path}?expires={expires}&signature={signature}"
        return Link(target=target, expires_at=datetime.fromtimestamp(expires, UTC))

    def works(self, link: Link) -> bool:
        """Whether a link has not expired yet."""
        return self._clock.now() < link.expires_at

    def admits(self, request: HttpRequest) -> bool:
        """Whether a request comes by a link of ours that has not expired."""
        query = dict(request.query)
        expires, signature = query.get("expires", ""), query.get("signature", "")
        wanted = self._signature(*task_at(request.path), expires)
        genuine = hmac.compare_digest(signature.encode(), wanted.encode())
        return genuine and self._clock.now().timestamp() < int(expires)

    def _signature(self, provider: str, task_id: str, expires: str) -> str:
        # Over the names and not over the path, which some clients hand over with its escapes undone.
        message = f"{provider}\0{task_id}\0{expires}".encode()
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()


def task_at(path: str) -> tuple[str, str]:
    """The provider and the task whose file a link's path names."""
    provider, _, name = path.removeprefix(FOLDER).partition("/")
    return unquote(provider), unquote(name.removesuffix(".mp4"))
