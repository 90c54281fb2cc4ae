"""A recording served back, in place of the network."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from threading import Lock
from typing import Final

from reelway.errors import ConfigurationError
from reelway.model.http import HttpRequest, HttpResponse
from reelway.recording.sample import Sample, read_samples

RECORDED_LINK: Final = "/file-"
"""How the path of every link in a recording begins."""


class Replay:
    """Answers as a recording does, each call in its order; the last answer to a call is given again and again.

    In place of the network::

        client = Client("acme", api_key="any", transport=in_process(Replay("samples/boat").respond))
    """

    def __init__(self, folder: str | Path, *, video: bytes = b"") -> None:
        """Load the recording of a folder.

        Args:
            folder: where it is.
            video: what the links in the recording lead to; files are not recorded.

        Raises:
            ConfigurationError: there is no recording, or a file of it is damaged.
        """
        self._waiting: dict[tuple[str, str], list[Sample]] = defaultdict(list)
        for sample in read_samples(Path(folder)):
            self._waiting[sample.request["method"], sample.request["path"]].append(sample)
        self._video = video
        self._lock = Lock()

    def respond(self, request: HttpRequest) -> HttpResponse:
        """The answer to a request.

        Raises:
            ConfigurationError: nothing like it was recorded.
        """
        path = request.path.lstrip("/")
        with self._lock:
            for (method, recorded), samples in self._waiting.items():
                if method == request.method and (path == recorded or path.endswith(f"/{recorded}")):
                    return (samples.pop(0) if len(samples) > 1 else samples[0]).answer
        if self._video and request.path.startswith(RECORDED_LINK):
            return HttpResponse(status=200, headers=(("Content-Type", "video/mp4"),), body=self._video)
        have = ", ".join(f"{method} {recorded}" for method, recorded in self._waiting)
        raise ConfigurationError(f"Nothing like {request.method} {path} was recorded.", hint=f"There is: {have}.")
