"""Writing exchanges down as they happen."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

from reelway.errors import ConfigurationError
from reelway.locks import ForkSafeLock
from reelway.model.http import HttpRequest, HttpResponse
from reelway.provider.interface import Provider
from reelway.recording.redaction import Redactor
from reelway.recording.sample import Sample, write_sample
from reelway.recording.vocabulary import vocabulary_of

logger: Final = logging.getLogger("reelway")


class Recorder:
    """Writes each exchange to a folder, as a sample that holds nothing private.

    A folder holds one recording: the substitutes for ids are counted from one, and two recordings would mix.

    Attributes:
        written: how many exchanges were written.
    """

    def __init__(self, folder: Path) -> None:
        """Make the folder.

        Raises:
            ConfigurationError: it holds something already, or it cannot be made.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            taken = any(folder.iterdir())
        except OSError as error:
            raise ConfigurationError(f"Nothing can be recorded in {folder}: {error.strerror}.") from error
        if taken:
            raise ConfigurationError(f"{folder} holds files already.", hint="Record into a new folder.")
        self._folder = folder
        self._lock = ForkSafeLock()
        self._redactors: dict[str, Redactor] = {}
        self.written = 0

    def exchange(self, provider: Provider, request: HttpRequest, response: HttpResponse) -> None:
        """Write one exchange down. A recording that fails costs nobody a task: it is logged and left."""
        try:
            with self._lock:
                self._write(provider, request, response)
        except Exception:  # noqa: BLE001 - a redaction meets whatever a provider sends
            # The locals of these frames hold the key's neighbours and signed links, so no traceback is logged.
            logger.error("an exchange with %s could not be recorded in %s", provider.info.name, self._folder)  # noqa: TRY400

    def _write(self, provider: Provider, request: HttpRequest, response: HttpResponse) -> None:
        redactor = self._redactors.get(provider.info.name) or Redactor(vocabulary_of(provider))
        self._redactors[provider.info.name] = redactor
        call = call_of(provider, request)
        sample = Sample(
            provider=provider.info.name,
            call=call,
            request=redactor.request(request),
            response=redactor.response(response),
        )
        self.written += 1
        write_sample(sample, self._folder / f"{self.written:04}-{call}.json")


def call_of(provider: Provider, request: HttpRequest) -> str:
    """Which call a request makes, as far as the provider's simulator can tell; else its method."""
    simulator = provider.simulator()
    call = simulator.recognise(request) if simulator is not None else None
    return request.method.lower() if call is None else call.kind.value
