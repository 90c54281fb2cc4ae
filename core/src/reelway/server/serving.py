"""A receiver with a server of its own: Uvicorn, from the extra ``server``."""

from __future__ import annotations

import copy
import socket
from typing import Any, Final

import uvicorn
from uvicorn.config import LOGGING_CONFIG

from reelway.errors import ConfigurationError
from reelway.server.access_logs import HideTokens
from reelway.server.receiver import CallbackReceiver

MOST_CONNECTIONS: Final = 1000
"""At the same time; whoever comes beyond them gets a 503."""

LAST_SECONDS: Final = 15
"""For requests that are under way when the server stops; longer than any body may take."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections already, so that its address can be told.

    Raises:
        ConfigurationError: the address is taken, or not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        hint = "Choose another --port or --host."
        raise ConfigurationError(f"Nobody can listen at {host}:{port}: {error.strerror}.", hint=hint) from error


def server_of(receiver: CallbackReceiver, *, access_log: bool = True) -> uvicorn.Server:
    """A server for a receiver; ``run(sockets=[...])`` serves until the process is told to stop."""
    config = uvicorn.Config(
        receiver,
        access_log=access_log,
        limit_concurrency=MOST_CONNECTIONS,
        log_config=log_config(),
        log_level="info" if access_log else "warning",
        server_header=False,
        timeout_graceful_shutdown=LAST_SECONDS,
        ws="none",
    )
    return uvicorn.Server(config)


def log_config() -> dict[str, Any]:
    """Uvicorn's own logging, on stderr and without tokens."""
    config = copy.deepcopy(LOGGING_CONFIG)
    config["filters"] = {"tokens": {"()": HideTokens}}
    for handler in config["handlers"].values():
        handler |= {"stream": "ext://sys.stderr", "filters": ["tokens"]}
    return config
