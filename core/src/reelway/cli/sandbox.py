"""`sandbox`: every installed provider on loopback, for trying things out."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Final

from typer import Option

from reelway.account import base_url_variable
from reelway.cli.options import Options
from reelway.cli.plugins import installed
from reelway.cli.run import Run
from reelway.cli.shapes import Shape
from reelway.errors import ConfigurationError
from reelway.provider.interface import Provider

if TYPE_CHECKING:
    from reelway.sandbox import Sandbox

SET: Final = "set" if os.name == "nt" else "export"
"""How a shell is told a variable."""


class SandboxOptions(Options, frozen=True, kw_only=True):
    """How the sandbox behaves."""

    port: Annotated[
        int, Option("--port", metavar="NUMBER", min=0, max=65535, help="Where to listen; 0 takes a free one.")
    ] = 0
    job_seconds: Annotated[
        float, Option("--job-seconds", metavar="SECONDS", min=0, help="How long a job takes.")
    ] = 3.0
    chaos: Annotated[
        int | None,
        Option(
            "--chaos",
            metavar="SEED",
            help="Let tasks meet faults by chance; the same seed gives the same faults.",
            show_default=False,
        ),
    ] = None
    list_faults: Annotated[
        bool, Option("--list-faults", help="List what can go wrong on request, and stop.", show_default=False)
    ] = False


def sandbox(run: Run, options: SandboxOptions) -> None:
    """Serve every installed provider on this machine until Ctrl-C: nothing leaves it, and nothing costs money.

    Every key is good but bad-key. A prompt may ask for trouble; --list-faults tells how.
    """
    if options.list_faults:
        _list_faults(run)
        return
    kit = load_sandbox()
    registry = installed()
    with kit(
        registry.providers,
        port=options.port,
        job_seconds=options.job_seconds,
        chaos=options.chaos,
        # A ledger remembers ids for longer than a sandbox lives, so no two of these give the same.
        first_job=int(time.time()),
    ) as served:
        try:
            _introduce(run, served, registry.providers)
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            run.screen.say("The sandbox is closed.")


def load_sandbox() -> type[Sandbox]:
    """The sandbox, which needs one library more than the rest.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        from reelway.sandbox import Sandbox
    except ModuleNotFoundError as error:
        hint = 'Install it: python -m pip install "reelway[cli]"'
        raise ConfigurationError(f"The sandbox needs {error.name}.", hint=hint) from error
    return Sandbox


def example_model(provider: Provider) -> str:
    """A model that makes a video from a prompt alone."""
    plain = (spec.name for spec in provider.models.models if not spec.needs_image)
    return next(plain, "any-model")


def _introduce(run: Run, served: Sandbox, providers: Iterable[Provider]) -> None:
    shown = {one.info.name: _shape(served, one) for one in providers if one.info.name in served.world.providers}
    ledger = f"{served.url}/-/ledger"
    lines = [f"The sandbox is at {served.url} until Ctrl-C. Nothing here leaves this machine or costs money.", ""]
    for shape in shown.values():
        settings = (f"  {SET} {name}={value}" for name, value in shape["environment"].items())
        lines += [shape["title"], *settings, f"  {shape['example']}", ""]
    lines += [
        f"What it saw:  {ledger}",
        "What can go wrong on request:  reelway sandbox --list-faults",
    ]
    run.screen.result({"url": served.url, "ledger": ledger, "providers": shown}, "\n".join(lines))


def _shape(served: Sandbox, provider: Provider) -> Shape:
    info = provider.info
    base_url = served.base_url(info.name)
    options = ["--provider", info.name, "--model", example_model(provider), "--allow-private-links"]
    return {
        "title": info.title,
        "base_url": base_url,
        "environment": {base_url_variable(info.name): base_url, info.key_variable: "sandbox"},
        "example": shlex.join(["reelway", "generate", "A paper boat at dawn", *options, "--poll-every", "1"]),
    }


def _list_faults(run: Run) -> None:
    from reelway.cli.tables import cell, table
    from reelway.sandbox import CATALOG

    made = table(("in the prompt", "what it does", "at"))
    for fault in CATALOG:
        shape = {"name": fault.name, "says": fault.says, "at": list(fault.at), "label": fault.label.value}
        if run.screen.json:
            run.screen.result(shape, "")
        made.add_row(cell(f"[[{fault.name}]]", style="bold"), cell(fault.says), cell(" ".join(fault.at)))
    if not run.screen.json:
        run.screen.show(made)
