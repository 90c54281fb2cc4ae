"""Where results go, as it is written: a file, a folder, a template, or the URL of an object store."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol

from reelway.errors import ConfigurationError
from reelway.flow.stream import Store
from reelway.model.task import Task
from reelway.storing.bucket import Bucket
from reelway.storing.files import FileStore
from reelway.storing.objects import ObjectStore
from reelway.storing.template import Result, Template, segment
from reelway.transport.part_file import PartFile

OBJECT_STORES: Final = ("s3", "gs", "az")
"""Amazon S3 and whatever speaks its protocol, Google Cloud Storage, Azure Blob Storage."""

URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)

BUCKET: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

KEY: Final = re.compile(r"[^\x00-\x1f\x7f?#\\]+")


class OpenStore(Store, Protocol):
    """A store that is used by one download, which closes it."""

    def close(self) -> None: ...


class Place(ABC):
    """Where results go."""

    @abstractmethod
    def check(self, *, overwrite: bool) -> None:
        """Refuse, before anything is paid for, a place where no result could go.

        Raises:
            ConfigurationError: it is taken, or out of reach of this machine.
        """

    @abstractmethod
    def open(self, result: Result, *, overwrite: bool = False, now: Callable[[], datetime]) -> OpenStore:
        """The store of one result; ``now`` is the time that its manifest is going to tell.

        Raises:
            ConfigurationError: the place is taken.
        """

    @property
    @abstractmethod
    def each_its_own(self) -> bool:
        """Whether every result has a place of its own here."""


class FilePlace(Place):
    """A file, or a folder for files that are named by their tasks."""

    def __init__(self, to: str | Path | None) -> None:
        """``to`` is a path; None is the present folder."""
        self._to = to

    def check(self, *, overwrite: bool) -> None:
        if self._to is not None and not is_folder(self._to):
            refuse_taken(Path(self._to), overwrite=overwrite)

    def open(self, result: Result, *, overwrite: bool = False, now: Callable[[], datetime]) -> OpenStore:
        path = target_path(result.task, self._to)
        refuse_taken(path, result.task, overwrite=overwrite)
        return PartFile(path, result.source, overwrite=overwrite)

    @property
    def each_its_own(self) -> bool:
        return self._to is None or is_folder(self._to)


class TemplatePlace(Place):
    """Files that are named by a template, each with its manifest."""

    def __init__(self, template: Template) -> None:
        self._template = template

    def check(self, *, overwrite: bool) -> None:
        """Nothing stands in the way before it is known which result it is."""

    def open(self, result: Result, *, overwrite: bool = False, now: Callable[[], datetime]) -> OpenStore:
        return FileStore(Path(self._template.filled(result)), result, overwrite=overwrite, now=now)

    @property
    def each_its_own(self) -> bool:
        return "id" in self._template.fields


class BucketPlace(Place):
    """Objects that are named by a template, each with its manifest."""

    def __init__(self, root: str, template: Template) -> None:
        self._root = root
        self._template = template

    @cached_property
    def _bucket(self) -> Bucket:
        return Bucket(self._root)

    def check(self, *, overwrite: bool) -> None:
        _ = self._bucket

    def open(self, result: Result, *, overwrite: bool = False, now: Callable[[], datetime]) -> OpenStore:
        return ObjectStore(self._bucket, self._template.filled(result), result, overwrite=overwrite, now=now)

    @property
    def each_its_own(self) -> bool:
        return "id" in self._template.fields


def place_of(to: str | Path | None) -> Place:
    """The place that was written.

    A ``Path`` is taken as it is. A text may be a path, a template with blanks such as ``{id}``, or the URL of an
    object store, with blanks or without.

    Raises:
        ConfigurationError: it cannot be read, or would lead elsewhere.
    """
    if not isinstance(to, str):
        return FilePlace(to)
    url = URL.fullmatch(to)
    if url is not None:
        return _bucket_place(url[1].lower(), url[2])
    if "{" not in to and "}" not in to:
        return FilePlace(to)
    named = f"{to}{{id}}.mp4" if to.endswith(("/", os.sep)) else to
    return TemplatePlace(Template(named.removeprefix("./")))


def collection_of(to: str | Path) -> Place:
    """The place for the results of many tasks, each with its manifest; a folder is one for ``{id}.mp4``.

    Raises:
        ConfigurationError: it cannot be read, or cannot be reached, or results would overwrite each other.
    """
    place = place_of(in_folder(to))
    if not place.each_its_own:
        raise ConfigurationError(
            "Every result would get the same name.",
            hint="Name a folder, or a template with {id} in it, such as videos/{provider}/{id}.mp4.",
        )
    place.check(overwrite=False)
    return place


def in_folder(to: str | Path) -> str | Path:
    """The template for many results, where only a folder is named; anything else as it is."""
    if not (isinstance(place_of(to), FilePlace) and is_folder(to)):
        return to
    folder = os.path.abspath(to).replace("{", "{{").replace("}", "}}")  # noqa: PTH100 - it takes .. out as well
    return os.path.join(folder, "{id}.mp4")  # noqa: PTH118 - a text with blanks


def is_url(to: str) -> bool:
    """Whether a text names an object store, or something else that is no path."""
    return URL.fullmatch(to) is not None


def _bucket_place(scheme: str, rest: str) -> BucketPlace:
    # What is refused is not shown: it may hold credentials.
    if scheme not in OBJECT_STORES:
        known = ", ".join(f"{one}://" for one in OBJECT_STORES)
        raise ConfigurationError(f"Results cannot be stored at {scheme}://.", hint=f"There are {known} and paths.")
    bucket, _, key = rest.partition("/")
    key = key if key and not key.endswith("/") else f"{key}{{id}}.mp4"
    if not BUCKET.fullmatch(bucket) or not KEY.fullmatch(key) or "" in key.split("/"):
        raise ConfigurationError(
            f"A place at {scheme}:// is a bucket and a key, with no user, query or fragment.",
            hint=f"Write {scheme}://bucket/folder/{{id}}.mp4; credentials belong into the environment.",
        )
    return BucketPlace(f"{scheme}://{bucket}", Template(key))


def target_path(task: Task, to: str | Path | None) -> Path:
    """The file to store a result in; a folder, or nothing, gets a name made from the id."""
    name = f"{segment(task.id, 'video')}.mp4"
    if to is None:
        return Path(name)
    return Path(to) / name if is_folder(to) else Path(to)


def is_folder(to: str | Path) -> bool:
    """Whether a path names a folder: it is one, or is written like one."""
    return Path(to).is_dir() or str(to).endswith(("/", "\\"))


def refuse_taken(path: Path, task: Task | None = None, *, overwrite: bool) -> None:
    """Refuse to store where a file stands already.

    Raises:
        ConfigurationError: it does, and may not be replaced.
    """
    if path.exists() and not overwrite:
        hint = "Choose another name, or pass overwrite=True."
        raise ConfigurationError(f"{path} exists already.", hint=hint, task=task)
