"""An S3 on loopback: moto behind a door where requests are named, counted, and go wrong when told to."""

from __future__ import annotations

import re
import socket
import struct
from collections import defaultdict
from collections.abc import Callable, Iterable
from threading import Thread
from typing import Any, Final, Self
from urllib.parse import parse_qs

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.s3.models import s3_backends
from werkzeug.serving import WSGIRequestHandler, make_server

BUCKET: Final = "videos"
KEY_ID: Final = "CANARYKEYID"
SECRET: Final = "CANARYSECRETKEY"
TOKEN: Final = "CANARYSESSIONTOKEN"

RESET: Final = "reset"
"""In place of a status: the connection is cut in the middle of the exchange."""


class LocalS3:
    """A server with one bucket.

    Attributes:
        requests: the names of what was asked, in order: ``part 2``, ``complete``, ``manifest`` …
        faults: what goes wrong with the next requests of a name: a status, or ``reset``.
        on: is told ``before complete``, ``after complete`` and so on.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.faults: dict[str, list[str]] = defaultdict(list)
        self.on: Callable[[str], None] = lambda moment: None
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        self._server = make_server("127.0.0.1", 0, self._answer, threaded=True, request_handler=_Quiet)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> Self:
        self._backend.reset()
        self._backend.create_bucket(BUCKET, "us-east-1")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._backend.reset()

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to know to reach it."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._server.server_port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": KEY_ID,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_SESSION_TOKEN": TOKEN,
        }

    @property
    def objects(self) -> dict[str, bytes]:
        """What a listing of the bucket shows."""
        return {name: key.value for name, key in self._bucket.keys.items()}

    @property
    def unfinished(self) -> int:
        """Uploads that were begun, and neither completed nor taken back."""
        return len(self._bucket.multiparts)

    def put(self, key: str, content: bytes) -> None:
        """Put an object there, as somebody else would."""
        self._backend.put_object(BUCKET, key, content)

    def remove(self, key: str) -> None:
        """Remove an object."""
        self._backend.delete_object(BUCKET, key)

    def count(self, name: str) -> int:
        """How often something was asked."""
        return self.requests.count(name)

    @property
    def _bucket(self) -> Any:
        return self._backend.buckets[BUCKET]

    def _answer(self, environ: dict[str, Any], respond: Callable[..., Any]) -> Iterable[bytes]:
        name = _name(environ)
        self.requests.append(name)
        self.on(f"before {name}")
        fault = self.faults[name].pop(0) if self.faults[name] else ""
        if fault == RESET:
            _cut(environ["werkzeug.socket"])
            return ()
        if fault:
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            respond(f"{fault} Trouble", [("Content-Type", "application/xml")])
            return (b"<Error><Code>SlowDown</Code><Message>" + SECRET.encode() + b"</Message></Error>",)
        body = b"".join(self._moto(environ, respond))
        self.on(f"after {name}")
        return (body,)


class _Quiet(WSGIRequestHandler):
    """Writes no log, which would be beside the point of every test."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - named so there
        """Nothing."""


NAMES: Final[tuple[tuple[str, str, str], ...]] = (
    # Method, what stands in the query, name.
    ("POST", "uploads", "begin"),
    ("POST", "delete", "delete"),
    ("PUT", "partNumber", "part {partNumber}"),
    ("POST", "uploadId", "complete"),
    ("DELETE", "uploadId", "abort"),
    ("PUT", "", "put"),
    ("HEAD", "", "head"),
    ("GET", "", "get"),
)


def _name(environ: dict[str, Any]) -> str:
    query = {key: values[0] for key, values in parse_qs(environ["QUERY_STRING"], keep_blank_values=True).items()}
    name = next(
        name for method, has, name in NAMES if method == environ["REQUEST_METHOD"] and (not has or has in query)
    )
    whose = " manifest" if re.search(r"\.json$", environ["PATH_INFO"]) else ""
    return name.format(**query) + whose


def _cut(connection: socket.socket) -> None:
    # A reset in place of an orderly end.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RDWR)
    connection.close()
