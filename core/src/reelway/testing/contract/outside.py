"""A provider in a process of its own, watched from its import on: what it touches, and whether it says the same.

The process is told which class to import and which answers to read. Python's audit events (PEP 578) show sockets,
processes and files; threads and reads of the environment are watched where they happen, for not every Python has
events for them.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import mimetypes
import os
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, Final

import msgspec
from msgspec import Struct

from reelway.account import base_url_variable
from reelway.errors import ReelwayError
from reelway.model.http import Headers, HttpResponse
from reelway.provider.canonical import Call
from reelway.provider.interface import Provider
from reelway.provider.plugin import PluginFile, file_of
from reelway.testing.contract.answers import read
from reelway.testing.contract.subject import Missing, Subject, installed
from reelway.testing.contract.wishes import wishes

PATIENCE: Final = 60.0
"""Seconds after which a process that has not answered never will."""


class Kind(StrEnum):
    """What a provider can touch."""

    SOCKET = "socket"
    START = "start"
    FILE = "file"
    ENVIRONMENT = "environment"


class Phase(StrEnum):
    """When it did so."""

    IMPORT = "import"
    CALLS = "calls"


class Touch(Struct, frozen=True):
    """One thing that a provider touched."""

    phase: Phase
    kind: Kind
    what: str


class KeptAnswer(Struct, frozen=True, kw_only=True):
    """An answer for the other process to read."""

    call: Call
    route: str
    status: int
    headers: Headers
    body: bytes


class Order(Struct, frozen=True, kw_only=True):
    """What the other process is to do."""

    path: list[str]
    module: str
    name: str
    provider: str
    answers: list[KeptAnswer]


class Outside(Struct, frozen=True, kw_only=True):
    """What was seen in the other process: what the provider touched, and all that it wrote and read."""

    touched: list[Touch] = []
    said: list[str] = []
    problem: str | None = None


def seen_at_import(subject: Subject, kind: Kind) -> Iterator[str]:
    """What the import touches of one kind.

    Raises:
        Missing: it cannot be imported by its name.
    """
    seen = _believable(looked_at(subject))
    yield from (touch.what for touch in seen.touched if touch.phase is Phase.IMPORT and touch.kind is kind)


def seen_in_calls(subject: Subject) -> Iterator[str]:
    """What the provider touches while it writes requests and reads answers.

    Raises:
        Missing: it cannot be imported by its name.
    """
    seen = _believable(looked_at(subject))
    yield from (f"{touch.kind}: {touch.what}" for touch in seen.touched if touch.phase is Phase.CALLS)


def said_elsewhere(subject: Subject) -> tuple[list[str], list[str]]:
    """All that the provider wrote and read, here and in another place, time zone, language and order of hashes.

    Raises:
        Missing: it cannot be imported by its name.
    """
    return _believable(looked_at(subject)).said, _believable(looked_at(subject, elsewhere=True)).said


def _believable(seen: Outside) -> Outside:
    if seen.problem is not None:
        raise Missing(f"the provider cannot be imported in a process of its own: {seen.problem}")
    return seen


HERE: Final[Mapping[str, str]] = {"TZ": "UTC", "PYTHONHASHSEED": "1"}

ELSEWHERE: Final[Mapping[str, str]] = {"TZ": "Pacific/Chatham", "PYTHONHASHSEED": "2", "LC_ALL": "C"}


@cache
def looked_at(subject: Subject, *, elsewhere: bool = False) -> Outside:
    """Import the provider in a process of its own and let it write and read."""
    kind = type(subject.provider)
    answers = [
        KeptAnswer(call=one.call, route=one.route, status=one.status, headers=one.headers, body=one.body)
        for one in subject.answers
    ]
    path = [str(Path(entry).absolute()) for entry in sys.path]
    name = subject.provider.info.name
    order = Order(path=path, module=kind.__module__, name=kind.__qualname__, provider=name, answers=answers)
    account = {subject.provider.info.key_variable: "contract-canary"}
    account[base_url_variable(name)] = "https://canary.contract.example"
    changes = {**ELSEWHERE, **account} if elsewhere else HERE
    with tempfile.TemporaryDirectory() as folder:
        return _ask(order, {**os.environ, **changes}, folder if elsewhere else None)


def _ask(order: Order, environ: Mapping[str, str], folder: str | None) -> Outside:
    try:
        done = subprocess.run(  # noqa: S603 - this very program
            [sys.executable, "-m", __name__],
            input=msgspec.json.encode(order),
            capture_output=True,
            env=dict(environ, PYTHONPATH=os.pathsep.join(order.path)),
            cwd=folder,
            timeout=PATIENCE,
            check=True,
        )
    except subprocess.TimeoutExpired:
        return Outside(problem=f"it did not answer within {PATIENCE:g} seconds")
    except subprocess.CalledProcessError as error:
        return Outside(problem=" ".join(error.stderr.decode(errors="replace").split()[-40:]))
    return msgspec.json.decode(done.stdout, type=Outside)


# What follows runs in the other process.


STARTS: Final = ("subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn")

FILES: Final = (
    *("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"),
    *("os.listdir", "os.scandir", "tempfile.", "shutil.", "sqlite3.", "glob."),
)

EVENTS: Final[Mapping[Kind, tuple[str, ...]]] = {
    Kind.SOCKET: ("socket.",),
    Kind.START: STARTS,
    Kind.FILE: FILES,
    Kind.ENVIRONMENT: ("os.putenv", "os.unsetenv"),
}
"""The beginnings of the audit events of each kind."""

LIBRARY: Final = sysconfig.get_path("stdlib")


class Watch:
    """Notes what is touched while it is told to look."""

    def __init__(self, package: str) -> None:
        """Look at nothing yet; ``package`` is the folder or file of the provider's own modules."""
        self.phase: Phase | None = None
        self.touched: list[Touch] = []
        self._package = package
        sys.addaudithook(self._on_event)
        self._spy_on_environment()
        self._spy_on_threads()

    def _on_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.phase is None:
            return
        kind = next((kind for kind, starts in EVENTS.items() if event.startswith(starts)), None)
        place = None if kind is None else _caller(sys._getframe(1))  # noqa: SLF001 - a hook has no other way
        if kind is not None and place is not None:
            self._note(kind, f"{event} {arguments[:1]!r:.120}", place)

    def _spy_on_environment(self) -> None:
        environment: Any = type(os.environ)
        usual = environment.__getitem__

        def spying(held: Any, key: Any) -> Any:
            place = _caller(sys._getframe(1))  # noqa: SLF001 - as above
            if self.phase is not None and place is not None and place.startswith(self._package):
                self._note(Kind.ENVIRONMENT, f"reads {key!r}", place)
            return usual(held, key)

        environment.__getitem__ = spying

    def _spy_on_threads(self) -> None:
        kind: Any = threading.Thread
        usual = kind.start

        def spying(thread: Any) -> None:
            if self.phase is not None:
                self._note(Kind.START, f"starts {thread.name!r}", _caller(sys._getframe(1)) or "an import")  # noqa: SLF001 - as above
            usual(thread)

        kind.start = spying

    def _note(self, kind: Kind, what: str, place: str) -> None:
        phase, self.phase = self.phase, None
        if phase is not None:
            self.touched.append(Touch(phase, kind, f"{what} at {place}"))
        self.phase = phase


def _caller(frame: FrameType | None) -> str | None:
    """Who is at work, beyond the standard library; None where it is the import system itself."""
    while frame is not None:
        file = frame.f_code.co_filename
        if "importlib" in file:
            return None
        if not file.startswith("<frozen") and (not file.startswith(LIBRARY) or "site-packages" in file):
            return f"{file}:{frame.f_lineno}"
        frame = frame.f_back
    return None


def _made(kind: Any, name: str) -> Provider:
    """The provider; where its class alone does not make it, the one that the user configured."""
    provider = installed(name) if inspect.signature(kind).parameters else kind()
    if not isinstance(provider, Provider):
        raise SystemExit(f"no plugin brings {name!r}")
    return provider


def _module(name: str) -> ModuleType:
    file = file_of(name)
    return importlib.import_module(name) if file is None else PluginFile(file).load()


def _package_of(module: str) -> str:
    if file := file_of(module):
        return str(file)
    top = importlib.util.find_spec(module.partition(".")[0])
    if top is None:
        return "nowhere"
    return next(iter(top.submodule_search_locations or ()), top.origin or "nowhere")


def _said(provider: Provider, answers: list[KeptAnswer]) -> Iterator[str]:
    for wish, spec in wishes(provider):
        yield _told(lambda: provider.encode_create(wish, spec))  # noqa: B023 - called at once
    for kept in answers:
        response = HttpResponse(status=kept.status, headers=kept.headers, body=kept.body)
        yield _told(lambda: read(provider, kept.call, response, kept.route))  # noqa: B023 - called at once


def _told(call: Callable[[], object]) -> str:
    try:
        return msgspec.json.encode(call(), enc_hook=_open).decode()
    except ReelwayError as error:
        return f"{type(error).__name__}: {error.message}"


def _open(value: Any) -> Any:
    return value.reveal() if hasattr(value, "reveal") else repr(value)


def main() -> None:
    """Do what the order on stdin says and tell on stdout what was seen."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    # It reads files when it is first asked, which is no doing of the provider's.
    mimetypes.init()
    stdout, sys.stdout = sys.stdout, sys.stderr
    watch = Watch(_package_of(order.module))
    watch.phase = Phase.IMPORT
    kind: Any = _module(order.module)
    for name in order.name.split("."):
        kind = getattr(kind, name)
    watch.phase = None
    provider = _made(kind, order.provider)
    watch.phase = Phase.CALLS
    said = list(_said(provider, order.answers))
    watch.phase = None
    seen = Outside(touched=watch.touched, said=said)
    stdout.buffer.write(msgspec.json.encode(seen))
    stdout.flush()


if __name__ == "__main__":
    main()
