"""Results in object stores, each with its manifest.

A result is first fetched whole into a file of its own, the spool, with all that makes a download sound: resumed,
compared in length, looked into. Only then is it uploaded, and repeating the upload touches neither the provider nor
the link. What a process leaves in its spool is where the next one goes on.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from reelway.errors import DownloadError
from reelway.flow.stream import StoreInterrupted
from reelway.model.task import StoredResult
from reelway.storing.bucket import Bucket
from reelway.storing.files import FileStore, taken
from reelway.storing.manifest import Manifest
from reelway.storing.template import Result

SPOOL: Final = "REELWAY_SPOOL"
"""The environment variable that names the folder for results on their way."""


def spool_folder() -> Path:
    """Where results are kept until they are uploaded: a folder of the user's own, with room for a video."""
    named = os.environ.get(SPOOL)
    if named:
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "reelway" / "spool"


class ObjectStore(FileStore):
    """An object and its manifest, ``<key>.json``, by way of a file in the spool."""

    def __init__(
        self, bucket: Bucket, key: str, result: Result, *, overwrite: bool, now: Callable[[], datetime]
    ) -> None:
        name = hashlib.sha256(f"{bucket.url}/{key} {result.source}".encode()).hexdigest()[:32]
        super().__init__(spool_folder() / name, result, overwrite=True, now=now)
        self._bucket = bucket
        self._key = key
        self._manifest_key = f"{key}.json"
        self._replace = overwrite
        self._given_up = False

    @property
    def path(self) -> Path | None:
        """None: it is an object."""
        return None

    @property
    def location(self) -> str:
        """The object's URL."""
        return f"{self._bucket.url}/{self._key}"

    def kept(self) -> StoredResult | None:
        """What is stored, where it is this very result and whole; what waits in the spool is uploaded first.

        Raises:
            ConfigurationError: something else has the key, and may not be replaced.
            StoreInterrupted: passing trouble with the store.
            DownloadError: the store refused.
        """
        there = self._bucket.facts(self._key)
        if there is not None:
            manifest = Manifest.read(self._bucket.read(self._manifest_key))
            ours = manifest is None or manifest.is_of(self._result)
            if manifest is not None and ours and there == (manifest.size, manifest.sha256):
                self._clear_spool()
                return manifest.stored(self.location)
            # Without a digest, or with another's manifest, it was stored by somebody else.
            if not self._replace and not (ours and there.sha256):
                raise taken(self.location, self._result.task)
        return self._uploaded()

    def publish(self) -> str:
        """Upload the whole file, then its manifest; return the file's SHA-256.

        Raises:
            ConfigurationError: something else has the key, and may not be replaced.
            StoreInterrupted: passing trouble with the store.
            DownloadError: the store refused.
        """
        stored = self._uploaded()
        if stored is None:
            super().publish()
            stored = self._uploaded()
        if stored is None:
            raise DownloadError(f"The whole result vanished from {self.target}.")
        return stored.sha256

    def give_up(self) -> None:
        """Have an upload that is under way broken off; from any thread."""
        self._given_up = True

    def close(self) -> None:
        """Give up an upload that is under way, and let others have the spooled file."""
        self.give_up()
        super().close()

    def _uploaded(self) -> StoredResult | None:
        """Upload what is whole in the spool; None where nothing is."""
        spooled = super().kept()
        if spooled is None:
            return None
        self._claim()
        described = self._manifest.read_bytes()
        self._upload(spooled, described)
        self._bucket.write(self._manifest_key, described, "application/json")
        self._clear_spool()
        return spooled

    def _upload(self, spooled: StoredResult, described: bytes) -> None:
        there, wanted = self._bucket.facts(self._key), (spooled.size, spooled.sha256)
        if there == wanted:
            return
        if there is not None:
            if not self._replace:
                raise taken(self.location, self._result.task)
            # It tells of what is going to be replaced.
            self._bucket.remove(self._manifest_key)
        manifest = Manifest.read(described)
        content_type = "" if manifest is None else manifest.content_type
        with self.target.open("rb") as file:
            self._bucket.upload(self._key, file, content_type, spooled.sha256, lambda: self._given_up)
        if self._bucket.facts(self._key) != wanted:
            raise StoreInterrupted("what is there afterwards is not what was sent")

    def _clear_spool(self) -> None:
        # In this order, so that no file is left that nothing tells of.
        self.target.unlink(missing_ok=True)
        self._manifest.unlink(missing_ok=True)
