"""PgBouncer in front of a server, in the mode that keeps the least for a session."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tests.postgres_server import Server

PROGRAM: Final = shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
"""It comes with the system, and not as a Python package."""

SETTINGS: Final = """\
[databases]
postgres = host={folder} port=5432 dbname=postgres

[pgbouncer]
listen_addr =
listen_port = 6432
unix_socket_dir = {folder}
auth_type = trust
auth_file = {folder}/pooled-users
logfile = {folder}/pooler-log
pool_mode = transaction
default_pool_size = 3
"""


@contextmanager
def pooled(server: Server) -> Iterator[None]:
    """Has a pooler with three connections run, which answers at :func:`pooled_url`."""
    assert PROGRAM
    settings = server.folder / "pooler.ini"
    settings.write_text(SETTINGS.format(folder=server.folder))
    (server.folder / "pooled-users").write_text('"postgres" ""\n')
    with subprocess.Popen([PROGRAM, "-q", str(settings)], cwd=server.folder, **server.somebody) as pooler:
        try:
            while not (server.folder / ".s.PGSQL.6432").exists():
                assert pooler.poll() is None, (server.folder / "pooler-log").read_text()
                time.sleep(0.02)
            yield
        finally:
            pooler.terminate()


def pooled_url(server: Server, schema: str) -> str:
    """Where the server is behind its pooler."""
    return server.url(schema=schema, port="6432")
