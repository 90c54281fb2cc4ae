"""The only module that speaks to object stores, through ``obstore``.

Addresses and credentials come from the environment, as ``obstore`` reads them, and stay there.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any, BinaryIO, Final, NamedTuple, TypeVar

from reelway.errors import ConfigurationError, DownloadError, Fault
from reelway.flow.stream import StoreInterrupted
from reelway.storing.manifest import LONGEST

if TYPE_CHECKING:
    from obstore.store import RetryConfig

R = TypeVar("R")

PART: Final = 5 * 1024 * 1024
"""Bytes of a part of an upload; S3 takes none that are smaller, but for the last."""

PARTS_AT_ONCE: Final = 3
"""Parts under way at once, each of them in memory."""

RETRIES: Final = 5
RETRY_SECONDS: Final = 60.0
"""How often, and for how long, one request to a store is repeated by the library itself."""

DIGEST: Final = "sha256"
"""The name of the field in which an object carries its digest."""

REFUSALS: Final[Mapping[str, str]] = {
    "FileNotFoundError": "there is no such bucket",
    "PermissionDeniedError": "the credentials do not allow it",
    "UnauthenticatedError": "the credentials are missing, or are not accepted",
    "InvalidPathError": "the store takes no such name",
    "NotSupportedError": "the store does not offer what is needed",
    "ValueError": "its settings in the environment cannot be read",
    "UnknownConfigurationKeyError": "its settings in the environment cannot be read",
}
"""Answers that asking again does not change, by the errors that say them. Everything else may pass."""

HINT: Final = (
    "See that the credentials in the environment may list the bucket, read and write; then call again. "
    "Nothing is fetched or paid twice."
)

STATUS: Final = re.compile(r"status code: (\d{3})\b")
CODE: Final = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
PLAIN_HTTP: Final = "builder error"


class Facts(NamedTuple):
    """What is known of an object without reading it: its length, and its digest where we stored it."""

    size: int
    sha256: str | None


class Bucket:
    """One bucket or container. Its methods block; their errors say nothing of what a store says but its code."""

    def __init__(self, url: str) -> None:
        """Open a bucket such as ``s3://videos``; nothing is sent yet.

        Raises:
            ConfigurationError: ``obstore`` is not installed, or the environment lacks what is needed to reach it.
        """
        self.url = url
        self._library = _library()
        retries: RetryConfig = {"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_SECONDS)}
        trouble = ""
        try:
            self._store = self._library.store.from_url(url, retry_config=retries)
        except (self._library.exceptions.BaseError, ValueError):
            trouble = f"The environment does not say how to reach {url}."
        if trouble:
            raise ConfigurationError(trouble, hint="Set the variables of its service, such as AWS_REGION.")

    def facts(self, key: str) -> Facts | None:
        """What is known of an object; None where there is none."""
        found = self._found(lambda: self._library.get(self._store, key, options={"head": True}))
        return None if found is None else Facts(found.meta["size"], found.attributes.get(DIGEST))

    def read(self, key: str) -> bytes | None:
        """A small object, as far as a manifest would go; None where there is none."""
        found = self._found(lambda: self._library.get(self._store, key))
        if found is None or found.meta["size"] > LONGEST:
            return None
        return bytes(self._call(found.bytes))

    def write(self, key: str, data: bytes, content_type: str) -> None:
        """Write a small object in one step."""
        attributes = {"Content-Type": content_type}
        self._call(lambda: self._library.put(self._store, key, data, attributes=attributes))

    def upload(self, key: str, file: BinaryIO, content_type: str, sha256: str, stop: Callable[[], bool]) -> None:
        """Write an object that stands there whole or not at all. What was sent of it is taken back on any failure.

        Args:
            key: its name.
            file: its content.
            content_type: what it is.
            sha256: its digest, which it carries.
            stop: is asked before each part whether to give up.
        """
        attributes = {"Content-Type": content_type, DIGEST: sha256}
        size = os.fstat(file.fileno()).st_size
        content: Any = file.read() if size <= PART else _parts(file, stop)
        self._call(
            lambda: self._library.put(
                self._store,
                key,
                content,
                attributes=attributes,
                chunk_size=PART,
                max_concurrency=PARTS_AT_ONCE,
            )
        )

    def remove(self, key: str) -> None:
        """Remove an object, if there is one."""
        self._found(lambda: self._library.delete(self._store, key))

    def _found(self, call: Callable[[], R]) -> R | None:
        try:
            return self._call(call, missing=FileNotFoundError)
        except FileNotFoundError:
            return None

    def _call(self, call: Callable[[], R], *, missing: type[Exception] | None = None) -> R:
        trouble: Exception
        try:
            return call()
        except (self._library.exceptions.BaseError, FileNotFoundError, ValueError) as error:
            trouble = FileNotFoundError() if missing and isinstance(error, missing) else self._told(error)
        # Raised out here, because what the library says shows addresses, which may be signed.
        raise trouble

    def _told(self, error: Exception) -> Exception:
        reason = REFUSALS.get(type(error).__name__)
        if reason is None:
            return StoreInterrupted(_passing(str(error)))
        refused = DownloadError(f"{self.url} refused: {reason}{_code(str(error))}.", hint=HINT)
        refused.fault, refused.retryable = Fault.CALLER, False
        return refused


def _library() -> Any:
    try:
        library = import_module("obstore")
        import_module("obstore.store")
    except ImportError as error:
        raise ConfigurationError(
            "Object stores need the library obstore, which is not installed.",
            hint="Install it: python -m pip install 'reelway[objectstore]'",
        ) from error
    return library


def _parts(file: BinaryIO, stop: Callable[[], bool]) -> Iterator[bytes]:
    while part := file.read(PART):
        if stop():
            raise InterruptedError("the upload was given up")
        yield part


def _passing(said: str) -> str:
    if PLAIN_HTTP in said:
        return "its address is not https, and AWS_ALLOW_HTTP=true is not set"
    status = STATUS.search(said)
    return f"HTTP {status[1]}{_code(said)}" if status else "there is no connection, or it broke"


def _code(said: str) -> str:
    found = CODE.search(said)
    return f" ({found[1]})" if found else ""
