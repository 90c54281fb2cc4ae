"""The commands and how the help arranges them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from reelway.cli import (
    catalog,
    conform,
    creating,
    demo,
    doctor,
    explain,
    following,
    listing,
    new_provider,
    record,
    sandbox,
    serve,
    tasks,
    tracking,
)
from reelway.cli.entry import Body, Command, entry, name_of
from reelway.cli.exit_codes import as_help
from reelway.cli.plugins import trying

PANELS: Final[Mapping[str, tuple[Body, ...]]] = {
    "Make videos": (creating.generate, creating.create, creating.remix),
    "Follow tasks": (following.wait, following.watch, tracking.track, tasks.get, tasks.download, tasks.cancel),
    "Remember": (listing.list_, listing.adopt, listing.abandon),
    "Run a service": (serve.serve,),
    "Look around": (catalog.providers, catalog.models, explain.explain),
    "Try and check": (demo.demo, sandbox.sandbox, record.record, doctor.doctor),
    "Write a provider": (new_provider.new_provider, conform.conform),
}

app = typer.Typer(
    name="reelway",
    help="Follow AI video-generation jobs on any provider: submit once, follow to the end, hold the file.",
    epilog=as_help(),
    no_args_is_help=True,
    # Tracebacks with the values of variables could show what is signed or secret.
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        from reelway._version import __version__

        typer.echo(f"reelway {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    context: typer.Context,
    plugin: Annotated[
        list[Path] | None,
        typer.Option(
            "--plugin",
            metavar="FILE",
            help="A Python file that is loaded like an installed plugin: for a first try. Repeatable.",
            exists=True,
            dir_okay=False,
            show_default=False,
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Options before the command."""
    context.with_resource(trying(plugin or ()))


for _panel, _bodies in PANELS.items():
    for _body in _bodies:
        app.command(name_of(_body), cls=Command, rich_help_panel=_panel)(entry(_body))
