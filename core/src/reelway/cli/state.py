"""Where the command remembers its jobs: a ledger in the user's state folder, unless another is named."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from reelway.errors import ConfigurationError, LedgerError
from reelway.ledger.interface import Ledger
from reelway.ledgers import open_ledger, sqlite_path

LEDGER_VARIABLE: Final = "REELWAY_LEDGER"

NO_LEDGER: Final = "none"
"""What is written in the place of a URL where nothing is to be remembered."""

STATE_FOLDERS: Final[Mapping[str, tuple[str, str]]] = {
    "win32": ("LOCALAPPDATA", "~/AppData/Local"),
    "darwin": ("", "~/Library/Application Support"),
}
"""Where programs keep their state: the variable that says so, and the folder without it."""

ELSEWHERE: Final = ("XDG_STATE_HOME", "~/.local/state")
"""As https://specifications.freedesktop.org/basedir/latest/ has it; the variable holds everywhere."""

PASSWORDS: Final = frozenset({"password", "sslpassword"})
"""The parameters of a URL that are secret (https://www.postgresql.org/docs/current/libpq-connect.html)."""


def default_file(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Path:
    """The file of the ledger where none is named."""
    variable, folder = STATE_FOLDERS.get(platform, ELSEWHERE)
    named = environ.get(ELSEWHERE[0]) or environ.get(variable, "")
    # A relative path in that variable is to be ignored, says the specification.
    return (Path(named) if Path(named).is_absolute() else Path(folder).expanduser()) / "reelway" / "jobs.db"


def named_ledger(given: str | None, environ: Mapping[str, str] = os.environ) -> str | None:
    """The URL that an option or the environment names, if one does.

    Raises:
        ConfigurationError: the option holds a password, which everybody on the machine can read in a command.
    """
    if given and _holds_password(given):
        hint = f"Set {LEDGER_VARIABLE} to the URL, or leave the password to PGPASSWORD or ~/.pgpass."
        raise ConfigurationError(
            "A command shows its options to everybody, and --ledger holds a password.", hint=hint
        )
    return given or environ.get(LEDGER_VARIABLE) or None


def _holds_password(url: str) -> bool:
    try:
        parts = urlsplit(url)
        secrets = PASSWORDS & {name.lower() for name, _ in parse_qsl(parts.query)}
        return bool(parts.password or secrets)
    except ValueError:
        # No address at all, which is told where it is opened.
        return False


def opened_ledger(given: str | None) -> Ledger | None:
    """The ledger of a command; None where nothing is to be remembered.

    Raises:
        ConfigurationError: what was named is no URL of a ledger.
        LedgerError: it cannot be opened and written to.
    """
    named = named_ledger(given)
    if named is not None:
        return None if named == NO_LEDGER else open_ledger(named)
    file = default_file()
    try:
        _prepare(file)
        return open_ledger(f"sqlite:{file}")
    except OSError as error:
        message = f"The folder {file.parent} cannot be made: {error.strerror}."
        raise LedgerError(message, hint=_way_out("See who owns it.")) from error
    except LedgerError as error:
        error.hint = _way_out(error.hint)
        raise


def required_ledger(given: str | None) -> Ledger:
    """The ledger of a command that can do nothing without one.

    Raises:
        ConfigurationError: none was asked for, or what was named is no URL of one.
        LedgerError: it cannot be opened and written to.
    """
    ledger = opened_ledger(given)
    if ledger is None:
        hint = f"Name one, or leave --ledger {NO_LEDGER} out."
        raise ConfigurationError("There is no ledger to look into.", hint=hint)
    return ledger


def existing_ledger(given: str | None) -> Ledger:
    """The ledger of a command that looks into one, and makes none.

    Raises:
        ConfigurationError: there is none, or this is no URL of one.
        LedgerError: it cannot be opened.
    """
    url = named_ledger(given) or f"sqlite:{default_file()}"
    if url == NO_LEDGER:
        raise ConfigurationError("No ledger is named.", hint="Name it with --ledger URL, or in REELWAY_LEDGER.")
    # Whoever looks into a ledger that is not there has mistyped its name, and wants no new one.
    if url.startswith("sqlite:") and not sqlite_path(url).exists():
        raise ConfigurationError(f"There is no ledger {url}.", hint="See what its file is called.")
    return open_ledger(url)


def _way_out(hint: str) -> str:
    return f"{hint} Or name another ledger with --ledger; with --ledger {NO_LEDGER} nothing is remembered."


def _prepare(file: Path) -> None:
    """Make folder and file the user's alone: result links open what was paid for."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
