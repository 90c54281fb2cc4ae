"""Which bytes a finished job results in: a playable video, and a different file for each task."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files


@cache
def reel() -> bytes:
    """The packaged video: two seconds, silent, drawn for the sandbox."""
    return files("reelway.sandbox").joinpath("reel.mp4").read_bytes()


def video_of(provider: str, task_id: str) -> bytes:
    """The file of one task: the reel with the task's name in a box that players skip."""
    return reel() + _free_box(f"{provider}/{task_id}".encode())


def digest(content: bytes) -> str:
    """The SHA-256 of a file, as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def etag(content: bytes) -> str:
    """The strong validator of a file."""
    return f'"{digest(content)[:32]}"'


def _free_box(payload: bytes) -> bytes:
    # ISO/IEC 14496-12, 8.1.2: a `free` box may stand at the top level, and its content is to be ignored.
    return (8 + len(payload)).to_bytes(4, "big") + b"free" + payload
