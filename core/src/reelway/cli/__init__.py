"""The ``reelway`` command."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Final

NEEDED: Final = ("typer", "rich")
"""What the command needs beyond the library; both come with the extra ``cli``."""


def main() -> None:
    """Run the command."""
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        names = " and ".join(missing)
        sys.stderr.write(f'The reelway command needs {names}: python -m pip install "reelway[cli]"\n')
        raise SystemExit(2)
    from reelway.cli.app import app
    from reelway.cli.screen import forgive_encodings

    forgive_encodings()
    app(prog_name="reelway")
