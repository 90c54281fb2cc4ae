"""What signatures of callbacks are verified with, as `serve` is told: by names of variables and files alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from reelway.account import VARIABLE
from reelway.errors import ConfigurationError
from reelway.ledger.records import AccountKey
from reelway.model.secret import Secret
from reelway.server.signatures import SigningSecret

FORMS: Final = "acme=ACME_SIGNING_SECRET, acme/work=ACME_WORK_SECRET or acme=@keys.json"


def signing_secret(given: str, environ: Mapping[str, str] = os.environ) -> tuple[str | AccountKey, SigningSecret]:
    """Whose callbacks are to be signed, and what they are verified with.

    Raises:
        ConfigurationError: it is none of the forms, or names no variable or file that there is. What was given may
            be the secret itself, so it is not shown.
    """
    whose, equals, source = given.partition("=")
    provider, slash, account = whose.partition("/")
    if not (provider and equals) or bool(slash) != bool(account):
        raise _unreadable()
    return (provider, account) if account else provider, _secret_in(source, environ)


def _secret_in(source: str, environ: Mapping[str, str]) -> SigningSecret:
    if source.startswith("@"):
        return _read_from(Path(source[1:]))
    if not VARIABLE.fullmatch(source):
        raise _unreadable()
    if not environ.get(source):
        hint = "Set it in the environment; a command line is no place for secrets."
        raise ConfigurationError(f"There is no signing secret in {source}.", hint=hint)
    return Secret(environ[source])


def _read_from(file: Path) -> SigningSecret:
    """Read the file for each callback, so that whoever replaces it changes the keys."""
    if not file.is_file():
        raise ConfigurationError(f"There is no file {file}.", hint="Put into it what the provider gives out.")
    return lambda: file.read_text(encoding="utf-8")


def _unreadable() -> ConfigurationError:
    return ConfigurationError("What was given as --signing-secret cannot be read.", hint=f"It looks like {FORMS}.")
