"""`record`: another command, with its exchanges written down."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

from typer import Argument, Option
from typer.main import get_command

from reelway.cli.options import Options, ProviderOptions
from reelway.cli.run import Run
from reelway.cli.session import RECORDER
from reelway.errors import InvalidRequest, Problem
from reelway.recording.recorder import Recorder


class RecordOptions(Options, frozen=True, kw_only=True):
    """Where a recording goes."""

    to: Annotated[
        Path, Option("--to", metavar="FOLDER", help="A new folder for the samples.", show_default=True)
    ] = Path("samples")


def record(
    run: Run,
    command: Annotated[list[str], Argument(metavar="-- COMMAND...", help="The command, as it would be run alone.")],
    which: ProviderOptions,
    options: RecordOptions,
) -> int:
    """Run another command and write its exchanges with the provider as samples, with nothing private in them.

    Only what is on a list of public words, names and figures is kept; all else is replaced. The exit code is that
    of the command.
    """
    recorder = Recorder(options.to)
    token = RECORDER.set(recorder)
    try:
        code = _run(_completed(command, which.provider))
    finally:
        RECORDER.reset(token)
    run.screen.say(f"{recorder.written} exchanges are in {options.to}. Read them before you publish them.")
    return code


def _completed(command: list[str], provider: str | None) -> list[str]:
    """The command without the program's own name, and for the provider."""
    words = command[1:] if command[0] == "reelway" else command
    if not words or words[0] == "record":
        raise InvalidRequest([Problem(field="command", message=f"{shlex.join(command)!r} can not be recorded")])
    return [*words[:1], *(["--provider", provider] if provider else []), *words[1:]]


def _run(words: list[str]) -> int:
    from reelway.cli.app import app

    try:
        get_command(app).main(words, prog_name="reelway")
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0
