"""Whether two wishes are the same: the SHA-256 of a request, however it was written."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from reelway.model.request import Media, VideoRequest
from reelway.model.task import TaskRef


def request_digest(request: VideoRequest) -> str:
    """The digest of a request, in hexadecimal.

    The callback address is left out, for it may hold a token that is new each time. Files count by their paths,
    other media by their addresses or their bytes.
    """
    wish = {name: getattr(request, name) for name in request.__struct_fields__ if name != "callback_url"}
    return _digest({"create": wish})


def remix_digest(source: TaskRef, prompt: str, model: str | None) -> str:
    """The digest of a wish to make a new task from a finished one."""
    return _digest({"remix": {"source": str(source), "prompt": prompt, "model": model}})


def _digest(wish: dict[str, Any]) -> str:
    # What JSON cannot hold, a provider cannot be sent either; the request is refused later, and with better words.
    return hashlib.sha256(json.dumps(_plain(wish), sort_keys=True, default=repr).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Media):
        content = None if value.content is None else hashlib.sha256(value.content).hexdigest()
        return {"url": value.url, "path": value.path and str(value.path), "content": content}
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    # 5 and 5.0 seconds are the same.
    return int(value) if isinstance(value, float) and value.is_integer() else value
