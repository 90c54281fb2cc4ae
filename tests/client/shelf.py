"""A provider's API and a file host, two raw servers that count: what is asked of them, and with which key."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from reelway import Billed, Download, DownloadError, Status, Task, TaskRef, Video
from reelway.model.secret import Secret
from reelway.sandbox.video import etag, reel
from reelway.testing.clock import START
from tests.client.counting import ID, KEY, Ended, Party, ended, http, json_says
from tests.transport.rogue import RogueServer, Visit

SIGNATURE: Final = "CANARYSIGNATURE"

Delivery = Callable[[Visit, bytes], None]
"""How a server treats one request for a file."""

CLOSE: Final = "Connection: close"


def video(size: int, seed: int = 1) -> bytes:
    """A playable file of that size, with a box of noise that players skip."""
    noise = random.Random(seed).randbytes(size - len(reel()) - 8)
    return reel() + (size - len(reel())).to_bytes(4, "big") + b"free" + noise


VIDEO: Final = video(300_000)
TAG: Final = etag(VIDEO)


def asked_from(request: bytes) -> int | None:
    """The byte from which a request wants the file, where it wants the rest of it only."""
    found = re.search(rb"\r\nRange: bytes=(\d+)-\r\n", request)
    return int(found[1]) if found else None


def answer(request: bytes, content: bytes = VIDEO) -> bytes:
    """What an honest server says: the file, or the rest of it where that is of the same file."""
    start, tag, size = asked_from(request), etag(content), len(content)
    if start is None or f"\r\nIf-Range: {tag}\r\n".encode() not in request:
        return http("200 OK", CLOSE, "Content-Type: video/mp4", f"ETag: {tag}", body=content)
    return http(
        "206 Partial Content",
        CLOSE,
        f"Content-Range: bytes {start}-{size - 1}/{size}",
        f"ETag: {tag}",
        body=content[start:],
    )


def honest(visit: Visit, request: bytes) -> None:
    visit.say(answer(request))


def says(data: bytes) -> Delivery:
    return lambda visit, request: visit.say(data)


def cut(at: int, *, by: Callable[[Visit], None] = lambda visit: None) -> Delivery:
    """The honest answer, up to a byte of the file, where the connection ends."""

    def delivery(visit: Visit, request: bytes) -> None:
        head, _, body = answer(request).partition(b"\r\n\r\n")
        visit.say(head + b"\r\n\r\n" + body[: at - (asked_from(request) or 0)])
        by(visit)

    return delivery


def in_turn(*deliveries: Delivery) -> Delivery:
    """Each request gets the next delivery, the last one again and again."""
    waiting = list(deliveries)

    def delivery(visit: Visit, request: bytes) -> None:
        (waiting.pop(0) if len(waiting) > 1 else waiting[0])(visit, request)

    return delivery


def path_of(request: bytes) -> str:
    return request.split(b" ", 2)[1].decode()


def keyed(request: bytes) -> bool:
    return f"\r\nAuthorization: Bearer {KEY}\r\n".encode() in request


class Shelf:
    """Both servers. The API says of every task that it has succeeded, with a link to the file host.

    Attributes:
        deliver: how a file is delivered.
        content: what the API's own content route says.
        link: the link that polls name; signed.
    """

    def __init__(self, *deliveries: Delivery, content: Delivery | None = None) -> None:
        self.deliver = in_turn(*deliveries)
        self.content = content or says(http("404 Not Found", CLOSE))
        self.api = RogueServer(self._api)
        self.files = RogueServer(self._files)
        self.link = f"{self.files.url}/v.mp4?sig={SIGNATURE}"

    def __enter__(self) -> Self:
        self.api.__enter__()
        self.files.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.files.__exit__()
        self.api.__exit__()

    def task(self, party: Party, *links: str) -> Task:
        """A task that has succeeded; with the link of now, where no other is given."""
        videos = tuple(Video(url=Secret(link)) for link in links or (self.link,))
        ref = TaskRef(party.provider, "default", "", ID)
        return Task(ref=ref, submitted_at=START, changed_at=START, status=Status.SUCCEEDED, videos=videos)

    @property
    def polls(self) -> int:
        return sum(not path_of(request).endswith("/content") for request in self.api.requests)

    @property
    def ranges(self) -> list[int | None]:
        """From where each request wanted the file."""
        return [asked_from(request) for request in self.files.requests]

    def assert_no_key_left(self) -> None:
        """The key was seen at its own host only, and nothing was created."""
        assert self.api.creates == self.files.creates == 0
        assert all(keyed(request) for request in self.api.requests)
        assert not [request for request in self.files.requests if KEY.encode() in request or b"uthoriz" in request]

    def _api(self, visit: Visit) -> None:
        while request := visit.read_request():
            if path_of(request).endswith("/content"):
                self.content(visit, request)
                return
            visit.say(json_says(self._state()))

    def _state(self) -> bytes:
        # Each provider keeps the link in a place of its own.
        return msgspec.json.encode({"id": ID, "status": "completed", "video_url": self.link, "url": self.link})

    def _files(self, visit: Visit) -> None:
        if request := visit.read_request():
            self.deliver(visit, request)


def file(*headers: str, body: bytes = VIDEO, status: str = "200 OK") -> bytes:
    return http(status, CLOSE, "Content-Type: video/mp4", *headers, body=body)


ENDLESS: Final = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
OPEN: Final = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n"
CHUNKED: Final = OPEN + b"Transfer-Encoding: chunked\r\n\r\n"
CHUNK: Final = b"%x\r\n%s\r\n" % (len(VIDEO), VIDEO)


def download(party: Party, shelf: Shelf, target: Path, *links: str, **options: Any) -> Ended:
    limits = {name: options.pop(name) for name in ("limit", "timeout") if name in options}
    with party.at(shelf.api.url, **options) as client:
        return ended(lambda: client.download(shelf.task(party, *links), target, **limits))


def assert_whole(end: Ended, target: Path, content: bytes = VIDEO) -> None:
    assert isinstance(end, Download)
    assert target.read_bytes() == content
    assert (end.size, end.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert list(target.parent.iterdir()) == [target]


def assert_nothing(end: Ended, target: Path, kind: type[DownloadError]) -> None:
    """Nothing under the name, and an error that says that the paid result is still there."""
    assert type(end) is kind
    assert (end.resubmit_safe, end.billed) == (False, Billed.YES)
    assert end.task is not None
    assert SIGNATURE not in str(end)
    assert not target.exists()
    assert not target.with_name("cat.mp4.part.lock").exists()
