"""The ``reelway`` command."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Final

NEEDED: Final = ("typer", "rich")
"""What the command needs beyond the library; both come with the extra ``cli``."""


INTERRUPTED: Final = 130
"""The exit code of Ctrl-C, as in :mod:`reelway.cli.exit_codes`, which is imported later than Ctrl-C may come."""


def main() -> None:
    """Run the command."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        names = " and ".join(missing)
        sys.stderr.write(f'The reelway command needs {names}: python -m pip install "reelway[cli]"\n')
        raise SystemExit(2)
    try:
        from reelway.cli.app import app
        from reelway.cli.screen import forgive_encodings

        forgive_encodings()
        app(prog_name="reelway")
    except KeyboardInterrupt:
        # Before a command has begun, nothing is under way that anybody should hear of.
        raise SystemExit(INTERRUPTED) from None
