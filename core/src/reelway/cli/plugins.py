"""The plugins of one command: those that are installed, and files that `--plugin` names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from reelway.provider.registry import Registry

FILES: Final[ContextVar[tuple[Path, ...]]] = ContextVar("FILES", default=())
"""The files that the present command was given."""


@contextmanager
def trying(files: Iterable[Path]) -> Iterator[None]:
    """Load these files as well, for as long as the command runs."""
    token = FILES.set((*FILES.get(), *files))
    try:
        yield
    finally:
        FILES.reset(token)


def installed() -> Registry:
    """What is installed, and what is tried."""
    return Registry.installed(files=FILES.get())


def arguments() -> list[str]:
    """The options, ahead of the command, with which another one has the same plugins."""
    return [part for file in FILES.get() for part in ("--plugin", str(file))]
