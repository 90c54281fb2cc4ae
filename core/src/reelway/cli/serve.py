"""`serve`: the receiver of callbacks, with a server of its own."""

from __future__ import annotations

import signal
from socket import socket
from types import ModuleType
from typing import Annotated

from typer import Option

from reelway.cli.options import LedgerUrl, Options
from reelway.cli.plugins import installed
from reelway.cli.run import Run
from reelway.cli.state import required_ledger
from reelway.errors import ConfigurationError


class ServeOptions(Options, frozen=True, kw_only=True):
    """Where callbacks are received and kept."""

    ledger: LedgerUrl = None
    host: Annotated[str, Option("--host", metavar="ADDRESS", help="The address of this machine to listen at.")] = (
        "127.0.0.1"
    )
    port: Annotated[
        int, Option("--port", metavar="NUMBER", min=0, max=65535, help="Where to listen; 0 takes a free one.")
    ] = 8790
    path: Annotated[str, Option("--path", metavar="PATH", help="Below which path callbacks come.")] = "/callbacks"
    signing_secret: Annotated[
        list[str],
        Option(
            "--signing-secret",
            metavar="PROVIDER[/ACCOUNT]=SOURCE",
            help="Keep nothing of this provider that is not signed. SOURCE names the environment variable with "
            "what its signatures are verified with, or is @FILE. Repeatable.",
            show_default=False,
        ),
    ] = []


def serve(run: Run, options: ServeOptions) -> None:
    """Receive callbacks until Ctrl-C: each is kept in the ledger, and has its task polled soon.

    A tracker on the same ledger does the polls. Put a reverse proxy with TLS in front of it.
    """
    from reelway.cli.signing import signing_secret
    from reelway.server import CallbackReceiver

    serving = load_server()
    secrets = dict(map(signing_secret, options.signing_secret))
    with required_ledger(options.ledger) as ledger, serving.listen(options.host, options.port) as listening:
        receiver = CallbackReceiver(ledger, path=options.path, secrets=secrets, registry=installed())
        address = f"http://{_shown(listening)}/{options.path.strip('/')}".rstrip("/")
        said = f"Callbacks are received at {address}/ until Ctrl-C, and kept in {ledger.name}."
        run.screen.result({"url": address, "ledger": ledger.name}, said)
        # A service is stopped by this signal, and by Ctrl-C where a person runs it.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            serving.server_of(receiver, access_log=not run.screen.quiet).run(sockets=[listening])
        except KeyboardInterrupt:
            run.screen.say("The receiver is closed.")


def load_server() -> ModuleType:
    """What serves, which needs one library more than the rest.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        from reelway.server import serving
    except ModuleNotFoundError as error:
        hint = 'Install it: python -m pip install "reelway[server]"'
        raise ConfigurationError(f"Receiving callbacks needs {error.name}.", hint=hint) from error
    return serving


def _shown(listening: socket) -> str:
    host, port, *_ = listening.getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
